"""Pairs of documents of which one may stand in the other, from sketches: samples of their shingles (`curation.text.signing`).

The sketch of a document that stands in another is, but for what differs, part of the other's sketch. So a few of its shingles are looked up among all
documents' (a prefix filter), and for the documents met there the whole sketches are compared. The index is cut by ranges of the hash and goes through files:
one range is in memory at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numba as nb
import numpy as np

from curation.dedup.pairs import merged

PROBES = 8
"""Shingles looked up for a document, those of the smallest hashes. If nine in ten of its shingles stand in the other, all miss once in 10^8."""
BEST = 16
"""Of the documents that hold a shingle, so many of the best rank are met: shingles of menus and notices stand in thousands."""
RANGE = 1 << 25
"""Entries of the index in memory at a time: 256 MB."""


class Sketches:
    """All documents' sketches in a file, by rank."""

    def __init__(self, path: Path, documents: int) -> None:
        self.path = path
        self.starts = np.zeros(documents, np.int64)
        self.sizes = np.zeros(documents, np.int32)
        self.used = 0

    def write(self, batches: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]) -> None:
        """Takes (ranks, rows, values, starts): the sketch of rank ranks[k] is values[starts[rows[k]]:starts[rows[k] + 1]]."""
        with self.path.open("wb") as file:
            for ranks, rows, values, starts in batches:
                own = np.ascontiguousarray(values[starts[0] : starts[-1]] if len(starts) > 1 else values[:0])
                file.write(own.tobytes())
                self.starts[ranks] = self.used + starts[rows] - starts[0]
                self.sizes[ranks] = starts[rows + 1] - starts[rows]
                self.used += len(own)

    def values(self) -> np.ndarray:
        """All of them, mapped into memory (uint32)."""
        return np.memmap(self.path, np.uint32, "r") if self.used else np.zeros(0, np.uint32)


def containing_pairs(sketches: Sketches, short: np.ndarray, threshold: float) -> np.ndarray:
    """Pairs (better rank, worse rank), int64 of shape (pairs, 2), where the better seems to hold at least `threshold` of the worse; documents of
    which `short[rank]` is true are not looked for in others."""
    values = sketches.values()
    entries = sketches.path.with_name(f"{sketches.path.name}-index")
    parts = max(1, -(-sketches.used // RANGE))
    found = []
    for index in _ranges(sketches, values, entries, parts):
        index.sort()
        pairs = merged([_meetings(index, values, sketches.starts, sketches.sizes, short)], len(sketches.sizes))
        found.append(pairs[_held(pairs, values, sketches.starts, sketches.sizes, threshold)])
    return merged(found, len(sketches.sizes))


def _ranges(sketches: Sketches, values: np.ndarray, path: Path, parts: int) -> Iterator[np.ndarray]:
    """The index range by range of the hash: the shingle in the upper half of each entry (uint64), the rank in the lower."""
    order = np.argsort(sketches.starts, kind="stable")
    paths = [path.with_name(f"{path.name}-{number}") for number in range(parts)]
    files = [place.open("wb") for place in paths]
    try:
        at_once = max(1, len(order) // max(1, sketches.used // (1 << 22)))
        for first in range(0, len(order), at_once):
            ranks = order[first : first + at_once]
            entries = _entries(values, sketches.starts, sketches.sizes, ranks)
            which = (entries >> np.uint64(32)) * np.uint64(parts) >> np.uint64(32)
            for number in range(parts):
                files[number].write(entries[which == number].tobytes())
    finally:
        for file in files:
            file.close()
    for place in paths:
        yield np.fromfile(place, np.uint64)
        place.unlink()


@nb.njit(cache=True, nogil=True)
def _entries(values, starts, sizes, ranks):  # type: ignore[no-untyped-def]
    total = 0
    for rank in ranks:
        total += sizes[rank]
    out = np.empty(total, np.uint64)
    used = 0
    for rank in ranks:
        for k in range(starts[rank], starts[rank] + sizes[rank]):
            out[used] = (np.uint64(values[k]) << np.uint64(32)) | np.uint64(rank)
            used += 1
    return out


@nb.njit(cache=True, nogil=True)
def _meetings(index, values, starts, sizes, short):  # type: ignore[no-untyped-def]
    """Pairs of a document and one of better rank that holds one of its probes, in this range of the index. Counted first, then written."""
    total = 0
    for write in (False, True):
        pairs = np.empty((total if write else 0, 2), np.int64)
        count, start = 0, 0
        for place in range(len(index)):
            if (index[place] ^ index[start]) >> np.uint64(32):
                start = place
            worse = np.int64(index[place] & np.uint64(0xFFFFFFFF))
            if place == start or short[worse]:
                continue
            shingle = np.uint32(index[place] >> np.uint64(32))
            probes = min(PROBES, sizes[worse])
            if shingle > values[starts[worse] + probes - 1]:
                continue
            for j in range(start, min(place, start + BEST)):
                if write:
                    pairs[count, 0], pairs[count, 1] = np.int64(index[j] & np.uint64(0xFFFFFFFF)), worse
                count += 1
        total = count
    return pairs


@nb.njit(cache=True, nogil=True)
def _held(pairs, values, starts, sizes, threshold):  # type: ignore[no-untyped-def]
    """Does the better document's sketch hold as much of the worse one's as the threshold asks, less three standard deviations?"""
    out = np.zeros(len(pairs), np.bool_)
    for p in range(len(pairs)):
        i, j = starts[pairs[p, 0]], starts[pairs[p, 1]]
        i_end, j_end = i + sizes[pairs[p, 0]], j + sizes[pairs[p, 1]]
        size, missing = j_end - j, 0
        allowed = size - threshold * size + 3 * np.sqrt(threshold * (1 - threshold) * size)
        while j < j_end and missing <= allowed:
            while i < i_end and values[i] < values[j]:
                i += 1
            missing += i == i_end or values[i] != values[j]
            j += 1
        out[p] = missing <= allowed
    return out
