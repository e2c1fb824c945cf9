"""Two texts side by side, with the words that one of them alone has."""

from __future__ import annotations

import re
from collections import Counter
from difflib import SequenceMatcher
from itertools import islice

from markupsafe import Markup

from pipelines.audit_server.showing import shown

MOST_WORDS = 3_000
"""Of each text that are compared: the matching takes time by the square of it, 0.2 s here at worst."""
MOST_PAIRS = 200_000
"""Pairs of equal words above which the commonest ones begin no match: else texts of few different words would take minutes."""
GONE, NEW = Markup("<del>{}</del>"), Markup("<ins>{}</ins>")
WORDS = re.compile(r"\s{0,200}\S{1,200}\s{0,200}|\s{1,200}")
"""A word with the space behind it. A line without spaces is cut."""


def side_by_side(one: str, other: str) -> tuple[Markup, Markup, bool]:
    """Both texts, with <del> and <ins> around what the other one lacks, and whether they were too long to be compared to their ends."""
    cut = [[found[0] for found in islice(WORDS.finditer(text), MOST_WORDS)] for text in (one, other)]
    whole = [sum(map(len, words)) == len(text) for words, text in zip(cut, (one, other), strict=True)]
    keys = [[word.strip() for word in words] for words in cut]
    counts = [Counter(words) for words in keys]
    crowded = sum(count * counts[1][word] for word, count in counts[0].items()) > MOST_PAIRS
    sides: tuple[list[Markup], list[Markup]] = ([], [])
    for what, first, end, other_first, other_end in SequenceMatcher(None, keys[0], keys[1], autojunk=crowded).get_opcodes():
        for side, words, place, tag in ((0, cut[0], slice(first, end), GONE), (1, cut[1], slice(other_first, other_end), NEW)):
            text = shown("".join(words[place]))
            sides[side].append(text if what == "equal" or not text else tag.format(text))
    return Markup("").join(sides[0]), Markup("").join(sides[1]), not all(whole)
