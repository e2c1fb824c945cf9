"""Fitting documents into rows, in linear time: counts of lengths first, and only then which document goes where.

A document (each of its copies) that is longer than a row is cut into rows; what remains of it, and every shorter document, is an *item*. Items are placed by best fit in
decreasing order of length. Where lengths do not fit together (documents of 300 ids in rows of 512), the emptiest rows are then taken apart and their items cut to fill
the largest gaps, until FILL of all places are taken. Copies of one document go to different rows, as far as there are enough: of log-normal lengths around 150, one piece
in 500 stands in one row of 512 with a copy of it.
"""

from __future__ import annotations

from typing import NamedTuple

import numba as nb
import numpy as np

FILL = 0.995
"""Share of places taken at which no more items are cut. Real text gets there without a cut: 0.9996 of 128 places, 0.9998 of 512 (benchmarks/speed/tokens.py)."""
LEAST = 8
"""Ids that a gap must have room for to be filled by cutting: shorter pieces teach nothing."""


class Pieces(NamedTuple):
    """Piece p holds `counts[p]` ids of document `documents[p]` from `begins[p]` on; row r has the pieces `firsts[r]` to `firsts[r + 1]`."""

    firsts: np.ndarray
    begins: np.ndarray
    counts: np.ndarray
    documents: np.ndarray


def fitted(offsets: np.ndarray, copies: np.ndarray, length: int, marks: int, shortest: int = 1) -> Pieces:
    """Lay documents (`offsets` as in a store) out in rows of `length`; each piece needs `marks` places besides its ids. No pieces where there are no ids.

    A cut leaves at least `shortest` ids (1 or 2) behind it.
    """
    items = _items(offsets, copies, length - marks, shortest)
    if not len(items.counts):
        return Pieces(np.zeros(1, np.int64), *items)
    by_length = np.bincount(items.counts, minlength=length - marks + 1)
    row_of = _best_fit(by_length, length, marks)
    item_of = _dealt(*_grouped(items.counts, len(by_length)), row_of)
    return _filled(items, item_of, _cut_to_fill(row_of, by_length, length, marks, shortest))


class _Items(NamedTuple):
    """What is to be placed: `counts` ids of `documents` from `begins` on. Copies of one document stand together."""

    begins: np.ndarray
    counts: np.ndarray
    documents: np.ndarray


class _Places(NamedTuple):
    """Where it is placed, before anyone knows what: part of a *slot*, which is a place for an item of some length. Part p takes `counts[p]` ids of its slot's
    item from `starts[p]` on to row `rows[p]`. Slots are numbered in order of length; most have one part."""

    slots: np.ndarray
    starts: np.ndarray
    counts: np.ndarray
    rows: np.ndarray


