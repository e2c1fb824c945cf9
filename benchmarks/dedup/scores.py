"""What a tool says, held against the truth."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from benchmarks.dedup.corpus import RATES, Corpus
from benchmarks.dedup.planting import CONTAINED, NOISE
from benchmarks.dedup.tools import Claims
from benchmarks.dedup.truth import held, jaccard, pairs_above
from curation.dedup.parameters import Contained, Near

BINS = tuple(round(0.5 + 0.05 * step, 2) for step in range(11))
SURE = 0.85
"""The Jaccard similarity from which on hardly a pair may be missed."""


class Truth(NamedTuple):
    """All pairs of a Jaccard similarity of 0.5 and more, planted or not, and the planted ones with what they really are."""

    pairs: np.ndarray
    similarity: np.ndarray
    planted: np.ndarray
    planted_similarity: np.ndarray
    planted_share: np.ndarray


class Score(NamedTuple):
    """Of `of` pairs in a group, `hits` were found (of claims: were right). A group is limited by `low` and, if open below 1, `high`."""

    group: str
    low: float
    high: float
    of: int
    hits: int

    @property
    def share(self) -> float | None:
        """Recall or precision; of nothing, none."""
        return self.hits / self.of if self.of else None


def truth_of(corpus: Corpus) -> Truth:
    """The truth about a corpus, exact."""
    planted = np.array([(one.base, one.copy) for one in corpus.planted], np.int64)
    return Truth(*pairs_above(corpus.sets, BINS[0]), planted, jaccard(corpus.sets, planted), held(corpus.sets, planted))


def scores(corpus: Corpus, truth: Truth, claims: Claims) -> list[Score]:
    """Precision over the pairs claimed; recall over all true pairs, by similarity, over the noisy copies by error rate, over the contained texts.

    A pair is found when the tool's claims put both in one group, directly or by others between them.
    """
    near, contained = Near().threshold, Contained().threshold
    group = groups(len(corpus.texts), np.concatenate((claims.alike, claims.contained)))
    found = group[truth.pairs[:, 0]] == group[truth.pairs[:, 1]]
    planted = group[truth.planted[:, 0]] == group[truth.planted[:, 1]]
    alike, inside = jaccard(corpus.sets, claims.alike) >= near, held(corpus.sets, claims.contained) >= contained
    rows = [
        Score("precision", near, 1, len(alike), int(alike.sum())),
        Score("precision, contained", contained, 1, len(inside), int(inside.sum())),
    ]
    rows += [_recall("recall", low, 1, truth.similarity >= low, found) for low in (near, SURE)]
    for low, high in pairwise(BINS):
        within = (truth.similarity >= low) & ((truth.similarity < high) | (high == 1))
        rows.append(_recall("similarity", low, high, within, found))
    kind = np.array([one.kind for one in corpus.planted])
    amount = np.array([one.amount for one in corpus.planted])
    for rate in RATES:
        noisy = (kind == NOISE) & (amount == rate)
        rows.append(_recall("noise", rate, rate, noisy, planted))
        rows.append(_recall("noise, similar", rate, rate, noisy & (truth.planted_similarity >= near), planted))
    rows.append(_recall("contained", contained, 1, (kind == CONTAINED) & (truth.planted_share >= contained), planted))
    return rows


def _recall(group: str, low: float, high: float, of: np.ndarray, found: np.ndarray) -> Score:
    return Score(group, low, high, int(of.sum()), int((of & found).sum()))


def groups(documents: int, pairs: np.ndarray) -> np.ndarray:
    """By row, the least row of the group that pairs connect it to."""
    parent = list(range(documents))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    for a, b in pairs.tolist():
        one, two = sorted((root(a), root(b)))
        parent[two] = one
    return np.array([root(row) for row in range(documents)])
