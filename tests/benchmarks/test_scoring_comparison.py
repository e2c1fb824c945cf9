"""Standard errors agree with closed forms; ties are told as ties, and differences found as often as theory says."""

from __future__ import annotations

import importlib
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.scoring import bootstrap
from benchmarks.scoring.bootstrap import DRAWS, Interval, Sampled, average, interval, replicates, sampled
from benchmarks.scoring.comparison import compared, compared_over_tasks, difference, holm, probability, ranks, student
from benchmarks.scoring.metrics import METRICS

ACCURACY = METRICS["accuracy"]


def right(matrix: np.ndarray) -> list[np.ndarray]:
    """Statistics of runs whose answers are right where the matrix [runs, n] is true."""
    return [np.stack([row, np.ones(len(row))], 1).astype(np.float64) for row in matrix]


def accuracies(*matrices: np.ndarray, key: str = "task") -> list[Sampled]:
    return sampled(ACCURACY.score, [right(matrix) for matrix in matrices], key)


def error(matrix: np.ndarray) -> float:
    return interval(replicates(accuracies(matrix)[0])).error


@settings(max_examples=15, deadline=None, derandomize=True)
@given(share=st.floats(0.2, 0.9), items=st.integers(100, 600), runs=st.sampled_from([1, 5, 10]))
def test_seeds_that_agree_make_no_interval_narrower(share: float, items: int, runs: int) -> None:
    """lighteval's are 31.6 times too small here, for they divide the spread of the resamples by the root of their number again."""
    one = np.arange(items) < round(items * share)
    own = one.mean()
    assert error(np.tile(one, (runs, 1))) == pytest.approx(np.sqrt(own * (1 - own) / items), rel=0.05)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(spread=st.sampled_from([0.0, 0.05, 0.2]), runs=st.integers(3, 10), seed=st.integers(0, 99))
def test_errors_are_those_of_the_crossed_random_effects_model(spread: float, runs: int, seed: int) -> None:
    items, draw = 300, np.random.default_rng(seed)
    hard = draw.normal(0.75, 0.2, items) + draw.normal(0, spread, runs)[:, None]
    matrix = (draw.random((runs, items)) < hard).astype(float)
    by_item, by_run = matrix.mean(0), matrix.mean(1)
    rest = ((matrix - by_item - by_run[:, None] + matrix.mean()) ** 2).sum() / (runs - 1) / (items - 1)
    of_runs = max(0.0, by_run.var(ddof=1) - rest / items)
    assert error(matrix) == pytest.approx(np.sqrt(by_item.var(ddof=1) / items + of_runs / runs), rel=0.05)


def test_the_error_of_a_correlation_is_fishers() -> None:
    draw, truth = np.random.default_rng(1), 0.6
    x = draw.normal(size=1000)
    y = truth * x + np.sqrt(1 - truth**2) * draw.normal(size=1000)
    of = METRICS["pearson"]
    found = interval(replicates(sampled(of.score, [[of.statistics(x.tolist(), y.tolist(), ())]], "t")[0]))
    assert found.error == pytest.approx((1 - found.mean**2) / np.sqrt(1000), rel=0.08)


def test_errors_are_as_large_as_means_are_apart() -> None:
    """New items and new seeds, again and again: what the interval claims to be about."""
    runs, items = 5, 150
    draw = np.random.default_rng(3)
    models = []
    for _ in range(200):
        hard = np.clip(draw.normal(0.75, 0.2, items) + draw.normal(0, 0.04, runs)[:, None], 0, 1)
        models.append(draw.random((runs, items)) < hard)
    errors = [interval(replicates(of)).error for of in accuracies(*models)]
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(np.std([model.mean() for model in models]), rel=0.12)


def test_draws_are_the_same_however_many_are_held_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = np.random.default_rng(1).random((2, 60)) < 0.7
    at_once = accuracies(matrix)[0].draws
    monkeypatch.setattr(bootstrap, "CHUNK", 7 * 60)
    assert np.array_equal(at_once, accuracies(matrix)[0].draws)
    assert not np.array_equal(at_once, accuracies(matrix, key="another")[0].draws)
    assert at_once.shape == (DRAWS, 2)


def planted(draw: np.random.Generator, runs: int, items: int, *shares: float) -> list[np.ndarray]:
    """Models with these accuracies that find the same items hard."""
    hard = draw.random(items)
    return [(0.5 * hard + 0.5 * draw.random((runs, items))) < _limit(share) for share in shares]


def _limit(share: float) -> float:
    """Where the mean of two even draws lies below with this probability."""
    return math.sqrt(share / 2) if share <= 0.5 else 1 - math.sqrt((1 - share) / 2)


