"""Alarms: each one fires above its threshold and is silent at it; they are stored, shown in the card, and printed after a build."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from curation.errors import DollmaError
from curation.writers.manifest import read_manifest
from pipelines.alarms import Alarms, intrinsic_alarms, relative_alarms
from pipelines.differences.latest import build_alarms
from pipelines.versions import verify
from tests.pipelines.workspace import DEMO, dollma, quiet_build, write_recipe

PROSE = [
    "Kəhriz yeraltı suyu səthə çıxaran qədim qurğudur və onu ustalar əl ilə qazırdı.",
    "Bu gün səhərdən yağış yağırdı, ona görə də heç yerə getmədik və evdə kitab oxuduq.",
    "Şənbə bazarında kəndlilər pendir, qoz və təzə göyərti satır, alıcı isə səhər tezdən gəlir.",
]
RUSSIAN = "Это объявление о продаже старого дома, его никто не переводил; звоните вечером."
OFF = Alarms(rule_share=None, duplicate_share=None, language_shift=None, silent_rules=False)


def source(**rest: Any) -> dict[str, Any]:
    """A source in a manifest: a hundred documents read, a thousand words kept."""
    empty: dict[str, Any] = {
        "inputs": [{"name": "a.jsonl", "identity": "1"}],
        "rules": {},
        "thresholds": {},
        "languages": {},
        "final_words": 1000,
    }
    return empty | {"read": 100, "duplicate": 0, "words": 1000} | rest


def manifest(version: str = "new", **sources: dict[str, Any]) -> dict[str, Any]:
    return {"version": version, "sources": sources, "not_found": [], "recipe": {"mixture": {}}, "splits": {}}


def told(alarms: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [tuple(alarm[key] for key in ("kind", "source", "rule", "value", "threshold")) for alarm in alarms]


def test_a_source_lost_to_one_rule() -> None:
    rules = {"language.min_target: rus_Cyrl": 40, "language.min_target: tur_Latn": 11, "length.min_words": 50, "mediawiki.redirect": 60}
    thresholds = {"language.min_target": 0.5, "length.min_words": 5}
    found = intrinsic_alarms(manifest(news=source(rules=rules, thresholds=thresholds), laws=source()), Alarms(silent_rules=False))
    assert told(found) == [("rule_share", "news", "language.min_target", 0.51, 0.5)]
    assert "source news loses 51 of 100 documents (51%) to the rule language.min_target" in found[0]["message"]
    assert "dollma explain" in found[0]["message"]
    assert intrinsic_alarms(manifest(news=source(rules=rules, thresholds=thresholds)), OFF) == []
    assert intrinsic_alarms(manifest(news=source(read=0)), Alarms()) == []


def test_a_source_lost_to_deduplication() -> None:
    found = intrinsic_alarms(manifest(a=source(duplicate=21), b=source(duplicate=20)), Alarms(duplicate_share=0.2))
    assert told(found) == [("duplicate_share", "a", None, 0.21, 0.2)]


def test_a_corpus_smaller_than_its_budget() -> None:
    small = manifest(a=source(final_words=1900), b=source(final_words=100))
    asked: dict[str, Any] = {"method": "unimax", "budget": 2100}
    assert intrinsic_alarms(small | {"recipe": {"mixture": asked}}, OFF) == []
    found = intrinsic_alarms(small | {"recipe": {"mixture": asked | {"tokens_per_word": 1.5, "budget": 4000}}}, OFF)
    assert told(found) == [("budget_short", None, None, 0.75, 0.95)]


def test_a_split_that_holds_more_than_was_asked_for() -> None:
    drawn = {name: {"words": words} for name, words in {"train": 600, "validation": 300, "test": 100}.items()}
    asked = {"recipe": {"mixture": {"validation": 0.02, "test": 0.05}}, "splits": drawn}
    found = intrinsic_alarms(manifest(a=source()) | asked, OFF)
    assert told(found) == [("held_out", None, None, 0.3, 0.06)]
    assert "the split validation holds 300 of 1,000 words (30%), more than 3 times mixture.validation=0.02" in found[0]["message"]


def test_long_documents_that_swallowed_others_are_held_out_with_an_alarm(tmp_path: Path) -> None:
    blogs = [json.loads(line) for line in (DEMO / "raw" / "blogs" / "blogs.jsonl").read_text(encoding="utf-8").splitlines()]
    whole = {"id": "whole", "text": "\n".join(row["text"] for row in blogs)}
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in (whole, *blogs)), encoding="utf-8")
    recipe = write_recipe(tmp_path, {"a": {"paths": "a.jsonl"}}, mixture={"validation": 0.1}, alarms=OFF.model_dump())
    (alarm,) = read_manifest(quiet_build(recipe, tmp_path / "ws").folder)["alarms"]
    assert (alarm["kind"], alarm["value"] > 0.9) == ("held_out", True)


def test_silent_rules_are_one_alarm() -> None:
    a = source(thresholds={"x.one": 1, "x.two": 2, "x.three": 3}, rules={"x.one: why": 1})
    b = source(thresholds={"x.two": 5, "y.four": 1}, rules={"x.two": 3, "warc.status": 1})
    found = intrinsic_alarms(manifest(a=a, b=b), Alarms())
    assert told(found) == [("silent_rules", None, None, 2, None)]
    assert "x.three, y.four" in found[0]["message"]
    assert intrinsic_alarms(manifest(a=source(thresholds={"x.one": 1}, rules={"x.one": 1})), Alarms()) == []


def test_sources_that_come_go_and_change() -> None:
    inputs = [{"name": "a.jsonl", "identity": "2"}, {"name": "b.jsonl", "identity": "1"}]
    found = relative_alarms(
        manifest("old", a=source(), b=source(), c=source()), manifest(b=source(), c=source(inputs=inputs), d=source()), Alarms()
    )
    assert told(found) == [
        ("source_gone", "a", None, None, None),
        ("source_changed", "c", None, 2, None),
        ("source_new", "d", None, None, None),
    ]
    assert "1 new (b.jsonl); 1 changed (a.jsonl)" in found[1]["message"]


@pytest.mark.parametrize(("words", "fires"), [(500, False), (499, True), (1500, False), (1501, True), (1000, False)])
def test_kept_words_that_moved(words: int, fires: bool) -> None:
    found = relative_alarms(manifest("old", a=source()), manifest(a=source(words=words)), Alarms())
    assert [alarm["kind"] for alarm in found] == (["words_moved"] if fires else [])


def test_a_source_that_kept_nothing_before() -> None:
    (alarm,) = relative_alarms(manifest("old", a=source(words=0)), manifest(a=source()), Alarms())
    assert (alarm["kind"], alarm["value"]) == ("words_moved", None)


def test_languages_that_shift() -> None:
    before, after = source(languages={"azj_Latn": 90, "tur_Latn": 10}), source(languages={"azj_Latn": 160, "tur_Latn": 40})
    found = relative_alarms(manifest("old", a=before), manifest(a=after), Alarms(language_shift=0.09))
    assert [(alarm["kind"], alarm["source"], round(alarm["value"], 9)) for alarm in found] == [("language_shift", "a", 0.1)] * 2
    assert "20.0% of its kept documents in tur_Latn, and 10.0% in old" in found[1]["message"]
    assert relative_alarms(manifest("old", a=before), manifest(a=after), Alarms(language_shift=0.11)) == []
    assert relative_alarms(manifest("old", a=source()), manifest(a=after), Alarms()) == [], "an identifier that was not asked says nothing"


def rows(path: Path, texts: list[str]) -> None:
    path.write_text("".join(json.dumps({"id": f"{n}", "text": text}) + "\n" for n, text in enumerate(texts)), encoding="utf-8")


def test_a_version_carries_its_alarms(tmp_path: Path) -> None:
    rows(tmp_path / "a.jsonl", [PROSE[0], RUSSIAN, RUSSIAN + " Срочно.", RUSSIAN + " Недорого."])
    recipe = write_recipe(tmp_path, {"a": {"paths": "a.jsonl"}})
    built = quiet_build(recipe, tmp_path / "ws", workers=1)
    stored = read_manifest(built.folder)
    assert stored["sources"]["a"]["languages"] == {"azj_Latn": 1}
    assert stored["sources"]["a"]["thresholds"]["length.min_words"] == 5
    shares = {alarm["rule"]: alarm["value"] for alarm in stored["alarms"] if alarm["kind"] == "rule_share"}
    assert shares["script.min_share"] == 0.75
    card = (built.folder / "README.md").read_text(encoding="utf-8")
    assert "- source a loses 3 of 4 documents (75%) to the rule script.min_share" in card
    assert stored["since"] is None
    quiet = quiet_build(recipe, tmp_path / "ws", workers=1, overrides=("alarms.rule_share=0.8", "alarms.silent_rules=false"))
    assert quiet.name != built.name, "what the card says is part of the version"
    assert read_manifest(quiet.folder)["alarms"] == []
    assert "## Alarms\n\nNone." in (quiet.folder / "README.md").read_text(encoding="utf-8")


def test_since(tmp_path: Path) -> None:
    rows(tmp_path / "a.jsonl", PROSE[:1])
    first = quiet_build(write_recipe(tmp_path, {"a": {"paths": "a.jsonl"}}), tmp_path / "ws", workers=1)
    rows(tmp_path / "a.jsonl", PROSE)
    plain = quiet_build(tmp_path / "recipe.yaml", tmp_path / "ws", workers=1)
    stored = read_manifest(plain.folder)
    assert not [alarm for alarm in stored["alarms"] if alarm["kind"] != "silent_rules"]
    write_recipe(tmp_path, {"a": {"paths": "a.jsonl"}}, since=f"ws/versions/{first.name}")
    compared = quiet_build(tmp_path / "recipe.yaml", tmp_path / "ws", workers=1)
    assert compared.name != plain.name
    stored = read_manifest(compared.folder)
    assert [alarm["kind"] for alarm in stored["alarms"]] == ["silent_rules", "source_changed", "words_moved"]
    assert stored["since"] == {"version": first.name, "fingerprint": read_manifest(first.folder)["fingerprint"]}
    card = (compared.folder / "README.md").read_text(encoding="utf-8")
    assert f"Compared with `{first.name}`." in card
    assert f"source a keeps {stored['sources']['a']['words']} words, and {len(PROSE[0].split())} in {first.name}" in card
    assert list(verify(compared.folder)) == []
    write_recipe(tmp_path, {"a": {"paths": "a.jsonl"}}, since=str(first.folder / "manifest.json"))
    assert quiet_build(tmp_path / "recipe.yaml", tmp_path / "ws", workers=1).name == compared.name, "the manifest counts, not its path"
    assert build_alarms(compared.folder) == [alarm["message"] for alarm in stored["alarms"]]
    write_recipe(tmp_path, {"a": {"paths": "a.jsonl"}}, since="nowhere")
    with pytest.raises(DollmaError, match=r"since: .*nowhere is no manifest"):
        quiet_build(tmp_path / "recipe.yaml", tmp_path / "ws", workers=1)


def test_a_build_prints_alarms_against_the_last_version_of_its_name(tmp_path: Path) -> None:
    rows(tmp_path / "a.jsonl", PROSE[:1])
    recipe = write_recipe(tmp_path, {"a": {"paths": "a.jsonl"}}, alarms={"silent_rules": False})
    first = quiet_build(recipe, tmp_path / "ws", workers=1)
    assert build_alarms(first.folder) == []
    other = quiet_build(recipe, tmp_path / "ws", workers=1, overrides=("name=other",))
    rows(tmp_path / "a.jsonl", PROSE)
    os.utime(other.folder / "manifest.json", (2**32, 2**32))
    done = dollma("build", recipe, "-w", tmp_path / "ws", "--workers", "1")
    alarms = [line for line in done.stderr.splitlines() if line.startswith("alarm: ")]
    assert len(alarms) == 2
    assert f"alarm: source a has other inputs than in {first.name}: 1 changed (a.jsonl)" in alarms[0]
    latest = next(folder for folder in (tmp_path / "ws" / "versions").glob("test-*") if folder != first.folder)
    assert read_manifest(latest)["alarms"] == []
