"""The commands of docs/modeling.md run, and leave what the page says."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from benchmarks import learning
from curation.readers.inputs import find_inputs
from pipelines.recipe_file import load_recipe
from tests.pipelines.workspace import dollma

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "modeling.md").read_text(encoding="utf-8")
FEW = ["--set", "horizon.steps=8", "--set", "evaluation.every=4", "--set", "run.checkpoint_every=4"]
SET = {"horizon": {"steps": 8}, "evaluation": {"every": 4}, "run": {"checkpoint_every": 4}}
MORE = {
    "pretrain": FEW,
    "run": ["--set", f"models.demo.set={json.dumps(SET)}"],
    "adapt": ["--set", "steps=[{step: trim}]", "--set", "measure.bytes=20000"],
}


def test_the_commands_make_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
    assert [line.split()[1] for line in lines] == ["build", "tokenizer", "tokens", "pretrain", "run", "tokenizer", "pretrain", "adapt"]
    monkeypatch.chdir(tmp_path)
    for name in ("pipelines", "modeling"):
        (tmp_path / name).symlink_to(ROOT / name)
    for line in lines:
        echoed = re.sub(r"\$\(echo (.*?)\)", lambda found: str(next(Path.cwd().glob(found[1]))), line)
        command = shlex.split(echoed)[1:]
        shorter = command[0] == "pretrain" and "--set" in command
        told = dollma(*command, *([] if shorter else MORE.get(command[0], [])))
        if command[0] == "run":
            assert "made before" in told.stdout, "it finds what the commands before it made"
        if command[:2] == ["tokenizer", "eval"]:
            assert "tokens a word, " in told.stdout
    finals = sorted(folder.parent.name for folder in tmp_path.glob("demo-workspace/models/[ds]*/final"))
    assert [name.rpartition("-")[0] for name in finals] == ["demo", "shorter"]
    assert next(tmp_path.glob("demo-workspace/models/adapted-encoder-*/card.json")).is_file()
    log = [
        json.loads(line) for line in next(tmp_path.glob("demo-workspace/models/demo-*/log.jsonl")).read_text(encoding="utf-8").splitlines()
    ]
    assert [row["step"] for row in log if "validation" in row] == [4, 8]
    assert next(tmp_path.glob("demo-workspace/tokenizers/wordpiece-4032-*/tokenizer.json")).is_file()
    assert "AutoModelForMaskedLM" in next(tmp_path.glob("demo-workspace/models/demo-*/final/README.md")).read_text(encoding="utf-8")
    capsys.readouterr()
    learning.main([str(next(tmp_path.glob("demo-workspace/models/demo-*"))), "--svg", "learning.svg"])
    table = capsys.readouterr().out
    assert [line["validation"]["bits_per_byte"] for line in log if "validation" in line] == [
        pytest.approx(float(cells.split("|")[2]), abs=1e-3) for cells in table.splitlines()[2:4]
    ]
    assert (tmp_path / "learning.svg").read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.realdata
def test_the_corpus_behind_its_figures_finds_its_files(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOLLMA_DATA", str(shared))
    recipe = load_recipe(ROOT / "pipelines" / "learning.yaml")
    named = {file.name for source in recipe.sources.values() for file in find_inputs(list(source.paths))}
    assert named == {path.name for folder in ("text_az", "web_az") for path in (shared / folder).glob("*.jsonl.zst")}
