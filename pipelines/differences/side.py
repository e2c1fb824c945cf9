"""One version's ledger as columns of numbers, one row a document: 62 bytes each, so that five million documents take 0.3 GB."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curation.errors import ConservationError, DollmaError
from curation.ids import id_numbers
from curation.ledger import VERDICTS
from curation.tables import one_batch, opened
from curation.verdicts import DUPLICATE, FAILED, KEPT, REJECTED

COLUMNS = ["id", "source", "verdict", "rules", "survivor", "kind", "error", "text_hash", "words", "split", "copies"]
RULES = "\x1f"
"""Between the rules of one document in its detail."""
NO_TEXT = "0" * 32
"""Text hash of what could not be read."""
STANDING = {KEPT: 0, REJECTED: 1, DUPLICATE: 2, FAILED: 4}
"""An id may stand in several rows: the one with the least number here stands for the document. A duplicate of its own id comes after one of another."""

Codes = dict[str, int]
"""Strings as numbers, in the order in which they were met. Both versions are encoded by the same ones."""


@dataclass(frozen=True)
class Vocabulary:
    """The codes of sources, splits and details: the rules that a document failed, the kind of duplicate, the reason of a failure."""

    sources: Codes
    splits: Codes
    details: Codes


@dataclass(frozen=True)
class Side:
    """A version's documents, sorted by id. `verdict` counts in `VERDICTS`; `row` is the row in all ledger files, one after the other."""

    id: np.ndarray
    text: np.ndarray
    words: np.ndarray
    row: np.ndarray
    detail: np.ndarray
    copies: np.ndarray
    source: np.ndarray
    verdict: np.ndarray
    split: np.ndarray

    @property
    def kept(self) -> np.ndarray:
        """Which documents are kept (bool)."""
        return np.asarray(self.verdict == VERDICTS.index(KEPT))


def ledger_files(folder: Path, manifest: dict[str, Any]) -> list[Path]:
    """A version's ledger, in order. Raises DollmaError for a file that is not there."""
    files = [folder / name for name in sorted(manifest["files"]) if name.startswith("ledger/")]
    for path in files:
        if not path.is_file():
            raise DollmaError(f"{path}: missing: `dollma verify {folder}` says what else is")
    return files


def read_side(folder: Path, manifest: dict[str, Any], known: Vocabulary) -> Side:
    """The documents of a version. `known` grows by what was not met before.

    Raises DollmaError for a ledger of another form, and ConservationError where it keeps another number of documents than the manifest says.
    """
    files = ledger_files(folder, manifest)
    rows = sum(pq.read_metadata(path).num_rows for path in files)
    side = _empty(rows)
    standing = np.empty(rows, np.int8)
    first = 0
    for batch in _batches(files):
        last = first + batch.num_rows
        standing[first:last] = _fill(side, slice(first, last), batch, known)
        first = last
    order = np.lexsort((standing, side.id[:, 1], side.id[:, 0]))
    ids = side.id[order]
    order = order[np.concatenate([[True], (ids[1:] != ids[:-1]).any(axis=1)])] if rows else order
    del ids
    kept = int(side.kept.sum())
    side = Side(**{field.name: getattr(side, field.name)[order] for field in fields(Side)})
    if not kept == side.kept.sum() == manifest["totals"]["kept"]:
        raise ConservationError(
            f"{folder}: the ledger keeps {int(side.kept.sum())} documents in {kept} rows, the manifest says {manifest['totals']['kept']}: "
            f"run `dollma verify {folder}`"
        )
    return side


def _empty(rows: int) -> Side:
    return Side(
        id=np.empty((rows, 2), np.uint64),
        text=np.empty((rows, 2), np.uint64),
        words=np.empty(rows, np.int64),
        row=np.arange(rows),
        detail=np.empty(rows, np.int32),
        copies=np.empty(rows, np.int32),
        source=np.empty(rows, np.int16),
        verdict=np.empty(rows, np.int8),
        split=np.empty(rows, np.int8),
    )


def _batches(files: list[Path]) -> Iterator[pa.RecordBatch]:
    for path in files:
        with opened(path) as file:
            absent = set(COLUMNS) - set(file.schema_arrow.names)
            if absent:
                raise DollmaError(
                    f"{path}: no column {', '.join(sorted(absent))}: an older release wrote it; build the version again to compare it"
                )
            for number in range(file.num_row_groups):
                yield one_batch(file.read_row_group(number, columns=COLUMNS, use_threads=False))


def _fill(side: Side, place: slice, batch: pa.RecordBatch, known: Vocabulary) -> np.ndarray:
    """Put a batch's columns in their place, and give each row's standing."""
    verdict = batch["verdict"]
    side.id[place] = id_numbers(batch["id"])
    side.text[place] = id_numbers(pc.fill_null(batch["text_hash"], NO_TEXT))
    side.words[place] = pc.fill_null(batch["words"], 0).to_numpy()
    side.detail[place] = encode(_details(batch), known.details)
    side.copies[place] = batch["copies"].to_numpy()
    side.source[place] = encode(batch["source"], known.sources)
    side.verdict[place] = pc.index_in(verdict, pa.array(VERDICTS)).to_numpy()
    side.split[place] = encode(batch["split"], known.splits)
    ranks = np.array([STANDING[name] for name in VERDICTS], np.int8)
    of_itself = pc.fill_null(pc.equal(batch["survivor"], batch["id"]), False).to_numpy(zero_copy_only=False)
    return ranks[side.verdict[place]] + of_itself


def _details(batch: pa.RecordBatch) -> pa.Array:
    verdict, rules = batch["verdict"], batch["rules"]
    ends = np.concatenate([[0], np.cumsum(pc.list_value_length(rules).to_numpy())]).astype(np.int32)
    names = pa.ListArray.from_arrays(pa.array(ends), pc.struct_field(pc.list_flatten(rules), "rule"))
    reason = pc.replace_substring_regex(batch["error"], "(?s):.*", "")
    return pc.case_when(
        pc.make_struct(*(pc.equal(verdict, name) for name in (REJECTED, DUPLICATE, FAILED))),
        pc.binary_join(names, RULES),
        batch["kind"],
        reason,
    )


def encode(strings: pa.Array, codes: Codes) -> np.ndarray:
    """The code of each string (int64), -1 for null. A new string gets the next code."""
    coded = strings.dictionary_encode()
    numbers = np.array([*(codes.setdefault(name, len(codes)) for name in coded.dictionary.to_pylist()), -1])
    return np.asarray(numbers[pc.fill_null(coded.indices, -1).to_numpy()])
