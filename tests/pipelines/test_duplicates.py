"""Duplicates through the front doors: the command `dollma dedup`, and what a recipe may ask of a build."""

from __future__ import annotations

import itertools
import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.dedup.texts import true_jaccard, true_share
from tests.pipelines.workspace import DEMO, digest, dollma, ledger, prose_recipe, quiet_build, shard_rows, write_recipe

BOOKS = [path.read_text(encoding="utf-8") for path in sorted((DEMO / "raw" / "books1").glob("*.txt"))]
LINES = [line for text in BOOKS for line in text.split("\n") if len(line.split()) >= 25]
"""Paragraphs of prose, of 25 words and more."""


def rows(path: Path, texts: dict[str, str] | list[tuple[str, str]], **metadata: dict[str, Any]) -> Path:
    items = texts.items() if isinstance(texts, dict) else texts
    path.write_text(
        "".join(json.dumps({"id": i, "text": t, **metadata.get(i, {})}, ensure_ascii=False) + "\n" for i, t in items), encoding="utf-8"
    )
    return path


def edited(text: str, seed: int, changes: int) -> str:
    """The text with some words replaced."""
    pick, words = random.Random(seed), text.split(" ")
    for _ in range(changes):
        words[pick.randrange(len(words))] = pick.choice(["başqa", "ayrı", "yeni"])
    return " ".join(words)


def removals(*arguments: str | Path, code: int = 0) -> list[dict[str, Any]]:
    return [json.loads(line) for line in dollma("dedup", *arguments, code=code).stdout.splitlines()]


@pytest.fixture(scope="module")
def words() -> str:
    return " ".join(LINES[:6])


def test_the_command_names_survivor_similarity_and_kind(tmp_path: Path, words: str) -> None:
    texts = {
        "own": words,
        "copy": words.replace(" ", "  "),
        "near": edited(words, 1, 2),
        "part": " ".join(words.split()[20:100]),
        "other": LINES[7] + LINES[8],
    }
    found = {row["id"]: row for row in removals(rows(tmp_path / "a.jsonl", texts))}
    survivor = found["near"]["survivor"] if "near" in found else found["own"]["survivor"]
    assert set(found) | {survivor} == {"own", "copy", "near", "part"}
    assert found["part"]["kind"] == "contained"
    assert {found[i]["kind"] for i in found if i != "part"} == {"exact", "near"}
    for row in found.values():
        assert set(row) == {"id", "survivor", "similarity", "kind"}
        assert row["survivor"] not in found
        if row["kind"] != "exact" and "copy" not in (row["id"], row["survivor"]):
            plain = [" ".join(token.strip(",.—;:!?«»") for token in texts[i].lower().split()) for i in (row["id"], row["survivor"])]
            truth = true_jaccard(*plain) if row["kind"] == "near" else true_share(*plain)
            assert row["similarity"] == pytest.approx(truth, abs=0.06)  # the test's own tokens are cruder


def test_the_command_takes_several_files_and_goes_on_past_what_is_broken(tmp_path: Path, words: str) -> None:
    one = rows(tmp_path / "one.jsonl", {"1": words, "2": LINES[7]})
    two = rows(tmp_path / "two.jsonl", {"1": words + " Bir cümlə də var.", "3": LINES[7]})
    two.write_text(two.read_text(encoding="utf-8") + "{broken\n", encoding="utf-8")
    done = dollma("dedup", one, two, code=1)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert {(Path(row["file"]).name, row["id"], Path(row["survivor_file"]).name, row["survivor"], row["kind"]) for row in found} >= {
        ("one.jsonl", "1", "two.jsonl", "1", "near")
    }
    assert sum(row["kind"] == "exact" for row in found) == 1
    assert "two.jsonl" in done.stderr
    assert "the rest is compared" in done.stderr


