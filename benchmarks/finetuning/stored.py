"""What a run leaves in its folder: `run.json` with settings and the course of training, and a prediction for each item of a split."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import inf, isfinite
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.finetuning.training import LOSSES, Evaluation
from curation.errors import DollmaError

RUN, VALIDATION, TEST, WEIGHTS = "run.json", "validation.jsonl", "test.jsonl", "best.safetensors"


def write_facts(folder: Path, facts: Mapping[str, Any]) -> None:
    """Write `run.json`."""
    (folder / RUN).write_text(json.dumps(facts, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def facts_of(folder: Path) -> dict[str, Any]:
    """What `run.json` tells. Raises DollmaError where it is damaged."""
    try:
        return dict(json.loads((folder / RUN).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise damaged(folder, RUN, error) from error


def best_evaluation(folder: Path) -> Evaluation:
    """That of the state which was kept. Raises DollmaError where it can't be read."""
    facts = facts_of(folder)
    try:
        return Evaluation(*(inf if value is None else float(value) for value in facts["history"][facts["best"]]))
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise damaged(folder, RUN, error) from error


def losses_of(folder: Path) -> list[float]:
    """Losses in training, in order: means of as many steps each. Raises DollmaError where they can't be read."""
    try:
        return [inf if loss is None else float(loss) for loss in facts_of(folder)["losses"]]
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(folder, RUN, error) from error


def course(losses: Sequence[float]) -> list[float | None]:
    """Losses of all steps as LOSSES means at most, None for what is no number."""
    return [plain(float(np.mean(part))) for part in np.array_split(np.array(losses), min(LOSSES, len(losses)))]


def plain(value: float) -> float | None:
    """A number as JSON has it."""
    return round(value, 6) if isfinite(value) else None


def write_answers(path: Path, items: Sequence[Any], answers: Sequence[Mapping[str, Any]]) -> None:
    """A row for each item: its id, what is right, what was predicted, and what else a kind of task tells."""
    rows = (json.dumps({"id": item.id, **answer}, ensure_ascii=False, allow_nan=False) for item, answer in zip(items, answers, strict=True))
    path.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")


def damaged(folder: Path, file: str, error: Exception) -> DollmaError:
    """The error for a file of a run that can't be read."""
    return DollmaError(f"{folder / file}: damaged ({type(error).__name__}: {error}): remove the folder {folder}, and the run is made again")
