"""How tasks are put to decoders: a file of lm-eval's YAML for each beside this one, under the task's name, and items as the documents that it speaks of.

Another task of the kinds in DOCUMENTS needs its YAML and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from benchmarks.finetuning.sets import Sets
from benchmarks.tasks.task import Task
from curation.errors import DollmaError

FOLDER = Path(__file__).parent
HELD_OUT = "held-out"

Document = dict[str, Any]


class Form(NamedTuple):
    """What lm-eval is told of an item: the types of its fields, by their names in `datasets`, and their values."""

    types: dict[str, Any]
    made: Callable[[Any], Document]


DOCUMENTS: dict[str, Form] = {
    "choice": Form(
        {"id": "string", "question": "string", "choices": ["string"], "label": "int32"},
        lambda item: {"id": item.id, "question": item.question, "choices": list(item.choices), "label": item.label},
    ),
    "text": Form(
        {"id": "string", "text": "string", "label": "int32"}, lambda item: {"id": item.id, "text": item.text, "label": item.label}
    ),
}
"""By kind of task. Types are stated, for `datasets` would make a date of a text that looks like one."""


def asked() -> list[str]:
    """Names of the tasks that decoders are asked."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml") if path.stem != HELD_OUT)


def prompt(task: str) -> dict[str, Any]:
    """A task's YAML. Raises DollmaError where there is none."""
    path = FOLDER / f"{task}.yaml"
    if not path.is_file():
        raise DollmaError(f"decoders are not asked {task!r}: no prompt of it is written; there are those of {', '.join(asked())}")
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


def documents(task: Task, items: Sequence[Any]) -> list[Document]:
    """Items as lm-eval reads them, in their order."""
    return [DOCUMENTS[task.kind].made(item) for item in items]


def shown(sets: Sets, shots: int) -> tuple[Any, ...]:
    """The items that are shown with their answers before each question, the same ones always: of the first of train (or validation, where there is no train), of each
    answer in turn. Their order is a function of content, so the first ones are a draw.

    Raises DollmaError where there are not so many.
    """
    if not shots:
        return ()
    split = next((name for name in ("train", "validation") if name in sets.hashes), None)
    items = () if split is None else sets.train.items if split == "train" else sets.validation(POOL).items
    before: dict[int, int] = {}
    turns = []
    for place, item in enumerate(items[:POOL]):
        turns.append((before.get(item.label, 0), place))
        before[item.label] = before.get(item.label, 0) + 1
    if len(items) < shots:
        held = f"{len(items)} rows of {split}" if split else "no rows but those of test"
        raise DollmaError(f"--shots {shots}: {sets.task.name} has {held} to show; ask for --shots {len(items)} or fewer")
    return tuple(items[place] for _, place in sorted(turns)[:shots])


POOL = 1_000
"""Items at most that examples are taken from."""
