"""The loader: batches of rows, in the order that seed and sample number give, made by threads ahead of the model.

A batch is a function of its number: threads only decide when it is made. The kernels hold no lock of Python, so threads are enough, and nothing is copied between
processes. Resuming is `start`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from modeling.tokens.halves import Halves, Halving
from modeling.tokens.masking import Masking, masking
from modeling.tokens.order import row_of
from modeling.tokens.packing import Rows

if TYPE_CHECKING:
    from modeling.tokenizer import Vocabulary

AHEAD = 4
"""Batches that each thread works ahead of the model."""


class Batch(NamedTuple):
    """What a model gets: `ids`, `positions` int64 and `pieces` int32 [B, T] as in `Packed`; `places`, `labels` int64 [B, K] as in `Masked` (K = 0 without masks);
    `sources` int16 [B, P] of pieces; `samples` int64 [B]; `tokens`, places that are no padding, and `text`, those of them that are neither [CLS] nor [SEP]; `halves`,
    where pieces are cut in two."""

    ids: np.ndarray
    positions: np.ndarray
    pieces: np.ndarray
    places: np.ndarray
    labels: np.ndarray
    sources: np.ndarray
    samples: np.ndarray
    tokens: int
    text: int
    halves: Halves | None = None


def batches(
    rows: Rows,
    vocabulary: Vocabulary,
    *,
    seed: int,
    start: int,
    size: int,
    rank: int = 0,
    ranks: int = 1,
    rate: float | None,
    whole_words: bool = False,
    halving: Halving | None = None,
    workers: int = 1,
) -> Iterator[Batch]:
    """Batches without end, epoch after epoch. Batch i of `rank` holds samples start + i · size · ranks + rank · size and the `size` - 1 after it.

    `rate` None masks nothing, as a decoder wants; `halving` cuts pieces in two, of rows that have room for it; `workers` 0 makes each batch when it is asked for.
    """
    masks = None if rate is None else masking(vocabulary, seed, rate, whole_words)
    most = rows.most  # one shape for all batches
    firsts = (start + (i * ranks + rank) * size for i in count())
    if not workers:
        for first in firsts:
            yield _batch(rows, masks, halving, most, seed, first, size)
    waiting: deque[Future[Batch]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="loader")
    try:
        for first in firsts:
            waiting.append(pool.submit(_batch, rows, masks, halving, most, seed, first, size))
            if len(waiting) > workers * AHEAD:
                yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _batch(rows: Rows, masks: Masking | None, halving: Halving | None, most: int, seed: int, first: int, size: int) -> Batch:
    samples = np.arange(first, first + size)
    numbers = row_of(samples, len(rows), seed)
    packed, halves = rows.batch(numbers), None
    if halving:
        packed, halves = halving(packed, samples, most)
    none = np.empty((size, 0), np.int64)
    ids, places, labels = masks(packed, samples) if masks else (packed.ids, none, none)
    tokens = int(np.count_nonzero(packed.pieces >= 0))
    return Batch(ids, packed.positions, packed.pieces, places, labels, packed.sources, samples, tokens, rows.text(numbers), halves)
