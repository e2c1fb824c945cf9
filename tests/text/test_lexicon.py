from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from curation.errors import DollmaError
from curation.languages.lexicon.train import held_out, train
from curation.languages.profile import load_profile
from curation.text.char_model import next_cost
from curation.text.lexicon import Lexicon, load_lexicon, points, read_lexicon
from pipelines.commands.lexicon import app

PROFILE = load_profile("azj_Latn")
PROSE = (
    "Kəndin kənarında qoca bir palıd ağacı var idi. Uşaqlar hər gün onun kölgəsində oynayır, axşam isə evə qayıdırdılar. "
    "Bir gün güclü külək əsdi və ağacın budağı sındı, amma palıd yıxılmadı."
)


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    found = load_lexicon("azj_Latn")
    assert found is not None
    return found


def test_common_words_are_common(lexicon: Lexicon) -> None:
    assert lexicon.frequency("və") > 10_000 > lexicon.frequency("kitab") > 10 > lexicon.frequency("rnəktəb") == 0.0
    assert (
        lexicon.word_cost("və") < lexicon.word_cost("kitab") < lexicon.word_cost("kitablarımızdan") < lexicon.word_cost("kltablarırnızdan")
    )


def test_case_is_that_of_the_language(lexicon: Lexicon) -> None:
    assert lexicon.frequency("İLƏ") == lexicon.frequency("ilə") == lexicon.frequency("İlə") > 0
    assert lexicon.frequency("QIZIL") == lexicon.frequency("qızıl") > 0
    assert lexicon.word_cost("BAKI") == lexicon.word_cost("Bakı")


def test_words_typed_without_their_marks_are_not_listed(lexicon: Lexicon) -> None:
    assert lexicon.known("şəhər")
    assert not lexicon.known("seher")


def test_a_stem_takes_an_ending_that_many_words_have(lexicon: Lexicon) -> None:
    unlisted = [word for word in ("oğullarımızı", "mükafatlarınız", "xəbərlərindəndir") if not lexicon.frequency(word)]
    assert unlisted, "all listed: choose rarer words"
    assert all(lexicon.known(word) for word in unlisted)
    assert not lexicon.known("qwrtzlardan")


def test_misread_text_surprises(lexicon: Lexicon) -> None:
    assert lexicon.surprise(PROSE) < 2.6
    assert lexicon.surprise(PROSE.replace("m", "rn").replace("ı", "l").replace("ə", "o")) > lexicon.surprise(PROSE) + 1
    assert lexicon.surprise("") == lexicon.surprise(" \n") == 0.0


@given(st.lists(st.text(alphabet="abəıİşğ .,-'1«»\n😀", max_size=40), max_size=5))
def test_measures_are_those_of_the_words_one_by_one(values: list[str]) -> None:
    lexicon = load_lexicon("azj_Latn")
    assert lexicon is not None
    data = "".join(values).encode()
    offsets = np.cumsum([0, *(len(value.encode()) for value in values)]).astype(np.int32)
    found = lexicon.measures(np.frombuffer(data, np.uint8), offsets)
    assert found.words.tolist() == [len(value.split()) for value in values]
    assert found.characters.tolist() == [sum(map(len, value.split())) for value in values]
    for value, bits in zip(values, found.bits.tolist(), strict=True):
        assert bits == pytest.approx(sum(lexicon.char_cost(word) for word in value.split()))


def test_measures_count_unknown_tokens(lexicon: Lexicon) -> None:
    data = "Uşaqlar kltab oxuyur, 12rn deyil. qwrtz".encode()
    found = lexicon.measures(np.frombuffer(data, np.uint8), np.array([0, len(data)], np.int32))
    assert (found.tokens[0], found.unknown[0], found.unknown_letters[0]) == (6, 2, 10)


@given(st.text(max_size=60))
def test_any_string_has_a_cost(text: str) -> None:
    lexicon = load_lexicon("azj_Latn")
    assert lexicon is not None
    assert 0 <= lexicon.word_cost(text) < 60 * 25 + 60
    assert lexicon.frequency(text) >= 0


