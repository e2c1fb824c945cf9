"""Tokenizers trained on the small version: what they hold, what they give back, and that the same training gives the same bytes."""

from __future__ import annotations

import hashlib
import json
import math
import os
import subprocess
import sys
import unicodedata
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numba as nb
import numpy as np
import pytest
from transformers import AutoTokenizer

from curation.errors import DollmaError
from curation.languages.profile import load_profile
from modeling.corpus import Version, texts
from modeling.tokenizer import load_tokenizer, vocabulary
from modeling.tokenizer.kinds import build
from modeling.tokenizer.likely import best_without, expected_counts, flat, lattice, likely_pieces, name_pieces
from modeling.tokenizer.pairs import merged_pairs
from modeling.tokenizer.pieces import Pieces, with_endings
from modeling.tokenizer.sample import WEIGHT_UNIT, Sample, shares
from modeling.tokenizer.saved import SPECIAL
from modeling.tokenizer.training import Settings, place_of, train
from modeling.tokenizer.words import EVERY, compiled, ending_pattern, letters_of, normaliser, word_pattern
from tests.modeling.versions import SETTINGS

AZ = load_profile("azj_Latn")
CAPITALS = "".join({"i": "İ", "ı": "I"}.get(letter, letter.upper()) for letter in AZ.alphabet)
KINDS = {"wordpiece": 3000, "bpe": 2500, "byte-bpe": 2500, "unigram": 1500}
SENTENCE = "AMEA-nın 2024-cü ildə Bakı’da (məsələn, İçərişəhər'də) 10.000,5 manat xərci oldu; 70.1.2-ci maddə."


