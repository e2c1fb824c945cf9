"""Which documents: a query of a person, answered with bound parameters and columns from a list."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from curation.errors import DollmaError, nearest
from pipelines.audit.catalog import Catalog
from pipelines.audit.relation import JOINT, MEASURE, literal, quoted

Order = Literal["file", "random", "borderline", "stratified"]


class Query(BaseModel):
    """What to look for; everything that is given must hold.

    `borderline` sorts by how near a document stands to flipping: to the threshold of `rule` if one is given (on either side of it, whatever failed else), or to
    being kept or rejected. `stratified` takes in turn one document of each source and verdict. `random` is a shuffle that follows from the seed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str | None = None
    verdict: Literal["kept", "rejected", "duplicate", "failed"] | None = None
    rule: str | None = None
    """Documents that fail this rule; with `order` borderline those that it judged."""
    measure: str | None = None
    low: float | None = None
    high: float | None = None
    """Bounds of `measure`, both inclusive."""
    language: str | None = None
    script: str | None = None
    host: str | None = None
    """A host, with all below it: `example.az` finds `www.example.az`."""
    text: str | None = Field(None, max_length=1000)
    """The beginning of an id (8 hexadecimal digits or more) or of a URL; anything else stands in the text, letters of either case."""
    order: Order = "file"
    seed: int = Field(0, ge=0, lt=2**63)
    limit: int = Field(50, ge=1, le=1000)
    offset: int = Field(0, ge=0, le=1_000_000)


@dataclass(frozen=True)
class FailedRule:
    """A rule that a document fails; `rule` without its reason, which stands in `reason`."""

    rule: str
    reason: str | None
    measure: str | None
    value: float | None
    threshold: float | None


@dataclass(frozen=True)
class Row:
    """A document. `part` and `number` are its extract task and its place there: the ledger may hold an id twice, but never a place."""

    id: str
    source: str
    part: int
    number: int
    verdict: str
    rules: tuple[FailedRule, ...]
    words: int | None
    url: str | None
    locator: str
    measures: dict[str, Any]
    margin: float | None
    """Distance to the threshold in standard deviations of the measure, positive where the document passes; of the query's rule, or of the rule that decides."""
    margin_rule: str | None
    survivor: str | None
    kind: str | None
    similarity: float | None
    cluster: str | None
    error: str | None
    split: str | None
    copies: int
    language: str | None
    script: str | None


@dataclass(frozen=True)
class Page:
    """A page of results. `total` counts all that fit; with `cut` the search in texts stopped early, `searched` says after how many documents."""

    rows: tuple[Row, ...]
    total: int
    cut: bool
    searched: int | None = None


def find(catalog: Catalog, query: Query) -> Page:
    """The documents that fit. Raises DollmaError for a source, a rule or a measure that the version has not."""
    where, parameters = _where(catalog, query)
    if query.text is not None and not _is_prefix(query.text):
        from pipelines.audit.search import search  # noqa: PLC0415 - it reads rows with what stands here

        return search(catalog, query, where, parameters)
    relation = "documents"
    if query.order == "borderline":
        relation = _with_margins(catalog, query.rule, whole=where == EVERY)
        where += " AND margin IS NOT NULL"
    total = catalog.select(f"SELECT count(*) FROM {relation} WHERE {where}", parameters)[0][0]  # noqa: S608
    if query.order == "stratified":
        rows = _stratified(catalog, query, where, parameters)
    else:
        drawn = shuffled(query.seed)
        order = {"file": "row", "random": f"{drawn}, row", "borderline": f"abs(margin), {drawn}, row"}[query.order]
        sql = f"SELECT row FROM {relation} WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?"  # noqa: S608
        rows = [row for (row,) in catalog.select(sql, [*parameters, query.limit, query.offset])]
    return Page(fetch(catalog, rows, query.rule if query.order == "borderline" else None), total, cut=False)


def _with_margins(catalog: Catalog, rule: str | None, whole: bool) -> str:
    """Documents with their `margin`; nothing else of them if the `whole` version is asked for."""
    margin = margin_sql(catalog, rule)
    if rule is not None:
        return f"(SELECT *, {margin} AS margin FROM documents)"  # noqa: S608
    margins = catalog.database.margins(margin)
    return margins if whole else f"(SELECT d.*, margin FROM documents d JOIN {margins} USING (row))"  # noqa: S608


