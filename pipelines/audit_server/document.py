"""One document: its text with what was found in it, its measures beside everybody's, where it came from, and whom it is like."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from curation.audit.svg import box, colour, line
from curation.errors import DollmaError
from pipelines.audit.counts import Histogram
from pipelines.audit.filters import Query, Row, find, rows_of_id
from pipelines.audit.texts import DocumentText, PageOf, duplicates_of, provenance, text_of
from pipelines.audit_server.explorer import chosen, query_of
from pipelines.audit_server.pages import at, link, render, row_at
from pipelines.audit_server.showing import PIECE, Mark, marked
from pipelines.audit_server.state import Asked, Audit
from pipelines.audit_server.words import side_by_side

STRIP, TALL = 160, 26
"""Units of the small picture of a measure."""
MOST_EDITS = 200
MOST_PIECES = 400
"""Links to pieces of a text, and to spans, that are shown."""


def document(audit: Audit, asked: Asked) -> Response:
    """The page of the document `at` a place, or with an `id`; the documents before and after it in the list that it was opened from."""
    if asked.get("at") is None and asked.get("id"):
        return _by_id(audit, asked.get("id") or "")
    row = row_at(audit, asked.get("at"))
    query = query_of(asked.query)
    place = _whole_number(asked.get("place"))
    around = {} if place is None else _around(audit, query, place)
    return render(audit, "document.html", here="/explore", query=chosen(query), place=place, around=around, **about(audit, asked, row))


def about(audit: Audit, asked: Asked, row: Row) -> dict[str, Any]:
    """What the template of a document needs."""
    text = text_of(audit.catalog, row)
    start = _whole_number(asked.get("from")) or 0
    return {
        "row": row,
        "document": text,
        "reading": None if text is None else reading(text, start),
        "edits": [] if text is None else text.edits[:MOST_EDITS],
        "measures": [_measure(audit, row, name, value) for name, value in row.measures.items() if value is not None],
        "provenance": provenance(audit.catalog, row),
        "duplicates": duplicates_of(audit.catalog, row.id),
        "said": [label for label in audit.labels.latest() if label.id == row.id],
        "annotator": asked.annotator,
    }


def beside(audit: Audit, asked: Asked) -> Response:
    """Two documents side by side."""
    rows = [row_at(audit, asked.get(name)) for name in ("one", "other")]
    texts = [text_of(audit.catalog, row) for row in rows]
    told = None if None in texts else side_by_side(*(text.text for text in texts if text is not None))
    return render(audit, "beside.html", here="/explore", rows=rows, texts=texts, told=told)


@dataclass(frozen=True)
class Passage:
    """A piece of what is shown: the page of a book that begins here, if one does, and marked text."""

    page: PageOf | None
    text: Markup


@dataclass(frozen=True)
class Reading:
    """Characters [start, end) of a text of `length`, where the other pieces begin, and where spans stand: (rule, first character, piece)."""

    passages: tuple[Passage, ...]
    start: int
    end: int
    length: int
    pieces: tuple[int, ...]
    spans: tuple[tuple[str, int, int], ...]


def reading(document: DocumentText, start: int) -> Reading:
    """A piece of a text from a multiple of `PIECE` on."""
    text = document.text
    start = min(start // PIECE * PIECE, max(0, (len(text) - 1) // PIECE * PIECE))
    end = min(start + PIECE, len(text))
    marks = [Mark(span.start, span.end, span.rule) for span in document.spans]
    begins = [page.start for page in document.pages]
    pages = list(document.pages[bisect_left(begins, start) : bisect_right(begins, end - 1) if end else None])
    cuts = [start, *(page.start for page in pages), end]
    passages = [
        Passage(page, marked(text, marks, first, last))
        for page, first, last in zip([None, *pages], cuts, cuts[1:], strict=False)
        if page or first < last
    ]
    spans = tuple((mark.rule, mark.first, mark.first // PIECE * PIECE) for mark in marks[:MOST_PIECES])
    return Reading(tuple(passages), start, end, len(text), tuple(range(0, len(text), PIECE))[:MOST_PIECES], spans)


@dataclass(frozen=True)
class Measured:
    """A measure of a document: its value, the thresholds it must stay within (rule, bound, threshold, does it?), and a picture of everybody's values with its own."""

    name: str
    value: Any
    limits: tuple[tuple[str, str, float, bool], ...]
    below: float | None
    """Share of all documents with a lesser value, about."""
    strip: Markup

    @property
    def failing(self) -> bool:
        """Does it break a limit?"""
        return not all(held for *_, held in self.limits)


