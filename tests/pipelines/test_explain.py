"""`explain` and `judge --explain`: which rule, which value, and where in the text."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from curation.errors import DollmaError
from curation.languages.profile import load_profile
from pipelines.build import Built
from pipelines.cli import judge
from pipelines.evidence import MOST
from pipelines.explanation import NO_TEXT, add_evidence, describe
from pipelines.versions import explain
from tests.pipelines.workspace import dollma, ledger, quiet_build, write_recipe

PROSE = "Kəhriz yeraltı suyu səthə çıxaran qədim qurğudur və onu ustalar əl ilə qazırdı."
TEXTS = {
    "good": PROSE,
    "russian": f"{PROSE}\nЭто объявление о продаже, его никто не переводил; звоните вечером\nи утром тоже.",
    "prices": "Qiymətlər bu gün belədir: " + " ".join(f"{k},{k * 7 % 10}0\nmal" for k in range(100, 200)),
    "bell": "\x1b[31m" + "\a9999 " * 20 + "bu və bu",
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "in" / "pages.jsonl"
    path.parent.mkdir()
    path.write_text("".join(json.dumps({"id": name, "text": text}) + "\n" for name, text in TEXTS.items()), encoding="utf-8")
    return path


@pytest.fixture
def built(tmp_path: Path, file: Path) -> Built:
    return quiet_build(write_recipe(tmp_path, {"pages": {"paths": str(file)}}), tmp_path / "ws")


def test_judge_points_at_the_spans(file: Path) -> None:
    rows = {row["id"]: row for row in map(json.loads, dollma("judge", file, "--profile", "azj_Latn", "--explain").stdout.splitlines())}
    assert rows["good"]["failed"] == []
    russian = {rule["rule"]: rule["spans"] for rule in rows["russian"]["failed"]}
    passage = russian["script.min_share"][0]
    assert passage["text"] == "Это объявление о продаже, его никто не переводил; звоните вечером"
    assert (passage["line"], TEXTS["russian"][passage["first"] : passage["end"]]) == (2, passage["text"])
    prices = {rule["rule"]: rule["spans"] for rule in rows["prices"]["failed"]}
    assert len(prices["quality.max_digit_share"]) == MOST
    assert prices["quality.max_digit_share"][1]["line"] == 2


def test_judge_says_nothing_of_spans_unasked(file: Path) -> None:
    for line in dollma("judge", file, "--profile", "azj_Latn").stdout.splitlines():
        row = json.loads(line)
        assert set(row) == {"id", "verdict", "failed", "measures"}
        assert all(set(rule) == {"rule", "measure", "value", "threshold"} for rule in row["failed"])


def lives(version: Path, document: str) -> list[dict]:
    rows = explain(version, document)
    add_evidence(version, rows)
    return rows


def test_explain_marks_the_spans(built: Built, tmp_path: Path) -> None:
    ids = {row["locator"].split("@")[1]: row["id"] for row in ledger(built)}
    at = {name: str(sum(len(json.dumps({"id": n, "text": t})) + 1 for n, t in list(TEXTS.items())[:k])) for k, name in enumerate(TEXTS)}
    told = dollma("explain", built.name, ids[at["russian"]], "--workspace", tmp_path / "ws").stdout
    assert "⟦Это объявление о продаже, его никто не переводил; звоните вечером⟧" in told
    assert "line 3" in told
    assert "those of the formatted text" in told
    many = describe(*lives(built.folder, ids[at["prices"]]))
    assert f"… and at least {MOST - 5} more" in many
    hostile = describe(*lives(built.folder, ids[at["bell"]]))
    assert "⟦9999" in hostile
    assert not set(hostile) & {"\x1b", "\a"}
    (row,) = json.loads(dollma("explain", built.name, ids[at["russian"]], "--workspace", tmp_path / "ws", "--json").stdout)
    rule = next(rule for rule in row["rules"] if rule["rule"] == "script.min_share")
    assert rule["spans"][0]["line"] == 2
    shutil.rmtree(tmp_path / "ws" / "stages")
    assert NO_TEXT in describe(*lives(built.folder, ids[at["russian"]]))


@pytest.fixture
def own_profile(tmp_path: Path) -> Path:
    """A profile of one's own, with a threshold that the shipped one has not."""
    profile = load_profile("azj_Latn").model_dump(mode="json")
    profile["filters"] = {"quality": {"max_longest_word": {"value": 12, "origin": "a test"}}}
    path = tmp_path / "profiles" / "own.yaml"
    path.parent.mkdir()
    path.write_text(yaml.safe_dump(profile, allow_unicode=True), encoding="utf-8")
    return path


def test_a_version_is_explained_by_the_profile_it_was_made_with(
    tmp_path: Path, file: Path, own_profile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(json.dumps({"id": "a", "text": "Bir kitabxanaçılıq kursu açılıb."}) + "\n", encoding="utf-8")
    recipe = write_recipe(tmp_path, {"pages": {"paths": "in/*.jsonl"}}, language="profiles/own.yaml")
    built = quiet_build(recipe, tmp_path / "ws", workers=1)
    own_profile.unlink()
    monkeypatch.chdir(built.folder.parent)
    (row,) = lives(Path(built.name), ledger(built)[0]["id"])
    assert [span["text"] for span in row["rules"][0]["spans"]] == ["kitabxanaçılıq"]
    (built.folder / "profile.yaml").unlink()
    (row,) = lives(built.folder, row["id"])
    assert "quality.max_longest_word: longest_word is 14, the threshold 12" in describe(row)
    assert "no language profile" in row["unseen"]


def test_documents_that_share_an_id_are_explained_each_by_its_own_text(tmp_path: Path, file: Path) -> None:
    texts = ["Привет, это первый текст", "ეს მეორე ტექსტია და მორჩა"]
    file.write_text("".join(json.dumps({"id": "same", "text": text}) + "\n" for text in texts), encoding="utf-8")
    built = quiet_build(write_recipe(tmp_path, {"pages": {"paths": str(file)}}), tmp_path / "ws", workers=1)
    rows = lives(built.folder, ledger(built)[0]["id"])
    assert sorted(row["verdict"] for row in rows) == ["failed", "rejected"]
    assert [row["measures"]["script"] for row in rows] == ["Cyrl", "Geor"]
    assert rows[1]["verdict"] == "rejected", "else choose other texts: the first of a file would be found too easily"
    (rule,) = [rule for rule in rows[1]["rules"] if rule["rule"] == "script.min_share"]
    assert [span["text"] for span in rule["spans"]] == [texts[1]]


def test_no_control_character_of_an_id_reaches_the_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("pipelines.judge.judge_file", lambda *_: iter(["\x1b[31mid\u009b2J: formatter x: ValueError"]))
    with pytest.raises(DollmaError, match="1 records could not be read"):
        judge(Path("pages.jsonl"), "azj_Latn")
    assert capsys.readouterr().err == "\ufffd[31mid\ufffd2J: formatter x: ValueError\n"
