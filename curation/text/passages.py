"""Passages of some texts found in others: an index of n-grams, and a pass over a batch that looks every position up in it.

Tokens are those of shingles. An item of at least n tokens is indexed by all its runs of n, a shorter one (from `shortest` on) as a whole. Every
position is first asked for its next `shortest` tokens in a bitmap, which nearly always says no; so the index costs a pass over the text and little more.
"""

from __future__ import annotations

from typing import NamedTuple

import numba as nb
import numpy as np

from curation.text.hashing import SEED_A, SEED_B, finish, step_a
from curation.text.keyset import filled, place_of
from curation.text.shingles import ROLL, TOKENS, tokens_from, word_table
from curation.text.unicode import TABLE_SIZE, decode

BITS_PER_ENTRY = 32
"""Of the bitmap: one position in 32 asks the table for nothing."""


class Passages(NamedTuple):
    """An index: `table` holds the hashes (open addressing, 0 is empty), `gate` a bit for the beginning of each."""

    table: np.ndarray
    gate: np.ndarray
    lengths: np.ndarray
    """Lengths in tokens that occur, longest first (int64)."""
    shortest: int


def index_passages(data: np.ndarray, offsets: np.ndarray, fold: np.ndarray, n: int, shortest: int) -> Passages:
    """The index of these items; those of fewer than `shortest` tokens are left out."""
    words = word_table(fold)
    keys, gates, lengths = _keys(data, offsets, words, n, shortest)
    keys, gates = np.unique(keys), np.unique(gates)
    table = filled(keys, 1 << max(4, int(2 * len(keys)).bit_length()))
    gate = np.zeros(1 << max(6, int(len(gates) * BITS_PER_ENTRY // 8).bit_length()), np.uint8)
    places = gates & np.uint64(len(gate) * 8 - 1)
    np.bitwise_or.at(gate, (places >> np.uint64(3)).astype(np.int64), np.uint8(1) << (places & np.uint64(7)).astype(np.uint8))
    return Passages(table, gate, np.unique(lengths)[::-1].copy(), shortest)


def overlaps(data: np.ndarray, offsets: np.ndarray, fold: np.ndarray, index: Passages) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(positions at which an indexed passage begins, tokens inside such passages, tokens) per text, int64 each."""
    return _overlaps(data, offsets, word_table(fold), *index)


def passage_bytes(text: bytes, fold: np.ndarray, index: Passages) -> list[tuple[int, int]]:
    """Where one text overlaps with the index, as (first byte, end byte), in order, what touches joined."""
    data = np.frombuffer(text, np.uint8)
    words = word_table(fold)
    hashes, starts, ends = _placed_tokens(data, words)
    covered = _covered(hashes, index.table, index.lengths, index.shortest)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], covered, [False]]).astype(np.int8)))
    return [(int(starts[first]), int(ends[last - 1])) for first, last in edges.reshape(-1, 2)]


@nb.njit(nogil=True)
def _key(hashes, first, m):  # type: ignore[no-untyped-def]
    h = SEED_B ^ np.uint64(m)
    for k in range(first, first + m):
        h = h * ROLL + hashes[k]
    return finish(h) | np.uint64(1)  # never 0, which is an empty place


@nb.njit(nogil=True)
def _gate_hash(hashes, first, m):  # type: ignore[no-untyped-def]
    h = np.uint64(0)
    for k in range(first, first + m):
        h = h * ROLL + hashes[k]
    return finish(h)


@nb.njit(cache=True, nogil=True)
def _keys(data, offsets, words, n, shortest):  # type: ignore[no-untyped-def]
    keys, gates, used = np.empty(1024, np.uint64), np.empty(1024, np.uint64), 0
    lengths = np.zeros(len(offsets) - 1, np.int64)
    for t in range(len(offsets) - 1):
        i, end = np.int64(offsets[t]), np.int64(offsets[t + 1])
        hashes, count = np.empty((end - i) // 2 + 2, np.uint64), 0
        i, count = tokens_from(data, i, end, words, hashes, count)
        if count < shortest:
            lengths[t] = n
            continue
        m = min(n, count)
        lengths[t] = m
        if used + count > len(keys):
            keys = np.concatenate((keys, np.empty(len(keys) + count, np.uint64)))
            gates = np.concatenate((gates, np.empty(len(gates) + count, np.uint64)))
        for k in range(count - m + 1):
            keys[used] = _key(hashes, k, m)
            gates[used] = _gate_hash(hashes, k, shortest)
            used += 1
    return keys[:used].copy(), gates[:used].copy(), lengths


@nb.njit(nogil=True)
def _longest_at(hashes, k, count, table, lengths):  # type: ignore[no-untyped-def]
    """Tokens of the longest indexed passage that begins at token k; 0 for none."""
    for m in lengths:
        if k + m <= count and place_of(table, _key(hashes, k, m)) >= 0:
            return m
    return 0


@nb.njit(cache=True, nogil=True)
def _overlaps(data, offsets, words, table, gate, lengths, shortest):  # type: ignore[no-untyped-def]
    texts = len(offsets) - 1
    hits, inside, tokens = np.zeros(texts, np.int64), np.zeros(texts, np.int64), np.zeros(texts, np.int64)
    hashes, longest = np.empty(TOKENS, np.uint64), lengths[0] if len(lengths) else shortest
    mask = np.uint64(len(gate) * 8 - 1)
    top = np.uint64(1)
    for _ in range(shortest):
        top *= ROLL
    for t in range(texts):
        i, end, carried, before, until = np.int64(offsets[t]), np.int64(offsets[t + 1]), 0, 0, 0
        while i < end:
            i, count = tokens_from(data, i, end, words, hashes, carried)
            last = count - shortest + 1 if i >= end else count - longest + 1  # the rest is asked again with what follows it
            rolling = np.uint64(0)
            for k in range(min(shortest, count)):
                rolling = rolling * ROLL + hashes[k]
            for k in range(last):
                place = finish(rolling) & mask
                if gate[place >> np.uint64(3)] >> np.uint8(place & np.uint64(7)) & np.uint8(1):
                    m = _longest_at(hashes, k, count, table, lengths)
                    if m:
                        hits[t] += 1
                        inside[t] += max(0, before + k + m - max(until, before + k))
                        until = max(until, before + k + m)
                if k + shortest < count:
                    rolling = rolling * ROLL + hashes[k + shortest] - hashes[k] * top
            if i >= end:
                tokens[t] = before + count
            else:
                carried = count - last
                for k in range(carried):
                    hashes[k] = hashes[last + k]
                before += last
    return hits, inside, tokens


@nb.njit(cache=True, nogil=True)
def _placed_tokens(data, words):  # type: ignore[no-untyped-def]
    hashes = np.empty(len(data) // 2 + 2, np.uint64)
    starts, ends = np.empty(len(hashes), np.int64), np.empty(len(hashes), np.int64)
    count, i, end = 0, 0, len(data)
    h, start = SEED_A, -1
    while i < end:
        point, after = decode(data, i, end)
        folded = words[point] if point < TABLE_SIZE else point
        if folded:
            start = i if start < 0 else start
            h = step_a(h, folded)
        if start >= 0 and (not folded or after >= end):
            hashes[count], starts[count], ends[count] = finish(h), start, after if folded else i
            count += 1
            h, start = SEED_A, -1
        i = after
    return hashes[:count], starts[:count], ends[:count]


@nb.njit(cache=True, nogil=True)
def _covered(hashes, table, lengths, shortest):  # type: ignore[no-untyped-def]
    covered = np.zeros(len(hashes), np.bool_)
    for k in range(len(hashes) - shortest + 1):
        m = _longest_at(hashes, k, len(hashes), table, lengths)
        for covering in range(k, k + m):
            covered[covering] = True
    return covered
