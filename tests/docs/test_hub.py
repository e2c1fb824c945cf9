"""The commands of docs/hub.md run, against a stand-in of the Hub, and what was pushed loads with `datasets` as the Hub's own pages say."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipelines.hub_standin import running
from tests.pipelines.workspace import DEMO, digest, dollma, write_recipe

PAGE = (Path(__file__).parents[2] / "docs" / "hub.md").read_text(encoding="utf-8")
LOAD = "from datasets import load_dataset; print(len(load_dataset('someone/az-corpus', revision='{}', split='train')))"


def test_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    stated = {"paths": str(DEMO / "raw" / "books2" / "*.txt"), "licence": "CC-BY-4.0", "origin": "https://example.org"}
    write_recipe(tmp_path, {"books": stated}, name="az-corpus")
    blocks = [text for language, text in re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE) if not language]
    commands = [shlex.split(line) for block in blocks for line in block.splitlines()]
    assert [command[1] for command in commands] == ["build", "push", "pull", "verify", "pull"]
    with running(monkeypatch, str(tmp_path / "home")) as hub:
        for command in commands[:-1]:
            dollma(*command[1:])
        (name,) = hub.repositories["someone/az-corpus"].tags
        again = [word.replace("az-corpus-1f0c9a3e", name) for word in commands[-1][1:]]
        assert "is here already, equal" in dollma(*again).stdout
        loaded = subprocess.run([sys.executable, "-c", LOAD.format(name)], capture_output=True, text=True, check=False)
    assert digest(tmp_path / "copy" / "versions" / name) == digest(tmp_path / "workspace" / "versions" / name)
    assert loaded.returncode == 0, loaded.stderr + "\n".join(hub.requests[-30:])
    assert int(loaded.stdout) > 0
