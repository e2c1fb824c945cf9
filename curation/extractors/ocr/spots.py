"""Where on a line the network of `strips` sees a mark, a sign or one of the letters that it knows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from curation.extractors.ocr.hocr import LOW, ReadLine
from curation.extractors.ocr.strips import BASE, CLASSES, STEP, WIDTH, X_HEIGHT, PageImage, Weights, mark_scores

LEAST = 0.5
"""Probability from which anything is seen."""
LOWEST_SHARE = 0.3
"""Share of a line's letters and digits that must be as high as x for their height to be seen in its rows."""
NEAR = 1.12
"""Factor within which Tesseract's height of an x is good enough."""
MARGIN = WIDTH / 2 / X_HEIGHT
"""Heights of x that a strip begins before its line, so that a mark at its very end has a window of its own."""
NARROWEST, WIDEST = 0.26, 0.62
"""Least and greatest distance from the middle of a mark to its edge, in heights of x."""
ROWS = {"«": (1.2, -0.2), "»": (1.2, -0.2), "„": (0.55, -0.7)}
HIGH = (2.0, 0.5)
"""Heights over the base line between which a mark's ink is, in heights of x; `HIGH` for those that stand high."""


class Spot(NamedTuple):
    """A place on a line: what it is, the middle of it, its edges, and how probable it is."""

    text: str
    x: float
    left: float
    right: float
    probability: float


def with_x_height(page: PageImage, line: ReadLine) -> ReadLine:
    """The line with the height of its letters as the rows of its ink show it: where they drop most on the way up.

    Tesseract's own figure, from boxes of letters, is up to twice too large where letters run together.
    """
    told = line.x_height
    if told < 4:
        return line
    rows = page.strip(line.box[0], line.box[2], line.base(0), line.slope, told).sum(axis=1)
    drops = {high: rows[BASE - high : BASE - high + 3].mean() - rows[BASE - high - 3 : BASE - high].mean() for high in range(4, 17)}
    seen = max(drops, key=lambda high: (drops[high], high)) * told / X_HEIGHT
    letters = [c for word in line.words for c in word.text if c.isalnum()]
    if sum(c in LOW for c in letters) < LOWEST_SHARE * len(letters):
        return line
    return line._replace(x_height=seen) if not told / NEAR <= seen <= told * NEAR else line


def find_spots(page: PageImage, line: ReadLine, weights: Weights, bar: float = LEAST) -> Iterator[Spot]:
    """What is seen along a line, from left to right."""
    unit = line.x_height
    if unit < 4:
        return
    left = line.box[0] - MARGIN * unit
    strip = page.strip(left, line.box[2] + MARGIN * unit, line.base(0), line.slope, unit)
    scores = mark_scores(strip, weights)
    best, kinds = scores[:, 1:].max(axis=1), scores[:, 1:].argmax(axis=1) + 1
    for place in np.flatnonzero(best >= bar).tolist():
        start = max(place - 3, 0)
        if start + int(best[start : place + 4].argmax()) == place:
            middle = WIDTH / 2 + STEP * float(place)
            text = CLASSES[kinds[place]]
            before, behind = (_edge(strip, middle, text, turn) for turn in (-1, 1))
            step = unit / X_HEIGHT
            yield Spot(text, left + middle * step, left + before * step, left + behind * step, float(best[place]))


def _edge(strip: np.ndarray, middle: float, text: str, turn: int) -> float:
    """The column with least ink where the mark may end."""
    high, low = ink_rows(text)
    rows = slice(max(int(BASE - high * X_HEIGHT), 0), int(BASE - low * X_HEIGHT) + 1)
    ink = strip[rows].sum(axis=0)
    columns = [int(middle + turn * at) for at in np.arange(NARROWEST * X_HEIGHT, WIDEST * X_HEIGHT + 0.1)]
    inside = [column for column in columns if 0 <= column < strip.shape[1]]
    return float(min(inside, key=lambda column: (round(float(ink[column]), 1), abs(column - middle))) if inside else middle)


def ink_rows(text: str) -> tuple[float, float]:
    """Heights over the base line between which a mark's ink is, in heights of x."""
    return ROWS.get(text, HIGH)
