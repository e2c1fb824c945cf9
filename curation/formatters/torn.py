"""Letters that a PDF's font tore from their words, `Az ə rbaycan`, and headings with a space between letters, `M Ü N D Ə R İ C A T`, are put together again.

Fonts of eight bits have no letters beyond Latin-1, so these were set in another font, and converters see a word's end where the font changes. A torn letter has a space
on either side whether or not a word ends there: which spaces are real is found by the shortest way through the line, in bits of the lexicon's words.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import ClassVar, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.formatters.base import Edit, EditingFormatter
from curation.languages.profile import Profile
from curation.processors import register
from curation.text.lexicon import Lexicon, load_lexicon

TORN = "əğışƏĞİŞ"
"""Letters of Azerbaijani beyond Latin-1."""

LONE, LONE_ONCE = 12.0, 3.0
"""Bits, on top of its own, of a torn letter that stays alone, in a line or document that has many, and in one that has not."""

MANY, MANY_SHARE = 3, 0.02
"""Torn letters, and their share of what stands between white space, from which on a text has many: of the converted laws' lines nine in ten."""

OWN_WORD = 20.0
"""Occurrences per million from which on letters that a font may tear are a word of their own: iş, ışığı."""

STRANGE = 15.0
"""Bits, on top of its own, of a word that is not known, when it is shorter than four letters or made of spaced letters none of which a font tears."""

LEAST_SPACED = 4
"""Letters with spaces between that make a heading."""

ALPHABETS = ("abcçdeəfgğhxıijkqlmnoöprsştuüvyz", "abcdefghijklmnopqrstuvwxyz", "abcçdefgğhıijklmnoöprsştuüvyz")

SEAM = 6.0
"""Bits of joining two pieces neither of which is a torn letter, one of them being more than a letter: `Mad d ə`."""

GAP = 2.0
"""Bits that are taken off for each space that stays: words that stand together are likelier than each alone, as in `eləcə də`."""

RARE, COMMON, TWO_WORDS = 5.0, 20.0, 10.0
"""Occurrences per million of a word below which it is taken for two, of which each has so many, and three letters and four (`fiziki şəxsin`); bits on top of its own."""

MOST_PIECES, LONGEST = 24, 40
"""Pieces and characters of one word."""

MOST_EDITS, MOST_SHOWN = 10_000, 200
"""Lines of a document that the ledger lists, and characters that it shows of each."""

_PIECE = re.compile(r"\S+")
_FRAGMENT = re.compile(rf"[(\[«“\"'‘]*[{TORN}]+(?<![{TORN}]{{5}})(?:[)\]»”\"'’,;:!?][)\]»”\"'’.,;:!?]*)?")
_SINGLE = re.compile("[A-Za-zÇÖÜçöüƏəĞğİıŞş]")
_CLOSING = re.compile(r"[)\]»”’.,;:!?]+")
_LETTERS = re.compile(r"[^\W\d_]+")
_SUSPECT = rf"(^|\s)[(\[«“\"'‘]*[{TORN}]+[)\]»”\"'’,;:!?]*(\s|$)|(^|\s)\pL \pL \pL \pL(\s|$)"
"""For RE2."""
_CANDIDATE = re.compile(rf"(?<!\S)[(\[«“\"'‘]*[{TORN}]+[)\]»”\"'’,;:!?]*(?!\S)|(?<!\S)[^\W\d_](?: [^\W\d_]){{{LEAST_SPACED - 1}}}(?!\S)")


@register
class Torn(EditingFormatter):
    """Joins torn words; the ledger gets an edit `torn.letters` for each line, with the words as they stood."""

    name: ClassVar[str] = "torn"
    facts: ClassVar[tuple[str, ...]] = ("code",)

    def suspects_in(self, texts: pa.StringArray, profile: Profile) -> np.ndarray:
        """True for texts with a torn letter alone, or three letters with spaces between."""
        if load_lexicon(profile.code) is None:
            return np.zeros(len(texts), dtype=bool)
        return np.asarray(pc.match_substring_regex(texts, _SUSPECT))

    def edit(self, text: str, profile: Profile) -> tuple[str, list[Edit]]:
        """The text with its words whole."""
        lexicon = load_lexicon(profile.code)
        if lexicon is None:
            return text, []
        lines = text.split("\n")
        many = _has_many(text)
        edits: list[Edit] = []
        for number, line in enumerate(lines):
            better, stood = _joined(line, lexicon, many)
            if stood:
                lines[number] = better
                edits.append(Edit("torn.letters", number + 1, _shown(stood)))
        return "\n".join(lines), edits if len(edits) <= MOST_EDITS else [
            *edits[:MOST_EDITS],
            Edit("torn.more", edits[MOST_EDITS].line, None),
        ]


def rejoin(line: str, lexicon: Lexicon) -> str:
    """The line with torn words and spaced headings joined, as far as the lexicon knows; any other line comes back as it is."""
    return _joined(line, lexicon, False)[0]


def _shown(stood: list[str]) -> str:
    shown = " | ".join(stood)
    return shown if len(shown) <= MOST_SHOWN else f"{shown[: MOST_SHOWN - 1]}…"


class _Piece(NamedTuple):
    text: str
    start: int
    end: int
    fragment: bool
    """It is a torn letter, or several."""
    single: bool
    """It is one letter."""


