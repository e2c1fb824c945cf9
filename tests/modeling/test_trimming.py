"""A trimmed model cuts the counted text as before and computes the same; what anything is written with stays; ids are right wherever they stand."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from curation.errors import DollmaError
from modeling.adaptation import trimming
from modeling.adaptation.foreign import fingerprint_of, open_model
from modeling.adaptation.merging import merges_of
from modeling.adaptation.rows import vocabulary_weights
from modeling.adaptation.stated import read
from modeling.adaptation.trimming import Trimmed, count, trim
from modeling.attention import position_offset
from modeling.tokenizer import load_tokenizer
from tests.modeling.foreign import HAN, KINDS, OTHERS, RARE, TEXTS, llama2, llama3, xlmr

TOLERANCE = 1e-5


class Case(NamedTuple):
    """A model's folder, counts of the texts, and the model trimmed to what they use; `old` are the old ids by new."""

    folder: Path
    counts: np.ndarray
    trimmed: Trimmed
    old: np.ndarray


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    root = tmp_path_factory.mktemp("trimming")
    return {name: case(make(root / name), root / f"{name}-trimmed") for name, make in KINDS.items()}


def case(folder: Path, target: Path, keep: int | None = None) -> Case:
    counts = count(folder, [*TEXTS, RARE])
    trimmed = trim(folder, counts, keep, target)
    ids = {token: number for number, token in read(folder).tokens.items()}
    old = np.array([ids[token] for _, token in sorted(read(target).tokens.items())])
    return Case(folder, counts, trimmed, old)


def beginning(number: int) -> str:
    """Some words of a text."""
    return " ".join(TEXTS[number].split()[:6])


@pytest.mark.parametrize("name", KINDS)
def test_the_counted_text_is_cut_as_before(cases: dict[str, Case], name: str) -> None:
    """By the library and by AutoTokenizer, with special tokens around one text and a pair, up to the numbering."""
    one = cases[name]
    assert one.trimmed.lossless == 1.0
    before, after = (AutoTokenizer.from_pretrained(folder) for folder in (one.folder, one.trimmed.folder))
    for text in [*TEXTS, RARE]:
        assert one.old[load_tokenizer(one.trimmed.folder).encode(text).ids].tolist() == load_tokenizer(one.folder).encode(text).ids
    for text, second in ((beginning(0), None), (beginning(1), beginning(2))):
        assert one.old[after(text, second)["input_ids"]].tolist() == before(text, second)["input_ids"]
        assert after.decode(after(text)["input_ids"]) == before.decode(before(text)["input_ids"])
    assert after.special_tokens_map == before.special_tokens_map
    assert after.model_input_names == before.model_input_names
    assert (after.model_max_length, after.padding_side, after.chat_template) == (
        before.model_max_length,
        before.padding_side,
        before.chat_template,
    )


@pytest.mark.parametrize("name", KINDS)
def test_the_logits_of_kept_ids_are_the_old_ones(cases: dict[str, Case], name: str) -> None:
    one = cases[name]
    before, after = open_model(one.folder), open_model(one.trimmed.folder)
    ids = torch.tensor([load_tokenizer(one.trimmed.folder).encode(TEXTS[0]).ids[:60]])
    with torch.inference_mode():
        old, new = before.model(input_ids=torch.from_numpy(one.old)[ids]).logits, after.model(input_ids=ids).logits
    assert new.shape[-1] == one.trimmed.kept == after.model.config.vocab_size
    assert (new - old[..., one.old]).abs().max() < TOLERANCE
    for new_rows, old_rows in zip(vocabulary_weights(after.model), vocabulary_weights(before.model), strict=True):
        assert torch.equal(new_rows, old_rows[torch.from_numpy(one.old)])
    assert after.causal == before.causal == name.startswith("llama")


