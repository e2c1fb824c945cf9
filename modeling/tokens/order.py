"""The order of training: a function of (seed, sample number), computed and not stored, so that a checkpoint's data state is one integer.

Samples are counted over epochs: sample n is of epoch n // rows, and each epoch is a permutation of the rows of its own, a Feistel network over just as many bits as
the number of rows has (Luby and Rackoff 1988; levanter's `_prp.py` shuffles so too), applied again while it points outside (cycle-walking: Black and Rogaway 2002).
"""

from __future__ import annotations

from typing import overload

import numba as nb
import numpy as np

from modeling.tokens.draws import ORDER, finish, key, number

ROUNDS = 8
"""Four are a strong pseudorandom permutation for large halves (Luby and Rackoff); rows are few, so twice that."""


@overload
def row_of(sample: int, rows: int, seed: int) -> int: ...
@overload
def row_of(sample: np.ndarray, rows: int, seed: int) -> np.ndarray: ...


def row_of(sample: int | np.ndarray, rows: int, seed: int) -> int | np.ndarray:
    """The row (int64) that each sample is: every row once an epoch. `sample` ≥ 0, `rows` ≥ 1.

    Raises ValueError for numbers below these.
    """
    samples = np.atleast_1d(np.asarray(sample, np.int64))
    if rows < 1 or (samples.size and samples.min() < 0):
        raise ValueError(f"samples count from 0 and rows are 1 at least; given sample {samples.min() if samples.size else 0}, {rows} rows")
    found = _rows_of(samples.ravel(), rows, np.uint64(seed)).reshape(samples.shape)
    return found if isinstance(sample, np.ndarray) else int(found[0])


@nb.njit(cache=True, nogil=True)
def _rows_of(samples, rows, seed):  # type: ignore[no-untyped-def]
    bits = 0
    while (1 << bits) < rows:
        bits += 1
    low = np.uint64(bits // 2)
    high_mask = np.uint64((1 << (bits - bits // 2)) - 1)
    low_mask = np.uint64((1 << (bits // 2)) - 1)
    keys = np.empty(ROUNDS, np.uint64)
    epoch_of_keys = -1
    out = np.empty(len(samples), np.int64)
    for i in range(len(samples)):
        epoch = samples[i] // rows
        if epoch != epoch_of_keys:
            stream = key(seed, ORDER, np.uint64(epoch))
            for n in range(ROUNDS):
                keys[n] = number(stream, np.uint64(n))
            epoch_of_keys = epoch
        place = np.uint64(samples[i] % rows)
        while True:
            high, under = place >> low, place & low_mask
            for n in range(0, ROUNDS, 2):
                high ^= finish(keys[n] ^ under) & high_mask
                under ^= finish(keys[n + 1] ^ high) & low_mask
            place = (high << low) | under
            if place < np.uint64(rows):
                break
        out[i] = np.int64(place)
    return out
