"""Encoding by words gives the tokenizer's own ids, for every kind of tokenizer and any text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from modeling.corpus import Version
from modeling.tokenizer import load_tokenizer
from modeling.tokenizer.training import Settings, train
from modeling.tokens import words
from modeling.tokens.words import Encoder

KINDS = ("wordpiece", "bpe", "byte-bpe", "unigram")
PIECES = [
    *"abcçdeəfgğhxıijkqlmnoöprsştuüvyzABƏİI019 \n\t\r ,.:;-'’()[]%_▁",
    "\u0307",
    "\u0301",
    "\u00a0",
    "\u2028",
    "\x1c",
    "\x85",
    "\u200b",
    "中",
    "😀",
]
PIECES += ["  ", "\n\n", "[MASK]", "[unused0]", "AMEA-nın", "2024-cü", "Bakı’nın", "10.000,5", "##da", "<0x41>", "a" * 70]
UNKNOWN = "[UNK]"
TEXT = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


@pytest.fixture(scope="module")
def tokenizers(version: Version, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    workspace = tmp_path_factory.mktemp("kinds")
    return {
        f"{kind} {uncased}": train(version, Settings(kind, 1500, 200_000, uncased), workspace).folder
        for kind in KINDS
        for uncased in (False, True)
    }


def assert_as_the_tokenizer(folder: Callable[[], Tokenizer], drawn: list[str]) -> None:
    whole = folder()
    whole.encode_special_tokens = True
    expected = [whole.encode(text, add_special_tokens=False).ids for text in drawn]
    encoder = Encoder(folder())
    for _ in range(2):  # the second time from the table
        ids, lengths = encoder(drawn)
        assert lengths.tolist() == list(map(len, expected))
        assert ids.tolist() == [number for text in expected for number in text]


@settings(max_examples=25)
@given(drawn=st.lists(TEXT, min_size=1, max_size=5))
@pytest.mark.parametrize("uncased", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_ids_are_the_tokenizers(tokenizers: dict[str, Path], kind: str, uncased: bool, drawn: list[str]) -> None:
    folder = tokenizers[f"{kind} {uncased}"]
    assert Encoder(load_tokenizer(folder)).cut is not None
    assert_as_the_tokenizer(lambda: load_tokenizer(folder), drawn)


OTHERS: dict[str, tuple[normalizers.Normalizer | None, pre_tokenizers.PreTokenizer | None]] = {
    "white space": (normalizers.NFC(), pre_tokenizers.WhitespaceSplit()),
    "nothing cut": (None, None),
    "a pattern over spaces": (normalizers.NFC(), pre_tokenizers.Split("b c", "isolated")),
    "a normaliser over spaces": (normalizers.Replace(" ", ""), pre_tokenizers.WhitespaceSplit()),
    "metaspace": (None, pre_tokenizers.Metaspace()),
    "bytes": (None, pre_tokenizers.ByteLevel()),
}


@pytest.mark.parametrize("name", OTHERS)
def test_tokenizers_of_others(name: str) -> None:
    """One that looks over spaces gets whole texts: here `b c` is a piece of its own."""

    def make() -> Tokenizer:
        pieces = [UNKNOWN, *"abcd ▁Ġ", "b c", "bc", "ab", "▁c", "Ġc"]
        made = Tokenizer(
            models.BPE(
                {piece: number for number, piece in enumerate(pieces)}, [("b", "c"), ("a", "b"), ("▁", "c"), ("Ġ", "c")], unk_token=UNKNOWN
            )
        )
        if OTHERS[name][0]:
            made.normalizer = OTHERS[name][0]
        if OTHERS[name][1]:
            made.pre_tokenizer = OTHERS[name][1]
        return made

    assert_as_the_tokenizer(make, ["ab c", "a b  c\nd", "", " ", "b cb c", "ab\nc d "])


def test_the_table_is_begun_anew(version: Version, tokenizers: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "MAX_WORDS", 3)
    encoder = Encoder(load_tokenizer(tokenizers["wordpiece False"]))
    whole = load_tokenizer(tokenizers["wordpiece False"])
    for text in ("bir iki üç dörd beş", "altı yeddi", "bir iki üç dörd beş", "bir"):
        assert encoder([text])[0].tolist() == whole.encode(text, add_special_tokens=False).ids
    assert len(encoder.words) <= 5
