"""Formatters `pii` and `lines`, and the filters `pii` and `contamination`, in a build: what is cut is in the ledger, what is redacted nowhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from curation.writers.manifest import read_manifest
from pipelines.build import Built
from pipelines.versions import explain
from tests.pipelines.workspace import digest, dollma, ledger, quiet_build, shard_rows, write_recipe

PROSE = "Kəhriz yeraltı suyu səthə çıxaran qədim qurğudur və onu ustalar əl ilə qazır, sonra daşla hörürdülər."
QUIZ = "Sual belədir: ən uzun kəhriz hansı dağın ətəyindən başlayır və neçə kəndin bağlarını suvarırdı, kim bilir?"
PRIVATE = ("usta@misal.az", "050 555 01 12", "5ABC12D")
TEXTS = {
    "plain": PROSE,
    "page": f"Ana səhifə\n\n{PROSE}\n\nПостроено очень давно.\n\nUstanın ünvanı: {PRIVATE[0]}, telefonu {PRIVATE[1]}.\nBütün hüquqlar qorunur. {PRIVATE[0]}",
    "form": f"Usta haqqında arayış: FİN {PRIVATE[2]}, adı və soyadı məlum deyil, kəndin özündəndir.\n37",
    "leak": f"Nağılda deyilir. {QUIZ} Hamı susdu.",
    "menu": "Daxil ol\nPaylaş",
}


def recipe(folder: Path, **rest: Any) -> Path:
    (folder / "in").mkdir(parents=True)
    (folder / "tests").mkdir()
    (folder / "tests" / "quiz.jsonl").write_text(json.dumps({"question": QUIZ}) + "\n", "utf-8")
    rows = [json.dumps({"id": name, "text": text}) + "\n" for name, text in TEXTS.items()]
    (folder / "in" / "pages.jsonl").write_text("".join(rows), "utf-8")
    filters = {"contamination": {"benchmarks": ["tests/*.jsonl"], "max_ngrams": 0}, "pii": {"max_codes": 0}}
    parts = {"formatters": ["encoding", "pii", "lines", "whitespace"], "filters": filters} | rest
    return write_recipe(folder, {"pages": {"paths": "in/*.jsonl"}}, **parts)


def rows(built: Built) -> dict[str, dict[str, Any]]:
    """Ledger rows by the name of their document, which is told from what was judged and cut."""
    order = sorted(ledger(built), key=lambda row: int(row["locator"].split("@")[1]))
    return dict(zip(TEXTS, order, strict=True))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("cleaning")
    return quiet_build(recipe(folder), folder / "ws")


@pytest.fixture(scope="module")
def unredacted(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("unredacted")
    return quiet_build(recipe(folder, formatters=["encoding", "whitespace"]), folder / "ws")


def test_cut_lines_are_in_the_ledger(built: Built) -> None:
    edits = {name: [(edit["rule"], edit["line"], edit["text"]) for edit in row["edits"]] for name, row in rows(built).items()}
    assert edits == {
        "plain": [],
        "page": [
            ("pii.email", 7, None),
            ("pii.phone", 7, None),
            ("pii.email", 8, None),
            ("lines.boilerplate", 1, "Ana səhifə"),
            ("lines.min_script_share", 5, "Построено очень давно."),
            ("lines.boilerplate", 8, "Bütün hüquqlar qorunur. <EMAIL>"),
        ],
        "form": [("pii.code", 1, None), ("lines.min_letters", 2, "37")],
        "leak": [],
        "menu": [("lines.boilerplate", 1, "Daxil ol"), ("lines.boilerplate", 2, "Paylaş")],
    }


def test_the_document_lives_on_without_them(built: Built) -> None:
    texts = [row["text"] for row in shard_rows(built)]
    assert f"{PROSE}\n\nUstanın ünvanı: <EMAIL>, telefonu <PHONE>." in texts
    assert not any("səhifə" in text for text in texts)


def test_no_personal_datum_is_kept_anywhere(built: Built, unredacted: Built) -> None:
    for row in shard_rows(built) + ledger(built):
        assert not any(private in json.dumps(row, ensure_ascii=False, default=str) for private in PRIVATE)
    for path in built.folder.parents[1].rglob("*.json"):
        assert not any(private in path.read_text("utf-8") for private in PRIVATE)
    assert any(PRIVATE[0] in row["text"] for row in shard_rows(unredacted)), "without the formatter it is there: the test can fail"


def test_rules_judge_what_is_left(built: Built) -> None:
    verdicts = {name: (row["verdict"], [rule["rule"] for rule in row["rules"]]) for name, row in rows(built).items()}
    assert verdicts["plain"] == verdicts["form"] == ("kept", [])
    assert verdicts["leak"] == ("rejected", ["contamination.max_ngrams"])
    assert verdicts["menu"][0] == "rejected"
    assert "length.min_words" in verdicts["menu"][1]


def test_without_the_formatter_personal_data_are_measured(unredacted: Built) -> None:
    form, page = (rows(unredacted)[name] for name in ("form", "page"))
    assert [(rule["rule"], rule["value"]) for rule in form["rules"]] == [("pii.max_codes", 1.0)]
    (told,) = explain(unredacted.folder, page["id"])
    assert (told["measures"]["pii_emails"], told["measures"]["pii_phones"]) == (2, 1)


def test_explain_shows_the_edits(built: Built) -> None:
    told = dollma("explain", built.name, rows(built)["page"]["id"], "--workspace", built.folder.parents[1]).stdout
    assert "edited  lines.boilerplate in line 1: Ana səhifə" in told
    assert "edited  pii.email in line 7\n" in told


def test_the_same_version_wherever_the_recipe_lies(built: Built, tmp_path: Path) -> None:
    again = quiet_build(recipe(tmp_path / "elsewhere"), tmp_path / "ws")
    assert again.name == built.name
    assert digest(again.folder) == digest(built.folder)
    assert read_manifest(again.folder)["totals"]["read"] == len(TEXTS)
