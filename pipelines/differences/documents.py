"""What became of every document between two versions: kept, added, removed, changed, and why, by source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from curation.ledger import VERDICTS
from curation.verdicts import REJECTED
from pipelines.alarms import base_rule
from pipelines.differences.side import RULES, Codes, Side, Vocabulary

ADDED, REMOVED, CHANGED, MOVED, COPIES = "added", "removed", "changed", "moved", "copies"
NEW, GONE, SOURCE_GONE = "new", "gone", "source_gone"
"""Causes beside the verdicts: not in the earlier inputs, not in the later ones, of a source that the later recipe has not."""
ABSENT = len(VERDICTS)


@dataclass(frozen=True)
class Pairs:
    """Documents of both versions as rows of their sides: those kept in both, and those kept in one. `other` is -1 where the other side never read it."""

    both: tuple[np.ndarray, np.ndarray]
    added: tuple[np.ndarray, np.ndarray]
    removed: tuple[np.ndarray, np.ndarray]


def pair(a: Side, b: Side) -> Pairs:
    """Find every document of one side in the other."""
    in_b, in_a = _places(a.id, b.id)
    there = in_b >= 0
    both = a.kept & there
    both[there] &= b.kept[in_b[there]]
    lost = np.flatnonzero(a.kept & ~both)
    shared = np.flatnonzero(both)
    was_kept = in_a >= 0
    was_kept[was_kept] = a.kept[in_a[was_kept]]
    won = np.flatnonzero(b.kept & ~was_kept)
    return Pairs((shared, in_b[shared]), (in_a[won], won), (lost, in_b[lost]))


def _places(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For sorted ids without repeats: where each of `a` stands in `b`, and the reverse; -1 for nowhere."""
    ids = np.concatenate([a, b])
    order = np.lexsort((ids[:, 1], ids[:, 0]))  # stable: of two equal ids the one of `a` comes first
    ids = ids[order]
    same = np.flatnonzero((ids[1:] == ids[:-1]).all(axis=1))
    left, right = order[same], order[same + 1] - len(a)
    in_b, in_a = np.full(len(a), -1), np.full(len(b), -1)
    in_b[left], in_a[right] = right, left
    return in_b, in_a


def changes(a: Side, b: Side, pairs: Pairs) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The documents of each change, as rows of both sides. A document may be changed, moved and have other copies at once."""
    left, right = pairs.both
    differs = {
        CHANGED: (a.text[left] != b.text[right]).any(axis=1),
        MOVED: a.split[left] != b.split[right],
        COPIES: a.copies[left] != b.copies[right],
    }
    return {ADDED: pairs.added, REMOVED: pairs.removed} | {name: (left[rows], right[rows]) for name, rows in differs.items()}


def count_by_source(a: Side, b: Side, pairs: Pairs, changed: dict[str, tuple[np.ndarray, np.ndarray]], sources: Codes) -> dict[str, Any]:
    """Documents and words by source. Words of `changed` are those of B less those of A: a + added - removed + changed = b, in words."""
    n = len(sources)

    def documents(side: Side, rows: np.ndarray) -> np.ndarray:
        return np.bincount(side.source[rows], minlength=n)

    def words(side: Side, rows: np.ndarray) -> np.ndarray:
        return np.bincount(side.source[rows], side.words[rows], minlength=n).astype(np.int64)

    (left, right), kept_a, kept_b = pairs.both, np.flatnonzero(a.kept), np.flatnonzero(b.kept)
    added, removed = changed[ADDED][1], changed[REMOVED][0]
    counts = {"a": documents(a, kept_a), "b": documents(b, kept_b), ADDED: documents(b, added), REMOVED: documents(a, removed)}
    counts |= {name: documents(a, changed[name][0]) for name in (CHANGED, MOVED, COPIES)}
    counts["unchanged"] = documents(a, left) - counts[CHANGED]
    of_words = {"a": words(a, kept_a), "b": words(b, kept_b), ADDED: words(b, added), REMOVED: words(a, removed)}
    of_words[CHANGED] = words(b, right) - words(a, left)
    return {
        name: {
            "documents": {what: int(values[code]) for what, values in counts.items()},
            "words": {what: int(values[code]) for what, values in of_words.items()},
        }
        for name, code in sorted(sources.items())
    }


@dataclass(frozen=True)
class Caused:
    """The added or the removed documents with their causes: `cause` and `detail` by group, and the group of each document."""

    change: str
    side: Side
    rows: np.ndarray
    other_rows: np.ndarray
    group: np.ndarray
    causes: list[tuple[str, str, str | None]]
    """By group: source, cause, detail."""

    def sums(self) -> Iterator[tuple[str, str, str | None, int, int]]:
        """Source, cause, detail, documents and words of each group."""
        documents = np.bincount(self.group, minlength=len(self.causes))
        words = np.bincount(self.group, self.side.words[self.rows], minlength=len(self.causes))
        for (source, cause, detail), n, total in zip(self.causes, documents.tolist(), words.tolist(), strict=True):
            yield source, cause, detail, n, int(total)


def with_causes(change: str, side: Side, other: Side, rows: tuple[np.ndarray, np.ndarray], known: Vocabulary, present: set[str]) -> Caused:
    """Why documents kept on `side` are not on the `other`, whose sources are `present`; `rows` are those of the side and of the other."""
    own, others = rows
    there = others >= 0
    state = np.where(there, other.verdict[others] if len(other.row) else ABSENT, ABSENT).astype(np.int64)
    detail = np.where(there, other.detail[others] if len(other.row) else -1, -1).astype(np.int64)
    width = len(known.details) + 1
    keys = (side.source[own].astype(np.int64) * (ABSENT + 1) + state) * width + detail + 1
    found, group = np.unique(keys, return_inverse=True)
    names, details = list(known.sources), [None, *known.details]
    causes = []
    for key in found.tolist():
        source, code = divmod(key // width, ABSENT + 1)
        causes.append((names[source], _cause(change, code, names[source] in present), details[key % width]))
    return Caused(change, side, own, others, group, causes)


def _cause(change: str, state: int, source_present: bool) -> str:
    if state < ABSENT:
        return VERDICTS[state]
    if change == ADDED:
        return NEW
    return GONE if source_present else SOURCE_GONE


def cause_rows(caused: Caused) -> list[dict[str, Any]]:
    """Documents and words by source and cause, each document once. `detail` is the kind of duplicate or the reason of a failure."""
    sums: defaultdict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for source, cause, detail, documents, words in caused.sums():
        total = sums[source, cause, "" if cause == REJECTED else detail or ""]
        total[0] += documents
        total[1] += words
    return [
        {"change": caused.change, "source": source, "cause": cause, "detail": detail or None, "documents": total[0], "words": total[1]}
        for (source, cause, detail), total in sorted(sums.items())
    ]


def rule_rows(caused: Caused) -> list[dict[str, Any]]:
    """Documents and words by source and by rule that rejects them on the other side, with the rule's reason. A document counts for each of its rules."""
    sums: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for source, cause, detail, documents, words in caused.sums():
        for rule in (detail or "").split(RULES) if cause == REJECTED else ():
            sums[source, rule][0] += documents
            sums[source, rule][1] += words
    return [
        {
            "change": caused.change,
            "source": source,
            "rule": base_rule(rule),
            "reason": rule.partition(": ")[2] or None,
            "documents": total[0],
            "words": total[1],
        }
        for (source, rule), total in sorted(sums.items())
    ]
