"""What a build promises: every document accounted for, the same bytes for any workers and any split of the inputs, nothing done twice."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import pytest

from curation.errors import ConservationError, DollmaError
from curation.ledger import check_conservation
from curation.writers.manifest import read_manifest
from pipelines.versions import explain, verify
from tests.pipelines.workspace import DEMO, digest, ledger, prose_recipe, quiet_build, shard_rows, write_recipe


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    folder = tmp_path_factory.mktemp("build")
    return quiet_build(prose_recipe(folder), folder / "ws")


def test_every_document_read_has_one_row(built) -> None:  # type: ignore[no-untyped-def]
    rows = ledger(built)
    manifest = read_manifest(built.folder)
    counts = Counter(row["verdict"] for row in rows)
    assert manifest["totals"]["read"] == len(rows) == sum(counts.values())
    assert all(manifest["totals"][name] == counts[name] for name in ("kept", "rejected", "duplicate", "failed"))
    assert min(counts[name] for name in ("kept", "rejected", "duplicate", "failed")) > 0
    lines = (DEMO / "raw" / "blogs" / "blogs.jsonl").read_text(encoding="utf-8").count("\n")
    assert manifest["sources"]["blogs"]["read"] == lines


def test_every_removal_says_why(built) -> None:  # type: ignore[no-untyped-def]
    rows = {row["id"]: row for row in ledger(built) if row["verdict"] != "failed"}
    for row in ledger(built):
        match row["verdict"]:
            case "rejected":
                assert row["rules"]
                assert all(r["rule"].partition(".")[2] and (r["value"] is None) == (r["threshold"] is None) for r in row["rules"])
            case "duplicate":
                assert rows[row["survivor"]]["verdict"] == "kept"
                assert row["kind"] == "exact" or row["similarity"] >= 0.8
            case "failed":
                assert ": " in row["error"]
            case _:
                assert row["verdict"] == "kept"
                assert not row["rules"]


def test_survivors_come_from_the_source_of_higher_priority(built) -> None:  # type: ignore[no-untyped-def]
    rows = {row["id"]: row for row in ledger(built)}
    across = [
        (r["source"], rows[r["survivor"]]["source"])
        for r in rows.values()
        if r["survivor"] and r["source"] != rows[r["survivor"]]["source"]
    ]
    assert ("blogs", "books") in across
    assert ("books", "blogs") not in across


def test_copies_follow_the_factor(built) -> None:  # type: ignore[no-untyped-def]
    copies = Counter((row["source"], row["id"]) for row in shard_rows(built))
    by_source = {source: {n for (s, _), n in copies.items() if s == source} for source in ("blogs", "books", "encyclopaedia")}
    assert by_source == {"blogs": {2, 3}, "books": {1}, "encyclopaedia": {3}}
    assert len({(row["id"], row["copy"]) for row in shard_rows(built)}) == sum(copies.values())


def test_copies_are_spread_over_the_corpus(built) -> None:  # type: ignore[no-untyped-def]
    order = [row["source"] for row in shard_rows(built)]
    half = Counter(order[: len(order) // 2])
    whole = Counter(order)
    assert all(0.25 < half[source] / whole[source] < 0.75 for source in whole)


@pytest.mark.parametrize("workers", [1, 5])
def test_the_same_version_for_any_number_of_workers(built, tmp_path: Path, workers: int) -> None:  # type: ignore[no-untyped-def]
    again = quiet_build(prose_recipe(tmp_path), tmp_path / "ws", workers)
    assert digest(again.folder) == digest(built.folder)


def test_the_same_shards_for_any_split_of_the_inputs(tmp_path: Path) -> None:
    lines = (DEMO / "raw" / "blogs" / "blogs.jsonl").read_bytes().splitlines(keepends=True)
    shards = []
    for name, order, pieces in (("one", lambda rows: rows, 1), ("other", lambda rows: random.Random(7).sample(rows, len(rows)), 4)):
        folder = tmp_path / name
        (folder / "in").mkdir(parents=True)
        rows = order(lines)
        for piece in range(pieces):
            (folder / "in" / f"{pieces - piece}.jsonl").write_bytes(b"".join(rows[piece::pieces]))
        recipe = write_recipe(
            folder, {"blogs": {"paths": "in/*.jsonl", "upsample": 1.5}}, mixture={"shard_bytes": 20_000, "validation": 0.1}
        )
        shards.append(digest(quiet_build(recipe, folder / "ws").folder / "data"))
    assert shards[0] == shards[1]
    assert len(shards[0]) > 2


def stamps(workspace: Path, stage: str) -> dict[str, int]:
    return {str(p): p.stat().st_mtime_ns for p in (workspace / "stages" / stage).rglob("task.json")}


def test_a_second_build_runs_nothing_and_a_new_threshold_only_decides(tmp_path: Path) -> None:
    recipe = prose_recipe(tmp_path)
    first = quiet_build(recipe, tmp_path / "ws")
    before = {stage: stamps(tmp_path / "ws", stage) for stage in ("extract", "measure", "sign", "decide", "dedup")}
    again = quiet_build(recipe, tmp_path / "ws")
    assert (again.name, again.new) == (first.name, False)
    assert {stage: stamps(tmp_path / "ws", stage) for stage in before} == before
    changed = quiet_build(recipe, tmp_path / "ws", overrides=("filters.length.min_words=90",))
    assert changed.new
    assert changed.name != first.name
    assert all(stamps(tmp_path / "ws", stage) == before[stage] for stage in ("extract", "measure", "sign"))
    assert len(stamps(tmp_path / "ws", "decide")) == 2 * len(before["decide"])
    rejected = [row for row in ledger(changed) if any(rule["rule"] == "length.min_words" for rule in row["rules"])]
    assert len(rejected) > 10
    assert all(rule["threshold"] == 90 for row in rejected for rule in row["rules"] if rule["rule"] == "length.min_words")


def test_another_factor_neither_measures_nor_deduplicates_again(tmp_path: Path) -> None:
    recipe = prose_recipe(tmp_path)
    quiet_build(recipe, tmp_path / "ws")
    before = {stage: stamps(tmp_path / "ws", stage) for stage in ("extract", "measure", "decide", "dedup")}
    quiet_build(recipe, tmp_path / "ws", overrides=("sources.blogs.upsample=7",))
    assert {stage: stamps(tmp_path / "ws", stage) for stage in before} == before


def test_validation_is_disjoint_and_never_up_sampled(tmp_path: Path) -> None:
    recipe = prose_recipe(tmp_path, mixture={"shard_bytes": 50_000, "validation": 0.2})
    built = quiet_build(recipe, tmp_path / "ws")
    rows = ledger(built)
    held_out = {row["id"] for row in rows if row["split"] == "validation"}
    train = {row["id"] for row in rows if row["split"] == "train"}
    assert len(held_out) > 5
    assert not held_out & train
    assert all(row["copies"] == 1 for row in rows if row["split"] == "validation")
    clusters = {split: {row["cluster"] for row in rows if row["split"] == split and row["cluster"]} for split in ("train", "validation")}
    assert not clusters["train"] & clusters["validation"]


def test_verify_finds_what_was_changed(tmp_path: Path) -> None:
    built = quiet_build(prose_recipe(tmp_path), tmp_path / "ws")
    assert list(verify(built.folder)) == []
    shard = sorted((built.folder / "data").glob("*.parquet"))[0]
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.unlink()
    shard.write_bytes(content)
    (built.folder / "data" / "stray.txt").write_text("x")
    found = "\n".join(verify(built.folder))
    assert f"data/{shard.name}: SHA-256" in found
    assert "stray.txt: not in the manifest" in found


def test_explain_tells_where_the_copies_stand(built) -> None:  # type: ignore[no-untyped-def]
    kept = next(row for row in ledger(built) if row["copies"] == 3)
    (life,) = explain(built.folder, kept["id"][:20])
    assert life["measures"]["words"] == kept["words"]
    found = {f"data/{p.name}" for p in (built.folder / "data").glob("*.parquet") if any(r["id"] == kept["id"] for r in _rows(p))}
    assert set(life["stands_in"]) == found
    with pytest.raises(DollmaError, match="no document"):
        explain(built.folder, "f" * 32)


def _rows(path: Path) -> list[dict[str, str]]:
    import pyarrow.parquet as pq

    return pq.read_table(path, columns=["id"]).to_pylist()


def test_conservation_names_the_place_and_the_sum() -> None:
    with pytest.raises(ConservationError, match=r"somewhere: 9 documents read, but 5 kept \+ 1 rejected \+ 1 duplicate \+ 1 failed = 8"):
        check_conservation("somewhere", 9, {"kept": 5, "rejected": 1, "duplicate": 1, "failed": 1})


@pytest.mark.parametrize(("overrides", "name"), [(("formatters=[lossy]",), "formatter 'lossy'"), (("filters.lossy={}",), "filter 'lossy'")])
def test_a_lossy_processor_fails_the_build_by_name(tmp_path: Path, overrides: tuple[str, ...], name: str) -> None:
    import tests.pipelines.lossy  # noqa: F401  (registers both)

    with pytest.raises(DollmaError, match=name):
        quiet_build(prose_recipe(tmp_path), tmp_path / "ws", overrides=overrides)


def test_the_card_shows_the_table_and_flags_what_is_not_stated(built) -> None:  # type: ignore[no-untyped-def]
    card = (built.folder / "README.md").read_text(encoding="utf-8")
    manifest = read_manifest(built.folder)
    assert f"| Total | {manifest['totals']['words']:,} |  | {manifest['totals']['final_words']:,} |" in card
    assert "Source `blogs` states no licence" in card
    assert json.loads((built.folder / "manifest.json").read_text())["version"] == built.name


def test_duplicate_ids_cost_the_repeated_row_alone(tmp_path: Path) -> None:
    text = "Bu sətir yalnız sınaq üçün yazılıb və eyni nömrə ilə iki dəfə verilir."
    rows = [
        {"id": "1", "text": text},
        {"id": "1", "text": text},
        {"id": "1", "text": text + " Amma bu dəfə davamı var."},
        {"id": "2", "text": "Ayrı bir cümlə də var, onun öz nömrəsi var."},
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    built = quiet_build(write_recipe(tmp_path, {"rows": {"paths": "rows.jsonl"}}), tmp_path / "ws")
    verdicts = Counter(row["verdict"] for row in ledger(built))
    assert verdicts in ({"kept": 2, "duplicate": 1, "failed": 1}, {"kept": 2, "failed": 2})
    assert all("duplicate_id" in row["error"] for row in ledger(built) if row["verdict"] == "failed")


def test_markup_in_a_recipe_does_not_reach_the_card(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Bu qısa mətn yalnız sınaq üçün yazılıb və heç kimə aid deyil.", encoding="utf-8")
    hostile = "x | <script>alert(1)</script>"
    recipe = write_recipe(tmp_path, {"a": {"paths": "a.txt", "title": hostile, "origin": hostile}}, title=hostile, description=hostile)
    card = (quiet_build(recipe, tmp_path / "ws", workers=1).folder / "README.md").read_text(encoding="utf-8")
    assert "<script>" not in card.split("---", 2)[2]
