"""The metrics, as a table. A score is a function of sums over items, so that items drawn anew are weights times the same numbers.

`statistics` gives k numbers for each item, `score` what their sums come to. All scores lie in [0, 1] but correlations, in [-1, 1]; nothing to divide by is 0, never 1:
a split without entities in which none was found says nothing in favour of a model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from benchmarks.scoring.spans import answered, entities, own_words, squad_words
from curation.errors import DollmaError, nearest

Statistics = Callable[[Sequence[Any], Sequence[Any], Sequence[str]], np.ndarray]
Constants = Callable[[Sequence[Any]], Iterable[list[Any]]]


class Metric(NamedTuple):
    """`title` names it in full. `statistics(labels, predicted, names)` is float64 [items, k], where `names` are the task's labels in order, or () for those that occur.

    `score(sums [..., k])` is [...]. `constants(labels)` are the answers that look at no item, the best of which is chance: none where such answers get 0.
    """

    title: str
    statistics: Statistics
    score: Callable[[np.ndarray], np.ndarray]
    constants: Constants


def _ratio(over: np.ndarray, under: np.ndarray) -> np.ndarray:
    return np.divide(over, under, out=np.zeros(np.broadcast(over, under).shape), where=under > 0)


def _mean(sums: np.ndarray) -> np.ndarray:
    return _ratio(sums[..., 0], sums[..., 1])


def _right(labels: Sequence[Any], predicted: Sequence[Any], _names: Sequence[str]) -> np.ndarray:
    return np.array([(one == other, 1) for one, other in zip(labels, predicted, strict=True)], np.float64).reshape(-1, 2)


def _right_words(labels: Sequence[Any], predicted: Sequence[Any], _names: Sequence[str]) -> np.ndarray:
    rows = [(sum(map(_same, one, _as_long(other, one))), len(one)) for one, other in zip(labels, predicted, strict=True)]
    return np.array(rows, np.float64).reshape(-1, 2)


def _same(one: Any, other: Any) -> bool:
    return bool(one == other)


def _as_long(predicted: Sequence[Any], labels: Sequence[Any]) -> Sequence[Any]:
    if len(predicted) != len(labels):
        raise DollmaError(f"{len(predicted)} tags predicted for {len(labels)} words")
    return predicted


def _by_class(labels: Sequence[Any], predicted: Sequence[Any], names: Sequence[str]) -> np.ndarray:
    """Of each class, whether it was hit, is true and was said: [items, 3 classes]."""
    return _counted([[one] for one in labels], [[one] for one in predicted], names)


def _words_by_class(labels: Sequence[Any], predicted: Sequence[Any], names: Sequence[str]) -> np.ndarray:
    return _counted(labels, predicted, names)


def _counted(labels: Sequence[Sequence[Any]], predicted: Sequence[Sequence[Any]], names: Sequence[str]) -> np.ndarray:
    known = list(names) or sorted({one for row in (*labels, *predicted) for one in row})
    number = {name: place for place, name in enumerate(known)}
    counted = np.zeros((len(labels), len(known), 3))
    try:
        for place, (true, said) in enumerate(zip(labels, predicted, strict=True)):
            for one, other in zip(true, _as_long(said, true), strict=True):
                counted[place, number[one], 1] += 1
                counted[place, number[other], 2] += 1
                counted[place, number[one], 0] += one == other
    except KeyError as error:
        raise DollmaError(f"{error.args[0]!r} is none of the task's labels: {nearest(str(error.args[0]), map(str, known))}") from error
    return counted.reshape(len(labels), -1)


def _f1s(sums: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    hit, true, said = np.moveaxis(sums.reshape(*sums.shape[:-1], -1, 3), -1, 0)
    return _ratio(2 * hit, true + said), true, said


def _macro(sums: np.ndarray) -> np.ndarray:
    f1, true, said = _f1s(sums)
    return _ratio(f1.sum(-1), (true + said > 0).sum(-1))


def _weighted(sums: np.ndarray) -> np.ndarray:
    f1, true, _ = _f1s(sums)
    return _ratio((f1 * true).sum(-1), true.sum(-1))


def _micro(sums: np.ndarray) -> np.ndarray:
    hit, true, said = np.moveaxis(sums.reshape(*sums.shape[:-1], -1, 3).sum(-2), -1, 0)
    return _ratio(2 * hit, true + said)


def _positive(sums: np.ndarray) -> np.ndarray:
    return _f1s(sums)[0][..., -1]


def _two(labels: Sequence[Any], predicted: Sequence[Any], names: Sequence[str]) -> np.ndarray:
    if len(names) != 2:
        raise DollmaError(f"binary F1 needs a task of two labels, the second of which is found or not: these are {len(names)}")
    return _by_class(labels, predicted, names)


def _entities(strict: bool) -> Statistics:
    def statistics(labels: Sequence[Any], predicted: Sequence[Any], _names: Sequence[str]) -> np.ndarray:
        rows = []
        for tags, said in zip(labels, predicted, strict=True):
            true, found = entities(tags, strict), entities(_as_long(said, tags), strict)
            rows.append((len(true & found), len(true), len(found)))
        return np.array(rows, np.float64).reshape(-1, 3)

    return statistics


def _answers(part: int, words: Callable[[str], list[str]]) -> Statistics:
    def statistics(labels: Sequence[Any], predicted: Sequence[Any], _names: Sequence[str]) -> np.ndarray:
        rows = [(answered(one, other, words)[part], 1) for one, other in zip(labels, predicted, strict=True)]
        return np.array(rows, np.float64).reshape(-1, 2)

    return statistics


def _moments(labels: Sequence[Any], predicted: Sequence[Any], _names: Sequence[str]) -> np.ndarray:
    """Of both as many standard deviations from their means in the whole sample as they lie: sums then lose no digits."""
    x, y = (_standard(np.array(values, np.float64)) for values in (labels, predicted))
    return np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], 1)


def _standard(values: np.ndarray) -> np.ndarray:
    if not np.isfinite(values).all():
        raise DollmaError("a degree that is no finite number: correlation is not defined")
    apart = values / (np.abs(values).max(initial=0) or 1)
    apart = apart - apart.mean() if len(apart) else apart
    size = np.abs(apart).max(initial=0)
    return apart / size if size > 1e-13 else np.zeros_like(apart)


def _rank_moments(labels: Sequence[Any], predicted: Sequence[Any], names: Sequence[str]) -> np.ndarray:
    return _moments(_ranks(labels).tolist(), _ranks(predicted).tolist(), names)


def _ranks(values: Sequence[Any]) -> np.ndarray:
    """Those of equal values are their mean."""
    _, place, count = np.unique(np.array(values, np.float64), return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2)[place]


def _correlation(sums: np.ndarray) -> np.ndarray:
    n, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    mean_x, mean_y = _ratio(x, n), _ratio(y, n)
    spread_x, spread_y = _ratio(xx, n) - mean_x**2, _ratio(yy, n) - mean_y**2
    vary = (spread_x > 1e-12 * _ratio(xx, n)) & (spread_y > 1e-12 * _ratio(yy, n))
    together = (_ratio(xy, n) - mean_x * mean_y) / np.sqrt(np.where(vary, spread_x * spread_y, 1))
    return np.where(vary, np.clip(together, -1, 1), 0.0)


def _one_class(labels: Sequence[Any]) -> Iterable[list[Any]]:
    return ([one] * len(labels) for one in sorted(set(labels)))


def _one_tag(labels: Sequence[Any]) -> Iterable[list[Any]]:
    return ([[one] * len(row) for row in labels] for one in sorted({one for row in labels for one in row}))


def _nothing(_labels: Sequence[Any]) -> Iterable[list[Any]]:
    return ()


METRICS: dict[str, Metric] = {
    "accuracy": Metric("accuracy", _right, _mean, _one_class),
    "macro_f1": Metric("macro-F1 over the classes that occur among labels or answers", _by_class, _macro, _one_class),
    "micro_f1": Metric("micro-F1 over all classes (with one label an item: accuracy)", _by_class, _micro, _one_class),
    "weighted_f1": Metric("F1 of each class, weighted by how often it is the label", _by_class, _weighted, _one_class),
    "binary_f1": Metric("F1 of the second of two classes", _two, _positive, _one_class),
    "token_accuracy": Metric("accuracy over words", _right_words, _mean, _one_tag),
    "entity_f1": Metric("span micro-F1 over words (seqeval, IOB2)", _entities(False), _micro, _nothing),
    "entity_f1_strict": Metric(
        "span micro-F1 over words (seqeval, IOB2, strict: an entity begins at B- alone)", _entities(True), _micro, _nothing
    ),
    "piece_f1": Metric(
        "F1 of each tag over the tokenizer's pieces, O among them, weighted by how often it is the label",
        _words_by_class,
        _weighted,
        _one_tag,
    ),
    "exact_match": Metric("exact match (SQuAD's normalisation)", _answers(0, squad_words), _mean, _nothing),
    "token_f1": Metric("F1 of the answer's words, mean over questions (SQuAD's normalisation)", _answers(1, squad_words), _mean, _nothing),
    "exact_match_az": Metric(
        "exact match (letters folded as in Azerbaijani, no articles, no punctuation)", _answers(0, own_words), _mean, _nothing
    ),
    "token_f1_az": Metric(
        "F1 of the answer's words, mean over questions (letters folded as in Azerbaijani, no articles, no punctuation)",
        _answers(1, own_words),
        _mean,
        _nothing,
    ),
    "pearson": Metric("Pearson's correlation", _moments, _correlation, _nothing),
    "spearman": Metric(
        "Spearman's correlation (items drawn anew keep their ranks in the whole sample)", _rank_moments, _correlation, _nothing
    ),
}
"""By name. `piece_f1` is what the paper on aLLMA may have meant by F1 of WikiANN, where "a tag was assigned to each new token": it counts long words more, and O too."""

PIECES = frozenset({"piece_f1"})
"""Those whose tags are of pieces: see `answers.by_piece`."""


def metric_named(name: str) -> Metric:
    """The metric of this name. Raises DollmaError where there is none."""
    if name not in METRICS:
        raise DollmaError(f"no metric is called {name!r}: {nearest(name, METRICS)}")
    return METRICS[name]


def score(metric: str, labels: Sequence[Any], predicted: Sequence[Any], names: Sequence[str] = ()) -> float:
    """One score. Raises DollmaError for answers that the metric can't be told of, and for none at all."""
    if not labels or len(labels) != len(predicted):
        raise DollmaError(f"{metric}: {len(predicted)} answers to {len(labels)} items: each needs one")
    of = metric_named(metric)
    return float(of.score(of.statistics(labels, predicted, names).sum(0)))


def chance(metric: str, labels: Sequence[Any], names: Sequence[str] = ()) -> float:
    """The score of the best answer that is the same for all items; 0 for entities, spans and correlations, where no such answer gets more."""
    return max((score(metric, labels, constant, names) for constant in metric_named(metric).constants(labels)), default=0.0)


def corrected(value: float | np.ndarray, at_chance: float) -> float | np.ndarray:
    """How much of the way from chance to 1 was gone; 0 where chance is all there is."""
    return (value - at_chance) / (1 - at_chance) if at_chance < 1 else value * 0.0
