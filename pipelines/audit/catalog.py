"""A version's documents as one table of a database: what the overview counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from curation.errors import DollmaError, nearest
from curation.ledger import VERDICTS
from curation.verdicts import KEPT
from curation.writers.manifest import read_manifest
from pipelines.audit.counts import Alike, Count, Histogram, HostCount, RuleCount, SourceFunnel, Tally
from pipelines.audit.database import Database
from pipelines.audit.relation import JOINT, MEASURE, parts_of, quoted
from pipelines.versions import find_version

FOLDER = "audit"
MIXED = ("language", "script")
"""Measures that are names, by which documents are counted."""
TAIL = 0.001
"""Share of the documents at either end of a measure that a histogram draws in its first and last bin."""


@dataclass(frozen=True)
class Catalog:
    """An open version. Close it, or use it in `with`. Any number of threads may ask it at once."""

    folder: Path
    workspace: Path
    manifest: dict[str, Any]
    database: Database = field(repr=False)
    filters: dict[str, tuple[Any, ...]] = field(default_factory=dict, repr=False, compare=False)
    """The filters of each source, once they were made (`pipelines.audit.judges`)."""

    def rules(self) -> list[RuleCount]:
        """Every rule of the version, those that reject most first; rules that fire on nothing stand last."""
        found = {name: Tally() for name in self._thresholds}
        for one in self._cube:
            failed = one.failed
            for rule in failed:
                found.setdefault(rule, Tally()).add(one.source, one.documents, one.words, alone=len(failed) == 1)
        rules = [self._rule(name, tally) for name, tally in found.items()]
        return sorted(rules, key=lambda one: (-one.documents, one.rule))

    def _rule(self, name: str, tally: Tally) -> RuleCount:
        thresholds = self._thresholds.get(name, {})
        known = _rule_of(name) if thresholds else None
        common = Counter(thresholds.values()).most_common(1)
        return RuleCount(
            name,
            name.partition(".")[0] if thresholds else None,
            known[0] if known else None,
            common[0][0] if common else None,
            known[1] if known else None,
            sum(tally.documents.values()),
            tally.alone,
            tally.words,
            tally.words_alone,
            thresholds,
            dict(sorted(tally.documents.items())),
        )

    def overlap(self) -> list[tuple[str, str, int]]:
        """(rule, other rule, documents that fail both), each pair once, most first."""
        pairs: Counter[tuple[str, str]] = Counter()
        for some in self._cube:
            failed = sorted(some.failed)
            for place, one in enumerate(failed):
                for other in failed[place + 1 :]:
                    pairs[one, other] += some.documents
        return [(*pair, count) for pair, count in sorted(pairs.items(), key=lambda item: (-item[1], item[0]))]

    def funnel(self) -> list[SourceFunnel]:
        """What became of each source, by name."""
        counts = {name: (dict.fromkeys(VERDICTS, 0), Counter[str]()) for name in self.sources}
        for one in self._cube:
            verdicts, sums = counts[one.source]
            verdicts[one.verdict] = verdicts.get(one.verdict, 0) + one.documents
            sums["read"] += one.words
            sums["kept"] += one.words if one.verdict == KEPT else 0
        stated = self.manifest["sources"]
        return [
            SourceFunnel(
                source=name,
                title=stated[name].get("title") or name,
                read=sum(verdicts.values()),
                **verdicts,
                words_read=sums["read"],
                words=sums["kept"],
                final_words=stated[name]["final_words"],
                upsample=float(stated[name]["upsample"]),
            )
            for name, (verdicts, sums) in counts.items()
        ]

    def mix(self, measure: str, verdict: str | None = KEPT) -> list[Count]:
        """Documents by `language` or `script`, most first; `verdict` None counts all that were read. Empty where no filter of the version measures it."""
        if measure not in MIXED:
            raise DollmaError(f"documents are not counted by {measure!r}: {nearest(measure, MIXED)}")
        if measure not in self.database.kinds:
            return []
        found: dict[str | None, Counter[str]] = {}
        for one in self._cube:
            if verdict in (None, one.verdict):
                found.setdefault(getattr(one, measure), Counter()).update(documents=one.documents, words=one.words)
        counts = (Count(name, sums["documents"], sums["words"]) for name, sums in found.items())
        return sorted(counts, key=lambda one: (-one.documents, one.name or ""))

    def histogram(self, measure: str, bins: int = 60, by: Literal["verdict", "source"] | None = "verdict") -> Histogram:
        """How a measure is distributed. Raises DollmaError for what is no measure of numbers."""
        low, high, least, greatest = self._range(measure)
        column, width = quoted(MEASURE + measure), (high - low) / bins or 1.0
        group = by or "'all'"
        bucket = f"least(greatest(floor(({column} - ?) / ?), 0), ?)::INTEGER"
        sql = f"SELECT {group}, {bucket} AS bin, count(*) FROM documents WHERE isfinite({column}::DOUBLE) GROUP BY ALL"  # noqa: S608
        counts: dict[str, list[int]] = {}
        for name, place, documents in self.select(sql, (low, width, bins - 1)):
            counts.setdefault(name, [0] * bins)[place] += documents
        order = {name: number for number, name in enumerate(VERDICTS)}
        shown = sorted(counts, key=lambda name: (order.get(name, 0), name))
        return Histogram(
            measure, tuple(low + width * n for n in range(bins + 1)), {name: tuple(counts[name]) for name in shown}, least, greatest
        )

    def _range(self, measure: str) -> tuple[float, float, float, float]:
        """(edge, edge, least, greatest) of a measure: shares have edges at 0 and 1 if they use most of it, others lose their tails."""
        self.check_measure(measure)
        if measure not in self._ranges:
            column = quoted(MEASURE + measure)
            sql = f"""SELECT min(v), max(v), quantile_disc(v, {TAIL}), quantile_disc(v, {1 - TAIL})
                FROM (SELECT {column}::DOUBLE AS v FROM documents WHERE isfinite({column}::DOUBLE))"""  # noqa: S608
            least, greatest, low, high = (float(value or 0) for value in self.select(sql)[0])
            self._ranges[measure] = (low, high if high > low else low + 1, least, greatest)
        return self._ranges[measure]

    def hosts(self, n: int) -> list[HostCount]:
        """The `n` hosts with most documents."""
        sql = """SELECT host, count(*) AS documents, count(*) FILTER (verdict = 'kept'), count(*) FILTER (verdict = 'rejected'),
            count(*) FILTER (verdict = 'duplicate'), coalesce(sum(words) FILTER (verdict = 'kept'), 0)::BIGINT
            FROM documents WHERE host IS NOT NULL GROUP BY host ORDER BY documents DESC, host LIMIT ?"""
        return [HostCount(*row) for row in self.select(sql, (n,), only=("host", "verdict", "words"))]

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the sources."""
        return tuple(sorted(self.manifest["sources"]))

    @property
    def measures(self) -> tuple[str, ...]:
        """Names of the measures that are numbers, one a document."""
        return tuple(name for name, kind in self.database.kinds.items() if kind != "VARCHAR")

    def check_measure(self, measure: str) -> None:
        """Raises DollmaError for what is no measure of numbers of this version."""
        if measure not in self.measures:
            raise DollmaError(f"{self.manifest['version']} has no measure {measure!r} of numbers: {nearest(measure, self.measures)}")

    def check_rule(self, rule: str) -> None:
        """Raises DollmaError for a rule that the version has not."""
        known = {*self._thresholds, *(name for pattern in self.patterns for name in pattern.split(JOINT))}
        if rule not in known:
            raise DollmaError(f"{self.manifest['version']} has no rule {rule!r}: {nearest(rule, known)}")

    def check_judged(self, rule: str) -> None:
        """Raises DollmaError for a rule that compares no measure of this version with a threshold."""
        if self.judged_by(rule) is None:
            raise DollmaError(
                f"the rule {rule!r} of {self.manifest['version']} compares no measure of a document with a threshold: nothing is borderline to it"
            )

    @property
    def patterns(self) -> set[str]:
        """Every set of rules that some document fails, joined."""
        return {one.pattern for one in self._cube if one.pattern}

    @property
    def ready(self) -> bool:
        """Does the index stand? Without it the same answers come from the version's own files, slower."""
        return self.database.ready

    def index(self) -> None:
        """Write the index, unless it stands; others may ask meanwhile. A version of some 50,000 documents or fewer needs none."""
        self.database.index()

    def select(self, sql: str, parameters: Sequence[Any] = (), only: Sequence[str] | None = None) -> list[tuple[Any, ...]]:
        """Rows of a query over `documents`, for this package alone: its text never holds what a person typed. `only` as in `Database.select`."""
        return self.database.select(sql, parameters, only)

    def judged_by(self, rule: str) -> tuple[str, Literal["min", "max"], dict[str, float]] | None:
        """(measure, bound, threshold by source) of a filter's rule that compares a measure of this version with a threshold; None for any other."""
        thresholds, known = self._thresholds.get(rule, {}), _rule_of(rule)
        return (*known, thresholds) if known and thresholds and known[0] in self.measures else None

    @cached_property
    def judging(self) -> tuple[tuple[str, str, Literal["min", "max"], dict[str, float]], ...]:
        """(rule, measure, bound, threshold by source) of every rule that `judged_by` knows."""
        return tuple((rule, *judged) for rule in self._thresholds if (judged := self.judged_by(rule)))

    @cached_property
    def _thresholds(self) -> dict[str, dict[str, float]]:
        """Threshold by rule and source."""
        found: dict[str, dict[str, float]] = {}
        for source in self.sources:
            for rule, threshold in self.manifest["sources"][source].get("thresholds", {}).items():
                found.setdefault(rule, {})[source] = float(threshold)
        return dict(sorted(found.items()))

    @cached_property
    def _cube(self) -> list[Alike]:
        """Counted once, and all of the overview but hosts follows from it."""
        measured = [MEASURE + name for name in MIXED if name in self.database.kinds]
        named = [MEASURE + name if name in self.database.kinds else "NULL" for name in MIXED]
        sql = f"""SELECT source, verdict, pattern, {", ".join(named)}, count(*), coalesce(sum(words), 0)::BIGINT
            FROM documents GROUP BY ALL ORDER BY ALL"""  # noqa: S608
        return [Alike(*row) for row in self.select(sql, only=("source", "verdict", "pattern", "words", *measured))]

    @cached_property
    def deviations(self) -> dict[str, float]:
        """The standard deviation of each measure of numbers over all documents, to six digits."""
        columns = [f"stddev_pop({quoted(MEASURE + name)}) FILTER (isfinite({quoted(MEASURE + name)}::DOUBLE))" for name in self.measures]
        if not columns:
            return {}
        row = self.select(f"SELECT {', '.join(columns)} FROM documents")[0]  # noqa: S608
        return {name: float(f"{value:.6g}") if value else 0.0 for name, value in zip(self.measures, row, strict=True)}

    @cached_property
    def _ranges(self) -> dict[str, tuple[float, float, float, float]]:
        return {}

    def close(self) -> None:
        """Let go of the files."""
        self.database.close()

    def __enter__(self) -> Catalog:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _rule_of(name: str) -> tuple[str, Literal["min", "max"]] | None:
    """(measure, bound) of a filter's rule; None for one of a filter that this release has not, or whose rules depend on its parameters."""
    from curation.filters.base import Filter  # noqa: PLC0415 - all filters with their kernels: a second that the first page need not wait for
    from curation.processors import processor  # noqa: PLC0415

    asked, _, parameter = name.partition(".")
    try:
        made = processor("filter", asked)
    except DollmaError:
        return None
    rules: Iterable[Any] = made.rules if issubclass(made, Filter) else ()
    return next(((rule.measure, "min" if rule.keep == ">=" else "max") for rule in rules if rule.parameter == parameter), None)


def open_catalog(name: str, workspace: Path) -> Catalog:
    """A version by its path, its name or the beginning of it. Raises DollmaError where there is none, or one that is not whole.

    The workspace is the one the version stands in, whichever was named: one that stands in none is looked at alone.
    """
    folder = find_version(name, workspace)
    manifest = read_manifest(folder)
    around = folder.resolve().parent
    home = around.parent if around.name == "versions" else workspace
    return Catalog(folder, home, manifest, Database(parts_of(folder, manifest), manifest, home / FOLDER / folder.resolve().name))
