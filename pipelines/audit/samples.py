"""Samples: some documents of a rule, the same ones each time."""

from __future__ import annotations

from typing import Literal

from pipelines.audit.catalog import Catalog
from pipelines.audit.filters import Query, Row, fetch, find, margin_sql, shuffled

Kind = Literal["random", "borderline", "stratified"]


def sample(catalog: Catalog, rule: str | None, n: int, kind: Kind = "random", seed: int = 0) -> list[Row]:
    """`n` documents that fail a rule, or without a rule of the whole version.

    With `borderline` those nearest to the rule's threshold, half on either side of it (one side gives what the other lacks), the nearest first; without a rule
    those nearest to being kept or rejected. Raises DollmaError for a rule that the version has not, and for one without a threshold where that is asked for.
    """
    if kind == "borderline":
        return _borderline(catalog, rule, n, seed)
    found: list[Row] = []
    while len(found) < n:
        page = find(catalog, Query(rule=rule, order=kind, seed=seed, limit=min(n - len(found), 1000), offset=len(found)))
        found += page.rows
        if not page.rows:
            break
    return found


def _borderline(catalog: Catalog, rule: str | None, n: int, seed: int) -> list[Row]:
    if rule is not None:
        catalog.check_rule(rule)
        catalog.check_judged(rule)
    margin = margin_sql(catalog, rule)
    sides = []
    for side in ("<", ">="):
        sql = f"""SELECT row, abs(margin) FROM (SELECT row, key, {margin} AS margin FROM documents) WHERE margin {side} 0
            ORDER BY abs(margin), {shuffled(seed)}, row LIMIT ?"""  # noqa: S608
        sides.append(catalog.select(sql, (n,)))
    failing, passing = sides
    few = min(len(failing), max(n - n // 2, n - len(passing)))
    chosen = sorted([*failing[:few], *passing[: n - few]], key=lambda one: one[1])
    return list(fetch(catalog, [row for row, _ in chosen], rule))
