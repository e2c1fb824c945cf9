"""An extended model's tokenizer really uses the new pieces; old ids and rows are untouched; new rows are the means of what was there before."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import AutoTokenizer

from curation.errors import DollmaError
from modeling.adaptation.extension import Extended, extend, means
from modeling.adaptation.focus import mixtures, sparsemax
from modeling.adaptation.foreign import fingerprint_of, open_model
from modeling.adaptation.merging import merges_of
from modeling.adaptation.rows import vocabulary_weights
from modeling.adaptation.stated import read
from modeling.adaptation.trimming import count, trim
from modeling.tokenizer import load_tokenizer
from modeling.tokenizer.kinds import BYTE_ALPHABET, build, build_unigram
from modeling.tokenizer.likely import likely_pieces
from modeling.tokenizer.pieces import byte_symbols, learn, prefixed_alphabet, prefixed_symbols
from modeling.tokenizer.words import EVERY, normaliser
from tests.modeling.foreign import KINDS, OTHERS, TEXTS, counted, letters, llama3, mbert, xlmr

STEMS = ("kainat", "peyk", "rəqəmsal", "bölgə", "dövlət", "qanunvericilik", "iqtisadiyyat", "səhiyyə", "Gəncə", "Naxçıvan", "kənd", "zəfər")
ENDINGS = ("", "lar", "lər", "ın", "in", "dan", "dən", "ya", "lə", "larımızdan", "lərimizdən", "sız", "siz", "çılıq")


def sentences(seed: int) -> str:
    """Words that no tokenizer of tests.modeling.foreign has seen."""
    draw = np.random.default_rng(seed)
    return " ".join(STEMS[draw.integers(len(STEMS))] + ENDINGS[draw.integers(len(ENDINGS))] + "," * draw.integers(2) for _ in range(60))


NEW = [sentences(seed) for seed in range(10)]
CHARACTERS = letters() | set("".join(NEW)) - {" "}


def word_pieces() -> Tokenizer:
    pieces = learn(counted("", NEW), prefixed_symbols, prefixed_alphabet(CHARACTERS), 700)
    return build("wordpiece", pieces, 5 + len(pieces.vocabulary) + 7, EVERY, normaliser(None))


def byte_pairs() -> Tokenizer:
    pieces = learn(counted(" ", NEW), byte_symbols, BYTE_ALPHABET, 700)
    return build("byte-bpe", pieces, 5 + len(pieces.vocabulary) + 7, EVERY, normaliser(None))


def likely() -> Tokenizer:
    scored = likely_pieces(counted("▁", [*NEW, *TEXTS[:2]]), sorted(CHARACTERS | {"▁"}), 420)
    return build_unigram(scored, 5 + 256 + len(scored) + 7, EVERY, normaliser(None))


DONORS: dict[str, Callable[[], Tokenizer]] = {
    "xlmr": likely,
    "mbert": word_pieces,
    "modern": word_pieces,
    "llama3": byte_pairs,
    "llama2": likely,
}


class Case(NamedTuple):
    """A model's folder, the donor, and the extended model."""

    folder: Path
    donor: Path
    extended: Extended


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    root = tmp_path_factory.mktemp("extension")
    made = {}
    for name, make in KINDS.items():
        folder, donor = make(root / name), root / f"{name}-donor"
        donor.mkdir()
        DONORS[name]().save(str(donor / "tokenizer.json"))
        made[name] = Case(folder, donor, extend(folder, donor, root / f"{name}-extended", None))
    return made


def new_pieces(one: Case) -> dict[int, str]:
    return {number: piece for number, piece in read(one.extended.folder).pieces.items() if number >= one.extended.old_size}


@pytest.mark.parametrize("name", KINDS)
def test_the_tokenizer_uses_what_is_new(cases: dict[str, Case], name: str) -> None:
    """New text takes a quarter fewer tokens at least; nearly all new pieces stand in it; what is decoded is what it was."""
    one = cases[name]
    before, after = load_tokenizer(one.folder), load_tokenizer(one.extended.folder)
    old, new = (sum(len(tokenizer.encode(text).ids) for text in NEW) for tokenizer in (before, after))
    assert new < 0.75 * old
    counts = count(one.extended.folder, NEW)[one.extended.old_size :]
    assert (counts > 0).mean() > 0.5
    assert len(counts) == one.extended.added == len(new_pieces(one))
    for text in [*NEW, *TEXTS, *OTHERS]:
        assert after.decode(after.encode(text).ids) == before.decode(before.encode(text).ids)