def _has_many(text: str) -> bool:
    torn = sum(1 for _ in _CANDIDATE.finditer(text))
    return torn >= MANY and torn >= MANY_SHARE * len(text.split())


def _joined(line: str, lexicon: Lexicon, many: bool) -> tuple[str, list[str]]:
    """(the line, the words of it that were joined, as they stood)."""
    if not _CANDIDATE.search(line):
        return line, []
    pieces = [_piece(match, lexicon) for match in _PIECE.finditer(line)]
    lone = LONE if many or _has_many(line) else LONE_ONCE
    tight = [after.start - before.end == 1 for before, after in pairwise(pieces)]
    loose = _loose(pieces, tight)
    out, stood, place, first = [], [], 0, 0
    for last in range(len(pieces)):
        if last + 1 < len(pieces) and tight[last] and (loose[last] or loose[last + 1]) and _may_be_torn(pieces[last], pieces[last + 1]):
            continue
        for start, end in _words(pieces[first : last + 1], lexicon, lone) if last > first else ():
            if end - start > 1:
                a, b = pieces[first + start].start, pieces[first + end - 1].end
                out += [line[place:a], "".join(piece.text for piece in pieces[first + start : first + end])]
                stood.append(line[a:b])
                place = b
        first = last + 1
    return "".join([*out, line[place:]]), stood


def _piece(match: re.Match[str], lexicon: Lexicon) -> _Piece:
    text = match[0]
    fragment = _FRAGMENT.fullmatch(text) is not None and not (len(text) > 1 and lexicon.frequency(text) >= OWN_WORD)
    return _Piece(text, match.start(), match.end(), fragment, _SINGLE.fullmatch(text) is not None)


def _loose(pieces: list[_Piece], tight: list[bool]) -> list[bool]:
    """Which pieces may be parts of a word: torn letters, and single letters in a chain with one of them, or with three others."""
    loose = [piece.fragment for piece in pieces]
    first = 0
    for last in range(len(pieces)):
        if last + 1 < len(pieces) and tight[last] and all(piece.fragment or piece.single for piece in pieces[last : last + 2]):
            continue
        chain = pieces[first : last + 1]
        if len(chain) > 1:
            letters = "".join(piece.text for piece in chain)
            torn = len(chain) >= LEAST_SPACED or any(piece.fragment for piece in chain)
            loose[first : last + 1] = [torn and not _alphabetical(letters)] * len(chain)
        first = last + 1
    return loose


def _alphabetical(letters: str) -> bool:
    """Whether a run of letters is from the alphabet, as it is in primers and lists."""
    low = letters.replace("I", "ı").replace("İ", "i").lower()
    return any(low[k : k + 4] in alphabet for k in range(len(low) - 3) for alphabet in ALPHABETS)


def _may_be_torn(before: _Piece, after: _Piece) -> bool:
    """Whether two pieces, with one space between, may be parts of a word by their signs and case."""
    left, right = before.text[-1], after.text[0]
    if before.fragment and left.isalpha() and _CLOSING.fullmatch(after.text):
        return True
    if not (right.isalpha() and (left.isalpha() or (after.fragment and left in '-(«“"'))):
        return False
    return not (left.islower() and right.isupper())


def _words(pieces: list[_Piece], lexicon: Lexicon, lone: float) -> list[tuple[int, int]]:
    """The pieces that make each word, first and end, by the cheapest way through them."""
    best, came = [0.0], [0]
    for end in range(1, len(pieces) + 1):
        last = pieces[end - 1]
        string, whole, seams = last.text, float("inf"), 0.0
        for start in range(end - 1, max(-1, end - 1 - MOST_PIECES), -1):
            if start < end - 1:
                string = pieces[start].text + string
                seams += (
                    0.0
                    if pieces[start].fragment or pieces[start + 1].fragment or (pieces[start].single and pieces[start + 1].single)
                    else SEAM
                )
            if len(string) > LONGEST:
                break
            torn = any(piece.fragment for piece in pieces[start:end])
            cost = best[start] + seams + _cost(string, end - start, torn, lexicon, lone) - (GAP if start else 0.0)
            if end - start > 1 and cost < whole and _is_two(pieces[start:end], string, lexicon):
                cost += TWO_WORDS
            if cost < whole:
                whole, origin = cost, start
        best.append(whole)
        came.append(origin)
    words, end = [], len(pieces)
    while end:
        words.append((came[end], end))
        end = came[end]
    return words[::-1]


def _is_two(pieces: list[_Piece], string: str, lexicon: Lexicon) -> bool:
    """Whether these pieces are likelier two words than one rare one."""
    if len(string) < 7 or lexicon.frequency(string) >= RARE:
        return False
    left = ""
    for piece in pieces[:-1]:
        left += piece.text
        right = string[len(left) :]
        if len(left) >= 3 and len(right) >= 4 and lexicon.frequency(left) >= COMMON and lexicon.frequency(right) >= COMMON:
            return True
    return False


def _cost(string: str, pieces: int, torn: bool, lexicon: Lexicon, lone: float) -> float:
    """Bits of a string as one word that is made of so many pieces."""
    words = (string,) if string.isalpha() else _LETTERS.findall(string)
    cost = sum(map(lexicon.word_cost, words))
    if pieces == 1:
        return cost + lone * (torn or not words)
    if sum(map(len, words)) < 2:
        return float("inf")
    if (len(words[0]) < 4 or not torn) and not all(map(lexicon.known, words)):
        cost += STRANGE
    return cost
