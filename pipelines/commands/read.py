"""`dollma read`: any supported file as documents, or as text for people."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from curation.document import EXCLUDED, LOCATOR, PAGES, Failure
from curation.errors import DollmaError

err = Console(stderr=True)
BOOK_FORMATTERS = ("encoding", "torn", "ocr", "whitespace")
"""What a book's text goes through before it is shown."""


def read(
    paths: Annotated[list[str], typer.Argument(help="Files, folders or patterns of any supported format.", show_default=False)],
    as_json: Annotated[
        bool | None,
        typer.Option("--json/--text", help="JSONL documents, or their text for people.", show_default="text for books, else JSONL"),
    ] = None,
    profile: Annotated[str, typer.Option(help="Language profile for the repair of OCR in --text.")] = "azj_Latn",
) -> None:
    """Read files to JSONL documents (id, text, metadata), or books to text, on stdout; what cannot be read goes to stderr, and makes exit code 1."""
    failures = 0
    for record in _records(paths):
        if isinstance(record, Failure):
            failures += 1
            err.print(f"{record.locator}: {record.reason}: {record.message}", highlight=False, markup=False, soft_wrap=True)
        elif PAGES in record.metadata if as_json is None else not as_json:
            failures += _print_text(record, profile)
        else:
            row = {"id": record.id or record.metadata[LOCATOR], "text": record.text, "metadata": record.metadata}
            write_json(row)
    if failures:
        raise DollmaError(f"{failures} records could not be read; the rest is printed")


def write_json(row: dict[str, Any]) -> None:
    """One JSON object on a line of its own on stdout."""
    sys.stdout.buffer.write(orjson.dumps(row, default=str, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS))


def _records(paths: list[str]) -> Iterator[Any]:
    from curation.readers.inputs import find_inputs, gathered, reader_for

    files = find_inputs(paths)
    for file, reader in gathered(files, {file.name: reader_for(file.name)() for file in files}):
        for split in reader.splits(file, sys.maxsize):
            yield from reader.read(split)


def _print_text(document: Any, code: str) -> int:
    """The document's text after the formatters of books; how its pages were read goes to stderr. The number of pages that could not be formatted."""
    from curation.languages.profile import load_profile
    from curation.processors import processor
    from pipelines.stages.formatting import Row, format_rows

    formatters = tuple(processor("formatter", name)() for name in BOOK_FORMATTERS)
    rows, *broken = format_rows([Row("", document)], formatters, load_profile(code))  # type: ignore[arg-type]
    failed = [failure for failures in broken for failure in failures]
    for failure in failed:
        err.print(f"{failure.locator}: {failure.reason}: {failure.message}", highlight=False, markup=False, soft_wrap=True)
    for row in rows.to_pylist():
        sys.stdout.buffer.write(row["text"].encode() + os.linesep.encode())
        err.print(_pages_told(row), style="dim", highlight=False, markup=False, soft_wrap=True)
    return len(failed)


def _pages_told(row: dict[str, Any]) -> str:
    pages = row["pages"] or []
    read = [page["confidence"] for page in pages if page["origin"] == "ocr"]
    told = [f"{len(pages)} page{'s' * (len(pages) != 1)}"] if pages else []
    if read:
        scores = [score for score in read if score is not None]
        told.append(f"{len(read)} by OCR" + (f" (mean confidence {sum(scores) / len(scores):.0f})" if scores else ""))
    told += [f"{number} edits"] if (number := len(row["edits"])) else []
    told += [f"no document: {row[EXCLUDED]}"] if row[EXCLUDED] else []
    return f"{row[LOCATOR]}: {', '.join(told)}" if told else str(row[LOCATOR])
