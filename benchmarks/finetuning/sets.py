"""The rows of a task as they are used: which files they are from, and the splits, each read when it is its turn."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.finetuning.kinds import LABELS
from benchmarks.tasks.catalogue import named
from benchmarks.tasks.data import locate
from benchmarks.tasks.reading import file_of, read, resolved
from benchmarks.tasks.task import SPLITS, Task
from curation.files import checksum

LEARNT = ("train", "validation")
"""Splits that a task without rows to train on has from another one."""


class Part(NamedTuple):
    """A split as it is used: the items, what was left out as [file, line, id, why], and how often something else was done to a row, by what it was."""

    items: tuple[Any, ...]
    left_out: tuple[tuple[Any, ...], ...]
    notes: dict[str, int]


class Sets:
    """A task, and where its rows are. Files are found and hashed at once; no row is read before it is asked for.

    Raises DollmaError for a task that there is not, and for files that are not there.
    """

    def __init__(self, name: str, data: Path | None, cache: Path | None, limit: int | None) -> None:
        whole = named(name)
        found = {split: whole for split in SPLITS if split in whole.files}
        if whole.train_on is not None and "train" not in whole.files:
            learnt = named(whole.train_on)
            found |= {split: learnt for split in LEARNT if split in learnt.files}
        folders = {task.name: locate(task, data, cache) for task in found.values()}
        self._limit = limit
        self._folders = {split: folders[task.name] for split, task in found.items()}
        self.hashes = {split: checksum(file_of(task, self._folders[split], split)) for split, task in found.items()}
        self._source = {split: resolved(task, self._folders[split]) for split, task in found.items()}
        self.task: Task = self._source["test"]

    @property
    def learnable(self) -> bool:
        """Are there rows to train on, and rows to decide by?"""
        return all(split in self._source for split in LEARNT)

    @property
    def names(self) -> tuple[str, ...]:
        """Of labels, as metrics take them: none where the labels are numbers of choices."""
        return () if self.task.kind == "choice" else self.task.labels

    @cached_property
    def train(self) -> Part:
        """Rows to train on: all, or as many as the limit says."""
        return self._part("train", self._limit)

    def validation(self, most: int) -> Part:
        """Rows to decide by, so many at most."""
        return self._part("validation", most)

    @cached_property
    def test(self) -> Part:
        """Rows to be answered."""
        return self._part("test", None)

    def labels(self, part: Part) -> list[Any]:
        """What is right, item for item."""
        return [LABELS[self.task.kind](item, self.task.labels) for item in part.items]

    def _part(self, split: str, most: int | None) -> Part:
        found = read(self._source[split], self._folders[split], split)
        return Part(found.items[:most], tuple(map(tuple, found.faults)), found.counts())
