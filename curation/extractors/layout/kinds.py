"""What a page is: text, a table of contents, or an index."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

Kind = Literal["body", "contents", "index", "empty"]

LINES = 4
"""Lines that tell of a table of contents, at least; of an index twice as many."""
LONGEST = 160
"""Characters at the end of a line that are looked at."""
SHARE = 0.5
"""Share of a page's lines that do so."""

_LEADER = re.compile(r"(?:[.…·•_]\s?){4,}\s*\d{1,4}\s*$|…{2,}\s*\d{1,4}\s*$")
_ENDS_NUMBER = re.compile(r"^\D*\w.*?[^\d.,]\s(\d{1,4})$")
_INDEX = re.compile(r"^[^\W\d].{1,60}?[,\s]\s?\d{1,4}(?:[-–]\d{1,4})?(?:,\s?\d{1,4}(?:[-–]\d{1,4})?)*$")
_TITLE = re.compile(
    r"^\W*(m\s?ü\s?n\s?d\s?ə\s?r\s?[iİ]\s?c\s?a\s?t\w*|[iİ]çindəkilər|i̇çindəkilər|mündərəcat|"
    r"оглавление|содержание|мүндәриҹат|(?:table of )?contents)\W*$",
    re.IGNORECASE,
)


def kind_of(lines: Sequence[str]) -> Kind:
    """What a page with these lines is."""
    lines = [line for line in lines if line.strip()]
    if not lines:
        return "empty"
    numbered = [line[-LONGEST:] for line in lines if line[-1].isdigit()]
    if len(numbered) < LINES:
        return "body"
    leaders = sum(bool(_LEADER.search(line)) for line in numbered)
    if leaders >= LINES and leaders >= SHARE * 0.7 * len(lines):
        return "contents"
    numbers = [int(found[1]) for line in numbered if (found := _ENDS_NUMBER.search(line))]
    rising = sum(a <= b for a, b in pairwise(numbers))
    titled = any(_TITLE.match(line) for line in lines[:5])
    if titled and len(numbers) >= LINES and len(numbers) >= 0.4 * len(lines) and rising >= 0.8 * (len(numbers) - 1):
        return "contents"
    entries = [line for line in numbered if _INDEX.match(line)]
    firsts = [line[0].casefold() for line in entries]
    sorted_pairs = sum(a <= b for a, b in pairwise(firsts))
    if len(entries) >= 2 * LINES and len(entries) >= SHARE * len(lines) and sorted_pairs >= 0.85 * (len(entries) - 1):
        return "index" if rising < 0.9 * (len(numbers) - 1) or not numbers else "contents"
    return "body"
