"""A document's text with what was found in it, where it came from, and its duplicates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curation.errors import DollmaError
from curation.ids import id_numbers
from curation.tables import opened
from curation.verdicts import KEPT
from curation.writers.mixture import places, shard_of
from curation.writers.shards import shard_name
from pipelines.audit.catalog import Catalog
from pipelines.audit.filters import Row
from pipelines.audit.judges import filters_of, profile_of
from pipelines.evidence import spans
from pipelines.repeats import CUT_EDIT

CUT_PAGE = "page"
RELATIONS = ("survivor", "duplicate", "cluster")
EVIDENCE_CHARACTERS = 1_000_000
"""Characters up to which a text is asked where its rules fail: of a longer one, no filter says it in time."""
NO_STAGE = "the text is that of the version: the workspace's stage `extract`, which had the one that was judged, is gone"
TOO_LONG = f"the text is longer than {EVIDENCE_CHARACTERS:,} characters: nobody looks for the places in it"


@dataclass(frozen=True)
class TextSpan:
    """Characters [start, end) of the text behind a rule, or (`rule` "paragraphs.repeated", "page") cut from the version's text."""

    start: int
    end: int
    rule: str


@dataclass(frozen=True)
class PageOf:
    """A page of a book: the character at which it begins, its label, and the rule that cut it out of the version."""

    start: int
    page: str | None
    rejected_by: str | None
    value: float | None
    threshold: float | None


@dataclass(frozen=True)
class DocumentText:
    """`text` as it was judged where the workspace has it (`taken_from` "workspace"), or as it stands in a shard ("shard"). `edits` are what formatters and
    deduplication took out: rule, line, text, page. `unseen` says why there are no spans."""

    text: str
    pages: tuple[PageOf, ...]
    spans: tuple[TextSpan, ...]
    edits: tuple[dict[str, Any], ...]
    taken_from: str
    unseen: str | None


@dataclass(frozen=True)
class Duplicate:
    """A document of the same group: `relation` is "survivor", "duplicate" (of the one asked for) or "cluster"."""

    id: str
    source: str
    part: int
    number: int
    verdict: str
    relation: str
    kind: str | None
    similarity: float | None


def text_of(catalog: Catalog, row: Row) -> DocumentText | None:
    """The text of a document; None where it is not here: it could not be read, or it is not in the version and the workspace's stages are gone."""
    stored = _stored(stage_file(catalog, "extract", row.source, row.part, "documents.parquet"), row, ["text", "pages"])
    told = _stored(catalog.folder / "ledger" / f"{row.source}-{row.part:05d}.parquet", row, ["edits", "rejected_pages"]) or {}
    edits, rejected = told.get("edits") or [], told.get("rejected_pages") or []
    if stored is None:
        text = _in_shard(catalog, row)
        return None if text is None else DocumentText(text, (), (), tuple(edits), "shard", NO_STAGE)
    text = stored["text"]
    pages = _pages(text, stored.get("pages") or [], rejected)
    cut = [*_cut_lines(text, edits), *_cut_pages(text, pages)]
    evidence, unseen = _evidence(catalog, row, text)
    ordered = sorted([*cut, *evidence], key=lambda span: (span.start, span.end, span.rule))
    return DocumentText(text, pages, tuple(ordered), tuple(edits), "workspace", unseen)


def stage_file(catalog: Catalog, stage: str, source: str, part: int, name: str) -> Path | None:
    """A file of the task that made a part in a stage of the workspace; None where it is gone. No name from the manifest leads anywhere else."""
    try:
        key = catalog.manifest["stages"][stage][source][part]
    except (KeyError, IndexError, TypeError):
        return None
    if not isinstance(key, str) or not re.fullmatch("[0-9a-f]{8,64}", key):
        return None
    path = catalog.workspace / "stages" / stage / source / key / name
    return path if path.is_file() else None


def _stored(path: Path | None, row: Row, columns: list[str]) -> dict[str, Any] | None:
    """Some columns of a document in a table of its part; None where the file is gone, or holds another document in its place."""
    if path is None or not path.is_file():
        return None
    with opened(path) as file:
        first = 0
        for group in range(file.num_row_groups):
            size = file.metadata.row_group(group).num_rows
            if row.number < first + size:
                taken = [name for name in ("id", *columns) if name in file.schema_arrow.names]
                table = file.read_row_group(group, columns=taken, use_threads=False).slice(row.number - first, 1)
                found: dict[str, Any] = table.to_pylist()[0]
                return found if found["id"] == row.id else None
            first += size
    return None


def _in_shard(catalog: Catalog, row: Row) -> str | None:
    """The text of a kept document, from the shard that its first copy stands in."""
    path = shard_of_row(catalog, row)
    if path is None or not path.is_file():
        return None
    with opened(path) as file:
        for group in range(file.num_row_groups):
            place = pc.index(_ids(file, group), row.id).as_py()
            if place >= 0:
                return str(file.read_row_group(group, columns=["text"], use_threads=False)["text"][place].as_py())
    return None


def _ids(file: pq.ParquetFile, group: int) -> pa.ChunkedArray:
    return file.read_row_group(group, columns=["id"], use_threads=False)["id"]


def shards_of_row(catalog: Catalog, row: Row) -> list[str]:
    """Names of the shards that hold a document's copies, in the order of the copies: they follow from its id and the recipe's seed."""
    if row.verdict != KEPT or not row.copies or row.split is None or row.split not in catalog.manifest["splits"]:
        return []
    total, seed = catalog.manifest["splits"][row.split]["shards"], catalog.manifest["recipe"]["mixture"]["seed"]
    number = id_numbers(pa.array([row.id]))
    found = [shard_name(row.split, int(shard_of(places(number, copy, seed), total)[0]), total) for copy in range(row.copies)]
    return list(dict.fromkeys(found))


