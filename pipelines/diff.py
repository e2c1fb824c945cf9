"""Two versions compared: what each keeps of the other, and why; their settings; what should alarm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from curation.writers.manifest import read_manifest
from pipelines.alarms import Alarms, relative_alarms
from pipelines.differences.documents import ADDED, REMOVED, cause_rows, changes, count_by_source, pair, rule_rows, with_causes
from pipelines.differences.samples import Version, samples
from pipelines.differences.settings import setting_differences
from pipelines.differences.side import Vocabulary, read_side


def compare_versions(a: Path, b: Path, sample: int) -> dict[str, Any]:
    """Everything that differs from version `a` to version `b`, as plain data, with up to `sample` documents of each kind of change.

    It holds in documents and in words, for each source and in all: a + added - removed = b, words being corrected by those of `changed`.
    Raises DollmaError for versions that are not whole.
    """
    before, after = read_manifest(a), read_manifest(b)
    known = Vocabulary({name: n for n, name in enumerate(sorted({*before["sources"], *after["sources"]}))}, {}, {})
    left, right = read_side(a, before, known), read_side(b, after, known)
    pairs = pair(left, right)
    changed = changes(left, right, pairs)
    caused = (
        with_causes(ADDED, right, left, (pairs.added[1], pairs.added[0]), known, set(before["sources"])),
        with_causes(REMOVED, left, right, pairs.removed, known, set(after["sources"])),
    )
    sources = count_by_source(left, right, pairs, changed, known.sources)
    found = {
        "totals": _totals(sources),
        "sources": sources,
        "causes": [row for one in caused for row in cause_rows(one)],
        "rules": [row for one in caused for row in rule_rows(one)],
        "settings": setting_differences(a, b, before, after),
        "alarms": relative_alarms(before, after, Alarms.model_validate(after["recipe"]["alarms"])),
        "samples": samples(Version(a, before, left), Version(b, after, right), changed, caused, sample),
    }
    return {"a": _version(before), "b": _version(after), "equal": _is_equal(found)} | found


def _is_equal(found: dict[str, Any]) -> bool:
    """Do the two keep the same texts in the same places, from the same inputs and settings?"""
    moved = [count for what, count in found["totals"]["documents"].items() if what not in ("a", "b", "unchanged")]
    return not any(moved) and not any(found["settings"].values())


def _version(manifest: dict[str, Any]) -> dict[str, Any]:
    return {name: manifest[name] for name in ("version", "fingerprint", "title", "totals", "splits")}


def _totals(sources: dict[str, Any]) -> dict[str, dict[str, int]]:
    """The sums over all sources."""
    kinds = {kind: list(counts) for source in sources.values() for kind, counts in source.items()}
    return {kind: {what: sum(source[kind][what] for source in sources.values()) for what in names} for kind, names in kinds.items()}