def row_of(catalog: Catalog, source: str, part: int, number: int) -> Row | None:
    """The document at a place."""
    first = next((held.first for held in catalog.database.parts if (held.source, held.number) == (source, part)), None)
    found = [] if first is None or number < 0 else fetch(catalog, [first + number])
    return found[0] if found and (found[0].source, found[0].part) == (source, part) else None


def rows_of_id(catalog: Catalog, document: str) -> tuple[Row, ...]:
    """All rows with an id (32 hexadecimal digits): several if it was read several times."""
    if not re.fullmatch("[0-9a-f]{32}", document):
        return ()
    found = catalog.select("SELECT row FROM documents WHERE key = ? AND id = ? ORDER BY row", (int(document[:16], 16), document))
    return fetch(catalog, [row for (row,) in found])


def stirred(seed: int) -> int:
    """32 bits that follow from a seed."""
    return int.from_bytes(hashlib.blake2b(seed.to_bytes(8, "little"), digest_size=4, person=b"audit").digest(), "little")


def shuffled(seed: int) -> str:
    """What sorting by is a shuffle, another one for each seed: 32 bits of each id, stirred with it (xxHash's last steps, Collet 2012). Written out so that
    another release of the database draws the same documents."""
    low = f"((xor(key & 4294967295, {stirred(seed):d}::UBIGINT) * 2246822519) & 4294967295)"
    return f"((xor({low}, {low} >> 13) * 3266489917) & 4294967295)"


def fetch(catalog: Catalog, rows: Sequence[int], rule: str | None = None) -> tuple[Row, ...]:
    """Documents by their row, in this order; the margin is that of a rule, or of the one that decides."""
    if not rows:
        return ()
    names = list(catalog.database.kinds)
    columns = ", ".join([*_TAKEN, *(quoted(MEASURE + name) for name in names)])
    found = {}
    for values in _values(catalog, columns, rows):
        row = dict(zip(_TAKEN, values, strict=False))
        place, judged = row.pop("row"), row.pop("judged")
        own = {name: value for name, value in zip(names, values[len(_TAKEN) :], strict=True) if value is not None}
        margin, deciding = _margin(catalog, row["source"], own, rule) if judged else (None, None)
        failed = tuple(_failed(one) for one in row.pop("rules"))
        row |= {name: own.get(name) if isinstance(own.get(name), str) else None for name in ("language", "script")}
        found[place] = Row(**row, rules=failed, measures=own, margin=margin, margin_rule=deciding)
    return tuple(found[row] for row in rows if row in found)


def _values(catalog: Catalog, columns: str, rows: Sequence[int]) -> Iterator[tuple[Any, ...]]:
    for relation, own in catalog.database.holding(rows):
        sql = f"SELECT {columns} FROM {relation} WHERE row IN (SELECT unnest(?)) AND row BETWEEN ? AND ?"  # noqa: S608 - the bounds let the index skip
        yield from catalog.select(sql, [own, min(own), max(own)])


def _margin(catalog: Catalog, source: str, measures: dict[str, Any], rule: str | None) -> tuple[float | None, str | None]:
    """The margin of a document, and the rule it is of: what `margin_sql` computes, for one row."""
    margins = []
    for name, measure, bound, thresholds in catalog.judging:
        deviation, value = catalog.deviations[measure], measures.get(measure)
        if source in thresholds and value is not None and (name == rule or (rule is None and deviation)):
            above = (value - thresholds[source]) / (deviation or 1.0)
            margins.append((above if bound == "min" else -above, name))
    return min(margins, default=(None, None))


def _failed(rule: dict[str, Any]) -> FailedRule:
    name, _, reason = rule["rule"].partition(": ")
    return FailedRule(name, reason or None, rule["measure"], rule["value"], rule["threshold"])


_TAKEN = (
    "row", "id", "source", "part", "number", "verdict", "rules", "words", "url", "locator", "survivor", "kind", "similarity", "cluster", "error",
    "split", "copies", "judged",
)  # fmt: skip


def _is_prefix(text: str) -> bool:
    return bool(re.fullmatch("[0-9a-fA-F]{8,32}", text)) or "://" in text