def test_files_of_one_document_are_named_by_their_files(tmp_path: Path, words: str) -> None:
    for folder, texts in (
        ("a", {"one.txt": words, "two.txt": LINES[8]}),
        ("b", {"one.txt": edited(words, 4, 1), "three.html": f"<p>{LINES[8]}</p>"}),
    ):
        (tmp_path / folder).mkdir()
        for name, text in texts.items():
            (tmp_path / folder / name).write_text(text, encoding="utf-8")
    (tmp_path / "a" / "rows.jsonl").write_text(json.dumps({"id": "1", "text": LINES[9]}) + "\n", encoding="utf-8")
    (tmp_path / "b" / "rows.jsonl").write_text(json.dumps({"id": "1", "text": LINES[9]}) + "\n", encoding="utf-8")
    found = {
        frozenset(row[key].removeprefix(f"{tmp_path}/") for key in ("file", "survivor_file"))
        for row in removals(tmp_path / "a", tmp_path / "b")
    }
    assert found == {
        frozenset(pair) for pair in (("a/one.txt", "b/one.txt"), ("a/rows.jsonl", "b/rows.jsonl"), ("a/two.txt", "b/three.html"))
    }


def test_threshold_and_contained_are_the_user_s(tmp_path: Path, words: str) -> None:
    file = rows(tmp_path / "a.jsonl", {"own": words, "near": edited(words, 1, 12), "part": " ".join(words.split()[20:100])})
    assert {row["id"] for row in removals(file, "--threshold", "0.5")} == {"near", "part"} or {
        row["id"] for row in removals(file, "--threshold", "0.5")
    } == {"own", "part"}
    assert removals(file, "--threshold", "0.99", "--contained", "0") == []
    assert "none.jsonl" in dollma("dedup", tmp_path / "none.jsonl", code=1).stderr


def test_neither_files_nor_lines_nor_workers_matter(tmp_path: Path, words: str) -> None:
    texts = [(str(n), edited(words, n, n % 7)) for n in range(40)] + [(f"p{n}", " ".join(words.split()[n : n + 70])) for n in range(20)]
    whole = removals(rows(tmp_path / "a.jsonl", texts))
    random.Random(1).shuffle(texts)
    again = removals(rows(tmp_path / "a.jsonl", texts), "--workers", "1")
    assert sorted(whole, key=str) == sorted(again, key=str)
    assert len(whole) > 30


def recipe(folder: Path, **rest: Any) -> Path:
    """Two sources: `laws` ranks above `news`."""
    sources = {"laws": {"paths": "laws.jsonl", "priority": 2}, "news": {"paths": "news*.jsonl"}}
    return write_recipe(folder, sources, **rest)


def by_own_id(built: Any) -> dict[str, dict[str, Any]]:
    """Ledger rows by source and place in the file."""
    return {f"{row['source']}:{row['locator']}": row for row in ledger(built)}


def test_a_document_stands_in_a_better_one_only(tmp_path: Path, words: str) -> None:
    part = " ".join(words.split()[20:100])
    rows(tmp_path / "laws.jsonl", {"law": LINES[8], "clause": part})
    rows(tmp_path / "news.jsonl", {"long": words, "quote": LINES[8] + " Bunu da deyək."})
    found = ledger(quiet_build(recipe(tmp_path), tmp_path / "w"))
    assert [row["verdict"] for row in found if row["source"] == "laws"] == [
        "kept",
        "kept",
    ]  # though `clause` stands in a news page, which ranks below
    rows(tmp_path / "laws.jsonl", {"law": LINES[8], "whole": words})
    rows(tmp_path / "news.jsonl", {"part": part})
    built = quiet_build(recipe(tmp_path), tmp_path / "w")
    gone = next(row for row in ledger(built) if row["source"] == "news")
    assert (gone["verdict"], gone["kind"], gone["similarity"]) == ("duplicate", "contained", 1.0)
    kept = quiet_build(recipe(tmp_path, dedup={"contained": None}), tmp_path / "w")
    assert {row["verdict"] for row in ledger(kept)} == {"kept"}


