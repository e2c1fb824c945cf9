"""What is taken out of the text of documents that are kept: paragraphs that a better document has (the recipe says: nothing, flag their lines, or cut
them), and pages of books that a rule rejects."""

from __future__ import annotations

from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from curation.dedup.parameters import Paragraphs
from curation.document import PAGES
from curation.pages import cut
from curation.tables import with_values
from curation.verdicts import KEPT, REJECTED

CUT_RULE, CUT_EDIT = "paragraphs.min_words", "paragraphs.repeated"
"""The rule that rejects a document of which too little is left, and the edit that a cut line is."""


def apply_cuts(
    asked: Paragraphs | None, documents: pa.RecordBatch, words: pa.Array, verdicts: pa.RecordBatch, outcomes: pa.RecordBatch
) -> tuple[pa.RecordBatch, pa.Array, pa.RecordBatch]:
    """(documents, words, verdicts) after all that is taken out of kept documents; the metadata of books then says where each page begins."""
    repeated = {} if asked is None or asked.action == "measure" else _concerned(verdicts, outcomes["repeated"])
    pages = _concerned(verdicts, verdicts["pages"])
    if repeated and asked is not None and asked.action == "flag":
        flags = {row: {"metadata": _flagged(documents["metadata"][row].as_py(), lines)} for row, lines in repeated.items()}
        documents, repeated = with_values(documents, flags), {}
    made = {}
    for row in sorted({*repeated, *pages, *pc.indices_nonzero(pc.is_valid(documents["pages"])).to_pylist()}):
        made[row] = _cut(documents.slice(row, 1).to_pylist()[0], repeated.get(row, []), [page["number"] for page in pages.get(row, [])])
    if not made:
        return documents, words, verdicts
    changed = {row: len(values["text"].split()) for row, values in made.items() if row in repeated or row in pages}
    if changed:
        counts = words.to_pylist()
        words = pa.array([changed.get(row, count) for row, count in enumerate(counts)], words.type)
    if repeated and asked is not None:
        verdicts = _rejected(asked, verdicts, outcomes["left_words"])
    return with_values(documents, made), words, verdicts


def _concerned(verdicts: pa.RecordBatch, lists: pa.ListArray) -> dict[int, Any]:
    """The lists that are not empty, of kept documents, by row."""
    rows = pc.indices_nonzero(pc.and_(pc.equal(verdicts["verdict"], KEPT), pc.greater(pc.list_value_length(lists), 0)))
    return {row: lists[row].as_py() for row in rows.to_pylist()}


def _flagged(metadata: str, lines: list[int]) -> str:
    return orjson.dumps(orjson.loads(metadata) | {"repeated_lines": lines}).decode()


def _cut(document: dict[str, Any], lines: list[int], gone: list[int]) -> dict[str, Any]:
    """The values of a document, as the table has them, without these lines and pages."""
    text, edits, pages = document["text"], document["edits"], document["pages"] or []
    data = text.encode()
    starts = [len(data[: page["start"]].decode()) for page in pages]
    if lines or gone:
        stood = text.split("\n")
        edits = edits + [{"rule": CUT_EDIT, "line": number, "text": stood[number - 1], "page": None} for number in lines]
        text, starts = cut(text, starts, set(lines), set(gone))
        pages = [page for number, page in enumerate(pages) if number not in gone]
    metadata = document["metadata"]
    if pages:
        told = [
            {key: value for key, value in (page | {"start": start}).items() if value is not None}
            for page, start in zip(pages, starts, strict=True)
        ]
        metadata = orjson.dumps(orjson.loads(metadata) | {PAGES: told}, option=orjson.OPT_SORT_KEYS).decode()
    return {"text": text, "edits": edits, "metadata": metadata}


def _rejected(asked: Paragraphs, verdicts: pa.RecordBatch, left: pa.Array) -> pa.RecordBatch:
    """A document that cutting leaves too little of is rejected, and the rule says how much that was."""
    changes = {
        row: {
            "verdict": REJECTED,
            "rules": [{"rule": CUT_RULE, "measure": "left_words", "value": float(left[row].as_py()), "threshold": float(asked.min_words)}],
        }
        for row in pc.indices_nonzero(pc.is_valid(left)).to_pylist()
    }
    return with_values(verdicts, changes)
