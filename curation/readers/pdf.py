"""PDF files: text layers where they are good, OCR where they are not, page by page."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

import fsspec
from datatrove.data import Document
from pydantic import Field

from curation.document import Failure
from curation.extractors.layout import layout_stream
from curation.extractors.ocr import OcrError, OcrOptions, recognise
from curation.extractors.ocr.extras import Image
from curation.extractors.page import Page
from curation.extractors.pdf import BACKENDS, Backend, PdfError, PdfFile, PdfInfo, RawPage, judge, page_of
from curation.extractors.pdf.judge import UNSURE, is_better
from curation.processors import register
from curation.readers.base import InputFile, Reader, Split
from curation.readers.book import Chapter, Per, book_documents, bounded, headed_chapters
from curation.readers.streams import Damage, chunks, compression
from curation.text.lexicon import Lexicon, load_lexicon

DEATHS = 20
"""Pages over which the library may break off before the rest of a file is given up."""


@register
class PdfReader(Reader):
    """Reads PDF files: words of the text layer or, where that is missing or bad, of OCR; then put in reading order.

    Failures of a file: `encrypted`, `corrupt`, `truncated`, `empty` (no pages), `large`; of a page (`book.pdf#page=12`), after which the book goes on: `timeout`,
    `memory`, `crash`, `page`, `large`, those of `OcrError`, and without OCR `image`, `garbage` and `encoding`.
    """

    name: ClassVar[str] = "pdf"
    extensions: ClassVar[tuple[str, ...]] = (".pdf",)
    alone: ClassVar[bool] = True

    backend: Backend = "pymupdf"
    """Library that opens the files: `pymupdf` (AGPL), or `pdfium` (Apache 2.0)."""
    per: Per = "book"
    """What a document is: a whole file, a chapter (by its outline, else by its headings) or a page."""
    ocr: OcrOptions | None = OcrOptions()
    """How pages without a good text layer are read; null to leave them out, as failures."""
    language: str = "azj_Latn"
    """Language profile whose lexicon judges text layers and joins divided words."""
    timeout: float = Field(default=30.0, gt=0)
    """Seconds of CPU time that one page may take, OCR apart."""
    memory: int = Field(default=2 << 30, ge=256 << 20)
    """Bytes of address space that the library may have."""
    max_bytes: int = Field(default=2 << 30, gt=0)
    """Largest file that is opened."""

    def needs(self) -> tuple[str, ...]:
        return (BACKENDS[self.backend], *(("pillow", "tesseract") if self.ocr else ()))

    def read(self, split: Split) -> Iterator[Document | Failure]:
        name = split.file.name
        try:
            with _local(split.file, self.max_bytes) as path, PdfFile(path, self.backend, self.timeout, self.memory) as file:
                yield from self._book(file, name)
        except PdfError as error:
            yield Failure(name, error.reason, f"{name}: {error}", name)

    def _book(self, file: PdfFile, name: str) -> Iterator[Document | Failure]:
        info = file.info()
        if not info.pages:
            raise PdfError("empty", "it has no pages")
        lexicon = load_lexicon(self.language)
        failures: list[Failure] = []
        texts = list(layout_stream(self._pages(file, info, name, lexicon, failures), lexicon))
        yield from failures
        if not texts:
            return
        place = {text.number: at for at, text in enumerate(texts)}
        outline = [Chapter(entry.title, place[entry.page + 1]) for entry in info.outline if entry.level == 1 and entry.page + 1 in place]
        chapters = (outline if len(outline) > 1 else headed_chapters(texts)) if self.per == "chapter" else []
        notes = {str(text.number): list(text.notes) for text in texts if text.notes}
        about = {"title": bounded(info.title), "author": bounded(info.author), "notes": notes or None}
        yield from book_documents(texts, chapters, self.per, name, name, **about)

    def _pages(self, file: PdfFile, info: PdfInfo, name: str, lexicon: Lexicon | None, failures: list[Failure]) -> Iterator[Page]:
        deaths = 0
        for number in range(1, info.pages + 1):
            place = f"{name}#page={number}"
            try:
                yield self._page(file, number, lexicon)
            except (PdfError, OcrError) as error:
                failures.append(Failure(place, error.reason, f"{place}: {error}", place))
                deaths += isinstance(error, PdfError) and error.reason in ("crash", "timeout", "memory")
            if deaths > DEATHS:
                message = (
                    f"{name}: the pages from {number + 1} to {info.pages} were not read, because {deaths} before them broke the library"
                )
                failures.append(Failure(f"{name}#page={number + 1}", "crash", message, f"{name}#page={number + 1}"))
                return

    def _page(self, file: PdfFile, number: int, lexicon: Lexicon | None) -> Page:
        raw = file.page(number)
        verdict = judge(raw, lexicon)
        if verdict.use:
            return page_of(raw, number)
        if self.ocr is None:
            if verdict.reason in UNSURE:
                return page_of(raw, number, (f"text: {verdict.reason}",))
            raise PdfError(
                verdict.reason.split()[0], f"its text layer cannot be used ({verdict.reason}), and OCR is switched off: see `ocr`"
            )
        dpi = _resolution(raw, self.ocr)
        width, height, grey = file.render(number, dpi)
        read = recognise(Image.frombytes("L", (width, height), grey), self.ocr, number)
        words = [word.text for line in read.lines for word in line.words]
        if verdict.reason in UNSURE and not is_better(words, [word.text for word in raw.words], verdict.reason, lexicon):
            return page_of(raw, number, (f"text: {verdict.reason}, but OCR reads no better",))
        return _noted(read, f"ocr: {verdict.reason}")


def _resolution(raw: RawPage, ocr: OcrOptions) -> float:
    """Dots per inch at which the page has no more pixels than OCR takes."""
    inches = max(raw.width * raw.height / 72**2, 1e-6)
    return min(float(ocr.resolution), (0.98 * ocr.max_pixels / inches) ** 0.5)


def _noted(page: Page, note: str) -> Page:
    return Page(page.number, page.width, page.height, page.lines, page.origin, page.label, page.script, (*page.notes, note))


@contextmanager
def _local(file: InputFile, limit: int) -> Iterator[str]:
    """A path on this machine where the file's bytes lie. Raises PdfError for a file that is too large, or broken as an archive."""
    fs, path = fsspec.core.url_to_fs(file.path)
    local = "file" in ((fs.protocol,) if isinstance(fs.protocol, str) else fs.protocol)
    if local and not compression(file.name):
        if file.size > limit:
            raise PdfError("large", f"it has {file.size} bytes, more than `max_bytes`, {limit}")
        yield path
        return
    with tempfile.NamedTemporaryFile(suffix=".pdf") as spool:
        size = 0
        for piece in chunks(file):
            if isinstance(piece, Damage):
                raise PdfError(piece.reason, piece.message)
            size += len(piece)
            if size > limit:
                raise PdfError("large", f"it has more than {limit} bytes: see `max_bytes`")
            spool.write(piece)
        spool.flush()
        yield spool.name
