"""Words of a line: spaces that stand inside words because letters were set apart, or because a font changed, are taken out again."""

from __future__ import annotations

from itertools import pairwise
from statistics import median

from curation.extractors.layout.hyphens import HYPHENS, Words, is_divided_word
from curation.extractors.layout.rows import Row
from curation.extractors.page import Word

TOUCHING = 0.08
"""Gap, in letter heights, below which two words stand directly side by side. The narrowest space of common fonts is 0.2."""
WIDER = 1.5
"""A gap between words of a spaced line is at least so many times that between its letters."""


SPELT = 4
"""Letters of the shortest word that a lexicon alone puts together: `x y z` are three variables."""


def text_of(row: Row, lexicon: Words | None) -> str:
    """The text of a printed line."""
    words = row.words
    gaps = [right.x0 - left.x1 for left, right in pairwise(words)]
    if len(words) > 2 and sum([len(word.text) == 1 for word in words]) >= 3:
        _close_spaced(words, gaps, lexicon)
    parts = [words[0].text]
    for gap, left, right in zip(gaps, words, words[1:], strict=False):
        height = min(left.y1 - left.y0, right.y1 - right.y0)
        if left.text[-1] in HYPHENS and lexicon is not None and is_divided_word(left.text, right.text, lexicon):
            parts[-1] = parts[-1][:-1]
        elif not -height < gap < TOUCHING * height or left.confidence is not None:  # boxes of OCR may touch or overlap
            parts.append(" ")
        parts.append(right.text)
    return "".join(parts)


def _close_spaced(words: tuple[Word, ...], gaps: list[float], lexicon: Words | None) -> None:
    """Sets the gaps inside runs of three single letters and more (digits and signs among them) to 0.

    That they are spaced letters is shown by a wider gap that ends a word of them, or else by the lexicon.
    """
    start = 0
    while start < len(words):
        stop = start
        while stop < len(words) and len(words[stop].text) == 1:
            stop += 1
        letters = [at for at in range(start, stop) if words[at].text.isalpha()]
        if len(letters) >= 3:
            inner = sorted(gaps[start : stop - 1])
            limit = WIDER * median(inner[: (len(inner) + 1) // 2 + 1])
            if max(gaps[max(start - 1, 0) : stop]) > limit:
                gaps[start : stop - 1] = [0.0 if gap < limit else gap for gap in gaps[start : stop - 1]]
            elif _is_word(words, letters, lexicon):
                gaps[letters[0] : letters[-1]] = [0.0] * (letters[-1] - letters[0])
        start = max(stop, start + 1)


def _is_word(words: tuple[Word, ...], letters: list[int], lexicon: Words | None) -> bool:
    together = len(letters) >= SPELT and letters[-1] - letters[0] == len(letters) - 1
    return lexicon is not None and together and lexicon.known("".join(words[at].text for at in letters))
