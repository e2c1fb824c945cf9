"""What losses and predictions of both sides' runs say: one verdict, and differences by source and task with their intervals.

Runs are paired by seed and documents by themselves. An interval holds the differences that the test behind it would not tell from the one found: Student's, over seeds
and documents (`scoring.comparison`). It is thus as wide as three seeds deserve, where the quantiles of a bootstrap would be too narrow by half.
What is compared are these two versions: which documents they happened to hold is not drawn anew, and two draws of 40 documents from one source were told apart, rightly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from benchmarks.ablation.held_out import BOTH, GIVEN, SIDES, HeldOut
from benchmarks.ablation.losses import Losses
from benchmarks.scoring.bootstrap import Replicates, sampled
from benchmarks.scoring.comparison import LEVEL, difference, holm, probability

LEAST = 5
"""Documents, from which on a row has an interval and a say."""
ALL = "all"
HOLDERS = (GIVEN, BOTH, *SIDES)


class Row(NamedTuple):
    """A line of the report: what is compared on how many items, the means over seeds, A less B with half of its interval, and the probability of as much between equals.

    `better` is a side, None for a tie. `half`, `p` and `corrected` are None for fewer than LEAST items.
    """

    holder: str
    name: str
    items: int
    bytes: int
    a: float
    b: float
    half: float | None
    p: float | None
    corrected: float | None
    better: str | None
    unigram: tuple[float, float] | None

    @property
    def difference(self) -> float:
        """A less B."""
        return self.a - self.b

    def told(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**self._asdict(), "difference": self.difference}


class Compared(NamedTuple):
    """Two sides on the same items: statistics by side and run, [items, k], and the score of their sums."""

    holder: str
    name: str
    score: Callable[[np.ndarray], np.ndarray]
    statistics: Sequence[Sequence[np.ndarray]]
    higher: bool
    bytes: int = 0
    unigram: tuple[float, float] | None = None


def bits_per_byte(sums: np.ndarray) -> np.ndarray:
    """Of sums of nats and bytes [..., 2]."""
    return sums[..., 0] / np.log(2) / np.maximum(sums[..., 1], 1)


def by_source(held: HeldOut, sides: Sequence[Sequence[Losses]]) -> list[Compared]:
    """Bits per byte of both sides on the held-out documents: of each holder all together, and its sources where there are several."""
    asked = sides[0][0].model[:, 1] > 0
    holder, source = (np.array([getattr(document, name) for document in held.documents]) for name in ("holder", "source"))
    found = []
    for of in HOLDERS:
        names = sorted(set(source[asked & (holder == of)].tolist()))
        if not names:
            continue
        for name in (ALL, *(names if len(names) > 1 else ())):
            mine = asked & (holder == of) & ((source == name) | (name == ALL))
            statistics = [[run.model[mine] for run in runs] for runs in sides]
            plain = [float(bits_per_byte(runs[0].unigram[mine].sum(0))) for runs in sides]
            size = int(statistics[0][0][:, 1].sum())
            found.append(Compared(of, name, bits_per_byte, statistics, False, size, (plain[0], plain[1])))
    return found


def rows(compared: Sequence[Compared]) -> list[Row]:
    """All comparisons. What decides is one question and is corrected by itself; the others are asked along with it, and corrected together."""
    found = [_row(one) for one in compared]
    first = deciding(found)
    for own in (True, False):
        told = [place for place, row in enumerate(found) if row.p is not None and (row.name == ALL and row.holder in first) == own]
        for place, corrected in zip(told, holm([found[place].p or 0.0 for place in told]), strict=True):
            ahead = SIDES[(found[place].difference > 0) != compared[place].higher]
            found[place] = found[place]._replace(corrected=corrected, better=ahead if corrected < LEVEL else None)
    return found


def _row(of: Compared) -> Row:
    key = f"{of.holder} {of.name}"
    items = len(of.statistics[0][0])
    scores = [float(np.mean([of.score(run.sum(0)) for run in runs])) for runs in of.statistics]
    half = p = None
    if items >= LEAST:
        one, other = sampled(of.score, of.statistics, key)
        apart = difference(one, other, key)
        half, p = half_width(apart), probability(apart)
    return Row(of.holder, of.name, items, of.bytes, scores[0], scores[1], half, p, None, None, of.unigram)


def half_width(of: Replicates) -> float:
    """Half of the 95 % interval: how far from 0 a difference of this variance is at the level of the test."""
    spread = math.sqrt(max(of.least, sum(part for part, _ in of.parts), 0.0))
    low, high = 0.0, 1e4 * spread
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if probability(of._replace(mean=middle)) > LEVEL else (low, middle)
    return high


def deciding(found: Sequence[Row]) -> list[str]:
    """The holders whose documents decide: the most neutral text there is. Files, else what both hold out, else what each holds out alone; none where all are too few."""
    there = {row.holder for row in found if row.name == ALL and row.items >= LEAST}
    neutral = [holder for holder in (GIVEN, BOTH) if holder in there]
    return neutral[:1] or [side for side in SIDES if side in there]


def verdict(found: Sequence[Row]) -> dict[str, Any]:
    """Which side is better, and by whose documents. Where each holds out its own alone, one side must be told to be better on some and the other on none."""
    by = deciding(found)
    told = {row.better for row in found if row.name == ALL and row.holder in by} - {None}
    heard = len(told) == 1 and (len(by) == len(SIDES) or by[0] not in SIDES)
    return {"by": by, "better": told.pop() if heard else None}
