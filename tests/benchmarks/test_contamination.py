"""Test items that stand in a corpus are found, others are not, and what is too short to tell is counted."""

from __future__ import annotations

import json
import random
import unicodedata
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import zstandard

from benchmarks import overlaps
from benchmarks.contamination import Contamination, look_up, read_contamination
from benchmarks.tasks.catalogue import named
from benchmarks.tasks.items import KINDS
from benchmarks.tasks.reading import read
from curation.errors import DollmaError
from curation.languages.profile import load_profile
from curation.text.shingles import TOKENS
from tests.benchmarks import bench_data
from tests.benchmarks.bench_data import version, write_rows
from tests.pipelines.workspace import dollma

LONG = "Səhər tezdən bağban ağacları suladı və qonşular İsti çay içmək üçün həyətə yığışdılar"
OTHER = "Axşam isə hamı evinə dağıldı amma uşaqlar hələ də küçədə top oynayırdılar"
FIVE, FOUR = "Gəmi dünən limana gec çatdı", "Gəmi dünən limana çatdı"


def topics(*texts: str) -> list[dict[str, Any]]:
    return [{"index_id": number, "category": "sports", "text": text} for number, text in enumerate(texts)]


def looked_up(
    tmp_path: Path, task: str, test: list[dict[str, Any]], corpus: list[str], learnt: list[dict[str, Any]] | None = None
) -> Contamination:
    of = named(task)
    for split, name in of.files.items():
        own = test if split == "test" else learnt if split == "train" and learnt else bench_data.rows(task, split, 3)
        write_rows(tmp_path / "data" / of.folder / name, own)
    place = tmp_path / f"v{len(list(tmp_path.glob('v*')))}"
    (found,) = look_up([of], tmp_path / "data", version(place, [("news", text) for text in corpus]), tmp_path / "out")
    return found


def shares(found: Contamination) -> dict[str, float | None]:
    return {row.id: row.share for row in found.rows}


def test_what_stands_in_the_corpus_is_found(tmp_path: Path) -> None:
    corpus = ["Giriş. " + LONG.upper().replace("I", "I") + "! Sonra nə oldu?", "başqa mətn", f"x {FIVE}, y", FOUR]
    corpus[0] = "Giriş. " + unicodedata.normalize("NFD", LONG.replace(" və ", " — və, ")) + "! Sonra nə oldu?"
    half = " ".join([*LONG.split()[:9], *OTHER.split()[:5]])
    found = looked_up(tmp_path, "sib200-az", topics(LONG, OTHER, FIVE, FOUR, half, FIVE + " bəs"), corpus)
    assert shares(found) == {"0": 1.0, "1": 0.0, "2": 1.0, "3": None, "4": pytest.approx(2 / 7), "5": 0.0}
    assert {name: found.head[name] for name in ("items", "found", "too short", "in train")} == {
        "items": 6,
        "found": 2,
        "too short": 1,
        "in train": 0,
    }
    assert found.head["share"] == pytest.approx(2 / 5)
    assert found.known() == {"0", "2"}


def test_eighty_percent_of_the_runs_are_enough(tmp_path: Path) -> None:
    """Of 17 words there are 10 runs of 8: without the last two words 8 of them stand there, without three 7."""
    words = (LONG + " " + OTHER).split()[:17]
    for cut, held in ((2, True), (3, False)):
        found = looked_up(tmp_path / str(cut), "sib200-az", topics(" ".join(words)), [" ".join(words[:-cut])])
        assert shares(found)["0"] == pytest.approx(1 - cut / 10)
        assert found.rows[0].found == held


def test_letters_are_folded_as_in_azerbaijani(tmp_path: Path) -> None:
    upper = "BAKI ŞƏHƏRİNİN KÜÇƏLƏRİNDƏ İSTİ HAVA İLIQ KÜLƏK"
    lower = "bakı şəhərinin küçələrində isti hava iliq külək".replace("iliq", "ilıq")
    found = looked_up(tmp_path, "sib200-az", topics(upper, upper.replace("BAKI", "BAKİ")), [lower])
    assert shares(found) == {"0": 1.0, "1": 0.0}


def test_kinds_are_known_by_question_and_answer_or_by_the_context(tmp_path: Path) -> None:
    context, question = f"{LONG}. {OTHER}.", "Bağban səhər tezdən bağda hansı işi gördü"
    spans = [
        {"id": name, "context": text, "question": asked, "answers": {"text": [text[:12]], "answer_start": [0]}}
        for name, text, asked in [
            ("context", context, "nə oldu?"),
            ("question", "Qatar dünən gecə vağzala gec gəldi və heç kim onu qarşılamadı", question),
            ("neither", "Dəniz bu il gözlənildiyindən daha tez isindi deyə balıqçılar sevindilər", "kim sevindi ki?"),
        ]
    ]
    corpus = [f"Oxuyun: {context}", f"{question}? Qatar dünən oldu."]
    bench_data.write(tmp_path / "span/data", "enelpi-qa-tr")
    found = looked_up(tmp_path / "span", "xquad-tr", spans, corpus)
    assert {row.id for row in found.rows if row.found} == {"context", "question"}

    choices = [
        {
            "id": str(n),
            "subject": "",
            "question": "Bağban səhər tezdən hansı ağacı əkdi",
            "choices": ["alma", "armud", "heyva", "nar"],
            "answer": right,
        }
        for n, right in enumerate("AB")
    ]
    found = looked_up(tmp_path / "choice", "tumlu-az", choices, ["Bağban səhər tezdən hansı ağacı əkdi? Alma."])
    assert shares(found) == {"0": 1.0, "1": 0.0}

    pairs = [
        {"id": "both", "first": LONG, "second": OTHER, "label": 1},
        {"id": "one", "first": LONG, "second": OTHER[::-1], "label": 0},
        {"id": "short", "first": LONG, "second": "Bəli.", "label": 0},
    ]
    found = looked_up(tmp_path / "pair", "books-nsp", pairs, [LONG, OTHER])
    assert {row.id for row in found.rows if row.found} == {"both", "short"}

    words = [{"tokens": LONG.split(), "ner_tags": ["O"] * len(LONG.split())}]
    found = looked_up(tmp_path / "words", "ner-tr", words, [LONG])
    assert [row.share for row in found.rows] == [1.0]