def _measure(audit: Audit, row: Row, name: str, value: Any) -> Measured:
    if name not in audit.catalog.measures or isinstance(value, str | list):
        return Measured(name, value, (), None, Markup(""))
    limits = audit.once(("limits", name, row.source), lambda: _limits(audit, name, row.source))
    held = tuple((rule, bound, limit, value >= limit if bound == "min" else value <= limit) for rule, bound, limit in limits)
    histogram = audit.histogram(name)
    return Measured(name, value, held, _below(histogram, value), _strip(histogram, float(value), [limit for _, _, limit in limits]))


def _limits(audit: Audit, measure: str, source: str) -> list[tuple[str, str, float]]:
    found: list[tuple[str, str, float]] = []
    for rule in audit.once("rules", audit.catalog.rules):
        if rule.measure == measure and rule.bound and source in rule.thresholds:
            found.append((rule.rule, rule.bound, rule.thresholds[source]))
    return found


def _below(histogram: Histogram, value: float) -> float | None:
    sums = [sum(counts) for counts in zip(*histogram.counts.values(), strict=True)]
    total = sum(sums)
    if not total:
        return None
    place = min(max(bisect_right(histogram.edges, value) - 1, 0), len(sums) - 1)
    low, high = histogram.edges[place], histogram.edges[place + 1]
    inside = min(max((value - low) / (high - low), 0), 1) if high > low else 0
    return (sum(sums[:place]) + inside * sums[place]) / total


def _strip(histogram: Histogram, value: float, limits: list[float]) -> Markup:
    """Bars by the square root of their counts, so that thin tails are seen, with a line for each threshold and one for the document."""
    sums = [sum(counts) for counts in zip(*histogram.counts.values(), strict=True)]
    most, wide = max(sums, default=0) or 1, STRIP / (len(sums) or 1)
    low, high = histogram.edges[0], histogram.edges[-1]
    parts = []
    for place, count in enumerate(sums):
        tall = (count / most) ** 0.5 * (TALL - 4)
        if count:
            parts.append(box(place * wide, TALL - tall, wide - 0.4, tall, colour("faint"), f"{histogram.edges[place]:.4g}: {count:,}", 0.5))

    def across(number: float) -> float:
        return min(max((number - low) / (high - low), 0), 1) * (STRIP - 2) + 1

    parts += [line(f"M{across(limit):.1f} 0V{TALL}", "failed", ' stroke-dasharray="3 2"') for limit in limits]
    parts.append(line(f"M{across(value):.1f} 0V{TALL}", "kept", ' stroke-width="2.5"'))
    drawn = "".join(parts)
    return Markup(f'<svg class="strip" viewBox="0 0 {STRIP} {TALL}" width="{STRIP}" height="{TALL}" aria-hidden="true">{drawn}</svg>')  # noqa: S704 - numbers


def _by_id(audit: Audit, name: str) -> Response:
    rows = rows_of_id(audit.catalog, name) if len(name) == 32 else ()
    if not rows:
        raise DollmaError(f"{audit.version} has no document {name!r}")
    if len(rows) > 1:
        return RedirectResponse(link("/explore", text=name), 303)
    return RedirectResponse(link("/document", at=at(rows[0])), 303)


def _around(audit: Audit, query: Query, place: int) -> dict[str, Any]:
    """The documents before and after a place of a list, and how long that is."""
    first = max(0, place - 1)
    page = find(audit.catalog, query.model_copy(update={"offset": first, "limit": 3}))
    found = dict(enumerate(page.rows, first))
    return {"total": page.total, "before": found.get(place - 1), "after": found.get(place + 1)}


def _whole_number(told: str | None) -> int | None:
    return int(told) if told and told.isascii() and told.isdigit() and len(told) < 10 else None
