"""All that deduplication asks of a text, fused: tokens, shingles, MinHash, sketch, paragraphs and the exact hash in one pass over the UTF-8 buffer.

The signature is bit for bit that of `datasketch.MinHash(num_perm, seed, scheme="affine32")` fed with the upper 32 bits of the shingle hashes
(`curation.text.shingles`). A sketch (FracMinHash, Irber et al. 2022) says how much of a text stands in another one of any length, which MinHash can't.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numba as nb
import numpy as np

from curation.text.hashing import SEED_A, SEED_B, finish, step_a, step_b
from curation.text.shingles import TOKENS, to_shingles, word_table
from curation.text.swar import load64
from curation.text.unicode import SPACE, TABLE_SIZE, decode, kinds

SAMPLE = 8
"""One shingle in so many is in a text's sketch: a text of 50 words has six on average, and takes 25 bytes."""

PARAGRAPH = np.dtype([("hash", "<u8"), ("words", "<i4"), ("line", "<i4")])
"""A paragraph is a line: the hash of its tokens, its words by white space, its number in the text from 1."""

_SPACE, _WORD, _POINT = np.uint32(1 << 31), np.uint32(1 << 30), np.uint32((1 << 21) - 1)
_SIGN = np.uint64(1 << 40)
"""Sets a sign between words apart from the hash of a word."""


class Signed(NamedTuple):
    """What `sign` finds."""

    exact: np.ndarray
    """128 bits per text, uint64 of shape (texts, 2), over case-folded text with white space runs as one space: equal for exact duplicates."""
    minhash: np.ndarray
    """Signatures, uint32 of shape (texts, permutations); all ones (the empty set) for a text without tokens."""
    sketches: np.ndarray
    """Upper halves (uint32) of the shingles whose hash is a multiple of SAMPLE; sorted and distinct within a text."""
    sketch_starts: np.ndarray
    """Text i's sketch is sketches[sketch_starts[i]:sketch_starts[i + 1]]."""
    paragraphs: np.ndarray
    """Lines long enough, of dtype PARAGRAPH. Two lines with the same tokens have the same hash, whatever stands between the tokens."""
    paragraph_starts: np.ndarray
    """Text i's paragraphs are paragraphs[paragraph_starts[i]:paragraph_starts[i + 1]]."""


def sign(
    data: np.ndarray, offsets: np.ndarray, fold: np.ndarray, n: int, permutations: tuple[np.ndarray, np.ndarray], shortest: int
) -> Signed:
    """Exact hashes, signatures and sketches over shingles of n tokens, and paragraphs of at least `shortest` words."""
    return Signed(*_sign(data, offsets, _folded(fold.tobytes()), n, *permutations, shortest))


