"""Kernels against plain Python over the same text."""

from __future__ import annotations

import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.languages.profile import load_profile
from curation.text.buffers import TextBatch, views
from curation.text.scripts import SCRIPTS, line_scripts, script_letters
from curation.text.shingles import shingle_hashes
from curation.text.signing import affine32, sign
from curation.text.words import text_counts, token_counts

AZJ = load_profile("azj_Latn")
LETTERS = "abəƏIıİiğĞşüАбაბԱբابە中 \n\t.,«»0127\u0301\u00a0😀"
texts = st.lists(
    st.one_of(st.text(), st.text(alphabet=LETTERS)).map(lambda t: t.encode("utf-8", "ignore").decode()), min_size=1, max_size=8
)


def batch(values: list[str]) -> TextBatch:
    return TextBatch(pa.array(values, pa.string()))


def space(character: str) -> bool:
    return unicodedata.category(character)[0] == "Z" or character in "\t\n\x0b\x0c\r\x85"


def words(text: str) -> list[str]:
    return "".join(" " if space(c) else c for c in text).split(" ") if text else []


@given(texts)
def test_counts_are_those_of_plain_python(values: list[str]) -> None:
    counts = batch(values).counts
    for i, text in enumerate(values):
        own = [w for w in words(text) if w]
        assert counts.characters[i] == len(text)
        assert counts.words[i] == len(own)
        assert counts.word_characters[i] == sum(map(len, own))
        assert counts.longest_word[i] == max(map(len, own), default=0)
        low = [c for c in text if ord(c) < 0x20000]
        assert counts.digits[i] == sum(unicodedata.category(c)[0] == "N" for c in low)
        assert counts.upper[i] == sum(unicodedata.category(c) in ("Lu", "Lt") for c in low)
        assert counts.symbols[i] == sum(unicodedata.category(c)[0] in "PS" for c in low)


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Bakı şəhəri", "Latn"),
        ("Город", "Cyrl"),
        ("ქალაქი", "Geor"),
        ("Քաղաք", "Armn"),
        ("شهر", "Arab"),
        ("12 — 34", "Zyyy"),
        ("城市", "Hani"),
    ],
)
def test_letters_belong_to_their_script(text: str, script: str) -> None:
    counts = script_letters(*views(pa.array([text])))[0]
    assert counts.sum() == sum(c.isalpha() for c in text)
    assert counts.sum() == 0 if script == "Zyyy" else counts[SCRIPTS.index(script)] == counts.sum()


def test_every_letter_of_the_alphabet_is_latin_and_known() -> None:
    both = AZJ.alphabet + "ABCÇDEƏFGĞHXIİJKQLMNOÖPRSŞTUÜVYZ"
    counts = token_counts(*views(pa.array([both])), AZJ.fold_table, AZJ.alphabet_table, AZJ.stop_word_hashes)
    assert counts.alphabet_letters[0] == len(both)
    assert script_letters(*views(pa.array([both])))[0, SCRIPTS.index("Latn")] == len(both)


def test_lines_are_judged_by_most_of_their_letters() -> None:
    lines, own = line_scripts(*views(pa.array(["bir\nдва три\n\n123\nüç да", ""])), SCRIPTS.index("Latn"))
    assert lines.tolist() == [3, 0]
    assert own.tolist() == [1, 0]


def test_stop_words_are_found_in_any_case() -> None:
    counts = token_counts(*views(pa.array(["VƏ bu, «Və»… İLƏ ilə 1995"])), AZJ.fold_table, AZJ.alphabet_table, AZJ.stop_word_hashes)
    assert counts.tokens[0] == 5
    assert counts.stop_words[0] == 5


def test_azerbaijani_case_pairs_fold_to_themselves() -> None:
    hashes = sign(*views(pa.array(["IŞIQ  İşi", "ışıq\nişi", "isiq isi"])), AZJ.fold_table, 5, affine32(1, 1), 8).exact
    assert (hashes[0] == hashes[1]).all()
    assert (hashes[0] != hashes[2]).all()


@given(texts, st.integers(1, 6))
def test_shingle_sets_have_the_size_of_plain_python_sets(values: list[str], n: int) -> None:
    hashes, starts = shingle_hashes(*views(pa.array(values, pa.string())), AZJ.fold_table, n)
    for i, text in enumerate(values):
        tokens, token = [], ""
        for c in text + " ":
            if unicodedata.category(c)[0] in "LMN" or ord(c) >= 0x20000:
                token += chr(AZJ.fold_table[ord(c)]) if ord(c) < 0x20000 else c
            elif token:
                tokens.append(token)
                token = ""
        expected = {tuple(tokens[k : k + n]) for k in range(len(tokens) - n + 1)} if len(tokens) >= n else {tuple(tokens)} - {()}
        own = hashes[starts[i] : starts[i + 1]]
        assert len(own) == len(expected)
        assert (np.diff(own.astype(object)) > 0).all()


@given(st.lists(st.binary(max_size=12), max_size=6))
def test_kernels_survive_bytes_that_are_no_utf8(values: list[bytes]) -> None:
    offsets = np.cumsum([0, *map(len, values)]).astype(np.int32)
    data = np.frombuffer(b"".join(values), np.uint8)
    assert text_counts(data, offsets).characters.sum() <= len(data)
    shingle_hashes(data, offsets, AZJ.fold_table, 3)
