"""Reading order: columns are found by the white space between them.

A gutter is a vertical strip that nearly no line crosses. The lines that do cross it (headings over both columns, pictures' captions) part the
region into zones, and each zone with text enough on both sides is read left side first. Both sides are looked at in the same way again,
which finds three columns and more. Work is linear in the lines of a page.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from curation.extractors.layout.rows import Row, lines_of

BINS = 256
"""Vertical strips that a region is cut into to look for a gutter."""
CROSSED = 0.25
"""Share of the height of the text that may cross a gutter: headings, wide tables."""
NARROW = 0.8
"""Least width of a gutter in letter heights: narrower ones open by chance between the words of a few lines."""
SIDE = 0.2
"""Least share of the region's width that a column has. Page numbers of a table of contents, and numbers of a list, stand in narrower ones."""
LINES = 4
"""Least number of lines on each side."""
LETTERS = 14
"""Letters of most lines in both columns that make them text, however they are set: in captions around a picture there are 15 and more, in answers of a test
and the cells of most tables fewer. Other columns are known by their fill."""
FULL = 0.33
"""Least mean width of words in a line, as a share of the column, in the fuller of two columns. Prose fills some 0.9; the fuller columns of `exam_maths.pdf`,
of which half is answers, formulas and graphs, 0.38 to 0.45; the cells of a table fill less, and are read along the line."""
WIDE, WIDE_LINES = 0.6, 2
"""How much of its column a wide line fills, and the least number of such lines in each column: the columns there that are mostly graphs have four and more."""
STRIPS = 6
"""Strips that are tried: pictures leave wide ones that are no gutter."""
COST = 5.0
"""Lines in columns that make up for one line which crosses their gutter."""
DEPTH = 4


def reading_order(rows: Sequence[Row]) -> list[list[Row]]:
    """The rows of a page as columns in the order they are read, each a list of printed lines."""
    return [lines for part in _region(list(rows), 0) if (lines := lines_of(part))]


def _region(rows: list[Row], depth: int) -> list[list[Row]]:
    if depth == DEPTH or len(rows) < 2 * LINES:
        return [rows]
    _, zones = max((_zoned(rows, gutter) for gutter in _gutters(rows)), key=lambda found: found[0], default=(0.0, []))
    parts: list[list[Row]] = [[]]
    for left, right, other in zones:
        if left:
            parts += [*_region(left, depth + 1), *_region(right, depth + 1), []]
        parts[-1] += other
    return [part for part in parts if part] or [rows]


def _zoned(rows: list[Row], gutter: float) -> tuple[float, list[tuple[list[Row], list[Row], list[Row]]]]:
    """(how well this gutter explains the rows, its zones as (left column, right column, what follows them and is read line by line))."""
    crossing = sorted((row for row in rows if row.x0 < gutter < row.x1), key=lambda row: row.middle)
    edges = np.array([row.middle for row in crossing])
    between: list[list[Row]] = [[] for _ in range(len(crossing) + 1)]
    for row in rows:
        if not row.x0 < gutter < row.x1:
            between[int(np.searchsorted(edges, row.middle))].append(row)
    score = 0.0
    zones = []
    for number, zone in enumerate(between):
        left, right = [row for row in zone if row.x1 <= gutter], [row for row in zone if row.x0 >= gutter]
        below = crossing[number : number + 1]
        if _are_columns(left, right):
            score += len(zone)
            zones.append((left, right, below))
        else:
            zones.append(([], [], zone + below))
    return (score - COST * len(crossing), zones) if score else (0.0, [])


def _gutters(rows: list[Row]) -> list[float]:
    """The middles of the widest strips that few lines cross."""
    x0, x1 = min(row.x0 for row in rows), max(row.x1 for row in rows)
    width = x1 - x0
    if width <= 0:
        return []
    heights = np.array([max(row.y1 - row.y0, 0.0) for row in rows])
    first = np.clip(np.floor((np.array([row.x0 for row in rows]) - x0) / width * BINS).astype(int), 0, BINS - 1)
    last = np.clip(np.ceil((np.array([row.x1 for row in rows]) - x0) / width * BINS).astype(int), 1, BINS)
    crossing = np.cumsum(np.bincount(first, heights, BINS + 1) - np.bincount(last, heights, BINS + 1))[:BINS]
    free = crossing <= CROSSED * np.sort(crossing)[int(0.75 * BINS)]
    free[: int(SIDE * BINS)] = False
    free[int((1 - SIDE) * BINS) :] = False
    steps = np.diff(np.concatenate(([0], free.astype(np.int8), [0])))
    strips = sorted(zip(*(np.nonzero(steps == step)[0].tolist() for step in (1, -1)), strict=True), key=lambda strip: strip[0] - strip[1])
    middles = []
    for begin, stop in strips[:STRIPS]:
        lowest = np.nonzero(crossing[begin:stop] <= crossing[begin:stop].min() + 1e-6)[0]
        middles.append(float(x0 + (begin + lowest[len(lowest) // 2] + 0.5) / BINS * width))
    return middles


def _are_columns(left: list[Row], right: list[Row]) -> bool:
    if min(len(left), len(right)) < LINES:
        return False
    size = float(np.median([row.size for row in left + right]))
    start, stop = min(row.x0 for row in left), max(row.x1 for row in right)
    ends, begins = max(row.x1 for row in left), min(row.x0 for row in right)
    if begins - ends < NARROW * size or min(ends - start, stop - begins) < SIDE * (stop - start):
        return False
    left_lines, right_lines = lines_of(left), lines_of(right)
    if min(len(left_lines), len(right_lines)) < LINES:
        return False
    if all(_letters(lines) >= LETTERS for lines in (left_lines, right_lines)):
        return True
    fills = _fills(left_lines, ends - start), _fills(right_lines, stop - begins)
    if any(sum(share >= WIDE for share in fill) < WIDE_LINES for fill in fills):
        return False
    return max(sum(fill) / len(fill) for fill in fills) >= FULL


def _letters(lines: list[Row]) -> int:
    """Letters of most lines: the median."""
    return sorted(sum(char.isalpha() for word in line.words for char in word.text) for line in lines)[len(lines) // 2]


def _fills(lines: list[Row], width: float) -> list[float]:
    """The share of the column's width that the words of each line fill."""
    return [sum(word.x1 - word.x0 for word in line.words) / max(width, 1e-6) for line in lines]
