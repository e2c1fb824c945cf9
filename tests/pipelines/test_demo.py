"""The golden run: the demo corpus, with every piece of planted dirt ending as `planted.yaml` says."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from curation.writers.manifest import read_manifest
from tests.pipelines.workspace import DEMO, ledger, quiet_build

PLANTED: list[dict[str, Any]] = yaml.safe_load((DEMO / "planted.yaml").read_text(encoding="utf-8"))
Rows = dict[tuple[str, str], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    return quiet_build(DEMO / "recipe.yaml", tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def rows(demo) -> Rows:  # type: ignore[no-untyped-def]
    """Ledger rows by source and every name a person would give the document: its own id, address, file, page number."""
    own: dict[str, str] = {}
    for path in sorted(demo.folder.parents[1].glob("stages/extract/*/*/documents.parquet")):
        for row in pq.read_table(path, columns=["id", "metadata"]).to_pylist():
            own[row["id"]] = json.loads(row["metadata"]).get("id", "")
    named: Rows = defaultdict(list)
    for row in ledger(demo):
        file, _, page = row["locator"].partition("#page=")
        for name in {own.get(row["id"], "").split(" ")[0], row["url"], file, file.split("@")[0].split(":")[0], page} - {None, ""}:
            named[row["source"], name].append(row)
    return named


def is_duplicate_of(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> bool:
    return any(a["survivor"] == b["id"] or (a["survivor"] and a["survivor"] == b["survivor"]) for a in one for b in other)


@pytest.mark.parametrize("planted", PLANTED, ids=lambda p: f"{p['source']}-{p['document'].rpartition('/')[2]}-{p['dirt'][:24]}")
def test_planted_dirt_ends_as_expected(rows: Rows, planted: dict[str, Any]) -> None:
    found = rows[planted["source"], planted["document"]]
    assert found, "the document was never read"
    match planted["fate"]:
        case "failed":
            assert any((row["error"] or "").startswith(planted["reason"] + ": ") for row in found)
        case "duplicate":
            source, _, document = planted["of"].partition("/")
            other = rows[source, document]
            assert is_duplicate_of(found, other) or is_duplicate_of(other, found)
        case "rejected":
            assert [sorted(rule["rule"] for rule in row["rules"]) for row in found if row["verdict"] == "rejected"] == [planted["rules"]]
        case fate:
            assert [row["verdict"] for row in found] == [fate]


def test_nothing_else_is_lost(demo, rows: Rows) -> None:  # type: ignore[no-untyped-def]
    """Whatever is not in `planted.yaml`, nor the twin of something there, is good prose and kept."""
    known = {row["id"] for p in PLANTED for row in rows[p["source"], p["document"]]}
    known |= {row["id"] for p in PLANTED if "of" in p for row in rows[p["of"].partition("/")[0], p["of"].partition("/")[2]]}
    lost = [row["locator"] for row in ledger(demo) if row["verdict"] != "kept" and row["id"] not in known]
    assert lost == []


def test_repaired_text_reads_as_it_was_written(demo) -> None:  # type: ignore[no-untyped-def]
    texts = [t for p in sorted((demo.folder / "data").glob("*.parquet")) for t in pq.read_table(p, columns=["text"])["text"].to_pylist()]
    for sign in ("Ã", "É™", "Å", "&amp;", "&uuml;", "\u00ad", "\u200b", "{{", "[[", "<ref", "\r"):
        assert not [text[:80] for text in texts if sign in text], sign


def test_the_seven_sources_have_the_paper_s_factors(demo) -> None:  # type: ignore[no-untyped-def]
    manifest = read_manifest(demo.folder)
    factors = {name: source["upsample"] for name, source in manifest["sources"].items()}
    assert factors == {"encyclopaedia": 4, "wiki_az": 6, "news": 1, "books1": 20, "books2": 4, "blogs": 19.4, "laws": 6}
    assert manifest["totals"]["kept"] >= 180


def test_raw_files_are_small() -> None:
    assert sum(path.stat().st_size for path in Path(DEMO / "raw").rglob("*") if path.is_file()) < 3_000_000
