"""How far to trust a score: bootstrap over test items and seeds.

All seeds answer the same items, so items and seeds are crossed, not nested: an item that is hard is hard for every seed. Drawing items anew for each seed would divide
the items' part of the variance by the number of seeds, which is wrong. The two parts are therefore drawn apart and added:
- items, once for all seeds: the score, averaged over seeds, of resampled items;
- seeds: means of resampled deviations of the seeds' scores. A draw takes S - 1 of the S (their mean has the unbiased variance s²/S), and deviations are shrunk by what
  the items' noise alone would make seeds differ, which is in the first part already.
For accuracy the variance is then that of the crossed random-effects model, σ²items/n + σ²seeds/S + σ²rest/(n S).

Of simulated models with 5 seeds on 204 items, 300 each, the 95 % interval held the true accuracy of 97 % where seeds made no difference, of 94 % where they differed by
3 points (standard deviation), and of 90 % at 8 points: five seeds tell little of a spread so large, and the mean is not what should be told of such a model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple
from zlib import crc32

import numpy as np

DRAWS = 2000
CHUNK = 4_000_000
"""Weights of items that are held at a time."""


class Interval(NamedTuple):
    """A mean over runs, its standard error, and the interval that holds the middle 95 % of its resamples."""

    mean: float
    error: float
    low: float
    high: float


class Sampled(NamedTuple):
    """A score of a model's runs, on all items [runs] and on items drawn anew [DRAWS, runs]; and how many items there are."""

    whole: np.ndarray
    draws: np.ndarray
    items: int


class Replicates(NamedTuple):
    """A mean over runs, and what it might have been with other items and other seeds [DRAWS].

    `parts` add up to its variance, without bias and each with its degrees of freedom: the items', the spread of the seeds, and less what items' noise alone makes seeds
    differ. The sum is not taken for less than `least`: half of the items' part.
    """

    mean: float
    values: np.ndarray
    parts: tuple[tuple[float, float], ...]
    least: float


def weights(items: int, key: str) -> Iterator[np.ndarray]:
    """How often each item was drawn, [some draws, items] at a time, DRAWS in all: the same for the same key, however many are held at a time."""
    draw = np.random.default_rng(_seed(key))
    for first in range(0, DRAWS, most := max(1, CHUNK // items)):
        size = min(most, DRAWS - first)
        chosen = draw.integers(items, size=(size, items)) + items * np.arange(size)[:, None]
        yield np.bincount(chosen.ravel(), minlength=size * items).reshape(size, items).astype(np.float64)


def sampled(score: Callable[[np.ndarray], np.ndarray], statistics: Sequence[Sequence[np.ndarray]], key: str) -> list[Sampled]:
    """The score of models on items drawn anew, the same ones for all: `statistics` are by model and run, [items, k] each (`metrics.Metric`); `key` names the task.

    Draws of two tasks have nothing to do with one another, so that an average over tasks is not as uncertain as if all items were drawn together.
    """
    items = len(statistics[0][0])
    parts = [
        [np.stack([score(drawn @ run) for run in runs], 1) for runs in statistics]  # [some draws, runs] by model
        for drawn in weights(items, key)
    ]
    return [
        Sampled(np.array([float(score(run.sum(0))) for run in runs]), np.concatenate([part[model] for part in parts]), items)
        for model, runs in enumerate(statistics)
    ]


def replicates(of: Sampled, key: str = "") -> Replicates:
    """A model's score over items and seeds. One run tells nothing of seeds: what it might have been is a matter of the items."""
    runs, mean = len(of.whole), float(of.whole.mean())
    values = of.draws.mean(1)
    of_items = float(values.var(ddof=1))
    parts = [(of_items, of.items - 1.0)]
    if runs > 1:
        apart = of.whole - mean
        noise = float((of.draws - values[:, None]).var(axis=0, ddof=1).mean()) * runs / (runs - 1)
        spread = float(of.whole.var(ddof=1))
        own = np.sqrt(max(0.0, 1 - noise / spread)) if spread else 0.0
        chosen = np.random.default_rng((_seed(key), 1)).integers(runs, size=(len(values), runs - 1))
        values = values + own * apart[chosen].mean(1)
        parts += [(spread / runs, runs - 1.0), (-noise / runs, (of.items - 1.0) * (runs - 1))]
    return Replicates(mean, values, tuple(parts), of_items / 2)


def interval(of: Replicates) -> Interval:
    """Mean, standard error, and the middle 95 %."""
    low, high = np.quantile(of.values, (0.025, 0.975))
    return Interval(of.mean, float(of.values.std(ddof=1)), float(low), float(high))


def average(each: Sequence[Replicates]) -> Replicates:
    """The mean over tasks, each as important as another."""
    count = len(each)
    parts = tuple((variance / count**2, freedom) for one in each for variance, freedom in one.parts)
    values = np.mean([one.values for one in each], axis=0)
    return Replicates(float(np.mean([one.mean for one in each])), values, parts, sum(one.least for one in each) / count**2)


def _seed(key: str) -> int:
    return crc32(key.encode("utf-8", "surrogatepass"))
