"""A document on its way from a raw file to a row.

Readers make datatrove `Document`s. What they set:

- `text`, the raw text, before any formatter;
- `id`, what names the document inside its source: the id its publisher gave, else its address and date, else nothing;
- `metadata`, whatever the input said, with four keys of meaning to us: `locator` (file and place in it, for people), `url`,
  `excluded` (why the reader itself says that this is no document: a redirect, an image. It becomes a rejected row), and `pages`
  (a book's: a list of `{"page": label, "start": character at which the page begins, "origin", "confidence", "kind"}`, see `PAGE`).

A record that cannot be read is a `Failure`. Every record is one or the other.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from datatrove.data import Document

LOCATOR, URL, EXCLUDED, PAGES = "locator", "url", "excluded", "pages"

EDIT = pa.struct(
    [pa.field("rule", pa.string()), pa.field("line", pa.int32()), pa.field("text", pa.string()), pa.field("page", pa.string())]
)
"""What a formatter took out of a document: `curation.formatters.base.Edit`; of a book, `line` counts within `page`."""

PAGE = pa.struct(
    [
        pa.field("page", pa.string()),
        pa.field("start", pa.int32()),
        pa.field("origin", pa.string()),
        pa.field("confidence", pa.float32()),
        pa.field("kind", pa.string()),
    ]
)
"""A page of a book: what is printed on it or its number in the file; the byte of the text at which it begins; where its words come from (text, ocr, none); the
mean confidence of OCR, 0 to 100; what it is (body, contents, index, empty)."""

DOCUMENTS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("locator", pa.string(), nullable=False),
        pa.field("url", pa.string()),
        pa.field("excluded", pa.string()),
        pa.field("metadata", pa.string(), nullable=False),
        pa.field("edits", pa.list_(EDIT), nullable=False),
        pa.field("pages", pa.list_(PAGE)),
    ]
)
"""Columns of the table `documents`; `metadata` is a JSON object with sorted keys, `pages` is null for what is no book."""

FAILURES = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("locator", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("message", pa.string(), nullable=False),
    ]
)
"""Columns of the table `failures`: what could not be read, where, the kind of fault in a word, and the full message."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A record that could not become a document. `reason` is one lower-case word to count by; `message` says the rest."""

    locator: str
    reason: str
    message: str
    id: str = ""


def new_document(text: str, locator: str, id: str = "", **metadata: Any) -> Document:
    """A datatrove Document as readers must make it; metadata that is None is left out."""
    kept = {key: value for key, value in metadata.items() if value is not None}
    return Document(text=text, id=id, metadata={LOCATOR: locator, **kept})


def document_id(source: str, local_id: str, text: str) -> str:
    """32 hexadecimal digits that name a document across runs, shards and versions.

    BLAKE2b-128 of the source's name and the id inside the source. Where the input gives none, the text itself names the document:
    a line number would change when the input is split into other files.
    """
    local = f"id\0{local_id}" if local_id else f"text\0{text}"
    return hashlib.blake2b(f"{source}\0{local}".encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