def paragraphs_of(action: str) -> dict[str, Any]:
    return {"dedup": {"paragraphs": {"action": action}, "contained": None}}


def test_repeated_paragraphs_are_measured_flagged_or_cut(tmp_path: Path) -> None:
    law, own = LINES[0], "Xəbərin öz mətni burada başlayır. " + LINES[1]
    rows(tmp_path / "laws.jsonl", {"law": law + "\n" + LINES[2]})
    rows(tmp_path / "news.jsonl", {"news": f"Başlıq\n\n{law.replace(', ', ' ')}\n\n{own}", "again": f"{LINES[3]}\n{LINES[4]}\n{LINES[3]}"})
    for action in ("measure", "flag", "cut"):
        built = quiet_build(recipe(tmp_path, **paragraphs_of(action)), tmp_path / "w")
        news = {row["words"]: row for row in ledger(built) if row["source"] == "news"}
        repeated = sorted(row["repeated_words"] for row in news.values())
        assert repeated == sorted([len(law.split()), len(LINES[3].split())])
        assert [row["repeated_words"] for row in ledger(built) if row["source"] == "laws"] == [0]
        shards = [row for row in shard_rows(built) if row["source"] == "news"]
        flagged = [json.loads(row["metadata"]).get("repeated_lines") for row in shards]
        assert sorted(flagged, key=str) == ([[3], [3]] if action == "flag" else [None, None])
        texts = {row["text"] for row in shards}
        if action == "cut":
            assert texts == {f"Başlıq\n\n{own}", f"{LINES[3]}\n{LINES[4]}"}
            edits = [edit for row in news.values() for edit in row["edits"]]
            assert {(e["rule"], e["line"]) for e in edits} == {("paragraphs.repeated", 3)}
            assert all(len(row["text"].split()) == row["words"] for row in shards)
        else:
            assert all(law.replace(", ", " ") in text or LINES[4] in text for text in texts)
        assert sum(row["words"] for row in shards) == sum(row["words"] for row in news.values())


