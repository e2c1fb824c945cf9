"""A page as extractors hand it on: its words with their places, whether they come from a text layer or from OCR. `layout` makes text of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Origin = Literal["text", "ocr", "none"]
"""Where a page's words come from: its text layer, OCR, or nowhere (an empty page)."""


class PageError(Exception):
    """A page, or a file of pages, that cannot be read. `reason` is one word, for the failure that it becomes."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Word(NamedTuple):
    """A word and its box, in units of the page (points of a PDF, pixels of a scan), y downwards."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    confidence: float | None = None
    """What the recogniser says of it, 0 to 100; None for a text layer."""


class Line(NamedTuple):
    """Words that stand on one line of one block, left to right, as the extractor found them."""

    words: tuple[Word, ...]
    size: float
    """Height of its letters: font size of a text layer, median height of the words' boxes of OCR."""
    block: int
    """Number of the block of text that it belongs to, in the extractor's own reading order."""

    @property
    def text(self) -> str:
        """The words with spaces between."""
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a book. `number` counts from 1 in the file; `label` is what is printed on it, where that is known."""

    number: int
    width: float
    height: float
    lines: tuple[Line, ...]
    origin: Origin
    label: str = ""
    script: str = ""
    """ISO 15924 code of the script that OCR was asked to read: Latn, Cyrl."""
    notes: tuple[str, ...] = field(default=())
    """What was decided on the way, for the ledger: `ocr: garbage text layer`."""

    @property
    def confidence(self) -> float | None:
        """Mean confidence over the characters of its words; None without OCR."""
        scored = [(word.confidence, len(word.text)) for line in self.lines for word in line.words if word.confidence is not None]
        total = sum(size for _, size in scored)
        return sum(score * size for score, size in scored) / total if total else None
