"""What stands in the margins of every page: running heads, and page numbers, which become the pages' labels.

A line at the top or bottom, with white space between it and the text, is a running head where pages near it have the same one at the same height, and a page
number where the numbers of pages near it count along. Only neighbours are looked at, so that a book is read as a stream and each chapter may have a
head of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from curation.extractors.layout.rows import Row

REACH = 6
"""Pages before and after that a page's margins are compared with: heads of left and right pages take turns."""
EDGE = 3
"""Lines at the top, and at the bottom, that may be running heads."""
WHITE = 0.45
"""White space between a running head and the text, in letter heights; lines of text are 0.1 to 0.3 apart. Law codes print the same footnote over and over,
and some of their pages begin with the same line of it: these have no such space behind them."""
ALIKE = 0.7
"""Share of letter pairs that two running heads read by OCR have in common."""
SHIFT, SCAN_SHIFT = 0.006, 0.03
"""Share of the page's height by which the place of running heads varies, in files from programs and on scans."""
SAME_LEVEL = 0.7
"""Letter heights by which pieces of one line may be apart in height: a page number is often smaller than the title beside it."""
WIDEST = 0.85
"""Share of the text's width that a running head fills at most. What fills more is a line of text."""
TOP, BOTTOM = 0.2, 0.8
"""Parts of the page's height in which running heads and page numbers stand."""

_NUMBER = re.compile(r"^[\s\-–—~.|•*_]*(?:(?:səh(?:ifə)?|стр|с|page|p)\.?\s*)?(\d{1,4}|[ivxlc]{1,7})[\s\-–—~.|•*_]*$", re.IGNORECASE)
_DIGITS = re.compile(r"\d+")
_OUTER_DIGITS = re.compile(r"^\W*(\d{1,4})(?=\W*\s)|(?<=\s)(\d{1,4})\W*$")
_ROMAN = re.compile(r"^(x[cl]|l?x{0,3})(i[xv]|v?i{0,3})$", re.IGNORECASE)
_PART = re.compile(
    r"\b(?:əlavə|fəsil|bölmə|maddə|cədvəl|şəkil|mövzu|dərs|hissə|paraqraf|глава|раздел|приложение|chapter|appendix|part|section)\b",
    re.IGNORECASE,
)
"""What is numbered besides pages: these numbers may count along with the pages for a while."""


class Margin(NamedTuple):
    """A line near an edge of its page."""

    row: Row
    top: bool
    level: int
    """How many lines are between it and the edge."""
    place: float
    """Its middle as a share of the page's height."""
    white: bool
    """Whether it stands apart: white space is between it and the next line on the way to the text, and it does not fill the width."""
    key: str
    """Its letters and digits, a page number at either end left out."""
    pairs: frozenset[str]
    number: int | None
    alone: bool
    """Whether it is a page number and nothing else."""
    shown: str
    """The number as it is printed."""


def margins(rows: Sequence[Row], height: float) -> list[Margin]:
    """The lines of a page of this height that may be running heads or page numbers, from either edge inwards."""
    if not rows:
        return []
    height = height or 1.0
    widest = WIDEST * (max(row.x1 for row in rows) - min(row.x0 for row in rows))
    top = sorted((row for row in rows if row.middle < TOP * height), key=lambda row: row.middle)
    bottom = sorted((row for row in rows if row.middle > BOTTOM * height), key=lambda row: -row.middle)
    return [*_edge(top, True, height, widest), *_edge(bottom, False, height, widest)]


def _edge(rows: list[Row], top: bool, height: float, widest: float) -> Iterable[Margin]:
    levels: list[list[Row]] = []
    for row in rows:
        if levels and abs(row.middle - levels[-1][0].middle) < SAME_LEVEL * row.size:
            levels[-1].append(row)
        elif len(levels) > EDGE:
            break
        else:
            levels.append([row])
    for number, (level, inner) in enumerate(zip(levels[:EDGE], [*levels[1 : EDGE + 1], []], strict=False)):
        for row in level:
            gap = min((other.y0 - row.y1 if top else row.y0 - other.y1 for other in inner), default=float("inf"))
            white = gap >= WHITE * row.size and (row.x1 - row.x0 <= widest or len(rows) == 1)
            yield _margin(row, top, number, row.middle / height, white)


