"""Footnotes: small print at the foot of a page that begins with a mark."""

from __future__ import annotations

import re
from collections.abc import Sequence

from curation.extractors.layout.rows import Row

SMALL = 0.93
"""Letter height of footnotes, at most, as a share of the page's usual one: 10 points under 11 are 0.91."""
_MARK = re.compile(r"^(?:\[?\d{1,3}\]?[).]?|[*†‡§]{1,3}|[¹²³⁴-⁹]+)(?:\s|$|(?=\w))")


def footnotes(column: Sequence[Row], size: float) -> int:
    """The line of a column from which on it holds footnotes alone; the column's length where it holds none. `size`: the page's usual letter height."""
    at = len(column)
    while at and column[at - 1].size <= SMALL * size:
        at -= 1
    while at < len(column) and not _MARK.match(" ".join(word.text for word in column[at].words)):
        at += 1
    return at if at else len(column)
