"""The axis of a histogram: a range that shows most values and every threshold, linear or logarithmic, with bins that begin at a threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, floor, log10

import numpy as np

BINS = 48
TAIL = 0.005
"""Share of the values at either end that the range may leave out. They are counted in the first and the last bin."""
WIDE = 60
"""A range whose ends are so many times one another is logarithmic, unless it is one of shares."""

NARROW = 1e-6
"""A range so narrow, in parts of its numbers, is one value."""


@dataclass(frozen=True)
class Scale:
    """Bins between `edges`, of which there is one more."""

    edges: tuple[float, ...]
    log: bool

    @property
    def bins(self) -> int:
        """How many there are."""
        return len(self.edges) - 1

    @cached_property
    def _inner(self) -> np.ndarray:
        return np.array(self.edges[1:-1])

    def count(self, values: np.ndarray, groups: np.ndarray, n: int) -> np.ndarray:
        """Values by group and bin (int64 of shape (n, bins)); `groups` are numbers below `n`. What is no number is not counted."""
        there = ~np.isnan(values)
        bins = np.searchsorted(self._inner, values[there], side="right")
        return np.bincount(groups[there] * self.bins + bins, minlength=n * self.bins).reshape(n, self.bins)


def scale(values: np.ndarray, thresholds: Sequence[float]) -> Scale:
    """The axis for finite values, of which there is one at least, and the thresholds on them, the most important first."""
    low, high = np.quantile(values, (TAIL, 1 - TAIL)).tolist()
    shares = bool(values.min() >= 0 and values.max() <= 1)
    whole = bool((values == np.floor(values)).all())
    low, high = min([low, *thresholds]), max([high, *thresholds])
    if whole and not shares and low >= 0 and high > WIDE * max(low, 1):
        return _logarithmic(max(low, 1), high, thresholds)
    room = 0.04 * (high - low) if high - low > NARROW * max(1.0, abs(low), abs(high)) else 0.5
    low, high = low - room, high + room
    if shares:
        low, high = (0 if low < 0.1 * (high - low) else low), (1 if high > 1 - 0.1 * (high - low) else high)
    elif values.min() >= 0:
        low = max(low, 0)
    width = (high - low) / BINS
    if whole and not shares:
        width = ceil(width)
    start = thresholds[0] if thresholds else floor(low) if whole else low
    return Scale(tuple(_edges(low, high, start, width, bool(values.min() >= 0))), False)


def _logarithmic(low: float, high: float, thresholds: Sequence[float]) -> Scale:
    first, last = log10(low), log10(high) + 0.05
    start = log10(thresholds[0]) if thresholds and thresholds[0] > 0 else first
    return Scale(tuple(10.0**power for power in _edges(first, last, start, (last - first) / BINS, True)), True)


def _edges(low: float, high: float, start: float, width: float, cut: bool) -> list[float]:
    """From `low` to `high` in steps of `width`, one of which is at `start`; the ends are those two where they are `cut`, and else steps."""
    first, last = floor((low - start) / width + 1e-9), ceil((high - start) / width - 1e-9)
    steps = [round(start + width * place, 12) for place in range(first, last + 1)]
    if not cut:
        return steps
    inner = [step for step in steps[1:-1] if low + width / 2 < step < high - width / 2]
    return [low, *inner, high]
