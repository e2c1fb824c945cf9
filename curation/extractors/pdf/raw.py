"""What a PDF library tells of a page, before anything is judged or put in order."""

from __future__ import annotations

from itertools import groupby
from statistics import median
from typing import Any, Literal, NamedTuple, Protocol

from curation.extractors.page import Line, Origin, Page, PageError, Word

Backend = Literal["pymupdf", "pdfium"]
BACKENDS: dict[str, str] = {"pymupdf": "pymupdf", "pdfium": "pypdfium2"}
"""Backends and the package that each needs."""


class PdfError(PageError):
    """A file or page that cannot be read. `reason` is one word: encrypted, corrupt, empty, timeout, memory, crash, large, page."""


class RawWord(NamedTuple):
    """A word of the text layer, its box in points from the upper left corner of the page as it is shown, and where the library puts it."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    block: int
    line: int


class RawPage(NamedTuple):
    """A page's text layer, and what lies under it."""

    width: float
    height: float
    words: list[RawWord]
    image_share: float = 0.0
    """Share of the page that its largest image covers."""
    hidden_share: float = 0.0
    """Share of its characters that are drawn invisibly (text render mode 3), as programs do that lay OCR over a scan. Asked only where
    an image covers most of the page."""
    ink: bool = True
    """Whether anything at all is drawn on it. Asked only where it has no words."""


class Library(Protocol):
    """A PDF library, inside the process that may break."""

    def info(self) -> dict[str, Any]:
        """Number of pages, title, author, outline and page labels."""

    def page(self, number: int) -> RawPage:
        """The text layer of one page, counted from 0."""

    def render(self, number: int, dpi: float) -> tuple[int, int, bytes]:
        """Width, height and grey bytes of the page as it is shown."""


WORD_LIMIT = 100_000
"""Words of a page, above which it is refused: some fifty times a page of a newspaper."""
HIDDEN = 0.5
"""Share of a page's letters that are printed invisibly from which on its text layer is what OCR left there."""
HIDDEN_IMAGE_SHARE = 0.6
"""Share of a page from which an image may be a scan with a text layer over it. Scanners' margins are at most a fifth of each side."""


def page_of(raw: RawPage, number: int, notes: tuple[str, ...] = ()) -> Page:
    """A page of the contract out of its text layer. Boxes are as high as their font is large, so that a line's size is the median of them.
    What lies invisible under a scan is somebody's OCR, and counts as that."""
    lines = []
    for (block, _), group in groupby(raw.words, key=lambda word: (word.block, word.line)):
        words = tuple(Word(word.text, word.x0, word.y0, word.x1, word.y1) for word in group)
        lines.append(Line(words, median(word.y1 - word.y0 for word in words), block))
    origin: Origin = "none" if not lines else "ocr" if raw.hidden_share > HIDDEN else "text"
    return Page(number, raw.width, raw.height, tuple(lines), origin, notes=notes)