@pytest.mark.parametrize("name", KINDS)
def test_alike_at_training_and_at_evaluation(cases: dict[str, Case], tmp_path: Path, name: str) -> None:
    """The library, AutoTokenizer, and AutoTokenizer of what that saved give the same ids, all of which have a row."""
    one = cases[name]
    loaded = AutoTokenizer.from_pretrained(one.extended.folder)
    loaded.save_pretrained(tmp_path / "again")
    again = AutoTokenizer.from_pretrained(tmp_path / "again")
    assert len(loaded) == one.extended.new_size
    for text in NEW:
        ids = load_tokenizer(one.extended.folder).encode(text).ids
        assert loaded(text)["input_ids"] == again(text)["input_ids"] == ids
        assert max(ids) < open_model(one.extended.folder).model.config.vocab_size
    assert loaded.special_tokens_map == AutoTokenizer.from_pretrained(one.folder).special_tokens_map


@pytest.mark.parametrize("name", KINDS)
def test_what_was_there_is_untouched(cases: dict[str, Case], name: str) -> None:
    """Ids of all tokens, added ones behind the vocabulary too; all rows, bit for bit; the logits of old ids for old text."""
    one = cases[name]
    before, after = read(one.folder), read(one.extended.folder)
    assert {number: token for number, token in after.tokens.items() if number < one.extended.old_size} == before.tokens
    assert after.content["added_tokens"] == before.content["added_tokens"]
    assert after.content["post_processor"] == before.content["post_processor"]
    models_ = [open_model(folder).model for folder in (one.folder, one.extended.folder)]
    for old, new in zip(*(vocabulary_weights(model) for model in models_), strict=True):
        assert torch.equal(new[: one.extended.old_size], old[: one.extended.old_size])
        assert len(new) == max(len(old), one.extended.new_size)
    ids = torch.tensor([load_tokenizer(one.folder).encode(TEXTS[0]).ids[:60]])
    with torch.inference_mode():
        old, new = (model(input_ids=ids).logits for model in models_)
    assert (old - new[..., : old.shape[-1]])[..., : one.extended.old_size].abs().max() < 1e-5
    assert models_[1].get_input_embeddings().padding_idx == models_[0].get_input_embeddings().padding_idx


@pytest.mark.parametrize("name", KINDS)
def test_new_rows_are_means_of_old_ones(cases: dict[str, Case], name: str) -> None:
    """Of the rows that the old tokenizer took for the same letters: input, output, and the output's bias."""
    one = cases[name]
    before, after = read(one.folder), new_pieces(one)
    cut = Tokenizer.from_file(str(one.folder / "tokenizer.json")).model.tokenize
    asked = {number: piece for number, piece in after.items() if not piece.startswith("##")}
    assert len(asked) > 30
    models_ = [open_model(folder).model for folder in (one.folder, one.extended.folder)]
    weights = list(zip(*(vocabulary_weights(model) for model in models_), strict=True))
    assert len(weights) == (2 if name != "llama2" else 1)
    for number, piece in asked.items():
        parts = [token.id for token in cut(piece) if token.id != before.unknown]
        for old, new in weights:
            assert torch.allclose(new[number], old[parts].mean(0), atol=1e-6)


@pytest.mark.parametrize("name", KINDS)
def test_rows_are_mixtures_of_tokens_that_are_used_alike(cases: dict[str, Case], tmp_path: Path, name: str) -> None:
    """FOCUS: a mixture's weights sum to 1, so that where all old rows are the same, new ones are; pieces that the text lacks begin as means."""
    one = cases[name]
    seen, unseen = NEW[:5], NEW[5:]
    extended = extend(one.folder, one.donor, tmp_path / "focus", None, [(text, 2) for text in seen])
    assert extended[1:] == one.extended[1:]
    plain, mixed = (open_model(folder).model for folder in (one.extended.folder, extended.folder))
    first = extended.old_size
    weights = mixtures(load_tokenizer(extended.folder), [(text, 2) for text in seen], first, extended.new_size).to_dense()
    known = count(extended.folder, seen)[first:] > 0
    assert known.any()
    assert count(extended.folder, unseen)[first:][~known].any()
    assert torch.allclose(weights.sum(1), torch.from_numpy(known).float(), atol=1e-5)
    assert weights.min() >= 0
    for old, new in zip(vocabulary_weights(plain), vocabulary_weights(mixed), strict=True):
        rows = old[:first].detach().reshape(first, -1)
        assert torch.equal(old[:first], new[:first])
        assert torch.equal(old[first : extended.new_size][~known], new[first : extended.new_size][~known])
        assert torch.allclose(new[first : extended.new_size].reshape(-1, rows.shape[1])[known], (weights @ rows)[known], atol=1e-5)


