"""Tokens and shingles: one pass over the UTF-8 buffer, no Python strings.

A token is a run of letters, marks and digits, case-folded; a shingle is the hash of n tokens in a row. A text with fewer tokens has one shingle, of all
its tokens, so that short texts are duplicates only of equal ones.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from curation.text.hashing import SEED_A, finish, step_a
from curation.text.unicode import DIGIT, LETTER, MARK, TABLE_SIZE, decode, kinds

TOKENS = 1 << 16
"""Tokens held at a time: a text of any length needs no more memory for its signature."""

ROLL = np.uint64(0xD6E8FEB86659FD93)
"""Odd, so that no token is ever multiplied away; the token hashes are well mixed already, and the sum is finished once more."""


def shingle_hashes(data: np.ndarray, offsets: np.ndarray, fold: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """(hashes, starts): text i's distinct shingles are hashes[starts[i]:starts[i + 1]], uint64, sorted. Empty for a text without tokens."""
    return _shingle_sets(data, offsets, word_table(fold), n)


def word_table(fold: np.ndarray) -> np.ndarray:
    """Per code point the folded letter, mark or digit (uint32), 0 for what stands between tokens: one look instead of two."""
    return np.where(kinds() & (LETTER | MARK | DIGIT), fold, 0).astype(np.uint32)


@nb.njit(nogil=True)
def tokens_from(data, i, end, words, out, count):  # type: ignore[no-untyped-def]
    """Hashes of the tokens at byte i and after, into out[count:] until it is full: (where the rest begins, how many there are now).

    `out` is never grown here: a loop that may replace its array runs at a quarter of the speed.
    """
    h, inside = SEED_A, False
    while i < end:
        point, after = decode(data, i, end)
        folded = words[point] if point < TABLE_SIZE else point
        if folded:
            h = step_a(h, folded)
            inside = True
        elif inside:
            out[count] = finish(h)
            count += 1
            h, inside = SEED_A, False
            if count == len(out):
                return i, count
        i = after
    if inside:
        out[count] = finish(h)
        count += 1
    return i, count


@nb.njit(nogil=True)
def to_shingles(tokens, count, n):  # type: ignore[no-untyped-def]
    """Turns the first `count` token hashes into the hashes of all runs of n, in place: a polynomial over 2^64, rolled on, then finished."""
    top = np.uint64(1)
    for _ in range(n):
        top *= ROLL
    rolling = np.uint64(0)
    for k in range(n):
        rolling = rolling * ROLL + tokens[k]
    for k in range(count - n + 1):
        gone = tokens[k]
        tokens[k] = finish(rolling)
        if k + n < count:
            rolling = rolling * ROLL + tokens[k + n] - gone * top
    return count - n + 1


@nb.njit(cache=True, nogil=True)
def _shingle_sets(data, offsets, words, n):  # type: ignore[no-untyped-def]
    starts = np.zeros(len(offsets), np.int64)
    hashes, used = np.empty(1024, np.uint64), 0
    for t in range(len(offsets) - 1):
        i, end = np.int64(offsets[t]), np.int64(offsets[t + 1])
        buffer, count = np.empty(min(TOKENS, end - i + 1), np.uint64), 0
        while True:
            i, count = tokens_from(data, i, end, words, buffer, count)
            if i >= end:
                break
            buffer = np.concatenate((buffer, np.empty(len(buffer), np.uint64)))
        if count:
            count = to_shingles(buffer, count, min(n, count))
        if used + count > len(hashes):
            hashes = np.concatenate((hashes, np.empty(len(hashes) + count, np.uint64)))
        ordered = np.sort(buffer[:count])
        for k in range(count):
            if k == 0 or ordered[k] != ordered[k - 1]:
                hashes[used] = ordered[k]
                used += 1
        starts[t + 1] = used
    return hashes[:used].copy(), starts
