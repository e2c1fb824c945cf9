"""Verified pairs of earlier deduplications, so that two texts are compared once, however many versions hold them both.

What two texts have in common is a function of the texts alone; a pair is remembered under their exact hashes. So what is remembered changes how long a
deduplication takes, never what it finds.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from curation.errors import DollmaError
from curation.text.hashing import SEED_A, finish, step_a

NAME = "pairs.parquet"
_KEYS, _COUNTS = ("key_0", "key_1"), ("common", "low", "high")
PAIRS = pa.schema(
    [pa.field(name, pa.uint64(), nullable=False) for name in _KEYS] + [pa.field(name, pa.int64(), nullable=False) for name in _COUNTS]
)
"""128 bits that name the two texts, the shingles they have in common, and those of the text with the lower and with the higher exact hash."""


class Memory:
    """Shingle counts of pairs of texts, by their exact hashes (uint64 of shape (pairs, 2), one array for each side)."""

    def __init__(self, folders: Iterable[Path], identity: str) -> None:
        """Reads the pairs that earlier results in `folders` hold, if they were counted over the same shingles (`identity`).

        Raises DollmaError for a file that can't be read.
        """
        keys, counts = [np.zeros((0, 2), np.uint64)], [np.zeros((0, 3), np.int64)]
        for path in (folder / NAME for folder in folders):
            try:
                if (pq.read_schema(path).metadata or {}).get(b"identity") != identity.encode():
                    continue
                table = pq.read_table(path)
            except FileNotFoundError:
                continue
            except (OSError, pa.ArrowInvalid) as error:
                raise DollmaError(f"{path}: the pairs of an earlier deduplication can't be read ({error}); remove {path.parent}") from error
            keys.append(np.stack([table[name].to_numpy() for name in _KEYS], axis=1))
            counts.append(np.stack([table[name].to_numpy() for name in _COUNTS], axis=1))
        all_keys = np.concatenate(keys)
        order = np.argsort(all_keys[:, 0], kind="stable")
        self._keys, self._counts = all_keys[order], np.concatenate(counts)[order]

    def recall(self, better: np.ndarray, worse: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(known, counts): which pairs were compared before, and for those the shingles in common, of the better and of the worse (int64, (pairs, 3))."""
        wanted, swapped = _named(better, worse)
        if not len(self._keys):
            return np.zeros(len(wanted), dtype=bool), np.zeros((len(wanted), 3), np.int64)
        place = np.minimum(np.searchsorted(self._keys[:, 0], wanted[:, 0]), len(self._keys) - 1)
        return (self._keys[place] == wanted).all(axis=1), _turned(self._counts[place], swapped)


def remember(folder: Path, better: np.ndarray, worse: np.ndarray, counts: np.ndarray, identity: str) -> None:
    """Write the pairs of this deduplication, with `counts` as `Memory.recall` gives them."""
    keys, swapped = _named(better, worse)
    columns = [*keys.T, *_turned(counts, swapped).T]
    table = pa.Table.from_arrays([pa.array(np.ascontiguousarray(c)) for c in columns], schema=PAIRS.with_metadata({"identity": identity}))
    pq.write_table(table, folder / NAME, compression="zstd", compression_level=1)


def _named(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(128 bits per unordered pair, where the first text has the higher hash): which of two texts is the better is no matter of what they have in common."""
    swapped = (one[:, 0] > other[:, 0]) | ((one[:, 0] == other[:, 0]) & (one[:, 1] > other[:, 1]))
    low, high = np.where(swapped[:, None], other, one), np.where(swapped[:, None], one, other)
    return np.stack((_mixed(low[:, 0] ^ _mixed(high[:, 0])), low[:, 1] ^ _mixed(high[:, 1])), axis=1), swapped


def _turned(counts: np.ndarray, swapped: np.ndarray) -> np.ndarray:
    return np.where(swapped[:, None], counts[:, [0, 2, 1]], counts)


def _mixed(values: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        mixed: np.ndarray = finish.py_func(step_a.py_func(SEED_A, values))
    return mixed
