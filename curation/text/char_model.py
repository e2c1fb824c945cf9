"""How many bits does a string cost, letter by letter? An n-gram model over the characters of one word, its signs included, hashed and packed.

Interpolated modified Kneser-Ney (S. Chen and J. Goodman, "An Empirical Study of Smoothing Techniques for Language Modeling", TR-10-98, Harvard 1998),
kept as in an ARPA file: an entry for each n-gram holds its probability, and what is left for shorter contexts when it is itself the context. The
mass of pruned n-grams is left there too. A word stands between two boundaries, so that nothing of its neighbours is known; the start is given.
"""

from __future__ import annotations

from typing import NamedTuple

import numba as nb
import numpy as np

from curation.text.marked import find_slot, first_slot
from curation.text.unicode import DIGIT, LETTER, TABLE_SIZE, kinds, scripts

ORDER = 6
"""Longest n-gram."""

STEPS = 12.0
"""Steps of a stored number per bit: 8 bits hold up to 21.25 bits in steps of 1/12."""

BITS = 20
"""Two to this power is the number of slots."""

LOAD = 0.8
"""Largest share of slots in use."""

PRUNED, LEAST = 4, 2
"""From this order on n-grams with a count below `LEAST` are left out."""

_DIGIT, _LATIN, _LETTER, _OTHER, _CODES = 60, 61, 62, 63, 64


class CharModel(NamedTuple):
    """The packed table: per slot a mark of its n-gram (uint16, 0 where empty), cost, and cost of falling back behind it (uint8, in `STEPS`)."""

    marks: np.ndarray
    costs: np.ndarray
    backs: np.ndarray


def char_codes(own: str, fold: np.ndarray) -> np.ndarray:
    """uint8 per code point: 1 to 59 for the characters of `own` in either case, 60 a digit, 61 and 62 another letter, of Latin or not, 63 all else; 0 is the boundary.

    Raises ValueError when `own` has more than 59 characters.
    """
    if len(own) >= _DIGIT:
        raise ValueError(f"{len(own)} characters with codes of their own: at most {_DIGIT - 1}")
    kind = kinds()
    codes = np.full(TABLE_SIZE, _OTHER, np.uint8)
    codes[kind & LETTER != 0] = _LETTER
    codes[scripts() == 1] = _LATIN
    codes[kind & DIGIT != 0] = _DIGIT
    for code, letter in enumerate(own, start=1):
        codes[fold == ord(letter)] = code
    return codes


@nb.njit(inline="always")
def _hash(key, order):  # type: ignore[no-untyped-def]
    """Of an n-gram, given as its codes in six bits each."""
    return key * np.uint64(8) + np.uint64(order)


@nb.njit(nogil=True)
def next_cost(model, history, length, code):  # type: ignore[no-untyped-def]
    """Cost, in steps, of a code after `length` codes of history (at most `ORDER` - 1 are used; six bits each, the latest lowest)."""
    marks, costs, backs = model
    total = np.int64(0)
    order = min(length, ORDER - 1)
    while order >= 0:
        context = history & ((np.uint64(1) << np.uint64(6 * order)) - np.uint64(1))
        slot = find_slot(marks, _hash((context << np.uint64(6)) | np.uint64(code), order + 1), BITS)
        if slot >= 0:
            return total + np.int64(costs[slot])
        slot = find_slot(marks, _hash(context, order), BITS) if order else -1
        if slot >= 0:
            total += np.int64(backs[slot])
        order -= 1
    return total + np.int64(6 * STEPS)


@nb.njit(nogil=True)
def word_steps(model, codes, first, end):  # type: ignore[no-untyped-def]
    """Cost, in steps, of the word codes[first:end] and the boundary after it."""
    total, history = np.int64(0), np.uint64(0)
    for k in range(first, end + 1):
        code = codes[k] if k < end else 0
        total += next_cost(model, history, k - first + 1, code)
        history = (history << np.uint64(6)) | np.uint64(code)
    return total


def train(words: list[np.ndarray], counts: np.ndarray) -> CharModel:
    """A model of these different words (codes, uint8), each with its count (int64). The same input gives the same bytes.

    Raises ValueError when there are more n-grams than the table holds.
    """
    grams = _grams(words, counts)
    stays = _stays(grams)
    kept: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    lower_keys, lower = np.arange(_CODES, dtype=np.uint64), np.full(_CODES, 1 / _CODES)
    for order, ((keys, adjusted), stay) in enumerate(zip(grams, stays, strict=True), start=1):
        shorter = np.searchsorted(lower_keys, keys & np.uint64((1 << (6 * max(order - 1, 1))) - 1))
        chance, contexts, backs = _smooth(keys, adjusted, stay, lower[shorter])
        if kept:
            _set_backs(kept[-1], contexts, backs)
        kept.append((keys[stay], chance[stay], np.ones(int(stay.sum()))))
        lower_keys, lower = keys, chance
    return _packed(kept)


