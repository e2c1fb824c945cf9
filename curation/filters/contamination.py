"""Does the text hold passages of a benchmark's test set? A model that has read the test knows the answers, and its score means nothing.

The n-gram overlap of GPT-3 (Brown et al. 2020, arXiv 2005.14165, appendix C): 13 words in a row, here case-folded tokens of the language profile.
Items shorter than that, which GPT-3 leaves alone, are found as wholes from `min_words` on: eight words in a row are already rare by chance.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from curation.document import Failure
from curation.errors import DollmaError
from curation.filters.base import Filter, Rule
from curation.languages.profile import Profile
from curation.processors import register
from curation.text.buffers import TextBatch
from curation.text.passages import Passages, index_passages, overlaps, passage_bytes
from curation.text.unicode import fold_table


@register
class ContaminationFilter(Filter):
    """Runs of words that also stand in the benchmarks' files: how many, and which share of the document they are."""

    name: ClassVar[str] = "contamination"
    paths: ClassVar[tuple[str, ...]] = ("benchmarks",)
    measures: ClassVar[tuple[str, ...]] = ("contaminated_ngrams", "contaminated_share")
    rules: ClassVar[tuple[Rule, ...]] = (Rule("max_ngrams", "contaminated_ngrams", "<="), Rule("max_share", "contaminated_share", "<="))

    benchmarks: tuple[str, ...] = ()
    """Files, folders or patterns of the benchmarks' test texts, relative to the recipe; every string of a row counts, in files without rows every line."""
    n: int = Field(13, ge=2, le=64)
    """Words in a row that make an overlap."""
    min_words: int = Field(8, ge=2)
    """Items of fewer words than n are looked for as wholes, if they have so many."""
    max_ngrams: int | None = None
    """Most overlapping n-grams; 0 removes every document that overlaps at all."""
    max_share: float | None = None
    """Largest share of the document's words that stand in overlaps."""

    @model_validator(mode="after")
    def _short_is_short(self) -> ContaminationFilter:
        if self.min_words > self.n:
            raise ValueError(f"min_words={self.min_words} must be at most n={self.n}")
        return self

    def measuring(self) -> dict[str, Any]:
        """The benchmarks count by their content, not by where they lie."""
        from curation.readers.inputs import content_identity, find_inputs  # noqa: PLC0415 - as in `_items`

        identity = super().measuring()
        identity["parameters"]["benchmarks"] = sorted(content_identity(file, {}) for file in find_inputs(list(self.benchmarks)))
        return identity

    def spans(self, parameter: str, text: str, profile: Profile) -> list[tuple[int, int]]:
        """The overlapping passages."""
        data = text.encode("utf-8", "replace")
        found: list[tuple[int, int]] = []
        place = characters = 0
        for first, end in passage_bytes(data, profile.fold_table, self._index(profile)):
            begins = characters + len(data[place:first].decode())
            characters = begins + len(data[first:end].decode())
            place = end
            found.append((begins, characters))
        return found

    def measure(self, batch: TextBatch, profile: Profile) -> dict[str, pa.Array | np.ndarray]:
        hits, inside, tokens = overlaps(batch.data, batch.offsets, profile.fold_table, self._index(profile))
        return {"contaminated_ngrams": hits, "contaminated_share": inside / np.maximum(tokens, 1)}

    def _index(self, profile: Profile) -> Passages:
        return _load(self.benchmarks, self.n, self.min_words, tuple(sorted(profile.fold.items())))


@lru_cache(maxsize=4)
def _load(benchmarks: tuple[str, ...], n: int, shortest: int, fold: tuple[tuple[str, str], ...]) -> Passages:
    """Read once in a process. Raises DollmaError for a file that is missing or can't be read: a hole in the index would go unseen."""
    items = TextBatch(pa.array([item for path in benchmarks for item in _items(path)], pa.string()))
    return index_passages(items.data, items.offsets, fold_table(dict(fold)), n, shortest)


def _items(path: str) -> Iterator[str]:
    from curation.readers.inputs import find_inputs, reader_for  # noqa: PLC0415 - all readers take half a second, which whoever only looks at filters is spared
    from curation.readers.rows import RowReader  # noqa: PLC0415

    for file in find_inputs([path]):
        reader = reader_for(file.name)()
        if isinstance(reader, RowReader):
            reader = reader.model_copy(update={"text_field": "*"})
        for split in reader.splits(file, file.size + 1):
            for record in reader.read(split):
                if isinstance(record, Failure):
                    raise DollmaError(f"contamination: {record.message}; mend the benchmark's file, or leave it out of `benchmarks`")
                yield from record.text.split("\n")
