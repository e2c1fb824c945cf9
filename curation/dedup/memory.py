"""Verified pairs of earlier deduplications, so that two texts are compared once, however many versions hold them both.

What two texts have in common is a function of the texts alone; a pair is remembered under their exact hashes. So what is remembered changes how long a
deduplication takes, never what it finds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from curation.errors import DollmaError
from curation.tables import opened
from curation.text.hashing import SEED_A, finish, step_a

NAME = "pairs.parquet"
ROW_GROUP = 1 << 20
"""Pairs in a row group: 40 MB in memory."""
_KEYS, _COUNTS = ("key_0", "key_1"), ("common", "low", "high")
PAIRS = pa.schema(
    [pa.field(name, pa.uint64(), nullable=False) for name in _KEYS] + [pa.field(name, pa.int64(), nullable=False) for name in _COUNTS]
)
"""128 bits that name the two texts, the shingles they have in common, and those of the text with the lower and with the higher exact hash."""


def recall(folders: Iterable[Path], identity: str, better: np.ndarray, worse: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(known, counts): which pairs of texts, by their exact hashes (uint64 of shape (pairs, 2) a side), the results in `folders` hold, counted over the
    same shingles (`identity`); and for those the shingles in common, of the better and of the worse (int64 of shape (pairs, 3)).

    Files are sorted, and one row group of one file is in memory at a time. Raises DollmaError for a file that can't be read.
    """
    wanted, swapped = _named(better, worse)
    order = np.argsort(wanted[:, 0], kind="stable")
    sorted_keys = wanted[order, 0]
    known, counts = np.zeros(len(wanted), dtype=bool), np.zeros((len(wanted), 3), np.int64)
    for path in (folder / NAME for folder in folders):
        for keys, found in _row_groups(path, identity):
            first = np.searchsorted(sorted_keys, keys[0, 0], side="left")
            last = np.searchsorted(sorted_keys, keys[-1, 0], side="right")
            near = order[first:last]
            place = np.minimum(np.searchsorted(keys[:, 0], wanted[near, 0]), len(keys) - 1)
            same = (keys[place] == wanted[near]).all(axis=1)
            known[near[same]] = True
            counts[near[same]] = found[place[same]]
    return known, _turned(counts, swapped)


def _row_groups(path: Path, identity: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(keys, counts) of a file's row groups, none if there is no file or it counts other shingles."""
    if not path.is_file():
        return
    try:
        with opened(path) as file:
            if (file.schema_arrow.metadata or {}).get(b"identity") != identity.encode():
                return
            for number in range(file.num_row_groups):
                table = file.read_row_group(number)
                keys, counts = (np.stack([table[name].to_numpy() for name in names], axis=1) for names in (_KEYS, _COUNTS))
                if len(keys):
                    yield keys, counts
    except (OSError, pa.ArrowInvalid) as error:
        raise DollmaError(f"{path}: the pairs of an earlier deduplication can't be read ({error}); remove {path.parent}") from error


def remember(folder: Path, better: np.ndarray, worse: np.ndarray, counts: np.ndarray, identity: str) -> None:
    """Write the pairs of this deduplication, with `counts` as `recall` gives them."""
    keys, swapped = _named(better, worse)
    order = np.lexsort((keys[:, 1], keys[:, 0]))
    columns = [*keys[order].T, *_turned(counts, swapped)[order].T]
    table = pa.Table.from_arrays([pa.array(np.ascontiguousarray(c)) for c in columns], schema=PAIRS.with_metadata({"identity": identity}))
    pq.write_table(table, folder / NAME, compression="zstd", compression_level=1, row_group_size=ROW_GROUP)


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
