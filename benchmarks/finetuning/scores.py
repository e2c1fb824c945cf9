"""Accuracy and macro-F1 of predictions, and how far to trust them: bootstrap over test items and seeds.

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

from typing import NamedTuple

import numpy as np

DRAWS = 2000
CHUNK = 4_000_000
"""Weights of items that are held at a time."""


class Scores(NamedTuple):
    """Both [draws, runs]: by resampling of the items, and by run."""

    accuracy: np.ndarray
    macro_f1: np.ndarray


class Interval(NamedTuple):
    """A mean over runs, its standard error, and the interval that holds the middle 95 % of its resamples."""

    mean: float
    error: float
    low: float
    high: float


def scores(labels: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None = None) -> Scores:
    """Scores of runs: `labels` [n] and `predicted` [runs, n] are numbers of classes; `weights` [draws, n] says how often each item counts, by default once in one draw.

    Macro-F1 is the mean over classes that occur among labels or predictions, as scikit-learn's; a class that is never hit has 0.
    """
    counted = np.ones((1, len(labels))) if weights is None else weights.astype(np.float64)
    accuracy = counted @ (predicted == labels).T / counted.sum(1, keepdims=True)
    total = np.zeros_like(accuracy)
    classes = np.zeros_like(accuracy)
    for one in range(1 + max(labels.max(), predicted.max())):
        true, said = labels == one, predicted == one
        both = (counted @ true)[:, None] + counted @ said.T
        total += np.divide(2 * (counted @ (true & said).T), both, out=np.zeros_like(both), where=both > 0)
        classes += both > 0
    return Scores(accuracy, total / classes)


def resampled(labels: np.ndarray, predicted: np.ndarray, seed: int = 0) -> Scores:
    """Scores [DRAWS, runs] of items drawn with replacement; the same draws for any runs over as many items, so that models are compared on the same ones."""
    draw, items = np.random.default_rng(seed), len(labels)
    parts = []
    for first in range(0, DRAWS, most := max(1, CHUNK // items)):
        size = min(most, DRAWS - first)
        chosen = draw.integers(items, size=(size, items)) + items * np.arange(size)[:, None]
        weights = np.bincount(chosen.ravel(), minlength=size * items).reshape(size, items)
        parts.append(scores(labels, predicted, weights))
    return Scores(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def interval(whole: np.ndarray, draws: np.ndarray, seed: int = 0) -> Interval:
    """Of a score by run, `whole` [runs], and by resampling of items, `draws` [DRAWS, runs]. Of the difference of two models, give differences.

    One run tells nothing of seeds: its interval is that of the items.
    """
    runs = len(whole)
    mean = float(whole.mean())
    replicates = draws.mean(1)
    if runs > 1:
        apart = whole - mean
        noise = float((draws - replicates[:, None]).var(axis=0, ddof=1).mean()) * runs / (runs - 1)
        spread = float(whole.var(ddof=1))
        own = np.sqrt(max(0.0, 1 - noise / spread)) if spread else 0.0
        replicates = replicates + own * apart[np.random.default_rng((seed, 1)).integers(runs, size=(len(draws), runs - 1))].mean(1)
    low, high = np.quantile(replicates, (0.025, 0.975))
    return Interval(mean, float(replicates.std(ddof=1)), float(low), float(high))
