"""Words divided at the end of a line: which hyphen goes, and which belongs to the word."""

from __future__ import annotations

import re
from typing import Protocol

HYPHENS = "-‐‑¬­"
SURE = "¬­"
"""Signs that only ever divide: the soft hyphen, and the one that old programs print."""
RARE, COMMON = 1.0, 20.0
"""Occurrences per million of a word, and of both its parts, from which the parts are rather two words: `birbirinə` (0.5) is in the lexicon, by misprints."""
_HEAD = re.compile(rf"[\w’'{HYPHENS}]*[{HYPHENS}]$")
_TAIL = re.compile(r"^[\w’']+")


class Words(Protocol):
    """What is asked of a lexicon."""

    def frequency(self, word: str) -> float:
        """Occurrences per million words."""

    def known(self, word: str) -> bool:
        """Whether it is a word, or a stem with an ending."""


def divided(line: str) -> bool:
    """Whether the line ends in a hyphen that directly follows a letter or digit."""
    return len(line) > 1 and line[-1] in HYPHENS and line[-2].isalnum()


def join(line: str, following: str, lexicon: Words | None) -> str:
    """The line as it stands before `following`, whose first word continues its last: without the hyphen where that divides a word alone.

    A hyphen stays after a digit (`2019-cu`), before a capital (`Bakı-Gəncə`) and between two words (`haqq-ədalət`). Without a lexicon a hyphen between
    two small letters goes: in 26 pages of `unec_dissertation_rules.pdf` it is right so 19 times in 20.
    """
    head, tail = _HEAD.search(line), _TAIL.search(following)
    if head is None or tail is None:
        return line
    if line[-1] in SURE:
        return line[:-1]
    first, second = head[0][:-1], tail[0]
    if not first[-1:].isalpha() or not second[0].isalpha() or (second[0].isupper() and not first.isupper()):
        return line
    return line if lexicon is not None and _is_compound(first, second, lexicon) else line[:-1]


def run_on(above: str, below: str, lexicon: Words | None) -> str:
    """Two lines of one paragraph as one."""
    return join(above, below, lexicon) + below if divided(above) else f"{above} {below}"


def is_divided_word(first: str, second: str, lexicon: Words) -> bool:
    """Whether two parts of one line, the first with a hyphen at its end, are one word: writers divide words by hand, and their lines move."""
    head, tail = first[:-1], second.rstrip(',.;:!?)”»"')
    if not head.isalpha() or not tail.isalpha() or not tail[0].islower():
        return False
    return lexicon.known(head + tail) and not (lexicon.known(head) and lexicon.known(tail))


def _is_compound(first: str, second: str, lexicon: Words) -> bool:
    """Whether both parts are words of their own, and their hyphenated pair is the likelier reading."""
    last = re.split(rf"[{HYPHENS}]", first)[-1]
    whole, pair = lexicon.frequency(last + second), lexicon.frequency(f"{last}-{second}")
    if whole or pair:
        return pair > whole or (whole < RARE and min(lexicon.frequency(last), lexicon.frequency(second)) > COMMON)
    if lexicon.known(last + second):
        return False
    return len(last) > 1 and len(second) > 1 and lexicon.known(last) and lexicon.known(second)
