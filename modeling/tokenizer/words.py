"""What a text is cut into before pieces are looked for: words, signs, and the endings that stand behind a mark.

A word is a run of letters, marks and digits. Every other sign stands alone, so that one that no sample showed costs one unknown token and not a whole word.
Three kinds of ending belong to the word before them, and are pieces of their own, so that `AMEA-nın` and `BMT-nın` share one:
a hyphen and lower-case letters after a capital or a digit (`AMEA-nın`, `2024-cü`), an apostrophe and lower-case letters (`Bakı’nın`), and a point, comma or colon
and digits after a digit (`10.000,5`, `70.1.2`, `12:30`). Other hyphens part two words (`sosial-iqtisadi`). Which apostrophe is written is left as it is:
curation decides that.

The same pattern serves Python's `regex`, which counts words for training, and the Oniguruma of `tokenizers`, which cuts texts afterwards.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

import regex
from tokenizers import Regex, normalizers

from curation.languages.profile import Profile, load_profile, profile_names

LONGEST = 64
"""Letters in a word at most; what is longer (base64, rows of dashes as letters) is cut. Azerbaijani's longest in running text have 30 to 40."""
LONGEST_ENDING = 16
"""Letters or digits in an ending at most: `-lərindəkilərdən` has 15."""
ENDINGS = 4
"""Endings of a word at most: `70.1.2.3-cü` has four."""
NONE = "\uffff"
"""Inside [], a class that no text is in."""
HYPHENS, APOSTROPHES, POINTS = "-‐‑", "'’ʼ", ".,:"
SIGNS = "“”„«»‘–—…№€₼°§•"
"""What Azerbaijani print has beyond ASCII; always in the vocabulary, whether or not the sample has it."""
UNSEEN = r"\p{Cc}\p{Cf}"
"""Control characters, soft hyphens, marks of direction: curation takes them out, and where it did not they cut words as white space does."""
TURKIC = "әғҕҗқҝңөүұўһҳҹ"
"""Cyrillic letters of Turkic languages that have no profile in that script."""
MARKS = "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030c\u0323\u0327\u0328"
"""What NFC may leave by itself: U+0307 stands where some program wrote İ in lower case."""

CRAWLED: tuple[tuple[int, int, str], ...] = (
    (0x018E, 0x018E, "the capital of U+01DD"),
    (0x01DD, 0x01DD, "another e upside down, typed for ə"),
    (0x0391, 0x03CE, "Greek, of formulas"),
    (0x2010, 0x205E, "signs of print"),
    (0x2070, 0x209C, "raised and lowered figures"),
    (0x20A0, 0x20C0, "currencies"),
    (0x2100, 0x214F, "signs like letters"),
    (0x2190, 0x22FF, "arrows, mathematics"),
    (0x25A0, 0x27BF, "shapes, which begin lines of lists; pictures"),
    (0x3001, 0x30FF, "signs and syllables of Japanese"),
    (0xFB00, 0xFB06, "ligatures that a PDF leaves"),
    (0xFF01, 0xFF0F, "signs as wide as Chinese ones"),
    (0xFF1A, 0xFF20, "the same"),
    (0x1F300, 0x1F64F, "emoji"),
    (0x1F680, 0x1F6FF, "emoji"),
    (0x1F900, 0x1F9FF, "emoji"),
)
"""Ranges of characters that any crawl has now and then, though a sample may not: with them 6.8 M tokens of Azerbaijani laws, lessons, sites and crawl have five unknown
ones, all Chinese, instead of 34. They are 3,097 of 64,000 ids."""


class Letters(NamedTuple):
    """Classes of characters, each the inside of a [] in a pattern."""

    word: str
    lower: str
    upper: str
    digit: str


EVERY = Letters(r"\p{L}\p{M}\p{N}", r"\p{Ll}", r"\p{Lu}", r"\p{Nd}")
"""Any script's."""


