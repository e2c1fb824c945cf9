"""The recipes of docs/mixture.md are valid, its commands run, and print what the page says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import yaml

from pipelines.recipe_file import load_recipe
from tests.pipelines.workspace import DEMO, dollma, quiet_build

PAGE = (Path(__file__).parents[2] / "docs" / "mixture.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_recipes_are_valid(tmp_path: Path) -> None:
    for block in blocks("yaml"):
        written = {"name": "a", "language": "azj_Latn", "sources": {"a": {"paths": "a"}}} | yaml.safe_load(block)
        (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(written), encoding="utf-8")
        recipe = load_recipe(tmp_path / "recipe.yaml")
        assert recipe.mixture.rehydrate or recipe.mixture.budget == 2_100_000_000


def test_the_commands_print_what_the_page_says(tmp_path: Path) -> None:
    name = quiet_build(DEMO / "recipe.yaml", tmp_path).name
    (table,) = blocks("text")
    commands = [shlex.split(line.replace("demo-workspace", str(tmp_path))) for block in blocks("sh") for line in block.splitlines()]
    assert [command[:2] for command in commands] == [["dollma", "build"], ["dollma", "mix"], ["dollma", "mix"]]
    assert commands[0][2:] == ["pipelines/demo/recipe.yaml", "--workspace", str(tmp_path)]
    printed = "\n".join(line.rstrip() for line in dollma(*commands[1][1:]).stdout.splitlines())
    assert re.sub(r"dollma-demo-[0-9a-f]{8}", name, table).strip() == printed
    settings = ["--set", "mixture.method=unimax", "--set", "mixture.budget=90k"]
    assert dollma(*commands[2][1:]).stdout.splitlines()[0] == shlex.join(
        ["dollma", "build", "RECIPE", "--workspace", str(tmp_path), *settings]
    )
