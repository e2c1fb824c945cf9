"""The documents that rules kept, from the one that would survive against any other to the one that would against none; and their tables, read by rank."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.dedup.signatures import matrix
from curation.errors import ConservationError, DollmaError, nearest
from curation.ids import id_numbers
from curation.tables import row_groups
from curation.verdicts import KEPT
from pipelines.recipe import Best, Preference
from pipelines.stages.decide import Part

LEAST = -np.inf
"""Where a document has no date, or no value of a measure, it is worse than any that has one."""


class Entry(NamedTuple):
    """A part with the verdicts on it and its source's priority."""

    part: Part
    verdicts: Path
    priority: int


@dataclass(frozen=True)
class Ranked:
    """The documents that take part, in rank order: part number, row in it, id (two uint64), exact hash (two uint64), bytes of text, words."""

    part: np.ndarray
    row: np.ndarray
    id: np.ndarray
    exact: np.ndarray
    size: np.ndarray
    words: np.ndarray

    def by_row(self, part: int) -> tuple[np.ndarray, np.ndarray]:
        """(ranks, rows) of a part's documents, by row."""
        order, starts = self._by_part
        ranks = order[starts[part] : starts[part + 1]] if part + 1 < len(starts) else order[:0]
        return ranks, self.row[ranks]

    @cached_property
    def _by_part(self) -> tuple[np.ndarray, np.ndarray]:
        """(ranks by part and row, where each part's begin): sorted once, for every column is read part by part."""
        order = np.lexsort((self.row, self.part))
        last = int(self.part.max()) if len(order) else -1
        return order, np.searchsorted(self.part[order], np.arange(last + 2))


def ranked(entries: tuple[Entry, ...], survivor: tuple[Preference, ...], rejected: bool = False) -> Ranked:
    """Documents sorted by what the recipe prefers, then by id. With `rejected`, those that rules reject take part too."""
    columns: list[list[np.ndarray]] = [[] for _ in range(6 + len(survivor))]
    for number, entry in enumerate(entries):
        first = 0
        for verdicts, signatures, measures, documents in _aligned(entry, survivor):
            if not verdicts["id"].equals(signatures["id"]):
                raise ConservationError(
                    f"{entry.verdicts} and {entry.part.signatures} don't hold the same documents; remove both and build again"
                )
            taken = (
                np.arange(verdicts.num_rows)
                if rejected
                else np.flatnonzero(pc.equal(verdicts["verdict"], KEPT).to_numpy(zero_copy_only=False))
            )
            found = [
                np.full(len(taken), number, np.int32),
                first + taken,
                id_numbers(signatures["id"])[taken],
                matrix(signatures["exact"], np.uint64)[taken],
                measures["bytes"].to_numpy()[taken],
                measures["words"].to_numpy()[taken],
                *(_preferred(asked, entry, measures, documents)[taken] for asked in survivor),
            ]
            for column, values in zip(columns, found, strict=True):
                column.append(values)
            first += verdicts.num_rows
    if not columns[0]:
        none, pair = np.zeros(0, np.int64), np.zeros((0, 2), np.uint64)
        return Ranked(none, none, pair, pair, none, none)
    part, row, ids, exact, size, words, *keys = (np.concatenate(column) for column in columns)
    order = np.lexsort((ids[:, 1], ids[:, 0], *(-key for key in reversed(keys))))
    return Ranked(part[order], row[order], ids[order], exact[order], size[order], words[order])


def check_preferences(survivor: tuple[Preference, ...], source: str, measures: set[str]) -> None:
    """Raises DollmaError for a measure that no filter of a source gives, or that is no number: before the work, not after it."""
    for asked in survivor:
        name = (asked.highest or asked.lowest or "") if isinstance(asked, Best) else ""
        if name and (name not in measures or name == "language"):
            raise DollmaError(f"dedup.survivor: {name!r} is no measure of source {source}: {nearest(name, measures - {'language'})}")


def _aligned(entry: Entry, survivor: tuple[Preference, ...]) -> Iterator[tuple[pa.RecordBatch, ...]]:
    wanted = sorted({name for asked in survivor if isinstance(asked, Best) for name in (asked.highest, asked.lowest) if name})
    dated = any(asked in ("newest", "oldest") for asked in survivor)
    verdicts = row_groups(entry.verdicts, ["id", "verdict"])
    measures = row_groups(entry.part.measures, ["bytes", "words", *wanted])
    documents = row_groups(entry.part.documents, ["metadata" if dated else "id"])
    return zip(verdicts, signature_batches(entry.part), measures, documents, strict=True)


def _preferred(asked: Preference, entry: Entry, measures: pa.RecordBatch, documents: pa.RecordBatch) -> np.ndarray:
    """A number per document, the higher the better."""
    if asked == "priority":
        return np.full(measures.num_rows, float(entry.priority))
    if asked == "length":
        return measures["bytes"].to_numpy().astype(np.float64)
    if isinstance(asked, Best):
        name = asked.highest or asked.lowest or ""
        values = measures[name].cast(pa.float64()).to_numpy(zero_copy_only=False) * (1 if asked.highest else -1)
        return np.where(np.isnan(values), LEAST, values)
    dates = np.array([_date(metadata) for metadata in documents["metadata"].to_pylist()], np.float64)
    return np.where(np.isnan(dates), LEAST, dates if asked == "newest" else -dates)


def _date(metadata: str) -> float:
    """YYYYMMDDhhmmss as a number, from an ISO 8601 date in the metadata (`date`, or a wiki revision's `timestamp`); not a number without one."""
    about: dict[str, Any] = json.loads(metadata)
    stated = str(about.get("date") or about.get("timestamp") or "")
    digits = "".join(c for c in stated[:19] if c in "0123456789")
    return float(digits.ljust(14, "0")) if len(digits) >= 4 and stated[:4].isdigit() else float("nan")


def signature_batches(part: Part) -> Iterator[pa.RecordBatch]:
    """The table of signatures, batch by batch, mapped into memory: a column that is not looked at is not read."""
    with pa.memory_map(str(part.signatures)) as file:
        reader = pa.ipc.open_file(file)
        for number in range(reader.num_record_batches):
            yield reader.get_batch(number)


def with_ranks(batches: Iterator[pa.RecordBatch], documents: Ranked, part: int) -> Iterator[tuple[np.ndarray, pa.RecordBatch, np.ndarray]]:
    """(ranks, batch, rows of these ranks in it) over the batches of a part."""
    ranks, rows = documents.by_row(part)
    first = 0
    for batch in batches:
        low, high = np.searchsorted(rows, (first, first + batch.num_rows))
        yield ranks[low:high], batch, rows[low:high] - first
        first += batch.num_rows


def signature_rows(entries: tuple[Entry, ...], documents: Ranked) -> Iterator[tuple[np.ndarray, pa.RecordBatch, np.ndarray]]:
    """(ranks, batch of signatures, rows of these ranks in it) over all parts."""
    for number, entry in enumerate(entries):
        yield from with_ranks(signature_batches(entry.part), documents, number)


def text_rows(entries: tuple[Entry, ...], documents: Ranked, wanted: np.ndarray) -> Iterator[tuple[np.ndarray, pa.StringArray]]:
    """(ranks, their texts) for the ranks that `wanted` marks, over all parts."""
    for number, entry in enumerate(entries):
        if not wanted[documents.by_row(number)[0]].any():
            continue
        for ranks, batch, rows in with_ranks(row_groups(entry.part.documents, ["text"]), documents, number):
            chosen = wanted[ranks]
            if chosen.any():
                yield ranks[chosen], batch["text"].take(pa.array(rows[chosen]))
