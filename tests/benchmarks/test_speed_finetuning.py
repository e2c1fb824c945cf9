"""The benchmark of fine-tuning trains both ways to equal scores, and fails below its floor. How fast anything is, is not tested here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.speed import finetuning
from tests.benchmarks import bench_data


def test_both_ways_learn_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    data = bench_data.write(tmp_path, "sib200-az")
    monkeypatch.setitem(
        finetuning.SHAPES["bert"], "small", finetuning.SHAPES["bert"]["small"].model_copy(update={"hidden": 64, "ffn": 64, "layers": 2})
    )
    given = ["--data", str(data), "--vocab", "300", "--seeds", "1", "--steps", "100", "--rate", "3e-3"]
    finetuning.main(given)
    found = json.loads(capsys.readouterr().out)
    assert found["steps"] == 100
    assert all(scores[0] > 0.8 for scores in found["accuracy"].values())
    assert all(seconds[0] > 0 for seconds in found["cpu_seconds"].values())


def test_what_is_too_slow_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = bench_data.write(tmp_path, "sib200-az")
    monkeypatch.setattr(finetuning, "fresh", lambda *_: tmp_path)
    monkeypatch.setattr(finetuning, "measured", lambda *_: {"ours is faster by": 1.2})
    with pytest.raises(SystemExit, match=r"×1\.2 as fast .* ×1\.5"):
        finetuning.main(["--data", str(data), "--least", "1.5"])
    finetuning.main(["--data", str(data), "--least", "1.1"])
