"""Which script a page is in: the one whose languages read it with more confidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from curation.extractors.ocr.hocr import ReadLine
from curation.extractors.ocr.second import read_again

SURE = 88.0
"""Mean confidence from which the first script is taken without trying another."""
SAMPLE = 6
"""Lines by which scripts are compared."""


def read_best_script(grey: np.ndarray, languages: Mapping[str, str], run: Callable[..., list[ReadLine]]) -> tuple[str, list[ReadLine]]:
    """The page read with the languages of the script that suits it best.

    The page is read with the first languages. Where Tesseract is not sure of its words, a few lines are read with the languages of the other scripts,
    and the page again with those that do better.
    """
    first, *others = languages
    lines = run(grey, languages=languages[first])
    if not others or not lines or mean_confidence(lines) >= SURE:
        return first, lines
    sample = sorted(sorted(lines, key=lambda line: line.box[0] - line.box[2])[:SAMPLE], key=lambda line: line.box[1])
    readings = {}
    for script in languages:

        def again(picture: np.ndarray, script: str = script) -> list[ReadLine]:
            return run(picture, languages=languages[script], mode=6)

        fresh = read_again(grey, sample, again)
        readings[script] = [line._replace(words=words) for line, words in zip(sample, fresh, strict=True)]
    scores = {script: mean_confidence(read) for script, read in readings.items()}
    best = max(scores, key=lambda script: scores[script])
    return best, lines if best == first else run(grey, languages=languages[best])


def mean_confidence(lines: list[ReadLine]) -> float:
    """Tesseract's confidence in its words, weighted by their letters; 0 without words."""
    scored = [(word.confidence, len(word.glyphs)) for line in lines for word in line.words]
    total = sum(size for _, size in scored)
    return sum(score * size for score, size in scored) / total if total else 0.0