def _margin(row: Row, top: bool, level: int, place: float, white: bool) -> Margin:
    text = " ".join(word.text for word in row.words)[:300]
    number = _NUMBER.match(text)
    if number is not None and (number[1].isdigit() or _ROMAN.match(number[1])):
        return Margin(row, top, level, place, white, "", frozenset(), _value(number[1]), True, number[1])
    outer = None if _PART.search(text) else _OUTER_DIGITS.search(text)
    shown = (outer[1] or outer[2]) if outer else ""
    rest = _OUTER_DIGITS.sub(" ", text) if outer else text
    key = "".join(char for char in rest.casefold() if char.isalnum())
    pairs = frozenset(key[at : at + 2] for at in range(len(key) - 1))
    return Margin(row, top, level, place, white, key, pairs, int(shown) if shown else None, False, shown)


def _value(text: str) -> int:
    if text.isdigit():
        return int(text)
    values = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
    numbers = [values[char] for char in text.lower()]
    return sum(-a if a < b else a for a, b in zip(numbers, [*numbers[1:], 0], strict=True))


def running(pages: Sequence[tuple[int, Sequence[Margin]]], at: int) -> tuple[list[Row], str]:
    """(lines of the page at this place that are no part of its text, its printed number) by the margins of the pages around it.

    `pages` are (number in the file, margins) of neighbouring pages.
    """
    number, own = pages[at]
    others = [pages[i] for i in range(max(at - REACH, 0), min(at + REACH + 1, len(pages))) if i != at]
    rows: list[Row] = []
    label = ""
    for top in (True, False):
        held: list[Row] = []
        reached = 0
        for margin in (margin for margin in own if margin.top == top):
            if margin.level > reached:
                break
            if not margin.key and not margin.alone and margin.row.words[0].confidence is not None:
                reached = margin.level + 1  # a speck at the edge of a scan
                rows = [*rows, margin.row]
                continue
            counts = margin.number is not None and _counts_along(margin, number, others)
            lonely = not others and not top and margin.white and sum(other.level == margin.level and not other.top for other in own) == 1
            if not (margin.alone and (counts or lonely)) and not _repeated(margin, others):
                continue
            reached = margin.level + 1
            held.append(margin.row)
            label = label or (margin.shown if margin.alone or counts else "")
            if margin.white or margin.alone:
                rows, held = [*rows, *held], []
    return rows, label


def _counts_along(margin: Margin, number: int, others: Sequence[tuple[int, Sequence[Margin]]]) -> bool:
    """Whether pages near have the numbers that would follow from this one: two of them, or all there are."""
    offset = (margin.number or 0) - number
    found = sum(
        any(
            other.number is not None and other.number - n == offset and other.alone == margin.alone and other.top == margin.top
            for other in near
        )
        for n, near in others
    )
    return found >= (2 if len(others) > 2 else 1)


def _repeated(margin: Margin, others: Sequence[tuple[int, Sequence[Margin]]]) -> bool:
    if len(margin.key) < 2:
        return False
    same = sum(any(_alike(margin, other) for other in near) for _, near in others)
    return same >= (2 if len(others) > 2 else 1)


def _alike(a: Margin, b: Margin) -> bool:
    read = a.row.words[0].confidence is not None
    if a.top != b.top or abs(a.place - b.place) > (SCAN_SHIFT if read else SHIFT):
        return False
    if a.key == b.key:
        return True
    return read and bool(a.pairs) and 2 * len(a.pairs & b.pairs) >= ALIKE * (len(a.pairs) + len(b.pairs))
