"""Pairs of documents whose MinHash signatures say that they may be near-duplicates: equal in at least one band, and alike over all permutations.

Everything here counts documents by *rank*: 0 is the document that would survive against any other. Ranks don't depend on the order of files, so neither does
anything below. Bands are looked at one at a time, each pair is tested at once, and only those that pass are kept: memory is one byte a permutation and
some 30 bytes besides for each document, whatever the number of bands and however many documents share one.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import ceil

import numba as nb
import numpy as np

BEST, NEXT = 16, 8
"""In a group of documents with an equal band each is paired with at most the BEST best-ranked and the NEXT that stand right before it, whose lengths are
nearest to its own: a template page with 100,000 copies gives 2.4 million pairs, not 5 billion."""
AT_ONCE = 1 << 20
"""Pairs found between two looks at the buffer."""
THREADS = 2
"""Bands looked at side by side: each holds 16 bytes a document. Their number changes nothing in the result."""


def marks(minhash: np.ndarray) -> np.ndarray:
    """The lowest byte of every permutation (uint8): enough to compare two signatures by (b-bit minwise hashing, Li and König 2010), in a quarter of the memory."""
    return minhash.view(np.uint8).reshape(*minhash.shape, 4)[..., 0]


def agreeing(threshold: float, permutations: int, deviations: float = 3) -> int:
    """Equal marks, of `permutations`, that a pair of Jaccard `threshold` has but for bad luck.

    Bytes of different values agree once in 256; the number of equal ones has the standard deviation sqrt(p (1 - p) n). Three of them below the
    threshold, one true pair in 740 is lost.
    """
    p = threshold + (1 - threshold) / 256
    return ceil(p * permutations - deviations * (p * (1 - p) * permutations) ** 0.5)


def near_pairs(bands: int, band: Callable[[int], np.ndarray], ranks: np.ndarray, signatures: np.ndarray, needed: int) -> np.ndarray:
    """Pairs (better rank, worse rank), int64 of shape (pairs, 2), sorted by the worse, then the better.

    `band(b)` gives the hash of band b by rank (uint64); only documents in `ranks` (ascending) take part; `signatures[rank]` are `marks`, of which
    `needed` must agree.
    """

    documents = len(signatures)
    bits = np.uint64(max(documents.bit_length(), 1))

    def within(number: int) -> np.ndarray:
        packed = (band(number)[ranks] >> bits << bits) | ranks.astype(np.uint64)
        packed.sort()
        found, place, start = [], 0, 0
        out = np.empty((AT_ONCE, 2), np.int64)
        while place < len(packed):
            place, start, count = _scan(packed, bits, signatures, needed, place, start, out)
            found.append(_keys(out[:count], documents))
        return _once(found)

    keys = _once([])
    with ThreadPoolExecutor(THREADS) as pool:
        for found in pool.map(within, range(bands)):
            keys = _once([keys, found])
    return _pairs(keys, documents)


def merged(parts: list[np.ndarray], documents: int) -> np.ndarray:
    """All pairs once, sorted by the worse rank, then the better."""
    return _pairs(_once([_keys(part, documents) for part in parts]), documents)


def _keys(pairs: np.ndarray, documents: int) -> np.ndarray:
    """Numbers that sort as the pairs do."""
    keys: np.ndarray = pairs[:, 1] * documents + pairs[:, 0]
    return keys


def _once(parts: list[np.ndarray]) -> np.ndarray:
    """All keys sorted, each once. (A stable sort merges runs that are sorted already in linear time.)"""
    keys = np.concatenate([np.zeros(0, np.int64), *parts])
    keys.sort(kind="stable" if len(parts) == 2 else None)
    kept: np.ndarray = keys[np.diff(keys, prepend=-1) != 0]
    return kept


def _pairs(keys: np.ndarray, documents: int) -> np.ndarray:
    return np.stack((keys % max(documents, 1), keys // max(documents, 1)), axis=1)


@nb.njit(cache=True, nogil=True)
def _scan(packed, bits, signatures, needed, place, start, out):  # type: ignore[no-untyped-def]
    """From `place` on, in the group that begins at `start`, until `out` is nearly full: (where the rest begins, its group's start, pairs written).

    The hash's upper bits and the rank share a number, so that one sort gives groups in rank order. The bits that make room cost one chance pair in 2^13
    groups of a million documents, and the signatures rule it out.
    """
    rank_of = (np.uint64(1) << bits) - np.uint64(1)
    count = 0
    while place < len(packed):
        if (packed[place] ^ packed[start]) >> bits:
            start = place
        if count + BEST + NEXT > len(out):
            break
        worse = np.int64(packed[place] & rank_of)
        for j in range(start, min(place, start + BEST)):
            better = np.int64(packed[j] & rank_of)
            out[count, 0], out[count, 1] = better, worse
            count += _alike(signatures[better], signatures[worse], needed)
        for j in range(max(place - NEXT, start + BEST), place):
            better = np.int64(packed[j] & rank_of)
            out[count, 0], out[count, 1] = better, worse
            count += _alike(signatures[better], signatures[worse], needed)
        place += 1
    return place, start, count


@nb.njit(nogil=True)
def _alike(a, b, needed):  # type: ignore[no-untyped-def]
    equal = 0
    for k in range(len(a)):
        equal += a[k] == b[k]
    return np.int64(equal >= needed)
