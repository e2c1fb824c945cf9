"""A version's ledger and measures as one relation: from its own files at once, or from an index that answers faster.

Both have the same columns, so that a query doesn't know which it asks: `row` counts over all parts, `part` and `number` are a document's extract task and its
place there, `key` is half of its id as a number (ids are hashes: `key` orders at random), `pattern` are the rules that it fails, without reasons, and a measure
NAME is `m_NAME`. What could not be read, and what its reader excluded, no rule of a filter has `judged`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from curation.errors import ConservationError, DollmaError
from curation.files import TEMPORARY, whole_file
from curation.fingerprint import fingerprint
from curation.ledger import LEDGER

INDEX_VERSION = 1
MEASURE = "m_"
JOINT = "\x1f"
"""Between the rules of a pattern."""
_PART = re.compile(r"ledger/([A-Za-z0-9][A-Za-z0-9_.-]*)-(\d{5,})\.parquet")
_HOST = "^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?([^/?#:]+)"
_HELD = ("url", "locator", "survivor", "kind", "similarity", "cluster", "error", "split", "copies", "words")
"""Columns of the ledger that are taken as they are."""
_TYPES = {"similarity": "DOUBLE", "copies": "INTEGER", "words": "BIGINT"}
_RULES = "STRUCT(rule VARCHAR, measure VARCHAR, value DOUBLE, threshold DOUBLE)[]"


@dataclass(frozen=True)
class Part:
    """The ledger and the measures of one extract task. `first` is the number of its first row over all parts; the last rows, which could not be read, have no
    measures."""

    source: str
    number: int
    first: int
    rows: int
    ledger: Path
    measures: Path
    columns: frozenset[str]
    """Of the ledger: earlier releases wrote fewer."""
    kinds: dict[str, str]
    """SQL type by measure."""


def parts_of(folder: Path, manifest: dict[str, Any]) -> tuple[Part, ...]:
    """The parts of a version, by source and number. Raises DollmaError for a file that is missing or is no table, ConservationError where the two don't fit."""
    parts: list[Part] = []
    first = 0
    for source, number, name in sorted(_named(manifest)):
        ledger, measures = folder / name, folder / "measures" / Path(name).name
        held, measured = _footer(folder, ledger), _footer(folder, measures)
        if measured.num_rows > held.num_rows:
            raise ConservationError(f"{measures}: {measured.num_rows} rows, and {held.num_rows} in {ledger}: run `dollma verify {folder}`")
        kinds = {f.name: kind for f in measured.schema.to_arrow_schema() if f.name not in ("id", "excluded") and (kind := _kind(f.type))}
        columns = frozenset(held.schema.to_arrow_schema().names)
        parts.append(Part(source, number, first, held.num_rows, ledger, measures, columns, kinds))
        first += held.num_rows
    return tuple(parts)


def _named(manifest: dict[str, Any]) -> Iterator[tuple[str, int, str]]:
    """Only names of this form: a manifest may come from anyone."""
    for name in manifest["files"]:
        match = _PART.fullmatch(name)
        if match and match[1] in manifest["sources"]:
            yield match[1], int(match[2]), name


def _footer(folder: Path, path: Path) -> pq.FileMetaData:
    try:
        return pq.read_metadata(path)
    except (OSError, pa.ArrowException) as error:
        raise DollmaError(f"{path}: missing, or no table ({error}): `dollma verify {folder}` says what else is") from error


def _kind(of: pa.DataType) -> str | None:
    """What a measure becomes; lists (a number for each page) stay in the files."""
    if pa.types.is_string(of) or pa.types.is_large_string(of):
        return "VARCHAR"
    if pa.types.is_integer(of) or pa.types.is_boolean(of):
        return "BIGINT"
    return "DOUBLE" if pa.types.is_floating(of) else None


def measure_kinds(parts: tuple[Part, ...]) -> dict[str, str]:
    """SQL type by measure over all sources, in the order in which they are met: a measure that is whole numbers in one and not in another is of numbers."""
    kinds: dict[str, str] = {}
    for part in parts:
        for name, kind in part.kinds.items():
            kinds[name] = kind if kinds.get(name, kind) == kind else "DOUBLE" if "VARCHAR" not in (kind, kinds[name]) else "VARCHAR"
    return kinds


def quoted(name: str) -> str:
    """A name of a column as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A string as SQL has it."""
    return "'" + text.replace("'", "''") + "'"


def _file(path: Path) -> str:
    """A path as a literal in which nothing is a pattern."""
    return literal(re.sub(r"([*?\[])", r"[\1]", str(path.resolve())))


