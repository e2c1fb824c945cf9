"""Packing: documents laid out in rows of one length, nothing lost, nothing doubled, hardly a place empty. How they are fitted together: `fitting`.

A *piece* is what stands in one row: [CLS], ids of one document, [SEP]. A document that is longer than a row is cut into several. To an encoder [SEP] is the end of
what it reads; to a decoder, which writes, it is the end of a document: of several pieces the last alone has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numba as nb
import numpy as np

from curation.errors import DollmaError
from modeling.tokens.fitting import fitted
from modeling.tokens.store import Split, Tokens

MIN_LENGTH, MAX_LENGTH = 16, 1 << 15


class Packed(NamedTuple):
    """Some rows. `ids` and `positions` (from 0 in each piece) are int64 [B, T]; `pieces` int32 [B, T] numbers the pieces of a row from 0, -1 is padding; `sources`
    int16 [B, P] says which source each piece is of, -1 where the row has fewer pieces than the one that has most."""

    ids: np.ndarray
    positions: np.ndarray
    pieces: np.ndarray
    sources: np.ndarray


@dataclass(frozen=True)
class Rows:
    """Rows of `length` places over the documents of a split.

    Piece p holds `counts[p]` ids of document `documents[p]` from `begins[p]` in `split.ids` on; row r has the pieces `firsts[r]` to `firsts[r + 1]`.
    `closed` says that every piece ends with [SEP]; otherwise that does which ends its document. `halves` leaves a place free behind each piece, for the [SEP] between
    its halves (`modeling.tokens.halves`).
    """

    split: Split
    length: int
    closed: bool
    halves: bool
    specials: tuple[int, int, int]
    firsts: np.ndarray
    begins: np.ndarray
    counts: np.ndarray
    documents: np.ndarray

    def __len__(self) -> int:
        return len(self.firsts) - 1

    @property
    def tokens(self) -> int:
        """Places taken in all rows, [CLS] and [SEP] counted: an epoch's real tokens."""
        ends = len(self.counts) if self.closed else int((self.begins + self.counts == self.split.offsets[1:][self.documents]).sum())
        return int(self.counts.sum()) + len(self.counts) * (1 + self.halves) + ends

    @property
    def fill(self) -> float:
        """Share of places taken."""
        return self.tokens / max(len(self) * self.length, 1)

    @property
    def most(self) -> int:
        """Pieces of the row that has most."""
        return int(np.diff(self.firsts).max())

    def text(self, indices: np.ndarray) -> int:
        """Tokens of text in the rows of these numbers: neither padding nor [CLS] nor [SEP]."""
        return int(_text(np.ascontiguousarray(indices, np.int64), self.firsts, self.counts))

    def batch(self, indices: np.ndarray) -> Packed:
        """The rows of these numbers. Raises IndexError for one that there is none of."""
        asked = np.ascontiguousarray(indices, np.int64)
        if asked.size and (asked.min() < 0 or asked.max() >= len(self)):
            raise IndexError(f"rows are 0 to {len(self) - 1}, asked for {asked.min()} to {asked.max()}")
        most = int((self.firsts[asked + 1] - self.firsts[asked]).max()) if asked.size else 0
        shape = (len(asked), self.length)
        packed = Packed(
            np.empty(shape, np.int64), np.empty(shape, np.int64), np.empty(shape, np.int32), np.empty((len(asked), most), np.int16)
        )
        held = self.split
        _lay_out(
            asked,
            self.firsts,
            self.begins,
            self.counts,
            self.documents,
            held.ids,
            held.offsets,
            held.source,
            np.array(self.specials),
            self.closed,
            self.halves,
            *packed,
        )
        return packed


def pack(tokens: Tokens, split: str, length: int, closed: bool = True, halves: bool = False) -> Rows:
    """Lay a split out in rows of `length`, with or without what `Rows` calls `closed` and `halves`. The same rows in every process: nothing is drawn. Documents without
    tokens have no piece; where an end or halves are wanted, a cut leaves no id alone.

    Raises DollmaError for a length out of [16, 32768] and a split that the store lacks or that has no tokens.
    """
    if not MIN_LENGTH <= length <= MAX_LENGTH:
        raise DollmaError(f"rows of {length} tokens: a row has {MIN_LENGTH} to {MAX_LENGTH:,}")
    held = tokens.split(split)
    offsets = np.asarray(held.offsets) if closed else _with_ends(held.offsets)
    laid = fitted(offsets, held.copies, length, 1 + closed + halves, 1 if closed and not halves else 2)
    if not len(laid.counts):
        raise DollmaError(f"{tokens.folder}: no tokens in {split}: give the recipe a larger mixture.{split}, or another split")
    if not closed:
        ends = laid.begins + laid.counts == offsets[1:][laid.documents]
        laid = laid._replace(begins=laid.begins - (offsets - held.offsets)[laid.documents], counts=laid.counts - ends)
    return Rows(held, length, closed, halves, (tokens.specials.pad, tokens.specials.cls, tokens.specials.sep), *laid)


def _with_ends(offsets: np.ndarray) -> np.ndarray:
    """Offsets as they would be if each document, but an empty one, had an end token among its ids."""
    return offsets + np.concatenate([[0], np.cumsum(np.diff(offsets) > 0)])


@nb.njit(cache=True, nogil=True)
def _text(rows, firsts, counts):  # type: ignore[no-untyped-def]
    total = 0
    for row in rows:
        for p in range(firsts[row], firsts[row + 1]):
            total += counts[p]
    return total


@nb.njit(cache=True, nogil=True)
def _lay_out(rows, firsts, begins, counts, documents, held, offsets, source_of, specials, closed, halves, ids, positions, pieces, sources):  # type: ignore[no-untyped-def]
    pad, cls, sep = specials[0], specials[1], specials[2]
    length = ids.shape[1]
    for b in range(len(rows)):
        first, last = firsts[rows[b]], firsts[rows[b] + 1]
        place = 0
        for p in range(first, last):
            piece, begin, count = p - first, begins[p], counts[p]
            sources[b, piece] = source_of[documents[p]]
            ids[b, place], positions[b, place], pieces[b, place] = cls, 0, piece
            place += 1
            for i in range(count):
                ids[b, place + i] = held[begin + i]
                positions[b, place + i] = i + 1
                pieces[b, place + i] = piece
            place += count
            if closed or begin + count == offsets[documents[p] + 1]:
                ids[b, place], positions[b, place], pieces[b, place] = sep, count + 1, piece
                place += 1
            if halves:
                ids[b, place], positions[b, place], pieces[b, place] = pad, 0, -1
                place += 1
        for i in range(place, length):
            ids[b, i], positions[b, i], pieces[b, i] = pad, 0, -1
        for piece in range(last - first, sources.shape[1]):
            sources[b, piece] = -1
