"""Packing: every token of every copy stands in the rows once, in pieces that are documents in order, and hardly a place is empty."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.errors import DollmaError
from modeling.tokens import Part, Rows, pack
from tests.modeling.stores import store

PAD, CLS, SEP = 0, 2, 3


def read_back(rows: Rows) -> dict[int, list[tuple[int, int]]]:
    """Every document's pieces as (begin, end) in it, in order of begin."""
    found = defaultdict(list)
    for begin, count, document in zip(rows.begins.tolist(), rows.counts.tolist(), rows.documents.tolist(), strict=True):
        first = int(rows.split.offsets[document])
        found[document].append((begin - first, begin - first + count))
    return {document: sorted(pieces) for document, pieces in found.items()}


def assert_whole(rows: Rows) -> None:
    """Each id of each document is in as many pieces as it has copies, and rows overflow nowhere."""
    pieces = read_back(rows)
    for document, (length, copies) in enumerate(zip(rows.split.lengths(), rows.split.copies, strict=True)):
        times = np.zeros(length, np.int64)
        for begin, end in pieces.get(document, []):
            assert 0 <= begin < end <= length
            times[begin:end] += 1
        assert (times == copies).all(), f"document {document}"
    assert rows.firsts[0] == 0
    assert rows.firsts[-1] == len(rows.counts)
    assert (np.diff(rows.firsts) > 0).all(), "an empty row"
    taken = np.add.reduceat(rows.counts + 1 + rows.halves + ends(rows), rows.firsts[:-1])
    assert taken.max() <= rows.length


def ends(rows: Rows) -> np.ndarray:
    """Which pieces end with [SEP]: all, or those with a document's last ids."""
    last = rows.begins + rows.counts == rows.split.offsets[1:][rows.documents]
    return np.ones_like(last) if rows.closed else last


documents = st.lists(st.tuples(st.one_of(st.integers(0, 40), st.integers(0, 700)), st.integers(1, 6)), min_size=1, max_size=80)


@settings(max_examples=60)
@given(documents, st.integers(16, 130), st.sampled_from([(True, False), (False, False), (True, True)]))
def test_every_token_of_every_copy_once(drawn: list[tuple[int, int]], length: int, form: tuple[bool, bool]) -> None:
    lengths, copies = zip(*drawn, strict=True)
    with tempfile.TemporaryDirectory() as folder:
        tokens = store(Path(folder) / "s", lengths, copies)
        if not sum(lengths):
            with pytest.raises(DollmaError, match="no tokens in train"):
                pack(tokens, "train", length)
            return
        rows = pack(tokens, "train", length, *form)
        assert_whole(rows)
        assert_laid_out(rows)
        if form != (True, False):
            alone = rows.counts == 1
            assert (rows.split.lengths()[rows.documents[alone]] == 1 if rows.halves else ends(rows)[alone]).all(), "a cut left an id alone"


def assert_laid_out(rows: Rows) -> None:
    """The arrays of a batch say what the pieces say."""
    packed = rows.batch(np.arange(len(rows)))
    assert int((packed.pieces >= 0).sum()) == rows.tokens - rows.halves * len(rows.counts)
    assert rows.text(np.arange(len(rows))) == rows.counts.sum()
    for row in range(len(rows)):
        place = 0
        first, last = rows.firsts[row : row + 2]
        for number, piece in enumerate(range(first, last)):
            ids = rows.split.ids[rows.begins[piece] : rows.begins[piece] + rows.counts[piece]].tolist()
            expected = [CLS, *ids, SEP] if ends(rows)[piece] else [CLS, *ids]
            here = slice(place, place + len(expected))
            assert packed.ids[row, here].tolist() == expected
            assert packed.positions[row, here].tolist() == list(range(len(expected)))
            assert (packed.pieces[row, here] == number).all()
            assert packed.sources[row, number] == rows.split.source[rows.documents[piece]]
            place += len(expected)
            if rows.halves:
                assert (packed.ids[row, place], packed.pieces[row, place]) == (PAD, -1)
                place += 1
        assert (packed.ids[row, place:] == PAD).all()
        assert (packed.pieces[row, place:] == -1).all()
        assert (packed.sources[row, last - first :] == -1).all()


@pytest.mark.parametrize("length", [128, 512])
@pytest.mark.parametrize("mean", [30, 150, 1000])
def test_no_place_in_a_hundred_is_empty(tmp_path: Path, length: int, mean: int) -> None:
    """Lengths of running text are about log-normal."""
    draw = np.random.default_rng(mean)
    rows = pack(
        store(tmp_path / "s", draw.lognormal(np.log(mean), 1, 3000).astype(int).tolist(), draw.integers(1, 4, 3000).tolist()),
        "train",
        length,
    )
    assert_whole(rows)
    assert rows.fill > 0.99


