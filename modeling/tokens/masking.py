"""Masking: which places a model must guess, drawn for each sample by itself.

A sample's mask is a function of (seed, sample number) alone: batches, ranks, threads and resuming change nothing, and the same row gets another mask each epoch, since
it is another sample. Only ordinary ids are masked; [CLS], [SEP], [UNK] and padding never, and random replacements are ordinary too (ModernBERT's packer masks and draws
special tokens: its issue 212). K = round(rate · T) places a row are the shape; round(rate · candidates) of them are used, so that a row of many short documents, or the
half-empty last one, is masked at the same rate as others. Of 10 places 8 become [MASK], 1 a random id, 1 stays (Devlin et al. 2019), each by a draw of its own, so that
the shares hold in expectation for any K.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numba as nb
import numpy as np

from curation.errors import DollmaError
from modeling.tokens.draws import MASKING, below, key, number
from modeling.tokens.packing import Packed

if TYPE_CHECKING:
    from modeling.tokenizer import Vocabulary

SHARES = (0.8, 0.1)
"""Shares of the chosen places that become [MASK] and a random id."""
IGNORED = -100
"""Label of a place in the shape that a row does not use, as PyTorch's losses skip."""


class Masked(NamedTuple):
    """`ids` int64 [B, T] with masks in; `places` int64 [B, K] of what is to be guessed, in order; `labels` int64 [B, K]. Unused: place 0, label -100."""

    ids: np.ndarray
    places: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Masking:
    """How to mask, with what the kernel looks up.

    Under `whole_words` words are chosen, all their pieces together, and share one fate: kept as it is, masked, or random. A word that would overfill the row's number is
    passed over for the next.
    """

    seed: int
    rate: float
    whole_words: bool
    shares: tuple[float, float]
    mask: int
    ordinary: np.ndarray
    maskable: np.ndarray
    continues: np.ndarray

    def __call__(self, packed: Packed, samples: np.ndarray) -> Masked:
        """Mask rows; `samples` are their sample numbers."""
        rows, length = packed.ids.shape
        shape = (rows, round(self.rate * length))
        masked = Masked(packed.ids.copy(), np.zeros(shape, np.int64), np.full(shape, IGNORED, np.int64))
        streams, tables = (np.uint64(self.seed), np.ascontiguousarray(samples, np.int64)), (self.ordinary, self.maskable, self.continues)
        _mask(packed.ids, packed.pieces, *streams, self.rate, self.whole_words, *self.shares, self.mask, *tables, *masked)
        return masked


def masking(vocabulary: Vocabulary, seed: int, rate: float, whole_words: bool = False, shares: tuple[float, float] = SHARES) -> Masking:
    """Prepare masking. `rate` is the share of ordinary tokens to guess, in (0, 1); `shares` go to [MASK] and to random ids.

    Raises ValueError for shares that are none, DollmaError for a vocabulary without a token that masks.
    """
    if vocabulary.mask < 0:
        raise DollmaError(
            "the tokenizer has no token [MASK] (or <mask>), and its configuration names no mask_token: an encoder can't be trained with it"
        )
    if not 0 < rate < 1 or min(shares) < 0 or sum(shares) > 1:
        raise ValueError(f"rate={rate} and shares={shares}: shares of what is masked, between 0 and 1")
    maskable = np.zeros(max(vocabulary.size, 1 << 16), np.bool_)
    maskable[vocabulary.ordinary] = True
    continues = np.zeros(len(maskable), np.bool_)
    continues[: vocabulary.size] = vocabulary.continues
    return Masking(
        seed, rate, whole_words, shares, vocabulary.mask, np.ascontiguousarray(vocabulary.ordinary, np.int64), maskable, continues
    )


def mask(
    packed: Packed,
    samples: np.ndarray,
    seed: int,
    rate: float,
    vocabulary: Vocabulary,
    whole_words: bool = False,
    shares: tuple[float, float] = SHARES,
) -> Masked:
    """Mask some rows, as `masking` says. Evaluation masks 15 %, whole words, and all of them by [MASK]: shares=(1, 0)."""
    return masking(vocabulary, seed, rate, whole_words, shares)(packed, samples)


@nb.njit(cache=True, nogil=True)
def _mask(original, pieces, seed, samples, rate, whole_words, masks, randoms, mask_id, ordinary, maskable, continues, ids, places, labels):  # type: ignore[no-untyped-def]
    """Units, tokens or words, are drawn without replacement (Fisher and Yates, as far as needed) until the row has its number."""
    begins, ends = np.empty(original.shape[1], np.int64), np.empty(original.shape[1], np.int64)
    chosen = np.empty(original.shape[1], np.bool_)
    for b in range(len(original)):
        stream, draw = key(seed, MASKING, np.uint64(samples[b])), np.uint64(0)
        units, candidates = _units(original[b], pieces[b], whole_words, maskable, continues, begins, ends)
        left = min(places.shape[1], max(1, int(np.rint(rate * candidates))))
        chosen[:] = False
        for i in range(units):
            if left == 0:
                break
            j = i + np.int64(below(number(stream, draw), units - i))
            begin, end = begins[j], ends[j]
            begins[j], ends[j] = begins[i], ends[i]
            fate = np.float64(number(stream, draw + np.uint64(1)) >> np.uint64(11)) / 2.0**53
            draw += np.uint64(2)
            if end - begin > left:
                continue
            left -= end - begin
            chosen[begin:end] = True
            if fate < masks:
                ids[b, begin:end] = mask_id
            elif fate < masks + randoms:
                for t in range(begin, end):
                    ids[b, t] = ordinary[below(number(stream, draw), len(ordinary))]
                    draw += np.uint64(1)
        k = 0
        for t in range(len(chosen)):
            if chosen[t]:
                places[b, k], labels[b, k] = t, original[b, t]
                k += 1


@nb.njit(cache=True, nogil=True)
def _units(ids, pieces, whole_words, maskable, continues, begins, ends):  # type: ignore[no-untyped-def]
    """(how many units a row has, how many tokens are in them); unit u goes from `begins[u]` to `ends[u]`. A word never goes on into another piece."""
    units = candidates = 0
    for t in range(len(ids)):
        if pieces[t] < 0 or not maskable[ids[t]]:
            continue
        candidates += 1
        if whole_words and units and ends[units - 1] == t and pieces[t] == pieces[t - 1] and continues[ids[t]]:
            ends[units - 1] = t + 1
        else:
            begins[units], ends[units] = t, t + 1
            units += 1
    return units, candidates
