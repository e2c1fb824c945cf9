"""Quotation marks put back: what stands on the page, where Tesseract's Azerbaijani models read a letter.

The models `aze` and `aze_cyrl` don't know « and »: they read x, c, s, e, ə, ?, : or nothing, and take the signs and letters beside them for others. A small network
(`strips`) looks for marks along each line. The marks that it finds are painted over, the lines with marks read again, and the marks put between the letters.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher
from itertools import pairwise

import numpy as np

from curation.extractors.ocr.hocr import Glyph, ReadLine, ReadWord, around
from curation.extractors.ocr.second import Run, read_again
from curation.extractors.ocr.signs import with_formula_signs, with_signs
from curation.extractors.ocr.spots import Spot, find_spots, ink_rows, with_x_height
from curation.extractors.ocr.strips import PageImage, load_weights

QUOTES = frozenset("«»“”„")
"""Marks that disturb the reading of the letters beside them."""
SURE = 0.8
"""Probability from which a mark is taken."""
ALONE = 0.99
"""The same for « with no » after it, and » with no « before it."""
ALIKE = 0.6
"""Least likeness (2 matches / letters of both) of a first and a second reading."""
LINES = 6
"""Lines over which a quotation may go on for its marks to support each other."""
SPACE = 0.36
"""Gap, in heights of x, from which a mark stands apart from the next letter."""


def restore_marks(grey: np.ndarray, lines: list[ReadLine], run: Run) -> list[ReadLine]:
    """The lines with the marks, signs and letters that stand on the page; `run` reads the letters of lines with marks again."""
    page, weights = PageImage(grey), load_weights()
    lines = [with_x_height(page, line) for line in lines]
    spots = [list(find_spots(page, line, weights)) for line in lines]
    marks = {}
    for place, (line, found) in enumerate(zip(lines, _believed(spots), strict=True)):
        if any(not _is_read(line, mark) for mark in found):
            marks[place] = found
    restored = list(lines)
    if marks:
        painted = grey.copy()
        for place, found in marks.items():
            _paint_over(painted, lines[place], found)
        fresh = read_again(painted, [lines[place] for place in marks], run)
        for (place, found), words in zip(marks.items(), fresh, strict=True):
            restored[place] = with_marks(lines[place], found, words)
    return [with_formula_signs(with_signs(line, seen), seen) for line, seen in zip(restored, spots, strict=True)]


def _believed(spots: list[list[Spot]]) -> list[list[Spot]]:
    """The quotation marks that are believed: with one guillemet, the next one must be its partner, or it must be surer."""
    marks = [(place, spot) for place, seen in enumerate(spots) for spot in seen if spot.text in QUOTES and spot.probability >= SURE]
    guillemets = [at for at, (_, spot) in enumerate(marks) if spot.text in "«»"]
    paired = set()
    for at, then in pairwise(guillemets):
        if marks[at][1].text == "«" and marks[then][1].text == "»" and marks[then][0] - marks[at][0] <= LINES:
            paired |= {at, then}
    believed: list[list[Spot]] = [[] for _ in spots]
    for at, (place, spot) in enumerate(marks):
        if at in paired or spot.text not in "«»" or spot.probability >= ALONE:
            believed[place].append(spot)
    return believed


def _is_read(line: ReadLine, mark: Spot) -> bool:
    """Whether the mark stands in its place already."""
    return any(
        mark.left <= (glyph.box[0] + glyph.box[2]) / 2 <= mark.right and glyph.text == mark.text
        for word in line.words
        for glyph in word.glyphs
    )


def _paint_over(grey: np.ndarray, line: ReadLine, marks: Iterable[Spot]) -> None:
    for mark in marks:
        high, low = ink_rows(mark.text)
        base = line.base(mark.x)
        top, bottom = max(int(base - high * line.x_height), 0), max(int(base - low * line.x_height), 0)
        left, right = max(round(mark.left), 0), max(round(mark.right) + 1, 0)
        around = grey[top:bottom, max(left - int(line.x_height), 0) : right + int(line.x_height)]
        if around.size:
            grey[top:bottom, left:right] = np.uint8(np.percentile(around, 85))


def with_marks(line: ReadLine, marks: list[Spot], fresh: tuple[ReadWord, ...]) -> ReadLine:
    """The line with these marks; the words that they touch are those of the fresh reading."""
    words = list(line.words)
    unit = line.x_height
    while marks:
        group = [marks[0]]
        start, end = _touched(words, marks[0], unit)
        rest = marks[1:]
        while rest and _touched(words, rest[0], unit)[0] < end and start < end:
            end = max(end, _touched(words, rest[0], unit)[1])
            group.append(rest[0])
            rest = rest[1:]
        words[start:end] = _rebuilt(words[start:end], group, fresh, unit)
        marks = rest
    return line._replace(words=tuple(words))


def _touched(words: list[ReadWord], mark: Spot, unit: float) -> tuple[int, int]:
    """First and end of the words that the mark touches; both the same where it touches none."""
    near = [w for w, word in enumerate(words) if word.box[0] < mark.right + SPACE * unit and word.box[2] > mark.left - SPACE * unit]
    if near:
        return near[0], near[-1] + 1
    at = sum(word.box[0] < mark.x for word in words)
    return at, at


def _rebuilt(old: list[ReadWord], marks: list[Spot], fresh: tuple[ReadWord, ...], unit: float) -> list[ReadWord]:
    """The words that stand where the old ones and the marks are."""
    left = min([word.box[0] for word in old] + [mark.left for mark in marks])
    right = max([word.box[2] for word in old] + [mark.right for mark in marks])
    words = [word for word in fresh if left <= (word.box[0] + word.box[2]) / 2 <= right]
    if not _agree(old, words):
        words = [kept for word in old if (kept := _without(word, marks)).glyphs]
    top, bottom = (min(word.box[1] for word in old), max(word.box[3] for word in old)) if old else (0.0, 0.0)
    for mark in marks:
        glyph = Glyph(mark.text, (mark.left, top, mark.right, bottom), 100 * mark.probability)
        words = _put(words, glyph, unit)
    return words


def _agree(old: list[ReadWord], fresh: list[ReadWord]) -> bool:
    """Whether both readings have mostly the same letters: a cut-out line of a poor page can be read as anything."""
    before, now = ("".join(c for word in words for c in word.text if c.isalnum()).lower() for words in (old, fresh))
    return SequenceMatcher(None, before, now, autojunk=False).ratio() >= ALIKE


def _without(word: ReadWord, marks: list[Spot]) -> ReadWord:
    """The word without what was read in the places of the marks."""
    glyphs = tuple(g for g in word.glyphs if not any(m.left <= (g.box[0] + g.box[2]) / 2 <= m.right for m in marks))
    return word._replace(glyphs=glyphs)


def _put(words: list[ReadWord], glyph: Glyph, unit: float) -> list[ReadWord]:
    """The mark among the words: inside one, or joined to those that it touches, or alone."""
    x = (glyph.box[0] + glyph.box[2]) / 2
    for w, word in enumerate(words):
        if word.box[0] + 0.4 * unit < x < word.box[2] - 0.4 * unit:
            at = sum((own.box[0] + own.box[2]) / 2 < x for own in word.glyphs)
            return [*words[:w], _word([*word.glyphs[:at], glyph, *word.glyphs[at:]], word.confidence), *words[w + 1 :]]
    at = sum((word.box[0] + word.box[2]) / 2 < x for word in words)
    glyphs, confidence = [glyph], glyph.confidence
    start, end = at, at
    if at and glyph.box[0] - words[at - 1].box[2] < SPACE * unit:
        start -= 1
        glyphs = [*words[start].glyphs, *glyphs]
        confidence = min(confidence, words[start].confidence)
    if at < len(words) and words[at].box[0] - glyph.box[2] < SPACE * unit:
        end += 1
        glyphs = [*glyphs, *words[at].glyphs]
        confidence = min(confidence, words[at].confidence)
    return [*words[:start], _word(glyphs, confidence), *words[end:]]


def _word(glyphs: list[Glyph], confidence: float) -> ReadWord:
    return ReadWord(tuple(glyphs), around(glyphs), confidence)
