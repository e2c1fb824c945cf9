"""Documents like a given one, by the signatures that deduplication stored.

The stored bands are looked through as they are: 8 bytes a document and band, mapped into memory. An index of them in memory, such as datasketch's, would hold
a million documents in gigabytes and take minutes to fill.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from curation.dedup.parameters import Near
from curation.dedup.signatures import matrix, signature_table
from curation.errors import DollmaError
from curation.text.buffers import TextBatch
from pipelines.audit.catalog import Catalog
from pipelines.audit.filters import Row
from pipelines.audit.judges import profile_of
from pipelines.audit.relation import Part
from pipelines.audit.texts import stage_file

MOST_CHARACTERS = 1_000_000
"""Of a pasted text, what is compared."""


@dataclass(frozen=True)
class Similar:
    """A document and the Jaccard similarity of its shingles with those of the one asked for, as their signatures have it: with 112 permutations an estimate
    with a standard error of at most 0.05. Documents that are less alike than the recipe's threshold are found by chance alone."""

    id: str
    source: str
    part: int
    number: int
    similarity: float


def similar_to(catalog: Catalog, row: Row, n: int = 20) -> list[Similar]:
    """The documents most like this one, without it. Raises DollmaError where the workspace's signatures are gone, or the document has none."""
    held = next((part for part in catalog.database.parts if (part.source, part.number) == (row.source, row.part)), None)
    batch = held and next(
        (batch.slice(row.number - first, 1) for first, batch in _batches(catalog, held) if first <= row.number < first + len(batch)), None
    )
    if not batch or batch["id"][0].as_py() != row.id:
        raise DollmaError(f"{row.id} has no signature: it could not be read")
    found = _alike(catalog, batch, n + 1)
    return [one for one in found if (one.source, one.part, one.number) != (row.source, row.part, row.number)][:n]


def similar_to_text(catalog: Catalog, text: str, n: int = 20) -> list[Similar]:
    """The documents most like a pasted text. Formatters don't touch it: paste it as the corpus has it."""
    near = Near.model_validate(catalog.manifest["recipe"]["dedup"].get("near") or {})
    plain = text[:MOST_CHARACTERS].encode("utf-8", "replace").decode()
    texts = TextBatch(pa.array([plain], pa.string()))
    return _alike(catalog, signature_table(pa.array(["0" * 32]), texts, profile_of(catalog.folder).fold_table, near), n)


def _alike(catalog: Catalog, wanted: pa.RecordBatch, n: int) -> list[Similar]:
    """Those that have a band in common with the wanted one, the most similar first."""
    signature = matrix(wanted["signature"], np.uint32)[0]
    bands = {name: np.uint64(wanted[name][0].as_py()) for name in wanted.schema.names if name.startswith("band_")}
    found = []
    for part in catalog.database.parts:
        for first, batch in _batches(catalog, part):
            if missing := bands.keys() - set(batch.schema.names):
                raise DollmaError(
                    f"{part.source}: signatures of another release (no {min(missing)}): build the recipe again to look for similar documents"
                )
            common = np.zeros(len(batch), dtype=bool)
            for name, value in bands.items():
                common |= batch[name].to_numpy() == value
            places = np.flatnonzero(common)
            if len(places):
                agreed = (matrix(batch["signature"], np.uint32)[places] == signature).mean(axis=1)
                ids = batch["id"].take(pa.array(places)).to_pylist()
                found += [
                    Similar(name, part.source, part.number, first + int(place), float(share))
                    for name, place, share in zip(ids, places, agreed, strict=True)
                ]
                found = sorted(found, key=lambda one: (-one.similarity, one.id, one.source, one.part, one.number))[: max(n, 1000)]
    return found[:n]


def _batches(catalog: Catalog, part: Part) -> Iterator[tuple[int, pa.RecordBatch]]:
    """(row of the first, batch) of a part's signatures, mapped into memory: a column that is not looked at is not read."""
    path = stage_file(catalog, "sign", part.source, part.number, "signatures.arrow")
    if path is None:
        raise DollmaError(
            f"{catalog.workspace / 'stages' / 'sign'}: the signatures of source {part.source} are gone: a build of the recipe makes them again"
        )
    yield from _mapped(path)


def _mapped(path: Path) -> Iterator[tuple[int, pa.RecordBatch]]:
    with pa.memory_map(str(path)) as file:
        reader = pa.ipc.open_file(file)
        first = 0
        for number in range(reader.num_record_batches):
            batch = reader.get_batch(number)
            yield first, batch
            first += batch.num_rows
