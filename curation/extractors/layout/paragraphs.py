"""Printed lines to paragraphs: where one ends and the next begins, by space, indent, width, marks of lists and ends of sentences."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from curation.extractors.layout.hyphens import Words, divided, run_on
from curation.extractors.layout.rows import Row, middle

SPACED = 1.35
"""Distance of two lines, in the column's usual one, from which a paragraph ends between them."""
FAR = 2.2
"""The same, from which nothing goes on."""
INDENT = 0.8
"""Least indent of a first line, in letter heights."""
SIZES = 1.15
"""Ratio of letter heights of two lines that belong to different paragraphs. OCR's heights vary by a tenth."""
_ENDED = re.compile(r"[.!?:;…][\"'”’»)\]]*(?:\s?\[?\d{0,4}\]?)$")
ENDING = 12
"""Characters at the end of a text in which the end of a sentence is looked for: full stop, quotation marks, mark of a footnote."""
_MARK = re.compile(r"^(?:[•●▪■–—-]\s|\(?(?:\d+(?:[.-]\d+)*|[IVXLC]+|[a-zəçşğıöü])[.)](?=\s|$|[^\d\s])|[*†]\s?\S)")
_SMALL = re.compile(r"^[\W\d_]*[^\W\d_]")


class Paragraph(NamedTuple):
    """Text without line breaks, its box's left and right side, its letter height, whether it stands apart, and its last line."""

    text: str
    first: Row
    last: Row
    size: float
    apart: bool
    """Whether an empty line belongs before it; else it is a new line of the same block: verse, answers, a list."""
    full: bool
    """Whether its last line reaches the right side of the column, so that it may go on elsewhere."""
    lines: int


def ended(text: str) -> bool:
    """Whether a text ends as sentences, headings of lists and clauses do."""
    return bool(_ENDED.search(text, max(len(text) - ENDING, 0)))


def starts_small(text: str) -> bool:
    """Whether the first letter is a small one."""
    found = _SMALL.search(text)
    return found is not None and found[0][-1].islower()


def starts_list(text: str) -> bool:
    """Whether it begins with a bullet, a number or letter with a dot or bracket, or a dash."""
    return bool(_MARK.search(text))


def paragraphs(column: Sequence[Row], texts: Sequence[str], lexicon: Words | None) -> list[Paragraph]:
    """The paragraphs of one column, in order. `texts`: those of its lines."""
    if not column:
        return []
    left, right = _sides(column)
    pitch = _pitch(column)
    found: list[Paragraph] = []
    start = 0
    apart = True
    for at in range(1, len(column) + 1):
        ends, next_apart = (True, True) if at == len(column) else _breaks(column, texts, at, left, right, pitch)
        if not ends:
            continue
        rows = column[start:at]
        full = rows[-1].x1 >= right - 1.5 * rows[-1].size
        size = middle([row.size for row in rows])
        found.append(Paragraph(_joined(texts[start:at], lexicon), rows[0], rows[-1], size, apart, full, len(rows)))
        start, apart = at, next_apart
    return [paragraph for paragraph in found if paragraph.text]


def entries(column: Sequence[Row], texts: Sequence[str], lexicon: Words | None) -> list[Paragraph]:
    """The entries of a table of contents or an index: each ends with the number of a page, where it has one."""
    found: list[Paragraph] = []
    start = 0
    for at, row in enumerate(column, 1):
        goes_on = at < len(column) and not texts[at - 1][-1:].isdigit() and starts_small(texts[at])
        if not goes_on:
            found.append(Paragraph(_joined(texts[start:at], lexicon), column[start], row, row.size, start == 0, False, at - start))
            start = at
    return [entry for entry in found if entry.text]


def _joined(texts: Sequence[str], lexicon: Words | None) -> str:
    text = ""
    for line in texts:
        if not line:
            continue
        text = run_on(text, line, lexicon) if text else line
    return text


def _sides(column: Sequence[Row]) -> tuple[float, float]:
    """Left side, by the tenth part of lines, and right side, by the ninth, of a column."""
    lefts, rights = sorted(row.x0 for row in column), sorted(row.x1 for row in column)
    return lefts[len(lefts) // 10], rights[(9 * len(rights)) // 10 if len(rights) > 9 else -1]


def _pitch(column: Sequence[Row]) -> float:
    """Usual distance from line to line: the median of those that are no wider than two letter heights and a half."""
    near = [step for a, b in pairwise(column) if 0 < (step := b.middle - a.middle) < 2.5 * a.size]
    return middle(near) if near else 1.3 * middle([row.size for row in column])


def _breaks(column: Sequence[Row], texts: Sequence[str], at: int, left: float, right: float, pitch: float) -> tuple[bool, bool]:
    """(whether a paragraph ends before line `at`, whether the next one stands apart)."""
    above, row = column[at - 1], column[at]
    before, text = texts[at - 1], texts[at]
    size = max(above.size, row.size)
    step = (row.middle - above.middle) / pitch
    if step > FAR or step < 0:
        return True, True
    small = starts_small(text)
    done = ended(before)
    short = above.x1 + _first_width(row) + 0.3 * size < right - 0.5 * size
    if max(above.size, row.size) > SIZES * min(above.size, row.size) and not (small and not done and not short):
        return True, True
    if divided(before) and small:
        return False, False
    if step > SPACED and not (small and not done and not short):
        return True, True
    if starts_list(text) and (done or short or above.x0 - row.x0 > INDENT * size):
        return True, False
    indented = row.x0 - above.x0 > INDENT * size and row.x0 - left > INDENT * size
    if indented and (done or short) and not small and not (starts_list(before) and not short):  # a list's lines hang under its first one
        return True, step > SPACED
    if short and (done or not small):
        return True, step > SPACED
    outdented = above.x0 - row.x0 > INDENT * size
    if outdented and done and not small and at >= 2 and abs(column[at - 2].x0 - above.x0) < INDENT * size:
        return True, False
    return False, False


def _first_width(row: Row) -> float:
    return row.words[0].x1 - row.words[0].x0
