"""Words that Tesseract runs together: `A)20` for `A) 20`, where a space is plain to see beside a digit or sign."""

from __future__ import annotations

from curation.extractors.ocr.hocr import Glyph, ReadLine, ReadWord, around

CLOSING, OPENING, PUNCTUATION, SIGNS = ")]", "([", ",;:", "-–−+("
GAP = 0.36
"""Heights of x between two glyphs, one of them no letter, from which they are two words."""


def with_gaps(line: ReadLine) -> ReadLine:
    """The line with such words divided."""
    return line._replace(words=tuple(part for word in line.words for part in _parts(word, GAP * line.x_height)))


def _parts(word: ReadWord, gap: float) -> list[ReadWord]:
    groups: list[list[Glyph]] = []
    for glyph in word.glyphs:
        before = groups[-1][-1] if groups else None
        if before is None or (glyph.box[0] - before.box[2] >= gap and _may_part(before.text, glyph.text)):
            groups.append([glyph])
        else:
            groups[-1].append(glyph)
    return [word] if len(groups) == 1 else [ReadWord(tuple(group), around(group), word.confidence) for group in groups]


def _may_part(before: str, behind: str) -> bool:
    """A closing bracket before a letter or number, a mark of punctuation before a bracket, a semicolon before a number: nothing that stands inside words."""
    if before in CLOSING:
        return behind.isalnum() or behind in SIGNS
    return (before in PUNCTUATION and behind in OPENING) or (before == ";" and (behind.isdigit() or behind in SIGNS))
