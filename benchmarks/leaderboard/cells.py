"""Cells, each one model on one task, as they were left by whoever answered it; and the predictions that stand behind them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from benchmarks.scoring.answers import Answers, read_answers
from curation.errors import DollmaError

CELLS, RUNS, TEST = "cells", "runs", "test.jsonl"


class Left(BaseModel):
    """A learning rate that was left for a lower one."""

    rate: float
    runs: list[str]
    why: str


class Cell(BaseModel):
    """What is told of a model on a task. None of it is a score of the test split: these come from predictions alone."""

    model_config = ConfigDict(frozen=True)

    task: str
    model: str
    identity: str
    way: str
    protocol: dict[str, Any]
    data: dict[str, str | None]
    rows: dict[str, dict[str, Any]]
    grid: list[dict[str, Any]]
    rate: float | None
    runs: list[str]
    left: list[Left]
    collapsed: str | None
    corpus: dict[str, Any] | None
    contamination: str | None

    @property
    def learnt_from(self) -> int | None:
        """Items it was trained on; None where there are none."""
        return self.rows.get("train", {}).get("used")


class Row(NamedTuple):
    """A model as a table has it: its name, how it came to answer, which files it was, and what else tells it from one of the same name."""

    model: str
    way: str
    identity: str
    variant: str


class Answered(NamedTuple):
    """A cell, the file it stands in, and the answers of each of its runs."""

    path: Path
    cell: Cell
    answers: list[Answers]


def read_cells(out: Path) -> dict[str, dict[Row, Answered]]:
    """All cells below OUT with their predictions, by task and row: the same order always.

    Raises DollmaError where there is none, for one that is damaged, and for models of a task that answered other items or by another key.
    """
    paths = sorted((out / CELLS).glob("*/*.json"))
    if not paths:
        raise DollmaError(f"{out / CELLS}: no cells: `dollma bench run --out {out}` makes them")
    by_task: dict[str, list[tuple[Path, Cell]]] = defaultdict(list)
    for path in paths:
        cell = _cell(path)
        by_task[cell.task].append((path, cell))
    return {task: _answered(out, _rows(cells)) for task, cells in sorted(by_task.items())}


def file_of(out: Path, run: str) -> Path:
    """Where a run's predictions for the test split stand."""
    return out / RUNS / run / TEST


def _cell(path: Path) -> Cell:
    try:
        cell = Cell.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError, ValidationError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else None
        why = f"{'.'.join(map(str, first['loc']))}: {first['msg']}" if first else str(error)
        raise DollmaError(f"{path}: no cell ({why}): remove it; `dollma bench run` writes it again from its runs") from error
    names = [*cell.runs, cell.task]
    if not cell.runs or any(not name or name != Path(name).name or name in (".", "..") for name in names):
        raise DollmaError(f"{path}: {names!r:.80} are not names of runs and a task: remove it; `dollma bench run` writes it again")
    return cell


def _rows(cells: list[tuple[Path, Cell]]) -> dict[Row, tuple[Path, Cell]]:
    """Cells by row. Those of one model that differ by training items, or else by protocol, are variants: the one trained on most has the plain name."""
    alike: dict[tuple[str, str, str], list[tuple[Path, Cell]]] = defaultdict(list)
    for path, cell in cells:
        alike[cell.model, cell.way, cell.identity].append((path, cell))
    found = {}
    for (model, way, identity), ones in alike.items():
        ones.sort(key=lambda one: (-(one[1].learnt_from or 0), one[0].name))
        sizes = {cell.learnt_from for _, cell in ones}
        for place, (path, cell) in enumerate(ones):
            variant = "" if place == 0 else f"{cell.learnt_from:,} items" if len(sizes) == len(ones) else path.stem.rsplit("-", 1)[-1]
            found[Row(model, way, identity, variant)] = (path, cell)
    return found


def _answered(out: Path, cells: Mapping[Row, tuple[Path, Cell]]) -> dict[Row, Answered]:
    found: dict[Row, Answered] = {}
    known: tuple[Path, Answers] | None = None
    for row, (path, cell) in cells.items():
        answers = []
        for run in cell.runs:
            file = file_of(out, run)
            answers.append(_same_items(file, read_answers(file), known))
            known = known or (file, answers[0])
        found[row] = Answered(path, cell, answers)
    return found


def _same_items(file: Path, answers: Answers, known: tuple[Path, Answers] | None) -> Answers:
    if known is None or (answers.ids == known[1].ids and answers.labels == known[1].labels):
        return answers
    where = next((number for number, pair in enumerate(zip(answers.ids, known[1].ids, strict=False), 1) if pair[0] != pair[1]), None)
    told = f"line {where} is another item" if where else f"{len(answers.ids)} items or labels differ"
    raise DollmaError(
        f"{file}: {told} than in {known[0]}: scores of a task are compared on the same items in the same order; give other data another --out"
    )
