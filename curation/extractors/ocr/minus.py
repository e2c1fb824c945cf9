"""The minus: Tesseract knows none and reads a hyphen or a dash, which are other signs."""

from __future__ import annotations

from curation.extractors.ocr.hocr import ReadLine, ReadWord
from curation.extractors.ocr.signs import formula_runs

DASHES, MINUS = "-–—", "−"
BEFORE = "(=;:,+*/"
"""What a number with a sign follows. Between two numbers without an equation a dash is a range: 12-15."""


def with_minus(line: ReadLine) -> ReadLine:
    """The line with minus signs in its formulas: before a number that begins, and between the terms of an equation."""
    words = list(line.words)
    for start, end in formula_runs(line):
        equation = any("=" in word.text for word in words[start:end])
        for place in range(start, end):
            before = words[place - 1].text[-1:] if place > start else ""
            words[place] = _signed(words[place], before, equation)
    return line._replace(words=tuple(words))


def _signed(word: ReadWord, before: str, equation: bool) -> ReadWord:
    """`before` is the last letter of the word before."""
    text = word.text
    if text in DASHES:
        return word._replace(glyphs=tuple(glyph._replace(text=MINUS) for glyph in word.glyphs)) if equation and before else word
    glyphs = list(word.glyphs)
    for place, glyph in enumerate(glyphs[:-1]):
        near = glyphs[place - 1].text[-1:] if place else ""
        begins = near in BEFORE if near else before in (*BEFORE, ")")
        behind = glyphs[place + 1].text[:1]
        if glyph.text in DASHES and ((behind.isdigit() and begins) or (equation and behind.isalnum() and (begins or near.isalnum()))):
            glyphs[place] = glyph._replace(text=MINUS)
    return word._replace(glyphs=tuple(glyphs))
