"""Where in a table of hashes something is kept: one slot for each, told from others by a mark of 16 bits.

Open addressing with linear probing. Of a hash the first bits are the slot where the search begins, the last the mark; a slot with the mark 0 is empty. In a
table that is half full one look-up of some 44,000 finds what was never put in: it passes 1.5 slots in use (Knuth, The Art of Computer Programming 3, 6.4).
"""

from __future__ import annotations

import numba as nb
import numpy as np

from curation.text.hashing import finish


@nb.njit(inline="always")
def first_slot(h, bits):  # type: ignore[no-untyped-def]
    """(slot where the search for a hash begins, its mark), in a table of two to the power of `bits` slots."""
    h = finish(h)
    mark = np.uint16(h & np.uint64(0xFFFF))
    return np.int64(h >> np.uint64(64 - bits)), mark if mark else np.uint16(1)


@nb.njit(inline="always")
def find_slot(marks, h, bits):  # type: ignore[no-untyped-def]
    """Slot of a hash, or -1. `marks` has two to the power of `bits` entries, one of them 0 at least."""
    slot, mark = first_slot(h, bits)
    while marks[slot]:
        if marks[slot] == mark:
            return slot
        slot = (slot + 1) & (len(marks) - 1)
    return -1
