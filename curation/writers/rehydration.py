"""Rehydration: copies of a document by the size of its near-duplicate cluster.

Deduplication leaves one of many, and with that forgets how many there were. FineWeb-2 (Penedo et al. 2025, arXiv 2506.20920) found that the number says
something: pages that stand alone, and pages that stand hundreds of times, are rejected by rules more often than those between. So it repeats the survivors
of the clusters whose members the rules like.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from curation.writers.parameters import Rates

Steps = tuple[tuple[int, float], ...]
"""(cluster size, weight), by size: the weight holds from that size on, up to the next. Below the first size it is 1."""

WINDOW = 5
"""Neighbouring sizes in the moving mean, as in FineWeb-2."""
FEWEST_CLUSTERS = 400
"""A rate is taken over at least so many clusters. Its standard error is then at most 0.5 / √400 = 2.5 points, about what one copy is worth: in azj_Latn of
FineWeb-2 the rates below that of the whole spread over 23 points, for 9 copies. Without such a rule the lowest rate is that of a few documents kept by chance:
in azj_Cyrl four sizes with 1 or 2 documents have the rate 0. Sizes 28 to 33 get 5 copies for it, and size 2, where 28.7 % of 2,602 documents are rejected
and 43.3 % of all, gets 4."""


def steps(rehydrate: Mapping[int, float] | Rates | None, rates: Mapping[int, tuple[int, int]]) -> Steps:
    """The weights that a recipe asks for. `rates`: documents read and rejected by rules, by cluster size; only `Rates` looks at them."""
    if isinstance(rehydrate, Rates):
        return steps_from_rates(rates, rehydrate.most)
    return tuple(sorted((rehydrate or {}).items()))


def weights(sizes: np.ndarray, by_size: Steps) -> np.ndarray:
    """The weight (float64) of each cluster size."""
    places = np.searchsorted([size for size, _ in by_size], sizes, side="right")
    return np.array([1.0, *(weight for _, weight in by_size)])[places]


def weighted(words: Mapping[int, int], by_size: Steps) -> float:
    """Words, given by cluster size, after rehydration."""
    found = weights(np.array(list(words), np.int64), by_size)
    return float(sum(count * weight for count, weight in zip(words.values(), found.tolist(), strict=True)))


def steps_from_rates(rates: Mapping[int, tuple[int, int]], most: int) -> Steps:
    """FineWeb-2's weights: 1 where rules reject as large a share as of the whole, or larger; `most` where they reject the smallest; between them in
    proportion; then a moving mean over five neighbours, but for the two at each end; then rounded.

    Two things differ. Sizes with too few clusters are pooled with their neighbours (`FEWEST_CLUSTERS`). And as `rates` counts all members of a cluster,
    where FineWeb-2 filters after deduplication, a document of a cluster of n counts one n-th: one page of spam, a thousand times, is one opinion.
    """
    pools = _pools(rates)
    if not pools:
        return ()
    whole = sum(rejected for _, _, rejected in pools) / sum(clusters for _, clusters, _ in pools)
    shares = [rejected / clusters for _, clusters, rejected in pools]
    least = min(shares)
    raw = [1 + (most - 1) * (share - whole) / (least - whole) if share < whole else 1.0 for share in shares]
    half = WINDOW // 2
    smooth = [sum(raw[k - half : k + half + 1]) / WINDOW if half <= k < len(raw) - half else raw[k] for k in range(len(raw))]
    found: list[tuple[int, float]] = []
    for (size, _, _), weight in zip(pools, smooth, strict=True):
        copies = float(round(weight))
        if not found or found[-1][1] != copies:
            found.append((size, copies))
    return tuple(found)


def _pools(rates: Mapping[int, tuple[int, int]]) -> list[tuple[int, float, float]]:
    """(smallest size, clusters, rejected clusters) of neighbouring sizes, enough of them in each. What is left over at the end joins the last."""
    pools: list[tuple[int, float, float]] = []
    first, clusters, rejected = 0, 0.0, 0.0
    for size in sorted(rates):
        first = first or size
        clusters += rates[size][0] / size
        rejected += rates[size][1] / size
        if clusters >= FEWEST_CLUSTERS:
            pools.append((first, clusters, rejected))
            first, clusters, rejected = 0, 0.0, 0.0
    if clusters and pools:
        size, others, refused = pools.pop()
        return [*pools, (size, others + clusters, refused + rejected)]
    return [*pools, (first, clusters, rejected)] if clusters else pools