def _items(offsets: np.ndarray, copies: np.ndarray, room: int, shortest: int) -> _Items:
    total = int((-(-np.diff(offsets) // room) * copies.astype(np.int64)).sum())
    items = _Items(np.empty(total, np.int64), np.empty(total, np.int32), np.empty(total, np.uint32))
    _cut_documents(offsets, copies, room, shortest, *items)
    return items


@nb.njit(cache=True, nogil=True)
def _cut_documents(offsets, copies, room, shortest, begins, counts, documents):  # type: ignore[no-untyped-def]
    n = 0
    for d in range(len(copies)):
        begin, end = offsets[d], offsets[d + 1]
        while begin < end:
            count = _cut(end - begin, room, shortest)
            for _ in range(copies[d]):
                begins[n], counts[n], documents[n] = begin, count, d
                n += 1
            begin += count


@nb.njit(cache=True, nogil=True, inline="always")
def _cut(left, room, shortest):  # type: ignore[no-untyped-def]
    """How many of the ids that are left go where there is room for some: all that fit, or fewer, so that a rest is not too short."""
    count = min(left, room)
    rest = left - count
    return count - (shortest - rest) if 0 < rest < shortest else count


@nb.njit(cache=True, nogil=True)
def _best_fit(by_length, length, marks):  # type: ignore[no-untyped-def]
    """Row (int64) of every slot, slots in decreasing order of length. Rows with the same room left form a stack; a bit set says which stacks hold any."""
    total = by_length.sum()
    row_of = np.empty(total, np.int64)
    below = np.empty(total, np.int64)  # the row under each row in its stack
    top = np.full(length + 1, -1, np.int64)
    held = np.zeros((length >> 6) + 1, np.uint64)
    one = np.uint64(1)
    rows = slot = 0
    for count in range(len(by_length) - 1, 0, -1):
        need = count + marks
        for _ in range(by_length[count]):
            word, room = need >> 6, -1
            left = held[word] >> np.uint64(need & 63) << np.uint64(need & 63)
            while left == 0 and word + 1 < len(held):
                word += 1
                left = held[word]
            if left != 0:
                room = word << 6
                while (left & one) == 0:
                    left >>= one
                    room += 1
                row = top[room]
                top[room] = below[row]
                if top[room] < 0:
                    held[room >> 6] &= ~(one << np.uint64(room & 63))
            else:
                row, room = rows, length
                rows += 1
            row_of[slot] = row
            slot += 1
            room -= need
            below[row] = top[room]
            top[room] = row
            held[room >> 6] |= one << np.uint64(room & 63)
    return row_of


def _cut_to_fill(row_of: np.ndarray, by_length: np.ndarray, length: int, marks: int, shortest: int) -> _Places:
    counts = np.repeat(np.arange(len(by_length))[::-1], by_length[::-1])
    taken = np.bincount(row_of, counts + marks).astype(np.int64)
    emptiest = np.argsort(taken.astype(np.uint16), kind="stable")
    firsts, members = _grouped(row_of, len(taken))
    room = (length - taken)[emptiest]
    slots, starts, parts, rows, gone = _take_apart(
        row_of, counts, length - taken, emptiest, firsts, members, length, marks, shortest, int(_spare(room, marks))
    )
    renumbered = np.cumsum(~gone) - 1
    return _Places(slots, starts, parts, renumbered[rows])


def _spare(room: np.ndarray, marks: int) -> np.int64:
    """Ids that fit into the gaps worth filling."""
    return (room[room >= marks + LEAST] - marks).sum()


@nb.njit(cache=True, nogil=True)
def _take_apart(row_of, lengths, room, emptiest, firsts, members, length, marks, shortest, spare):  # type: ignore[no-untyped-def]
    """Take apart the emptiest rows, one after the other, and fill the gaps of the next emptiest with what was in them. A row that got some is not taken apart.

    A row is taken apart only if the gaps hold all of it: besides its ids, each item costs the marks of a further part, and may leave a gap too small to go on with
    (under LEAST ids, and one that it did not take lest its rest be too short), as may what came before.
    """
    rows, total = len(room), len(row_of)
    slots, starts = np.empty(total + rows, np.int64), np.empty(total + rows, np.int32)
    counts, places = np.empty(total + rows, np.int32), np.empty(total + rows, np.int64)
    gone = np.zeros(rows, np.bool_)
    kept, used = rows, (length - room).sum()
    n, this, gap = 0, 0, 1
    while this < rows and used < FILL * kept * length:
        row = emptiest[this]
        if room[row] < marks + LEAST:
            break
        own = members[firsts[row] : firsts[row + 1]]
        need = LEAST
        for slot in own:
            need += lengths[slot] + marks + LEAST
        if need > spare - (room[row] - marks):
            break
        spare -= room[row] - marks
        gone[row] = True
        kept -= 1
        used -= length - room[row]
        for slot in own:
            start = 0
            while start < lengths[slot]:
                target = emptiest[gap]
                if gone[target]:
                    gap += 1
                    continue
                if room[target] < marks + LEAST:
                    spare -= max(room[target] - marks, 0)
                    gap += 1
                    continue
                count = _cut(lengths[slot] - start, room[target] - marks, shortest)
                slots[n], starts[n], counts[n], places[n] = slot, start, count, target
                n += 1
                start += count
                used += count + marks
                spare -= room[target] - marks
                room[target] -= count + marks
                spare += max(room[target] - marks, 0)
        this = gap + 1
    for slot in range(total):
        if not gone[row_of[slot]]:
            slots[n], starts[n], counts[n], places[n] = slot, 0, lengths[slot], row_of[slot]
            n += 1
    return slots[:n], starts[:n], counts[:n], places[:n], gone


def _filled(items: _Items, item_of: np.ndarray, places: _Places) -> Pieces:
    """The pieces, row after row: items put into the slots of their length."""
    firsts, order = _grouped(places.rows, int(places.rows.max()) + 1)
    item = item_of[places.slots[order]]
    return Pieces(firsts, items.begins[item] + places.starts[order], places.counts[order], items.documents[item])


@nb.njit(cache=True, nogil=True)
def _dealt(firsts, members, row_of):  # type: ignore[no-untyped-def]
    """Item of every slot. Among the slots of one length the first of each row come first, then the second of each row, and so on: items that stand together, as
    copies of one document do, then get different rows, unless there are fewer."""
    item_of = np.empty(len(members), np.int64)
    last, times = np.full(len(row_of), -1, np.int64), np.zeros(len(row_of), np.int64)
    slot = 0
    for count in range(len(firsts) - 2, -1, -1):
        first, n = firsts[count], firsts[count + 1] - firsts[count]
        level, highest = np.empty(n, np.int64), 0
        for i in range(n):
            row = row_of[slot + i]
            if last[row] != count:
                last[row], times[row] = count, 0
            level[i] = times[row]
            times[row] += 1
            highest = max(highest, level[i])
        _, order = _grouped(level, highest + 1)
        for i in range(n):
            item_of[slot + order[i]] = members[first + i]
        slot += n
    return item_of


@nb.njit(cache=True, nogil=True)
def _grouped(keys, n):  # type: ignore[no-untyped-def]
    """A counting sort: (where each key's members begin, members in order of key and then of place)."""
    firsts = np.zeros(n + 1, np.int64)
    for k in keys:
        firsts[k + 1] += 1
    for i in range(n):
        firsts[i + 1] += firsts[i]
    at, members = firsts[:-1].copy(), np.empty(len(keys), np.int64)
    for i in range(len(keys)):
        members[at[keys[i]]] = i
        at[keys[i]] += 1
    return firsts, members
