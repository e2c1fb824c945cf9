"""Their rows: predictions and cells like those of models, one run each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import process_time
from typing import Any

from benchmarks.classical.baselines import BASELINES, Given
from benchmarks.finetuning.cells import rows_of
from benchmarks.finetuning.sets import Sets
from benchmarks.finetuning.stored import RUN, TEST, write_answers, write_facts
from benchmarks.finetuning.tuning import Tell, dashed
from benchmarks.tasks.task import SPLITS
from curation.files import whole_folder
from curation.fingerprint import fingerprint

CLASSICAL = "classical"
VERSION = 1
"""Raise it when the same rows are answered otherwise."""
VALIDATION = 2_000
"""Items at most that decide between strengths."""


def classical_cells(sets: Sets, runs: Path, tell: Tell) -> Iterator[dict[str, Any]]:
    """Answer a task's test split in all ways there are for its kind, unless that was done; gives their cells."""
    for name, baseline in BASELINES.items():
        if sets.task.kind not in baseline.kinds or (baseline.learns and not sets.learnable):
            continue
        parts = {"train": sets.train, "validation": sets.validation(VALIDATION)} if sets.learnable else {}
        parts["test"] = sets.test
        depends: dict[str, Any] = {
            "task": {"name": sets.task.name, "protocol": sets.task.protocol, "labels": list(sets.task.labels)},
            "data": sets.hashes,
            "model": name,
            "way": CLASSICAL,
            "rows": len(parts["train"].items) if "train" in parts else 0,
            "protocol": {"version": VERSION, "validation": VALIDATION},
        }
        folder = runs / f"{sets.task.name}-{dashed(name)}-{CLASSICAL}-{fingerprint(depends)}"
        if not (folder / RUN).exists():
            began = process_time()
            items = [parts[split].items if split in parts else () for split in SPLITS]
            given = Given(sets.task.kind, items[0], items[1], items[2], sets.task.labels, sets.task.metric)
            labels = sets.labels(parts["test"])
            answers = [{"label": label, "predicted": one} for label, one in zip(labels, baseline.answers(given), strict=True)]
            with whole_folder(folder) as temporary:
                write_answers(temporary / TEST, parts["test"].items, answers)
                write_facts(temporary, {**depends, "name": name, "cpu_seconds": round(process_time() - began, 1)})
            tell(f"{sets.task.name}: {name}: {process_time() - began:.0f} s of CPU time")
        yield {
            "task": sets.task.name,
            "model": name,
            "identity": name,
            "way": CLASSICAL,
            "protocol": {**depends["protocol"], "task": sets.task.protocol, "seeds": 1},
            "data": sets.hashes,
            "rows": {split: rows_of(part, None) for split, part in parts.items()},
            "grid": [],
            "rate": None,
            "runs": [folder.name],
            "left": [],
            "collapsed": None,
            "corpus": None,
            "contamination": None,
        }
