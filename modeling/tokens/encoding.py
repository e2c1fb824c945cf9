"""One task of `dollma tokens`: some row groups of a shard to ids, in files that `parts` puts together for the store."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numba as nb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.errors import ConservationError, DollmaError, nearest
from curation.ids import id_numbers
from curation.tables import one_batch, opened
from modeling.tokenizer import load_tokenizer
from modeling.tokenizer.saved import of_the_library
from modeling.tokens.store import MAX_COPIES, Part, ids_dtype
from modeling.tokens.words import Encoder

VERSION = 1
"""Raised when the same texts and tokenizer give other ids."""
BATCH_BYTES = 4_000_000
"""Text encoded at once, about: words of a batch are Python strings."""
COLUMNS = ["id", "text", "source", "words", "copy"]
FILES = {"lengths": "<i4", "source": "<u2", "bytes": "<i4", "keys": "<u8", "further": "<u8"}
"""What a task writes: of each document (`copy` 0) its ids (16 or 32 bits as the store's), their number, its source, the bytes of its text and its id as two numbers;
and the ids of all further copies, which may be of documents in other shards."""


@dataclass(frozen=True)
class Encode:
    """Row groups `first` up to `last` of a shard. `sources` gives sources their numbers."""

    shard: Path
    first: int
    last: int
    tokenizer: Path
    sources: tuple[str, ...]

    def run(self, folder: Path, progress: Callable[..., None]) -> dict[str, Any]:
        """Encode each document once. Counts documents, those that gave no tokens, rows (all copies), tokens, and final words (of all copies) by source.

        Raises DollmaError for a shard that can't be read or holds what its manifest doesn't know.
        """
        os.environ["TOKENIZERS_PARALLELISM"] = "false"  # a worker is one of as many as there are cores
        encoder = Encoder(load_tokenizer(self.tokenizer))
        types = FILES | {"ids": encoder.dtype.str}
        counts: dict[str, Any] = {"documents": 0, "empty": 0, "rows": 0, "tokens": 0, "final_words": dict.fromkeys(self.sources, 0)}
        with ExitStack() as stack:
            files = {name: stack.enter_context((folder / f"{name}.bin").open("wb")) for name in types}
            for table in self._row_groups():
                documents = table.filter(pc.equal(table["copy"], 0))
                further = table.filter(pc.not_equal(table["copy"], 0))
                self._count_words(table, counts["final_words"])
                counts["rows"] += table.num_rows
                _write(files, types, "further", id_numbers(further["id"]))
                for batch in _batches(documents):
                    ids, lengths = self._encoded(encoder, batch["text"].to_pylist())
                    size = pc.binary_length(batch["text"]).to_numpy()
                    columns = {"ids": ids, "lengths": lengths, "source": self._numbers(batch["source"]), "bytes": size}
                    for name, column in (columns | {"keys": id_numbers(batch["id"])}).items():
                        _write(files, types, name, column)
                    counts["documents"] += len(lengths)
                    counts["empty"] += int((lengths == 0).sum())
                    counts["tokens"] += len(ids)
                    progress(documents=len(lengths), bytes=int(size.sum()))
        return counts

    def _encoded(self, encoder: Encoder, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        try:
            return encoder(texts)
        except BaseException as error:
            if not of_the_library(error):
                raise
            raise DollmaError(f"{self.tokenizer}: can't encode a document of {self.shard} ({type(error).__name__}: {error})") from error

    def _row_groups(self) -> Iterator[pa.RecordBatch]:
        try:
            with opened(self.shard) as file:
                for number in range(self.first, self.last):
                    batch = one_batch(file.read_row_group(number, columns=COLUMNS, use_threads=False))
                    batch.validate(full=True)
                    yield batch
        except (pa.ArrowException, OSError) as error:
            raise DollmaError(f"{self.shard}: {type(error).__name__}: {error}; `dollma verify` says what else differs") from error

    def _numbers(self, names: pa.StringArray) -> np.ndarray:
        found = pc.index_in(names, pa.array(self.sources, pa.string()))
        if found.null_count:
            unknown = names.filter(found.is_null())[0].as_py()
            raise DollmaError(
                f"{self.shard}: a document of source {unknown!r}, which the manifest has not: {nearest(unknown, self.sources)}"
            )
        return found.to_numpy()

    def _count_words(self, table: pa.RecordBatch, words: dict[str, int]) -> None:
        sums = np.bincount(self._numbers(table["source"]), table["words"].to_numpy(), len(self.sources))
        for source, more in zip(self.sources, sums, strict=True):
            words[source] += int(more)


def _batches(documents: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    ends = np.cumsum(pc.binary_length(documents["text"]).to_numpy())
    first = 0
    while first < documents.num_rows:
        done = ends[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(ends, done + BATCH_BYTES, side="right")))
        yield documents.slice(first, last - first)
        first = last


def _write(files: dict[str, Any], types: dict[str, str], name: str, column: np.ndarray) -> None:
    files[name].write(np.ascontiguousarray(column, types[name]).tobytes())


def parts(split: str, folders: Sequence[Path], size: int) -> Iterator[Part]:
    """What the tasks of a split wrote with a vocabulary of this size, in order, with the copies of each document.

    Raises ConservationError where a copy's document is missing, or has more copies than the store can count.
    """
    keys = [_read(folder, "keys").reshape(-1, 2) for folder in folders]
    copies = _copies(split, np.concatenate(keys), np.concatenate([_read(folder, "further").reshape(-1, 2) for folder in folders]))
    types = FILES | {"ids": ids_dtype(size)}
    first = 0
    for folder, own in zip(folders, keys, strict=True):
        last = first + len(own)
        ids, lengths, source, sizes = (_read(folder, name, types) for name in ("ids", "lengths", "source", "bytes"))
        yield Part(ids, lengths, source, copies[first:last], sizes)
        first = last


def _read(folder: Path, name: str, types: dict[str, str] = FILES) -> np.ndarray:
    path = folder / f"{name}.bin"
    return np.memmap(path, types[name], mode="r") if path.stat().st_size else np.empty(0, types[name])


def _copies(split: str, documents: np.ndarray, further: np.ndarray) -> np.ndarray:
    found, missing = _counted(documents, further)
    if missing >= 0:
        name = further[missing].astype(">u8").tobytes().hex()
        raise ConservationError(
            f"tokens {split}: document {name} has further copies that don't go with its first: run `dollma verify` on the version"
        )
    if len(found) and found.max() > MAX_COPIES:
        name = documents[found.argmax()].astype(">u8").tobytes().hex()
        raise ConservationError(
            f"tokens {split}: document {name} stands {found.max():,} times in the corpus, {MAX_COPIES:,} at most can be counted: give its source a lower factor"
        )
    return found


@nb.njit(cache=True, nogil=True)
def _counted(documents, further):  # type: ignore[no-untyped-def]
    """(rows of each document, the first row of `further` that goes with none or -1), by an open hash table of ids; ids are hashes already. Documents that share an
    id share its rows evenly."""
    size = 16
    while size < 2 * len(documents):
        size *= 2
    table = np.full(size, -1, np.int64)
    alike, rows, of = np.zeros(len(documents), np.int64), np.zeros(len(documents), np.int64), np.empty(len(documents), np.int64)
    for d in range(len(documents)):
        slot = _slot(table, documents, documents[d])
        if table[slot] < 0:
            table[slot] = d
        of[d] = table[slot]
        alike[of[d]] += 1
    for f in range(len(further)):
        d = table[_slot(table, documents, further[f])]
        if d < 0:
            return rows, f
        rows[d] += 1
    for f in range(len(further)):
        d = table[_slot(table, documents, further[f])]
        if rows[d] % alike[d]:
            return rows, f
    return 1 + rows[of] // alike[of], -1


@nb.njit(cache=True, nogil=True, inline="always")
def _slot(table, documents, name):  # type: ignore[no-untyped-def]
    """The slot of an id: the one that holds the first document of that id, or the free one where it belongs."""
    slot = np.int64(name[1] & np.uint64(len(table) - 1))
    while table[slot] >= 0 and not (documents[table[slot], 0] == name[0] and documents[table[slot], 1] == name[1]):
        slot = (slot + 1) & (len(table) - 1)
    return slot