def test_a_document_of_which_cutting_leaves_a_heading_is_rejected(tmp_path: Path) -> None:
    rows(tmp_path / "laws.jsonl", {"law": LINES[0] + "\n" + LINES[1] + "\n" + LINES[2]})
    rows(tmp_path / "news.jsonl", {"copied": f"Xəbər\n{LINES[0]}\nDavamı\n{LINES[1]}", "own": LINES[5] + "\n" + LINES[6]})
    built = quiet_build(recipe(tmp_path, **paragraphs_of("cut")), tmp_path / "w")
    gone = next(row for row in ledger(built) if row["verdict"] == "rejected")
    assert gone["rules"] == [{"rule": "paragraphs.min_words", "measure": "left_words", "value": 2.0, "threshold": 20.0}]
    assert "paragraphs.min_words" in dollma("explain", built.folder, gone["id"]).stdout
    manifest = json.loads((built.folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["sources"]["news"]["rules"]["paragraphs.min_words"] == 1
    assert manifest["sources"]["news"]["rejected"] == 1


def test_survivors_are_chosen_as_the_recipe_says(tmp_path: Path, words: str) -> None:
    texts = {"old": words, "new": edited(words, 2, 1), "long": words + " Bir cümlə də var."}
    dates = {"old": {"date": "2019-05-01"}, "new": {"date": "2024-01-02T10:00:00Z"}}
    rows(tmp_path / "laws.jsonl", {"law": LINES[8]})
    rows(tmp_path / "news.jsonl", texts, **dates)
    sizes = {name: len(text.split()) for name, text in texts.items()}
    for survivor, expected in (
        (["priority", "length"], "long"),
        (["newest"], "new"),
        (["oldest"], "old"),
        ([{"lowest": "bytes"}], min(texts, key=lambda i: len(texts[i].encode()))),
    ):
        built = quiet_build(recipe(tmp_path, dedup={"survivor": survivor}), tmp_path / "w")
        kept = [json.loads(row["metadata"])["id"] for row in shard_rows(built) if row["source"] == "news"]
        assert kept == [expected], (survivor, sizes)


def test_an_unknown_measure_to_choose_survivors_by_is_an_error(tmp_path: Path, words: str) -> None:
    rows(tmp_path / "laws.jsonl", {"law": words})
    rows(tmp_path / "news.jsonl", {"news": words})
    done = dollma("build", recipe(tmp_path, dedup={"survivor": [{"highest": "language_targt"}]}), "-w", tmp_path / "w", code=1)
    assert "language_target" in done.stderr


def test_withdrawing_brings_back_what_was_absorbed(tmp_path: Path, words: str) -> None:
    rows(tmp_path / "laws.jsonl", {"law": words, "other": LINES[8]})
    rows(tmp_path / "news.jsonl", {"near": edited(words, 3, 2), "own": LINES[9]})
    first = quiet_build(recipe(tmp_path), tmp_path / "w")
    gone = next(row for row in ledger(first) if row["verdict"] == "duplicate")
    (tmp_path / "taken.txt").write_text(f"# on request\n{gone['survivor']}\n", encoding="utf-8")
    for withdrawn in ("taken.txt", [gone["survivor"]]):
        second = quiet_build(recipe(tmp_path, withdrawn=withdrawn), tmp_path / "w")
        after = {row["id"]: row for row in ledger(second)}
        assert after[gone["id"]]["verdict"] == "kept"
        assert (after[gone["survivor"]]["verdict"], after[gone["survivor"]]["rules"][0]["rule"]) == ("rejected", "recipe.withdrawn")
    assert "takes this document back" in dollma("explain", second.folder, gone["survivor"]).stdout
    assert "withdrawn" in dollma("build", recipe(tmp_path, withdrawn="nowhere.txt"), "-w", tmp_path / "w", code=1).stderr
    without = write_recipe(tmp_path, {"news": {"paths": "news*.jsonl"}})
    assert {row["verdict"] for row in ledger(quiet_build(without, tmp_path / "w"))} == {"kept"}


def test_a_url_is_withdrawn_too(tmp_path: Path) -> None:
    rows(tmp_path / "laws.jsonl", {"a": LINES[0], "b": LINES[1]}, a={"url": "https://xeber.example.az/a"})
    rows(tmp_path / "news.jsonl", {"c": LINES[2]})
    built = quiet_build(recipe(tmp_path, withdrawn=["https://xeber.example.az/a"]), tmp_path / "w")
    assert [row["url"] for row in ledger(built) if row["verdict"] == "rejected"] == ["https://xeber.example.az/a"]
    assert not [a for a in json.loads((built.folder / "manifest.json").read_text())["alarms"] if a["kind"] == "not_found"]
    nowhere = quiet_build(recipe(tmp_path, withdrawn=["https://xeber.example.az/b", "https://xeber.example.az/a"]), tmp_path / "w")
    (alarm,) = [a for a in json.loads((nowhere.folder / "manifest.json").read_text())["alarms"] if a["kind"] == "not_found"]
    assert "https://xeber.example.az/b" in alarm["message"]


def test_a_new_crawl_is_compared_without_reading_or_signing_the_old_ones_again(tmp_path: Path, words: str) -> None:
    rows(tmp_path / "laws.jsonl", {str(n): edited(words, n, n % 5) for n in range(20)} | {"x": LINES[8]})
    rows(tmp_path / "news-1.jsonl", {str(n): edited(words, 50 + n, n % 9) for n in range(20)})
    quiet_build(recipe(tmp_path), tmp_path / "w")
    before = {
        path: path.stat().st_ino
        for path in (tmp_path / "w" / "stages").rglob("task.json")
        if path.parts[-4] in ("extract", "sign", "measure")
    }
    rows(tmp_path / "news-2.jsonl", {str(n): edited(words, 90 + n, n % 3) for n in range(5)} | {"y": LINES[9]})
    grown = quiet_build(recipe(tmp_path), tmp_path / "w")
    after = {
        path: path.stat().st_ino
        for path in (tmp_path / "w" / "stages").rglob("task.json")
        if path.parts[-4] in ("extract", "sign", "measure")
    }
    assert before.items() <= after.items()
    new = [path.parts[-3] for path in after.keys() - before.keys()]
    assert set(new) == {"news"}
    anew = quiet_build(recipe(tmp_path), tmp_path / "fresh")
    assert digest(grown.folder) == digest(anew.folder)


def test_a_document_put_in_first_changes_no_other_verdict(tmp_path: Path) -> None:
    """datatrove's MinHash filter joins by position: one document more at the head of a shard makes it delete others."""

    def lives(recipe_path: Path) -> dict[tuple[str, bool], dict[str, Any]]:
        found = ledger(quiet_build(recipe_path, tmp_path / "w"))
        return {(row["id"], row["verdict"] == "failed"): {k: v for k, v in row.items() if k != "locator"} for row in found}

    before = lives(prose_recipe(tmp_path))
    raw = tmp_path / "raw"
    shutil.copytree(DEMO / "raw" / "blogs", raw / "blogs")
    shutil.copytree(DEMO / "raw" / "encyclopaedia", raw / "encyclopaedia")
    shutil.copytree(DEMO / "raw" / "books2", raw / "books2")
    blogs = raw / "blogs" / "blogs.jsonl"
    first = json.dumps(
        {"id": "əvvəl", "text": "Bu sənəd hamıdan əvvəl gəlir, amma heç kimin yerini tutmur; yalnız siyahının başında dayanır və susur."},
        ensure_ascii=False,
    )
    blogs.write_text(first + "\n" + blogs.read_text(encoding="utf-8"), encoding="utf-8")
    (raw / "books2" / "00-bos.txt").write_text(LINES[0], encoding="utf-8")
    recipe_path = tmp_path / "recipe.yaml"
    recipe_path.write_text(recipe_path.read_text(encoding="utf-8").replace(str(DEMO / "raw"), str(raw)), encoding="utf-8")
    after = lives(recipe_path)
    assert len(after) == len(before) + 2
    assert {key: after[key] for key in before} == before


def test_files_cut_otherwise_give_the_same_verdicts(tmp_path: Path) -> None:
    lines = (DEMO / "raw" / "blogs" / "blogs.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    said = []
    for name, cuts in (("one", [0, len(lines)]), ("many", [*range(0, len(lines), 7), len(lines)])):
        folder = tmp_path / name
        folder.mkdir()
        for number, (first, last) in enumerate(itertools.pairwise(cuts)):
            (folder / f"b{number:02d}.jsonl").write_text("".join(lines[first:last]), encoding="utf-8")
        built = quiet_build(write_recipe(folder, {"blogs": {"paths": "b*.jsonl"}}), tmp_path / f"w-{name}")
        said.append(
            sorted(
                ({k: v for k, v in row.items() if k not in ("locator", "error")} for row in ledger(built) if row["verdict"] != "failed"),
                key=lambda r: r["id"],
            )
        )
    assert said[0] == said[1]


def test_every_removal_of_the_demo_names_survivor_similarity_and_kind(tmp_path: Path) -> None:
    found = ledger(quiet_build(DEMO / "recipe.yaml", tmp_path / "w"))
    kept = {row["id"] for row in found if row["verdict"] == "kept"}
    gone = [row for row in found if row["verdict"] == "duplicate"]
    assert len(gone) > 10
    assert all(row["survivor"] in kept and row["kind"] in ("exact", "near", "contained") and 0 < row["similarity"] <= 1 for row in gone)
