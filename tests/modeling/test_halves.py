"""Halves: every id stays where its piece is, the cut is where a sentence begins, and what is turned around is a function of seed, sample and piece."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tokenizers import Tokenizer, decoders
from tokenizers.models import BPE, Unigram

from modeling.tokenizer import load_tokenizer, vocabulary
from modeling.tokens import Packed, Rows, pack
from modeling.tokens.halves import Halves, Halving, halving
from modeling.tokens.masking import IGNORED, mask
from tests.modeling.stores import VOCABULARY, store

CLS, SEP = 2, 3
END, CLOSING = 10, 11
"""Ids that stand for a full stop and a closing quotation mark."""


def ours(seed: int = 5) -> Halving:
    """For the vocabulary of `stores`, in which every third id goes on with a word."""
    ids = np.arange(1 << 16)
    return Halving(seed, SEP, ids == END, ids == CLOSING, np.isin(ids, np.flatnonzero(VOCABULARY.continues)))


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    lengths = np.maximum(1, np.random.default_rng(7).lognormal(4, 1, 3000)).astype(int).tolist()
    return pack(store(tmp_path_factory.mktemp("halves") / "s", lengths), "train", 128, halves=True)


def texts(rows: Rows, row: int) -> list[list[int]]:
    """The ids of each piece of a row, as the store has them."""
    pieces = range(rows.firsts[row], rows.firsts[row + 1])
    return [rows.split.ids[rows.begins[p] : rows.begins[p] + rows.counts[p]].tolist() for p in pieces]


def test_every_id_stays_and_pieces_are_as_bert_wants_them(rows: Rows) -> None:
    numbers = np.arange(len(rows))
    packed, halves = ours()(rows.batch(numbers), numbers, rows.most + 2)
    assert halves.swapped.shape == (len(rows), rows.most + 2)
    for row in numbers:
        written = texts(rows, row)
        assert (halves.swapped[row, len(written) :] == IGNORED).all()
        for number, text in enumerate(written):
            here = np.flatnonzero(packed.pieces[row] == number)
            ids, segments = packed.ids[row, here], halves.segments[row, here]
            assert here[0] == halves.begins[row, number]
            assert packed.positions[row, here].tolist() == list(range(len(here)))
            assert (np.diff(here) == 1).all()
            if halves.swapped[row, number] == IGNORED:
                assert ids.tolist() == [CLS, *text, SEP]
                assert VOCABULARY.continues[text[1:]].all(), "there was a place to cut"
                assert not segments.any()
                continue
            between = ids.tolist().index(SEP)
            first, second = ids[1:between].tolist(), ids[between + 1 : -1].tolist()
            assert first
            assert second
            assert (second + first if halves.swapped[row, number] else first + second) == text
            assert segments.tolist() == [0] * (between + 1) + [1] * (len(second) + 1)
            assert (ids[0], ids[-1]) == (CLS, SEP)
    assert not halves.segments[packed.pieces < 0].any()
    assert (packed.ids[packed.pieces < 0] == 0).all()


def test_hardly_a_place_is_empty_and_nothing_else_is_lost(rows: Rows) -> None:
    numbers = np.arange(len(rows))
    packed, halves = ours()(rows.batch(numbers), numbers, rows.most)
    asked = halves.swapped != IGNORED
    assert (packed.pieces >= 0).mean() > 0.99
    assert asked.sum() / len(rows.counts) > 0.98
    assert rows.text(numbers) == rows.split.lengths().sum()
    assert (packed.pieces >= 0).sum() == rows.text(numbers) + 2 * len(rows.counts) + asked.sum()


def cut(text: list[int]) -> tuple[list[int], list[int]] | None:
    """Halves of one text, in their order; None where it stays whole. Ids of VOCABULARY: 13, 16 … go on with a word."""
    ids = np.array([[CLS, *text, SEP, 0]])
    pieces = np.array([[0] * (len(text) + 2) + [-1]], np.int32)
    packed, halves = ours()(Packed(ids, ids, pieces, np.zeros((1, 1), np.int16)), np.array([0]), 1)
    found = packed.ids[0].tolist()
    if halves.swapped[0, 0] == IGNORED:
        assert found == ids[0].tolist()
        return None
    between = found.index(SEP)
    first, second = found[1:between], found[between + 1 : -1]
    return (second, first) if halves.swapped[0, 0] else (first, second)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ([20, 21, 20, END, 20, 21, 20, 21, 20, 21], 4),  # the only sentence's end that has something behind it
        ([20, END, 20, 21, 20, 21, END, 20, 21, 20], 7),  # two beginnings: the one nearest to the middle
        ([20, 21, 20, END, 20, 21, END, 20, 21, 20], 4),  # two as near: the first
        ([20, 21, 20, END, CLOSING, 20, 21, 20], 5),  # a closing mark belongs to what it closes
        ([20, 21, 20, END, END, END, 20, 21], 6),  # three full stops are one end
        ([20, 21, 20, END, 22, 20, 21, 20], 5),  # what goes on with the full stop ("3.5") is no beginning: a word is cut off instead
        ([20, 21, 20, 21, 20, END], 3),  # an end with nothing behind: a word
        ([20, 22, 25, 28, 21, 22], 4),  # the word nearest to the middle
        ([20, 21], 1),
    ],
)
def test_the_cut_is_the_beginning_of_a_sentence_or_else_of_a_word(text: list[int], first: int) -> None:
    assert cut(text) == (text[:first], text[first:])


@pytest.mark.parametrize("text", [[20], [20, 22], [20, 22, 25, 28, 31]])
def test_a_single_word_stays_whole(text: list[int]) -> None:
    assert cut(text) is None


def turned(rows: Rows, numbers: np.ndarray, samples: np.ndarray, seed: int = 5) -> Halves:
    return ours(seed)(rows.batch(numbers), samples, rows.most)[1]


def test_half_are_turned_around_by_seed_sample_and_piece_alone(rows: Rows) -> None:
    numbers = np.arange(len(rows))
    whole = turned(rows, numbers, numbers)
    asked = whole.swapped[whole.swapped != IGNORED]
    assert abs(asked.mean() - 0.5) < 4 * 0.5 / len(asked) ** 0.5
    for chosen in (slice(3, 4), slice(10, 40), slice(None, None, -1)):
        part = turned(rows, numbers[chosen], numbers[chosen])
        assert all(np.array_equal(one, other[chosen]) for one, other in zip(part, whole, strict=True))
    for other in (turned(rows, numbers, numbers + len(rows)), turned(rows, numbers, numbers, 6)):
        both = (other.swapped != IGNORED) & (whole.swapped != IGNORED)
        assert 0.4 < (other.swapped == whole.swapped)[both].mean() < 0.6
    several = (whole.swapped[:, :2] != IGNORED).all(1)
    assert 0.4 < (whole.swapped[several, 0] == whole.swapped[several, 1]).mean() < 0.6, "each piece of a row by itself"


def test_what_is_masked_is_text_in_both_halves(rows: Rows) -> None:
    numbers = np.arange(200)
    packed, halves = ours()(rows.batch(numbers), numbers, rows.most)
    found = mask(packed, numbers, 5, 0.3, VOCABULARY)
    used = found.labels != IGNORED
    row = np.nonzero(used)[0]
    assert (packed.ids[row, found.places[used]] == found.labels[used]).all()
    assert abs(halves.segments[row, found.places[used]].mean() - 0.5) < 0.05
    assert not np.isin(found.labels[used], (CLS, SEP)).any()


def decoded(tokenizer: Tokenizer, ids: np.ndarray) -> set[str]:
    return {tokenizer.id_to_token(int(one)) for one in np.flatnonzero(ids)}


def test_a_real_tokenizers_sentences(tokenizer_folder: Path) -> None:
    tokenizer, words = load_tokenizer(tokenizer_folder), vocabulary(tokenizer_folder)
    made = halving(tokenizer, words, 1)
    assert decoded(tokenizer, made.ends) >= {".", "?", "!"}
    assert not decoded(tokenizer, made.ends | made.closing) & {",", '"', "(", "-"}
    ids = tokenizer.encode("Bakı şəhəri böyükdür. Gəncə 3.5 dəfə kiçikdir, amma o da qədim şəhərdir", add_special_tokens=False).ids
    row, pieces = np.array([[CLS, *ids, SEP, 0]]), np.array([[0] * (len(ids) + 2) + [-1]], np.int32)
    packed, _ = made(Packed(row, row, pieces, np.zeros((1, 1), np.int16)), np.array([0]), 1)
    found = packed.ids[0].tolist()
    parts = [tokenizer.decode(part) for part in (found[1 : found.index(SEP)], found[found.index(SEP) + 1 : -1])]
    assert sorted(parts) == ["Bakı şəhəri böyükdür .", "Gəncə 3.5 dəfə kiçikdir , amma o da qədim şəhərdir"]


@pytest.mark.parametrize("kind", ["bytes", "unigram"])
def test_other_kinds_of_tokenizers_write_their_sentence_ends_otherwise(kind: str) -> None:
    pieces = {"bytes": ["Ġ.", ".", "âĢ¦", "?!", "!âĢĿ", "Âł", "Ġ,", "a."], "unigram": ["▁.", ".", "…", "?!", "!”", "▁", "▁,", "a."]}[kind]
    if kind == "bytes":
        tokenizer = Tokenizer(BPE({piece: number for number, piece in enumerate(pieces)}, []))
        tokenizer.decoder = decoders.ByteLevel()
    else:
        tokenizer = Tokenizer(Unigram([(piece, -1.0) for piece in pieces], 5))
        tokenizer.decoder = decoders.Metaspace()
    words = SimpleNamespace(size=len(pieces), sep=3, continues=np.zeros(len(pieces), bool))
    assert np.flatnonzero(halving(tokenizer, words, 1).ends).tolist() == [0, 1, 2, 3, 4]  # type: ignore[arg-type]
