"""A second reading: lines of a page, cut out and set under each other as one picture, read by one more run of Tesseract."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from curation.extractors.ocr.hocr import Box, Glyph, ReadLine, ReadWord

BORDER, TALLEST = 20, 30_000
"""Pixels of paper around the picture, and rows that it may have: lines beyond them, which only a page read as garbage has, are not read again."""
ABOVE, BELOW, BESIDE = 2.0, 0.8, 1.0
"""Heights of x that are cut out above the base line, below it, and at the sides."""

Run = Callable[[np.ndarray], list[ReadLine]]
"""Tesseract on a picture of lines (page segmentation mode 6)."""


class _Place(NamedTuple):
    top: int
    bottom: int
    left: int
    """Where the line is on the page."""
    at: int
    """Row of the picture where it begins."""


def read_again(grey: np.ndarray, lines: Sequence[ReadLine], run: Run) -> list[tuple[ReadWord, ...]]:
    """For each of these lines the words that are read now, left to right, with boxes on the page."""
    paper = int(np.percentile(grey, 90))
    places, cuts = [], []
    at = 0
    for line in lines:
        place = _place(line, grey.shape, at)
        if at + place.bottom - place.top > TALLEST:
            break
        cut = grey[place.top : place.bottom, place.left : min(int(line.box[2] + BESIDE * line.x_height), grey.shape[1])]
        places.append(place)
        cuts.append(cut)
        at += cut.shape[0] + min(int(line.x_height), cut.shape[0])
    border = BORDER
    if not cuts:
        return [() for _ in lines]
    picture = np.full((at + 2 * border, max(cut.shape[1] for cut in cuts) + 2 * border), paper, np.uint8)
    for place, cut in zip(places, cuts, strict=True):
        picture[border + place.at : border + place.at + cut.shape[0], border : border + cut.shape[1]] = cut
    found: list[list[ReadWord]] = [[] for _ in lines]
    for line in run(picture):
        for word in line.words:
            middle = (word.box[1] + word.box[3]) / 2 - border
            for place, cut, words in zip(places, cuts, found, strict=False):
                if place.at <= middle < place.at + cut.shape[0]:
                    words.append(_moved(word, place.left - border, place.top - place.at - border))
    return [tuple(sorted(words, key=lambda word: word.box[0])) for words in found]


def _place(line: ReadLine, shape: tuple[int, ...], at: int) -> _Place:
    ends = [line.base(line.box[0]), line.base(line.box[2])]
    top = max(int(min(ends) - ABOVE * line.x_height), 0)
    bottom = min(int(max(ends) + BELOW * line.x_height), shape[0])
    return _Place(top, max(bottom, top + 1), max(int(line.box[0] - BESIDE * line.x_height), 0), at)


def _moved(word: ReadWord, x: float, y: float) -> ReadWord:
    def moved(box: Box) -> Box:
        return box[0] + x, box[1] + y, box[2] + x, box[3] + y

    return ReadWord(tuple(Glyph(g.text, moved(g.box), g.confidence) for g in word.glyphs), moved(word.box), word.confidence)
