"""Formulas read again: runs of numbers, signs and single letters, of which Tesseract's Azerbaijani models know little, by another language's model."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from curation.extractors.ocr.hocr import ReadLine, ReadWord
from curation.extractors.ocr.second import Run, read_again
from curation.extractors.ocr.signs import PROSE, formula_runs

UNSURE = 94.0
"""Confidence of a word from which down its run is read again."""
BETTER = -5.0
"""How much more confident the other model must be: it knows the signs."""


def reread_formulas(grey: np.ndarray, lines: list[ReadLine], run: Run) -> list[ReadLine]:
    """The lines with such runs as the other language reads them, where it is more confident. `run` reads a picture of lines in that language."""
    unsure = {place: runs for place, line in enumerate(lines) if (runs := list(_unsure_runs(line)))}
    if not unsure:
        return lines
    fresh = read_again(grey, [lines[place] for place in unsure], run)
    read = list(lines)
    for (place, runs), words in zip(unsure.items(), fresh, strict=True):
        own = list(lines[place].words)
        for start, end in reversed(runs):
            left, right = own[start].box[0], own[end - 1].box[2]
            other = [word for word in words if left <= (word.box[0] + word.box[2]) / 2 <= right]
            if _is_better(own[start:end], other):
                own[start:end] = other
        read[place] = lines[place]._replace(words=tuple(own))
    return read


def _unsure_runs(line: ReadLine) -> Iterator[tuple[int, int]]:
    for start, end in formula_runs(line):
        if any(word.confidence < UNSURE for word in line.words[start:end]):
            yield start, end


def _is_better(own: list[ReadWord], other: list[ReadWord]) -> bool:
    before, now = sum(len(word.glyphs) for word in own), sum(len(word.glyphs) for word in other)
    if not other or not 0.5 * before <= now <= 1.7 * before or any(PROSE.search(word.text) for word in other):
        return False
    return _confidence(other) > _confidence(own) + BETTER


def _confidence(words: list[ReadWord]) -> float:
    return sum(word.confidence * len(word.glyphs) for word in words) / sum(len(word.glyphs) for word in words)
