"""What the server holds: the open version, its labels, and answers that were given before. A version never changes, so an answer holds as long as the server runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from starlette.datastructures import QueryParams

from curation.errors import DollmaError
from pipelines.audit.catalog import Catalog
from pipelines.audit.counts import Histogram
from pipelines.audit.labels import Labels

PATIENCE = 0.7
"""Seconds that a page waits for an answer that may take minutes, before it says so and asks again."""
T = TypeVar("T")
REMEMBERED = 64
"""Long answers that are kept: what-if figures, comparisons."""


@dataclass(frozen=True)
class Asked:
    """A request: what stands in its address, what was posted, and the name that the person gave before."""

    query: QueryParams
    form: dict[str, str]
    annotator: str

    def get(self, name: str) -> str | None:
        """A parameter of the address; None where it is missing or empty."""
        return self.query.get(name) or None


@dataclass
class Audit:
    """One version, as the server's pages see it."""

    catalog: Catalog
    labels: Labels
    _answers: dict[Hashable, Any] = field(default_factory=dict)
    _long: dict[Hashable, Future[Any]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "audit-long"))

    @property
    def version(self) -> str:
        """Its name."""
        return str(self.catalog.manifest["version"])

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, asked for once."""
        if key not in self._answers:
            self._answers[key] = make()
        return cast(T, self._answers[key])

    def histogram(self, measure: str) -> Histogram:
        """How a measure is distributed, by verdict."""
        return self.once(("histogram", measure), lambda: self.catalog.histogram(measure))

    def long(self, key: Hashable, make: Callable[[], T]) -> T | None:
        """What `make` gives, or None while it is still at work: one long answer is made at a time. Raises what `make` raised, which the next asking tries again."""
        with self._lock:
            if key not in self._long:
                for old in [old for old, future in self._long.items() if future.done()][: max(0, len(self._long) - REMEMBERED)]:
                    del self._long[old]
                self._long[key] = self._pool.submit(make)
            future: Future[T] = self._long[key]
        try:
            return future.result(PATIENCE)
        except NotYet:
            return None
        except BaseException:
            with self._lock:
                self._long.pop(key, None)
            raise

    def warm(self) -> None:
        """Count what the first pages will ask for, in a thread of its own."""

        def count() -> None:
            with suppress(DollmaError):  # closed meanwhile; what is wrong with the files, whoever asks is told
                self.catalog.index()
                for measure in self.catalog.measures:
                    self.histogram(measure)

        threading.Thread(
            target=count, name="audit-warm"
        ).start()  # no daemon: within the database, the interpreter's end would abort the process
