"""What a formatter is: text to better text, row for row."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.languages.profile import Profile
from curation.processors import Processor


class Edit(NamedTuple):
    """What a formatter took out or put another thing in place of, kept in the ledger so that a reader of the corpus can see it."""

    rule: str
    """`formatter.reason`."""
    line: int
    """Number of the line, from 1, in the text as this formatter was given it; 0 for the text as a whole."""
    text: str | None
    """What stood there; None where that must not be kept (personal data)."""


class Formatted(NamedTuple):
    """A batch after a formatter."""

    texts: pa.StringArray
    errors: dict[int, str]
    """Row to message, of the texts that could not be formatted and stayed as they were."""
    edits: dict[int, list[Edit]]
    """Row to what was edited in it; rows without an edit are left out."""


class Formatter(Processor):
    """Improves text. A pure function of the text alone, so that no document's result depends on its neighbours.

    Most documents need nothing: `suspects` finds, over the Arrow buffers, the rows that `format` could change, and only those
    become Python strings. `suspects` may cry wolf, but never miss.
    """

    kind: ClassVar[str] = "formatter"
    facts: ClassVar[tuple[str, ...]] = ()
    """Fields of the language profile that the result depends on: they enter the fingerprint of the extracted documents."""
    origins: ClassVar[tuple[str, ...]] = ()
    """Of books, the pages that it is for, by where their words come from (`curation.document.PAGE`); none named: all. Documents without pages are always its business."""

    def suspects(self, texts: pa.StringArray) -> np.ndarray:
        """Boolean mask, one per text: True where `format` might change something."""
        return np.ones(len(texts), dtype=bool)

    @abstractmethod
    def format(self, text: str) -> str:
        """The better text."""

    def run(self, texts: pa.StringArray) -> tuple[pa.StringArray, dict[int, str]]:
        """(the better texts, row -> message of the texts that `format` raised on, which stay as they were).

        The same array comes back when nothing changed; a subclass may do all of it over the buffers.
        """
        return _each(texts, self.suspects(texts), lambda _, text: self.format(text))

    def apply(self, texts: pa.StringArray, profile: Profile, origins: Sequence[str | None] = ()) -> Formatted:
        """What a build calls: the better texts, errors, and edits for the ledger (a formatter that knows no language makes none).

        `origins`: of pages of books, where their words come from (`curation.document.PAGE`); None for a document without pages, and nothing where there are only such.
        """
        return Formatted(*self.run(texts), {})


class EditingFormatter(Formatter):
    """A formatter that needs the language profile, or whose edits go to the ledger: it implements `edit` instead of `format`."""

    def suspects_in(self, texts: pa.StringArray, profile: Profile) -> np.ndarray:
        """Boolean mask, one per text: True where `edit` might change something."""
        return np.ones(len(texts), dtype=bool)

    @abstractmethod
    def edit(self, text: str, profile: Profile) -> tuple[str, list[Edit]]:
        """The better text, and what was edited."""

    def edit_page(self, text: str, profile: Profile, origin: str) -> tuple[str, list[Edit]]:
        """The same of a page of a book, whose words come from `origin`; most formatters don't care."""
        return self.edit(text, profile)

    def format(self, text: str) -> str:
        """Not without a profile: raises TypeError."""
        raise TypeError(f"formatter {self.name} needs a language profile: call `edit`")

    def apply(self, texts: pa.StringArray, profile: Profile, origins: Sequence[str | None] = ()) -> Formatted:
        """All suspects, one at a time."""
        edits: dict[int, list[Edit]] = {}

        def better(row: int, text: str) -> str:
            origin = origins[row] if origins else None
            new, made = self.edit(text, profile) if origin is None else self.edit_page(text, profile, origin)
            if made:
                edits[row] = made
            return new

        return Formatted(*_each(texts, self.suspects_in(texts, profile), better), edits)


def _each(texts: pa.StringArray, suspects: np.ndarray, better: Callable[[int, str], str]) -> tuple[pa.StringArray, dict[int, str]]:
    """(the texts with the suspects made better, row -> message of those on which that raised, which stay as they were)."""
    changed: dict[int, str] = {}
    errors: dict[int, str] = {}
    for row in np.flatnonzero(suspects).tolist():
        text = texts[row].as_py()
        try:
            new = better(row, text)
        except Exception as error:  # any failure on hostile text costs that text alone
            errors[row] = message(error)
            continue
        if new != text:
            changed[row] = new
    if not changed:
        return texts, errors
    mask = np.zeros(len(texts), dtype=bool)
    mask[list(changed)] = True
    return pc.replace_with_mask(texts, pa.array(mask), pa.array(list(changed.values()), pa.string())), errors


def message(error: Exception) -> str:
    """An exception as one line of a failure row."""
    return f"{type(error).__name__}: {error}"
