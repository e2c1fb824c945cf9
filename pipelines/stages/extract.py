"""Stage `extract`: raw files to the tables `documents` and `failures`. Documents are made one at a time, formatted by the batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from datatrove.data import Document

from curation.document import DOCUMENTS, FAILURES, Failure, document_id
from curation.errors import ConservationError
from curation.extractors.ocr.cache import page_cache
from curation.formatters.base import Formatter
from curation.languages.profile import load_profile
from curation.readers.base import Reader, Split
from curation.tables import BATCH_BYTES, BATCH_ROWS, TableWriter
from pipelines.stages.formatting import Row, format_rows
from pipelines.tasks import Progress

VERSION = 3


@dataclass(frozen=True)
class Extract:
    """Some splits of one source."""

    source: str
    reader: Reader
    formatters: tuple[Formatter, ...]
    splits: tuple[Split, ...]
    language: str
    pages: Path | None
    """Folder of the workspace for pages that were read by OCR; None is the user's own."""

    def run(self, folder: Path, progress: Progress) -> dict[str, Any]:
        """Every record read is a row of `documents` or of `failures`; the counts prove it."""
        profile = load_profile(self.language)
        page_cache.set(self.pages)
        read = size = excluded = 0
        reasons: dict[str, int] = {}
        with (
            TableWriter(folder / "documents.parquet", DOCUMENTS, texts=True) as documents,
            TableWriter(folder / "failures.parquet", FAILURES) as failures,
        ):
            for made, unread in _batches(self.source, self.reader, self.splits):
                rows, broken, pages = format_rows(made, self.formatters, profile)
                failed = unread + broken + pages
                read += len(made) + len(unread) + len(pages)
                documents.write(rows)
                failures.write(_failure_rows(self.source, failed))
                for failure in failed:
                    reasons[failure.reason] = reasons.get(failure.reason, 0) + 1
                excluded += rows.num_rows - rows["excluded"].null_count
                batch_bytes = rows["text"].nbytes
                size += batch_bytes
                progress(documents=len(made) + len(unread), bytes=batch_bytes, failures=len(failed))
            if read != documents.rows + failures.rows:
                raise ConservationError(
                    f"extract {self.source}: read {read} records, wrote {documents.rows} documents and {failures.rows} failures"
                )
            return {
                "read": read,
                "documents": documents.rows,
                "failed": failures.rows,
                "excluded": excluded,
                "bytes": size,
                "failures": dict(sorted(reasons.items())),
            }


def _batches(source: str, reader: Reader, splits: tuple[Split, ...]) -> Iterator[tuple[list[Row], list[Failure]]]:
    rows: list[Row] = []
    failed: list[Failure] = []
    size = 0
    for split in splits:
        for record in reader.read(split):
            if isinstance(record, Failure):
                failed.append(record)
            elif isinstance(record, Document):
                rows.append(Row(document_id(source, record.id, record.text), record))
                size += len(record.text)
            else:
                raise ConservationError(
                    f"reader {reader.name!r} gave a {type(record).__name__}: it must give a Document or a Failure for every record"
                )
            if size > BATCH_BYTES or len(rows) + len(failed) >= BATCH_ROWS:
                yield rows, failed
                rows, failed, size = [], [], 0
    if rows or failed:
        yield rows, failed


def _failure_rows(source: str, failed: list[Failure]) -> pa.RecordBatch:
    columns = [
        [document_id(source, failure.id or failure.locator, "") for failure in failed],
        [failure.locator for failure in failed],
        [failure.reason for failure in failed],
        [failure.message.encode("utf-8", "replace").decode() for failure in failed],
    ]
    return pa.RecordBatch.from_arrays([pa.array(column, pa.string()) for column in columns], schema=FAILURES)
