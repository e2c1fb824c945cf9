"""Guillemets that OCR read as a letter or another sign are put back, where both of a pair can be told: `xBakı?` is «Bakı».

Tesseract reads « as e, c, s or x and » as ə, ?, s or : most often. A mark is told by what is left: a word that no list holds becomes a common one without its first or
last letter. One of a pair that is there already makes the other nearly sure. Our engine reads suspicious words a second time from their image; this is for what is left,
and for OCR made by others. On the training pages of benchmarks/ocr as plain Tesseract reads them, 23 % of the marks come back, one of 13,600 words gets a false one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from curation.text.lexicon import Lexicon

OPENING, CLOSING = "ecsx", "ə?s”"
"""What « and » are read as, of 600 each on the training pages of benchmarks/ocr: nine in ten."""

REACH = 14
"""Words that a quotation may have."""

LEAST = 3
"""Letters of a word that a mark may have been read as part of."""

LISTED, UNLISTED = 2.0, 0.05
"""Occurrences per million: of the word without the mark at least, of the word with it at most."""

_TOKEN = re.compile(r"\S+")
_BREAK = re.compile(r"\n\s*\n")
_OTHERS = '“„"'
_TAIL = re.compile(r"[.,;!)]*$")
_DOUBLE = re.compile(r"(?<![^\s(])<<([^\W\d_][^<>#_=|{}]{1,200}?)>>(?![^\W\d_])")


class _Mark(NamedTuple):
    token: int
    start: int
    end: int
    sure: bool
    """It is a guillemet already."""


def restored_quotes(text: str, lexicon: Lexicon) -> Iterator[tuple[int, int, str]]:
    """(start, end, mark) of what a guillemet is put in place of."""
    for double in _DOUBLE.finditer(text):
        yield double.start(), double.start() + 2, "«"
        yield double.end() - 2, double.end(), "»"
    tokens = list(_TOKEN.finditer(text))
    opens = {mark.token: mark for mark in _opens(tokens, lexicon)}
    closes = {mark.token: mark for mark in _closes(tokens, lexicon)}
    place = 0
    while place < len(tokens):
        first = opens.get(place)
        place += 1
        last = first and _end(first, closes, text, len(tokens))
        if first is None or last is None:
            continue
        yield from ((mark.start, mark.end, sign) for mark, sign in ((first, "«"), (last, "»")) if not mark.sure)
        place = last.token + 1


def _end(first: _Mark, closes: dict[int, _Mark], text: str, tokens: int) -> _Mark | None:
    """Where the quotation that begins here ends: at the first » of its paragraph, or else at the first that may be one."""
    near = [closes[k] for k in range(first.token, min(first.token + REACH, tokens)) if k in closes and closes[k].start > first.end]
    near = [mark for mark in near if not _BREAK.search(text, first.start, mark.end)]
    last = next((mark for mark in near if mark.sure), near[0] if near else None)
    if last is None or (last.sure and first.sure):
        return last
    between = text[first.end : last.start]
    return None if "«" in between or any(sign in between for sign in _OTHERS if text[last.start] == "”" or not first.sure) else last


def _opens(tokens: list[re.Match[str]], lexicon: Lexicon) -> Iterator[_Mark]:
    for k, token in enumerate(tokens):
        word, start = token[0], token.start()
        if "«" in word:
            at = start + word.index("«")
            yield _Mark(k, at, at + 1, True)
        elif (
            word[0] in OPENING
            and len(_bare(word)) > LEAST
            and _is_word(_bare(word[1:]), lexicon)
            and not _may_be_word(_bare(word), lexicon)
        ):
            yield _Mark(k, start, start + 1, False)


def _closes(tokens: list[re.Match[str]], lexicon: Lexicon) -> Iterator[_Mark]:
    for k, token in enumerate(tokens):
        word, start = token[0], token.start()
        if "»" in word:
            at = start + word.rindex("»")
            yield _Mark(k, at, at + 1, True)
            continue
        size = len(word) - len(_TAIL.search(word)[0])  # type: ignore[index]
        if size < 3 or word[size - 1] not in CLOSING:
            continue
        whole, before = _bare(word[:size]), _bare(word[: size - 1])
        if word[size - 1].isalpha() and (_may_be_word(whole, lexicon) or _may_be_word(whole[1:], lexicon)):
            continue
        if not _is_word(before, lexicon) and not (before[:1] in OPENING and _is_word(before[1:], lexicon)):
            continue
        yield _Mark(k, start + size - 1, start + size, False)


def _bare(word: str) -> str:
    return word.strip("«»“”„\"'().,;:!?")


def _is_word(word: str, lexicon: Lexicon) -> bool:
    return bool(word) and all(lexicon.frequency(part) >= LISTED for part in word.split("-"))


def _may_be_word(word: str, lexicon: Lexicon) -> bool:
    return any(lexicon.frequency(part) > UNLISTED for part in word.split("-")[:1]) or lexicon.known(word)
