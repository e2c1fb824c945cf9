"""What if a threshold were another one: the figures are those of a build with that threshold, and nothing of the workspace changes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from curation.errors import DollmaError
from curation.writers.manifest import read_manifest
from pipelines.audit.catalog import Catalog, open_catalog
from pipelines.audit.whatif import Change, flipping, override, settings, what_if, what_if_exact
from pipelines.diff import compare_versions
from tests.pipelines.test_books import BAD, GOOD, NEXT, page
from tests.pipelines.workspace import DEMO, digest, quiet_build, write_recipe
from tests.readers.zips import epub_parts, pack

PARAGRAPH = "Bu bloqda hər həftə kənd həyatından, köhnə adətlərdən və uşaqlıq xatirələrindən bəhs edən kiçik yazılar dərc olunur."
"""Stands in many posts: deduplication cuts it out of all but the best of them."""


def posts(path: Path) -> None:
    """The demo's posts, some of them longer under other ids, of which rules let now the one through and now the other; some share a paragraph."""
    rows = [json.loads(line) for line in (DEMO / "raw" / "blogs" / "blogs.jsonl").read_text(encoding="utf-8").splitlines()]
    made = []
    for number, row in enumerate(rows):
        made.append({"id": str(number), "text": row["text"] + (f"\n{PARAGRAPH}" if number % 3 == 0 else "")})
        if number % 4 == 0:
            made.append({"id": f"{number}-longer", "text": row["text"] + f"\nOxunub {number} 2024"})
        if number % 8 == 0:
            made.append({"id": f"{number}-again", "text": row["text"]})
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in made), encoding="utf-8")


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that makes counting hard: near-duplicates on both sides of a threshold, paragraphs that are cut, pages that are, a budget, splits, weights by cluster,
    a withdrawn document, and a source with a threshold of its own."""
    folder = tmp_path_factory.mktemp("what-if")
    posts(folder / "posts.jsonl")
    (folder / "books").mkdir()
    chapters = {"a.xhtml": page(11, GOOD), "b.xhtml": page(12, BAD), "c.xhtml": page(13, NEXT)}
    (folder / "books" / "yol.epub").write_bytes(pack(epub_parts(chapters)))
    sources = {
        "books": {"paths": "books/", "formatters": ["whitespace"], "filters": {"language": False}},
        "encyclopaedia": {"paths": str(DEMO / "raw" / "encyclopaedia" / "*.jsonl.zst"), "filters": {"length": {"min_words": 30}}},
        "posts": {"paths": "posts.jsonl", "upsample": 2.5},
    }
    return write_recipe(
        folder,
        sources,
        formatters=["encoding", "whitespace"],
        filters={"ocr": {"max_page_cer": 0.05}, "length": {"max_words": 100}},
        dedup={"paragraphs": {"action": "cut"}, "survivor": ["length"]},
        mixture={
            "shard_bytes": 50_000,
            "validation": 0.1,
            "test": 0.05,
            "method": "proportional",
            "budget": "20k",
            "rehydrate": {1: 1, 2: 1.5},
        },
        withdrawn=["https://none.example.az/"],
    )


@pytest.fixture(scope="module")
def version(recipe: Path) -> Path:
    return quiet_build(recipe, recipe.parent / "ws", workers=1).folder


CHANGES: list[dict[str, float | None]] = [
    {"length.max_words": 68.0},
    {"length.max_words": None, "language.min_target": 0.01},
    {"ocr.max_page_cer": 0.9, "length.min_words": 60.0},
]


@pytest.mark.parametrize("thresholds", CHANGES, ids=["less", "off", "pages"])
def test_exact_figures_are_those_of_a_rebuild(recipe: Path, version: Path, thresholds: dict[str, float | None]) -> None:
    workspace = version.parents[1]
    before = digest(workspace)
    with open_catalog(str(version), workspace) as catalog:
        found = what_if_exact(catalog, thresholds)
    assert digest(workspace) == before, "nothing is written"
    rebuilt = quiet_build(recipe, workspace, 1, tuple(settings(thresholds))).folder
    check(found, version, rebuilt)
    with open_catalog(str(version), workspace) as catalog:
        assert what_if_exact(catalog, thresholds) == found, "what the rebuild left in the workspace changes nothing"


def check(found: Change, version: Path, rebuilt: Path) -> None:
    """Every figure against the manifest of the rebuilt version, and against what `diff` says of the two."""
    manifest = read_manifest(rebuilt)
    difference = compare_versions(version, rebuilt, 0)["sources"]
    assert [one.source for one in found.sources] == sorted(manifest["sources"])
    flips = 0
    for one in found.sources:
        stated, moved = manifest["sources"][one.source], difference[one.source]
        for name in ("kept", "rejected", "duplicate", "words", "final_words"):
            assert getattr(one, name) == stated[name], (one.source, name)
        assert (one.gained, one.gained_words) == (moved["documents"]["added"], moved["words"]["added"]), one.source
        assert (one.lost, one.lost_words) == (moved["documents"]["removed"], moved["words"]["removed"]), one.source
        assert one.words - one.words_before - one.gained_words + one.lost_words == moved["words"]["changed"], one.source
        flips += one.gained + one.lost
    assert flips > 0


def test_without_a_change_nothing_flips(version: Path) -> None:
    """A threshold put where it stands; and the three sources' counts as the version has them."""
    with open_catalog(str(version), version.parents[1]) as catalog:
        found = what_if_exact(catalog, {"length.max_words": 100.0})
        assert what_if(catalog, {"length.max_words": 100.0}).sources == tuple(
            type(one)(one.source, 0, 0, 0, 0, one.kept, one.words, one.kept, one.words, None, None, None) for one in found.sources
        )
    for one in found.sources:
        stated = catalog.manifest["sources"][one.source]
        assert (one.gained, one.lost, one.kept, one.words, one.final_words) == (
            0,
            0,
            stated["kept"],
            stated["words"],
            stated["final_words"],
        )