@pytest.mark.parametrize("name", KINDS)
def test_ids_are_right_wherever_they_stand(cases: dict[str, Case], name: str) -> None:
    one = cases[name]
    assert one.trimmed.kept % 64 == 0
    assert one.trimmed.kept + one.trimmed.dropped == read(one.folder).size
    assert (np.diff(one.old) > 0).all(), "ids keep their order"
    before, after = open_model(one.folder).model, open_model(one.trimmed.folder).model
    assert position_offset(after) == position_offset(before)
    assert after.get_input_embeddings().padding_idx == after.config.pad_token_id
    pairs = [(before.config, after.config)]
    if name.startswith("llama"):
        pairs.append((before.generation_config, after.generation_config))
    for old, new in pairs:
        for key in ("pad_token_id", "bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id"):
            named = getattr(new, key, None)
            back = [int(one.old[number]) for number in named] if isinstance(named, list) else None if named is None else int(one.old[named])
            assert back == getattr(old, key, None), key
    stated = json.loads((one.trimmed.folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    tokenizer = load_tokenizer(one.trimmed.folder)
    assert stated["added_tokens_decoder"]
    assert {int(number): token["content"] for number, token in stated["added_tokens_decoder"].items()} == {
        number: token.content for number, token in tokenizer.get_added_tokens_decoder().items()
    }
    assert not (one.trimmed.folder / "vocab.txt").exists()


def test_padding_truncation_and_the_first_ids_of_xlmr(cases: dict[str, Case]) -> None:
    folder = cases["xlmr"].trimmed.folder
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    assert [tokenizer.id_to_token(number) for number in range(4)] == ["<s>", "<pad>", "</s>", "<unk>"]
    assert tokenizer.token_to_id("<mask>") == cases["xlmr"].trimmed.kept - 1
    assert (tokenizer.padding or {})["pad_id"] == 1
    assert (tokenizer.truncation or {})["max_length"] == 70
    batch = AutoTokenizer.from_pretrained(folder)(["kitab", TEXTS[0]], padding=True, truncation=True)
    assert set(batch["input_ids"][0][4:]) == {1}
    assert len(batch["input_ids"][1]) == len(batch["input_ids"][0])


@pytest.mark.parametrize("name", KINDS)
def test_everything_can_still_be_written(cases: dict[str, Case], name: str) -> None:
    """Words of other texts too: what was known letter by letter is, and signs of a large script that the text had; those it had not are unknown, or bytes."""
    one = cases[name]
    before, after = load_tokenizer(one.folder), load_tokenizer(one.trimmed.folder)
    old, new = (read(folder).unknown for folder in (one.folder, one.trimmed.folder))
    for text in [*OTHERS, "Zürafə qəşəng ÜZÜM", HAN[:2]]:
        if old not in before.encode(text).ids:
            assert new not in after.encode(text).ids, text
            assert after.decode(after.encode(text).ids) == before.decode(before.encode(text).ids)
    if name in ("xlmr", "mbert"):
        assert old not in before.encode(HAN[3]).ids
        assert new in after.encode(HAN[3]).ids


@pytest.mark.parametrize("name", KINDS)
def test_a_smaller_number_keeps_the_most_frequent(cases: dict[str, Case], tmp_path: Path, name: str) -> None:
    one = cases[name]
    keep = one.trimmed.kept - 70
    smaller = case(one.folder, tmp_path / "smaller", keep)
    assert smaller.trimmed.kept == -(-keep // 64) * 64
    kept = np.zeros(len(one.counts), np.bool_)
    kept[smaller.old] = True
    assert smaller.trimmed.lossless == pytest.approx(one.counts[kept].sum() / one.counts.sum())
    assert 0.5 < smaller.trimmed.lossless < 1
    if name not in {"llama2", "llama3"}:  # where no piece needs another
        assert one.counts[~kept].max() <= np.sort(one.counts[kept])[-(keep // 8)]
    logits = open_model(smaller.trimmed.folder).model(input_ids=torch.arange(16)[None]).logits
    assert logits.isfinite().all()


def test_where_everything_is_used_nothing_is_dropped(cases: dict[str, Case], tmp_path: Path) -> None:
    folder = cases["xlmr"].folder
    trimmed = trim(folder, np.ones(read(folder).size, np.int64), None, tmp_path / "whole")
    assert (trimmed.kept, trimmed.dropped, trimmed.lossless) == (read(folder).size, 0, 1.0)
    before, after = (json.loads((place / "tokenizer.json").read_text(encoding="utf-8")) for place in (folder, trimmed.folder))
    assert before == after


def test_a_trimmed_model_is_trimmed_again(cases: dict[str, Case], tmp_path: Path) -> None:
    """To itself; the same bytes whatever the folder is called."""
    for name in KINDS:
        one = cases[name]
        again = case(one.trimmed.folder, tmp_path / name)
        assert again.trimmed.dropped == 0
        assert fingerprint_of(again.trimmed.folder) == fingerprint_of(one.trimmed.folder)


@pytest.mark.parametrize("name", KINDS)
def test_counts(cases: dict[str, Case], monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """As the tokenizer says, in any order and however many at once; names of special tokens in a text are text."""
    folder = cases[name].folder
    tokenizer = load_tokenizer(folder)
    texts = [*TEXTS, "<s> [MASK] <|eot_id|>", ""]
    counts = count(folder, iter(texts))
    expected = np.bincount(
        [number for text in texts for number in tokenizer.encode(text, add_special_tokens=False).ids], minlength=len(counts)
    )
    assert counts.tolist() == expected.tolist()
    monkeypatch.setattr(trimming, "AT_ONCE", 100)
    assert count(folder, reversed(texts)).tolist() == counts.tolist()


MERGES = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=14)
TEXT = st.text("abc", max_size=30)


@settings(max_examples=12, deadline=None)
@given(pairs=MERGES, texts=st.lists(TEXT, max_size=6), whole=st.booleans(), prefix=st.sampled_from(["", "", "##"]))
def test_any_merges(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[int, int]], texts: list[str], whole: bool, prefix: str
) -> None:
    """Also where a piece comes about in several ways, or never: used pieces are used as before, and a piece by itself is cut as the library cuts it."""
    pieces = ["[UNK]", *(f"<{n}>" for n in range(64)), *"abc", *([f"{prefix}{c}" for c in "abc"] if prefix else [])]
    letters, merges = 65, dict[tuple[str, str], None]()
    for left, right in pairs:
        a, b = (pieces[letters + number % (len(pieces) - letters)] for number in (left, right))
        if not prefix or b.startswith(prefix):
            merges[a, b] = None
            joined = a + b.removeprefix(prefix)
            pieces += [joined] if joined not in pieces else []
    folder = tmp_path_factory.mktemp("merges")
    rest = {"continuing_subword_prefix": prefix} if prefix else {"ignore_merges": whole}
    made = Tokenizer(models.BPE({piece: n for n, piece in enumerate(pieces)}, list(merges), unk_token="[UNK]", **rest))  # noqa: S106
    made.save(str(folder / "tokenizer.json"))
    shape = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "max_position_embeddings": 8}
    LlamaForCausalLM(LlamaConfig(vocab_size=len(pieces), bos_token_id=0, eos_token_id=0, **shape)).save_pretrained(folder)
    rules = merges_of(read(folder).content["model"])
    for piece in pieces[letters:]:
        if not piece.startswith("##") and "ignore_merges" not in rest:
            assert rules.cut(piece)[0] == made.encode(piece).tokens
    after = load_tokenizer(trim(folder, count(folder, texts), None, folder / "trimmed").folder)
    for text in texts:
        assert after.encode(text).tokens == made.encode(text).tokens


def test_errors(cases: dict[str, Case], tmp_path: Path) -> None:
    folder, counts = cases["xlmr"].folder, cases["xlmr"].counts
    with pytest.raises(DollmaError, match=r"tokenizer\.json: \d+ ids, but counts of 5: count the text with this tokenizer"):
        trim(folder, np.ones(5, np.int64), None, tmp_path / "t")
    with pytest.raises(DollmaError, match=r"keep=10: \d+ ids must stay .* keep more"):
        trim(folder, counts, 10, tmp_path / "t")
    shutil.copytree(folder, tmp_path / "words")
    broken = Tokenizer.from_file(str(folder / "tokenizer.json"))
    broken.normalizer = normalizers.Precompiled(struct.pack("<II", 4, 0) + bytes(1))
    broken.save(str(tmp_path / "words" / "tokenizer.json"))
    with pytest.raises(DollmaError, match="the tokenizer fails on a text"):
        count(tmp_path / "words", TEXTS)
    Tokenizer(models.WordLevel({"[UNK]": 0, "söz": 1}, "[UNK]")).save(str(tmp_path / "words" / "tokenizer.json"))
    with pytest.raises(DollmaError, match="a WordLevel tokenizer, whose vocabulary can't be trimmed or extended"):
        trim(tmp_path / "words", counts, None, tmp_path / "t")
    assert not (tmp_path / "t").exists()


def test_the_texts_use_merges_of_several_kinds(tmp_path: Path) -> None:
    """The tests above would say little of vocabularies without intermediate pieces, or without pieces to drop."""
    for make in (llama2, llama3):
        stated = read(make(tmp_path / make.__name__))
        used = {stated.tokens[number] for number in np.flatnonzero(count(tmp_path / make.__name__, TEXTS)).tolist()}
        between = {part for piece in used for part in merges_of(stated.content["model"]).cut(piece)[1]} - used
        assert len(between) > 20
    assert read(xlmr(tmp_path / "xlmr")).size > 400
