"""Tables on disk: Parquet written batch by batch, read row group by row group."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

BATCH_BYTES = 8_000_000
"""Text in a batch, about: large enough that the cost per batch vanishes, small enough that a dozen columns of it fit in a cache of tens of MB."""
BATCH_ROWS = 20_000


class TableWriter:
    """A Parquet file with one row group per batch. The schema is fixed beforehand, so an empty table is a valid one.

    `texts` says that the table holds whole texts and is read again soon: they never repeat, so dictionaries and statistics of them
    cost time for nothing, and lz4 writes and reads them twice as fast as zstd for half as much again of disk.
    """

    def __init__(self, path: Path, schema: pa.Schema, texts: bool = False) -> None:
        self.schema = schema
        self.rows = 0
        self._writer = (
            pq.ParquetWriter(path, schema, compression="lz4", use_dictionary=False, write_statistics=False)
            if texts
            else pq.ParquetWriter(path, schema, compression="zstd", compression_level=1)
        )

    def write(self, batch: pa.RecordBatch | pa.Table) -> None:
        """Append a batch as a row group; an empty one is left out."""
        if batch.num_rows:
            table = batch if isinstance(batch, pa.Table) else pa.Table.from_batches([batch])
            self._writer.write_table(table.cast(self.schema), row_group_size=batch.num_rows)
            self.rows += batch.num_rows

    def __enter__(self) -> TableWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._writer.close()


@contextmanager
def opened(path: Path) -> Iterator[pq.ParquetFile]:
    """A Parquet file, closed afterwards."""
    with pq.ParquetFile(path, memory_map=False, pre_buffer=False) as file:
        yield file


def row_groups(path: Path, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    """The row groups of a file in order, one record batch each."""
    with opened(path) as file:
        for number in range(file.num_row_groups):
            yield one_batch(file.read_row_group(number, columns=columns, use_threads=False))


def one_batch(table: pa.Table) -> pa.RecordBatch:
    """A table as a single record batch."""
    combined = table.combine_chunks().to_batches()
    return combined[0] if combined else pa.RecordBatch.from_arrays([pa.array([], f.type) for f in table.schema], schema=table.schema)


def with_values(batch: pa.RecordBatch, changes: dict[int, dict[str, Any]]) -> pa.RecordBatch:
    """The batch with other values in some rows: {row: {column: value}}; each of these rows names the same columns."""
    names = {name for row in changes.values() for name in row}
    columns = []
    for field in batch.schema:
        column = batch[field.name]
        if field.name in names:
            places = pa.array([row in changes for row in range(batch.num_rows)])
            values = pa.array([changes[row][field.name] for row in sorted(changes)], field.type)
            column = _replaced(column, places, values)
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def _replaced(column: pa.Array, places: pa.Array, values: pa.Array) -> pa.Array:
    """`values` in turn where `places` is true; Arrow has no `replace_with_mask` for lists."""
    order = pc.add(pc.cumulative_sum(places.cast(pa.int64())), len(column) - 1)
    rows = pc.if_else(places, order, pa.array(range(len(column)), pa.int64()))
    return pa.concat_arrays([column, values]).take(rows)
