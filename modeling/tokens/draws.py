"""Random numbers without a state: the n-th number of a stream is a function of (seed, purpose, stream, n).

So row 7 of a batch draws the same whether it is computed first or last, on this rank or another, by one thread or ten. The generator is SplitMix64 (Steele, Lea and
Flood 2014), which passes BigCrush, in the counting form: its state after n steps is key + n · GOLDEN, so any number can be had at once. Keys are chained through the
same finisher.
"""

from __future__ import annotations

import numba as nb
import numpy as np

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_A = np.uint64(0xBF58476D1CE4E5B9)
_B = np.uint64(0x94D049BB133111EB)
_30, _27, _31, _32 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(32)

ORDER, MASKING, HALVES = np.uint64(1), np.uint64(2), np.uint64(3)
"""Purposes: one seed gives an order and, apart from it, masks, and which halves are turned around."""


@nb.njit(cache=True, nogil=True, inline="always")
def finish(z):  # type: ignore[no-untyped-def]
    """The finisher of SplitMix64 (Stafford's variant 13 of MurmurHash3's): a permutation of 64 bits."""
    z = (z ^ (z >> _30)) * _A
    z = (z ^ (z >> _27)) * _B
    return z ^ (z >> _31)


@nb.njit(cache=True, nogil=True, inline="always")
def key(seed, purpose, stream):  # type: ignore[no-untyped-def]
    """The key of a stream (all uint64)."""
    return finish(finish(finish(seed + GOLDEN) ^ purpose) + stream * GOLDEN)


@nb.njit(cache=True, nogil=True, inline="always")
def number(stream_key, n):  # type: ignore[no-untyped-def]
    """Number n (uint64) of a stream: 64 random bits."""
    return finish(stream_key + (n + np.uint64(1)) * GOLDEN)


@nb.njit(cache=True, nogil=True, inline="always")
def below(bits, limit):  # type: ignore[no-untyped-def]
    """Random bits as an integer in [0, limit), limit < 2³²; no value is more than 1 + limit / 2³² times as likely as another."""
    return ((bits >> _32) * np.uint64(limit)) >> _32
