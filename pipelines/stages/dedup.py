"""Stage `dedup`: which documents, over all sources, are duplicates of which survivor, and which paragraphs repeat a better document's. One task."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from curation.dedup.memory import recall, remember
from curation.dedup.pairs import agreeing, merged
from curation.dedup.paragraphs import Repeated, no_paragraphs, repeated_paragraphs
from curation.dedup.parameters import Contained, Near, Paragraphs
from curation.dedup.shingles import ShingleSets
from curation.dedup.signatures import paragraphs, sketches
from curation.dedup.sketches import Sketches, containing_pairs
from curation.dedup.survivors import CONTAINED, EXACT, KINDS, NEAR, Outcome, Verified, decide, equal_groups
from curation.languages.profile import load_profile
from curation.text.buffers import TextBatch
from curation.text.shingles import shingle_hashes
from curation.writers.mixture import draws
from pipelines.cluster_sizes import cluster_sizes, near_of
from pipelines.ranking import Entry, Ranked, ranked, signature_rows, text_rows
from pipelines.recipe import Preference
from pipelines.stages.outcomes import Found, outcomes_name, write_outcomes
from pipelines.tasks import RECORD, Progress

VERSION = 2


@dataclass(frozen=True)
class Dedup:
    """All parts of all sources. With `sizes`, the clusters are also counted over what rules reject, for rehydration. `seed` is the mixture's."""

    entries: tuple[Entry, ...]
    exact: bool
    near: Near | None
    contained: Contained | None
    paragraphs: Paragraphs | None
    survivor: tuple[Preference, ...]
    language: str
    seed: int
    sizes: bool

    def run(self, folder: Path, progress: Progress) -> dict[str, Any]:
        """Rank the accepted documents, group equal ones, pair similar ones, verify by their texts, decide, find repeated paragraphs, and write one
        file of outcomes a part."""
        documents = ranked(self.entries, self.survivor)
        progress(documents=len(documents.row))
        best = equal_groups(documents.exact) if self.exact else np.arange(len(documents.row))
        candidates = self._candidates(documents, best, folder)
        verified = self._verified(documents, candidates, folder)
        near, contained = (asked.threshold if asked else None for asked in (self.near, self.contained))
        short = documents.words < (self.contained.min_words if self.contained else 0)
        outcome = decide(best, verified, near, contained, short)
        repeated = self._repeated(documents, outcome, folder)
        left = documents.words - repeated.words_by_rank(len(documents.row))
        stubs = self._stubs(documents, outcome, left)
        sizes = cluster_sizes(self.entries, self.near or Near()) if self.sizes else None
        found = Found(documents, outcome, repeated, left, stubs, sizes, self._drawn(documents, outcome))
        for number, entry in enumerate(self.entries):
            write_outcomes(folder / outcomes_name(number), entry, number, found)
        removed = outcome.survivor >= 0
        kept = ~removed & ~stubs
        counts = {KINDS[kind]: int((removed & (outcome.kind == kind)).sum()) for kind in (EXACT, NEAR, CONTAINED)}
        words = left if self.paragraphs and self.paragraphs.action == "cut" else documents.words
        return {
            "documents": len(documents.row),
            **counts,
            "compared": len(candidates),
            "stubs": int(stubs.sum()),
            "repeated": {"paragraphs": len(repeated.lines), "words": int(repeated.words.sum())},
            "kept": self._kept(documents, kept, words),
        } | (sizes.counts(self.entries, documents, kept, words) if sizes else {})

    def _candidates(self, documents: Ranked, best: np.ndarray, folder: Path) -> np.ndarray:
        """Pairs of ranks that signatures or sketches say are worth comparing."""
        unique = np.flatnonzero(best == np.arange(len(best)))
        found = []
        if self.near is not None:
            found.append(near_of(self.entries, documents, unique, self.near, agreeing(self.near.threshold, self.near.permutations)))
        if self.contained is not None:
            held = Sketches(folder / "sketches.bin", len(best))
            held.write((ranks, rows, *sketches(batch["sketch"])) for ranks, batch, rows in signature_rows(self.entries, documents))
            apart = (best != np.arange(len(best))) | (documents.words < self.contained.min_words)
            held.sizes[best != np.arange(len(best))] = 0
            found.append(containing_pairs(held, apart, self.contained.threshold))
            held.path.unlink()
        return merged(found, len(best))

    def _verified(self, documents: Ranked, pairs: np.ndarray, folder: Path) -> Verified:
        """What the texts of each pair really have in common: remembered from an earlier deduplication of this workspace, or counted."""
        near = self.near or Near()
        profile = load_profile(self.language)
        shingles = {
            "shingle": near.shingle,
            "table": near.signature_identity()["version"],
            "fold": profile.fold,
            "unicode": unicodedata.unidata_version,
        }
        identity = json.dumps(shingles, sort_keys=True, ensure_ascii=False)
        earlier = sorted(place.parent for place in folder.parent.glob(f"*/{RECORD}"))
        sides = documents.exact[pairs[:, 0]], documents.exact[pairs[:, 1]]
        known, counts = recall(earlier, identity, *sides)
        wanted = np.zeros(len(documents.row), dtype=bool)
        wanted[pairs[~known].ravel()] = True
        sets = ShingleSets(folder / "shingles.bin", len(documents.row))
        for ranks, texts in text_rows(self.entries, documents, wanted):
            batch = TextBatch(texts)
            sets.add(ranks, *shingle_hashes(batch.data, batch.offsets, profile.fold_table, near.shingle))
        counts[~known, 0] = sets.common(pairs[~known])
        counts[~known, 1:] = sets.sizes[pairs[~known]]
        sets.path.unlink()
        remember(folder, *sides, counts, identity)
        common, better, worse = counts.T
        return Verified(pairs, common / np.maximum(better + worse - common, 1), common / np.maximum(worse, 1))

    def _repeated(self, documents: Ranked, outcome: Outcome, folder: Path) -> Repeated:
        if self.paragraphs is None:
            return no_paragraphs()
        total = int(documents.words.sum()) // self.paragraphs.min_words
        batches = (
            (ranks[kept], rows[kept], *paragraphs(batch["paragraphs"]))
            for ranks, batch, rows in signature_rows(self.entries, documents)
            for kept in (outcome.survivor[ranks] < 0,)
        )
        return repeated_paragraphs(batches, folder, self.paragraphs.min_words, total)

    def _stubs(self, documents: Ranked, outcome: Outcome, left: np.ndarray) -> np.ndarray:
        """Documents of which cutting leaves fewer words than a paragraph has to have to count."""
        if self.paragraphs is None or self.paragraphs.action != "cut":
            return np.zeros(len(left), dtype=bool)
        return (outcome.survivor < 0) & (left < documents.words) & (left < self.paragraphs.min_words)

    def _drawn(self, documents: Ranked, outcome: Outcome) -> np.ndarray:
        """The least draw of each document's cluster."""
        own = draws(documents.id, self.seed)
        least = np.ones(len(own))
        np.minimum.at(least, outcome.cluster, own)
        return least[outcome.cluster]

    def _kept(self, documents: Ranked, kept: np.ndarray, words: np.ndarray) -> dict[str, dict[str, int]]:
        """Documents, bytes and words left, by source: from these follow the up-sampling factors and the number of shards."""
        found = {entry.part.source: {"documents": 0, "bytes": 0, "words": 0} for entry in self.entries}
        weights = {"documents": np.ones(len(words), np.int64), "bytes": documents.size, "words": words}
        for name, weight in weights.items():
            by_part = np.bincount(documents.part[kept], weights=weight[kept], minlength=len(self.entries))
            for entry, value in zip(self.entries, by_part, strict=True):
                found[entry.part.source][name] += int(value)
        return found
