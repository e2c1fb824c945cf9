"""Stage `decide`: measures to verdicts, in seconds. One task a source, because only the whole source shows an id that stands twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.dedup.signatures import matrix
from curation.filters.base import Filter
from curation.ids import id_numbers
from curation.tables import TableWriter, row_groups, with_values
from curation.verdicts import DUPLICATE, FAILED, FAILED_PAGE, FAILED_RULE, KEPT, REJECTED, failed_pages, failed_rules
from pipelines.tasks import Progress
from pipelines.withdrawn import Withdrawn, withdraw

VERSION = 3

VERDICTS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("verdict", pa.string(), nullable=False),
        pa.field("rules", pa.list_(FAILED_RULE), nullable=False),
        pa.field("error", pa.string()),
        pa.field("pages", pa.list_(FAILED_PAGE), nullable=False),
    ]
)
"""`pages` are those that a rule takes out of a document that is kept, see `Rule.pages`."""


@dataclass(frozen=True)
class Part:
    """The tables of one extract task, row for row."""

    source: str
    documents: Path
    failures: Path
    measures: Path
    signatures: Path


def verdicts_name(part: int) -> str:
    """File of the verdicts on part number `part` of a source."""
    return f"verdicts-{part:05d}.parquet"


@dataclass(frozen=True)
class Decide:
    """All parts of one source, judged by its filters' rules."""

    parts: tuple[Part, ...]
    filters: tuple[Filter, ...]
    reader: str
    withdrawn: Withdrawn

    def run(self, folder: Path, progress: Progress) -> dict[str, Any]:
        """Writes one file of verdicts a part; verdicts here are kept (so far), rejected, failed or, for an id read again with the same text, duplicate."""
        repeats = repeated_ids([part.signatures for part in self.parts])
        counts = dict.fromkeys((KEPT, REJECTED, DUPLICATE, FAILED), 0)
        rules: dict[str, int] = {}
        withdrawn: set[str] = set()
        row = 0
        for number, part in enumerate(self.parts):
            with TableWriter(folder / verdicts_name(number), VERDICTS) as writer:
                for batch, urls in zip(row_groups(part.measures), self._urls(part), strict=False):
                    decided = _decide(batch, self.filters, self.reader, repeats, row)
                    changes, met = withdraw(decided, urls, self.withdrawn)
                    decided = with_values(decided, changes)
                    withdrawn |= met
                    writer.write(decided)
                    row += batch.num_rows
                    for name in counts:
                        counts[name] += pc.sum(pc.equal(decided["verdict"], name)).as_py() or 0
                    for item in pc.value_counts(pc.struct_field(pc.list_flatten(decided["rules"]), "rule")):
                        rules[item["values"].as_py()] = rules.get(item["values"].as_py(), 0) + item["counts"].as_py()
                    progress(documents=batch.num_rows, kept=pc.sum(pc.equal(decided["verdict"], KEPT)).as_py() or 0)
        return {"verdicts": counts, "rules": dict(sorted(rules.items())), "withdrawn": sorted(withdrawn)}

    def _urls(self, part: Part) -> Iterator[pa.Array | None]:
        """The URLs of each batch, if any is asked for."""
        return (batch["url"] for batch in row_groups(part.documents, ["url"])) if self.withdrawn.urls else repeat(None)


def _decide(batch: pa.RecordBatch, filters: tuple[Filter, ...], reader: str, repeats: Repeats, first: int) -> pa.RecordBatch:
    rules = failed_rules(batch, filters, reader)
    verdict = np.where(pc.list_value_length(rules).to_numpy(zero_copy_only=False) > 0, REJECTED, KEPT).astype(object)
    errors: list[str | None] = [None] * batch.num_rows
    for row, same_text in repeats.within(first, first + batch.num_rows):
        if not same_text:
            verdict[row] = FAILED
            errors[row] = (
                "duplicate_id: another document of this source has the same id and another text; give each its own id, or another id_field"
            )
        elif verdict[row] == KEPT:
            verdict[row] = DUPLICATE
    failed = pa.array(verdict == FAILED)
    empty = pa.array([[]] * batch.num_rows, rules.type)
    rules = pc.if_else(failed, empty, rules)
    columns = [batch["id"], pa.array(verdict, pa.string()), rules, pa.array(errors, pa.string()), failed_pages(batch, filters)]
    return pa.RecordBatch.from_arrays(columns, schema=VERDICTS)


@dataclass(frozen=True)
class Repeats:
    """Rows of a source (counted over all its parts) whose id another row has already: `rows` sorted, and whether the text is the same."""

    rows: np.ndarray
    same_text: np.ndarray

    def within(self, first: int, last: int) -> Iterator[tuple[int, bool]]:
        """Those from row `first` up to, not including, `last`, counted from `first`."""
        low, high = np.searchsorted(self.rows, (first, last))
        for place in range(low, high):
            yield int(self.rows[place]) - first, bool(self.same_text[place])


def repeated_ids(signatures: list[Path]) -> Repeats:
    """Find repeated ids. Of the rows with one id, the first by text hash stands for it, whatever the order of files; the others are repeats."""
    ids, exact = [], []
    for path in signatures:
        with pa.memory_map(str(path)) as file:
            reader = pa.ipc.open_file(file)
            for number in range(reader.num_record_batches):
                batch = reader.get_batch(number)
                ids.append(id_numbers(batch["id"]))
                exact.append(matrix(batch["exact"], np.uint64).copy())
    keys = np.concatenate(ids) if ids else np.zeros((0, 2), np.uint64)
    texts = np.concatenate(exact) if exact else np.zeros((0, 2), np.uint64)
    order = np.lexsort((texts[:, 1], texts[:, 0], keys[:, 1], keys[:, 0]))
    same_id = (keys[order[1:]] == keys[order[:-1]]).all(axis=1)
    repeated = np.flatnonzero(same_id) + 1
    first_of = np.arange(len(order))
    first_of[repeated] = 0
    first_of = np.maximum.accumulate(first_of)
    same_text = (texts[order[repeated]] == texts[order[first_of[repeated]]]).all(axis=1)
    by_row = np.argsort(order[repeated])
    return Repeats(order[repeated][by_row], same_text[by_row])
