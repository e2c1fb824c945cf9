"""A set of 64-bit keys as a table with open addressing, for kernels: keys are hashes, and never 0, which is an empty place."""

from __future__ import annotations

import numba as nb
import numpy as np


@nb.njit(cache=True, nogil=True)
def filled(keys, size):  # type: ignore[no-untyped-def]
    """A table of `size` places, a power of two and more than there are keys."""
    table = np.zeros(size, np.uint64)
    for key in keys:
        place = (key >> np.uint64(20)) & np.uint64(size - 1)
        while table[place] != 0:
            place = (place + np.uint64(1)) & np.uint64(size - 1)
        table[place] = key
    return table


@nb.njit(nogil=True)
def place_of(table, key):  # type: ignore[no-untyped-def]
    """Where the key stands in the table; -1 where it does not."""
    mask = np.uint64(len(table) - 1)
    place = (key >> np.uint64(20)) & mask
    while table[place] != 0:
        if table[place] == key:
            return np.int64(place)
        place = (place + np.uint64(1)) & mask
    return np.int64(-1)
