"""Documents to numbers: every filter asked of a batch."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from curation.errors import ConservationError, DollmaError
from curation.filters.base import Filter
from curation.languages.profile import Profile
from curation.text.buffers import TextBatch


def measure(batch: pa.RecordBatch, filters: tuple[Filter, ...], profile: Profile) -> pa.RecordBatch:
    """One row of measures per document: id, excluded, bytes, what every filter measures, and words.

    Raises ConservationError that names a filter which gives another number of values, DollmaError for two filters that measure under one name.
    """
    texts = TextBatch(batch["text"], batch["pages"] if "pages" in batch.schema.names else None)
    columns: dict[str, pa.Array] = {
        "id": batch["id"],
        "excluded": batch["excluded"],
        "bytes": pa.array(texts.byte_counts),
    }
    for asked in filters:
        for name, values in asked.measure(texts, profile).items():
            if len(values) != len(texts):
                raise ConservationError(f"filter {asked.name!r} was given {len(texts)} documents and measured {name} of {len(values)}")
            if name in columns:
                raise DollmaError(f"filter {asked.name!r} measures {name!r}, as another filter does: a measure has one name")
            columns[name] = pa.array(values) if isinstance(values, np.ndarray) else values
    columns.setdefault("words", pa.array(texts.counts.words))
    return pa.RecordBatch.from_pydict(columns)
