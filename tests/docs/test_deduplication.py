"""The page on duplicates: its recipes are recipes, its commands run, and its defaults are the defaults."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
import yaml

from pipelines.recipe import Dedup, Recipe
from tests.pipelines.workspace import DEMO, dollma

PAGE = (Path(__file__).parents[2] / "docs" / "deduplication.md").read_text(encoding="utf-8")
RECIPES: list[dict[str, dict[str, object]]] = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
SOURCES = {"name": "x", "language": "azj_Latn", "sources": {"a": {"paths": "a.jsonl"}}}


@pytest.mark.parametrize("block", RECIPES)
def test_blocks_are_parts_of_recipes(block: dict[str, object]) -> None:
    told = Recipe.model_validate(SOURCES | block).model_dump(mode="json", by_alias=True)
    assert within(block, told), "a setting that the recipe does not take over"


def within(part: object, whole: object) -> bool:
    """Whether all that the page sets stands so in the recipe, whose defaults may add to it."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(key in whole and within(value, whole[key]) for key, value in part.items())
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) == len(whole) and all(map(within, part, whole))
    return part == whole


def test_the_first_block_shows_the_defaults() -> None:
    assert Dedup.model_validate(RECIPES[0]["dedup"]) == Dedup()


def test_the_commands_run(tmp_path: Path) -> None:
    text = (DEMO / "raw" / "books2" / "01-pomidor-sitili.txt").read_text(encoding="utf-8")
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "b.txt").write_text(text, encoding="utf-8")
    (tmp_path / "crawl.jsonl").write_text(json.dumps({"id": "a17", "text": text + " Son."}), encoding="utf-8")
    block = re.search(r"```\n(dollma dedup.*?)```", PAGE, re.DOTALL)
    assert block
    for line in block[1].splitlines():
        words = [
            word.replace("crawl.jsonl.zst", str(tmp_path / "crawl.jsonl")).replace("books/", str(tmp_path / "books"))
            for word in shlex.split(line)
        ]
        found = [json.loads(row) for row in dollma(*words[1:]).stdout.splitlines()]
        assert [row["kind"] for row in found] == (["near"] if "books/" in line else [])
    shown = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert shown
    assert set(json.loads(shown[1])) == {"id", "survivor", "similarity", "kind"}
