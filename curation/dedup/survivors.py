"""Who survives: decisions over ranks, each removal tied directly to a survivor it was compared with.

Documents are taken from the best rank on. One that is verified to be like a document *still kept*, or to stand in it, is a duplicate of it; else it is kept.
So there is no chain: a document is never removed for being like a removed one (marin's whole-source losses came from such chains, marin#6854).
"""

from __future__ import annotations

from typing import NamedTuple

import numba as nb
import numpy as np

KINDS = ("exact", "near", "contained")
EXACT, NEAR, CONTAINED = range(3)
"""Numbers of the kinds of duplicates."""


class Verified(NamedTuple):
    """Pairs whose texts were compared, sorted by the worse rank, then the better."""

    pairs: np.ndarray
    """(better rank, worse rank), int64 of shape (pairs, 2)."""
    jaccard: np.ndarray
    """Shingles in common, of all that the two have."""
    held: np.ndarray
    """Shingles in common, of those of the worse."""


class Outcome(NamedTuple):
    """By rank: the survivor's rank (-1: the document is kept), the kind of duplicate, the similarity to the survivor, and the rank of the cluster's best."""

    survivor: np.ndarray
    kind: np.ndarray
    similarity: np.ndarray
    cluster: np.ndarray


def equal_groups(exact: np.ndarray) -> np.ndarray:
    """By rank, the best rank with the same 128-bit text hash (its own if it is the first)."""
    order = np.lexsort((np.arange(len(exact)), exact[:, 1], exact[:, 0]))
    new = np.ones(len(order), dtype=bool)
    new[1:] = (exact[order[1:]] != exact[order[:-1]]).any(axis=1)
    heads = order[np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))] if len(order) else order
    best = np.empty(len(order), np.int64)
    best[order] = heads
    return best


def decide(best: np.ndarray, verified: Verified, near: float | None, contained: float | None, short: np.ndarray) -> Outcome:
    """The outcome from exact groups (`equal_groups`) and verified pairs: a near-duplicate from Jaccard `near` on, else contained from the share
    `contained` on unless the document is `short`; of several survivors the one most alike, near before contained.

    An exact duplicate of a document that is itself a duplicate names the same survivor, kind and similarity: the texts are equal.
    """
    alike = verified.jaccard >= near if near is not None else np.zeros(len(verified.pairs), dtype=bool)
    within = ~alike & (verified.held >= contained) & ~short[verified.pairs[:, 1]] if contained is not None else np.zeros_like(alike)
    linked = alike | within
    pairs, near_ones = verified.pairs[linked], alike[linked]
    similarity = np.where(near_ones, verified.jaccard[linked], verified.held[linked])
    chosen = _greedy(len(best), pairs, np.where(near_ones, similarity + 1, similarity))
    linked_to = chosen >= 0
    survivor, kind, score = np.full(len(best), -1, np.int64), np.full(len(best), EXACT), np.zeros(len(best))
    survivor[linked_to] = pairs[chosen[linked_to], 0]
    kind[linked_to] = np.where(near_ones, NEAR, CONTAINED)[chosen[linked_to]]
    score[linked_to] = similarity[chosen[linked_to]]
    copies = best != np.arange(len(best))
    direct = copies & (survivor[best] < 0)
    for own, of_best in ((kind, np.where(direct, EXACT, kind[best])), (score, np.where(direct, 1.0, score[best]))):
        own[copies] = of_best[copies]
    survivor[copies] = np.where(survivor[best[copies]] < 0, best[copies], survivor[best[copies]])
    return Outcome(survivor, kind, score, components(best, pairs))


@nb.njit(cache=True, nogil=True)
def _greedy(documents, pairs, strengths):  # type: ignore[no-untyped-def]
    """By rank the number of the pair that removes the document, -1 where none does."""
    chosen = np.full(documents, -1, np.int64)
    for p in range(len(pairs)):
        worse = pairs[p, 1]
        if chosen[pairs[p, 0]] < 0 and (chosen[worse] < 0 or strengths[p] > strengths[chosen[worse]]):
            chosen[worse] = p
    return chosen


@nb.njit(cache=True, nogil=True)
def components(best, pairs):  # type: ignore[no-untyped-def]
    """Union-find over exact groups and pairs: by rank, the best rank that is linked with it, directly or through others."""
    parent = best.copy()
    for p in range(len(pairs)):
        a, b = pairs[p, 0], pairs[p, 1]
        while parent[a] != a:
            parent[a] = parent[parent[a]]
            a = parent[a]
        while parent[b] != b:
            parent[b] = parent[parent[b]]
            b = parent[b]
        if a < b:
            parent[b] = a
        else:
            parent[a] = b
    for i in range(len(parent)):
        a = i
        while parent[a] != a:
            parent[a] = parent[parent[a]]
            a = parent[a]
        parent[i] = a
    return parent
