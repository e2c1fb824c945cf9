"""DjVu files: text layers where they are good, OCR where they are not, page by page."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from datatrove.data import Document
from pydantic import Field

from curation.document import Failure
from curation.extractors.djvu import DjvuFile, check_programs
from curation.extractors.ocr import OcrOptions, recognise
from curation.extractors.ocr.extras import check_extras
from curation.extractors.page import Page, PageError
from curation.extractors.pdf import judge, page_of
from curation.extractors.pdf.judge import UNSURE
from curation.processors import register
from curation.readers.base import Reader, Split
from curation.readers.book import Per
from curation.readers.paged import copy_bounded, failure, likelier, numbered_pages, paged_documents, without_ocr
from curation.text.lexicon import Lexicon, load_lexicon

GLANCE = 24
"""Dots per inch at which a page is rendered, where there is no OCR, to see whether anything is on it."""


@register
class DjvuReader(Reader):
    """Reads DjVu files by the programs of DjVuLibre: words of the text layer or, where that is missing or bad, of OCR; then put in reading order.

    Failures of a file: `empty`, `corrupt`, `truncated`, `large`, `outside` (its pages are in other files); of a page (`book.djvu#page=12`), after which the
    book goes on: `corrupt`, `truncated`, `timeout`, `memory`, `crash`, `large`, those of `OcrError`, and without OCR `image`, `garbage` and `encoding`.
    """

    name: ClassVar[str] = "djvu"
    version: ClassVar[int] = 4
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
                path = Path(folder) / "book.djvu"  # alone in its folder under a name of ours: what it names beside itself is not there
                with path.open("wb") as copy:
                    copy_bounded(split.file, copy, self.max_bytes)
                yield from self._book(DjvuFile(path, self.timeout, self.memory), name)
        except PageError as error:
            yield failure(name, error)

    def _book(self, file: DjvuFile, name: str) -> Iterator[Document | Failure]:
        info = file.info()
        lexicon = load_lexicon(self.language)
        failures: list[Failure] = []
        pages = numbered_pages(lambda number: self._page(file, number, lexicon), info.pages, name, failures, "the programs")
        yield from paged_documents(pages, failures, lexicon, self.per, name, info.outline, info.title, info.author)

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
            raise without_ocr(verdict.reason)
        return likelier(recognise(image, self.ocr, number), raw, page.fault.reason if page.fault else verdict.reason, lexicon)
