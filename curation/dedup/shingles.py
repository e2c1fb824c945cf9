"""Verification: how much two texts have in common, counted over all of their shingles."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numba as nb
import numpy as np

AT_ONCE = 1 << 24
"""Shingles in memory at a time, about: 128 MB."""


class ShingleSets:
    """The shingle sets of some documents in a file. Sets are read back when they are compared, so memory is bound by AT_ONCE."""

    def __init__(self, path: Path, documents: int) -> None:
        self.path = path
        self.starts = np.full(documents, -1, np.int64)
        self.sizes = np.zeros(documents, np.int64)
        self._used = 0
        self._file = path.open("wb")

    def add(self, ranks: np.ndarray, hashes: np.ndarray, starts: np.ndarray) -> None:
        """The set of rank ranks[k] is hashes[starts[k]:starts[k + 1]] (uint64, sorted, distinct)."""
        self._file.write(hashes.tobytes())
        self.starts[ranks] = self._used + starts[:-1]
        self.sizes[ranks] = np.diff(starts)
        self._used += len(hashes)

    def common(self, pairs: np.ndarray) -> np.ndarray:
        """Shingles that the two documents of each pair have in common (int64). `pairs` are sorted by their second column."""
        self._file.close()
        found = np.zeros(len(pairs), np.int64)
        with self.path.open("rb") as file:
            for first, last in self._chunks(pairs):
                chunk = pairs[first:last]
                involved = np.unique(chunk)
                held, starts = self._read(file.fileno(), involved)
                found[first:last] = _common(np.searchsorted(involved, chunk), held, starts)
        return found

    def _chunks(self, pairs: np.ndarray) -> Iterator[tuple[int, int]]:
        weights = np.cumsum(self.sizes[pairs[:, 0]] + self.sizes[pairs[:, 1]])
        first = 0
        while first < len(pairs):
            done = weights[first - 1] if first else 0
            last = max(first + 1, int(np.searchsorted(weights, done + AT_ONCE, side="right")))
            yield first, last
            first = last

    def _read(self, file: int, ranks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        starts = np.concatenate(([0], np.cumsum(self.sizes[ranks])))
        held = np.empty(starts[-1], np.uint64)
        view = held.data.cast("B")
        for place, rank in enumerate(ranks.tolist()):
            os.preadv(file, [view[8 * starts[place] : 8 * starts[place + 1]]], 8 * int(self.starts[rank]))
        return held, starts


@nb.njit(cache=True, nogil=True)
def _common(pairs, hashes, starts):  # type: ignore[no-untyped-def]
    out = np.zeros(len(pairs), np.int64)
    for p in range(len(pairs)):
        i, i_end = starts[pairs[p, 0]], starts[pairs[p, 0] + 1]
        j, j_end = starts[pairs[p, 1]], starts[pairs[p, 1] + 1]
        while i < i_end and j < j_end:
            if hashes[i] == hashes[j]:
                out[p] += 1
                i += 1
                j += 1
            elif hashes[i] < hashes[j]:
                i += 1
            else:
                j += 1
    return out
