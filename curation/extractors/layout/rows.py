"""Printed lines: what extractors hand on as lines, cut at gaps that no space makes, and put together again along a column."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from curation.extractors.page import Line, Page, Word

GUTTER = 1.6
"""Gap, in letter heights, at which a line is cut in two: columns stand at least so far apart, and justification rarely opens a gap so wide.
What is cut and belongs together is joined again after the columns are known."""
SAME_LINE = 0.5
"""Share of the lower of two boxes by which they overlap vertically, from which they are on one line."""
MOST_WORDS = 500
"""Words that one line may hold, so that a hostile page takes no quadratic time. A line of a newspaper over its whole width has sixty."""
RAISED = 0.2
"""The same for a box that directly follows another one: a raised or lowered sign, such as the mark of a footnote."""


class Row(NamedTuple):
    """A printed line, or a piece of one, and its box."""

    words: tuple[Word, ...]
    x0: float
    y0: float
    x1: float
    y1: float
    size: float

    @property
    def middle(self) -> float:
        """Vertical middle of the box."""
        return (self.y0 + self.y1) / 2


def row_of(words: Sequence[Word], size: float) -> Row:
    """The row of these words. Its height is that of most letters, so that a bracket or a formula makes no line tall."""
    top, bottom = middle([word.y0 for word in words]), middle([word.y1 for word in words])
    return Row(tuple(words), min([word.x0 for word in words]), top, max([word.x1 for word in words]), max(bottom, top), size)


def middle(values: list[float]) -> float:
    """The median, of an even number the upper one: `statistics.median` takes six times as long."""
    return sorted(values)[len(values) // 2]


def fragments(page: Page) -> list[Row]:
    """The lines of a page, each cut at its wide gaps."""
    return [row for line in page.lines for row in _cut(line)]


def _cut(line: Line) -> Iterable[Row]:
    words = [word for word in line.words if word.text.strip()]
    if not words:
        return
    size = line.size or 1.0
    start = 0
    for at, (left, right) in enumerate(pairwise(words), 1):
        if not -2 * size < right.x0 - left.x1 < GUTTER * size:
            yield row_of(words[start:at], size)
            start = at
    yield row_of(words[start:], size)


def lines_of(rows: Iterable[Row]) -> list[Row]:
    """The rows of one column as printed lines, top to bottom: what stands side by side becomes one line."""
    lines: list[Row] = []
    for row in sorted(rows, key=lambda row: (row.middle, row.x0)):
        for back in range(1, min(len(lines), 3) + 1):
            if _on_one_line(lines[-back], row):
                lines[-back] = _merged(lines[-back], row)
                break
        else:
            lines.append(row)
    return lines


def _on_one_line(a: Row, b: Row) -> bool:
    if len(a.words) + len(b.words) > MOST_WORDS:
        return False
    overlap = min(a.y1, b.y1) - max(a.y0, b.y0)
    lower = min(a.y1 - a.y0, b.y1 - b.y0) or 1.0
    apart = max(a.x0, b.x0) - min(a.x1, b.x1)
    if overlap >= SAME_LINE * lower:
        return apart > -0.5 * min(a.size, b.size) or not _collide(a, b)
    small = min(a.size, b.size) < 0.9 * max(a.size, b.size)
    return small and overlap >= RAISED * lower and -0.5 * lower < apart < 0.5 * lower


def _collide(a: Row, b: Row) -> bool:
    """Whether a word of one stands where a word of the other does; else they fill each other's gaps, as the answers of a test do."""
    room = 0.5 * min(a.size, b.size)
    return any(word.x0 < other.x1 - room and other.x0 < word.x1 - room for word in a.words for other in b.words)


def _merged(a: Row, b: Row) -> Row:
    words = tuple(sorted(a.words + b.words, key=lambda word: word.x0))
    wide = a if sum(len(word.text) for word in a.words) >= sum(len(word.text) for word in b.words) else b
    return Row(words, min(a.x0, b.x0), wide.y0, max(a.x1, b.x1), wide.y1, wide.size)