def affine32(permutations: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The parameters (a, b), uint32 each, that datasketch 2.0 draws for its scheme affine32: a odd, v = a * h + b modulo 2^32."""
    generator = np.random.RandomState(seed)
    a = generator.randint(0, 1 << 31, permutations, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    b = generator.randint(0, 1 << 32, permutations, dtype=np.uint32)
    return a, b


def content_hashes(data: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """128-bit hash per text, uint64 of shape (texts, 2), over its bytes as they are: equal for equal texts only."""
    return _content_hashes(data, offsets)


@lru_cache(maxsize=4)
def _folded(fold: bytes) -> np.ndarray:
    """Per code point its folded form, with a flag for white space and one for what is part of a word."""
    table = np.frombuffer(fold, np.uint32)
    return table | np.where(kinds() & SPACE, _SPACE, np.uint32(0)) | np.where(word_table(table) > 0, _WORD, np.uint32(0))


@nb.njit(cache=True, nogil=True)
def _sign(data, offsets, folded, n, a, b, shortest):  # type: ignore[no-untyped-def]
    texts, size = len(offsets) - 1, np.int64(offsets[-1]) - np.int64(offsets[0])
    exact = np.zeros((texts, 2), np.uint64)
    minhash = np.full((texts, len(a)), np.uint32(0xFFFFFFFF), np.uint32)
    sketches, sampled, sketch_starts = np.empty(size // 2 + texts, np.uint32), 0, np.zeros(texts + 1, np.int64)
    paragraphs, found, paragraph_starts = np.empty(size // (2 * shortest) + texts, PARAGRAPH), 0, np.zeros(texts + 1, np.int64)
    buffer = np.empty(TOKENS, np.uint64)
    for t in range(texts):
        i, end = np.int64(offsets[t]), np.int64(offsets[t + 1])
        first, second, space, started = SEED_A, SEED_B, False, False
        line, words, number, spaced = SEED_B, 0, 1, True
        count, carried = 0, 0
        while i < end:
            point, i = decode(data, i, end)
            kind = folded[point] if point < TABLE_SIZE else np.uint32(point) | _WORD
            if kind & _SPACE:
                space, spaced = started, True
            else:
                if space:
                    first, second, space = step_a(first, np.uint32(32)), step_b(second, np.uint32(32)), False
                words += spaced
                spaced, started = False, True
                whole = _SIGN | np.uint64(kind)
                if kind & _WORD:
                    token = SEED_A
                    while True:
                        token = step_a(token, kind & _POINT)
                        if i >= end:
                            break
                        point, after = decode(data, i, end)
                        kind = folded[point] if point < TABLE_SIZE else np.uint32(point) | _WORD
                        if not kind & _WORD:
                            break
                        i = after
                    whole = finish(token)
                    line = step_b(line, whole)
                    buffer[count] = whole
                    count += 1
                    if count == TOKENS:
                        sampled = _take(minhash[t], sketches, sampled, buffer, count, n, a, b)
                        carried = n - 1
                        count = carried
                    point = np.uint32(0)
                first, second = step_a(first, whole), step_b(second, whole)
            if point == 10 or i >= end:
                if words >= shortest:
                    paragraphs[found]["hash"] = finish(line)
                    paragraphs[found]["words"] = words
                    paragraphs[found]["line"] = number
                    found += 1
                line, words, spaced = SEED_B, 0, True
                number += 1
        if count > carried:
            sampled = _take(minhash[t], sketches, sampled, buffer, count, n, a, b)
        exact[t, 0], exact[t, 1] = finish(first), finish(second)
        sampled = _distinct(sketches, sketch_starts[t], sampled)
        sketch_starts[t + 1], paragraph_starts[t + 1] = sampled, found
    return exact, minhash, sketches[:sampled].copy(), sketch_starts, paragraphs[:found].copy(), paragraph_starts


@nb.njit(nogil=True)
def _take(row, sketches, sampled, buffer, count, n, a, b):  # type: ignore[no-untyped-def]
    """Takes the shingles of `count` tokens into a signature and a sketch, and puts the last n - 1 tokens first, for those that follow: the sketch's end."""
    last = buffer[max(count - n + 1, 0) : count].copy()
    shingles = to_shingles(buffer, count, min(n, count))
    for k in range(shingles):
        sketches[sampled] = np.uint32(buffer[k] >> np.uint64(32))
        sampled += np.int64(buffer[k] % np.uint64(SAMPLE) == 0)
    _update(row, buffer, shingles, a, b)
    buffer[: len(last)] = last
    return sampled


@nb.njit(nogil=True)
def _distinct(values, start, end):  # type: ignore[no-untyped-def]
    """Sorts values[start:end] and keeps each value once, in place: where they end now."""
    values[start:end].sort()
    used = start
    for k in range(start, end):
        if k == start or values[k] != values[used - 1]:
            values[used] = values[k]
            used += 1
    return used


@nb.njit(nogil=True)
def _update(row, shingles, count, a, b):  # type: ignore[no-untyped-def]
    """Takes shingles into a signature: the murmur finisher of 32 bits, then the least value under every permutation."""
    for s in range(count):
        h = np.uint32(shingles[s] >> np.uint64(32))
        h = np.uint32(np.uint32(h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B))
        h = np.uint32(np.uint32(h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35))
        h = np.uint32(h ^ (h >> np.uint32(16)))
        for k in range(len(a)):
            row[k] = min(row[k], np.uint32(a[k] * h + b[k]))


@nb.njit(cache=True, nogil=True)
def _content_hashes(data, offsets):  # type: ignore[no-untyped-def]
    out = np.zeros((len(offsets) - 1, 2), np.uint64)
    for t in range(len(offsets) - 1):
        i, end = np.int64(offsets[t]), np.int64(offsets[t + 1])
        a, b = step_a(SEED_A, np.uint64(end - i)), step_b(SEED_B, np.uint64(end - i))
        while i + 8 <= end:
            chunk = load64(data, i)
            a, b = step_a(a, chunk), step_b(b, chunk)
            i += 8
        rest = np.uint64(0)
        while i < end:
            rest = (rest << np.uint64(8)) | np.uint64(data[i])
            i += 1
        a, b = step_a(a, rest), step_b(b, rest)
        out[t, 0], out[t, 1] = finish(a), finish(b)
    return out
