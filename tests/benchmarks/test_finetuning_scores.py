"""Scores agree with their definitions, and their errors with closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.finetuning.scores import interval, resampled, scores

PAIRS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=30)


def macro_f1(labels: list[int], predicted: list[int]) -> float:
    """By its definition: the mean of 2 P R / (P + R) over classes that occur, 0 where nothing is hit."""
    found = []
    for one in set(labels) | set(predicted):
        hits = sum(a == b == one for a, b in zip(labels, predicted, strict=True))
        precision, recall = hits / max(predicted.count(one), 1), hits / max(labels.count(one), 1)
        found.append(2 * precision * recall / (precision + recall) if hits else 0.0)
    return sum(found) / len(found)


@given(PAIRS)
def test_scores_are_what_their_definitions_say(pairs: list[tuple[int, int]]) -> None:
    labels, predicted = (list(values) for values in zip(*pairs, strict=True))
    found = scores(np.array(labels), np.array([predicted]))
    assert found.accuracy[0, 0] == pytest.approx(sum(a == b for a, b in pairs) / len(pairs), abs=1e-12)
    assert found.macro_f1[0, 0] == pytest.approx(macro_f1(labels, predicted), abs=1e-12)


@given(PAIRS, st.integers(0, 99))
def test_an_item_of_weight_n_is_an_item_n_times(pairs: list[tuple[int, int]], seed: int) -> None:
    labels, predicted = np.array(pairs).T
    weights = np.random.default_rng(seed).integers(0, 3, len(labels))
    weights[0] = 1
    weighted = scores(labels, predicted[None], weights[None])
    repeated = scores(labels.repeat(weights), predicted.repeat(weights)[None])
    assert weighted.accuracy == pytest.approx(repeated.accuracy)
    assert weighted.macro_f1 == pytest.approx(repeated.macro_f1)


def test_a_constant_answer_has_the_macro_f1_of_its_class_shared_among_all() -> None:
    labels = np.array([0] * 50 + [1] * 50)
    assert scores(labels, np.zeros((1, 100), np.int64)).macro_f1[0, 0] == pytest.approx(1 / 3)


def right(matrix: np.ndarray) -> np.ndarray:
    """Predictions [runs, n] that are right where the matrix [runs, n] is true, of items that are all of class 1."""
    return matrix.astype(np.int64)


def error(matrix: np.ndarray) -> float:
    labels = np.ones(matrix.shape[1], np.int64)
    return interval(scores(labels, right(matrix)).accuracy[0], resampled(labels, right(matrix)).accuracy).error


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_seeds_that_agree_make_no_interval_narrower(share: float) -> None:
    one = np.arange(400) < 400 * share
    for runs in (1, 5, 10):
        assert error(np.tile(one, (runs, 1))) == pytest.approx(np.sqrt(share * (1 - share) / 400), rel=0.05)


@pytest.mark.parametrize("spread", [0.0, 0.05, 0.2])
def test_errors_are_those_of_the_crossed_random_effects_model(spread: float) -> None:
    runs, items = 5, 300
    draw = np.random.default_rng(int(100 * spread))
    hard = draw.normal(0.75, 0.2, items) + draw.normal(0, spread, runs)[:, None]
    matrix = (draw.random((runs, items)) < hard).astype(float)
    by_item, by_run = matrix.mean(0), matrix.mean(1)
    rest = ((matrix - by_item - by_run[:, None] + matrix.mean()) ** 2).sum() / (runs - 1) / (items - 1)
    of_runs = max(0.0, by_run.var(ddof=1) - rest / items)
    assert error(matrix) == pytest.approx(np.sqrt(by_item.var(ddof=1) / items + of_runs / runs), rel=0.05)


def test_errors_are_as_large_as_means_are_apart() -> None:
    """New items and new seeds, again and again: what the interval claims to be about."""
    runs, items = 5, 150
    draw = np.random.default_rng(3)
    means, errors = [], []
    for _ in range(200):
        hard = np.clip(draw.normal(0.75, 0.2, items) + draw.normal(0, 0.04, runs)[:, None], 0, 1)
        matrix = draw.random((runs, items)) < hard
        means.append(matrix.mean())
        errors.append(error(matrix))
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(np.std(means), rel=0.12)


def test_equal_models_differ_by_nothing_and_a_paired_difference_is_narrower() -> None:
    draw = np.random.default_rng(5)
    labels = np.ones(300, np.int64)
    hard = draw.random(300)
    one, other = (right(draw.random((5, 300)) * 0.2 + 0.8 * hard < limit) for limit in (0.7, 0.6))
    draws = [resampled(labels, answers).accuracy for answers in (one, other)]
    whole = [scores(labels, answers).accuracy[0] for answers in (one, other)]
    assert interval(whole[0] - whole[0], draws[0] - draws[0]) == (0, 0, 0, 0)
    paired = interval(whole[0] - whole[1], draws[0] - draws[1])
    alone = [interval(*both) for both in zip(whole, draws, strict=True)]
    assert paired.low > 0
    assert paired.error < 0.7 * np.hypot(alone[0].error, alone[1].error)


def test_draws_do_not_depend_on_how_many_are_made_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.arange(60) % 3
    predicted = np.stack([labels, (labels + (np.arange(60) > 50)) % 3])
    at_once = resampled(labels, predicted)
    monkeypatch.setattr("benchmarks.finetuning.scores.CHUNK", 7 * 60)
    assert np.array_equal(at_once.macro_f1, resampled(labels, predicted).macro_f1)
