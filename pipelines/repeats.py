"""What the recipe does with paragraphs that a better document has: nothing, flag their lines, or cut them."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from curation.dedup.parameters import Paragraphs
from curation.tables import with_values
from curation.verdicts import KEPT, REJECTED

CUT_RULE, CUT_EDIT = "paragraphs.min_words", "paragraphs.repeated"
"""The rule that rejects a document of which too little is left, and the edit that a cut line is."""
_GAPS = re.compile(r"\n{3,}")


def apply_repeats(
    asked: Paragraphs | None, documents: pa.RecordBatch, words: pa.Array, verdicts: pa.RecordBatch, outcomes: pa.RecordBatch
) -> tuple[pa.RecordBatch, pa.Array, pa.RecordBatch]:
    """(documents, words, verdicts) after the action. Rows that have no repeated lines, or are not kept, stay as they are."""
    concerned = pc.and_(pc.equal(verdicts["verdict"], KEPT), pc.greater(pc.list_value_length(outcomes["repeated"]), 0))
    rows = pc.indices_nonzero(concerned).to_pylist()
    if asked is None or asked.action == "measure" or not rows:
        return documents, words, verdicts
    repeated = {row: outcomes["repeated"][row].as_py() for row in rows}
    if asked.action == "flag":
        flags = {row: {"metadata": _flagged(documents["metadata"][row].as_py(), lines)} for row, lines in repeated.items()}
        return with_values(documents, flags), words, verdicts
    cut = {row: _cut(documents["text"][row].as_py(), documents["edits"][row].as_py(), lines) for row, lines in repeated.items()}
    left = pc.subtract(words, pc.fill_null(pc.if_else(concerned, outcomes["repeated_words"], 0), 0))
    return with_values(documents, cut), left, _rejected(asked, verdicts, outcomes["left_words"])


def _flagged(metadata: str, lines: list[int]) -> str:
    return orjson.dumps(orjson.loads(metadata) | {"repeated_lines": lines}).decode()


def _cut(text: str, edits: list[dict[str, Any]], numbers: list[int]) -> dict[str, Any]:
    gone, lines = set(numbers), text.split("\n")
    kept = "\n".join(line for number, line in enumerate(lines, 1) if number not in gone)
    made = [{"rule": CUT_EDIT, "line": number, "text": lines[number - 1]} for number in numbers]
    return {"text": _GAPS.sub("\n\n", kept).strip("\n"), "edits": edits + made}


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
