"""The ledger: one row for every document that was ever read, with what became of it and why."""

from __future__ import annotations

import pyarrow as pa

from curation.document import EDIT
from curation.errors import ConservationError
from curation.verdicts import DUPLICATE, FAILED, FAILED_PAGE, FAILED_RULE, KEPT, REJECTED

REJECTED_PAGE = pa.struct([pa.field("page", pa.string()), *(field for field in FAILED_PAGE if field.name != "number")])
"""A page of a book that stands in no version, by its label, and the rule that it fails."""

LEDGER = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("locator", pa.string(), nullable=False),
        pa.field("url", pa.string()),
        pa.field("verdict", pa.string(), nullable=False),
        pa.field("rules", pa.list_(FAILED_RULE), nullable=False),
        pa.field("survivor", pa.string()),
        pa.field("kind", pa.string()),
        pa.field("similarity", pa.float64()),
        pa.field("cluster", pa.string()),
        pa.field("error", pa.string()),
        pa.field("edits", pa.list_(EDIT), nullable=False),
        pa.field("rejected_pages", pa.list_(REJECTED_PAGE), nullable=False),
        pa.field("text_hash", pa.string()),
        pa.field("words", pa.int64()),
        pa.field("repeated_words", pa.int64()),
        pa.field("cluster_size", pa.int64()),
        pa.field("split", pa.string()),
        pa.field("copies", pa.int32(), nullable=False),
    ]
)
"""`verdict` is kept, rejected (`rules`: all that failed), duplicate (of `survivor`; `kind` exact, near or contained) or failed (`error`, as `reason: message`).
`text_hash` is 128 bits over the text's bytes, `words` counts by white space; `repeated_words` of them stand in paragraphs that a better document has too.
`cluster_size` counts the documents of the near-duplicate cluster, rejected ones too, when the mixture asks (`rehydrate`).
`rejected_pages` were cut out of a kept book.
`edits` are lines that were cut from the text and other edits of formatters that a reader of the corpus should see."""

VERDICTS = (KEPT, REJECTED, DUPLICATE, FAILED)


def check_conservation(where: str, read: int, verdicts: dict[str, int]) -> None:
    """read = kept + rejected + duplicate + failed, or ConservationError that names `where` and the sum."""
    total = sum(verdicts[name] for name in VERDICTS)
    if total != read:
        parts = " + ".join(f"{verdicts[name]} {name}" for name in VERDICTS)
        raise ConservationError(f"{where}: {read} documents read, but {parts} = {total}")
