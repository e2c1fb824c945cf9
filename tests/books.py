"""Books and pages for tests: lines drawn as a picture, the cache of pages that OCR read, and short ways to read a book."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from datatrove.data import Document
from PIL import Image, ImageDraw, ImageFont

from curation.document import Failure
from curation.errors import DollmaError
from curation.extractors.ocr import page_cache, tesseract
from curation.readers.base import InputFile, Reader, Split

FONTS = Path("/usr/share/fonts/truetype/dejavu")


def drawn(lines: Sequence[str], size: int = 42, font: str = "DejaVuSerif.ttf") -> Image.Image:
    """A page of these lines; skips the test where the font is missing. `size` is in pixels."""
    if not (FONTS / font).exists():
        pytest.skip("needs the fonts of Debian's fonts-dejavu-core")
    face = ImageFont.truetype(str(FONTS / font), size)
    image = Image.new("L", (round(max(face.getlength(line) for line in lines)) + 4 * size, round(size * 1.5 * len(lines)) + 4 * size), 255)
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        draw.text((2 * size, 2 * size + number * size * 1.5), line, 0, face)
    return image


@contextmanager
def pages_kept_in(folder: Path) -> Iterator[Path]:
    """OCR keeps its pages in this folder, and not in the user's own."""
    token = page_cache.set(folder)
    try:
        yield folder
    finally:
        page_cache.reset(token)


def need_tesseract(languages: str = "aze+aze_cyrl") -> None:
    """Skips the test where Tesseract or one of these languages is missing."""
    try:
        tesseract.check_languages(languages)
    except DollmaError as error:
        pytest.skip(str(error))


def read_book(reader: Reader, path: Path) -> list[Document | Failure]:
    """What a reader makes of a file, as one of the folder `kitab`."""
    return list(reader.read(Split(InputFile(str(path), f"kitab/{path.name}", path.stat().st_size))))


def reasons(records: list[Document | Failure]) -> list[tuple[str, str]]:
    """Place and reason of each failure."""
    return [(record.locator, record.reason) for record in records if isinstance(record, Failure)]


def document(records: list[Document | Failure]) -> Document:
    """The one document among them."""
    (only,) = (record for record in records if isinstance(record, Document))
    return only
