"""The commands of docs/benchmarks.md run, and those in its text are commands that there are."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from tests.pipelines.workspace import dollma

PAGE = (Path(__file__).parents[2] / "docs" / "benchmarks.md").read_text(encoding="utf-8")


def test_the_commands_run() -> None:
    lines = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
    told = [dollma(*shlex.split(line)[1:]).stdout for line in lines]
    assert "29" in re.findall(r"There are (\d+)", PAGE)
    assert "sib200-az" in told[0]
    assert "CC BY-SA 4.0" in told[1]


def test_the_commands_named_in_the_text_exist() -> None:
    known = dollma("bench", "--help").stdout
    for name in set(re.findall(r"`dollma bench (\w+)", PAGE)):
        assert f" {name} " in known
