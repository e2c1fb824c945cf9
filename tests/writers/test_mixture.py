"""Copies, draws and splits: functions of an id, a factor and a seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.writers.mixture import copies, draws, splits

IDS = np.random.default_rng(5).integers(0, 2**64, (20_000, 2), np.uint64)


@given(st.floats(0, 50), st.integers(0, 2**63 - 1))
def test_copies_are_the_factor_on_average(factor: float, seed: int) -> None:
    found = copies(IDS, factor, seed)
    assert found.dtype == np.int64
    assert set(found.tolist()) <= {int(factor), int(factor) + 1}
    assert found.mean() == pytest.approx(factor, abs=0.02)


def test_a_factor_for_each_document() -> None:
    each = np.linspace(0, 8, len(IDS))
    found = copies(IDS, each, 3)
    assert (found == [copies(IDS[k : k + 1], factor, 3)[0] for k, factor in enumerate(each.tolist())]).all()


def test_a_document_with_more_copies_keeps_those_it_had() -> None:
    assert (copies(IDS, 2.7, 1) >= copies(IDS, 2.3, 1)).all()


@given(st.floats(0, 0.4), st.floats(0, 0.4), st.integers(0, 2**63 - 1))
def test_splits_have_their_shares(validation: float, test: float, seed: int) -> None:
    drawn = draws(IDS, seed)
    assert 0 <= drawn.min() <= drawn.max() < 1
    found = splits(drawn, validation, test)
    assert np.mean(found == "validation") == pytest.approx(validation, abs=0.02)
    assert np.mean(found == "test") == pytest.approx(test, abs=0.02)
    assert set(found.tolist()) <= {"train", "validation", "test"}


def test_a_growing_cluster_that_was_held_out_never_comes_to_train() -> None:
    drawn = draws(IDS, 0)
    order = ["test", "validation", "train"]
    for members in (drawn[k : k + 4] for k in range(0, 2000, 4)):
        before, after = (order.index(splits(part.min(keepdims=True), 0.1, 0.1)[0]) for part in (members[:3], members))
        assert after <= before


def test_test_stays_when_the_share_of_validation_changes() -> None:
    drawn = draws(IDS, 0)
    before, after = splits(drawn, 0.1, 0.2), splits(drawn, 0.3, 0.2)
    assert ((before == "test") == (after == "test")).all()
    assert (after[before == "validation"] == "validation").all()


def test_splits_and_copies_are_drawn_apart() -> None:
    train = splits(draws(IDS, 0), 0.5, 0) == "train"
    assert copies(IDS, 1.5, 0)[train].mean() == pytest.approx(1.5, abs=0.03)