@pytest.mark.parametrize(("runs", "items"), [(1, 600), (5, 300)])
def test_a_difference_of_3_points_is_found_as_often_as_theory_says(runs: int, items: int) -> None:
    """The noncentral t of the differences' true standard error, which the bootstrap is not told, and of as many degrees of freedom as the seeds leave."""
    oracle = importlib.import_module("scipy.stats")
    draw, count = np.random.default_rng(7), 160
    pairs = [planted(draw, runs, items, 0.78, 0.75) for _ in range(count)]
    found = accuracies(*(model for pair in pairs for model in pair))
    chances = [probability(difference(*found[place : place + 2])) for place in range(0, 2 * count, 2)]
    many = np.random.default_rng(8)
    spread = np.std([one.mean() - other.mean() for one, other in (planted(many, runs, items, 0.78, 0.75) for _ in range(1000))])
    freedom = runs - 1 if runs > 1 else items - 1
    power = oracle.nct.sf(oracle.t.ppf(0.975, freedom), freedom, 0.03 / spread)
    assert 0.2 < power < 0.95, "where it says something"
    assert np.mean(np.array(chances) < 0.05) == pytest.approx(power, abs=0.1)


def test_planted_ties_are_told_as_ties() -> None:
    """Four models that are alike, 120 times: all share the first rank but in 5 % of the times, at most, give or take."""
    draw = np.random.default_rng(9)
    tables = [planted(draw, 5, 200, 0.7, 0.7, 0.7, 0.7) for _ in range(120)]
    found = accuracies(*(model for table in tables for model in table))
    all_tied = 0
    for place in range(0, len(found), 4):
        models = dict(zip("abcd", found[place : place + 4], strict=True))
        means = {name: float(of.whole.mean()) for name, of in models.items()}
        all_tied += set(ranks(means, compared(models)).values()) == {1}
    assert all_tied >= 120 * (1 - 0.05) - 7


def test_ranks_count_the_models_that_are_told_to_be_better() -> None:
    draw = np.random.default_rng(2)
    models = dict(zip(("worst", "best", "second", "as second"), accuracies(*planted(draw, 5, 1000, 0.3, 0.9, 0.6, 0.605)), strict=True))
    models["twin of the best"] = models["best"]
    means = {name: float(of.whole.mean()) for name, of in models.items()}
    assert ranks(means, compared(models)) == {"best": 1, "twin of the best": 1, "second": 3, "as second": 3, "worst": 5}


def test_equal_models_differ_by_nothing_and_a_paired_difference_is_narrower() -> None:
    one, other = accuracies(*planted(np.random.default_rng(5), 5, 300, 0.8, 0.7))
    same = difference(one, one)
    assert interval(same) == Interval(0, 0, 0, 0)
    assert probability(same) == 1
    alone = [interval(replicates(of)).error for of in (one, other)]
    assert interval(difference(one, other)).error < 0.8 * np.hypot(*alone)


def test_models_with_other_numbers_of_runs() -> None:
    draw = np.random.default_rng(6)
    five, ten, single = accuracies(*(planted(draw, runs, 200, 0.7)[0] for runs in (5, 10, 1)))
    apart = difference(five, ten)
    assert apart.mean == pytest.approx(five.whole.mean() - ten.whole.mean())
    assert interval(apart).low < apart.mean < interval(apart).high
    assert difference(five, single).mean == pytest.approx((five.whole - single.whole).mean())
    assert difference(single, five).mean == pytest.approx(-(five.whole - single.whole).mean())


def test_few_items_that_all_say_the_same_prove_little() -> None:
    all_right, all_wrong = accuracies(np.ones((1, 4), bool), np.zeros((1, 4), bool))
    assert probability(difference(all_right, all_wrong)) == pytest.approx(2.0**-3)


def test_the_average_over_tasks_is_as_uncertain_as_tasks_apart_are() -> None:
    draw = np.random.default_rng(8)
    tasks = {name: accuracies(*planted(draw, 5, 200, 0.8, 0.7), key=name) for name in ("one", "other")}
    each = [replicates(of[0], name) for name, of in tasks.items()]
    both = interval(average(each))
    assert both.mean == pytest.approx(np.mean([of.mean for of in each]))
    assert both.error == pytest.approx(np.hypot(*(interval(of).error for of in each)) / 2, rel=0.07)
    models: Any = {name: dict(zip("ab", of, strict=True)) for name, of in tasks.items()}
    found = compared_over_tasks(models, dict.fromkeys(tasks, 1.0))["a", "b"]
    assert found.told_apart
    doubled = compared_over_tasks(models, dict.fromkeys(tasks, 2.0))["a", "b"]
    assert doubled.interval.mean == pytest.approx(2 * found.interval.mean)
    assert doubled.p == pytest.approx(found.p)


@pytest.mark.parametrize("freedom", [1, 2.3, 4, 30, 99.5, 1e5])
def test_students_distribution_is_scipys(freedom: float) -> None:
    oracle = importlib.import_module("scipy.stats")
    for t in (0, 0.001, 0.5, 1, 2, 5, 30):
        assert student(t, freedom) == pytest.approx(2 * oracle.t.sf(t, freedom), rel=1e-6)


def test_holms_correction() -> None:
    """His own procedure by hand: the least times 4, the next times 3 …, never falling."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
