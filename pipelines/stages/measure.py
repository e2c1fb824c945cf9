"""Stage `measure`: documents to numbers. `measures` holds what filters ask, `signatures` what deduplication needs; both row-aligned with `documents`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from curation.dedup.parameters import Near
from curation.dedup.signatures import schema, signature_table
from curation.errors import ConservationError
from curation.filters.base import Filter
from curation.languages.profile import load_profile
from curation.measures import measure
from curation.tables import TableWriter, row_groups
from curation.text.buffers import TextBatch
from pipelines.tasks import Progress

VERSION = 2


@dataclass(frozen=True)
class Measure:
    """One part of `documents`, asked by every filter of its source."""

    documents: Path
    filters: tuple[Filter, ...]
    language: str

    def run(self, folder: Path, progress: Progress) -> dict[str, Any]:
        """Writes `measures.parquet`: id, excluded, bytes, words, then every filter's measures."""
        profile = load_profile(self.language)
        writer: TableWriter | None = None
        rows = 0
        try:
            for batch in row_groups(self.documents, ["id", "text", "excluded", "pages"]):
                measured = measure(batch, self.filters, profile)
                writer = writer or TableWriter(folder / "measures.parquet", measured.schema)
                writer.write(measured)
                rows += batch.num_rows
                progress(documents=batch.num_rows, bytes=batch["text"].nbytes)
            if writer is None:
                writer = TableWriter(folder / "measures.parquet", measure(_no_documents(), self.filters, profile).schema)
        finally:
            if writer is not None:
                writer.__exit__(None, None, None)
        return {"documents": rows}


def _no_documents() -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({name: pa.array([], pa.string()) for name in ("id", "text", "excluded")})


@dataclass(frozen=True)
class Sign:
    """One part of `documents`, hashed for deduplication."""

    documents: Path
    near: Near
    language: str

    def run(self, folder: Path, progress: Progress) -> dict[str, Any]:
        """Writes `signatures.arrow`, uncompressed, so that a column can be mapped into memory."""
        fold = load_profile(self.language).fold_table
        rows = 0
        with pa.OSFile(str(folder / "signatures.arrow"), "wb") as file, pa.ipc.new_file(file, schema(self.near)) as writer:
            for batch in row_groups(self.documents, ["id", "text"]):
                signed = signature_table(batch["id"], TextBatch(batch["text"]), fold, self.near)
                writer.write_batch(signed)
                rows += signed.num_rows
                progress(documents=batch.num_rows, bytes=batch["text"].nbytes)
        expected = pq.read_metadata(self.documents).num_rows
        if rows != expected:
            raise ConservationError(f"signatures of {self.documents}: {expected} documents, {rows} signatures")
        return {"documents": rows}
