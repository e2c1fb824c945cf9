"""Byte-pair encoding: which pieces a vocabulary of a given size should have (Sennrich et al. 2016), in one thread and the same on every run.

`tokenizers` has trainers too, but numbers the letters that continue a word in the order of a hash map: the same text twice gave two WordPiece vocabularies
that differ in their pieces (tokenizers 0.23.3, with one thread as well). Its counts are 32 bits wide, too, and its words can't have weights.
"""

from __future__ import annotations

import heapq

import numba as nb
import numpy as np

_BASE = np.int64(0x1E3779B97F4A7C15)
_SPREAD = np.int64(0x56E8FEB86659FD93)


@nb.njit(cache=True, nogil=True)
def merged_pairs(symbols, starts, counts, known, wanted, least):  # type: ignore[no-untyped-def]  # noqa: PLR0912, PLR0915 - a kernel is one loop
    """The pairs to merge, in order: int32 of shape (n, 3), the two symbols and what they become.

    `symbols` (int32) are the words, one after another, word w from `starts[w]` to `starts[w + 1]`; it is overwritten. `counts` (int64) says how often each
    word stands in the text. Symbols below `known` are there beforehand; `wanted` new ones are made, unless no pair is left that stands `least` times.
    The pair that is most frequent goes first, of several the one with the lower numbers. Two ways to the same string give the same symbol.
    """
    words = len(counts)
    lengths = (starts[1:] - starts[:-1]).astype(np.int32)
    slots = nb.typed.Dict.empty(nb.int64, nb.int64)  # of each pair: its place in the arrays below
    capacity = 1 << 16
    pairs = np.empty(capacity, np.int64)
    totals = np.zeros(capacity, np.int64)  # how often the pair stands in the text
    heads = np.full(capacity, -1, np.int64)  # its last note; a note is a word that has, or had, the pair, and the note before it
    stamps = np.zeros(capacity, np.int64)  # the last merge that made some of it
    used = 0
    noted = np.empty(len(symbols) + 16, np.int32)
    before = np.empty(len(symbols) + 16, np.int64)
    notes = 0

    hashes = np.empty(known + wanted, np.int64)
    powers = np.empty(known + wanted, np.int64)
    names = nb.typed.Dict.empty(nb.int64, nb.int64)  # symbols by the hash of their string
    for s in range(known):
        hashes[s] = (s + 1) * _SPREAD
        hashes[s] ^= hashes[s] >> 29
        powers[s] = _BASE
        names[hashes[s]] = s

    for w in range(words):
        first = starts[w]
        for i in range(first, first + lengths[w] - 1):
            key = np.int64(symbols[i]) << 32 | np.int64(symbols[i + 1])
            if key in slots:
                slot = slots[key]
            else:
                if used == capacity:
                    pairs, totals, heads, stamps = _doubled(pairs, 0), _doubled(totals, 0), _doubled(heads, -1), _doubled(stamps, 0)
                    capacity *= 2
                slot = used
                slots[key] = slot
                pairs[slot] = key
                used += 1
            totals[slot] += counts[w]
            if heads[slot] < 0 or noted[heads[slot]] != w:
                noted[notes], before[notes], heads[slot] = w, heads[slot], notes
                notes += 1

    heap = [(-totals[slot], pairs[slot], slot) for slot in range(used)]
    heapq.heapify(heap)
    out = np.empty((2 * wanted + 16, 3), np.int32)
    merges = 0
    made = 0
    grown = np.empty(1024, np.int64)  # pairs that the merge at hand makes
    while heap and made < wanted:
        total, key, slot = heapq.heappop(heap)
        if -total != totals[slot]:  # an old note of this pair: what it counts now is pushed where it fell
            if -total > totals[slot] >= least:
                heapq.heappush(heap, (-totals[slot], key, slot))
            continue
        if totals[slot] < least:
            break
        a, b = np.int32(key >> 32), np.int32(key & 0xFFFFFFFF)
        name = hashes[a] * powers[b] + hashes[b]
        if name in names:
            c = np.int32(names[name])
        else:
            c = np.int32(known + made)
            names[name] = known + made
            hashes[c] = name
            powers[c] = powers[a] * powers[b]
            made += 1
        if merges == len(out):
            break
        out[merges, 0], out[merges, 1], out[merges, 2] = a, b, c
        merges += 1
        note = heads[slot]
        heads[slot] = -1
        new_pairs = 0
        while note >= 0:
            w = noted[note]
            note = before[note]
            first, end = starts[w], starts[w] + lengths[w]
            has = False
            for i in range(first, end - 1):
                if symbols[i] == a and symbols[i + 1] == b:
                    has = True
                    break
            if not has:
                continue
            for i in range(first, end - 1):
                totals[slots[np.int64(symbols[i]) << 32 | np.int64(symbols[i + 1])]] -= counts[w]
            to = i = first
            while i < end:
                if i + 1 < end and symbols[i] == a and symbols[i + 1] == b:
                    symbols[to] = c
                    i += 2
                else:
                    symbols[to] = symbols[i]
                    i += 1
                to += 1
            lengths[w] = to - first
            for i in range(first, to - 1):
                key = np.int64(symbols[i]) << 32 | np.int64(symbols[i + 1])
                if symbols[i] != c and symbols[i + 1] != c:
                    totals[slots[key]] += counts[w]
                    continue
                if key in slots:
                    new = slots[key]
                else:
                    if used == capacity:
                        pairs, totals, heads, stamps = _doubled(pairs, 0), _doubled(totals, 0), _doubled(heads, -1), _doubled(stamps, 0)
                        capacity *= 2
                    new = np.int64(used)
                    slots[key] = new
                    pairs[new] = key
                    used += 1
                totals[new] += counts[w]
                if stamps[new] != merges:
                    stamps[new] = merges
                    if new_pairs == len(grown):
                        grown = _doubled(grown, 0)
                    grown[new_pairs] = new
                    new_pairs += 1
                if heads[new] < 0 or noted[heads[new]] != w:
                    if notes == len(noted):
                        noted, before = _doubled(noted, 0), _doubled(before, -1)
                    noted[notes], before[notes], heads[new] = w, heads[new], notes
                    notes += 1
        for new in grown[:new_pairs]:
            if totals[new] >= least:
                heapq.heappush(heap, (-totals[new], pairs[new], new))
    return out[:merges]


@nb.njit(cache=True, nogil=True)
def _doubled(array, filling):  # type: ignore[no-untyped-def]
    wider = np.full(2 * len(array), filling, array.dtype)
    wider[: len(array)] = array
    return wider
