"""The loader: batches are a function of their number; ranks, threads and where one began change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from modeling.cross_entropy import IGNORED
from modeling.step import asked_of
from modeling.tokens import Batch, Rows, batches, pack, row_of
from modeling.tokens.halves import Halving
from modeling.tokens.masking import mask
from tests.modeling.stores import VOCABULARY, store


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    lengths = np.random.default_rng(6).integers(1, 90, 300).tolist()
    return pack(store(tmp_path_factory.mktemp("loader") / "s", lengths), "train", 64)


def load(rows: Rows, **changes: Any) -> Iterator[Batch]:
    return batches(rows, VOCABULARY, **({"seed": 4, "start": 0, "size": 8, "rate": 0.3, "workers": 0} | changes))


def same_arrays(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def same(one: Batch, other: Batch) -> bool:
    return same_arrays(one, other)


@pytest.mark.parametrize("workers", [1, 3])
def test_threads_change_nothing(rows: Rows, workers: int) -> None:
    alone, together = load(rows), load(rows, workers=workers)
    assert all(same(a, b) for a, b in islice(zip(alone, together, strict=True), 60))


def test_a_batch_is_what_order_packing_and_masking_say(rows: Rows) -> None:
    for batch in islice(load(rows, start=1000, whole_words=True), 20):
        packed = rows.batch(row_of(batch.samples, len(rows), 4))
        masked = mask(packed, batch.samples, 4, 0.3, VOCABULARY, whole_words=True)
        expected = (masked.ids, packed.positions, packed.pieces, masked.places, masked.labels, packed.sources)
        assert same_arrays(batch[:6], expected)
        assert batch.tokens == (packed.pieces >= 0).sum()
        assert batch.text == ((packed.ids > 4) & (packed.pieces >= 0)).sum()
        assert batch.halves is None


def test_resuming_is_a_number(rows: Rows) -> None:
    whole = list(islice(load(rows), 60))
    for after in (1, 17, 40):  # past the end of an epoch too
        assert all(same(a, b) for a, b in zip(whole[after:], load(rows, start=8 * after, workers=2), strict=False))


@pytest.mark.parametrize("ranks", [2, 4])
def test_ranks_share_each_step(rows: Rows, ranks: int) -> None:
    one = load(rows, size=8)
    parts = [load(rows, size=8 // ranks, rank=rank, ranks=ranks, workers=1) for rank in range(ranks)]
    for whole, *shared in islice(zip(one, *parts, strict=True), 30):
        assert np.array_equal(whole.samples, np.concatenate([part.samples for part in shared]))
        assert np.array_equal(whole.ids, np.concatenate([part.ids for part in shared]))
        assert np.array_equal(whole.labels, np.concatenate([part.labels for part in shared]))
        assert whole.tokens == sum(part.tokens for part in shared)


def test_an_epoch_is_every_row(rows: Rows) -> None:
    samples = np.concatenate([batch.samples for batch in islice(load(rows, size=1), len(rows))])
    assert samples.tolist() == list(range(len(rows)))
    tokens = sum(batch.tokens for batch in islice(load(rows, size=1), len(rows)))
    assert tokens == rows.tokens


def test_nothing_is_masked_for_a_decoder(tmp_path: Path) -> None:
    rows = pack(store(tmp_path / "s", [40, 50]), "train", 64, closed=False)
    batch = next(load(rows, rate=None, size=2))
    assert batch.places.shape == batch.labels.shape == (2, 0)
    assert np.array_equal(batch.ids, rows.batch(row_of(np.arange(2), len(rows), 4)).ids)


def test_a_decoder_is_asked_for_the_end_of_each_document_once(tmp_path: Path) -> None:
    """By its last piece: of 150 ids in rows of 64, two pieces go on."""
    rows = pack(store(tmp_path / "s", [150, 30, 3]), "train", 64, closed=False)
    batch = next(load(rows, rate=None, size=len(rows)))
    asked = asked_of(batch, causal=True)
    assert (batch.text, batch.tokens) == (183, 183 + 5 + 3)
    ends = asked.labels == VOCABULARY.sep
    assert ends.sum() == 3
    before = torch.from_numpy(batch.ids).gather(1, asked.places)[ends].tolist()
    assert sorted(before) == [154, 184, 187], "the last id of each"
    assert (asked.labels != IGNORED).sum() == 183 + 3


def test_halves_are_cut_before_they_are_masked(tmp_path: Path) -> None:
    rows = pack(store(tmp_path / "s", np.random.default_rng(6).integers(1, 90, 300).tolist()), "train", 64, halves=True)
    none = np.zeros(1 << 16, np.bool_)
    cut = Halving(4, VOCABULARY.sep, none, none, none)
    shapes = set()
    for one, other in islice(zip(load(rows, halving=cut), load(rows, halving=cut, workers=3), strict=True), 20):
        packed, halves = cut(rows.batch(row_of(one.samples, len(rows), 4)), one.samples, rows.most)
        masked = mask(packed, one.samples, 4, 0.3, VOCABULARY)
        expected = (masked.ids, packed.positions, packed.pieces, masked.places, masked.labels, packed.sources)
        for batch in (one, other):
            assert batch.halves is not None
            assert same_arrays(batch[:6], expected)
            assert same_arrays(batch.halves, halves)
            assert (batch.tokens, batch.text) == ((packed.pieces >= 0).sum(), ((packed.ids > 4) & (packed.pieces >= 0)).sum())
        shapes.add(tuple(array.shape for array in halves))
    assert len(shapes) == 1, "one graph for one shape"


def test_an_error_in_a_thread_is_raised(rows: Rows) -> None:
    with pytest.raises(ValueError, match="count from 0"):
        next(load(rows, start=-8, workers=2))


def test_a_loader_that_is_left_stops_its_threads(rows: Rows) -> None:
    import threading

    loader = load(rows, workers=3)
    next(loader)
    loader.close()  # type: ignore[attr-defined]
    for thread in threading.enumerate():
        if thread.name.startswith("loader"):
            thread.join(timeout=5)
            assert not thread.is_alive()