def test_items_of_the_tasks_own_train_are_told(tmp_path: Path) -> None:
    found = looked_up(tmp_path, "sib200-az", topics(LONG, OTHER), ["heç nə"], topics(LONG.upper().replace("I", "İ") + "!", "x y"))
    assert [(row.id, row.in_train) for row in sorted(found.rows)] == [("0", False), ("1", False)]
    found = looked_up(tmp_path, "sib200-az", topics(f"{LONG}!", OTHER, FOUR), ["heç nə"], topics(LONG, "x y"))
    assert {row.id for row in found.rows if row.in_train} == {"0"} == set(found.known())


def test_what_was_looked_up_is_not_looked_up_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = looked_up(tmp_path, "sib200-az", topics(LONG), [LONG])
    before = first.path.read_bytes()
    monkeypatch.setattr(overlaps, "shares", None)
    (again,) = look_up([named("sib200-az")], tmp_path / "data", tmp_path / "v0", tmp_path / "out")
    assert again == first
    assert again.path.read_bytes() == before
    monkeypatch.undo()
    other = looked_up(tmp_path, "sib200-az", topics(LONG), [OTHER])
    assert other.path != first.path
    assert other.head["found"] == 0


def test_a_result_that_is_none_is_told_by_line(tmp_path: Path) -> None:
    path = looked_up(tmp_path, "sib200-az", topics(LONG, OTHER), [LONG]).path
    head, *lines = path.read_text("utf-8").splitlines()
    for bad, told in [
        (["{"], "line 1"),
        ([head, "[]"], "line 2"),
        ([head, lines[0], '{"id": "1", "share": "x", "in train": false}'], "line 3"),
        ([head, lines[0]], "1 items, its first line says 2"),
        ([], "0 items"),
    ]:
        path.write_text("".join(f"{line}\n" for line in bad), encoding="utf-8")
        with pytest.raises(DollmaError, match=told):
            read_contamination(path)


def test_a_text_longer_than_what_is_held_at_a_time_is_searched_over_its_seams() -> None:
    """Runs that lie across the end of the buffer of words."""
    draw = random.Random(1)
    letters = "abcçdeəfgğhxıijkqlmnoöprsştuüvyz"
    words = ["".join(draw.choices(letters, k=5)) for _ in range(2 * TOKENS + 50)]
    wanted = [" ".join(words[place : place + size]) for place in (TOKENS - 20, TOKENS - 4, 2 * TOKENS - 9) for size in (5, 8, 20)]
    wanted += [" ".join(words[-5:]), " ".join(words[-8:]), " ".join(reversed(words[:9]))]
    corpus = [pa.array(["", "."]), pa.array(["", " ".join(words), "."]), pa.array([], pa.string())]
    found = list(overlaps.shares(wanted, corpus, load_profile("azj_Latn").fold_table))
    assert found == [1.0] * 11 + [0.0]


def test_the_command_looks_several_tasks_up(tmp_path: Path) -> None:
    bench_data.write(tmp_path / "data", "sib200-az", "tumlu-az", "xquad-tr", "enelpi-qa-tr")
    items = read(named("sib200-az"), tmp_path / "data/sib200", "test").items
    held = version(tmp_path / "v", [("news", " ".join(KINDS["text"].asked(items[0])))])
    options: list[str | Path] = [
        "--task",
        "sib200-az",
        "--task",
        "tumlu-az",
        "--task",
        "xquad-tr",
        "--data",
        tmp_path / "data",
        "--out",
        tmp_path / "out",
    ]
    told = dollma("bench", "contamination", held, *options).stdout.splitlines()
    assert [line.split(":")[0] for line in told] == ["sib200-az", "tumlu-az", "xquad-tr"]
    assert len(list((tmp_path / "out/contamination").iterdir())) == 3


@pytest.mark.realdata
def test_sib200_is_found_in_flores(shared: Path, tmp_path: Path) -> None:
    """All sentences of SIB-200 are FLORES-200's: every test item is found among the Azerbaijani ones, and none of TUMLU's."""
    with zstandard.open(shared / "langid/flores_sib200.jsonl.zst", "rt", encoding="utf-8") as file:
        sentences = [row["text"] for row in map(json.loads, file) if row["id"].endswith("-azj")]
    held = version(tmp_path / "flores", [("flores", text) for text in sentences])
    sib, tumlu, turkish = look_up(
        [named(name) for name in ("sib200-az", "tumlu-az", "sib200-tr")], shared / "benchmarks", held, tmp_path / "out"
    )
    assert (sib.head["found"], sib.head["too short"], sib.head["in train"]) == (204, 0, 0)
    assert tumlu.head["found"] == turkish.head["found"] == 0
