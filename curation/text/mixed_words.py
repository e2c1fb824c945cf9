"""Words whose letters come from two scripts, Latin and Cyrillic: each given back the one that it was written in.

A word is repaired when all its letters fit the script of those that fit no other; where every letter fits both, the script of the text decides, and where letters
of both remain (`CNNның`, two words run together) it stays.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from typing import NamedTuple

from curation.text.homoglyphs import (
    ALMOST_LATIN,
    CYRILLIC,
    LATIN,
    MARKS,
    OLD_FONTS,
    OLD_FONTS_TOGETHER,
    TO_CYRILLIC,
    TO_LATIN,
    TO_SOME_CYRILLIC,
)

MAJORITY = 2
"""A word in which every letter could be either script goes with the text, when that has so many times more letters of one."""

IN_USE = 0.005
"""Share of the Cyrillic letters from which on a letter of some alphabets is one of this text's: і has 6 % in Kazakh."""

WORD = re.compile(f"(?:[^\\W\\d_][{MARKS}]*)+")
"""Letters of any script with their combining marks."""
_SIDE = re.compile(f"[{CYRILLIC}](?:(?<=[{LATIN}].)|(?<=[{LATIN}][{MARKS}].)|[{MARKS}]*[{LATIN}])")
_LINE = re.compile(r"[^\n]+")
_LETTERS = re.compile(f"[{LATIN}{CYRILLIC}{MARKS}]+")
_NO_WORD = re.compile(r"://|www\.|[@=\\^{}_]")
_IS_LATIN = re.compile(f"[{LATIN}]")
_IS_CYRILLIC = re.compile(f"[{CYRILLIC}]")
_ONE_SIDE = re.compile(f"([{LATIN}]+)([{CYRILLIC}]+)|([{CYRILLIC}]+)([{LATIN}]+)")


class Ground(NamedTuple):
    """What the whole text says about its words."""

    script: str
    """Latn or Cyrl when the letters that are of one script alone are mostly so, else empty."""
    to_cyrillic: dict[str, str]
    """Latin letters to those Cyrillic ones that the text or the profile uses."""
    old_fonts: bool
    """Whether a long word was set in an old font, so that a short one may be too."""


def one_script(text: str, alphabet: str, seen: Counter[str]) -> str:
    """The text with such words repaired, for a language of this alphabet; `seen` counts the words that were. Only in the lines with a word of both scripts are words of
    look-alikes alone repaired with it, so a Russian word in an Azerbaijani text is safe."""
    if not _SIDE.search(text):
        return text
    ground = _ground(text, alphabet)
    return _LINE.sub(lambda match: _line(match[0], ground, seen) if _SIDE.search(match[0]) else match[0], text)


def _ground(text: str, alphabet: str) -> Ground:
    letters = Counter(text)
    latin = sum(n for c, n in letters.items() if _IS_LATIN.match(c) and c not in TO_CYRILLIC and c not in TO_SOME_CYRILLIC)
    cyrillic = sum(n for c, n in letters.items() if _IS_CYRILLIC.match(c) and c not in TO_LATIN)
    total = sum(n for c, n in letters.items() if _IS_CYRILLIC.match(c))
    used = {c: o for c, o in TO_SOME_CYRILLIC.items() if o.lower() in alphabet or letters[o.lower()] > IN_USE * total}
    script = "Latn" if latin > MAJORITY * cyrillic else "Cyrl" if cyrillic > MAJORITY * latin else ""
    to_cyrillic = {**TO_CYRILLIC, **used}
    if "H" in used:  # drawn like Н, sounds like Һ: who can tell
        del to_cyrillic["H"]
    lines = (line for line in _LINE.findall(text) if _SIDE.search(line))
    old = any(len(word) > 2 and _SIDE.search(word) and _old_font(word) for line in lines for word in WORD.findall(line))
    return Ground(script, to_cyrillic, old)


def _line(line: str, ground: Ground, seen: Counter[str]) -> str:
    turned_latin = False

    def better(match: re.Match[str]) -> str:
        nonlocal turned_latin
        word = match[0]
        if not _SIDE.search(word) or not _LETTERS.fullmatch(word) or _no_word(match):
            return word
        new = _word(word, ground)
        turned_latin |= new != word and not _IS_CYRILLIC.search(new)
        return noted(word, new, seen)

    line = WORD.sub(better, line)
    if turned_latin and all(c in TO_LATIN for c in _IS_CYRILLIC.findall(line)) and not _SIDE.search(line):
        line = WORD.sub(lambda match: noted(match[0], _latin_look_alikes(match), seen), line)
    return line


