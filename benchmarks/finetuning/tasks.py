"""The tasks, as a table; and their rows, read from a local folder. A row that can't be used is told by file and line and counted, and the rest goes on."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from curation.errors import DollmaError, nearest

SPLITS = ("train", "validation", "test")
MAX_LINE, MAX_ROWS = 1 << 20, 1_000_000
"""Bytes of a line, and lines of a file: sets of sentences and comments have thousandths of either."""


class Task(NamedTuple):
    """What is classified. `files` are by split, and `labels` are by the value that stands in a row, in the order in which a model numbers them.

    `metric` decides on validation: `accuracy`, or `macro_f1`, which counts each class alike.
    """

    title: str
    files: Mapping[str, str]
    label: str
    labels: Mapping[str | int, str]
    metric: str
    origin: str
    licence: str
    identity: str | None = None
    """The key of a row's own number; the line's number where there is none."""


_TOPICS = ("science/technology", "travel", "politics", "sports", "health", "entertainment", "geography")


def _sib200(language: str, code: str) -> Task:
    return Task(
        title=f"SIB-200, {language}: the topic of a sentence of FLORES-200",
        files={"train": f"{code}.train.jsonl.gz", "validation": f"{code}.dev.jsonl.gz", "test": f"{code}.test.jsonl.gz"},
        label="category",
        labels={topic: topic for topic in _TOPICS},
        metric="accuracy",
        origin="translated from English by people",
        licence="CC BY-SA 4.0",
        identity="index_id",
    )


TASKS: dict[str, Task] = {
    "sib200-az": _sib200("Azerbaijani", "azj_Latn"),
    "sib200-tr": _sib200("Turkish", "tur_Latn"),
    "sentiment-az": Task(
        title="Sentiment of Azerbaijani comments: negative or positive",
        files={"train": "train.jsonl.gz", "validation": "dev.jsonl.gz", "test": "test.jsonl.gz"},
        label="label",
        labels={0: "negative", 1: "positive"},
        metric="macro_f1",
        origin="written in Azerbaijani, some in Turkish or Russian",
        licence="CC BY-NC-SA 4.0",
    ),
}
"""By name. Rows are JSON objects with `text`, one a line."""


class Item(NamedTuple):
    """A text and the number of its label."""

    id: str
    text: str
    label: int


class Fault(NamedTuple):
    """A row that was left out."""

    file: str
    line: int
    why: str


class Split(NamedTuple):
    """The rows of a split, in an order that is a function of their texts alone, so that the first n are a draw; and what was left out."""

    items: tuple[Item, ...]
    faults: tuple[Fault, ...]


def named(name: str) -> Task:
    """The task of this name. Raises DollmaError where there is none."""
    if name not in TASKS:
        raise DollmaError(f"no task is called {name!r}: {nearest(name, TASKS)}")
    return TASKS[name]


def read(task: Task, folder: Path, split: str) -> Split:
    """Read a split. Raises DollmaError for a file that is not there, damaged or too large, and where no row of it can be used."""
    path = file_of(task, folder, split)
    items, faults = [], []
    for number, line in _lines(path):
        found = _item(task, line, number)
        if isinstance(found, Item):
            items.append(found)
        else:
            faults.append(Fault(path.name, number, found))
    if not items:
        told = f"; the first: line {faults[0].line}: {faults[0].why}" if faults else ""
        raise DollmaError(f"{path}: no row that can be used{told}; rows are JSON objects with `text` and `{task.label}`")
    return Split(tuple(sorted(items, key=_drawn)), tuple(faults))


def file_of(task: Task, folder: Path, split: str) -> Path:
    """Where a split stands. Raises DollmaError where it does not."""
    path = folder / task.files[split]
    if not path.is_file():
        raise DollmaError(f"{path}: no such file: --data is the folder that holds {', '.join(task.files.values())}")
    return path


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines that are not blank, with their numbers from 1."""
    number = 0
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            while line := file.readline(MAX_LINE + 1):
                number += 1
                if len(line) > MAX_LINE or number > MAX_ROWS:
                    raise DollmaError(
                        f"{path}: line {number}: more than {MAX_LINE:,} bytes in a line or {MAX_ROWS:,} lines: not such a set"
                    )
                if line.strip():
                    yield number, line
    except (OSError, EOFError, zlib.error) as error:
        raise DollmaError(f"{path}: after line {number}: can't be read ({error}): take it from an undamaged copy") from error


def _item(task: Task, line: bytes, number: int) -> Item | str:
    """The row, or why it is none."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"not JSON ({error})"
    if not isinstance(row, dict):
        return f"a {type(row).__name__}, not an object"
    text, label = row.get("text"), row.get(task.label)
    if not isinstance(text, str) or not text.strip():
        return f"text is {_told(text)}, not a text with something in it"
    if not isinstance(label, str | int) or isinstance(label, bool) or label not in task.labels:
        return f"{task.label} is {_told(label)}, not one of {', '.join(map(repr, task.labels))}"
    own = row.get(task.identity) if task.identity else None
    return Item(str(number if own is None else own), text, list(task.labels).index(label))


def _told(value: object) -> str:
    """A value in a message: as it stands where that is short for sure."""
    return f"{value!r:.60}" if isinstance(value, str | int | float | None) else f"a {type(value).__name__}"


def _drawn(item: Item) -> tuple[bytes, int, str]:
    return hashlib.blake2b(item.text.encode("utf-8", "surrogatepass"), digest_size=16).digest(), item.label, item.id
