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
from curation.extractors.ocr import OcrOptions, recognise
from curation.extractors.ocr.extras import Image
from curation.extractors.page import Page, PageError
from curation.extractors.pdf import BACKENDS, Backend, PdfError, PdfFile, RawPage, judge, page_of
from curation.extractors.pdf.judge import UNSURE
from curation.processors import register
from curation.readers.base import InputFile, Reader, Split
from curation.readers.book import Per
from curation.readers.paged import copy_bounded, failure, likelier, numbered_pages, paged_documents, without_ocr
from curation.readers.streams import compression
from curation.text.lexicon import Lexicon, load_lexicon


@register
class PdfReader(Reader):
    """Reads PDF files: words of the text layer or, where that is missing or bad, of OCR; then put in reading order.

    Failures of a file: `encrypted`, `corrupt`, `truncated`, `empty` (no pages), `large`; of a page (`book.pdf#page=12`), after which the book goes on: `timeout`,
    `memory`, `crash`, `page`, `large`, those of `OcrError`, and without OCR `image`, `garbage` and `encoding`.
    """

    name: ClassVar[str] = "pdf"
    version: ClassVar[int] = 4
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
        except PageError as error:
            yield failure(name, error)

    def _book(self, file: PdfFile, name: str) -> Iterator[Document | Failure]:
        info = file.info()
        if not info.pages:
            raise PdfError("empty", "it has no pages")
        lexicon = load_lexicon(self.language)
        failures: list[Failure] = []
        pages = numbered_pages(lambda number: self._page(file, number, lexicon), info.pages, name, failures, "the library")
        outline = [(entry.title, entry.page + 1) for entry in info.outline if entry.level == 1]
        yield from paged_documents(pages, failures, lexicon, self.per, name, outline, info.title, info.author)

    def _page(self, file: PdfFile, number: int, lexicon: Lexicon | None) -> Page:
        raw = file.page(number)
        verdict = judge(raw, lexicon)
        if verdict.use:
            return page_of(raw, number)
        if self.ocr is None:
            if verdict.reason in UNSURE:
                return page_of(raw, number, (f"text: {verdict.reason}",))
            raise without_ocr(verdict.reason)
        dpi = _resolution(raw, self.ocr)
        width, height, grey = file.render(number, dpi)
        read = recognise(Image.frombytes("L", (width, height), grey), self.ocr, number)
        return likelier(read, raw, verdict.reason, lexicon)


def _resolution(raw: RawPage, ocr: OcrOptions) -> float:
    """Dots per inch at which the page has no more pixels than OCR takes."""
    inches = max(raw.width * raw.height / 72**2, 1e-6)
    return min(float(ocr.resolution), (0.98 * ocr.max_pixels / inches) ** 0.5)


@contextmanager
def _local(file: InputFile, limit: int) -> Iterator[str]:
    """A path on this machine where the file's bytes lie. Raises PageError for a file that is too large, or broken as an archive."""
    fs, path = fsspec.core.url_to_fs(file.path)
    local = "file" in ((fs.protocol,) if isinstance(fs.protocol, str) else fs.protocol)
    if local and not compression(file.name):
        if file.size > limit:
            raise PdfError("large", f"it has {file.size} bytes, more than `max_bytes`, {limit}")
        yield path
        return
    with tempfile.NamedTemporaryFile(suffix=".pdf") as spool:
        copy_bounded(file, spool, limit)
        spool.flush()
        yield spool.name