def test_sparsemax_is_the_nearest_point_of_the_simplex() -> None:
    """Against the definition, by its optimality conditions: what is positive lies above one threshold by what it is, what is not lies below."""
    scores = torch.randn(50, 9, generator=torch.Generator().manual_seed(0))
    found = sparsemax(scores)
    assert torch.allclose(found.sum(1), torch.ones(50), atol=1e-5)
    for row, weights in zip(scores, found, strict=True):
        positive = weights > 0
        threshold = (row - weights)[positive]
        assert torch.allclose(threshold, threshold[:1].expand_as(threshold), atol=1e-5)
        assert (row[~positive] <= threshold[0] + 1e-5).all()


def test_pieces_that_go_on_with_a_word(cases: dict[str, Case]) -> None:
    """WordPiece: as the end of a word, whose beginning is cut off."""
    one = cases["mbert"]
    ids = {piece: number for number, piece in read(one.folder).pieces.items()}
    old, new = (vocabulary_weights(open_model(folder).model)[0] for folder in (one.folder, one.extended.folder))
    pieces = {piece: number for number, piece in new_pieces(one).items()}
    assert "##lərimizdən" not in ids
    parts = [ids[part] for part in ("##lərimiz", "##dən")]
    assert torch.allclose(new[pieces["##lərimizdən"]], old[parts].mean(0), atol=1e-6)


@pytest.mark.parametrize("name", ["llama2", "llama3"])
def test_bpe_only_joins_what_stood_apart(cases: dict[str, Case], name: str) -> None:
    """New merges stand behind the old ones: each new token is a run of old ones, and each new piece comes about by itself."""
    one = cases[name]
    before, after = load_tokenizer(one.folder), load_tokenizer(one.extended.folder)
    for text in [*NEW, *TEXTS, *OTHERS]:
        old, new = ({end for _, end in tokenizer.encode(text, add_special_tokens=False).offsets} for tokenizer in (before, after))
        assert new <= old
    rules = merges_of(read(one.extended.folder).content["model"])
    for piece in new_pieces(one).values():
        assert rules.cut(piece)[0] == [piece]


@pytest.mark.parametrize("name", ["llama2", "llama3"])
def test_a_bpe_piece_gets_what_comes_about_on_the_way(cases: dict[str, Case], tmp_path: Path, name: str) -> None:
    """The donor has nothing between letters and two long words, one the beginning of the other."""
    begin = read(cases[name].folder).begin
    words = [begin + word for word in ("qanunvericilik", "qanunvericilikdəki")]
    if name == "llama3":
        words = ["".join(byte_symbols(word.replace(begin, " "))) for word in words]
    donor = Tokenizer(models.BPE({word: number for number, word in enumerate(words)}, []))
    donor.pre_tokenizer = pre_tokenizers.ByteLevel() if name == "llama3" else pre_tokenizers.Metaspace()
    extended = extend(cases[name].folder, saved(donor, tmp_path / "donor"), tmp_path / "t", 1)
    for text, word in zip(("qanunvericilik", "qanunvericilikdəki"), words, strict=True):
        assert word in load_tokenizer(extended.folder).encode(f"kitab {text}").tokens
    between = [piece for piece in new_pieces(cases[name]._replace(extended=extended)).values() if piece not in words]
    assert between
    assert all(words[1].startswith(piece) for piece in between)


