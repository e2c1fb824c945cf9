"""Weights by cluster size: the explicit ones, and FineWeb-2's from rates."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from curation.writers.parameters import Rates
from curation.writers.rehydration import FEWEST_CLUSTERS, steps, steps_from_rates, weighted, weights

# FineWeb-2, misc/rehydration/distributions/azj_Latn.json: percentage removed and documents left, for the cluster sizes 1 to 24
AZJ_LATN = [
    (82.47061, 3009334), (71.35385, 1164312), (67.69930, 620781), (65.76037, 442035), (62.45451, 338072), (60.49854, 253725),
    (56.51455, 215630), (53.87027, 209423), (56.51546, 135570), (56.46961, 110619), (52.34696, 110668), (53.56091, 98071),
    (55.27358, 81564), (58.13184, 61990), (60.83915, 49318), (56.83517, 45513), (55.33362, 40005), (58.13870, 32548),
    (60.01554, 26243), (63.03637, 21803), (64.98328, 18853), (66.38879, 16652), (67.32962, 14669), (68.00762, 13106),
]  # fmt: skip
RATES = st.dictionaries(st.integers(1, 300), st.integers(1, 10**6), min_size=1).flatmap(
    lambda read: st.fixed_dictionaries({size: st.tuples(st.just(n * size), st.integers(0, n).map(lambda k, s=size: k * s)) for size, n in read.items()})
)  # fmt: skip


def members(percent: float, left: int, size: int) -> tuple[int, int]:
    """Documents read and rejected, all members counted, where FineWeb-2 counts one of each cluster."""
    clusters = round(left / (1 - percent / 100))
    return clusters * size, (clusters - left) * size


def test_the_weights_of_fineweb_2() -> None:
    rates = {size: members(percent, left, size) for size, (percent, left) in enumerate(AZJ_LATN, 1)}
    published = {1: 1, 2: 3, 3: 4, 4: 5, 5: 6, 6: 7, 7: 8, 9: 9, 14: 8, 19: 7, 20: 6, 21: 5, 23: 4}
    assert dict(steps(Rates(most=10), rates)) == published


@given(RATES, st.integers(2, 20))
def test_weights_are_whole_and_between_1_and_most(rates: dict[int, tuple[int, int]], most: int) -> None:
    found = steps_from_rates(rates, most)
    assert found[0][0] == min(rates)
    assert [size for size, _ in found] == sorted({size for size, _ in found})
    assert all(1 <= weight <= most and weight == int(weight) for _, weight in found)


def test_a_size_with_few_clusters_decides_nothing_alone() -> None:
    rates = {1: (5000, 2500), 2: (4000, 1200), 3: (3000, 1500), 4: (2000, 1000), 28: (56, 0)}
    assert steps_from_rates(rates, 10) == ((1, 1.0), (2, 10.0), (3, 1.0))
    assert steps_from_rates({1: (FEWEST_CLUSTERS - 1, 0), 2: (2 * FEWEST_CLUSTERS, FEWEST_CLUSTERS)}, 10) == ((1, 1.0),)
    assert steps_from_rates({}, 10) == ()


def test_a_cluster_counts_once_however_large() -> None:
    spam = {1: (1000, 300), 2: (2000, 600), 500: (500_000, 500_000)}
    assert steps_from_rates(spam, 10) == ((1, 10.0), (500, 1.0))
    assert steps_from_rates({1: (1000, 100), 2: (2000, 1000), 3: (3000, 1500), 4: (4000, 2000)}, 5) == ((1, 5.0), (2, 1.0))


@given(st.dictionaries(st.integers(1, 60), st.floats(0, 20)), st.lists(st.integers(1, 100)))
def test_a_weight_holds_from_its_size_on(by_size: dict[int, float], sizes: list[int]) -> None:
    found = weights(np.array(sizes, np.int64), steps(by_size, {}))
    expected = [by_size[max(s for s in by_size if s <= size)] if any(s <= size for s in by_size) else 1.0 for size in sizes]
    assert found.tolist() == expected


def test_words_after_rehydration() -> None:
    assert weighted({1: 100, 2: 10, 61: 5}, ((1, 1.0), (2, 3.0), (61, 0.5))) == 132.5
    assert weighted({}, ((1, 2.0),)) == 0
