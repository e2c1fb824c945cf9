"""The commands of docs/modeling.md run, and leave what the page says."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

from tests.pipelines.workspace import dollma_alone

PAGE = (Path(__file__).parents[2] / "docs" / "modeling.md").read_text(encoding="utf-8")
FEW = ["--set", "horizon.steps=8", "--set", "evaluation.every=4", "--set", "run.checkpoint_every=4"]


def test_the_commands_make_a_model(tmp_path: Path) -> None:
    commands = [
        shlex.split(line.replace("demo-workspace", str(tmp_path)))[1:]
        for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
        for line in block.splitlines()
    ]
    assert [command[0] for command in commands] == ["build", "tokenizer", "tokens", "pretrain", "tokenizer", "pretrain"]
    for command in commands:
        told = dollma_alone(*command, *(FEW if command[0] == "pretrain" and "--set" not in command else []))
        if command[:2] == ["tokenizer", "eval"]:
            assert "tokens a word, " in told.stdout
    finals = sorted(folder.parent.name for folder in tmp_path.glob("models/*/final"))
    assert [name.rpartition("-")[0] for name in finals] == ["demo", "shorter"]
    log = [json.loads(line) for line in next(tmp_path.glob("models/demo-*/log.jsonl")).read_text(encoding="utf-8").splitlines()]
    assert [row["step"] for row in log if "validation" in row] == [4, 8]
    assert next(tmp_path.glob("tokenizers/wordpiece-4032-*/tokenizer.json")).is_file()
    assert "AutoModelForMaskedLM" in next(tmp_path.glob("models/demo-*/final/README.md")).read_text(encoding="utf-8")
