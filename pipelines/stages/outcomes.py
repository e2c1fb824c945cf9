"""The outcomes of deduplication as tables, row for row with `documents`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from curation.dedup.paragraphs import Repeated
from curation.dedup.survivors import KINDS, Outcome
from curation.ids import id_strings
from curation.tables import TableWriter, row_groups
from pipelines.cluster_sizes import Sizes
from pipelines.ranking import Entry, Ranked, with_ranks

OUTCOMES = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("survivor", pa.string()),
        pa.field("kind", pa.string()),
        pa.field("similarity", pa.float64()),
        pa.field("cluster", pa.string()),
        pa.field("cluster_size", pa.int64()),
        pa.field("draw", pa.float64()),
        pa.field("repeated", pa.list_(pa.int32()), nullable=False),
        pa.field("repeated_words", pa.int64()),
        pa.field("left_words", pa.int64()),
    ]
)
"""Row for row with `documents`: the survivor where the document is a duplicate; its cluster of duplicates where that has other members; the least draw of
the cluster's members, which decides the split; the numbers of its repeated lines and their words; and, where cutting those leaves too little of the
document to keep, the words that would be left."""


def outcomes_name(part: int) -> str:
    """File of the outcomes of part number `part`, counted over all sources."""
    return f"duplicates-{part:05d}.parquet"


@dataclass(frozen=True)
class Found:
    """All that deduplication found, by rank; `left` are the words that cutting repeated lines leaves, `sizes` those of clusters, if asked for."""

    documents: Ranked
    outcome: Outcome
    repeated: Repeated
    left: np.ndarray
    stubs: np.ndarray
    sizes: Sizes | None
    drawn: np.ndarray


def write_outcomes(path: Path, entry: Entry, number: int, found: Found) -> None:
    """Write the outcomes of part number `number`."""
    documents, outcome, repeated = found.documents, found.outcome, found.repeated
    members = np.bincount(outcome.cluster, minlength=len(outcome.cluster))
    starts = repeated.starts(len(documents.row))
    first = 0
    with TableWriter(path, OUTCOMES) as writer:
        for ranks, batch, rows in with_ranks(row_groups(entry.verdicts, ["id"]), documents, number):
            n = batch.num_rows
            removed = outcome.survivor[ranks] >= 0
            clustered = members[outcome.cluster[ranks]] > 1
            stub = found.stubs[ranks]
            lines, counts = _lines(repeated, starts, ranks, rows, n)
            own = found.left[ranks] - documents.words[ranks]
            columns = {
                "id": batch["id"],
                "survivor": _spread(n, rows[removed], id_strings(documents.id[outcome.survivor[ranks[removed]]])),
                "kind": _spread(n, rows[removed], pa.array(np.array(KINDS, object)[outcome.kind[ranks[removed]]], pa.string())),
                "similarity": _spread(n, rows[removed], pa.array(outcome.similarity[ranks[removed]], pa.float64())),
                "cluster": _spread(n, rows[clustered], id_strings(documents.id[outcome.cluster[ranks[clustered]]])),
                "cluster_size": pa.array(found.sizes.of_part(number)[first : first + n]) if found.sizes else pa.nulls(n, pa.int64()),
                "draw": _spread(n, rows, pa.array(found.drawn[ranks])),
                "repeated": pa.ListArray.from_arrays(pa.array(counts), pa.array(lines)),
                "repeated_words": _spread(n, rows[~removed], pa.array(-own[~removed])),
                "left_words": _spread(n, rows[stub], pa.array(found.left[ranks[stub]])),
            }
            writer.write(pa.RecordBatch.from_pydict(columns, schema=OUTCOMES))
            first += n


def _lines(repeated: Repeated, starts: np.ndarray, ranks: np.ndarray, rows: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """(numbers of the repeated lines of all rows in turn, where each row's begin): int32."""
    counts = np.zeros(length, np.int64)
    counts[rows] = starts[ranks + 1] - starts[ranks]
    chosen = [repeated.lines[starts[rank] : starts[rank + 1]] for rank in ranks[counts[rows] > 0]]
    return np.concatenate([np.zeros(0, np.int64), *chosen]).astype(np.int32), np.concatenate(([0], np.cumsum(counts))).astype(np.int32)


def _spread(length: int, rows: np.ndarray, values: pa.Array) -> pa.Array:
    """`values` at `rows` of an array of this length, null elsewhere."""
    places = np.full(length, -1, np.int64)
    places[rows] = np.arange(len(rows))
    return values.take(pa.array(places, mask=places < 0))