@pytest.fixture(scope="module", params=KINDS)
def folder(request: pytest.FixtureRequest, version: Version, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(version, Settings(request.param, KINDS[request.param], 10**9), tmp_path_factory.getbasetemp() / "kinds").folder


@pytest.fixture(scope="module")
def uncased(version: Version, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(version, SETTINGS._replace(uncased=True), tmp_path_factory.getbasetemp() / "kinds").folder


def squeezed(text: str) -> str:
    return "".join(text.split())


def test_every_letter_comes_back_from_auto_tokenizer_in_both_cases_and_both_forms(folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for letter in AZ.alphabet + CAPITALS:
        for text in (letter, f"{letter}a", f"a{letter}", unicodedata.normalize("NFD", f"x{letter}x")):
            ids = tokenizer(text)["input_ids"]
            assert tokenizer.unk_token_id not in ids
            assert tokenizer.decode(ids, skip_special_tokens=True) == unicodedata.normalize("NFC", text)


def test_a_sentence_comes_back_but_for_white_space(folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    back = tokenizer.decode(tokenizer(SENTENCE)["input_ids"], skip_special_tokens=True)
    assert squeezed(back) == squeezed(SENTENCE)
    if folder.name.startswith(("byte-bpe", "unigram")):
        assert back == SENTENCE
    else:
        assert "AMEA-nın 2024-cü ildə Bakı’da" in back
        assert "10.000,5 manat" in back


def test_byte_level_gives_back_anything(folder: Path) -> None:
    if folder.name.startswith("byte-bpe"):
        tokenizer = AutoTokenizer.from_pretrained(folder)
        for text in ("  iki  boşluq\n\nsətir\t", "漢字 👶🏽 \u200d", "a\x00b", "-nın"):
            assert tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True) == text


def test_unknown_characters_cost_one_token_or_their_bytes_and_no_word(folder: Path) -> None:
    tokenizer = load_tokenizer(folder)
    tokens = tokenizer.encode("kitab漢ev", add_special_tokens=False).tokens
    if folder.name.startswith("wordpiece"):
        assert tokens.count("[UNK]") == 1
        assert squeezed(tokenizer.decode(tokenizer.encode("kitab漢ev").ids)) == "kitabev"
    else:
        assert "[UNK]" not in tokens
        assert squeezed(tokenizer.decode(tokenizer.encode("kitab漢ev").ids)) == "kitab漢ev"


def test_sizes_padding_and_special_tokens(folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    size = int(folder.name.split("-")[-2])
    assert size == -(-KINDS[folder.name.rsplit("-", 2)[0]] // 64) * 64
    assert len(tokenizer) == tokenizer.vocab_size == load_tokenizer(folder).get_vocab_size() == size
    assert [tokenizer.convert_ids_to_tokens(number) for number in range(5)] == list(SPECIAL)
    assert tokenizer.all_special_ids == [1, 3, 0, 2, 4] or set(tokenizer.all_special_ids) == {0, 1, 2, 3, 4}
    assert sorted(tokenizer.get_vocab().values()) == list(range(size))
    assert tokenizer("ev", "su")["input_ids"].count(3) == 2
    assert tokenizer("ev")["input_ids"][0] == 2


def test_a_word_s_length_makes_it_no_unknown(folder: Path) -> None:
    for text in ("a" * 5000, "1.1" * 500, "A-a" * 300, "’a" * 300):
        assert 1 not in load_tokenizer(folder).encode(text).ids


def test_special_tokens_in_a_text_are_text(folder: Path) -> None:
    ids = load_tokenizer(folder).encode("bu [MASK] və [PAD] mətndir", add_special_tokens=False).ids
    assert not {0, 2, 3, 4} & set(ids)


def test_endings_are_counted_and_learnt_by_themselves(tokenizer_folder: Path) -> None:
    ending = compiled(ending_pattern(EVERY))
    text = "AMEA-nın BMT-nın 2024-cü Bakı’nın 10.000,5 sosial-iqtisadi"
    words = with_endings(((word, 1) for word in compiled(word_pattern(EVERY)).findall(text)), ending)
    assert words == Counter(
        ["AMEA", "BMT", "##-nın", "##-nın", "2024", "##-cü", "Bakı", "##’nın", "10", "##.000", "##,5", "sosial", "-", "iqtisadi"]
    )
    pieces = load_tokenizer(tokenizer_folder).get_vocab()
    assert not [piece for piece in pieces if set(piece.removeprefix("##")[1:]) & set("-‐‑'’ʼ.,:")], (
        "a piece reaches over the mark of an ending"
    )


def test_reserved_tokens_fill_the_last_rows(tmp_path: Path) -> None:
    pieces = Pieces([*AZ.alphabet, *(f"##{c}" for c in AZ.alphabet), "##lar", "kitab"], [])
    tokenizer = build("wordpiece", pieces, 128, letters_of(AZ.alphabet), normaliser(None))
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    known = vocabulary(tmp_path)
    assert tokenizer.get_vocab_size() == known.size == 128
    assert [tokenizer.id_to_token(number) for number in (70, 71, 72, 127)] == ["kitab", "[unused0]", "[unused1]", "[unused56]"]
    assert known.ordinary.tolist() == list(range(5, 71))
    assert 71 not in tokenizer.encode("[unused0] kitablar").ids


def test_uncased_folds_as_the_language_does(uncased: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(uncased)
    for text, folded in (
        ("İSTANBUL", "istanbul"),
        ("IŞIQ ƏLÇATMAZ ĞÖÜÇ", "ışıq əlçatmaz ğöüç"),
        ("i\u0307lham", "ilham"),
        (CAPITALS, AZ.alphabet),
    ):
        assert tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True) == folded
        assert tokenizer(unicodedata.normalize("NFD", text))["input_ids"] == tokenizer(text)["input_ids"] == tokenizer(folded)["input_ids"]
    assert not [piece for piece in tokenizer.get_vocab() if piece not in SPECIAL and any(c.isupper() for c in piece)]


def test_cased_keeps_case_and_accents(tokenizer_folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder)
    assert tokenizer.decode(tokenizer("Şəhər IŞIQ işıq İğöüç")["input_ids"], skip_special_tokens=True) == "Şəhər IŞIQ işıq İğöüç"


def test_the_same_command_makes_nothing_and_another_version_something_else(
    version: Version, modeling_workspace: Path, tokenizer_folder: Path
) -> None:
    before = (tokenizer_folder / "tokenizer.json").stat().st_mtime_ns
    assert train(version, SETTINGS, modeling_workspace) == (tokenizer_folder, False)
    assert (tokenizer_folder / "tokenizer.json").stat().st_mtime_ns == before
    names = {
        place_of(version, one, modeling_workspace).name
        for one in (SETTINGS, SETTINGS._replace(uncased=True), SETTINGS._replace(sample_bytes=9))
    }
    assert len(names) == 3


SCRIPT = """
import sys
from pathlib import Path
from modeling.corpus import open_version
from modeling.tokenizer.training import Settings, train
for kind, size in (("wordpiece", 3000), ("bpe", 2500), ("byte-bpe", 2500), ("unigram", 1500)):
    train(open_version(Path(sys.argv[1])), Settings(kind, size, 10**9), Path(sys.argv[2]))
"""


def test_the_same_training_gives_the_same_bytes_in_another_process(version: Version, tmp_path: Path) -> None:
    """With another hash seed and one thread, against this process."""
    environment = os.environ | {"PYTHONHASHSEED": "4321", "RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    subprocess.run(
        [sys.executable, "-c", SCRIPT, version.folder, tmp_path / "b"], check=True, env=environment, cwd=Path(__file__).parents[2]
    )
    for kind, size in (("wordpiece", 3000), ("bpe", 2500), ("byte-bpe", 2500), ("unigram", 1500)):
        train(version, Settings(kind, size, 10**9), tmp_path / "a")
    digests = [
        {str(p.relative_to(tmp_path / side)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted((tmp_path / side).rglob("*.*"))}
        for side in ("a", "b")
    ]
    assert digests[0] == digests[1]
    assert sum(name.endswith("tokenizer.json") for name in digests[0]) == 4


def test_the_sample_follows_the_mixture(version: Version) -> None:
    """Sources' shares of the sample, weights counted, are their shares of the up-sampled text; no document twice."""
    rows = Counter[str]()
    for batch in texts(version, "train"):
        for row in batch.to_pylist():
            rows[row["source"]] += len(row["text"].encode())
    for share in (1.0, 0.2):
        sample = Sample(version, shares(version, int(share * rows.total())))
        taken = list(sample)
        assert len({document.text for document in taken}) == len(taken)
        weighed = Counter[str]()
        for document in taken:
            weighed[document.source] += len(document.text.encode()) * document.weight
        for source, length in rows.items():
            assert weighed[source] / weighed.total() == pytest.approx(length / rows.total(), abs=0.02 if share == 1 else 0.12)
        assert weighed.total() / WEIGHT_UNIT == pytest.approx(share * rows.total(), rel=0.02 if share == 1 else 0.35)
        assert sample.record()["bytes"] == sum(len(document.text.encode()) for document in taken)


def test_a_smaller_sample_is_part_of_a_larger(version: Version) -> None:
    small, large = ({d.text for d in Sample(version, shares(version, size))} for size in (30_000, 90_000))
    assert small < large


def test_the_sample_s_hash_tells_samples_apart(version: Version) -> None:
    samples = [Sample(version, shares(version, size)) for size in (10**9, 10**9, 50_000)]
    for sample in samples:
        list(sample)
    first, again, other = (sample.record()["hash"] for sample in samples)
    assert first == again != other


def test_the_card_says_on_what_it_was_trained(version: Version, tokenizer_folder: Path) -> None:
    card = json.loads((tokenizer_folder / "card.json").read_text(encoding="utf-8"))
    assert card["version_fingerprint"] == version.fingerprint
    assert set(card["sample"]["sources"]) == set(version.sources)
    assert card["sample"]["sources"]["encyclopaedia"]["weight"] == pytest.approx(3, abs=0.05)
    assert version.name in (tokenizer_folder / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Settings("wordpeice", 3000, 1), "did you mean 'wordpiece'"),
        (Settings("wordpiece", 70_000, 1), "fit 16 bits"),
        (Settings("wordpiece", 8, 1), "ids"),
        (Settings("wordpiece", 3000, 0), "at least one byte"),
        (Settings("wordpiece", 60_000, 10**9), r"ask for --vocab \d+ or less"),
    ],
)
def test_what_cannot_be_trained_says_why(version: Version, tmp_path: Path, settings: Settings, message: str) -> None:
    with pytest.raises(DollmaError, match=message):
        train(version, settings, tmp_path)
    assert not list(tmp_path.rglob("tokenizer.json"))


def slow_pairs(words: list[tuple[list[int], int]], known: int, wanted: int, least: int) -> list[tuple[int, int, int]]:
    """Byte-pair encoding as the paper has it, counting anew each time."""
    words = [(list(word), count) for word, count in words]
    names = {(symbol,): symbol for symbol in range(known)}
    strings = {symbol: (symbol,) for symbol in range(known)}
    out: dict[tuple[int, int, int], None] = {}
    while len(strings) < known + wanted:
        counts = Counter[tuple[int, int]]()
        for word, count in words:
            for pair in pairwise(word):
                counts[pair] += count
        pair, most = min(counts.items(), key=lambda one: (-one[1], one[0]), default=((0, 0), 0))
        if most < least:
            break
        string = strings[pair[0]] + strings[pair[1]]
        made = names.setdefault(string, len(strings))
        strings[made] = string
        out[*pair, made] = None
        for word, _ in words:
            place = 0
            while place < len(word) - 1:
                if (word[place], word[place + 1]) == pair:
                    word[place : place + 2] = [made]
                place += 1
    return list(out)


def test_pairs_are_merged_as_by_counting_anew() -> None:
    random = np.random.default_rng(1)
    for _ in range(60):
        known = int(random.integers(2, 6))
        words = [
            (random.integers(0, known, random.integers(1, 12)).tolist(), int(random.integers(1, 9))) for _ in range(random.integers(1, 60))
        ]
        symbols = np.array([symbol for word, _ in words for symbol in word], np.int32)
        starts = np.cumsum([0, *(len(word) for word, _ in words)], dtype=np.int64)
        found = merged_pairs(symbols, starts, np.array([count for _, count in words], np.int64), known, 60, 2)
        assert list(dict.fromkeys(map(tuple, found.tolist()))) == slow_pairs(words, known, 60, 2)


def ways_to_cut(word: str, pieces: dict[str, float]) -> list[list[str]]:
    """All of them."""
    if not word:
        return [[]]
    return [[word[:end], *rest] for end in range(1, len(word) + 1) if word[:end] in pieces for rest in ways_to_cut(word[end:], pieces)]


def test_expected_counts_are_those_over_all_ways_to_cut() -> None:
    pieces = {"a": -2.0, "b": -1.5, "ab": -1.0, "ba": -3.0, "aba": -2.5}
    words = {"abab": 3.0, "aba": 2.0, "b": 1.0}
    number = {"a": 0, "b": 1}
    symbols, starts = flat(list(pieces), number)
    names = nb.typed.Dict.empty(nb.int64, nb.int64)
    name_pieces(symbols, starts, names)
    text, places = flat(list(words), number)
    scores = np.array(list(pieces.values()))
    found = expected_counts(places, *lattice(text, places, names, 3), np.array(list(words.values())), scores)
    wanted = Counter[str]()
    for word, count in words.items():
        ways = [(way, math.exp(sum(pieces[piece] for piece in way))) for way in ways_to_cut(word, pieces)]
        for way, likely in ways:
            for piece in way:
                wanted[piece] += count * likely / sum(one for _, one in ways)
    assert found.tolist() == pytest.approx([wanted[piece] for piece in pieces])
    without = best_without(starts, *lattice(symbols, starts, names, 3), scores)
    assert without[2:].tolist() == pytest.approx([-3.5, -3.5, -3.0])


def test_likely_pieces_keep_all_letters_and_what_words_are_made_of() -> None:
    words = Counter(
        {
            f"{stem}{ending}": 10 * WEIGHT_UNIT
            for stem in ("kitab", "dəftər", "qələm", "masa")
            for ending in ("", "lar", "da", "dan", "lardan")
        }
    )
    letters = sorted({c for word in words for c in word} | {"x"})
    found = likely_pieces(words, letters, len(letters) + 7)
    assert len(found) == len(letters) + 7
    assert {*letters, "kitab", "dəftər", "qələm"} <= {piece for piece, _ in found}
    assert sum(math.exp(score) for _, score in found) == pytest.approx(1)
    assert found == likely_pieces(words, letters, len(letters) + 7)