@pytest.mark.parametrize(("one", "length"), [(300, 512), (70, 128), (257, 512), (171, 512), (65, 128), (90, 256)])
def test_documents_that_do_not_fit_together_are_cut(tmp_path: Path, one: int, length: int) -> None:
    rows = pack(store(tmp_path / "s", [one] * 2000), "train", length)
    assert_whole(rows)
    assert rows.fill > 0.99


def test_what_fits_is_not_cut(tmp_path: Path) -> None:
    lengths = np.random.default_rng(1).integers(1, 60, 2000).tolist()
    rows = pack(store(tmp_path / "s", lengths), "train", 128)
    assert len(rows.counts) == 2000
    assert rows.fill > 0.99


def test_copies_go_to_different_rows(tmp_path: Path) -> None:
    """As far as there are rows enough: the shortest documents of one length end in the same few."""
    lengths = np.maximum(1, np.random.default_rng(2).lognormal(5, 1, 20_000)).astype(int)
    rows = pack(store(tmp_path / "s", lengths.tolist(), [3] * 20_000), "train", 512)
    row_of = np.repeat(np.arange(len(rows)), np.diff(rows.firsts))
    assert len(np.unique(row_of * 20_000 + rows.documents)) > 0.997 * len(row_of)


def test_copies_of_one_length_go_apart(tmp_path: Path) -> None:
    """Eight rows' worth of documents that are all alike: neighbours in the store, yet each row has eight different ones."""
    rows = pack(store(tmp_path / "s", [14] * 64, [8] * 64), "train", 128)
    for row in range(len(rows)):
        held = rows.documents[rows.firsts[row] : rows.firsts[row + 1]].tolist()
        assert len(held) == len(set(held)) == 8


def test_a_decoders_document_ends_once_and_never_alone(tmp_path: Path) -> None:
    """Of 15 ids in rows of 16, 14 go first, though there is room for 15: else the end would be a piece by itself."""
    rows = pack(store(tmp_path / "s", [30, 15, 29, 5]), "train", 16, closed=False)
    assert read_back(rows) == {0: [(0, 15), (15, 29), (29, 30)], 1: [(0, 14), (14, 15)], 2: [(0, 15), (15, 29)], 3: [(0, 5)]}
    packed = rows.batch(np.arange(len(rows)))
    row, place = np.nonzero(packed.ids == SEP)
    assert packed.ids[row, place - 1].tolist() == [78, 83, 34, 49], "the last ids of documents 2, 3, 0 and 1"
    assert_laid_out(rows)


@pytest.mark.parametrize("form", [(False, False), (True, True)])
def test_hardly_a_place_is_empty_in_other_forms(tmp_path: Path, form: tuple[bool, bool]) -> None:
    """Of text, and of documents that are as long as a row or two, so that one end token more is too much."""
    draw = np.random.default_rng(4)
    for number, lengths in enumerate((draw.lognormal(5, 1, 3000).astype(int), np.full(2000, 127), np.full(2000, 254))):
        rows = pack(store(tmp_path / f"s{number}", lengths.tolist(), draw.integers(1, 4, len(lengths)).tolist()), "train", 128, *form)
        assert_whole(rows)
        assert rows.fill > 0.99


def test_long_documents_fill_rows(tmp_path: Path) -> None:
    rows = pack(store(tmp_path / "s", [1000]), "train", 102)
    assert read_back(rows) == {0: [(i, i + 100) for i in range(0, 1000, 100)]}
    assert rows.fill == 1


def test_the_same_rows_again(tmp_path: Path) -> None:
    lengths = np.random.default_rng(3).integers(1, 300, 500).tolist()
    one, other = (pack(store(tmp_path / name, lengths, [2] * 500), "train", 128) for name in "ab")
    for name in ("firsts", "begins", "counts", "documents"):
        assert (getattr(one, name) == getattr(other, name)).all()


def test_time_grows_with_the_documents_alone(tmp_path: Path) -> None:
    """A million documents: what looks at all rows for each would not come back."""
    rows = pack(store(tmp_path / "s", (np.arange(1_000_000) % 50 + 1).tolist()), "train", 64)
    assert rows.fill > 0.99


def test_errors(tmp_path: Path) -> None:
    nothing = Part(*(np.empty(0, np.int64) for _ in range(5)))
    tokens = store(tmp_path / "s", [5, 5], validation=nothing)
    with pytest.raises(DollmaError, match="rows of 8 tokens: a row has 16 to 32,768"):
        pack(tokens, "train", 8)
    with pytest.raises(DollmaError, match="did you mean 'train'"):
        pack(tokens, "trian", 128)
    with pytest.raises(DollmaError, match="no tokens in validation"):
        pack(tokens, "validation", 128)
    rows = pack(tokens, "train", 128)
    assert len(rows) == 1
    with pytest.raises(IndexError):
        rows.batch(np.array([1]))
