"""Runs of words of some texts, looked for in a corpus: which share of each text's runs stands there.

Words are runs of letters, marks and digits, folded. The texts' runs make a small table; a corpus goes by once, and nearly every place of it is answered by a
bitmap of the first words of each run. `curation.text.passages` asks the other question: which places of a corpus stand in some texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

import numba as nb
import numpy as np
import pyarrow as pa

from curation.text.buffers import TextBatch
from curation.text.hashing import SEED_B, finish
from curation.text.keyset import filled, place_of
from curation.text.shingles import ROLL, TOKENS, tokens_from, word_table

RUN, SHORTEST = 8, 5
"""Words of a run, and words of the shortest text that is looked for, as a whole."""


def shares(parts: list[str], corpus: Iterable[pa.StringArray], fold: np.ndarray) -> Iterator[float | None]:
    """Of each text, the share of its runs that stand in the corpus; None for one too short to tell. All are looked for in one pass, in batches of texts that
    are NFC, as the parts must be; memory is that of the parts."""
    words = word_table(fold)
    batch = TextBatch(pa.array(parts, pa.large_string()).cast(pa.string()))
    keys, starts, lengths = _runs(batch.data, batch.offsets, words)
    table, gate = _indexed(keys, batch.data, batch.offsets, words)
    seen = np.zeros(len(table), np.uint8)
    for texts in corpus:
        held = TextBatch(texts)
        _mark(held.data, held.offsets, words, table, gate, lengths, seen)
    hits = _seen(keys, table, seen)
    for first, end in pairwise(starts):
        yield None if first == end else float(hits[first:end].mean())


def _indexed(keys: np.ndarray, data: np.ndarray, offsets: np.ndarray, words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Runs as a hash table (0 is empty), and a bit for the first words of each: nearly every place of a corpus is answered by it alone."""
    table = filled(np.unique(keys), 1 << max(4, int(2 * len(keys)).bit_length()))
    gates = np.unique(_gates(data, offsets, words))
    gate = np.zeros(1 << max(6, int(len(gates) * 4).bit_length()), np.uint8)
    places = gates & np.uint64(len(gate) * 8 - 1)
    np.bitwise_or.at(gate, (places >> np.uint64(3)).astype(np.int64), np.uint8(1) << (places & np.uint64(7)).astype(np.uint8))
    return table, gate


@nb.njit(nogil=True)
def _run(hashes, first, m):  # type: ignore[no-untyped-def]
    h = SEED_B ^ np.uint64(m)
    for k in range(first, first + m):
        h = h * ROLL + hashes[k]
    return finish(h) | np.uint64(1)  # never 0, which is an empty place


@nb.njit(nogil=True)
def _beginning(hashes, first):  # type: ignore[no-untyped-def]
    h = np.uint64(0)
    for k in range(first, first + SHORTEST):
        h = h * ROLL + hashes[k]
    return finish(h)


@nb.njit(cache=True, nogil=True)
def _runs(data, offsets, words):  # type: ignore[no-untyped-def]
    """(keys of the runs of all texts, where each text's begin, lengths that occur)."""
    total = len(data) // 2 + 2
    keys, starts = np.empty(total, np.uint64), np.zeros(len(offsets), np.int64)
    hashes, used, lengths = np.empty(total, np.uint64), 0, np.zeros(RUN + 1, np.uint8)
    for t in range(len(offsets) - 1):
        _, count = tokens_from(data, np.int64(offsets[t]), np.int64(offsets[t + 1]), words, hashes, 0)
        if count >= SHORTEST:
            m = min(RUN, count)
            lengths[m] = 1
            for k in range(count - m + 1):
                keys[used] = _run(hashes, k, m)
                used += 1
        starts[t + 1] = used
    return keys[:used].copy(), starts, np.flatnonzero(lengths)


@nb.njit(cache=True, nogil=True)
def _gates(data, offsets, words):  # type: ignore[no-untyped-def]
    total = len(data) // 2 + 2
    gates, hashes, used = np.empty(total, np.uint64), np.empty(total, np.uint64), 0
    for t in range(len(offsets) - 1):
        _, count = tokens_from(data, np.int64(offsets[t]), np.int64(offsets[t + 1]), words, hashes, 0)
        for k in range(count - min(RUN, count) + 1 if count >= SHORTEST else 0):
            gates[used] = _beginning(hashes, k)
            used += 1
    return gates[:used].copy()


@nb.njit(cache=True, nogil=True)
def _seen(keys, table, seen):  # type: ignore[no-untyped-def]
    hits = np.zeros(len(keys), np.float64)
    for number, key in enumerate(keys):
        hits[number] = seen[place_of(table, key)]
    return hits


@nb.njit(cache=True, nogil=True)
def _mark(data, offsets, words, table, gate, lengths, seen):  # type: ignore[no-untyped-def]
    """Mark the runs of the table that stand in these texts."""
    hashes, mask = np.empty(TOKENS, np.uint64), np.uint64(len(gate) * 8 - 1)
    for t in range(len(offsets) - 1):
        i, end, carried = np.int64(offsets[t]), np.int64(offsets[t + 1]), 0
        while i < end:
            i, count = tokens_from(data, i, end, words, hashes, carried)
            last = count - SHORTEST + 1 if i >= end else count - RUN + 1  # the rest is asked again with what follows it
            for k in range(last):
                place = _beginning(hashes, k) & mask
                if gate[place >> np.uint64(3)] >> np.uint8(place & np.uint64(7)) & np.uint8(1):
                    for m in lengths:
                        if k + m <= count:
                            found = place_of(table, _run(hashes, k, m))
                            if found >= 0:
                                seen[found] = 1
            if i < end:
                carried = count - max(last, 0)
                for k in range(carried):
                    hashes[k] = hashes[count - carried + k]
