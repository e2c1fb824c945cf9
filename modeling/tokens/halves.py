"""Halves: pieces cut in two, and turned around or not, for a model to say which of the two stood first (ALBERT's sentence order, 1909.11942, section 3.1).

A piece becomes [CLS] A [SEP] B [SEP]. The cut is the beginning of a sentence that is nearest to the piece's middle, or, where a piece has none, of a word. Whether A is
the second half is a function of (seed, sample number, piece) alone, so batches, ranks, threads and resuming change nothing, and a row that comes again is drawn anew. A
piece that is one word stays as it is, and nothing is asked of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numba as nb
import numpy as np

from modeling.tokens.draws import HALVES, key, number
from modeling.tokens.masking import IGNORED
from modeling.tokens.packing import Packed

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from modeling.tokenizer import Vocabulary

END = re.compile(r"[.!?…]+[\"'»”’)\]]*")
"""A piece of the vocabulary that ends a sentence. Not every full stop does: "s." and "A. Bakıxanov" are cut, too, where no better place is nearer."""
CLOSING = re.compile(r"[»”’)\]]+")
"""A piece that still belongs to the sentence before it. The straight quotation mark may open one as well."""


class Halves(NamedTuple):
    """`segments` int64 [B, T]: 1 in the second half of a piece and its [SEP], else 0; `begins` int64 [B, P]: the place of each piece's [CLS], 0 for none; `swapped` int64
    [B, P]: 1 where the second half of the text stands first, 0 where it doesn't, -100 where nothing is asked."""

    segments: np.ndarray
    begins: np.ndarray
    swapped: np.ndarray


@dataclass(frozen=True)
class Halving:
    """How to cut, with what the kernel looks up by id."""

    seed: int
    sep: int
    ends: np.ndarray
    closing: np.ndarray
    continues: np.ndarray

    def __call__(self, packed: Packed, samples: np.ndarray, most: int) -> tuple[Packed, Halves]:
        """Cut the pieces of rows that have a place free behind each (`Rows.halves`); `samples` are the rows' sample numbers, `most` is P."""
        rows = len(packed.ids)
        cut = packed._replace(ids=packed.ids.copy(), positions=packed.positions.copy(), pieces=packed.pieces.copy())
        halves = Halves(np.zeros_like(packed.ids), np.zeros((rows, most), np.int64), np.full((rows, most), IGNORED, np.int64))
        tables = (self.sep, self.ends, self.closing, self.continues)
        _halve(np.uint64(self.seed), np.ascontiguousarray(samples, np.int64), packed.ids, packed.pieces, *tables, *cut[:3], *halves)
        return cut, halves


def halving(tokenizer: Tokenizer, vocabulary: Vocabulary, seed: int) -> Halving:
    """Prepare cutting: which ids end a sentence is read from the vocabulary's pieces."""
    ids = np.arange(max(vocabulary.size, 1 << 16))
    texts = [tokenizer.decode([one]).removeprefix("##").strip() for one in range(vocabulary.size)]
    ends, closing = (np.isin(ids, [n for n, text in enumerate(texts) if form.fullmatch(text)]) for form in (END, CLOSING))
    return Halving(seed, vocabulary.sep, ends, closing, np.isin(ids, np.flatnonzero(vocabulary.continues)))


@nb.njit(cache=True, nogil=True)
def _halve(seed, samples, original, pieces_of, sep, ends, closing, continues, ids, positions, pieces, segments, begins, swapped):  # type: ignore[no-untyped-def]
    length = original.shape[1]
    for b in range(len(original)):
        stream = key(seed, HALVES, np.uint64(samples[b]))
        begin = 0
        while begin < length:
            piece = pieces_of[b, begin]
            end = begin + 1
            while end < length and pieces_of[b, end] == piece:
                end += 1
            if piece >= 0:
                begins[b, piece] = begin
                text = original[b, begin + 1 : end - 1]
                cut = _cut(text, ends, closing, continues)
                if cut:
                    swap = np.int64(number(stream, np.uint64(piece)) >> np.uint64(63))
                    swapped[b, piece] = swap
                    first, second = (text[cut:], text[:cut]) if swap else (text[:cut], text[cut:])
                    middle = begin + 1 + len(first)
                    ids[b, begin + 1 : middle], ids[b, middle], ids[b, middle + 1 : end], ids[b, end] = first, sep, second, sep
                    positions[b, end], pieces[b, end] = end - begin, piece
                    positions[b, end - 1] = end - 1 - begin
                    segments[b, middle + 1 : end + 1] = 1
            begin = end


@nb.njit(cache=True, nogil=True)
def _cut(text, ends, closing, continues):  # type: ignore[no-untyped-def]
    """Where to cut: the sentence's beginning nearest to the middle (of two as near, the first), or else the word's; 0 where there is neither."""
    middle = len(text) // 2
    word = 0
    for apart in range(middle + 1):
        for cut in (middle - apart, middle + apart):
            if not 0 < cut < len(text) or continues[text[cut]]:
                continue
            if not word:
                word = cut
            before = cut - 1
            while before > 0 and closing[text[before]]:
                before -= 1
            if ends[text[before]] and not closing[text[cut]] and not ends[text[cut]]:
                return cut
    return word