def _latin_look_alikes(match: re.Match[str]) -> str:
    """A word of look-alikes alone, in a line that has no other Cyrillic letter and was typed with such."""
    word = match[0]
    return _translated(word, TO_LATIN) if all(c in TO_LATIN for c in word) and not _no_word(match) else word


def _no_word(match: re.Match[str]) -> bool:
    """Whether it is part of an address or a formula, or a letter or two beside a digit."""
    line, start, end = match.string, *match.span()
    first = max(line.rfind(" ", max(0, start - 200), start), line.rfind("\t", max(0, start - 200), start), start - 200) + 1
    last = line.find(" ", end, end + 200)
    chunk = line[max(0, first) : last if last >= 0 else end + 200]
    digit = (start > 0 and line[start - 1].isdigit()) or (end < len(line) and line[end].isdigit())
    return bool(_NO_WORD.search(chunk)) or (digit and end - start <= 2)


def _word(word: str, ground: Ground) -> str:
    """The word in one script, or as it was where letters of both are certain."""
    if _two_words(word):
        return word
    latin = {c for c in word if _IS_LATIN.match(c) and c not in ground.to_cyrillic}
    cyrillic = any(_IS_CYRILLIC.match(c) and c not in TO_LATIN for c in word)
    new = word
    if latin and cyrillic:
        new = _inside_latin(word, ground)
    elif cyrillic:
        new = _inside_latin(word, ground) if ground.script == "Latn" and _old_font(word) else _translated(word, ground.to_cyrillic)
    elif ground.script == "Latn" or (latin and (ground.script != "Cyrl" or _surely_latin(word, latin))):
        new = _translated(word, TO_LATIN)
    elif not latin and ground.script == "Cyrl" and not _camel(word):
        new = _translated(word, ground.to_cyrillic)
    return word if _capital_inside(word, new) else new


def _surely_latin(word: str, certain: set[str]) -> bool:
    """In a Cyrillic text: at least half of its letters are Latin, one of them plain and not like a letter of some Cyrillic alphabet."""
    return any(c.isascii() and c not in TO_SOME_CYRILLIC for c in certain) and 2 * len(_IS_LATIN.findall(word)) >= len(word)


def _camel(word: str) -> bool:
    """A small letter before a capital, as in pH."""
    return any(a.islower() and b.isupper() for a, b in pairwise(word))


def _capital_inside(word: str, new: str) -> bool:
    """A capital that would change inside a word of small letters is no look-alike: in `OСzbekiston` С was an apostrophe."""
    if 2 * sum(map(str.isupper, word)) >= len(word):
        return False
    places = (i for i in range(1, len(word)) if word[i] != new[i] and word[i].isupper())
    return any(word[i - 1].islower() or word[i + 1 : i + 2].islower() for i in places)


def _two_words(word: str) -> bool:
    """One change of script, where a word may end: after capitals (`CNNның`, `XIXв`), or between parts as long as words."""
    sides = _ONE_SIDE.fullmatch(word)
    if sides is None:
        return False
    first, last = [side for side in sides.groups() if side]
    abbreviation = (len(first) > 1 and first.isupper() and last[0].islower()) or (len(last) > 1 and last.isupper() and first.islower())
    return abbreviation or (len(first) > 3 and len(last) > 3)


def _inside_latin(word: str, ground: Ground) -> str:
    """A word that is Latin for the most part, its Cyrillic letters read as what is like them or what they were in an old font; else as it was."""
    if ground.script != "Latn" or 2 * len(_IS_CYRILLIC.findall(word)) > len(word) + (len(word) < 4):
        return word
    almost = _translated(word, TO_LATIN | ALMOST_LATIN)
    if not _IS_CYRILLIC.search(almost):
        return almost
    certain = any(_IS_LATIN.match(c) and c not in TO_CYRILLIC for c in word)
    old = _old_font(word)
    return old if old and (ground.old_fonts or (certain and len(word) > 2)) else word


def _old_font(word: str) -> str:
    """The word with the letters of old fonts read, empty where that does not make a Latin word."""
    if not any(c in OLD_FONTS for c in word) or not _IS_LATIN.search(word):
        return ""
    new = _translated(word, TO_LATIN | OLD_FONTS | OLD_FONTS_TOGETHER)
    return "" if _IS_CYRILLIC.search(new) else new


def _translated(word: str, table: dict[str, str]) -> str:
    return "".join(table.get(c, c) for c in word)


def noted(old: str, new: str, seen: Counter[str]) -> str:
    """The new word; `seen` counts the old one, where it is another."""
    if new != old:
        seen[old] += 1
    return new