def shard_of_row(catalog: Catalog, row: Row) -> Path | None:
    """The shard that a document's first copy stands in."""
    names = shards_of_row(catalog, row)
    return catalog.folder / "data" / names[0] if names and f"data/{names[0]}" in catalog.manifest["files"] else None


def _pages(text: str, pages: list[dict[str, Any]], rejected: list[dict[str, Any]]) -> tuple[PageOf, ...]:
    """A book's pages. Those that a rule cut stand in the ledger by their labels, in order."""
    if not pages:
        return ()
    starts = _characters(text, [page["start"] for page in pages])
    left = list(rejected)
    found = []
    for page, start in zip(pages, starts, strict=True):
        cut = left.pop(0) if left and left[0]["page"] == page["page"] else {}
        found.append(PageOf(start, page["page"], cut.get("rule"), cut.get("value"), cut.get("threshold")))
    return tuple(found)


def _characters(text: str, places_in_bytes: list[int]) -> list[int]:
    """Places in the UTF-8 bytes of a text as places in its characters."""
    data = np.frombuffer(text.encode(), np.uint8)
    begun = np.concatenate(([0], np.cumsum((data & 0xC0) != 0x80)))
    return [int(begun[min(place, len(data))]) for place in places_in_bytes]


def _cut_lines(text: str, edits: list[dict[str, Any]]) -> Iterator[TextSpan]:
    """Paragraphs that deduplication cut: they stand in the text that was judged, by their line."""
    lines = text.split("\n")
    starts = list(accumulate((len(line) + 1 for line in lines), initial=0))
    for edit in edits:
        if edit["rule"] == CUT_EDIT and edit["line"] and edit["line"] <= len(lines):
            yield TextSpan(starts[edit["line"] - 1], starts[edit["line"] - 1] + len(lines[edit["line"] - 1]), CUT_EDIT)


def _cut_pages(text: str, pages: tuple[PageOf, ...]) -> Iterator[TextSpan]:
    ends = [*(page.start for page in pages[1:]), len(text)]
    yield from (TextSpan(page.start, end, CUT_PAGE) for page, end in zip(pages, ends, strict=False) if page.rejected_by)


def _evidence(catalog: Catalog, row: Row, text: str) -> tuple[list[TextSpan], str | None]:
    """Where the rules fail that a document fails, and why that is not told."""
    judged = [rule.rule for rule in row.rules if rule.value is not None]
    if not judged:
        return [], None
    if len(text) > EVIDENCE_CHARACTERS:
        return [], TOO_LONG
    try:
        filters, profile = filters_of(catalog, row.source), profile_of(catalog.folder)
        return [TextSpan(span.first, span.end, rule) for rule in judged for span in spans(filters, rule, text, profile)], None
    except DollmaError as error:  # another release's recipe, or a file that a filter reads is gone
        return [], f"its filters can't be asked where: {error}"


def provenance(catalog: Catalog, row: Row) -> list[tuple[str, str]]:
    """(what, where), from the raw file to the shards."""
    inputs = [item["name"] for item in catalog.manifest["sources"][row.source].get("inputs", [])]
    file = next((name for name in sorted(inputs, key=len, reverse=True) if row.locator.startswith(name)), None)
    steps = [
        ("read from", row.locator),
        ("address", row.url),
        ("input file", file),
        ("origin", catalog.manifest["sources"][row.source].get("origin")),
    ]
    found = [(what, where) for what, where in steps if where]
    for stage in ("extract", "measure", "sign"):
        folder = stage_folder(catalog, stage, row.source, row.part)
        found += [(stage, folder)] if folder else []
    found.append(("ledger", f"ledger/{row.source}-{row.part:05d}.parquet, row {row.number}"))
    found.append(("verdict", row.verdict))
    return found + [("shard", f"data/{name}") for name in shards_of_row(catalog, row)]


def stage_folder(catalog: Catalog, stage: str, source: str, part: int) -> str | None:
    """The task that made a part in a stage, as a path of the workspace; it says so where it is gone."""
    try:
        path = f"stages/{stage}/{source}/{catalog.manifest['stages'][stage][source][part]}"
    except (KeyError, IndexError, TypeError):
        return None
    return path if stage_file(catalog, stage, source, part, "task.json") else f"{path} (not here)"


def duplicates_of(catalog: Catalog, document: str, most: int = 100) -> list[Duplicate]:
    """The survivor of a duplicate, the duplicates of a survivor, and the other members of its cluster; the survivor first, then by similarity."""
    own = catalog.select("SELECT DISTINCT survivor, cluster FROM documents WHERE key = ? AND id = ?", (int(document[:16], 16), document))
    survivors = [survivor for survivor, _ in own if survivor is not None]
    clusters = [cluster for _, cluster in own if cluster is not None]
    group = [document, *survivors]
    sql = """SELECT id, source, part, number, verdict, kind, similarity, survivor, row FROM documents
        WHERE key IN (SELECT unnest(?)) OR survivor IN (SELECT unnest(?)) OR cluster IN (SELECT unnest(?))"""
    found = []
    keys = [int(name[:16], 16) for name in survivors]
    for name, source, part, number, verdict, kind, similarity, survivor, row in catalog.select(sql, (keys, group, clusters)):
        if name == document and survivor != document:
            continue
        relation = "survivor" if name in survivors and verdict == KEPT else "duplicate" if survivor == document else "cluster"
        order = (RELATIONS.index(relation), -1.0 if similarity is None else -similarity, row)
        found.append((order, Duplicate(name, source, part, number, verdict, relation, kind, similarity)))
    return [duplicate for _, duplicate in sorted(found, key=lambda one: one[0])[:most]]
