"""`dollma bench run`: a command from folders to cells."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.finetuning import runs
from benchmarks.finetuning.protocol import Protocol
from curation.errors import DollmaError
from pipelines.commands.bench import app
from tests.benchmarks import bench_data
from tests.benchmarks.bench_models import write_bert

QUICK = Protocol(rates=(1e-2,), batch=8, epochs=1, least_steps=8, evaluations=1, validation=20)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    right = runs.run
    monkeypatch.setattr(runs, "run", lambda asked, *rest: right(asked._replace(protocol=QUICK), *rest))


@pytest.mark.usefixtures("quick")
def test_models_and_tasks_in_one_command(tmp_path: Path) -> None:
    data = bench_data.write(tmp_path / "data", "sib200-az", "tumlu-az", "mirage-qa")
    one, other = (write_bert(tmp_path / name / "final") for name in ("one-1", "other-2"))
    given = ["--model", one, "--model", other, "--task", "sib200-az", "--task", "tumlu-az", "--task", "mirage-qa"]
    command = ["run", *map(str, given), "--data", str(data), "--out", str(tmp_path / "out"), "--seeds", "2", "--fresh"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    cells = [json.loads(path.read_text("utf-8")) for path in sorted((tmp_path / "out/cells").glob("*/*.json"))]
    found = {(cell["task"], cell["model"], cell["way"]) for cell in cells}
    assert found == {
        *(("sib200-az", name, way) for name in ("one-1", "other-2") for way in ("fine-tuned", "fresh weights")),
        ("sib200-az", "majority", "classical"),
        ("sib200-az", "tf-idf + logistic regression", "classical"),
        ("tumlu-az", "longest answer", "classical"),
        ("tumlu-az", "chance", "classical"),
    }
    assert "tumlu-az: has no rows to train on" in done.output
    assert "mirage-qa: is of the kind 'closed'" in done.output
    for cell in cells:
        for run in cell["runs"]:
            assert (tmp_path / "out/runs" / run / "test.jsonl").is_file()


@pytest.mark.usefixtures("quick")
def test_what_is_missing_is_told_before_anything_is_trained(tmp_path: Path) -> None:
    model, data = write_bert(tmp_path / "one"), bench_data.write(tmp_path / "data", "sib200-az")
    base = ["run", "--data", str(data), "--out", str(tmp_path / "out")]
    for more, told in (
        (["--model", str(model), "--task", "sib200-a"], "did you mean 'sib200-az'"),
        (["--model", str(tmp_path / "none"), "--task", "sib200-az"], r"config\.json: no such file"),
        (["--model", str(model), "--task", "sib200-az", "--task", "sentiment-az"], "sentiment-az is read from"),
    ):
        with pytest.raises(DollmaError, match=told):
            CliRunner().invoke(app, [*base, *more], catch_exceptions=False)
    assert not (tmp_path / "out/runs").exists()
    assert CliRunner().invoke(app, [*base, "--model", str(model), "--task", "sib200-az", "--seeds", "0"]).exit_code == 2


def test_the_command_itself_imports_nothing_heavy() -> None:
    code = "import sys; import pipelines.commands.bench; print([name for name in ('torch', 'transformers', 'numpy', 'pyarrow') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