def test_the_estimate_is_what_rules_say_before_duplicates(demo: Catalog) -> None:
    """Where no duplicate is touched, it is the exact figure; documents that it says flip are those that do."""
    thresholds = {"length.min_words": 80.0, "language.min_target": 0.0}
    estimate, exact = what_if(demo, thresholds), what_if_exact(demo, thresholds)
    assert (estimate.exact, exact.exact) == (False, True)
    for one, other in zip(estimate.sources, exact.sources, strict=True):
        assert abs(one.kept - other.kept) <= 2
    lost = flipping(demo, thresholds, gained=False, n=1000)
    assert len(lost) == sum(one.lost for one in estimate.sources) > 20
    assert all(row.verdict == "kept" and row.measures["words"] < 80 for row in lost)
    gained = flipping(demo, thresholds, gained=True, n=1000)
    assert len(gained) == sum(one.gained for one in estimate.sources) > 0
    assert all({rule.rule for rule in row.rules} <= thresholds.keys() and row.measures["words"] >= 80 for row in gained)
    assert flipping(demo, thresholds, gained=False, n=5) == flipping(demo, thresholds, gained=False, n=5)


def test_the_change_as_a_recipe_has_it() -> None:
    thresholds = {"length.min_words": 20.0, "script.min_share": 0.00001, "language.min_target": None}
    assert yaml.safe_load(override(thresholds)) == {
        "filters": {"length": {"min_words": 20}, "script": {"min_share": 0.00001}, "language": {"min_target": None}}
    }
    told = dict(one.split("=") for one in settings(thresholds))
    assert {key: yaml.safe_load(value) for key, value in told.items()} == {f"filters.{rule}": value for rule, value in thresholds.items()}


@pytest.mark.parametrize(
    ("thresholds", "told"),
    [
        ({"length.min_word": 3.0}, "has the rule 'length.min_word': did you mean 'length.min_words'"),
        ({"mediawiki.redirect": 1.0}, "has the rule 'mediawiki.redirect'"),
        ({"length.min_words": float("nan")}, "nan is no threshold"),
        ({"length.min_words": 0.5}, "min_words: Input should be a valid integer"),
    ],
)
def test_what_is_no_threshold_is_refused(demo: Catalog, thresholds: dict[str, float | None], told: str) -> None:
    for ask in (what_if, what_if_exact):
        with pytest.raises(DollmaError, match=told):
            ask(demo, thresholds)


def test_without_stages_there_is_an_estimate_alone(demo_version: Path, tmp_path: Path) -> None:
    version = tmp_path / demo_version.name
    shutil.copytree(demo_version, version)
    with open_catalog(str(version), tmp_path) as pulled:
        assert sum(one.lost for one in what_if(pulled, {"length.min_words": 80.0}).sources) > 20
        with pytest.raises(DollmaError, match=r"the stage .*extract.* is gone: only the estimate can be had"):
            what_if_exact(pulled, {"length.min_words": 80.0})


@pytest.mark.realdata
def test_exact_on_real_pages(shared: Path, tmp_path: Path) -> None:
    pages: dict[str, Any] = {name: {"paths": str(next(shared.glob(f"web_*/cc_pages_{name}.jsonl.zst")))} for name in ("az", "tr")}
    recipe = write_recipe(tmp_path, pages | {"mirror": pages["az"]}, engine={}, mixture={})
    version = quiet_build(recipe, tmp_path / "ws", 1).folder
    thresholds: dict[str, float | None] = {
        "language.min_target": 0.02,
        "gopher_repetition.max_duplicate_5_gram": 0.02,
        "length.min_words": 100.0,
    }
    with open_catalog(str(version), tmp_path / "ws") as catalog:
        found = what_if_exact(catalog, thresholds)
    check(found, version, quiet_build(recipe, tmp_path / "ws", 1, tuple(settings(thresholds))).folder)
