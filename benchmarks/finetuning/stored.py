"""What a run leaves in its folder: `run.json` with settings and the course of validation, and a prediction for each item of a split."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.finetuning.tasks import Item, Task
from benchmarks.finetuning.training import Evaluation
from curation.errors import DollmaError

RUN, VALIDATION, TEST, WEIGHTS = "run.json", "validation.jsonl", "test.jsonl", "best.safetensors"


def write_facts(folder: Path, facts: Mapping[str, Any]) -> None:
    """Write `run.json`."""
    (folder / RUN).write_text(json.dumps(facts, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def facts_of(folder: Path) -> dict[str, Any]:
    """What `run.json` tells. Raises DollmaError where it is damaged."""
    try:
        return dict(json.loads((folder / RUN).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise damaged(folder, RUN, error) from error


def history_of(folder: Path) -> list[Evaluation]:
    """A run's evaluations on validation. Raises DollmaError where they can't be read."""
    try:
        return [Evaluation(**one) for one in facts_of(folder)["history"]]
    except (KeyError, TypeError) as error:
        raise damaged(folder, RUN, error) from error


def best_evaluation(folder: Path) -> Evaluation:
    """That of the state which was kept. Raises DollmaError where it can't be read."""
    try:
        return history_of(folder)[facts_of(folder)["best"]]
    except (KeyError, IndexError, TypeError) as error:
        raise damaged(folder, RUN, error) from error


class Answers(NamedTuple):
    """What was predicted: ids of items, numbers of their labels and of the predicted ones [n]."""

    ids: tuple[str, ...]
    labels: np.ndarray
    predicted: np.ndarray


def answers_of(folder: Path, file: str, task: Task) -> Answers:
    """Predictions of a run. Raises DollmaError where they are damaged."""
    numbers = {name: number for number, name in enumerate(task.labels.values())}
    try:
        rows = [json.loads(line) for line in (folder / file).read_text(encoding="utf-8").splitlines()]
        labels, predicted = (np.array([numbers[row[key]] for row in rows], np.int64) for key in ("label", "predicted"))
        return Answers(tuple(str(row["id"]) for row in rows), labels, predicted)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise damaged(folder, file, error) from error


def collapsed(folder: Path, file: str, task: Task) -> bool:
    """Did a run give one answer to all? Raises DollmaError as `answers_of`."""
    return len(np.unique(answers_of(folder, file, task).predicted)) == 1


def write_answers(path: Path, items: Sequence[Item], logits: np.ndarray, task: Task) -> None:
    """A row for each item: its id, its label, the predicted one, and the logits [n, classes] in the order of the task's labels."""
    names = list(task.labels.values())
    rows = [
        {"id": item.id, "label": names[item.label], "predicted": names[int(row.argmax())], "logits": [round(float(one), 4) for one in row]}
        for item, row in zip(items, logits, strict=True)
    ]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def damaged(folder: Path, file: str, error: Exception) -> DollmaError:
    """The error for a file of a run that can't be read."""
    return DollmaError(f"{folder / file}: damaged ({type(error).__name__}: {error}): remove the folder {folder}, and the run is made again")
