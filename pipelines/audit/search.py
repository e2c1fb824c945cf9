"""Words looked for in the texts themselves: as much of them as a person waits for, and what was looked through is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.tables import opened
from curation.verdicts import KEPT
from pipelines.audit.relation import Part
from pipelines.audit.texts import stage_file

if TYPE_CHECKING:
    from pipelines.audit.catalog import Catalog
    from pipelines.audit.filters import Page, Query

MOST_DOCUMENTS = 20_000
"""Documents that fit the rest of a query and are looked through."""
MOST_BYTES = 48_000_000
"""Bytes of text that are read for it, about: what a core reads and compares in half a second."""


def search(catalog: Catalog, query: Query, where: str, parameters: Sequence[Any]) -> Page:
    """The documents among those that fit the rest of a query which hold its text, in the order of the files, beginning at a place that follows from the seed if
    the order is another one. `total` counts those found in what was looked through.

    Texts are those that were judged, of every document, from the workspace; without one, those of kept documents, from the version's shards.
    """
    from pipelines.audit.filters import Page, fetch, stirred  # noqa: PLC0415 - which asks this module

    start = 0 if query.order == "file" else stirred(query.seed) % max(catalog.database.rows, 1)
    sql = f"SELECT row FROM documents WHERE {where} ORDER BY row < ?, row LIMIT ?"  # noqa: S608
    rows = [row for (row,) in catalog.select(sql, [*parameters, start, MOST_DOCUMENTS + 1])]
    found: list[int] = []
    searched = size = 0
    for held, documents, read in _read(catalog, rows[:MOST_DOCUMENTS], str(query.text)):
        found += held
        searched += documents
        size += read
        if size >= MOST_BYTES:
            break
    page = fetch(catalog, found[query.offset : query.offset + query.limit])
    return Page(page, len(found), cut=searched < len(rows), searched=searched)


def _read(catalog: Catalog, rows: list[int], text: str) -> Iterator[tuple[list[int], int, int]]:
    """(rows that hold the text, documents looked through, bytes read), a row group at a time."""
    firsts = np.array([part.first for part in catalog.database.parts])
    shards: list[int] = []
    for number, own in groupby(rows, key=lambda row: int(np.searchsorted(firsts, row, "right")) - 1):
        part, wanted = catalog.database.parts[number], list(own)
        path = stage_file(catalog, "extract", part.source, part.number, "documents.parquet")
        if path is None:
            shards += wanted
        else:
            yield from _in_part(path, part, wanted, text)
    if shards:
        yield from _in_shards(catalog, shards, text)


def _in_part(path: Path, part: Part, rows: list[int], text: str) -> Iterator[tuple[list[int], int, int]]:
    with opened(path) as file:
        first = part.first
        for group in range(file.num_row_groups):
            last = first + file.metadata.row_group(group).num_rows
            own = [row for row in rows if first <= row < last]
            if own:
                texts = file.read_row_group(group, columns=["text"], use_threads=False)["text"]
                held = _holds(texts.take(pa.array([row - first for row in own])), text)
                yield [row for row, holds in zip(own, held, strict=True) if holds], len(own), texts.nbytes
            first = last
        unread = [row for row in rows if row >= first]
        if unread:  # what could not be read has no text
            yield [], len(unread), 0


def _in_shards(catalog: Catalog, rows: list[int], text: str) -> Iterator[tuple[list[int], int, int]]:
    """Shards are in the order of the shuffle: each row group has documents of all sources."""
    sql = "SELECT id, row FROM documents WHERE row IN (SELECT unnest(?)) AND verdict = ?"
    left = dict(catalog.select(sql, (rows, KEPT)))
    yield [], len(rows) - len(left), 0
    for path in sorted(catalog.folder.glob("data/*.parquet")):
        with opened(path) as file:
            for group in range(file.num_row_groups):
                table = file.read_row_group(group, columns=["id", "text"], use_threads=False)
                own = table.filter(pc.is_in(table["id"], pa.array(left.keys(), pa.string())))
                ids = own["id"].to_pylist()
                held = sorted({left[name] for name, holds in zip(ids, _holds(own["text"], text), strict=True) if holds and name in left})
                seen = len(left)
                for name in ids:
                    left.pop(name, None)
                yield held, seen - len(left), table.nbytes


def _holds(texts: pa.ChunkedArray, text: str) -> list[bool]:
    found: list[bool] = pc.match_substring(texts, text, ignore_case=True).to_pylist()
    return found