@pytest.mark.parametrize("name", ["xlmr", "llama2", "llama3"])
def test_each_new_piece_is_the_likeliest_way_to_write_it(cases: dict[str, Case], name: str) -> None:
    model = Tokenizer.from_file(str(cases[name].extended.folder / "tokenizer.json")).model
    for number, piece in new_pieces(cases[name]).items():
        assert [token.id for token in model.tokenize(piece)] == [number]


@pytest.mark.parametrize("name", KINDS)
def test_as_many_as_wanted(cases: dict[str, Case], tmp_path: Path, name: str) -> None:
    """Rounded up to a multiple of 64: the first of the donor; all of them where they end."""
    one = cases[name]
    assert one.extended.new_size % 64 == 0
    few = extend(one.folder, one.donor / "tokenizer.json", tmp_path / "few", 20)
    assert few.old_size + 20 <= few.new_size < few.old_size + 20 + 64
    assert few.new_size % 64 == 0
    assert list(new_pieces(one).values())[: few.added] == list(new_pieces(one._replace(extended=few)).values())
    again = extend(one.folder, one.donor, tmp_path / "again", 20)
    assert fingerprint_of(again.folder) == fingerprint_of(few.folder)


def test_an_extended_model_is_trimmed(cases: dict[str, Case], tmp_path: Path) -> None:
    """And cuts the text as before: added tokens are pieces now, and still added tokens."""
    for name in KINDS:
        folder = cases[name].extended.folder
        trimmed = trim(folder, count(folder, NEW), None, tmp_path / name)
        before, after = load_tokenizer(folder), load_tokenizer(trimmed.folder)
        assert trimmed.kept < cases[name].extended.new_size
        for text in NEW:
            assert after.encode(text).tokens == before.encode(text).tokens


@pytest.mark.parametrize("pieces", [1, 5, 40])
def test_a_donor_with_few_pieces_gives_all(cases: dict[str, Case], tmp_path: Path, pieces: int) -> None:
    """Where they reach no multiple of 64; else as many as reach one."""
    names = ["[UNK]", *(f"söz{letter}{other}" for letter in "abcde" for other in "abcdefgh")][: pieces + 1]
    donor = Tokenizer(models.WordPiece({piece: n for n, piece in enumerate(names)}, unk_token="[UNK]"))  # noqa: S106
    extended = extend(cases["mbert"].folder, saved(donor, tmp_path / "donor"), tmp_path / "t", None)
    reached = (extended.old_size + pieces) // 64 * 64 - extended.old_size
    assert extended.added == (reached if reached > 0 else pieces)


