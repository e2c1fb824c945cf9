"""How large the near-duplicate clusters are, among all documents that were read, and how often rules reject the documents of each size (rehydration)."""

from __future__ import annotations

from typing import Any

import numpy as np

from curation.dedup.pairs import agreeing, marks, near_pairs
from curation.dedup.parameters import Near
from curation.dedup.signatures import band_name, matrix
from curation.dedup.survivors import components, equal_groups
from curation.tables import row_groups
from curation.verdicts import REJECTED
from pipelines.ranking import Entry, Ranked, ranked, signature_rows


class Sizes:
    """Cluster sizes over all documents read."""

    def __init__(self, documents: Ranked, sizes: np.ndarray) -> None:
        order = np.lexsort((documents.row, documents.part))
        self.part, self.size = documents.part[order], sizes[order]

    def of_part(self, part: int) -> np.ndarray:
        """By row."""
        low, high = np.searchsorted(self.part, (part, part + 1))
        return self.size[low:high]

    def counts(self, entries: tuple[Entry, ...], documents: Ranked, kept: np.ndarray, words: np.ndarray) -> dict[str, Any]:
        """`cluster_words`: words kept by source and size; `cluster_rates`: documents read and rejected by size."""
        by_source: dict[str, dict[str, int]] = {entry.part.source: {} for entry in entries}
        rates: dict[int, list[int]] = {}
        for number, entry in enumerate(entries):
            sizes = self.of_part(number)
            verdicts = np.concatenate(
                [batch["verdict"].to_numpy(zero_copy_only=False) for batch in row_groups(entry.verdicts, ["verdict"])] or [[]]
            )
            for size, total in zip(*np.unique(sizes, return_counts=True), strict=True):
                rate = rates.setdefault(int(size), [0, 0])
                rate[0] += int(total)
                rate[1] += int((verdicts[sizes == size] == REJECTED).sum())
            ranks, rows = documents.by_row(number)
            ranks, rows = ranks[kept[ranks]], rows[kept[ranks]]
            found = by_source[entry.part.source]
            for size in np.unique(sizes[rows]):
                found[str(size)] = found.get(str(size), 0) + int(words[ranks][sizes[rows] == size].sum())
        return {"cluster_words": by_source, "cluster_rates": {str(size): rates[size] for size in sorted(rates)}}


def cluster_sizes(entries: tuple[Entry, ...], near: Near) -> Sizes:
    """The size of every document's cluster. Rejected documents count too, so signatures alone are compared: their agreement, not the texts."""
    documents = ranked(entries, (), rejected=True)
    best = equal_groups(documents.exact)
    unique = np.flatnonzero(best == np.arange(len(best)))
    pairs = near_of(entries, documents, unique, near, agreeing(near.threshold, near.permutations, 0))
    cluster = components(best, pairs)
    return Sizes(documents, np.bincount(cluster, minlength=len(cluster))[cluster])


def near_of(entries: tuple[Entry, ...], documents: Ranked, unique: np.ndarray, near: Near, needed: int) -> np.ndarray:
    """Near pairs among the documents of ranks `unique`, from their signatures."""
    signatures = np.empty((len(documents.row), near.permutations), np.uint8)
    for ranks, batch, rows in signature_rows(entries, documents):
        signatures[ranks] = marks(matrix(batch["signature"], np.uint32)[rows])

    def band(number: int) -> np.ndarray:
        hashes = np.empty(len(documents.row), np.uint64)
        for ranks, batch, rows in signature_rows(entries, documents):
            hashes[ranks] = batch[band_name(number)].to_numpy()[rows]
        return hashes

    return near_pairs(near.bands, band, unique, signatures, needed)