def _grams(words: list[np.ndarray], counts: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """By order: (sorted n-grams, their counts, of the texts for the longest and those at a word's start, else of different characters before them)."""
    sizes = np.array([len(word) for word in words])
    zero = np.zeros(1, np.uint8)
    codes = np.concatenate([part for word in words for part in (word, zero)]).astype(np.uint64)
    ends = np.cumsum(sizes + 1)
    place = np.arange(len(codes)) - np.repeat(ends - sizes - 1, sizes + 1)  # place in the word, from 0
    weights = np.repeat(counts, sizes + 1)
    raw: list[tuple[np.ndarray, np.ndarray]] = []
    key, taken = codes.copy(), np.ones(len(codes), bool)
    for order in range(1, ORDER + 1):
        if order > 1:
            shifted = np.concatenate((np.zeros(order - 1, np.uint64), codes[: len(codes) - order + 1]))
            key = key | np.where(place >= order - 1, shifted, np.uint64(0)) << np.uint64(6 * (order - 1))
            taken = place >= order - 2  # the start counts as one character
        keys, inverse = np.unique(key[taken], return_inverse=True)
        raw.append((keys, np.bincount(inverse, weights=weights[taken]).astype(np.int64)))
    found = []
    for order, (keys, whole) in enumerate(raw, start=1):
        at_start = np.zeros(len(keys), bool) if order == 1 else (keys >> np.uint64(6 * (order - 1))) == 0
        adjusted = whole
        if order < ORDER:
            longer = raw[order][0] & np.uint64((1 << (6 * order)) - 1)
            different = np.zeros(len(keys), np.int64)
            np.add.at(different, np.searchsorted(keys, longer), 1)
            adjusted = np.where(at_start, whole, np.maximum(different, 1))
        found.append((keys, adjusted))
    return found


def _stays(grams: list[tuple[np.ndarray, np.ndarray]]) -> list[np.ndarray]:
    """By order, which n-grams are kept: the frequent, and those that are the context of a kept one."""
    stays: list[np.ndarray] = []
    contexts = np.zeros(0, np.uint64)
    for order in range(len(grams), 0, -1):
        keys, counts = grams[order - 1]
        stays.append((counts >= (LEAST if order >= PRUNED else 1)) | np.isin(keys, contexts))
        contexts = keys[stays[-1]] >> np.uint64(6)
    return stays[::-1]


def _smooth(keys: np.ndarray, counts: np.ndarray, stay: np.ndarray, lower: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(probability per n-gram, the contexts, what each leaves for shorter ones), given the probability of each n-gram without its first character."""
    ones, twos, threes, fours = (max(int((counts == k).sum()), 1) for k in (1, 2, 3, 4))
    unit = ones / (ones + 2 * twos)
    discounts = np.array([0.0, 1 - 2 * unit * twos / ones, 2 - 3 * unit * threes / twos, 3 - 4 * unit * fours / threes])
    discounts = np.clip(discounts, 0, np.arange(4) * 0.9)
    left = counts - discounts[np.minimum(counts, 3)]
    contexts, inverse = np.unique(keys >> np.uint64(6), return_inverse=True)
    totals = np.bincount(inverse, weights=counts)
    backs = 1 - np.bincount(inverse, weights=np.where(stay, left, 0.0)) / totals
    chance = np.where(stay, left, 0.0) / totals[inverse] + backs[inverse] * lower
    return chance, contexts, backs


def _set_backs(kept: tuple[np.ndarray, np.ndarray, np.ndarray], contexts: np.ndarray, backs: np.ndarray) -> None:
    """Writes what contexts leave into the entries of those that are kept."""
    keys, _, own = kept
    places = np.minimum(np.searchsorted(contexts, keys), len(contexts) - 1)
    found = contexts[places] == keys
    own[found] = backs[places[found]]


def _packed(kept: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> CharModel:
    total = sum(len(keys) for keys, _, _ in kept)
    if total > LOAD * (1 << BITS):
        raise ValueError(f"{total:,} n-grams are more than the table holds, {int(LOAD * (1 << BITS)):,}: give less text")
    size = 1 << BITS
    model = CharModel(np.zeros(size, np.uint16), np.zeros(size, np.uint8), np.zeros(size, np.uint8))
    for order, (keys, chance, backs) in enumerate(kept, start=1):
        costs = [np.clip(np.rint(-np.log2(np.maximum(p, 1e-12)) * STEPS), 0, 255).astype(np.uint8) for p in (chance, backs)]
        _put(model, keys, order, *costs)
    return model


@nb.njit(nogil=True)
def _put(model, keys, order, costs, backs):  # type: ignore[no-untyped-def]
    for k in range(len(keys)):
        slot, mark = first_slot(_hash(keys[k], order), BITS)
        while model[0][slot]:
            slot = (slot + 1) & (len(model[0]) - 1)
        model[0][slot], model[1][slot], model[2][slot] = mark, costs[k], backs[k]