def _where(catalog: Catalog, query: Query) -> tuple[str, list[Any]]:
    """The condition, and its parameters."""
    found = [*_plain(catalog, query), *_of_rule(catalog, query), *_of_measure(catalog, query), *_of_address(query)]
    return " AND ".join([EVERY, *(condition for condition, _ in found)]), [value for _, values in found for value in values]


EVERY = "true"
Condition = tuple[str, list[Any]]


def _plain(catalog: Catalog, query: Query) -> Iterator[Condition]:
    """Columns that equal what is asked for."""
    if query.source is not None and query.source not in catalog.sources:
        raise DollmaError(f"{catalog.manifest['version']} has no source {query.source!r}: {nearest(query.source, catalog.sources)}")
    for name in ("source", "verdict"):
        if (wanted := getattr(query, name)) is not None:
            yield f"{name} = ?", [wanted]
    for name in ("language", "script"):
        if (wanted := getattr(query, name)) is not None:
            yield (f"{MEASURE}{name} = ?", [wanted]) if name in catalog.database.kinds else ("false", [])


def _of_rule(catalog: Catalog, query: Query) -> Iterator[Condition]:
    if query.rule is None:
        return
    catalog.check_rule(query.rule)
    if query.order == "borderline":
        catalog.check_judged(query.rule)
    else:
        yield "pattern IN (SELECT unnest(?))", [[name for name in catalog.patterns if query.rule in name.split(JOINT)]]


def _of_measure(catalog: Catalog, query: Query) -> Iterator[Condition]:
    if query.measure is None:
        return
    catalog.check_measure(query.measure)
    column = quoted(MEASURE + query.measure)
    yield f"{column} IS NOT NULL", []
    for sign, bound in ((">=", query.low), ("<=", query.high)):
        if bound is not None:
            yield f"{column} {sign} ?", [bound]


def _of_address(query: Query) -> Iterator[Condition]:
    """Hosts with all below them; the beginning of a URL, or of an id, of which `key` is the first half."""
    if query.host is not None:
        yield "(host = ? OR ends_with(host, ?))", [query.host.lower(), f".{query.host.lower()}"]
    if query.text is not None and "://" in query.text:
        yield "starts_with(url, ?)", [query.text]
    elif query.text is not None and _is_prefix(query.text):
        begun = query.text.lower()
        low, high = (int(begun[:16].ljust(16, digit), 16) for digit in "0f")
        yield "key BETWEEN ? AND ? AND starts_with(id, ?)", [low, high, begun]


def margin_sql(catalog: Catalog, rule: str | None) -> str:
    """How far a document stands from a rule's threshold, or from flipping (the least over all rules whose measure varies), in standard deviations of the
    measure; positive where it passes. Null where nothing judged it. Made of names and numbers of the version alone."""
    margins = [
        _side(catalog, measure, bound, thresholds)
        for name, measure, bound, thresholds in catalog.judging
        if name == rule or (rule is None and catalog.deviations[measure])
    ]
    return f"CASE WHEN judged THEN least({', '.join(margins)}) END" if margins else "NULL::DOUBLE"


def _side(catalog: Catalog, measure: str, bound: str, thresholds: dict[str, float]) -> str:
    column, values = f"{quoted(MEASURE + measure)}::DOUBLE", set(thresholds.values())
    if len(values) == 1 and len(thresholds) == len(catalog.sources):
        threshold = f"{values.pop()!r}::DOUBLE"
    else:
        threshold = f"CASE source {' '.join(f'WHEN {literal(name)} THEN {value!r}::DOUBLE' for name, value in thresholds.items())} END"
    sides = (column, threshold) if bound == "min" else (threshold, column)
    return f"(({sides[0]} - {sides[1]}) / {catalog.deviations[measure] or 1.0!r})"


def _stratified(catalog: Catalog, query: Query, where: str, parameters: list[Any]) -> list[int]:
    """One of each source and verdict in turn, by a shuffle within each."""
    last = query.offset + query.limit
    sql = f"""SELECT source, verdict, min_by(row, struct_pack(drawn := {shuffled(query.seed)}, row := row), {last:d})
        FROM documents WHERE {where} GROUP BY ALL ORDER BY ALL"""  # noqa: S608
    strata = [rows for *_, rows in catalog.select(sql, parameters)]
    turns = [rows[turn] for turn in range(max(map(len, strata), default=0)) for rows in strata if turn < len(rows)]
    return turns[query.offset : last]
