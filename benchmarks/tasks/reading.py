"""A task's rows as items. A row that can't be used is told by file, line and id, and the rest goes on: nothing is dropped silently."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from benchmarks.tasks.forms import Known, UnusableError, is_label, item_of, numbers
from benchmarks.tasks.items import Item, content
from benchmarks.tasks.rows import rows
from benchmarks.tasks.task import Fields, Task
from curation.errors import DollmaError, nearest

SHARED_ID = "id stands on another item too: its line is added"


class Fault(NamedTuple):
    """A row that was left out."""

    file: str
    line: int
    id: str
    why: str


class Note(NamedTuple):
    """What was done to a row, or with it."""

    file: str
    line: int
    id: str
    what: str


class Split(NamedTuple):
    """The items of a split, in an order that is a function of their content alone, so that the first n are a draw; and what was not as it should be."""

    items: tuple[Item, ...]
    faults: tuple[Fault, ...]
    notes: tuple[Note, ...]

    def counts(self) -> dict[str, int]:
        """How many rows each note was made of."""
        return dict(sorted(Counter(note.what for note in self.notes).items()))


def resolved(task: Task, folder: Path) -> Task:
    """The task with its labels: those of train, in alphabetical order, where nobody here knows them. Raises DollmaError as `read` does."""
    if task.labels or task.kind not in ("text", "pair", "words"):
        return task
    found: set[str] = set()
    for _, row in rows(file_of(task, folder, "train")):
        stated = row.get(task.read.answer) if isinstance(row, dict) else None
        found.update(str(one) for one in (stated if isinstance(stated, list) else [stated]) if is_label(one))
    values: dict[str | int, str] = {int(one) if one.isdecimal() else one: one for one in sorted(found)}
    return task._replace(labels=tuple(sorted(found)), read=task.read._replace(values=values | {one: one for one in found}))


def read(task: Task, folder: Path, split: str) -> Split:
    """Read a split. Raises DollmaError for a file that is not there, damaged or too large, and where no row of it can be used."""
    path = file_of(task, folder, split)
    task = resolved(task, folder)
    items: dict[str, Item] = {}
    faults: list[Fault] = []
    notes: list[Note] = []
    known = Known(task.read, task.labels, numbers(task), lambda _: None)
    for line, row in rows(path):
        if not _within(row, line, task, split):
            continue
        identity = _identity(row, task.read, line)
        told: list[str] = []
        try:
            item = item_of(row, identity, task, known._replace(note=told.append))
            if item is not None:
                item = _alone(item, items, line, told.append)
                items[item.id] = item
        except UnusableError as why:
            faults.append(Fault(path.name, line, identity, str(why)))
        else:
            notes += [Note(path.name, line, identity, one) for one in told]
    if not items:
        first = f"; the first: line {faults[0].line}: {faults[0].why}" if faults else ""
        raise DollmaError(f"{path}: no row that can be used for {task.name}{first}")
    return Split(tuple(sorted(items.values(), key=lambda item: (content(item), item.id))), tuple(faults), tuple(notes))


def file_of(task: Task, folder: Path, split: str) -> Path:
    """Where a split stands. Raises DollmaError where it does not."""
    if split not in task.files:
        raise DollmaError(f"{task.name} has no split {split!r}: {nearest(split, task.files)}")
    path = folder / task.files[split]
    if not path.is_file():
        raise DollmaError(f"{path}: no such file: --data is the folder that holds {', '.join(sorted(set(task.files.values())))}")
    return path


def _identity(row: object, fields: Fields, line: int) -> str:
    """A row's own name, or its line where it has none that can be printed."""
    parts = [row.get(name) for name in fields.id.split()] if fields.id and isinstance(row, dict) else []
    fitting = [str(part) for part in parts if is_label(part) and str(part).isprintable() and str(part).strip()]
    return "-".join(fitting)[:200] if parts and len(fitting) == len(parts) else str(line)


def _alone(item: Item, others: Mapping[str, Item], line: int, note: Callable[[str], None]) -> Item:
    """The item under an id of its own. Raises UnusableError for one that stands here already."""
    if item.id not in others:
        return item
    if content(others[item.id]) == content(item):
        raise UnusableError("the same item, with the same id, once more")
    note(SHARED_ID)
    own = f"{item.id}:{line}"
    while own in others:
        own += f":{line}"
    return item._replace(id=own)


def _within(row: object, line: int, task: Task, split: str) -> bool:
    """Whether a row is of this split, where several are cut from one file: by its text, of spans by its context, whatever else is wrong with it."""
    if split not in task.shares:
        return True
    texts = task.read.texts[:1] if task.kind == "span" else task.read.texts
    group = [str(row.get(name)) for names in texts for name in names.split()] if isinstance(row, dict) else [str(line)]
    drawn = hashlib.blake2b("\n".join(group).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    low, high = task.shares[split]
    return low <= int.from_bytes(drawn, "big") % 100 < high
