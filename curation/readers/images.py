"""Pictures of pages: PNG, JPEG, TIFF with any number of pages, BMP and WebP, each file a book, or the pictures of a folder one book."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any, ClassVar

from datatrove.data import Document

from curation.document import Failure
from curation.extractors.ocr import OcrError, OcrOptions, recognise
from curation.extractors.ocr.extras import Image, ImageOps, check_extras
from curation.extractors.page import Page
from curation.processors import register
from curation.readers.base import InputFile, Reader, Split
from curation.readers.book import Per
from curation.readers.paged import failure, paged_documents
from curation.readers.streams import open_raw
from curation.text.lexicon import load_lexicon

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP")
_LAST_NUMBER = re.compile(r"\d+(?=\D*$)", re.ASCII)


@register
class ImagesReader(Reader):
    """Reads page images by OCR, then puts their words in reading order. Pictures of one folder whose names differ in their last number alone are the
    pages of one book, in the order of those numbers; its name is theirs with `*` for the number.

    Failures, of single pages where the rest can be read: `image` (broken or cut off), `large` (more pixels than `ocr.max_pixels`), and those of `OcrError`.
    """

    name: ClassVar[str] = "images"
    version: ClassVar[int] = 4
    extensions: ClassVar[tuple[str, ...]] = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")
    alone: ClassVar[bool] = True

    per: Per = "book"
    """What is a document: the whole `book` (a file or a folder of numbered pictures), each `chapter` (by its headings) or each `page`."""
    folders: bool = True
    """Numbered pictures of one folder are one book; false where each file is a book of its own."""
    ocr: OcrOptions = OcrOptions()
    """How pages are read."""
    language: str = "azj_Latn"
    """Language profile whose lexicon joins divided words."""

    def gathered(self, files: list[InputFile]) -> list[InputFile]:
        if not self.folders:
            return files
        groups: dict[str, list[InputFile]] = {}
        for file in files:
            groups.setdefault(_book_name(file.name), []).append(file)
        taken = {file.name for file in files}
        books = [_book(name, parts) if len(parts) > 1 and name not in taken else parts for name, parts in groups.items()]
        return sorted((file for book in books for file in book), key=lambda file: file.name)

    def needs(self) -> tuple[str, ...]:
        return ("pillow", "tesseract")

    def read(self, split: Split) -> Iterator[Document | Failure]:
        check_extras()
        name = split.file.name
        failures: list[Failure] = []
        yield from paged_documents(self._pages(split.file, failures), failures, load_lexicon(self.language), self.per, name)

    def _pages(self, file: InputFile, failures: list[Failure]) -> Iterator[Page]:
        number = 0
        for part in file.parts or (file,):
            for place, picture in _pictures(part, self.ocr.max_pixels):
                number += 1
                try:
                    if isinstance(picture, OcrError):
                        raise picture
                    page = recognise(picture, self.ocr, number)
                except OcrError as error:
                    failures.append(failure(place, error))
                else:
                    yield page


def _book_name(name: str) -> str:
    """The file's name without its ending, `*` in the place of its last number."""
    path = PurePosixPath(name)
    return str(path.with_name(_LAST_NUMBER.sub("*", path.stem, count=1)))


def _book(name: str, parts: list[InputFile]) -> list[InputFile]:
    ordered = tuple(sorted(parts, key=lambda part: (_number(part.name), part.name)))
    return [replace(ordered[0], name=name, size=sum(part.size for part in ordered), parts=ordered)]


def _number(name: str) -> int:
    found = _LAST_NUMBER.search(PurePosixPath(name).stem)
    return int(found.group()[:4000]) if found else 0


def _pictures(file: InputFile, max_pixels: int) -> Iterator[tuple[str, Image.Image | OcrError]]:
    """The pages of one file with their places, or what is wrong with them. A TIFF has many, every other file one."""
    with open_raw(file.path) as raw:
        try:
            with _quiet():
                image = Image.open(raw, formats=FORMATS)
        except Image.DecompressionBombError as error:
            yield file.name, OcrError("large", str(error))
            return
        except Exception as error:  # whatever a decoder raises on a broken file
            yield file.name, OcrError("image", f"it is no picture that can be read ({_told(error)})")
            return
        many = image.format == "TIFF"
        for frame in range(1 << 31):
            place = f"{file.name}#page={frame + 1}" if many and (frame or _has_more(image)) else file.name
            try:
                with _quiet():
                    image.seek(frame)
            except EOFError:
                return
            except Exception as error:
                yield place, OcrError("image", f"its pages from here on cannot be found ({_told(error)})")
                return
            yield place, _picture(image, max_pixels)
            if not many:
                return


def _has_more(image: Any) -> bool:
    try:
        with _quiet():
            image.seek(1)
            image.seek(0)
    except Exception:  # one page, or a broken second one, which its own turn will tell
        image.seek(0)
        return False
    return True


def _picture(image: Any, max_pixels: int) -> Image.Image | OcrError:
    """The present page, upright as its EXIF says."""
    width, height = image.size
    if width * height > max_pixels:
        return OcrError("large", f"the page has {width} × {height} pixels, more than {max_pixels:,} (option ocr.max_pixels)")
    try:
        with _quiet():
            image.load()
            return ImageOps.exif_transpose(image)
    except Exception as error:  # whatever a decoder raises on a broken file
        return OcrError("image", f"the page cannot be decoded ({_told(error)})")


@contextmanager
def _quiet() -> Iterator[None]:
    """Pillow's warnings of damaged metadata and large pictures are no news: pages that fail are told of, and sizes have their own limit."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
