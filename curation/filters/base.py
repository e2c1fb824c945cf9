"""What a filter is: a question asked of documents, in two halves.

It *measures* (numbers per document, computed once, cached) and it *decides* (thresholds on those numbers, cheap). Only the first half enters the
fingerprint of the measures, so a changed threshold measures nothing again.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa

from curation.languages.profile import Profile
from curation.processors import Processor
from curation.text.buffers import TextBatch


@dataclass(frozen=True, slots=True)
class Rule:
    """Keeps a document when `measure` `keep` threshold holds; the threshold is the filter's parameter `parameter`."""

    parameter: str
    measure: str
    keep: Literal[">=", "<="]
    reason: str = ""
    """A measure of strings that says more: it follows the rule's name in the ledger, after a colon."""
    pages: str = ""
    """A measure with a list of values, one a page: of a document that passes, the pages that fail the threshold are cut out of it."""


class Filter(Processor):
    """A question. Subclasses list their `rules`, and implement `measure`. A threshold of None switches its rule off.

    A rule is named `filter.parameter`, in the ledger and everywhere else.
    """

    kind: ClassVar[str] = "filter"
    rules: ClassVar[tuple[Rule, ...]] = ()
    measures: ClassVar[tuple[str, ...]] = ()
    """Names of the columns that `measure` gives."""

    @abstractmethod
    def measure(self, batch: TextBatch, profile: Profile) -> dict[str, pa.Array | np.ndarray]:
        """One value per document for each name in `measures`: numbers, or strings for labels that no rule compares."""

    def spans(self, parameter: str, text: str, profile: Profile) -> list[tuple[int, int]]:
        """Evidence: where in the text stands what the rule `parameter` counts, as (first, end) in characters, in order, without overlaps.

        Asked of one document at a time, by `explain`. Empty where nothing can be pointed at (a document too short).
        """
        return []

    def measuring(self) -> dict[str, Any]:
        """The identity of the first half: name, version, and the parameters that are no thresholds."""
        thresholds = {rule.parameter for rule in self.rules}
        return {
            "name": self.name,
            "version": self.version,
            "parameters": self.model_dump(mode="json", exclude=thresholds),
        }

    def thresholds(self) -> list[tuple[str, Rule, float]]:
        """The rules that are switched on: (rule name, rule, threshold)."""
        found = []
        for rule in self.rules:
            value = getattr(self, rule.parameter)
            if value is not None:
                found.append((f"{self.name}.{rule.parameter}", rule, float(value)))
        return found
