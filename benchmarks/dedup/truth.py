"""Which documents really are alike: exact, over all pairs, without any hash that tools share but the shingles themselves."""

from __future__ import annotations

import numpy as np

from benchmarks.dedup.corpus import Sets


def jaccard(sets: Sets, pairs: np.ndarray) -> np.ndarray:
    """True Jaccard similarity of each pair of rows."""
    sizes, common = np.diff(sets.starts), shared(sets, pairs)
    union: np.ndarray = sizes[pairs[:, 0]] + sizes[pairs[:, 1]] - common
    return common / np.maximum(union, 1)


def held(sets: Sets, pairs: np.ndarray) -> np.ndarray:
    """Share of the first one's shingles that the second one has."""
    return shared(sets, pairs) / np.maximum(np.diff(sets.starts)[pairs[:, 0]], 1)


def shared(sets: Sets, pairs: np.ndarray) -> np.ndarray:
    """Number of shingles that both have."""
    return np.array([len(np.intersect1d(sets.of(a), sets.of(b), assume_unique=True)) for a, b in pairs.tolist()], np.int64)


def pairs_above(sets: Sets, floor: float) -> tuple[np.ndarray, np.ndarray]:
    """(pairs, similarities): all pairs of rows, the smaller first, with a Jaccard similarity of at least `floor`.

    Prefix filtering (Chaudhuri et al. 2006; Bayardo et al. 2007): of two such sets, ordered by how rare a shingle is, the first
    |x| - ceil(floor |x|) + 1 shingles of each have one in common. None is lost, and shingles of boilerplate stand in no prefix.
    """
    sizes = np.diff(sets.starts)
    row = np.repeat(np.arange(len(sizes)), sizes)
    _, name, count = np.unique(sets.hashes, return_inverse=True, return_counts=True)
    order = np.lexsort((name, count[name], row))
    prefix = sizes - np.ceil(floor * sizes - 1e-9).astype(np.int64) + 1
    within = np.arange(len(row)) - sets.starts[row]
    order = order[within < prefix[row]]
    order = order[count[name[order]] > 1]
    pairs = _together(name[order], row[order], len(sizes))
    small, large = np.sort(sizes[pairs], axis=1).T
    pairs = pairs[small >= floor * large - 1e-9]
    similarity = jaccard(sets, pairs)
    return pairs[similarity >= floor], similarity[similarity >= floor]


def _together(names: np.ndarray, rows: np.ndarray, documents: int) -> np.ndarray:
    """All pairs of rows, once each, that have a name in common."""
    order = np.lexsort((rows, names))
    names, rows = names[order], rows[order]
    first, found = np.arange(len(names)), [np.zeros(0, np.int64)]
    distance = 1
    while len(first):
        first = first[first + distance < len(names)]
        first = first[names[first] == names[first + distance]]
        found.append(np.unique(rows[first] * documents + rows[first + distance]))
        distance += 1
    keys = np.unique(np.concatenate(found))
    return np.stack((keys // documents, keys % documents), axis=1)