@pytest.mark.parametrize("history", ["", "k", "kit", "məktə", "qx", "şşşşş"])
def test_chances_of_the_next_character_make_one(lexicon: Lexicon, history: str) -> None:
    tables = lexicon.tables
    key = 0
    for code in tables.codes[points(history)].tolist() if history else []:
        key = key << 6 | code
    chances = [2 ** (-next_cost(tables.chars, np.uint64(key), len(history) + 1, code) / 12) for code in range(64)]
    assert sum(chances) == pytest.approx(1, abs=0.06), "stored in steps of a twelfth of a bit"


def test_other_languages_have_none() -> None:
    assert load_lexicon("tur_Latn") is None
    assert load_lexicon("../lexicon/model/azj_Latn") is None


def rows(path: Path, texts: list[str], language: str = "aze") -> Path:
    lines = [json.dumps({"text": text, "id": f"{k}", "metadata": {"language": language, "script": "Latn"}}) for k, text in enumerate(texts)]
    path.write_bytes(zstandard.compress("\n".join(lines).encode()))
    return path


def test_training_is_deterministic_and_leaves_the_held_out_rows_out(tmp_path: Path) -> None:
    texts = [f"{PROSE} nömrə{'abcdefghij'[k % 10]}{'abcdefghij'[k // 10]}" for k in range(40)]
    file = rows(tmp_path / "ntrex_news.jsonl.zst", texts)
    words = tmp_path / "aze.wordlist.gz"
    words.write_bytes(gzip.compress("palıd\nağac\nAğacı,\nistiﬁadə\n".encode()))
    counted = train([file, words], PROFILE, tmp_path / "a.npz")
    train([words, file], PROFILE, tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert counted.words["aze"] == 3, "a copy with a ligature is no word"
    lexicon = read_lexicon(tmp_path / "a.npz")
    seen = {k: lexicon.frequency(text.split()[-1]) > 0 for k, text in enumerate(texts)}
    assert {k for k, found in seen.items() if not found} == {k for k in seen if held_out({"id": f"{k}", "metadata": {}})} != set()


def test_a_file_without_a_licence_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DollmaError, match="no entry 'ntrex_new', so its licence is not known"):
        train([rows(tmp_path / "ntrex_new.jsonl.zst", [PROSE])], PROFILE, tmp_path / "a.npz")


def test_a_file_that_is_no_lexicon_is_refused(tmp_path: Path) -> None:
    bad, other = tmp_path / "bad.npz", tmp_path / "other.npz"
    bad.write_bytes(b"nothing")
    fold = np.array([["I", "ı"]])
    none = np.zeros(3, np.uint16)
    np.savez(other, own=np.array("abc"), fold=fold, marks=none, frequencies=none, char_marks=none, char_costs=none, char_backs=none)
    for path, what in ((bad, "no lexicon"), (tmp_path / "absent.npz", "no lexicon"), (other, "train it anew")):
        with pytest.raises(DollmaError, match=what):
            read_lexicon(path)


def test_commands(tmp_path: Path) -> None:
    file = rows(tmp_path / "ntrex_news.jsonl.zst", [PROSE] * 8)
    made = CliRunner().invoke(app, ["train", str(file), "--out", str(tmp_path / "a.npz")])
    assert made.exit_code == 0, made.output
    assert "words" in made.output
    asked = CliRunner().invoke(app, ["word", "kitab", "kltab"])
    assert asked.exit_code == 0
    assert "known" in asked.output
    assert "unknown" in asked.output


def test_confusions_are_counted_over_pages(tmp_path: Path) -> None:
    for page in range(3):
        (tmp_path / f"{page}.txt").write_text(PROSE, "utf-8")
        (tmp_path / f"{page}.seen").write_text(PROSE.replace("axşam", "axşarn").replace("küləyi", "") if page else PROSE, "utf-8")
    found = CliRunner().invoke(app, ["confusions", str(tmp_path)])
    assert found.exit_code == 0, found.output
    times = 3 * PROSE.lower().count("m")
    assert found.output == f'"m": {{"rn": {round(2e5 / times, 1)}}}\n'
