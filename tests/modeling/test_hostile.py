"""Tokenizers and stores that are damaged, or made to do harm: an error that names the file, in little time and memory."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from curation.errors import DollmaError
from modeling.card import plain
from modeling.tokenizer import counting, load_tokenizer, vocabulary
from modeling.tokenizer.kinds import SPACE, spaced
from modeling.tokenizer.sample import Document
from modeling.tokenizer.words import EVERY, compiled, normaliser, spaced_pattern, word_pattern
from modeling.tokens import open_tokens
from tests.modeling.tiny import SIZE, STORE, TOKENIZER, workspace

Change = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return workspace(tmp_path_factory.mktemp("hostile"))


@pytest.fixture
def changed(place: Path, tmp_path: Path) -> Callable[[Change], Path]:
    """Makes a tokenizer's folder whose tokenizer.json is another."""

    def made(change: Change) -> Path:
        shutil.copytree(place / "tokenizers" / TOKENIZER, tmp_path / "made")
        path = tmp_path / "made" / "tokenizer.json"
        stated = json.loads(path.read_text(encoding="utf-8"))
        change(stated)
        path.write_text(json.dumps(stated), encoding="utf-8")
        return path.parent

    return made


def bpe(dropout: float) -> dict[str, Any]:
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "aa", "aaaa"]
    vocab = {piece: number for number, piece in enumerate(pieces)}
    return {"type": "BPE", "vocab": vocab, "merges": [["a", "a"], ["aa", "aa"]], "unk_token": "[UNK]", "dropout": dropout}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda s: s.update(normalizer={"type": "Precompiled", "precompiled_charsmap": "AAAA"}),
            "no tokenizer .*Precompiled",
        ),  # Rust panics
        (lambda s: s.update(pre_tokenizer=5), "no tokenizer .*PreTokenizer"),
        (
            lambda s: s.update(pre_tokenizer={"type": "Split", "pattern": {"Regex": "("}, "behavior": "Removed", "invert": True}),
            "no tokenizer",
        ),
        (lambda s: s["model"]["vocab"].update(gül=-1), "no tokenizer .*-1"),
        (lambda s: s["model"]["vocab"].update(gül=2**32 - 1), "256 tokens, but 'gül' has the id 4,294,967,295: number them from 0 up"),
        (lambda s: s["model"]["vocab"].update(gül=9), "two tokens have the same id"),
        (lambda s: s["model"].update(vocab=[]), "no tokenizer"),
    ],
)
def test_a_tokenizer_that_is_none(changed: Callable[[Change], Path], change: Change, message: str) -> None:
    folder = changed(change)
    with pytest.raises(DollmaError, match=f"{folder}/tokenizer.json: {message}"):
        vocabulary(folder)


def test_a_tokenizer_of_a_hundred_thousand_levels(changed: Callable[[Change], Path]) -> None:
    folder = changed(lambda stated: stated.update(normalizer="HERE"))
    path, levels = folder / "tokenizer.json", 100_000
    nested = '{"type": "Sequence", "normalizers": [' * levels + "]}" * levels
    path.write_text(path.read_text(encoding="utf-8").replace('"HERE"', nested), encoding="utf-8")
    with pytest.raises(DollmaError, match=r"no tokenizer .*recursion limit"):
        load_tokenizer(folder)


def test_an_id_that_no_piece_has_is_a_row(changed: Callable[[Change], Path]) -> None:
    found = vocabulary(changed(lambda stated: stated["model"]["vocab"].update(gül=SIZE + 40)))
    assert found.size == len(found.continues) == len(found.byte_lengths) == SIZE + 41
    assert found.byte_lengths[-1] == len("gül".encode())
    assert SIZE + 40 in found.ordinary
    assert not np.isin(found.ordinary, range(SIZE, SIZE + 40)).any(), "what is never seen is never guessed"


def test_a_tokenizer_that_draws_its_merges_does_not(changed: Callable[[Change], Path]) -> None:
    tokenizer = load_tokenizer(changed(lambda stated: stated.update(model=bpe(0.5), pre_tokenizer=None)))
    assert {tuple(tokenizer.encode("a" * 32, add_special_tokens=False).ids) for _ in range(20)} == {(7,) * 8}


@pytest.mark.parametrize(
    ("name", "dtype", "number", "value"),
    [("offsets", "<i8", 0, 1), ("offsets", "<i8", 5, 2**40), ("offsets", "<i8", -1, 1), ("source", "<u2", 3, 2)],
)
def test_a_store_whose_arrays_do_not_fit(place: Path, tmp_path: Path, name: str, dtype: str, number: int, value: int) -> None:
    path = shutil.copytree(place / "tokens" / STORE, tmp_path / STORE) / "train" / f"{name}.bin"
    array = np.fromfile(path, dtype)
    array[number] = value
    path.chmod(0o644)
    array.tofile(path)
    with pytest.raises(DollmaError, match=rf"train/{name}\.bin: doesn't fit the other files.*run `dollma tokens` again"):
        open_tokens(tmp_path / STORE)


def test_a_store_that_is_cut_with_its_manifest(place: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(place / "tokens" / STORE, tmp_path / STORE)
    path = folder / "train" / "copies.bin"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-2])
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"]["train/copies.bin"]["bytes"] -= 2
    (folder / "manifest.json").chmod(0o644)
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(DollmaError, match=r"train/copies\.bin: doesn't fit the other files"):
        open_tokens(folder)


def test_a_manifest_of_a_hundred_thousand_levels(place: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(place / "tokens" / STORE, tmp_path / STORE)
    (folder / "manifest.json").chmod(0o644)
    (folder / "manifest.json").write_text("[" * 100_000 + "]" * 100_000, encoding="utf-8")
    with pytest.raises(DollmaError, match=r"no token store .*RecursionError"):
        open_tokens(folder)


@pytest.mark.parametrize(
    "title", ["www.example.com", "WWW.example.com", "yaz: kim@example.com", "http://example.com", "[a](b)", "<b>", "![a](b)"]
)
def test_a_title_becomes_no_link(title: str) -> None:
    shown = plain(title)
    assert not re.search(r"(?i)www\.|[\w.]@|://|(?<!\\)[\[\]!]|<", shown)
    assert "example" not in title or "example.com" in shown


@pytest.mark.parametrize(
    ("kind", "pattern"),
    [("wordpiece", word_pattern(EVERY)), ("byte-bpe", spaced_pattern(EVERY, " ")), ("unigram", spaced_pattern(EVERY, SPACE))],
)
def test_a_long_line_is_counted_in_parts_as_it_is_in_one(monkeypatch: pytest.MonkeyPatch, kind: str, pattern: str) -> None:
    text = "Bakı şəhəri,  2024-cü il \n AMEA-nın 10.000,5 manatı … " * 50

    def counted(part: int) -> Counter[str]:
        monkeypatch.setattr(counting, "PART", part)
        return counting.counted_words([Document("kitab", text, 64)], compiled(pattern), spaced(kind, normaliser(None)), lambda _: None)[0]

    assert [counted(part) for part in (97, 300)] == [counted(1 << 20)] * 2