def letters_of(alphabet: Iterable[str]) -> Letters:
    """The classes of an alphabet: what is not in it is cut off alone."""
    categories = {c: unicodedata.category(c) for c in alphabet}

    def of(*wanted: str) -> str:
        return _ranges(sorted(ord(c) for c, category in categories.items() if category.startswith(wanted)))

    return Letters(of("L", "M", "N"), of("Ll"), of("Lu"), of("Nd"))


def _ranges(points: list[int]) -> str:
    parts: list[str] = []
    start = 0
    for place in range(1, len(points) + 1):
        if place == len(points) or points[place] != points[place - 1] + 1:
            first, last = points[start], points[place - 1]
            parts.append(chr(first) if first == last else f"{chr(first)}-{chr(last)}")
            start = place
    return "".join(parts) or NONE


def ending_pattern(letters: Letters) -> str:
    """One ending, with what must stand before it."""
    _, lower, upper, digit = letters
    rest = f"{{1,{LONGEST_ENDING}}}"
    return f"(?<=[{upper}{digit}])[{HYPHENS}][{lower}]{rest}|[{APOSTROPHES}][{lower}]{rest}|(?<=[{digit}])[{POINTS}][{digit}]{rest}"


def word_pattern(letters: Letters) -> str:
    """A word with its endings, or one sign; white space and what nobody sees is left out. For tokenizers that write where a word goes on."""
    word = letters.word
    return rf"[{word}]{{1,{LONGEST}}}(?:{ending_pattern(letters)}){{0,{ENDINGS}}}|[^\s{UNSEEN}{word}]"


def spaced_pattern(letters: Letters, space: str) -> str:
    """A word or sign with the space (or its mark) before it, or an ending, or white space. For tokenizers that write where a word begins."""
    word = letters.word
    ending = ending_pattern(letters).replace(f"|[{APOSTROPHES}]", f"|(?<=[{word}])[{APOSTROPHES}]")
    return rf"{ending}|{space}?[{word}]{{1,{LONGEST}}}|{space}?[^\s{word}{space}]|\s{{1,{LONGEST_ENDING}}}(?!\S)|[\s{space}]"


def compiled(pattern: str) -> regex.Pattern[str]:
    """The pattern for Python."""
    return regex.compile(pattern)


def base_alphabet(profile: Profile) -> set[str]:
    """Characters that every vocabulary holds: the language's letters in both cases, printable ASCII, and the signs of print."""
    folded = {lower: upper for upper, lower in profile.fold.items()}
    capitals = {folded.get(letter, letter.upper()) for letter in profile.alphabet}
    return {*profile.alphabet, *(c for c in capitals if len(c) == 1), *map(chr, range(0x21, 0x7F)), *SIGNS, *HYPHENS, *APOSTROPHES, *POINTS}


def neighbours() -> set[str]:
    """What stands in any crawl beside the language's own letters: those of all profiles, of European Latin and Turkic Cyrillic, in both cases; marks; signs."""
    lower = {letter for name in profile_names() for letter in load_profile(name).alphabet} | set(TURKIC)
    latin = {c for c in map(chr, range(0xC0, 0x180)) if c.isalpha() and unicodedata.is_normalized("NFC", c)}
    crawled = {c for first, last, _ in CRAWLED for c in map(chr, range(first, last + 1)) if unicodedata.category(c)[0] in "LMNPS"}
    plain = {c for c in crawled if unicodedata.is_normalized("NFC", c)}
    return {*lower, *(c.upper() for c in lower if len(c.upper()) == 1), *latin, *MARKS, *plain}


def normaliser(profile: Profile | None) -> normalizers.Normalizer:
    """NFC; with a profile also lower case as its language has it.

    `Lowercase` alone writes i for I, and i with U+0307 for İ. The profile's own pairs go first; where it folds İ to i, an i that some other program
    left with U+0307 is mended too, which NFC can't.
    """
    if profile is None:
        return normalizers.NFC()
    pairs = [normalizers.Replace(upper, lower) for upper, lower in profile.fold.items()]
    mended = [normalizers.Replace(Regex("i\u0307"), "i")] if profile.fold.get("İ") == "i" else []
    return normalizers.Sequence([normalizers.NFC(), *pairs, normalizers.Lowercase(), *mended])
