"""Documents to rows: formatted by the batch, a book page by page, so that what a formatter does of a page depends on that page alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any, NamedTuple

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from datatrove.data import Document

from curation.document import DOCUMENTS, EXCLUDED, LOCATOR, PAGES, URL, Failure
from curation.errors import ConservationError
from curation.formatters.base import Formatted, Formatter
from curation.languages.profile import Profile
from curation.pages import join_pages, split_pages


@dataclass(frozen=True, slots=True)
class Row:
    """A document with the id that it will have in the corpus."""

    id: str
    document: Document


def format_rows(
    made: list[Row], formatters: tuple[Formatter, ...], profile: Profile
) -> tuple[pa.RecordBatch, list[Failure], list[Failure]]:
    """(the batch as rows of `documents`, documents that a formatter could not do, pages of books that one could not do: these leave their books)."""
    made, texts, unusable = _texts(made)
    parts = [_Part(place, *part) for place, row in enumerate(made) for part in _parts(row.document)]
    if len(parts) > len(made):
        texts = pa.array([part.text for part in parts], pa.string())
    broken: dict[int, Failure] = {}
    edits: list[list[dict[str, Any]]] = [[] for _ in made]
    for formatter in formatters:
        texts, errors, edited = _applied(formatter, texts, parts, profile)
        for number, made_here in edited.items():
            edits[parts[number].row] += [edit._asdict() | {"page": parts[number].label} for edit in made_here]
        for number, message in errors.items():
            broken.setdefault(number, _format_failure(made, parts[number], f"formatter {formatter.name}: {message}"))
    texts, pages = _joined(made, parts, texts, set(broken))
    columns = [
        pa.array([row.id for row in made], pa.string()),
        texts,
        pa.array([str(row.document.metadata.get(LOCATOR, "")) for row in made], pa.string()),
        pa.array([row.document.metadata.get(URL) for row in made], pa.string()),
        pa.array([row.document.metadata.get(EXCLUDED) for row in made], pa.string()),
        pa.array([_metadata(row.document) for row in made], pa.string()),
        pa.array(edits, DOCUMENTS.field("edits").type),
        pa.array(pages, DOCUMENTS.field("pages").type),
    ]
    rows = pa.RecordBatch.from_arrays(columns, schema=DOCUMENTS)
    gone = {parts[number].row: failure for number, failure in broken.items() if parts[number].label is None}
    if gone:
        rows = rows.filter(pa.array([place not in gone for place in range(len(made))]))
    return rows, unusable + list(gone.values()), [failure for number, failure in broken.items() if parts[number].label is not None]


def _texts(made: list[Row]) -> tuple[list[Row], pa.StringArray, list[Failure]]:
    """(rows, their texts, failures): a text that is no Unicode (lone surrogates, from \\ud800 escapes) can't be written in any file."""
    try:
        return made, pa.array([row.document.text for row in made], pa.string()), []
    except UnicodeEncodeError:
        faults = [_unusable(row.document) for row in made]
        whole = [row for row, fault in zip(made, faults, strict=True) if fault is None]
        return whole, pa.array([row.document.text for row in whole], pa.string()), [fault for fault in faults if fault is not None]


def _unusable(document: Document) -> Failure | None:
    try:
        document.text.encode("utf-8")
    except UnicodeEncodeError as error:
        place = str(document.metadata.get(LOCATOR, ""))
        return Failure(
            place,
            "surrogate",
            f"character {error.start} is half of a surrogate pair ({document.text[error.start]!r}): not a Unicode text",
            document.id,
        )
    return None


class _Part(NamedTuple):
    """What formatters are given: a document's text, or that of one of its pages, by its label and origin, with the white space behind it."""

    row: int
    text: str
    behind: str
    label: str | None
    origin: str | None


def _parts(document: Document) -> list[tuple[str, str, str | None, str | None]]:
    pages = document.metadata.get(PAGES)
    if not pages:
        return [(document.text, "", None, None)]
    split = split_pages(document.text, [page["start"] for page in pages])
    return [(text, behind, str(page["page"]), page.get("origin")) for (text, behind), page in zip(split, pages, strict=True)]


def _applied(formatter: Formatter, texts: pa.StringArray, parts: list[_Part], profile: Profile) -> Formatted:
    """The formatter on the texts that it is for."""
    asked = [n for n, part in enumerate(parts) if not formatter.origins or part.origin is None or part.origin in formatter.origins]
    given = texts if len(asked) == len(parts) else texts.take(pa.array(asked, pa.int64()))
    better, errors, edits = formatter.apply(given, profile, [parts[n].origin for n in asked])
    if len(better) != len(given):
        raise ConservationError(f"formatter {formatter.name!r} was given {len(given)} texts and returned {len(better)}")
    if len(asked) == len(parts):
        return Formatted(better, errors, edits)
    mask = np.zeros(len(parts), bool)
    mask[asked] = True
    whole = pc.replace_with_mask(texts, pa.array(mask), better)
    return Formatted(whole, {asked[n]: why for n, why in errors.items()}, {asked[n]: made for n, made in edits.items()})


def _format_failure(made: list[Row], part: _Part, message: str) -> Failure:
    document = made[part.row].document
    locator, page = str(document.metadata.get(LOCATOR, "")), "" if part.label is None else f"#page={part.label}"
    return Failure(f"{locator}{page}", "format", message, f"{document.id}{page}" if document.id else "")


def _joined(
    made: list[Row], parts: list[_Part], texts: pa.StringArray, broken: set[int]
) -> tuple[pa.StringArray, list[list[dict[str, Any]] | None]]:
    """(the texts of documents again, their pages for the table or None)."""
    if len(parts) == len(made) and all(part.label is None for part in parts):
        return texts, [None] * len(made)
    whole: list[str] = []
    pages: list[list[dict[str, Any]] | None] = []
    better = texts.to_pylist()
    for place, own in groupby(range(len(parts)), key=lambda number: parts[number].row):
        numbers = list(own)
        if parts[numbers[0]].label is None:
            whole.append(better[numbers[0]])
            pages.append(None)
            continue
        text, starts = join_pages([("" if number in broken else better[number], parts[number].behind) for number in numbers])
        whole.append(text)
        pages.append(
            [page | {"start": start} for page, start in zip(made[place].document.metadata[PAGES], _byte_places(text, starts), strict=True)]
        )
    return pa.array(whole, pa.string()), pages


def _byte_places(text: str, starts: list[int]) -> list[int]:
    places, size = [], 0
    for before, start in pairwise([0, *starts]):
        size += len(text[before:start].encode())
        places.append(size)
    return places


def _metadata(document: Document) -> str:
    rest = {key: value for key, value in document.metadata.items() if key not in (LOCATOR, URL, EXCLUDED, PAGES)}
    if document.id:
        rest.setdefault("id", document.id)
    try:
        return orjson.dumps(rest, default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # integers over 64 bits, lone surrogates
        return json.dumps(rest, ensure_ascii=False, sort_keys=True, default=str).encode("utf-8", "replace").decode()
