"""Marks that are dirt on the page: specks, the edge of the paper and the other side's ink come out of OCR as lone signs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from curation.text.lexicon import Lexicon

_LONE = re.compile(r"(?<!\S)['`´~^¬\\]{1,2}(?!\S)|^[|¦](?=\s)|(?<=\s)[|¦]$")
"""Signs that stand alone in no prose; a stroke only at the ends of a line, where the edge of the paper is."""
_AT_EDGE = re.compile(r"(?:(?<=^)[:;,](?=\s)|(?<=[.!?…»”]\s)[.:;,](?=$))", re.MULTILINE)
"""Signs that stand alone where none can: before a line, and at its end behind the sign that ends a sentence."""
LETTERS = 0.5
"""Share of a line's characters that must be letters: a table, a formula or code keeps its signs."""


def stray_marks(text: str, _: Lexicon) -> Iterator[tuple[int, int, str]]:
    """(start, end, "") of the lone signs, with the space beside them. A line with several of one kind uses them: it is code or a table."""
    place = 0
    for line in text.split("\n"):
        found = [match for match in _LONE.finditer(line) if line.count(match.group()) == 1]
        found += _AT_EDGE.finditer(line)
        if found and sum(map(str.isalpha, line)) >= LETTERS * len(line):
            for match in found:
                start, end = match.span()
                before = start > 0
                yield place + start - before, place + end + (not before and end < len(line)), ""
        place += len(line) + 1