def saved(tokenizer: Tokenizer, folder: Path) -> Path:
    folder.mkdir()
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def test_pieces_that_could_never_be_met_are_left_out(cases: dict[str, Case], tmp_path: Path) -> None:
    """mBERT's pre-tokeniser parts hyphens from letters; a lower-casing normaliser leaves no capital."""
    pieces = ["[UNK]", "AMEA", "##-nın", "##nınki", "q-z", "Zəfər", "##KA", "zəfərə"]
    donor = Tokenizer(models.WordPiece({piece: n for n, piece in enumerate(pieces)}, unk_token="[UNK]"))  # noqa: S106
    place = saved(donor, tmp_path / "donor")
    extended = extend(cases["mbert"].folder, place, tmp_path / "cased", None)
    assert set(new_pieces(Case(place, place, extended)).values()) == {"AMEA", "##nınki", "Zəfər", "##KA", "zəfərə"}
    lower = mbert(tmp_path / "lower")
    tokenizer = Tokenizer.from_file(str(lower / "tokenizer.json"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=False)
    tokenizer.save(str(lower / "tokenizer.json"))
    extended = extend(lower, place, tmp_path / "uncased", None)
    assert set(new_pieces(Case(place, place, extended)).values()) == {"##nınki", "zəfərə"}


def test_characters_that_the_model_did_not_know(cases: dict[str, Case], tmp_path: Path) -> None:
    """Without a piece for any of its characters a new piece gets the mean of all rows; where bytes stand for them, theirs; half known, that of what is."""
    donor = Tokenizer(models.WordPiece({piece: n for n, piece in enumerate(["[UNK]", "ѳѵ", "kѳ"])}, unk_token="[UNK]"))  # noqa: S106
    one = cases["mbert"]
    extended = extend(one.folder, saved(donor, tmp_path / "words"), tmp_path / "w", None)
    old, new = (vocabulary_weights(open_model(folder).model) for folder in (one.folder, extended.folder))
    ids = {piece: number for number, piece in read(extended.folder).pieces.items()}
    for before, after in zip(old, new, strict=True):
        assert torch.allclose(after[ids["ѳѵ"]], before.mean(0), atol=1e-6)
        assert torch.allclose(after[ids["kѳ"]], before[ids["k"]], atol=1e-6)
    one = cases["llama2"]
    donor = Tokenizer(models.BPE({"ѳ": 0, "kѳ": 1, "k": 2}, [("k", "ѳ")]))
    donor.pre_tokenizer = pre_tokenizers.Metaspace()
    extended = extend(one.folder, saved(donor, tmp_path / "pairs"), tmp_path / "b", None)
    before, after = (vocabulary_weights(open_model(folder).model)[0] for folder in (one.folder, extended.folder))
    ids = {piece: number for number, piece in read(extended.folder).pieces.items()}
    parts = [ids["<0xD1>"], ids["<0xB3>"]]
    assert torch.allclose(after[ids["ѳ"]], before[parts].mean(0), atol=1e-6)
    assert torch.allclose(after[ids["kѳ"]], before[[ids["k"], *parts]].mean(0), atol=1e-6)
    assert "kѳ" in load_tokenizer(extended.folder).encode("akѳ").tokens


def test_means_of_matrices_and_vectors() -> None:
    rows = torch.arange(12.0).reshape(6, 2)
    assert means(rows, [[0, 2], [5], []]).tolist() == [[2, 3], [10, 11], [5, 6]]
    assert means(rows[:, 0], [[0, 2], [5]]).tolist() == [2, 10]
    assert means(rows.bfloat16(), [[1]]).dtype == torch.float32


def test_errors(cases: dict[str, Case], tmp_path: Path) -> None:
    folder = cases["xlmr"].folder
    with pytest.raises(DollmaError, match=r"writes pieces with ▁ but .* writes pieces with ##: train a donor of the model's kind"):
        extend(folder, cases["mbert"].donor, tmp_path / "t", None)
    with pytest.raises(DollmaError, match="a BPE tokenizer has no probabilities, which Unigram needs: train a donor of --type unigram"):
        extend(folder, cases["llama2"].folder, tmp_path / "t", None)
    with pytest.raises(DollmaError, match=r"no piece that .* lacks and could use"):
        extend(folder, folder, tmp_path / "t", None)
    with pytest.raises(DollmaError, match="no such tokenizer"):
        extend(folder, tmp_path / "nowhere", tmp_path / "t", None)
    alien = saved(Tokenizer(models.Unigram([("<unk>", 0.0), ("▁ѳѵ", -1.0)], 0, False)), tmp_path / "alien")
    with pytest.raises(DollmaError, match=r"no piece in common with .*: their probabilities can't be compared"):
        extend(folder, alien, tmp_path / "t", None)
    assert not (tmp_path / "t").exists()


def test_rows_beyond_the_ids_are_taken_first(tmp_path: Path) -> None:
    """Llama 3's kind of folder has 30 more rows than ids, as many models do: they hold nothing, and the model grows by less."""
    folder = llama3(tmp_path / "model")
    donor = saved(byte_pairs(), tmp_path / "donor")
    rows, ids = len(vocabulary_weights(open_model(folder).model)[0]), read(folder).size
    extended = extend(folder, donor, tmp_path / "t", 1)
    assert extended.new_size - ids < 64
    assert rows == ids + 30
    assert len(vocabulary_weights(open_model(extended.folder).model)[0]) == max(rows, extended.new_size)
    assert json.loads((extended.folder / "config.json").read_text())["vocab_size"] == max(rows, extended.new_size)


def test_the_unknown_piece_weighs_what_it_weighed(tmp_path: Path) -> None:
    """Unigram: no new piece is less likely than the least likely old one, so what is unknown is cut off as before."""
    folder = xlmr(tmp_path / "model")
    extended = extend(folder, saved(likely(), tmp_path / "donor"), tmp_path / "t", None)
    least = [min(score for _, score in read(place).content["model"]["vocab"]) for place in (folder, extended.folder)]
    assert least[0] == least[1]
