"""Copies of real texts that differ by a known amount: edited words, OCR errors, or a longer text around them."""

from __future__ import annotations

import random
import re
from typing import NamedTuple

SCATTERED, CONTIGUOUS, NOISE, CONTAINED = "scattered", "contiguous", "noise", "contained"
WORD = re.compile(r"\S+\s*")


class Planted(NamedTuple):
    """A pair that was planted: rows of the base and of what was made of it, how, and by how much (Jaccard or share aimed at, or character error rate)."""

    base: int
    copy: int
    kind: str
    amount: float


CONFUSED: dict[str, tuple[str, ...]] = {
    **{"m": ("rn", "nı"), "rn": ("m",), "n": ("ıı", "ri"), "h": ("b", "lı"), "d": ("cl",), "cl": ("d",), "t": ("f",), "f": ("t",)},
    **{"ı": ("l", "i", "1"), "l": ("ı", "1", "I"), "i": ("ı", "l"), "I": ("l", "1"), "İ": ("I", "i"), "1": ("l", "ı")},
    **{"ə": ("e", "a", "o"), "Ə": ("E", "O"), "e": ("ə", "c"), "a": ("ə", "o"), "o": ("ö", "0"), "ö": ("o", "6"), "0": ("o", "O")},
    **{"ş": ("s", "§"), "s": ("ş",), "Ş": ("S",), "S": ("5",), "5": ("S",), "ç": ("c", "g"), "c": ("ç", "e"), "Ç": ("C",)},
    **{"ğ": ("g", "q"), "g": ("ğ", "q"), "q": ("g",), "ü": ("u", "ii"), "u": ("ü", "ıı"), "Ü": ("U",), "v": ("y",), "y": ("v",)},
    **{"«": ("", "<<"), "»": ("", ">>"), '"': ("",), "-": ("", "—"), ".": (",", ""), ",": (".", ""), " ": ("",)},
}
"""What Tesseract makes of letters of Azerbaijani: shapes taken for each other, marks lost, guillemets lost, words run together. Our own list, from
reading its output."""


def scattered(text: str, similarity: float, vocabulary: list[str], pick: random.Random) -> str:
    """Words replaced, put in and left out at random places, so many that the Jaccard similarity comes near to what is asked."""
    words = WORD.findall(text)
    shingles = len(words) - 4
    for _ in range(max(1, round(shingles * (1 - similarity) / (1 + similarity) / 5))):
        place, edit = pick.randrange(len(words)), pick.choice(("replace", "insert", "delete"))
        words[place : place + (edit != "insert")] = [] if edit == "delete" else [pick.choice(vocabulary)]
    return "".join(words)


def contiguous(text: str, similarity: float, vocabulary: list[str], pick: random.Random) -> str:
    """One run of words replaced, put in or left out, so long that the Jaccard similarity comes near to what is asked."""
    words = WORD.findall(text)
    shingles, edit = len(words) - 4, pick.choice(("replace", "insert", "delete"))
    share = {"replace": (1 - similarity) / (1 + similarity), "insert": (1 - similarity) / similarity, "delete": 1 - similarity}[edit]
    length = max(1, round(shingles * share) - 4)
    place = pick.randrange(len(words) - (0 if edit == "insert" else min(length, len(words) - 1)))
    words[place : place + (0 if edit == "insert" else length)] = [] if edit == "delete" else pick.choices(vocabulary, k=length)
    return "".join(words)


def noisy(text: str, rate: float, pick: random.Random) -> str:
    """The text with OCR errors in this share of its characters. A character that is not in the list is lost, parted from the next, or another of the text."""
    out, at = [], 0
    while at < len(text):
        pair = text[at : at + 2]
        seen = pair if pair in CONFUSED else text[at]
        if pick.random() >= rate:
            seen = text[at]
            out.append(seen)
        elif seen in CONFUSED:
            out.append(pick.choice(CONFUSED[seen]))
        else:
            out.append(pick.choice(("", seen + " ", text[pick.randrange(len(text))])))
        at += len(seen)
    return "".join(out)


def contained(text: str, share: float, around: str, pick: random.Random) -> str:
    """A longer text that holds about this share of the text's shingles: `around` cut in two, the text between, its end or its beginning left out."""
    words, other = WORD.findall(text), WORD.findall(around)
    gone, cut = round(len(words) * (1 - share)), pick.randrange(len(other) + 1)
    held = words[gone:] if pick.random() < 0.5 else words[: len(words) - gone]
    return "".join((*other[:cut], "\n", *held, "\n", *other[cut:]))
