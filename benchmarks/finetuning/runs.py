"""Models on tasks, in the order of the protocol: of each task, all models are trained, and only then is its test split read; last come the rows that take no training.

What is there already is not made again, so that a command that was killed, or asks for another model, task or seed, costs what is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.classical.rows import classical_cells
from benchmarks.finetuning.cells import tuned_cell, write_cell
from benchmarks.finetuning.encoder import configuration
from benchmarks.finetuning.pieces import ENCODE, Encoded, Tokens
from benchmarks.finetuning.protocol import Protocol, seeds_for
from benchmarks.finetuning.sets import Part, Sets
from benchmarks.finetuning.tuning import FRESH, TUNED, Entrant, Tell, answer, tuned
from curation.errors import DollmaError
from curation.files import alone, remove_temporary

RUNS = "runs"


class Asked(NamedTuple):
    """What is asked: folders of models, each from its weights and, where `fresh` is true, from fresh ones too; names of tasks; where their rows are (`data`, or what was
    downloaded to `cache`); so many seeds, or as many as the set's size asks for; so many items to train on, or all."""

    models: tuple[Path, ...]
    tasks: tuple[str, ...]
    data: Path | None
    cache: Path | None
    fresh: bool = False
    seeds: int | None = None
    limit: int | None = None
    protocol: Protocol = Protocol()


def run(asked: Asked, out: Path, tell: Tell) -> list[Path]:
    """Make the runs that are not there yet, in OUT/runs, and the cells of all that was asked.

    Raises DollmaError for a model, data or a run that can't be read, before anything is trained where that can be told; and where another process is at it.
    """
    sets = [Sets(name, asked.data, asked.cache, asked.limit) for name in dict.fromkeys(asked.tasks)]
    for folder in asked.models:
        configuration(folder)
    tokens = {folder: Tokens(folder) for folder in dict.fromkeys(asked.models)}
    with _claimed(out):
        return [path for one in sets for path in _task(asked, one, tokens, out, tell)]


def _task(asked: Asked, sets: Sets, tokens: dict[Path, Tokens], out: Path, tell: Tell) -> list[Path]:
    kind, cells = sets.task.kind, []
    if asked.models and not (sets.learnable and kind in ENCODE):
        why = f"is of the kind {kind!r}" if kind not in ENCODE else "has no rows to train on, nor another task to learn from"
        tell(f"{sets.task.name}: {why}: no model is fine-tuned on it")
    elif asked.models:
        # ---- all models, on the training and the validation split
        known: dict[tuple[object, ...], Encoded] = {}
        parts = {"train": sets.train, "validation": sets.validation(asked.protocol.validation)}
        seeds = asked.seeds or seeds_for(len(parts["train"].items))
        trained = []
        for folder, of in tokens.items():
            for way in (TUNED, FRESH) if asked.fresh else (TUNED,):
                one = Entrant(sets, folder, way, of, seeds, asked.protocol, out / RUNS)
                rows, held_out = (_encoded(kind, of, split, part, known) for split, part in parts.items())
                trained.append((one, tuned(one, rows, parts["validation"], held_out, tell)))

        # ---- the test split, which nothing has read so far
        parts["test"] = sets.test
        for one, done in trained:
            encoded = {split: _encoded(kind, one.tokens, split, part, known) for split, part in parts.items()}
            answer(one, done, sets.test, encoded["test"], tell)
            cells.append(write_cell(out, tuned_cell(out, one, done, parts, encoded)))
    return [*cells, *(write_cell(out, cell) for cell in classical_cells(sets, out / RUNS, tell))]


def _encoded(kind: str, tokens: Tokens, split: str, part: Part, known: dict[tuple[object, ...], Encoded]) -> Encoded:
    """A split's examples, made once for all models that read alike."""
    key = (*tokens.key, split)
    if key not in known:
        known[key] = ENCODE[kind](part.items, tokens)
        if not known[key].examples:
            raise DollmaError(f"{split}: no example could be made of {len(part.items)} items")
    return known[key]


@contextmanager
def _claimed(out: Path) -> Iterator[None]:
    """Within, OUT is this process's alone; what a killed one left half-written is cleared away."""
    with alone(out, "another process writes there; wait for it, or give another --out"):
        remove_temporary(out)
        yield
