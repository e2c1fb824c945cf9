"""What if a threshold were another one: an estimate at once, and exactly what a rebuild would say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

import yaml

from curation.errors import DollmaError, nearest
from curation.filters.base import Rule
from pipelines.audit.catalog import Catalog
from pipelines.audit.filters import Row, fetch, shuffled
from pipelines.audit.judges import changed, filters_of
from pipelines.audit.relation import JOINT, MEASURE, literal, quoted

Changed = dict[str, tuple[Rule, float | None]]
"""Rules of a source whose threshold is another one, with what they compare and the new threshold (None: the rule is off)."""


@dataclass(frozen=True)
class SourceChange:
    """What flips in a source. `gained` are documents that are kept then and are not now, `lost` the reverse, in documents and words. `kept` and `words` count
    the version then; of a document kept now and then, cuts of pages or paragraphs may change the words. `rejected`, `duplicate` and `final_words`, with all
    copies, are None in an estimate."""

    source: str
    gained: int
    gained_words: int
    lost: int
    lost_words: int
    kept_before: int
    words_before: int
    kept: int
    words: int
    rejected: int | None
    duplicate: int | None
    final_words: int | None


@dataclass(frozen=True)
class Change:
    """`exact`: as a rebuild with these thresholds would have it, duplicates and repeated paragraphs included. Else an estimate before duplicates: `gained` are
    documents that rules would keep (some will be duplicates), `lost` kept ones that rules would reject (duplicates of them may stand again)."""

    thresholds: dict[str, float | None]
    exact: bool
    sources: tuple[SourceChange, ...]


def what_if(catalog: Catalog, thresholds: Mapping[str, float | None]) -> Change:
    """The estimate. `thresholds` by rule, `filter.parameter`, as the recipe's `filters` would have them (a source with a threshold of its own keeps it); None
    switches a rule off. Raises DollmaError for a rule that no source of the version has, and for a threshold that its filter does not take."""
    gained, lost = _conditions(catalog, thresholds)
    sql = f"""SELECT source, count(*) FILTER ({gained}), coalesce(sum(words) FILTER ({gained}), 0)::BIGINT,
        count(*) FILTER ({lost}), coalesce(sum(words) FILTER ({lost}), 0)::BIGINT FROM documents GROUP BY source"""  # noqa: S608
    flips = {source: counts for source, *counts in catalog.select(sql)}
    sources = []
    for now in catalog.funnel():
        more, more_words, less, less_words = flips.get(now.source, (0, 0, 0, 0))
        then = (now.kept + more - less, now.words + more_words - less_words)
        sources.append(SourceChange(now.source, more, more_words, less, less_words, now.kept, now.words, *then, None, None, None))
    return Change(dict(thresholds), False, tuple(sources))


def what_if_exact(catalog: Catalog, thresholds: Mapping[str, float | None]) -> Change:
    """As a rebuild would have it: decides and deduplicates again over the workspace's stages, in the folder for temporary files (TMPDIR); nothing of the
    workspace is written. Takes about as long as a rebuild's `decide` and `dedup`. Raises DollmaError where the stages are gone."""
    from pipelines.audit.rejudging import rejudged  # noqa: PLC0415 - it brings all of the build

    changed_rules(catalog, thresholds)
    return Change(dict(thresholds), True, rejudged(catalog, thresholds))


def flipping(catalog: Catalog, thresholds: Mapping[str, float | None], gained: bool, n: int = 20, seed: int = 0) -> list[Row]:
    """Some of the documents that flip by the estimate, `gained` or else lost: the same ones each time."""
    condition = _conditions(catalog, thresholds)[0 if gained else 1]
    sql = f"SELECT row FROM documents WHERE {condition} ORDER BY {shuffled(seed)}, row LIMIT ?"  # noqa: S608
    return list(fetch(catalog, [row for (row,) in catalog.select(sql, (n,))]))


def override(thresholds: Mapping[str, float | None]) -> str:
    """The change as YAML for a recipe."""
    return yaml.safe_dump({"filters": changed(_plain(thresholds))}, sort_keys=True, allow_unicode=True)


def settings(thresholds: Mapping[str, float | None]) -> list[str]:
    """The change as `--set` takes it, one for each rule: `filters.length.min_words=20`."""
    return [f"filters.{rule}={yaml.safe_dump(value).split()[0]}" for rule, value in sorted(_plain(thresholds).items())]


def _plain(thresholds: Mapping[str, float | None]) -> dict[str, float | None]:
    """Whole numbers as such: 20 and not 20.0 words."""
    return {rule: int(value) if value is not None and float(value).is_integer() else value for rule, value in thresholds.items()}


def changed_rules(catalog: Catalog, thresholds: Mapping[str, float | None]) -> dict[str, Changed]:
    """By source. Raises DollmaError for a rule that no source of the version has, and for one of a measure that the version lacks."""
    known = {name for source in catalog.sources for name in catalog.manifest["sources"][source].get("thresholds", {})}
    for rule, value in thresholds.items():
        if value is not None and not isfinite(value):
            raise DollmaError(f"{rule}: {value} is no threshold: give a number, or null to switch the rule off")
        if rule not in known:
            raise DollmaError(f"no source of {catalog.manifest['version']} has the rule {rule!r}: {nearest(rule, known)}")
    return {source: _changed(catalog, source, thresholds) for source in catalog.sources}


def _changed(catalog: Catalog, source: str, thresholds: Mapping[str, float | None]) -> Changed:
    before, after = (
        {name: (rule, threshold) for asked in filters_of(catalog, source, asked_for) for name, rule, threshold in asked.thresholds()}
        for asked_for in (None, thresholds)
    )
    found: Changed = {name: (rule, None) for name, (rule, _) in before.items() if name not in after}
    found |= {name: now for name, now in after.items() if name not in before or before[name][1] != now[1]}
    for name, (rule, threshold) in found.items():
        if threshold is not None and rule.measure not in catalog.measures:
            raise DollmaError(f"{name}: source {source} was never measured for {rule.measure}: build with the rule to see what it does")
    return found


def _conditions(catalog: Catalog, thresholds: Mapping[str, float | None]) -> tuple[str, str]:
    """(gained, lost) as conditions over the view `documents`, made of names and numbers of the version and of its filters alone."""
    gained, lost = [], []
    alike: dict[str, tuple[Changed, list[str]]] = {}
    for source, rules in changed_rules(catalog, thresholds).items():
        if rules:
            alike.setdefault(repr(sorted(rules.items())), (rules, []))[1].append(source)
    for rules, sources in alike.values():
        own = f"judged AND source IN ({', '.join(map(literal, sources))})"
        passes = " AND ".join(_passes(rule, threshold) for rule, threshold in rules.values() if threshold is not None) or "true"
        freed = [literal(pattern) for pattern in sorted(catalog.patterns) if set(pattern.split(JOINT)) <= rules.keys()]
        if freed:
            gained.append(f"({own} AND verdict = 'rejected' AND pattern IN ({', '.join(freed)}) AND {passes})")
        lost.append(f"({own} AND verdict = 'kept' AND NOT ({passes}))")
    return " OR ".join(gained) or "false", " OR ".join(lost) or "false"


def _passes(rule: Rule, threshold: Any) -> str:
    """As `curation.verdicts` has it: what is no number passes nothing."""
    value = f"{quoted(MEASURE + rule.measure)}::DOUBLE"
    return f"coalesce({value} {rule.keep} {float(threshold)!r}::DOUBLE AND NOT isnan({value}), false)"
