"""Paragraphs that stand more than once among the documents kept: which line of which document repeats one that a better document has.

All paragraphs go through files, cut by ranges of their hash; one range is in memory at a time.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numba as nb
import numpy as np

from curation.text.signing import PARAGRAPH

ENTRY = np.dtype([("hash", "<u8"), ("place", "<u8"), ("words", "<i4")], align=False)
"""`place` is rank * 2^32 + line: the smallest place of a hash is the paragraph that stays."""
RANGE = 1 << 24
"""Paragraphs in memory at a time: 340 MB."""


class Repeated:
    """Repeated lines by document: rank (ascending), line (ascending within one) and its words, int64 each."""

    def __init__(self, places: np.ndarray, words: np.ndarray) -> None:
        order = np.argsort(places)
        self.ranks = (places[order] >> np.uint64(32)).astype(np.int64)
        self.lines = (places[order] & np.uint64(0xFFFFFFFF)).astype(np.int64)
        self.words = words[order].astype(np.int64)

    def words_by_rank(self, documents: int) -> np.ndarray:
        """Words in repeated lines, by rank."""
        return np.bincount(self.ranks, weights=self.words, minlength=documents).astype(np.int64)

    def starts(self, documents: int) -> np.ndarray:
        """Where each rank's lines begin among `lines`, and one more."""
        return np.searchsorted(self.ranks, np.arange(documents + 1))


def repeated_paragraphs(
    batches: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]], folder: Path, min_words: int, total: int
) -> Repeated:
    """From batches of (ranks, rows, paragraphs, starts), where the paragraphs (PARAGRAPH) of rank ranks[k] are paragraphs[starts[rows[k]]:starts[rows[k] + 1]].

    Lines of fewer than `min_words` words don't count. `total` is about the number of paragraphs: it says into how many files they are cut.
    """
    parts = max(1, -(-total // RANGE))
    paths = [folder / f"paragraphs-{number}.bin" for number in range(parts)]
    files = [path.open("wb") for path in paths]
    try:
        for ranks, rows, paragraphs, starts in batches:
            entries = _entries(ranks, rows, paragraphs, starts, min_words)
            which = (entries["hash"] >> np.uint64(32)) * np.uint64(parts) >> np.uint64(32)
            for number in range(parts):
                files[number].write((entries if parts == 1 else entries[which == number]).tobytes())
    finally:
        for file in files:
            file.close()
    places, words = [], []
    for path in paths:
        entries = np.fromfile(path, ENTRY)
        path.unlink()
        order = np.argsort(entries["hash"], kind="stable")
        later = _later(entries["hash"], entries["place"], order)
        places.append(entries["place"][later])
        words.append(entries["words"][later])
    return Repeated(np.concatenate(places), np.concatenate(words))


def _entries(ranks: np.ndarray, rows: np.ndarray, paragraphs: np.ndarray, starts: np.ndarray, min_words: int) -> np.ndarray:
    counts = starts[rows + 1] - starts[rows]
    own = np.repeat(starts[rows] - np.concatenate(([0], np.cumsum(counts)[:-1])), counts) + np.arange(counts.sum())
    found = paragraphs[own]
    place = (np.repeat(ranks, counts).astype(np.uint64) << np.uint64(32)) | found["line"].astype(np.uint64)
    long_enough = found["words"] >= min_words
    entries = np.empty(int(long_enough.sum()), ENTRY)
    entries["hash"], entries["place"], entries["words"] = found["hash"][long_enough], place[long_enough], found["words"][long_enough]
    return entries


@nb.njit(cache=True, nogil=True)
def _later(hashes, places, order):  # type: ignore[no-untyped-def]
    """Indices of all entries but the one of the smallest place for each hash."""
    out, count, start = np.empty(len(order), np.int64), 0, 0
    for k in range(1, len(order) + 1):
        if k == len(order) or hashes[order[k]] != hashes[order[start]]:
            first = start
            for j in range(start, k):
                if places[order[j]] < places[order[first]]:
                    first = j
            for j in range(start, k):
                if j != first:
                    out[count] = order[j]
                    count += 1
            start = k
    return out[:count].copy()


def no_paragraphs() -> Repeated:
    """Nothing is repeated."""
    return Repeated(np.zeros(0, np.uint64), np.zeros(0, PARAGRAPH["words"]))
