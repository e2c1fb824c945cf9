"""The commands of docs/comparing.md run and print what the page says; its recipe is valid."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
import yaml

from pipelines.recipe_file import load_recipe
from tests.pipelines.workspace import dollma, write_recipe

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "comparing.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return [text for name, text in re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE) if name == language]


def test_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    places = {"demo-workspace": str(tmp_path / "ws"), "diff.html": str(tmp_path / "diff.html")}
    places["pipelines/demo/recipe.yaml"] = str(ROOT / "pipelines" / "demo" / "recipe.yaml")
    commands = [shlex.split(line) for block in blocks("") for line in block.splitlines()]
    assert [command[:2] for command in commands] == [["dollma", "build"]] * 2 + [["dollma", "diff"]] * 3 + [["dollma", "rebuild"]]
    outputs = [dollma(*(places.get(word, word) for word in command[1:])).stdout for command in commands]
    shown, rebuilt = blocks("text")
    printed = iter([line.rstrip() for line in outputs[2].splitlines()])
    for line in shown.splitlines():
        assert line in printed, f"not printed, or not in this order: {line}"
    assert re.sub(r"\d|-\w{8}:", "", outputs[5]) == re.sub(r"\d|-\w{8}:", "", rebuilt)
    keys = re.search(r"one object, with keys ([^.]*)\.", PAGE)
    assert keys
    assert re.findall(r"`(\w+)`", keys[1]) == list(json.loads(outputs[3]))
    assert (tmp_path / "diff.html").read_text(encoding="utf-8").endswith("</html>\n")


def test_the_recipe(tmp_path: Path) -> None:
    (text,) = blocks("yaml")
    recipe = load_recipe(write_recipe(tmp_path, {"a": {"paths": "in/*.jsonl"}}, **yaml.safe_load(text)))
    assert recipe.alarms.duplicate_share is None
    assert recipe.since == "../versions/az-corpus-1f0c9a3e"


def test_every_alarm_is_explained() -> None:
    kinds = set(re.findall(r'"([a-z]+_[a-z]+)", (?:name|f")', (ROOT / "pipelines" / "alarms.py").read_text(encoding="utf-8")))
    assert kinds == {
        "rule_share", "duplicate_share", "silent_rules", "not_found", "budget_short", "held_out",
        "source_new", "source_gone", "source_changed", "words_moved", "language_shift",
    }  # fmt: skip
    assert all(f"`{kind}`" in PAGE for kind in kinds)
