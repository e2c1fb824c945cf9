"""Unigram pieces (Kudo 2018, 1804.10959): of many candidates those by which the words of a sample are likeliest, in one thread and the same on every run.

The trainer of `tokenizers` adds up floating-point numbers in the order of a hash map, and of pieces that are worth the same it drops now one, now another: on the
demo corpus two runs differed in their pieces (0.23.3). Here candidates are the pieces of byte-pair encoding, SEEDS times as many as are wanted; then, as in the
paper, expected counts are estimated over all ways to cut each word, and the quarter whose loss costs least is dropped, until enough are gone.
"""

from __future__ import annotations

from collections import Counter

import numba as nb
import numpy as np

from modeling.tokenizer.pieces import learn
from modeling.tokenizer.sample import WEIGHT_UNIT

SEEDS = 8
KEPT = 0.75
ROUNDS = 2
"""Estimations before each dropping."""
GONE = -1e30
_BASE = np.int64(0x1E3779B97F4A7C15)


def likely_pieces(words: Counter[str], singles: list[str], wanted: int) -> list[tuple[str, float]]:
    """`wanted` pieces and their natural log probabilities, the likeliest first, with every one of `singles`; fewer where the words hold no more."""
    seeds = learn(words, list, singles, SEEDS * wanted).vocabulary
    number = {piece: place for place, piece in enumerate(singles)}
    ordered = sorted(words)
    counts = np.array([words[word] / WEIGHT_UNIT for word in ordered])
    names = nb.typed.Dict.empty(nb.int64, nb.int64)
    symbols, starts = flat(seeds, number)
    name_pieces(symbols, starts, names)
    longest = int(np.diff(starts).max())
    own = (symbols, starts, *lattice(symbols, starts, names, longest))
    text, places = flat(ordered, number)
    ways = (places, *lattice(text, places, names, longest))
    fixed = np.arange(len(seeds)) < len(singles)
    alive = np.ones(len(seeds), np.bool_)
    scores = np.full(len(seeds), -np.log(len(seeds)))
    while True:
        for _ in range(ROUNDS):
            expected = expected_counts(*ways, counts, scores)
            scores = _scores(expected, alive)
        if alive.sum() <= wanted:
            break
        loss = np.where(alive, expected, 0) * (scores - best_without(own[1], *own[2:], scores))
        order = np.lexsort((np.arange(len(seeds)), -np.where(fixed, np.inf, np.where(alive, loss, -np.inf))))
        alive[order[max(wanted, int(KEPT * alive.sum())) :]] = False
        scores = np.where(alive, scores, GONE)
    kept = np.flatnonzero(alive)
    return sorted(((seeds[place], float(scores[place])) for place in kept), key=lambda one: (-one[1], one[0]))


def flat(words: list[str], number: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """Words as symbols, one after another, and where each begins."""
    starts = np.cumsum([0, *map(len, words)], dtype=np.int64)
    return np.fromiter((number[c] for word in words for c in word), np.int32, int(starts[-1])), starts


def _scores(expected: np.ndarray, alive: np.ndarray) -> np.ndarray:
    counts = np.where(alive, np.maximum(expected, 1e-3), 0)
    return np.where(alive, np.log(np.maximum(counts, 1e-300) / counts.sum()), GONE)


@nb.njit(cache=True, nogil=True)
def name_pieces(symbols, starts, names):  # type: ignore[no-untyped-def]
    """Fill `names`: the number of each piece by the hash of its symbols."""
    for piece in range(len(starts) - 1):
        name = np.int64(0)
        for i in range(starts[piece], starts[piece + 1]):
            name = name * _BASE + symbols[i] + 1
        names[name] = piece


@nb.njit(cache=True, nogil=True)
def lattice(symbols, starts, names, longest):  # type: ignore[no-untyped-def]
    """Every piece in every word: by the place where it ends (`firsts[place]` to `firsts[place + 1]`), where it begins in the word, and its number."""
    firsts = np.zeros(len(symbols) + 1, np.int64)
    begins = np.empty(4 * len(symbols) + 16, np.uint8)
    pieces = np.empty(4 * len(symbols) + 16, np.int32)
    found = 0
    for w in range(len(starts) - 1):
        for end in range(starts[w], starts[w + 1]):
            name, power = np.int64(0), np.int64(1)
            for begin in range(end, max(starts[w], end - longest + 1) - 1, -1):
                name += (symbols[begin] + 1) * power
                power *= _BASE
                if name in names:
                    if found == len(begins):
                        wider, more = np.empty(2 * found, np.uint8), np.empty(2 * found, np.int32)
                        wider[:found], more[:found] = begins, pieces
                        begins, pieces = wider, more
                    begins[found], pieces[found] = begin - starts[w], names[name]
                    found += 1
            firsts[end + 1] = found
    return firsts, begins[:found], pieces[:found]


@nb.njit(cache=True, nogil=True)
def expected_counts(starts, firsts, begins, pieces, counts, scores):  # type: ignore[no-untyped-def]
    """How often each piece is expected, over all ways to cut each word weighed by their probability."""
    expected = np.zeros(len(scores))
    forward, backward = np.empty(256), np.empty(256)
    for w in range(len(starts) - 1):
        length = starts[w + 1] - starts[w]
        forward[1 : length + 1] = GONE
        backward[:length] = GONE
        forward[0] = backward[length] = 0.0
        for end in range(1, length + 1):
            for e in range(firsts[starts[w] + end - 1], firsts[starts[w] + end]):
                forward[end] = _added(forward[end], forward[begins[e]] + scores[pieces[e]])
        for end in range(length, 0, -1):
            for e in range(firsts[starts[w] + end - 1], firsts[starts[w] + end]):
                backward[begins[e]] = _added(backward[begins[e]], backward[end] + scores[pieces[e]])
        for end in range(1, length + 1):
            for e in range(firsts[starts[w] + end - 1], firsts[starts[w] + end]):
                share = forward[begins[e]] + scores[pieces[e]] + backward[end] - forward[length]
                if share > -50:
                    expected[pieces[e]] += counts[w] * np.exp(share)
    return expected


@nb.njit(cache=True, nogil=True)
def best_without(starts, firsts, begins, pieces, scores):  # type: ignore[no-untyped-def]
    """The log probability of the best way to write each piece with others."""
    out = np.empty(len(scores))
    best = np.empty(256)
    for w in range(len(starts) - 1):
        length = starts[w + 1] - starts[w]
        best[0] = 0.0
        best[1 : length + 1] = GONE
        for end in range(1, length + 1):
            for e in range(firsts[starts[w] + end - 1], firsts[starts[w] + end]):
                if pieces[e] != w:
                    best[end] = max(best[end], best[begins[e]] + scores[pieces[e]])
        out[w] = best[length]
    return out


@nb.njit(inline="always")
def _added(a, b):  # type: ignore[no-untyped-def]
    """log(exp(a) + exp(b))"""
    high, low = max(a, b), min(a, b)
    return high if high - low > 40 else high + np.log1p(np.exp(low - high))
