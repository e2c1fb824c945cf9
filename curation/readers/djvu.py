"""DjVu files: text layers where they are good, OCR where they are not, page by page."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from datatrove.data import Document
from pydantic import Field

from curation.document import Failure
from curation.extractors.djvu import DjvuError, DjvuFile, DjvuInfo, check_programs
from curation.extractors.layout import layout_stream
from curation.extractors.ocr import OcrError, OcrOptions, recognise
from curation.extractors.ocr.extras import check_extras
from curation.extractors.page import Page
from curation.extractors.pdf import judge, page_of
from curation.extractors.pdf.judge import UNSURE, is_better
from curation.processors import register
from curation.readers.base import InputFile, Reader, Split
from curation.readers.book import Chapter, Per, book_documents, bounded, headed_chapters
from curation.readers.streams import Damage, chunks
from curation.text.lexicon import Lexicon, load_lexicon

DEATHS = 20
"""Pages over which the programs may break off before the rest of a file is given up."""
GLANCE = 24
"""Dots per inch at which a page is rendered, where there is no OCR, to see whether anything is on it."""


@register
class DjvuReader(Reader):
    """Reads DjVu files by the programs of DjVuLibre: words of the text layer or, where that is missing or bad, of OCR; then put in reading order.

    Failures of a file: `empty`, `corrupt`, `truncated`, `large`, `outside` (its pages are in other files); of a page (`book.djvu#page=12`), after which the
    book goes on: `corrupt`, `truncated`, `timeout`, `memory`, `crash`, `large`, those of `OcrError`, and without OCR `image`, `garbage` and `encoding`.
    """

    name: ClassVar[str] = "djvu"
    extensions: ClassVar[tuple[str, ...]] = (".djvu", ".djv")
    alone: ClassVar[bool] = True

    per: Per = "book"
    """What a document is: a whole file, a chapter (by its outline, else by its headings) or a page."""
    ocr: OcrOptions | None = OcrOptions()
    """How pages without a good text layer are read; null to leave them out, as failures."""
    language: str = "azj_Latn"
    """Language profile whose lexicon judges text layers and joins divided words."""
    timeout: int = Field(default=30, ge=1)
    """Seconds of CPU time that one run over a page may take, OCR apart."""
    memory: int = Field(default=1 << 30, ge=128 << 20)
    """Bytes of address space that the programs may have."""
    max_bytes: int = Field(default=2 << 30, gt=0)
    """Largest file that is opened."""

    def needs(self) -> tuple[str, ...]:
        return ("pillow", "tesseract") if self.ocr else ("pillow",)

    def read(self, split: Split) -> Iterator[Document | Failure]:
        check_programs()
        check_extras()
        name = split.file.name
        try:
            with tempfile.TemporaryDirectory(prefix="dollma-") as folder:
                path = _copied(split.file, Path(folder), self.max_bytes)
                yield from self._book(DjvuFile(path, self.timeout, self.memory), name)
        except DjvuError as error:
            yield Failure(name, error.reason, f"{name}: {error}", name)

    def _book(self, file: DjvuFile, name: str) -> Iterator[Document | Failure]:
        info = file.info()
        lexicon = load_lexicon(self.language)
        failures: list[Failure] = []
        texts = list(layout_stream(self._pages(file, info, name, lexicon, failures), lexicon))
        yield from failures
        if not texts:
            return
        place = {text.number: at for at, text in enumerate(texts)}
        outline = [Chapter(entry.title, place[entry.page]) for entry in info.outline if entry.page in place]
        chapters = (outline if len(outline) > 1 else headed_chapters(texts)) if self.per == "chapter" else []
        notes = {str(text.number): list(text.notes) for text in texts if text.notes}
        about = {"title": bounded(info.title), "author": bounded(info.author), "notes": notes or None}
        yield from book_documents(texts, chapters, self.per, name, name, **about)

    def _pages(self, file: DjvuFile, info: DjvuInfo, name: str, lexicon: Lexicon | None, failures: list[Failure]) -> Iterator[Page]:
        deaths = 0
        for number in range(1, info.pages + 1):
            place = f"{name}#page={number}"
            try:
                yield self._page(file, number, lexicon)
            except (DjvuError, OcrError) as error:
                failures.append(Failure(place, error.reason, f"{place}: {error}", place))
                deaths += isinstance(error, DjvuError) and error.reason in ("crash", "timeout", "memory")
            if deaths > DEATHS and number < info.pages:
                rest = f"{name}#page={number + 1}"
                message = (
                    f"{name}: the pages from {number + 1} to {info.pages} were not read, because {deaths} before them broke the programs"
                )
                failures.append(Failure(rest, "crash", message, rest))
                return

    def _page(self, file: DjvuFile, number: int, lexicon: Lexicon | None) -> Page:
        page = file.page(number)
        raw = page.raw
        verdict = judge(raw, lexicon)
        if verdict.use or (self.ocr is None and verdict.reason in UNSURE):
            return page_of(raw, number, () if verdict.use else (f"text: {verdict.reason}",))
        limits = self.ocr or OcrOptions()
        image = file.render(number, page, limits.resolution if self.ocr else GLANCE, limits.max_pixels)
        darkest, lightest = image.getextrema()
        if page.fault and (self.ocr is None or darkest == lightest):
            raise page.fault
        if not raw.words and darkest == lightest:
            return page_of(raw, number)
        if self.ocr is None:
            raise DjvuError(
                verdict.reason.split()[0], f"its text layer cannot be used ({verdict.reason}), and OCR is switched off: see `ocr`"
            )
        read = recognise(image, self.ocr, number)
        words = [word.text for line in read.lines for word in line.words]
        if verdict.reason in UNSURE and not is_better(words, [word.text for word in raw.words], verdict.reason, lexicon):
            return page_of(raw, number, (f"text: {verdict.reason}, but OCR reads no better",))
        return replace(read, notes=(*read.notes, f"ocr: {page.fault.reason if page.fault else verdict.reason}"))


def _copied(file: InputFile, folder: Path, limit: int) -> Path:
    """A copy of the file, alone in its folder under a name of ours: what it names beside itself is not there. Raises DjvuError."""
    path = folder / "book.djvu"
    size = 0
    with path.open("wb") as copy:
        for piece in chunks(file):
            if isinstance(piece, Damage):
                raise DjvuError(piece.reason, piece.message)
            size += len(piece)
            if size > limit:
                raise DjvuError("large", f"it has more than {limit} bytes: see `max_bytes`")
            copy.write(piece)
    return path
