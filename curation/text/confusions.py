"""What may a recogniser have been shown when it wrote this? A search, letter by letter, over the confusions that it is known for.

The noisy channel of M. Kernighan, K. Church and W. Gale ("A Spelling Correction Program Based on a Noisy Channel Model", COLING 1990): a reading costs the bits of its
confusions and the bits that the lexicon asks for it. The search keeps the `BEAM` cheapest beginnings at each character, judged by the character model, so that
forms that no list holds are found too.
"""

from __future__ import annotations

from typing import NamedTuple

import numba as nb
import numpy as np

from curation.text.char_model import ORDER, STEPS, next_cost, word_steps
from curation.text.hashing import SEED_A, step_a
from curation.text.lexicon import FREQUENCY_STEPS, UNLISTED, _frequency
from curation.text.unicode import LETTER, MARK, TABLE_SIZE

BEAM = 32
"""Beginnings kept."""

READINGS = 6
"""Readings given for a string."""

MOST_CONFUSIONS = 6
"""Confusions in one string."""

LONGEST = 40
"""Characters of a string that is looked at."""


class Arcs(NamedTuple):
    """Confusions, sorted by the first character seen; those where nothing is seen come first."""

    rows: np.ndarray
    """int16 per code point: its row in `firsts`, 0 where no confusion begins with it."""
    firsts: np.ndarray
    """int32: the arcs of row r are [firsts[r], firsts[r + 1]); row 0 are those where nothing is seen."""
    seen: np.ndarray
    """uint32 [arcs, 2], 0 where there is no character."""
    true: np.ndarray
    """uint32 [arcs, 2]."""
    costs: np.ndarray
    """float32, bits."""


def arcs(confusions: list[tuple[str, str, float]]) -> Arcs:
    """Tables of (what was shown, what was seen, bits), each of at most two characters, folded. What was seen may be nothing.

    The order of the arcs is that of `ordered`.
    """
    table = ordered(confusions)
    rows = np.zeros(TABLE_SIZE, np.int16)
    firsts = [0]
    for place, (_, seen, _) in enumerate(table):
        if seen and not rows[ord(seen[0])]:
            rows[ord(seen[0])] = len(firsts)
            firsts.append(place)
    firsts.append(len(table))
    pair = [
        [(*map(ord, string), 0, 0)[:2] for string in strings]
        for strings in ([seen for _, seen, _ in table], [true for true, _, _ in table])
    ]
    return Arcs(
        rows,
        np.array(firsts, np.int32),
        np.array(pair[0], np.uint32).reshape(-1, 2),
        np.array(pair[1], np.uint32).reshape(-1, 2),
        np.array([bits for _, _, bits in table], np.float32),
    )


def ordered(confusions: list[tuple[str, str, float]]) -> list[tuple[str, str, float]]:
    """The confusions in the order of their tables."""
    return sorted(confusions, key=lambda c: (c[1][:1], c[1], c[0]))


@nb.njit(cache=True, nogil=True)
def string_cost(tables, word):  # type: ignore[no-untyped-def]
    """Bits of a string, folded: of its characters with its signs, but of each of its words as the lexicon has it."""
    n = len(word)
    codes = np.empty(n, np.uint8)
    for k in range(n):
        codes[k] = tables.codes[word[k]]
    bits = word_steps(tables.chars, codes, 0, n) / STEPS
    first = 0
    for k in range(n + 1):
        if k < n and tables.kinds[word[k]] & (LETTER | MARK):
            continue
        if k > first:
            packed = _frequency(tables, word[first:k])
            if not packed:
                bits -= np.log2(UNLISTED)
            else:
                alone = word_steps(tables.chars, codes[first:k], 0, k - first) / STEPS
                listed = 2.0 ** (packed / FREQUENCY_STEPS - 10) / 1e6
                bits += -np.log2((1 - UNLISTED) * listed + UNLISTED * 2.0**-alone) - alone
        first = k + 1
    return bits


@nb.njit(nogil=True)
def _push(place, end, costs, histories, hashes, arcs_of, froms, cost, history, h, arc, origin):  # type: ignore[no-untyped-def]
    """Keeps a beginning that ends at this place, when it is among the cheapest; `end` is how many there are, the new number is given back."""
    worst, highest = -1, -1.0
    for k in range(end):
        if hashes[place, k] == h:
            worst, highest = k, costs[place, k]
            break
        if costs[place, k] > highest:
            worst, highest = k, costs[place, k]
    same = end > 0 and worst >= 0 and hashes[place, worst] == h
    if same:
        if cost >= highest:
            return end
        slot = worst
    elif end < BEAM:
        slot = end
        end += 1
    elif cost < highest:
        slot = worst
    else:
        return end
    costs[place, slot], histories[place, slot], hashes[place, slot] = cost, history, h
    arcs_of[place, slot], froms[place, slot] = arc, origin
    return end


