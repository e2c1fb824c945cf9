"""Alarms: what a person should look at before believing a version, said from manifests alone.

An alarm stops nothing. It names a source, a value and the threshold that it passed, so that a source that was lost to one rule, or a crawl that changed its
language, is seen on the day of the build.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from curation.writers.factors import fertility
from curation.writers.parameters import Mixture

Manifest = dict[str, Any]
Alarm = dict[str, Any]
"""kind, source, rule, value, threshold, message; null where there is none."""

WORDS_MOVED = 0.5
"""Share by which the kept words of a source may grow or shrink against an earlier version. A doubled or halved source is another source."""
BUDGET_MET = 0.95
"""From this share on a budget counts as met: fractional copies and held-out documents are drawn, which moves small corpora by a few percent."""
HELD_OUT_TIMES = 3
"""Times its share that a held-out split may have of the words. Our choice: a split that gets there (23 times in the corpus of `learning.yaml`) takes text from training
that nobody meant to take."""
SHOWN = 5
"""Rules or files named in a message; the rest is counted."""


def base_rule(rule: str) -> str:
    """A rule's name without the reason that follows it in the ledger: `language.min_target: rus_Cyrl` is `language.min_target`."""
    return rule.partition(": ")[0]


class Alarms(BaseModel):
    """When a build, its card and a comparison warn."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    rule_share: float | None = Field(0.5, gt=0, le=1)
    """A source loses more than this share of its documents to one rule."""
    duplicate_share: float | None = Field(0.5, gt=0, le=1)
    """A source loses more than this share of its documents to deduplication."""
    language_shift: float | None = Field(0.05, gt=0, le=1)
    """A language's share of a source's documents moved by more than this since the version compared with."""
    silent_rules: bool = True
    """A rule fires on no document of any source."""


def intrinsic_alarms(manifest: Manifest, settings: Alarms) -> list[Alarm]:
    """What one version says against itself: sources that lost much to one rule or to deduplication, and rules that fired on nothing."""
    return [
        *(alarm for name, source in sorted(manifest["sources"].items()) for alarm in _losses(name, source, settings)),
        *_silent(manifest, settings),
        *_unknown(manifest["not_found"]),
        *_short(manifest),
        *_held_out(manifest),
    ]


def relative_alarms(earlier: Manifest, manifest: Manifest, settings: Alarms) -> list[Alarm]:
    """What moved between two versions: sources gone, new or read from other inputs, kept words, and shares of languages."""
    before, after = earlier["sources"], manifest["sources"]
    since = earlier["version"]
    found = []
    for name in sorted({*before, *after}):
        if name not in after:
            found.append(_source_alarm("source_gone", name, f"stands in {since} and not in {manifest['version']}"))
        elif name not in before:
            found.append(_source_alarm("source_new", name, f"does not stand in {since}"))
        else:
            found += _moved(name, before[name], after[name], since, settings)
    return found


def input_changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, list[str]]:
    """Names of a source's input files that are new, gone, or have another content; empty lists where the inputs are the same."""
    old, new = ({item["name"]: item["identity"] for item in source["inputs"]} for source in (before, after))
    return {
        "new": sorted(new.keys() - old.keys()),
        "gone": sorted(old.keys() - new.keys()),
        "changed": sorted(name for name in old.keys() & new.keys() if old[name] != new[name]),
    }


def _losses(name: str, source: dict[str, Any], settings: Alarms) -> Iterator[Alarm]:
    read = source["read"]
    by_rule: dict[str, int] = {}
    for rule, count in source["rules"].items():
        if base_rule(rule) in source["thresholds"]:  # not a reader's own, such as mediawiki.redirect: half of a dump may be redirects
            by_rule[base_rule(rule)] = by_rule.get(base_rule(rule), 0) + count
    for rule, count in sorted(by_rule.items()):
        if settings.rule_share is not None and count > settings.rule_share * read:
            yield _alarm(
                "rule_share", f"source {name} loses {count:,} of {read:,} documents ({count / read:.0%}) to the rule {rule}, more than "
                f"alarms.rule_share={settings.rule_share:g}: see some of them with `dollma explain`; mend the source's filters, or leave the source out",
                source=name, rule=rule, value=count / read, threshold=settings.rule_share,
            )  # fmt: skip
    count = source["duplicate"]
    if settings.duplicate_share is not None and count > settings.duplicate_share * read:
        yield _alarm(
            "duplicate_share", f"source {name} loses {count:,} of {read:,} documents ({count / read:.0%}) to deduplication, more than "
            f"alarms.duplicate_share={settings.duplicate_share:g}: `dollma explain` names the survivor of each; is a file in it twice, or a source in another?",
            source=name, value=count / read, threshold=settings.duplicate_share,
        )  # fmt: skip