def part_select(part: Part, kinds: dict[str, str], rows: Sequence[int] | None = None, only: Sequence[str] | None = None) -> str:
    """The rows of a part, in order; or some of them (counted over all parts), in no order, for which little of the files is read. `only` names columns, where few are
    asked for: of some forty columns of a hundred parts, planning takes longer than reading."""
    columns = _columns(part, kinds)
    taken = columns if only is None else {name: columns[name] for name in only}
    measured = any(value.startswith(("m.", "(m.")) for value in taken.values())
    place = _some(part, rows) if rows is not None else _joined(part) if measured else _ledger(part)
    return f"SELECT {', '.join(f'{value} AS {quoted(name)}' for name, value in taken.items())} FROM {place}"  # noqa: S608


def _columns(part: Part, kinds: dict[str, str]) -> dict[str, str]:
    """Each column, out of the ledger `l` and the measures `m`."""
    return {
        "row": f"{part.first} + l.file_row_number",
        "part": f"{part.number}::INTEGER",
        "number": "l.file_row_number::INTEGER",
        "id": "l.id",
        "key": "('0x' || substr(l.id, 1, 16))::UBIGINT",
        "source": literal(part.source),
        "judged": "(m.id IS NOT NULL AND m.excluded IS NULL)",
        "verdict": "l.verdict",
        "rules": f"l.rules::{_RULES}",
        "pattern": f"array_to_string(list_transform(l.rules, lambda r: split_part(r.rule, ': ', 1)), {literal(JOINT)})",
        "host": f"nullif(lower(regexp_extract(l.url, {literal(_HOST)}, 1)), '')" if "url" in part.columns else "NULL::VARCHAR",
        **{name: f"l.{name}" if name in part.columns else f"NULL::{_TYPES.get(name, 'VARCHAR')}" for name in _HELD},
        **{MEASURE + name: f"m.{quoted(name)}::{kind}" if name in part.kinds else f"NULL::{kind}" for name, kind in kinds.items()},
    }


def _some(part: Part, rows: Sequence[int]) -> str:
    numbers = ", ".join(f"{row - part.first:d}" for row in rows)
    ledger, measures = (
        f"(SELECT * FROM read_parquet({_file(path)}, file_row_number = true) WHERE file_row_number IN ({numbers}))"  # noqa: S608
        for path in (part.ledger, part.measures)
    )
    return f"{ledger} l LEFT JOIN {measures} m ON l.file_row_number = m.file_row_number"


def _ledger(part: Part) -> str:
    return f"read_parquet({_file(part.ledger)}, file_row_number = true) l"


def _joined(part: Part) -> str:
    return f"{_ledger(part)} POSITIONAL JOIN read_parquet({_file(part.measures)}) m"


def relation(parts: tuple[Part, ...], kinds: dict[str, str], only: Sequence[str] | None = None) -> str:
    """All rows, as a query over the version's own files; all columns, or `only` some."""
    if not parts:
        raise DollmaError("the version has no ledger: it was built from no document, or its manifest is not whole")
    return " UNION ALL ".join(part_select(part, kinds, only=only) for part in parts)


def index_key(parts: tuple[Part, ...], manifest: dict[str, Any]) -> str:
    """What the index depends on: the files, by the checksums that the manifest states, and the programs that write it."""
    names = [f"{table.parent.name}/{table.name}" for part in parts for table in (part.ledger, part.measures)]
    files = {name: manifest["files"].get(name, {}).get("sha256") for name in names}
    return fingerprint({"index": INDEX_VERSION, "duckdb": duckdb.__version__, "ledger": LEDGER.names, "files": files})


def check_aligned(connection: duckdb.DuckDBPyConnection, part: Part) -> None:
    """Raises ConservationError where a row of the measures is of another document than the ledger's."""
    other = connection.execute(f"SELECT count(*) FROM {_joined(part)} WHERE m.id IS NOT NULL AND m.id IS DISTINCT FROM l.id").fetchone()  # noqa: S608
    if other and other[0]:
        raise ConservationError(
            f"{part.measures}: {other[0]} rows are of other documents than in {part.ledger}: run `dollma verify {part.ledger.parents[1]}`"
        )


def write_index(connection: duckdb.DuckDBPyConnection, path: Path, parts: tuple[Part, ...], kinds: dict[str, str]) -> None:
    """Write the relation into a database of one table under a final name; indexes of other content beside it are removed."""
    with whole_file(path) as temporary:
        try:
            connection.execute(f"ATTACH {literal(str(temporary))} AS made")
            connection.execute(f"CREATE TABLE made.documents AS {part_select(parts[0], kinds)} LIMIT 0")
            for part in parts:
                check_aligned(connection, part)
                connection.execute(f"INSERT INTO made.documents {part_select(part, kinds)}")
            connection.execute("DETACH made")
        finally:
            temporary.with_name(temporary.name + ".wal").unlink(missing_ok=True)
    for other in path.parent.glob("index-*.duckdb"):
        if other != path and not other.name.startswith(TEMPORARY):
            other.unlink(missing_ok=True)
