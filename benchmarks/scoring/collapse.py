"""Runs that learnt nothing. One such run in a table decides who leads it, so it is told apart from a model that is merely weaker.

XLM-R-large's 33.46 in the paper's Table 4 is the macro-F1 of one class for all items at 50.29 %; without that column another model leads.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.scoring.bootstrap import weights
from benchmarks.scoring.metrics import metric_named

LEVEL = 0.01
"""Of runs that know nothing, so many are taken for ones that learnt something, at most."""
BAND = 0.05
"""How far, as a share of the constant answer's loss, training must have come below it at some time."""
DEALS = 20
"""How often answers are dealt out anew: their mean score is then known five times better than one deal's."""
WINDOWS = 10
"""Training is looked at in tenths, each by its mean, so that a single easy batch is no sign of learning."""


def collapsed(
    labels: Sequence[Any],
    predicted: Sequence[Any],
    train_labels: Sequence[Any],
    losses: Sequence[float],
    classes: Sequence[str],
    metric: str = "accuracy",
) -> str | None:
    """Why a run is a collapsed one, or None: its loss is not finite or stayed flat, or its score is within noise of the best constant answer's.

    `labels` and `predicted` are of the split that decides (validation, while the test split is not to be read), in the form that the file of predictions has them in, and
    `train_labels` those of the training split; `losses` of training in order, in nats, or of degrees in their variance; `classes` are the task's labels, or ().
    """
    return (
        _not_finite(losses)
        or _flat(labels, predicted, train_labels, losses, classes)
        or _no_better(labels, predicted, train_labels, classes, metric)
    )


def _not_finite(losses: Sequence[float]) -> str | None:
    for number, loss in enumerate(losses, 1):
        if not math.isfinite(loss):
            return f"training loss {loss} at {number} of {len(losses)}"
    return None


def _flat(
    labels: Sequence[Any], predicted: Sequence[Any], train_labels: Sequence[Any], losses: Sequence[float], classes: Sequence[str]
) -> str | None:
    """Did no tenth of training come below the loss of the best constant answer?"""
    kind = _kind(labels, predicted)
    bound = _constant_loss(kind, train_labels, classes)
    if not losses or not bound:
        return None
    least = min(float(np.mean(part)) for part in np.array_split(np.array(losses, np.float64), min(WINDOWS, len(losses))))
    if least < (1 - BAND) * bound:
        return None
    return f"training loss never came below {least:.3f}; the best constant answer's is {bound:.3f}"


def _constant_loss(kind: str, train_labels: Sequence[Any], classes: Sequence[str]) -> float | None:
    """The entropy of the training labels (ln k where they are even), the variance of degrees that have been made standard; None for answers in a text."""
    if kind == "degree":
        return 1.0
    if kind == "span":
        return None
    single = [tag for row in train_labels for tag in row] if kind == "words" else list(train_labels)
    if not single:
        return math.log(len(classes)) if classes else None
    shares = np.array(list(Counter(single).values())) / len(single)
    return float(-(shares * np.log(shares)).sum())


def _no_better(
    labels: Sequence[Any], predicted: Sequence[Any], train_labels: Sequence[Any], classes: Sequence[str], metric: str
) -> str | None:
    """Is the score within noise of the best constant answer's, or of what the same answers get when each is given to another item?

    The second catches guessing: seven classes named at random have a macro-F1 of 0.14, and the best constant answer 0.04.
    """
    kind, of = _kind(labels, predicted), metric_named(metric)
    own = of.statistics(labels, predicted, classes)
    rival = max(_constants(labels, predicted, train_labels, classes, metric), key=lambda one: float(of.score(one[1].sum(0))))
    if kind == "words":
        flat = [[tag for row in rows for tag in row] for rows in (labels, predicted)]
        return _within_noise(metric, own, *rival) or _dealt("macro_f1", flat[0], flat[1], classes, "macro-F1 of tags")
    return _within_noise(metric, own, *rival) or _dealt(metric, labels, predicted, classes, metric)


def _dealt(metric: str, labels: Sequence[Any], predicted: Sequence[Any], classes: Sequence[str], name: str) -> str | None:
    """Compared with the mean of some deals, all of the same shuffle turned further: each item gets another's answer in each."""
    of = metric_named(metric)
    order = np.random.default_rng(0).permutation(len(labels))
    deals = [_deal(predicted, order, 1 + turn * (len(labels) - 1) // DEALS) for turn in range(DEALS)]
    mean = np.mean([of.statistics(labels, deal, classes) for deal in deals], axis=0)
    return _within_noise(metric, of.statistics(labels, predicted, classes), "the same answers dealt out at random get", mean, name)


def _deal(predicted: Sequence[Any], order: np.ndarray, by: int) -> list[Any]:
    found = list(predicted)
    for place, other in zip(order, np.roll(order, by), strict=True):
        found[place] = predicted[other]
    return found


def _within_noise(metric: str, own: np.ndarray, told: str, rival: np.ndarray, name: str = "") -> str | None:
    of = metric_named(metric)
    whole, best = (float(of.score(one.sum(0))) for one in (own, rival))
    apart = np.concatenate([of.score(drawn @ own) - of.score(drawn @ rival) for drawn in weights(len(own), metric)])
    if float((apart <= 0).mean()) < LEVEL:
        return None
    return f"{name or metric} {whole:.3f} is within noise of {best:.3f}, which {told}"


def _constants(
    labels: Sequence[Any], predicted: Sequence[Any], train_labels: Sequence[Any], classes: Sequence[str], metric: str
) -> list[tuple[str, np.ndarray]]:
    """Statistics of answers that look at no item; one that gets 0 at least."""
    of, kind = metric_named(metric), _kind(labels, predicted)
    if kind == "degree":
        return [("the same degree for all gets", of.statistics(labels, [0.0] * len(labels), classes))]
    if kind == "span":
        common = Counter(answer for answers in train_labels for answer in answers[:1]).most_common(1)
        said = sorted({"", *(answer for answer, _ in common)})
        return [(f"{one!r:.40} for all gets", of.statistics(labels, [one] * len(labels), classes)) for one in said]
    if kind == "words":
        tags = sorted({tag for rows in (labels, train_labels) for row in rows for tag in row})
        return [(f"{tag!r} for all words gets", of.statistics(labels, [[tag] * len(row) for row in labels], classes)) for tag in tags]
    single = sorted({*labels, *train_labels})
    return [(f"{one!r} for all gets", of.statistics(labels, [one] * len(labels), classes)) for one in single]


def _kind(labels: Sequence[Any], predicted: Sequence[Any]) -> str:
    """Of labels in the form that the file of predictions has them in."""
    if isinstance(labels[0], list):
        return "span" if isinstance(predicted[0], str) else "words"
    return "degree" if any(isinstance(one, float) for one in labels) else "class"
