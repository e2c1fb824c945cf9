"""The log of a run: whole lines, cut on resuming, and a display that says how much is left."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from curation.errors import DollmaError
from modeling import progress
from modeling.logs import FILE, flattened, open_logs, read_log, without_times
from modeling.progress import Display, clock, told


def write(folder: Path, first: int, last: int, resumed: int = 0) -> None:
    """Steps as a run writes them, with an evaluation every other step."""
    with open_logs(["jsonl"], folder, "run", {}, resumed) as logs:
        for step in range(first, last + 1):
            logs.write(step, loss=10 / step, lr=1e-3, time=time.monotonic(), mfu=None)
            if step % 2 == 0:
                logs.write(step, validation={"news": {"loss": 9 / step}})
        logs.sync()


def test_a_resumed_log_is_that_of_an_undisturbed_run(tmp_path: Path) -> None:
    write(tmp_path / "undisturbed", 1, 9)
    write(tmp_path / "resumed", 1, 7)
    with (tmp_path / "resumed" / FILE).open("a") as file:
        file.write('{"step": 8, "lo')
    write(tmp_path / "resumed", 5, 9, resumed=4)
    whole, resumed = (read_log(tmp_path / name / FILE) for name in ("undisturbed", "resumed"))
    assert len(whole) == 13
    assert [without_times(line) for line in whole] == [without_times(line) for line in resumed]
    assert all("mfu" not in line for line in whole), "what is unknown is left out"


def test_every_line_is_there_when_the_process_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from modeling.logs import open_logs\n"
        "logs = open_logs(['jsonl'], Path(sys.argv[1]), 'run', {})\n"
        "for step in range(1, 6): logs.write(step, loss=1.5)\n"
        "print('written', flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert read_log(tmp_path / FILE) == [{"step": step, "loss": 1.5} for step in range(1, 6)]


def test_a_new_run_in_an_old_folder_starts_from_nothing(tmp_path: Path) -> None:
    write(tmp_path, 1, 4)
    write(tmp_path, 1, 2)
    assert [line["step"] for line in read_log(tmp_path / FILE)] == [1, 2, 2]


def test_no_number_is_an_error_that_names_it(tmp_path: Path) -> None:
    with (
        open_logs(["jsonl"], tmp_path, "run", {}) as logs,
        pytest.raises(DollmaError, match=r"step 3: validation/news/loss is no finite number"),
    ):
        logs.write(3, loss=1.0, validation={"news": {"loss": float("nan")}})
    assert (tmp_path / FILE).read_text() == ""


@pytest.mark.parametrize("line", ["nonsense", "[1]", '{"loss": 1}', '{"step": "1"}', '{"step": true}', "[" * 100_000])
def test_a_damaged_log_is_named_with_its_line(tmp_path: Path, line: str) -> None:
    (tmp_path / FILE).write_text('{"step": 1}\n' + line + "\n")
    with pytest.raises(DollmaError, match=r"log\.jsonl: line 2"):
        open_logs(["jsonl"], tmp_path, "run", {}, step=5)


def test_a_line_without_end_is_no_log(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"step": 1}\n' + "x" * (3 << 20))
    with pytest.raises(DollmaError, match="line 2 has more than"):
        open_logs(["jsonl"], tmp_path, "run", {}, step=5)


def test_an_unknown_log_is_named_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(DollmaError, match=r"no log is called 'tensorbord': did you mean 'tensorboard'\?"):
        open_logs(["tensorbord"], tmp_path, "run", {})


@pytest.mark.parametrize("package", ["tensorboard", "wandb"])
def test_a_missing_package_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(DollmaError, match=rf"the log '{package}' needs the package {package}: pip install {package}"):
        open_logs(["jsonl", package], tmp_path, "run", {})


def test_weights_and_biases_gets_numbers_by_flat_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, dict[str, float]]] = []

    class Run:
        def log(self, values: dict[str, float], step: int) -> None:
            seen.append((step, values))

        def finish(self) -> None:
            seen.append((-1, {}))

    class Wandb:
        @staticmethod
        def init(**settings: object) -> Run:
            assert settings["config"] == {"shape": "small"}
            return Run()

    monkeypatch.setitem(sys.modules, "wandb", Wandb)
    with open_logs(["wandb"], tmp_path, "run", {"shape": "small"}) as logs:
        logs.write(7, loss=2.0, validation={"news": {"loss": 3.0}})
    assert seen == [(7, {"loss": 2.0, "validation/news/loss": 3.0}), (-1, {})]


def test_nobody_writes_where_no_log_is_asked_for(tmp_path: Path) -> None:
    with open_logs([], tmp_path, "run", {}) as logs:
        logs.write(1, loss=1.0)
    assert list(tmp_path.iterdir()) == []


def test_flattened_joins_names() -> None:
    assert flattened({"a": 1, "b": {"c": 2, "d": {"e": 3}}}) == {"a": 1, "b/c": 2, "b/d/e": 3}


def test_the_display_says_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(progress, "monotonic", lambda: now[0])
    out = io.StringIO()
    with Display(Console(file=out, width=200)) as display:
        display.begin("small", done=0.5)
        now[0] += 60
        display.observe(1200, 0.6, {"loss": 3.25, "lr": 5e-4, "tokens/s": 12345.6, "mfu": 0.251})
        now[0] += 1
        display.observe(1201, 0.601, {"loss": 3.25})
        display.say("[validation] 2.1")
    first, second = out.getvalue().splitlines()
    assert first.strip() == "60.0%  step 1,200 · loss 3.250 · lr 5.00e-04 · 12,346 tokens/s · MFU 25.1% · 00:04:00 left"
    assert second == "[validation] 2.1"


def test_a_live_display_shows_the_same_line() -> None:
    out = io.StringIO()
    with Display(Console(file=out, width=160, force_terminal=True)) as display:
        display.begin("small")
        display.observe(3, 0.25, {"loss": 9.5})
    assert "step 3 · loss 9.500" in out.getvalue()


def test_told_and_clock() -> None:
    assert told({}) == ""
    assert told({"tokens/s": 10.0}) == "10 tokens/s"
    assert clock(59.6) == "00:01:00"
    assert clock(2 * 86400 + 3661) == "2 d 01:01:01"


def test_lines_are_json_with_letters_as_they_are(tmp_path: Path) -> None:
    with open_logs(["jsonl"], tmp_path, "run", {}) as logs:
        logs.write(1, validation={"Xəbərlər": {"loss": 1.0}})
    line = (tmp_path / FILE).read_text("utf-8")
    assert "Xəbərlər" in line
    assert json.loads(line)["validation"]["Xəbərlər"]["loss"] == 1.0