@nb.njit(cache=True, nogil=True)
def readings(tables, arcs, seen):  # type: ignore[no-untyped-def]
    """(how many, lengths, readings [k, 2 * LONGEST + 2], their confusions [k, MOST_CONFUSIONS] and where, -1 for none, bits of the lexicon) of a folded string.

    The first is the string itself; the others are the cheapest, in no order.
    """
    n = len(seen)
    room = 2 * LONGEST + 2
    costs, histories = np.empty((n + 1, BEAM)), np.empty((n + 1, BEAM), np.uint64)
    hashes, arcs_of = np.empty((n + 1, BEAM), np.uint64), np.empty((n + 1, BEAM), np.int32)
    froms, used = np.empty((n + 1, BEAM), np.int32), np.zeros(n + 1, np.int32)
    lengths_of, edits_of = np.zeros((n + 1, BEAM), np.int32), np.zeros((n + 1, BEAM), np.int32)
    costs[0, 0], histories[0, 0], hashes[0, 0], arcs_of[0, 0], froms[0, 0] = 0.0, np.uint64(0), SEED_A, -1, -1
    used[0] = 1
    for place in range(n + 1):
        k = 0
        while k < used[place]:
            cost, history, h = costs[place, k], histories[place, k], hashes[place, k]
            length, edits, own = lengths_of[place, k], edits_of[place, k], arcs_of[place, k]
            row = np.int64(arcs.rows[seen[place]]) if place < n else 0
            for part in range(3):
                if part == 0:
                    first, end = (-1, 0) if place < n else (0, 0)
                elif part == 1:
                    first, end = (arcs.firsts[row], arcs.firsts[row + 1]) if row else (0, 0)
                else:
                    inserted = own >= 0 and arcs.seen[own, 0] == 0
                    first, end = (0, 0) if inserted or place == 0 else (arcs.firsts[0], arcs.firsts[1])
                for arc in range(first, end):
                    if arc >= 0 and edits >= MOST_CONFUSIONS:
                        break
                    step = 1
                    if arc >= 0:
                        step = 0 if arcs.seen[arc, 0] == 0 else 1
                        if arcs.seen[arc, 1]:
                            if place + 1 >= n or seen[place + 1] != arcs.seen[arc, 1]:
                                continue
                            step = 2
                    more, next_history, next_hash, size = cost, history, h, length
                    if arc >= 0:
                        more += arcs.costs[arc]
                    for c in range(2):
                        point = seen[place] if arc < 0 else arcs.true[arc, c]
                        if (arc < 0 and c) or not point:
                            break
                        code = tables.codes[point]
                        more += next_cost(tables.chars, next_history, min(size + 1, ORDER), code) / STEPS
                        next_history = (next_history << np.uint64(6)) | np.uint64(code)
                        next_hash = step_a(next_hash, point)
                        size += 1
                    before = used[place + step]
                    used[place + step] = _push(
                        place + step, before, costs, histories, hashes, arcs_of, froms, more, next_history, next_hash, arc, (k << 8) | step
                    )
                    for s in range(used[place + step]):
                        if hashes[place + step, s] == next_hash and costs[place + step, s] == more:
                            lengths_of[place + step, s], edits_of[place + step, s] = size, edits + (arc >= 0)
                            break
            k += 1
    order = np.argsort(costs[n, : used[n]])
    texts, sizes = np.zeros((READINGS + 1, room), np.uint32), np.zeros(READINGS + 1, np.int32)
    confusions, spots = np.full((READINGS + 1, MOST_CONFUSIONS), -1, np.int32), np.zeros((READINGS + 1, MOST_CONFUSIONS), np.int32)
    bits = np.zeros(READINGS + 1)
    texts[0, :n], sizes[0] = seen, n
    bits[0] = string_cost(tables, seen)
    found = 1
    for rank in range(used[n]):
        if found > READINGS:
            break
        k, place, size, e = np.int64(order[rank]), n, lengths_of[n, order[rank]], 0
        if edits_of[n, k] == 0:
            continue
        sizes[found] = size
        while froms[place, k] >= 0:
            arc, origin = arcs_of[place, k], froms[place, k]
            step = origin & 0xFF
            if arc < 0:
                size -= 1
                texts[found, size] = seen[place - 1]
            else:
                for c in range(1, -1, -1):
                    if arcs.true[arc, c]:
                        size -= 1
                        texts[found, size] = arcs.true[arc, c]
                if e < MOST_CONFUSIONS:
                    confusions[found, e], spots[found, e] = arc, place - step
                e += 1
            place, k = place - step, origin >> 8
        bits[found] = string_cost(tables, texts[found, : sizes[found]])
        found += 1
    return found, sizes, texts, confusions, spots, bits
