"""The database behind a catalog: opened with nothing but the version's own tables, and with the index where it stands."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb

from curation.errors import DollmaError
from pipelines.audit.relation import Part, check_aligned, index_key, literal, measure_kinds, part_select, relation, write_index

MEMORY, THREADS = "512MB", 2
INDEX_MEMORY = "256MB"
SMALL = 50_000
"""Documents up to which the relation is held in memory: 20 MB, made in well under a second, and nothing is written."""


class Database:
    """The view `documents` of one version. Any number of threads may ask at once.

    A small version's is a table in memory. A larger one's is read from the version's files, unless its index stands in `place`: `index` writes it.
    Nothing but these files can be opened, and settings can't be changed, whatever a query says.
    """

    def __init__(self, parts: tuple[Part, ...], manifest: dict[str, Any], place: Path) -> None:
        self.parts, self.kinds = parts, measure_kinds(parts)
        self.rows = sum(part.rows for part in parts)
        self._index = place / f"index-{index_key(parts, manifest)}.duckdb"
        self._standing = threading.Event()
        self._computing, self._margins = threading.Lock(), False
        self._error: DollmaError | None = None
        self._indexing, self._viewing = threading.Lock(), threading.Lock()
        self._turn, self._closed = threading.Condition(), False
        self._asking: list[duckdb.DuckDBPyConnection] = []
        self._root = self._connect()
        if self.rows <= SMALL:
            for part in parts:
                check_aligned(self._root, part)
            self._root.execute(f"CREATE TABLE documents AS {relation(parts, self.kinds)}")
            self._standing.set()
        elif self._index.is_file():
            self._use_index()

    def _connect(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(config={"memory_limit": MEMORY, "threads": THREADS, "autoload_known_extensions": False})
        tables = [path.resolve() for part in self.parts for path in (part.ledger, part.measures)]
        allowed = [str(path) for path in (*tables, self._index.resolve(), Path(f"{self._index.resolve()}.wal"))]
        connection.execute(f"SET allowed_paths = [{', '.join(map(literal, allowed))}]")
        connection.execute("SET temp_directory = ''")
        connection.execute("SET preserve_insertion_order = false")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        return connection

    def _use_index(self) -> None:
        """Answer from the index, unless another release wrote it or it was damaged: then `index` makes it again."""
        with suppress(duckdb.Error), self._cursor() as cursor:
            cursor.execute(f"ATTACH {literal(str(self._index.resolve()))} AS held (READ_ONLY)")
            if cursor.execute("SELECT count(*) FROM held.documents").fetchone() == (self.rows,):
                with self._viewing:
                    cursor.execute("CREATE OR REPLACE VIEW documents AS SELECT * FROM held.documents")
                self._standing.set()
            else:
                cursor.execute("DETACH held")

    @property
    def ready(self) -> bool:
        """Does the fast relation stand?"""
        return self._standing.is_set()

    def index(self) -> None:
        """Write the index, unless it stands; whoever asks meanwhile is answered from the version's files, and goes on so where the disk takes no index.

        Raises what is found wrong in the files on the way, as every question does from then on.
        """
        with self._indexing:
            if self.ready:
                return
            try:
                with duckdb.connect(config={"memory_limit": INDEX_MEMORY, "threads": 1}) as builder, self._known(builder):
                    write_index(builder, self._index, self.parts, self.kinds)
                self._use_index()
            except (duckdb.Error, OSError):  # a full or read-only disk, a build that cleared what was half-written
                return
            except DollmaError as error:
                self._error = None if self._closed else error
                raise

    def select(self, sql: str, parameters: Sequence[Any] = (), only: Sequence[str] | None = None) -> list[tuple[Any, ...]]:
        """Rows of a query over `documents`; `only` are the columns that it names, where they are few (see `relation.part_select`).

        Raises DollmaError where the database was closed meanwhile, and for what was found wrong in the files.
        """
        if self._error is not None:
            raise self._error
        with self._cursor() as cursor:
            if only is not None and not self.ready:
                sql = f"WITH documents AS ({relation(self.parts, self.kinds, only)}) {sql}"
            elif not self.ready:
                with self._viewing:  # two that create it at once are a conflict
                    cursor.execute(f"CREATE VIEW IF NOT EXISTS documents AS {relation(self.parts, self.kinds)}")
            return cursor.execute(sql, list(parameters)).fetchall()

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._turn:
            if self._closed:
                raise DollmaError("the version is closed")
            cursor = self._root.cursor()
        with cursor, self._known(cursor):
            yield cursor

    @contextmanager
    def _known(self, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """While `close` knows of a connection. Raises DollmaError where the database is closed, or is closed meanwhile."""
        with self._turn:
            if self._closed:
                raise DollmaError("the version is closed")
            self._asking.append(connection)
        try:
            yield
        except duckdb.InterruptException as error:
            raise DollmaError("the version was closed") from error
        finally:
            with self._turn:
                self._asking.remove(connection)
                self._turn.notify_all()

    def margins(self, margin: str) -> str:
        """A relation of `row`, `key` and the margin to flipping, which takes all rules' measures to compute: done once, and held in memory (24 bytes a document)
        when the index stands."""
        if not self.ready:
            return f"(SELECT row, key, {margin} AS margin FROM documents)"  # noqa: S608
        with self._computing:
            if not self._margins:
                with self._cursor() as cursor:
                    cursor.execute(f"CREATE TABLE margins AS SELECT row, key, {margin} AS margin FROM documents")  # noqa: S608
                self._margins = True
        return "margins"

    def holding(self, rows: Sequence[int]) -> Iterator[tuple[str, list[int]]]:
        """(relation, rows of it): one for all where an index skips what isn't asked for; of the version's own files one for each part."""
        if self.ready:
            yield "documents", list(rows)
            return
        firsts = [part.first for part in self.parts]
        for number, own in groupby(sorted(rows), key=lambda row: bisect_right(firsts, row) - 1):
            held = list(own)
            yield f"({part_select(self.parts[number], self.kinds, held)})", held

    def close(self) -> None:
        """Stop what is being written and what is being asked, and let go of the files. Whoever is still asking is told so by an error."""
        with self._turn:
            self._closed = True
            while self._asking:  # an interrupt between two statements stops neither
                for connection in self._asking:
                    connection.interrupt()
                self._turn.wait(0.05)
        self._root.close()
