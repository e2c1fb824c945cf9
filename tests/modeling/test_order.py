"""The order of training: every row once an epoch, whatever their number, in an order that shows nothing of the rows'."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeling.tokens import row_of


@given(st.integers(1, 3000), st.integers(0, 2**63), st.integers(0, 10**6))
def test_each_epoch_is_a_permutation(rows: int, seed: int, epoch: int) -> None:
    samples = np.arange(epoch * rows, (epoch + 1) * rows)
    assert sorted(row_of(samples, rows, seed)) == list(range(rows))


@given(st.integers(1, 10**9), st.integers(0, 2**40), st.integers(0, 2**63))
def test_one_sample_at_a_time_gives_the_same(rows: int, sample: int, seed: int) -> None:
    together = row_of(np.arange(sample, sample + 5), rows, seed)
    assert [row_of(sample + i, rows, seed) for i in range(5)] == together.tolist()
    assert together.min() >= 0
    assert together.max() < rows


def test_epochs_and_seeds_differ() -> None:
    rows = 1000
    orders = [row_of(np.arange(epoch * rows, (epoch + 1) * rows), rows, seed) for epoch in range(3) for seed in range(3)]
    for number, one in enumerate(orders):
        for other in orders[:number]:
            assert (one == other).mean() < 0.01  # 1 of 1000 falls on itself by chance


@pytest.mark.parametrize("rows", [1000, 1024, 1025, 4097, 65536])
def test_mixing(rows: int) -> None:
    """Neighbours go far apart, halves mix evenly, and nothing of the order is left: as in a permutation that is drawn."""
    order = row_of(np.arange(rows), rows, 11)
    assert abs(np.corrcoef(order, np.arange(rows))[0, 1]) < 4 / np.sqrt(rows)
    steps = np.abs(np.diff(order))
    assert abs(steps.mean() / rows - 1 / 3) < 0.03  # the mean distance of two drawn places
    parity = np.bincount(2 * (order % 2) + (np.arange(rows) % 2), minlength=4)
    assert np.abs(parity - rows / 4).max() < 4 * np.sqrt(rows) / 4
    cells = np.zeros((8, 8))
    np.add.at(cells, (np.arange(rows) * 8 // rows, order * 8 // rows), 1)
    assert ((cells - rows / 64) ** 2 / (rows / 64)).sum() < 105  # chi-square of 49 degrees of freedom: 1 in 100,000 by chance


def test_all_orders_of_few_rows_come_up() -> None:
    seen = {tuple(row_of(np.arange(4 * epoch, 4 * epoch + 4), 4, 3)) for epoch in range(1000)}
    assert len(seen) >= 20  # of 24


def test_what_is_no_sample() -> None:
    with pytest.raises(ValueError, match="count from 0"):
        row_of(-1, 10, 0)
    with pytest.raises(ValueError, match="rows are 1 at least"):
        row_of(0, 0, 0)
