"""The mixture: how often each document stands in the corpus, in which split and shard, and where in it.

All of it is a function of the document's id, a factor and a seed, so that it depends neither on the order of files nor on how many there are. The split
alone looks at other documents: at those of the same near-duplicate cluster.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from curation.text.hashing import SEED_A, SEED_B, finish, step_a

TRAIN, VALIDATION, TEST = "train", "validation", "test"

_COPY, _SPLIT, _PLACE = np.uint64(1), np.uint64(2), np.uint64(3)
"""What a hash is drawn for: one id gives three independent numbers."""


def copies(ids: np.ndarray, factor: float | np.ndarray, seed: int) -> np.ndarray:
    """Times each document stands in the corpus (int64): the whole part of `factor`, one for all or one for each, and once more for the share of ids that
    its fraction is."""
    whole = np.floor(factor)
    return (whole + (_uniform(ids, np.uint64(seed), _COPY, 0) < factor - whole)).astype(np.int64)


def draws(ids: np.ndarray, seed: int) -> np.ndarray:
    """A number in [0, 1) for each id (uint64 of shape (n, 2)), from which its split follows. A near-duplicate cluster goes by the least of its members'
    draws: what it once held out stays held out when it grows."""
    return _uniform(ids, np.uint64(seed), _SPLIT, 0)


def splits(drawn: np.ndarray, validation: float, test: float) -> np.ndarray:
    """The split of each draw (array of str). Test comes first: a document that was in test stays there when the share of validation changes."""
    return np.select([drawn < test, drawn < test + validation], [TEST, VALIDATION], TRAIN)


def places(ids: np.ndarray, copy: int, seed: int) -> np.ndarray:
    """Sort key (uint64) of copy number `copy` of each document in the global shuffle."""
    return _hashes(ids, np.uint64(seed), _PLACE, copy)


def shard_of(keys: np.ndarray, shards: int) -> np.ndarray:
    """The shard of a sort key: keys are cut into `shards` equal ranges, so shard after shard is the global order."""
    return np.minimum((keys >> np.uint64(11)).astype(np.float64) / 2.0**53 * shards, shards - 1).astype(np.int64)


def _uniform(ids: np.ndarray, seed: np.uint64, purpose: np.uint64, number: int) -> np.ndarray:
    return (_hashes(ids, seed, purpose, number) >> np.uint64(11)).astype(np.float64) / 2.0**53


@nb.njit(cache=True, nogil=True)
def _hashes(ids, seed, purpose, number):  # type: ignore[no-untyped-def]
    out = np.empty(len(ids), np.uint64)
    for i in range(len(ids)):
        h = step_a(step_a(step_a(SEED_B, seed), purpose), np.uint64(number))
        out[i] = finish(step_a(step_a(h ^ SEED_A, ids[i, 0]), ids[i, 1]))
    return out
