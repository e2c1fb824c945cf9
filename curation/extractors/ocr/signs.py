"""Signs and letters that Tesseract's Azerbaijani models don't know, put in the place of what they read instead.

`aze` has no ; and no ’, reads – as -, and = and + as letters and digits; `aze_cyrl` takes ү for у, ө for ә, ғ for г and ч for ҹ and back. The network
of `strips` tells these apart from their shape; it is believed only where Tesseract read what it is known to read in such a place. On 48 pages of the bench's
training set, clean to heavily degraded, the letters take 35 % of all errors from the Cyrillic ones, and ; and ’ 0.6 % from the Latin ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby

from curation.extractors.ocr.hocr import Glyph, ReadLine, ReadWord, around
from curation.extractors.ocr.spots import Spot

SURE = 0.9
"""Probability from which a sign is believed."""
SURE_FORMULA = 0.8
"""The same inside a formula, where signs are more frequent."""
SURE_LETTER = 0.5
"""Probability from which a letter is believed."""
NEAR, NEAR_LETTER = 0.6, 0.3
"""Heights of x between the middle of a sign, or a letter, and that of the glyph that it replaces."""
READ_AS = {
    "’": "”“\"'‘`",
    ";": ",:.",
    "=": "zkesc-–—“”5",
    "+": "4-–—tEFş#*",
    "–": "-",
    "—": "-–",
    "ү": "уӱи",
    "у": "ү",
    "ө": "әео",
    "ә": "өе",
    "ғ": "геср",
    "г": "ғ",
    "ч": "ҹн",
    "ҹ": "чј",
}
"""What Tesseract reads for each sign and letter."""
DASHES = "–—"
FORMULA, OPERATORS, BRACKETS = ";:=+", "=+", "()[]{}"
APART = 0.12
"""Gap on both sides of an operator, in heights of x, from which it is set apart."""
PROSE = re.compile(r"[^\W\d_]{3,}")
"""What no formula holds: three letters."""


def with_signs(line: ReadLine, spots: Iterable[Spot]) -> ReadLine:
    """The line with these signs and letters, where what was read in their places may stand for them."""
    words = list(line.words)
    for spot in spots:
        if spot.text in READ_AS and spot.probability >= (SURE_LETTER if spot.text.isalpha() else SURE):
            near = (NEAR_LETTER if spot.text.isalpha() else NEAR) * line.x_height
            words = [_replaced(word, spot, near) for word in words]
    return line._replace(words=tuple(words))


def with_formula_signs(line: ReadLine, spots: Sequence[Spot]) -> ReadLine:
    """The line with the signs that stand in its runs of numbers, signs and single letters, where Tesseract's own glyphs are seldom in the right places."""
    signs = [spot for spot in spots if spot.text in FORMULA and spot.probability >= SURE_FORMULA]
    if not signs:
        return line
    words = list(line.words)
    for start, end in reversed(formula_runs(line)):
        left, right = words[start].box[0], words[end - 1].box[2]
        inside = [spot for spot in signs if left <= spot.x <= right]
        run = words[start:end]
        for spot in inside:
            run = _with_sign(run, spot, line.x_height)
        words[start:end] = run
    return line._replace(words=tuple(words))


def formula_runs(line: ReadLine) -> list[tuple[int, int]]:
    """First and end of each run of words that are no prose and hold a sign."""
    runs, start = [], 0
    for end in range(len(line.words) + 1):
        if end == len(line.words) or PROSE.search(line.words[end].text):
            if any(not c.isalnum() for word in line.words[start:end] for c in word.text):
                runs.append((start, end))
            start = end + 1
    return runs


def _with_sign(words: list[ReadWord], spot: Spot, unit: float) -> list[ReadWord]:
    """The words of a run with this sign: in the place of the glyphs read there that may be it, or between two glyphs; a space on both sides of an operator
    that stands apart."""
    glyphs = [(glyph, w) for w, word in enumerate(words) for glyph in word.glyphs]
    near = [
        at
        for at, (glyph, _) in enumerate(glyphs)
        if abs((glyph.box[0] + glyph.box[2]) / 2 - spot.x) <= 0.5 * unit
        and (glyph.text == spot.text or glyph.text in READ_AS.get(spot.text, "") or not (glyph.text.isalnum() or glyph.text in BRACKETS))
    ]
    if spot.text in DASHES:
        return words
    sign = Glyph(spot.text, (spot.left, words[0].box[1], spot.right, words[0].box[3]), 100 * spot.probability)
    at = near[0] if near else sum((glyph.box[0] + glyph.box[2]) / 2 < spot.x for glyph, _ in glyphs)
    behind = near[-1] + 1 if near else at
    parts = [_gathered(glyphs[:at], words), _gathered(glyphs[behind:], words)]
    confidence = min(word.confidence for word in words)
    before, after = parts
    apart = spot.text in OPERATORS and _gap(before, after, spot) > APART * unit
    own = [ReadWord((sign,), sign.box, confidence)]
    if apart:
        return [*before, *own, *after]
    if before and spot.left - before[-1].box[2] < 0.5 * unit:
        own = [_joined(before.pop(), own[0])]
    if after and spot.text in OPERATORS and after[0].box[0] - spot.right < 0.5 * unit:
        own = [_joined(own[0], after.pop(0))]
    return [*before, *own, *after]


def _gap(before: list[ReadWord], after: list[ReadWord], spot: Spot) -> float:
    left = spot.left - before[-1].box[2] if before else float("inf")
    right = after[0].box[0] - spot.right if after else float("inf")
    return max(min(left, right), 0.0)


def _gathered(glyphs: list[tuple[Glyph, int]], words: list[ReadWord]) -> list[ReadWord]:
    """Glyphs as the words that they were in."""
    made = []
    for w, group in groupby(glyphs, key=lambda pair: pair[1]):
        own = tuple(glyph for glyph, _ in group)
        made.append(ReadWord(own, around(own), words[w].confidence))
    return made


def _joined(one: ReadWord, other: ReadWord) -> ReadWord:
    glyphs = (*one.glyphs, *other.glyphs)
    return ReadWord(glyphs, around(glyphs), min(one.confidence, other.confidence))


def _replaced(word: ReadWord, spot: Spot, near: float) -> ReadWord:
    if not word.box[0] - near <= spot.x <= word.box[2] + near:
        return word
    if spot.text in DASHES and len(word.glyphs) > 1:
        return word  # a hyphen
    return word._replace(glyphs=tuple(_read(glyph, spot, near) for glyph in word.glyphs))


def _read(glyph: Glyph, spot: Spot, near: float) -> Glyph:
    middle = (glyph.box[0] + glyph.box[2]) / 2
    if abs(middle - spot.x) > near or glyph.text.lower() not in READ_AS[spot.text]:
        return glyph
    return glyph._replace(text=spot.text.upper() if glyph.text.isupper() else spot.text)
