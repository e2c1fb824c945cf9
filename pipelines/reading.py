"""Text of any supported format as batches, outside of a build: read, formatted as a build does by default, ready to be measured."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from curation.document import EXCLUDED, LOCATOR, Failure
from curation.formatters.base import Formatter
from curation.languages.profile import Profile
from curation.readers.base import InputFile
from curation.readers.inputs import gathered, reader_for
from curation.tables import BATCH_BYTES, BATCH_ROWS
from pipelines.recipe import Recipe


@dataclass(frozen=True, slots=True)
class ReadBatch:
    """Documents of one file, as their reader gave them, in order. `excluded` as in the table `documents`."""

    file: InputFile
    ids: pa.StringArray
    texts: pa.StringArray
    excluded: pa.StringArray


def read_batches(files: list[InputFile], failed: Callable[[str], None]) -> Iterator[ReadBatch]:
    """All documents of these files; `failed` is called with a message for each record that could not be read.

    Raises DollmaError for a file of a format that no reader reads.
    """
    for file, reader in gathered(files, {file.name: reader_for(file.name)() for file in files}):
        rows: list[tuple[str, str, str | None]] = []
        size = 0
        for split in reader.splits(file, sys.maxsize):
            for record in reader.read(split):
                if isinstance(record, Failure):
                    failed(f"{record.locator}: {record.reason}: {record.message}")
                    continue
                rows.append((record.id or record.metadata[LOCATOR], record.text, record.metadata.get(EXCLUDED)))
                size += len(record.text)
                if size > BATCH_BYTES or len(rows) >= BATCH_ROWS:
                    yield _batch(file, rows)
                    rows, size = [], 0
        if rows:
            yield _batch(file, rows)


def _batch(file: InputFile, rows: list[tuple[str, str, str | None]]) -> ReadBatch:
    ids, texts, excluded = zip(*rows, strict=True)
    return ReadBatch(file, pa.array(ids, pa.string()), pa.array(texts, pa.string()), pa.array(excluded, pa.string()))


def default_formatters() -> list[Formatter]:
    """What a recipe that says nothing of formatters has: thresholds must be fitted on the text that filters will see."""
    specs = Recipe.model_fields["formatters"].default
    return [made for spec in specs if isinstance(made := spec.make("formatter"), Formatter)]


def formatted(
    texts: pa.StringArray, formatters: list[Formatter], profile: Profile, file: str, failed: Callable[[str], None]
) -> pa.StringArray:
    """The texts after these formatters; `failed` is called with a message for each text of `file` that one of them could not format."""
    for formatter in formatters:
        texts, errors, _ = formatter.apply(texts, profile)
        for row, why in errors.items():
            failed(f"{file}: document {row + 1} of its batch stays as it was: formatter {formatter.name}: {why}")
    return texts
