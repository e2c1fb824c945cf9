"""What a catalog counts: of rules, sources, hosts, languages and scripts, and of the values of a measure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from pipelines.audit.relation import JOINT


@dataclass(frozen=True)
class RuleCount:
    """A rule of a version. `documents` fail it, `alone` of them no other rule; `words` are those of `documents`, `words_alone` those of `alone`.

    `filter`, `measure`, `bound` and `threshold` are None for what is no rule of a filter (a reader's `mediawiki.redirect`, `recipe.withdrawn`). `thresholds` by
    source; `threshold` is the commonest of them.
    """

    rule: str
    filter: str | None
    measure: str | None
    threshold: float | None
    bound: Literal["min", "max"] | None
    documents: int
    alone: int
    words: int
    words_alone: int
    thresholds: dict[str, float]
    by_source: dict[str, int]
    """Documents that fail it, by source."""


@dataclass(frozen=True)
class SourceFunnel:
    """read = rejected + duplicate + failed + kept, in documents; `words_read` counts what could be read, `words` what is kept, `final_words` all copies."""

    source: str
    title: str
    read: int
    rejected: int
    duplicate: int
    failed: int
    kept: int
    words_read: int
    words: int
    final_words: int
    upsample: float


@dataclass(frozen=True)
class Count:
    """How many documents and words have a value; `name` None: they have none."""

    name: str | None
    documents: int
    words: int


@dataclass(frozen=True)
class HostCount:
    """A host of URLs: documents by verdict, words kept."""

    host: str
    documents: int
    kept: int
    rejected: int
    duplicate: int
    words: int


@dataclass(frozen=True)
class Histogram:
    """Documents by range of a measure. `edges` has one number more than each list of `counts` (by verdict, by source, or under "all"). What lies beyond the
    edges (at most the 0.1 % at either end of a measure with long tails) is counted in the first and the last bin."""

    measure: str
    edges: tuple[float, ...]
    counts: dict[str, tuple[int, ...]]
    low: float
    high: float
    """Least and greatest value."""


class Alike(NamedTuple):
    """Documents of one source, verdict, set of failed rules, language and script."""

    source: str
    verdict: str
    pattern: str
    language: str | None
    script: str | None
    documents: int
    words: int

    @property
    def failed(self) -> list[str]:
        """Rules."""
        return self.pattern.split(JOINT) if self.pattern else []


@dataclass
class Tally:
    """Sums over the documents that fail a rule."""

    documents: Counter[str] = field(default_factory=Counter)
    alone: int = 0
    words: int = 0
    words_alone: int = 0

    def add(self, source: str, documents: int, words: int, alone: bool) -> None:
        """Some more; `alone` says that they fail no other rule."""
        self.documents[source] += documents
        self.words += words
        self.alone += documents if alone else 0
        self.words_alone += words if alone else 0