def _silent(manifest: Manifest, settings: Alarms) -> Iterator[Alarm]:
    active = {rule for source in manifest["sources"].values() for rule in source["thresholds"]}
    fired = {base_rule(rule) for source in manifest["sources"].values() for rule in source["rules"]}
    silent = sorted(active - fired)
    if settings.silent_rules and silent:
        yield _alarm(
            "silent_rules", f"{len(silent)} of {len(active)} rules fire on no document of any source: {', '.join(silent)}. "
            "In a large corpus that is a threshold that can't be reached, or a filter that sees the wrong text",
            value=len(silent),
        )  # fmt: skip


def _unknown(withdrawn: list[str]) -> Iterator[Alarm]:
    """A request to take a document back that reaches none is worse than no request: somebody thinks it done."""
    if withdrawn:
        yield _alarm(
            "not_found", f"{len(withdrawn)} of the documents that the recipe takes back are not there: {_some(withdrawn)}. "
            "Look for them in the ledger, by another URL or id", value=len(withdrawn),
        )  # fmt: skip


def _short(manifest: Manifest) -> Iterator[Alarm]:
    """A corpus smaller than its budget: all sources are at `max_repeats`."""
    mixture = Mixture.model_validate(manifest["recipe"]["mixture"])
    unit = "words" if mixture.tokens_per_word is None else "tokens"
    made = sum(source["final_words"] * fertility(mixture, name) for name, source in manifest["sources"].items())
    if mixture.budget and made < BUDGET_MET * mixture.budget:
        yield _alarm(
            "budget_short", f"the corpus has {made:,.0f} {unit}, and mixture.budget asks for {mixture.budget:,}: "
            "see what each source gives with `dollma mix --dry-run`; a larger mixture.max_repeats, or more text, is needed",
            value=made / mixture.budget, threshold=BUDGET_MET,
        )  # fmt: skip


def _held_out(manifest: Manifest) -> Iterator[Alarm]:
    """Text that nobody meant to keep from training: splits are drawn by document, and a long one that swallowed many others is held out sooner than others."""
    mixture, words = Mixture.model_validate(manifest["recipe"]["mixture"]), {name: one["words"] for name, one in manifest["splits"].items()}
    whole = sum(words.values())
    for name, share in (("validation", mixture.validation), ("test", mixture.test)):
        if share and words[name] > HELD_OUT_TIMES * share * whole:
            yield _alarm(
                "held_out", f"the split {name} holds {words[name]:,} of {whole:,} words ({words[name] / whole:.0%}), more than {HELD_OUT_TIMES} times "
                f"mixture.{name}={share:g}: long documents, and those with many near-duplicates, are in it and not in train. "
                f"A smaller mixture.{name} holds out fewer of them", value=words[name] / whole, threshold=HELD_OUT_TIMES * share,
            )  # fmt: skip


def _moved(name: str, before: dict[str, Any], after: dict[str, Any], since: str, settings: Alarms) -> Iterator[Alarm]:
    files = {what: names for what, names in input_changes(before, after).items() if names}
    if files:
        told = "; ".join(f"{len(names):,} {what} ({_some(names)})" for what, names in files.items())
        yield _source_alarm("source_changed", name, f"has other inputs than in {since}: {told}", value=sum(map(len, files.values())))
    old, new = before["words"], after["words"]
    if abs(new - old) > WORDS_MOVED * old:
        share = abs(new - old) / old if old else None
        yield _source_alarm(
            "words_moved", name, f"keeps {new:,} words, and {old:,} in {since}", value=share, threshold=WORDS_MOVED
        )  # fmt: skip
    if settings.language_shift is not None:
        yield from _languages(name, before.get("languages", {}), after.get("languages", {}), since, settings.language_shift)


def _languages(name: str, before: dict[str, int], after: dict[str, int], since: str, most: float) -> Iterator[Alarm]:
    if not before or not after:
        return
    totals = sum(before.values()), sum(after.values())
    for label in sorted({*before, *after}):
        old, new = before.get(label, 0) / totals[0], after.get(label, 0) / totals[1]
        if abs(new - old) > most:
            yield _source_alarm(
                "language_shift", name, f"has {new:.1%} of its kept documents in {label}, and {old:.1%} in {since}, "
                f"which moved by more than alarms.language_shift={most:g}",
                value=abs(new - old), threshold=most,
            )  # fmt: skip


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:SHOWN]) + (f" and {len(listed) - SHOWN:,} more" if len(listed) > SHOWN else "")


def _source_alarm(kind: str, source: str, what: str, value: float | None = None, threshold: float | None = None) -> Alarm:
    return _alarm(kind, f"source {source} {what}: `dollma diff` shows what came and went", source=source, value=value, threshold=threshold)


def _alarm(
    kind: str,
    message: str,
    source: str | None = None,
    rule: str | None = None,
    value: float | None = None,
    threshold: float | None = None,
) -> Alarm:
    return {"kind": kind, "source": source, "rule": rule, "value": value, "threshold": threshold, "message": message}
