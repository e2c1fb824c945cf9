"""Rows of a labelled set's file: JSON lines, compressed or not, or Parquet. What a stranger wrote is read in bounded memory."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path

from curation.errors import DollmaError

MAX_LINE, MAX_ROWS = 1 << 20, 1_000_000
"""Bytes of a line, and rows of a file: sets of sentences and comments have thousandths of either."""
MAX_BYTES = 4 << 30
"""Of a Parquet file, unpacked."""
BATCH = 1_000


def rows(path: Path) -> Iterator[tuple[int, object]]:
    """Each row with its number from 1: a dict, or a ValueError that says why a line is none. Raises DollmaError for a file that can't be read or is too large."""
    return _parquet(path) if path.suffix == ".parquet" else _json_lines(path)


def _json_lines(path: Path) -> Iterator[tuple[int, object]]:
    number = 0
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            while line := file.readline(MAX_LINE + 1):
                number += 1
                if len(line) > MAX_LINE or number > MAX_ROWS:
                    raise DollmaError(
                        f"{path}: line {number}: more than {MAX_LINE:,} bytes in a line or {MAX_ROWS:,} lines: not such a set"
                    )
                if line.strip():
                    yield number, _row(line)
    except (OSError, EOFError, zlib.error) as error:
        raise DollmaError(f"{path}: after line {number}: can't be read ({error}): take it from an undamaged copy") from error


def _row(line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        return ValueError(f"not JSON ({error})")


def _parquet(path: Path) -> Iterator[tuple[int, object]]:
    import pyarrow as pa  # noqa: PLC0415 - half a second, which sets of JSON lines need not wait for
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        with pq.ParquetFile(path, memory_map=False) as file:
            unpacked = sum(file.metadata.row_group(number).total_byte_size for number in range(file.metadata.num_row_groups))
            if file.metadata.num_rows > MAX_ROWS or unpacked > MAX_BYTES:
                raise DollmaError(f"{path}: {file.metadata.num_rows:,} rows, {unpacked:,} bytes: not such a set")
            number = 0
            for batch in file.iter_batches(BATCH, use_threads=False):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DollmaError(f"{path}: no Parquet file that can be read ({error}): take it from an undamaged copy") from error
