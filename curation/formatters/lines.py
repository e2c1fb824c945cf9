"""Lines that are no part of the text go, the document stays: menus, buttons, notices, lines of another script, of signs, or that break a rule."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import Field

from curation.formatters.base import Edit, EditingFormatter, Formatted
from curation.languages.boilerplate import digest, load_boilerplate
from curation.languages.profile import Profile
from curation.processors import register
from curation.text.buffers import views
from curation.text.line_rules import RULES, FailingLines, character_classes, failing_lines
from curation.text.phrases import Phrases, bare, phrase_table
from curation.text.splice import Change, spliced
from curation.text.unicode import SCRIPTS, fold_table

MOST_WORDS = 40
"""Words above which a line is a paragraph, whatever phrase stands in it. The longest notice of rights in the crawled pages of the shared data has 30."""
MOST_EDITS = 10_000
"""Lines of one document that the ledger lists; more are one entry, `lines.more`, at the first of them. A hostile page has millions."""


@register
class Lines(EditingFormatter):
    """Cuts lines; what was cut is in the ledger, line by line, under the first of the rules it failed, in the order of the parameters.

    A line ends at a newline. Paragraphs stay: where a cut line stood alone between two empty ones, one of these goes with it, so that the
    formatter may stand before or after `whitespace`. It should stand after `pii`: the ledger keeps what was cut as it stood.
    """

    name: ClassVar[str] = "lines"
    facts: ClassVar[tuple[str, ...]] = ("code", "fold")

    min_script_share: float | None = Field(0.3, ge=0, le=1)
    """Smallest share of letters of the language's script in a line, in documents that are mostly of that script: others are the filters' business."""
    boilerplate: bool = True
    """Cut menus, buttons, notices of rights and cookies: the phrases of `curation/languages/boilerplate`, and short lines with ©."""
    min_letters: int | None = Field(1, ge=1)
    """Fewest letters in a line."""
    max_symbol_share: float | None = Field(0.7, ge=0, le=1)
    """Largest share of punctuation and symbols among visible characters."""
    max_digit_share: float | None = Field(None, ge=0, le=1)
    """Largest share of digits among visible characters."""
    min_words: int | None = Field(None, ge=1)
    """Fewest words in a line: what stands between white space. It costs headings."""
    max_repeats: int | None = Field(None, ge=1)
    """Times that the same line, but for its signs, may stand in a document; the later ones go."""

    def identity(self) -> dict[str, Any]:
        """With a hash of the phrases."""
        return super().identity() | {"phrases": digest()}

    def edit(self, text: str, profile: Profile) -> tuple[str, list[Edit]]:
        """The text without the lines, and these."""
        formatted = self.apply(pa.array([text], pa.string()), profile)
        return formatted.texts[0].as_py(), formatted.edits.get(0, [])

    def apply(self, texts: pa.StringArray, profile: Profile, origins: Sequence[str | None] = ()) -> Formatted:
        """Only lines that are cut, and the line breaks around them, are ever looked at from Python."""
        data, offsets = views(texts)
        found = self._failing(data, offsets, profile)
        if not len(found.rows):
            return Formatted(texts, {}, {})
        edits: dict[int, list[Edit]] = {}
        changes: list[Change] = []
        rows, firsts = np.unique(found.rows, return_index=True)
        for row, first, last in zip(rows.tolist(), firsts.tolist(), [*firsts[1:].tolist(), len(found.rows)], strict=True):
            begin, end = int(offsets[row]), int(offsets[row + 1])
            cuts = _cuts(data[begin:end].tobytes(), (found.starts[first:last] - begin).tolist(), (found.ends[first:last] - begin).tolist())
            changes += [(begin + cut_first, begin + cut_end, b"") for cut_first, cut_end in cuts]
            edits[row] = _edits(data, found, first, last)
        return Formatted(spliced(data, offsets, changes), {}, edits)

    def _failing(self, data: np.ndarray, offsets: np.ndarray, profile: Profile) -> FailingLines:
        phrases, classes = _tables(profile.code, profile.script, tuple(sorted(profile.fold.items())))
        limits = np.array([_limit(getattr(self, rule)) for rule in RULES])
        found = failing_lines(data, offsets, classes, phrases, limits, MOST_WORDS)
        rules = np.where(found.foreign[found.rows], found.rules & 0xFE, found.rules)
        kept = rules != 0
        rows, numbers, starts, ends = (column[kept] for column in found[:4])
        return FailingLines(rows, numbers, starts, ends, rules[kept], found.foreign)


def _limit(value: float | bool | None) -> float:
    return np.nan if value is None or value is False else float(value)


@lru_cache(maxsize=8)
def _tables(code: str, script: str, fold: tuple[tuple[str, str], ...]) -> tuple[Phrases, np.ndarray]:
    letters = bare(fold_table(dict(fold)))
    return phrase_table(*load_boilerplate(code), letters), character_classes(letters, SCRIPTS.index(script))


def _edits(data: np.ndarray, found: FailingLines, first: int, last: int) -> list[Edit]:
    """Entries of the ledger for the failing lines [first, last) of one document."""
    numbers, rules = found.numbers[first:last].tolist(), found.rules[first:last].tolist()
    spans = zip(found.starts[first:last].tolist(), found.ends[first:last].tolist(), strict=True)
    edits = [
        Edit(f"lines.{RULES[(rule & -rule).bit_length() - 1]}", number, data[start:end].tobytes().decode())
        for number, rule, (start, end) in zip(numbers[:MOST_EDITS], rules, spans, strict=False)
    ]
    return edits if last - first <= MOST_EDITS else [*edits, Edit("lines.more", numbers[MOST_EDITS], None)]


def _cuts(text: bytes, starts: list[int], ends: list[int]) -> list[tuple[int, int]]:
    """Bytes to take out of a text, in order: its failing lines, and the empty ones around them that would be too many.

    Failing lines with no text between them are one gap, with the empty lines at its ends. A gap leaves one empty line where it had any,
    and none at the start or end of the document.
    """
    cuts: list[tuple[int, int]] = []
    k, floor = 0, 0
    while k < len(starts):
        first, blank = _without_empty_before(text, floor, starts[k])
        place = floor = min(ends[k] + 1, len(text))
        k += 1
        while place < len(text):
            if k < len(starts) and starts[k] == place:
                place = min(ends[k] + 1, len(text))
                k += 1
                continue
            stop = text.find(b"\n", place) % (len(text) + 1)
            if text[place:stop].strip():
                break
            place, blank = min(stop + 1, len(text)), True
        floor = place
        if place == len(text):
            cuts.append((max(first - 1, 0), place))
        else:
            cuts.append((first, place - 1 if blank and first > 0 else place))
    return cuts


def _without_empty_before(text: bytes, floor: int, first: int) -> tuple[int, bool]:
    """(first byte of the empty lines directly before the line at `first`, or this; are there any)."""
    blank = False
    while first > floor:
        before = text.rfind(b"\n", floor, first - 1) + 1 or floor
        if text[before : first - 1].strip():
            break
        first, blank = before, True
    return first, blank
