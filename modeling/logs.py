"""What a run says of itself, step by step: JSON lines beside the checkpoints, and TensorBoard or Weights & Biases where a configuration asks for them.

One line is one JSON object with the key `step`, written and flushed whole. A run that is resumed first cuts what was written after its checkpoint, so its log is that of
a run that was never disturbed, but for times.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Protocol

from curation.errors import DollmaError, nearest

FILE = "log.jsonl"
LONGEST_LINE = 1 << 20
"""Bytes; a line of our own has a few hundred, and a few thousand with the scores of many sources."""
TIMES = frozenset({"time", "tokens/s", "mfu"})
"""Values that differ between two runs of the same configuration: `without_times` takes them out."""


class Log(Protocol):
    """One place that values are written to."""

    def write(self, step: int, values: Mapping[str, Any]) -> None:
        """What is known at a step: numbers, or mappings of numbers by name."""

    def sync(self) -> None:
        """Have what was written on the disk."""

    def close(self) -> None:
        """Nothing more will come."""


class Logs:
    """Several logs as one. Rank 0 writes, the others hold none."""

    def __init__(self, logs: Sequence[Log]) -> None:
        self.logs = logs

    def write(self, step: int, **values: Any) -> None:
        """What is known at a step; keys with None, such as an unknown MFU, are left out."""
        known = {name: value for name, value in values.items() if value is not None}
        for log in self.logs:
            log.write(step, known)

    def sync(self) -> None:
        """Call it before a checkpoint is made: then a checkpoint never knows of a step that the log has lost."""
        for log in self.logs:
            log.sync()

    def __enter__(self) -> Logs:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for log in self.logs:
            log.close()


def open_logs(names: Sequence[str], folder: Path, name: str, settings: Mapping[str, Any], step: int = 0) -> Logs:
    """The logs with these names for a run called `name` that writes to `folder` and goes on after `step`; `settings` are its configuration, for logs that show it.

    Raises DollmaError for an unknown name, a package that is not there, and a damaged log.
    """
    for one in names:
        if one not in LOGS:
            raise DollmaError(f"no log is called {one!r}: {nearest(one, LOGS)}")
    folder.mkdir(parents=True, exist_ok=True)
    return Logs([LOGS[one](folder, name, settings, step) for one in dict.fromkeys(names)])


class JsonLines:
    """`log.jsonl`: a line for each `write`, in the order of writing."""

    def __init__(self, folder: Path, name: str, settings: Mapping[str, Any], step: int) -> None:
        path = folder / FILE
        if path.exists():
            _cut(path, step)
        self.file = path.open("a", encoding="utf-8", newline="\n")

    def write(self, step: int, values: Mapping[str, Any]) -> None:
        """Raises DollmaError for a value that is no number: NaN is not JSON, and a run that gives one has gone wrong."""
        try:
            line = json.dumps({"step": step, **values}, ensure_ascii=False, allow_nan=False)
        except ValueError as error:
            wrong = [name for name, value in flattened(values).items() if isinstance(value, float) and not math.isfinite(value)]
            raise DollmaError(
                f"step {step}: {', '.join(wrong)} is no finite number: lower the learning rate, or look at the data of this step"
            ) from error
        self.file.write(line + "\n")
        self.file.flush()

    def sync(self) -> None:
        os.fsync(self.file.fileno())

    def close(self) -> None:
        self.file.close()


def _cut(path: Path, step: int) -> None:
    """Take away the lines after `step`, and the half line of a process that was killed."""
    end = 0
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE), b""), 1):
            if not line.endswith(b"\n"):
                if file.read(1):
                    raise DollmaError(
                        f"{path}: line {number} has more than {LONGEST_LINE:,} bytes: this is no log of ours; move it away, and it is written anew"
                    )
                break
            if _step(path, number, line) > step:
                break
            end = file.tell()
    os.truncate(path, end)


def _step(path: Path, number: int, line: bytes) -> int:
    try:
        step = json.loads(line)["step"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DollmaError(
            f"{path}: line {number} is no JSON object with a step ({line[:60]!r}): move the file away, and it is written anew"
        ) from error
    if isinstance(step, bool) or not isinstance(step, int):
        raise DollmaError(f"{path}: line {number}: step is {step!r}, not a whole number: move the file away, and it is written anew")
    return step


def read_log(path: Path) -> list[dict[str, Any]]:
    """The lines of a log. Raises DollmaError for a file that is none; a last line that is not whole yet is left out."""
    try:
        lines = path.read_bytes().split(b"\n")[:-1]
    except OSError as error:
        raise DollmaError(f"{path}: can't be read: {error}") from error
    for number, line in enumerate(lines, 1):
        _step(path, number, line)
    return [json.loads(line) for line in lines]


def without_times(line: Mapping[str, Any]) -> dict[str, Any]:
    """A line of a log without what the clock had a hand in: two runs of one configuration agree in the rest."""
    return {name: value for name, value in line.items() if name not in TIMES}


def flattened(values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Mappings in mappings as one, names joined by `/`, as TensorBoard groups them."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= flattened(value, f"{above}{name}/") if isinstance(value, Mapping) else {above + name: value}
    return flat


class TensorBoard:
    """Event files in the folder `tensorboard`; what stands there of later steps is no longer shown."""

    def __init__(self, folder: Path, name: str, settings: Mapping[str, Any], step: int) -> None:
        _needed("tensorboard", "tensorboard")
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - this import alone fails without the package

        self.writer = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)

    def write(self, step: int, values: Mapping[str, Any]) -> None:
        for name, value in flattened(values).items():
            self.writer.add_scalar(name, value, step)

    def sync(self) -> None:
        self.writer.flush()

    def close(self) -> None:
        self.writer.close()


class WeightsAndBiases:
    """A run of the same name in the project `dollma`; where it is sent, if anywhere, is set as that package reads it from its environment (`WANDB_MODE`)."""

    def __init__(self, folder: Path, name: str, settings: Mapping[str, Any], step: int) -> None:
        wandb = _needed("wandb", "wandb")
        self.run = wandb.init(project="dollma", name=name, id=name, dir=str(folder), config=dict(settings), resume="allow")

    def write(self, step: int, values: Mapping[str, Any]) -> None:
        self.run.log(flattened(values), step=step)

    def sync(self) -> None:
        """It has no such thing."""

    def close(self) -> None:
        self.run.finish()


def _needed(log: str, package: str) -> ModuleType:
    try:
        return import_module(package)
    except ImportError as error:
        raise DollmaError(f"the log {log!r} needs the package {package}: pip install {package}, or take {log!r} out of `logs`") from error


LOGS: dict[str, Callable[[Path, str, Mapping[str, Any], int], Log]] = {
    "jsonl": JsonLines,
    "tensorboard": TensorBoard,
    "wandb": WeightsAndBiases,
}
"""Logs by the names that a configuration asks for them with."""
