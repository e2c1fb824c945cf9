"""What if a threshold were another one: what flips, at once by the rules alone, and exactly when asked."""

from __future__ import annotations

from math import isfinite
from typing import Any

from starlette.responses import PlainTextResponse, Response

from curation.audit.charts import Line, histogram
from curation.errors import DollmaError
from pipelines.audit.counts import RuleCount
from pipelines.audit.whatif import Change, flipping, override, settings, what_if, what_if_exact
from pipelines.audit_server.pages import render
from pipelines.audit_server.state import Asked, Audit

SAMPLES = 10
OFF = "off"
Thresholds = dict[str, float | None]


def what_if_page(audit: Audit, asked: Asked) -> Response:
    """The choice of a rule, its measure's distribution, and what another threshold would do."""
    rules = {rule.rule: rule for rule in audit.once("rules", audit.catalog.rules) if rule.measure and rule.bound}
    thresholds = _thresholds(asked)
    name = asked.get("rule")
    if name and name not in rules:
        audit.catalog.check_rule(name)
        raise DollmaError(f"{name} compares nothing with a threshold: it can't be moved")
    values: dict[str, Any] = {"rules": rules, "rule": rules.get(name or ""), "thresholds": thresholds, "pairs": pairs(thresholds)}
    exact = None
    if thresholds and asked.get("exact"):
        exact = audit.long(("exact", *thresholds.items()), lambda: what_if_exact(audit.catalog, dict(thresholds)))
    return render(
        audit,
        "what_if.html",
        again=bool(thresholds and asked.get("exact")) and exact is None,
        here="/what-if",
        asked_exact=bool(asked.get("exact")),
        exact=exact,
        chart=_chart(audit, rules[name], thresholds) if name else None,
        slider=_slider(audit, rules[name], thresholds) if name else None,
        **values,
        **(_effect(audit, thresholds) if thresholds else {"change": None}),
    )


def override_file(audit: Audit, asked: Asked) -> Response:
    """The change as a file to paste into a recipe."""
    thresholds = _thresholds(asked)
    what_if(audit.catalog, thresholds)  # raises for a rule that is none
    named = {"content-disposition": 'attachment; filename="override.yaml"'}
    return PlainTextResponse(override(thresholds), headers=named, media_type="application/yaml")


def pairs(thresholds: Thresholds, without: str | None = None) -> list[str]:
    """Thresholds as parameters of an address."""
    return [f"{rule}={OFF if value is None else repr(value)}" for rule, value in thresholds.items() if rule != without]


def _thresholds(asked: Asked) -> Thresholds:
    """Thresholds of the address: those `set` before, and that of the chosen rule."""
    given = [pair.partition("=")[::2] for pair in asked.query.getlist("set")]
    rule, told = asked.get("rule"), asked.get("threshold")
    if rule and told:
        given = [*((name, value) for name, value in given if name != rule), (rule, told)]
    return {name: _value(name, value) for name, value in given}


def _value(rule: str, told: str) -> float | None:
    if told == OFF:
        return None
    try:
        value = float(told)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise DollmaError(f"threshold {told!r} of {rule}: give a number, or `{OFF}` for no rule")
    return value


def _effect(audit: Audit, thresholds: Thresholds) -> dict[str, Any]:
    change = what_if(audit.catalog, thresholds)
    return {
        "change": change,
        "total": totals(change),
        "samples": [
            (told, flipping(audit.catalog, thresholds, gained, SAMPLES)) for told, gained in (("kept then", True), ("lost then", False))
        ],
        "yaml": override(thresholds),
        "settings": settings(thresholds),
        "totals": totals,
    }


def totals(change: Change) -> dict[str, int | None]:
    """Sums over all sources."""
    names = ("gained", "gained_words", "lost", "lost_words", "kept_before", "words_before", "kept", "words", "final_words")
    sums: dict[str, int | None] = {}
    for name in names:
        values = [getattr(source, name) for source in change.sources]
        sums[name] = None if None in values else sum(values)
    return sums


def _chart(audit: Audit, rule: RuleCount, thresholds: Thresholds) -> Any:
    found = audit.histogram(str(rule.measure))
    new = thresholds.get(rule.rule)
    lines = [Line(rule.rule, float(rule.threshold or 0), str(rule.bound))]
    return histogram(
        str(rule.measure), found.edges, found.counts, lines if new is None else [*lines, Line(rule.rule, new, str(rule.bound))]
    )


def _slider(audit: Audit, rule: RuleCount, thresholds: Thresholds) -> dict[str, Any]:
    """Ends, step and place of the slider: the histogram's range, widened to hold every threshold."""
    found = audit.histogram(str(rule.measure))
    now = thresholds.get(rule.rule, rule.threshold)
    held = [value for value in (now, *rule.thresholds.values()) if value is not None]
    low, high = min(found.edges[0], *held, float("inf")), max(found.edges[-1], *held, float("-inf"))
    whole = all(float(value).is_integer() for value in (found.low, found.high, *held)) and high - low > 2
    if whole:
        low, high = int(low // 1), int(-(-high // 1))
    return {"low": low, "high": high, "step": 1 if whole else "any", "value": "" if now is None else f"{now:g}"}
