"""Masking: exact numbers, right shares, nothing special, whole words, and the same for a sample whatever stands beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from modeling.tokens import Packed, Rows, pack
from modeling.tokens.masking import IGNORED, SHARES, Masked, mask
from tests.modeling.stores import SIZE, VOCABULARY, store

MASK = 4


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    lengths = np.random.default_rng(5).integers(1, 200, 4000).tolist()
    return pack(store(tmp_path_factory.mktemp("masking") / "s", lengths), "train", 128)


def masked(rows: Rows, rate: float = 0.3, whole_words: bool = False, shares: tuple[float, float] = SHARES) -> tuple[Packed, Masked]:
    packed = rows.batch(np.arange(len(rows)))
    return packed, mask(packed, np.arange(len(rows)), 9, rate, VOCABULARY, whole_words, shares)


def candidates(packed: Packed) -> np.ndarray:
    return (packed.pieces >= 0) & np.isin(packed.ids, VOCABULARY.ordinary)


@pytest.mark.parametrize("rate", [0.15, 0.3, 0.4])
def test_each_row_has_its_number(rows: Rows, rate: float) -> None:
    packed, found = masked(rows, rate)
    assert found.places.shape == found.labels.shape == (len(rows), round(rate * 128))
    wanted = np.maximum(1, np.rint(rate * candidates(packed).sum(1)))
    assert ((found.labels != IGNORED).sum(1) == wanted).all()
    assert abs((found.labels != IGNORED).sum() / candidates(packed).sum() - rate) < 0.002


def test_labels_are_what_stood_there(rows: Rows) -> None:
    packed, found = masked(rows)
    used = found.labels != IGNORED
    lines = np.broadcast_to(np.arange(len(rows))[:, None], used.shape)[used]
    places = found.places[used]
    assert (packed.ids[lines, places] == found.labels[used]).all()
    assert candidates(packed)[lines, places].all(), "special, reserved or padding"
    assert len(set(zip(lines.tolist(), places.tolist(), strict=True))) == used.sum(), "a place twice"
    changed = np.zeros(packed.ids.shape, bool)
    changed[lines, places] = True
    assert (found.ids == packed.ids)[~changed].all(), "a place that no label is for"
    assert (np.diff(found.places, axis=1) > 0)[used[:, 1:]].all(), "places in order"


@pytest.mark.parametrize("whole_words", [False, True])
def test_shares(rows: Rows, whole_words: bool) -> None:
    _, found = masked(rows, whole_words=whole_words)
    used = found.labels != IGNORED
    now = np.take_along_axis(found.ids, found.places, 1)[used]
    total, masks, kept = used.sum(), (now == MASK).sum(), (now == found.labels[used]).sum()
    assert abs(masks / total - 0.8) < 0.01
    assert abs(kept / total - 0.1 - 0.1 / len(VOCABULARY.ordinary)) < 0.01
    drawn = now[(now != MASK) & (now != found.labels[used])]
    assert np.isin(drawn, VOCABULARY.ordinary).all()
    counts = np.bincount(drawn, minlength=SIZE)[VOCABULARY.ordinary]
    expected = counts.mean()
    square = ((counts - expected) ** 2 / expected).sum()
    freedom = len(counts) - 1
    assert abs(square - freedom) < 5 * np.sqrt(2 * freedom)


def test_places_are_even(rows: Rows) -> None:
    """No place in a row, and no place in a piece, is likelier than another."""
    packed, found = masked(rows)
    may = candidates(packed)
    used = found.labels != IGNORED
    hits = np.bincount(found.places[used], minlength=128) / np.maximum(may.sum(0), 1)
    often = may.sum(0) > len(rows) / 2
    assert np.abs(hits[often] - 0.3).max() < 5 * np.sqrt(0.3 * 0.7 / (len(rows) / 2))


def test_the_evaluations_way(rows: Rows) -> None:
    """15 %, whole words, all of them hidden."""
    packed, found = masked(rows, 0.15, True, (1, 0))
    used = found.labels != IGNORED
    assert (np.take_along_axis(found.ids, found.places, 1)[used] == MASK).all()
    assert 0.14 < used.sum() / candidates(packed).sum() < 0.154  # rows have about 125 candidates: 19 of them
    assert_whole_words(packed, found)


def assert_whole_words(packed: Packed, found: Masked) -> None:
    chosen = np.zeros(packed.ids.shape, bool)
    used = found.labels != IGNORED
    chosen[np.nonzero(used)[0], found.places[used]] = True
    goes_on = candidates(packed)[:, 1:] & candidates(packed)[:, :-1] & VOCABULARY.continues[packed.ids[:, 1:]]
    goes_on &= packed.pieces[:, 1:] == packed.pieces[:, :-1]
    assert goes_on.any()
    assert (chosen[:, 1:] == chosen[:, :-1])[goes_on].all()


def test_whole_words_share_their_fate(rows: Rows) -> None:
    packed, found = masked(rows, whole_words=True)
    assert_whole_words(packed, found)
    hidden = found.ids == MASK
    goes_on = VOCABULARY.continues[packed.ids[:, 1:]] & candidates(packed)[:, :-1] & (packed.pieces[:, 1:] == packed.pieces[:, :-1])
    assert (hidden[:, 1:] == hidden[:, :-1])[goes_on].all()


@pytest.mark.parametrize("whole_words", [False, True])
def test_a_sample_is_masked_the_same_in_any_batch(rows: Rows, whole_words: bool) -> None:
    numbers = np.arange(40) + 1000
    together = mask(rows.batch(numbers % len(rows)), numbers, 3, 0.3, VOCABULARY, whole_words)
    for chosen in (slice(0, 1), slice(7, 20), slice(39, 40), slice(None, None, -1)):
        alone = mask(rows.batch(numbers[chosen] % len(rows)), numbers[chosen], 3, 0.3, VOCABULARY, whole_words)
        for one, other in zip(alone, together, strict=True):
            assert (one == other[chosen]).all()


def test_epochs_and_seeds_are_masked_differently(rows: Rows) -> None:
    packed = rows.batch(np.arange(50))
    one, next_epoch = (mask(packed, np.arange(50) + first, 3, 0.3, VOCABULARY) for first in (0, len(rows)))
    other_seed = mask(packed, np.arange(50), 4, 0.3, VOCABULARY)
    assert not (one.places == next_epoch.places).all(1).any()
    assert not (one.places == other_seed.places).all(1).any()


def test_a_row_that_is_almost_empty_keeps_its_context(tmp_path: Path) -> None:
    rows = pack(store(tmp_path / "s", [10]), "train", 128)
    found = mask(rows.batch(np.array([0])), np.array([0]), 1, 0.3, VOCABULARY)
    assert (found.labels != IGNORED).sum() == 3
    assert found.places.shape == (1, 38)


def test_a_text_of_unknown_tokens_has_nothing_to_guess() -> None:
    ids = np.array([[2, 1, 1, 1, 3, 0, 0, 0]])
    pieces = np.array([[0, 0, 0, 0, 0, -1, -1, -1]], np.int32)
    found = mask(Packed(ids, ids, pieces, np.zeros((1, 1), np.int16)), np.array([0]), 1, 0.3, VOCABULARY)
    assert (found.labels == IGNORED).all()
    assert (found.ids == ids).all()


@pytest.mark.parametrize(("rate", "shares"), [(0.0, SHARES), (1.0, SHARES), (0.3, (0.9, 0.2)), (0.3, (-0.1, 0.2))])
def test_shares_that_are_none(rows: Rows, rate: float, shares: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        mask(rows.batch(np.array([0])), np.array([0]), 1, rate, VOCABULARY, shares=shares)
