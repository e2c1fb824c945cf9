"""How far a reading of a page is from its truth: characters, words, guillemets, rn/m; and how well an estimate follows the true error rate.

Reading order is no error: a page is compared as one flow of text, column after column, with words that were hyphenated at a line's end put together on both
sides by the same blind rule, so that neither layout nor hyphenation enters the figures.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import cos, radians, sin
from typing import Any, NamedTuple

import numba as nb
import numpy as np

from benchmarks.ocr.render import MARGIN
from curation.extractors.page import Line, Page, Word

MARKS = "«»“”„\"'’‘‹›"
_HYPHEN = re.compile(r"(?<=\w)[-¬]\n(?=\w)")


class Alignment(NamedTuple):
    """Edits of a shortest way from truth to reading (insertions, deletions, substitutions cost 1) and the pairs of places that stand for each other."""

    distance: int
    pairs: list[tuple[int, int]]
    """(place in the truth, place in the reading), both ascending; -1 where the other side has nothing."""


@nb.njit(cache=True)
def _distance(a, b):  # type: ignore[no-untyped-def]
    row = np.arange(len(b) + 1)
    for i in range(len(a)):
        before, row[0] = row[0], i + 1
        for j in range(len(b)):
            cost = before + (a[i] != b[j])
            before = row[j + 1]
            row[j + 1] = min(cost, before + 1, row[j] + 1)
    return row[len(b)]


@nb.njit(cache=True)
def _table(a, b):  # type: ignore[no-untyped-def]
    table = np.empty((len(a) + 1, len(b) + 1), np.int32)
    table[:, 0] = np.arange(len(a) + 1)
    table[0] = np.arange(len(b) + 1)
    for i in range(len(a)):
        for j in range(len(b)):
            table[i + 1, j + 1] = min(table[i, j] + (a[i] != b[j]), table[i, j + 1] + 1, table[i + 1, j] + 1)
    return table


def _points(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le"), np.uint32)


def edits(truth: str, reading: str) -> int:
    """Levenshtein distance in code points."""
    return int(_distance(_points(truth), _points(reading)))


def aligned(truth: str, reading: str) -> Alignment:
    """A shortest way from truth to reading; where several are as short, substitutions stand as late as they can."""
    a, b = _points(truth), _points(reading)
    table = _table(a, b)
    i, j, pairs = len(a), len(b), []
    while i or j:
        here = table[i, j]
        if i and j and here == table[i - 1, j - 1] + (a[i - 1] != b[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif i and here == table[i - 1, j] + 1:
            i -= 1
            pairs.append((i, -1))
        else:
            j -= 1
            pairs.append((-1, j))
    return Alignment(int(table[-1, -1]), pairs[::-1])


def word_edits(truth: Sequence[str], reading: Sequence[str]) -> int:
    """Levenshtein distance in words."""
    numbers: dict[str, int] = {}
    a, b = (np.array([numbers.setdefault(word, len(numbers)) for word in words], np.uint32) for words in (truth, reading))
    return int(_distance(a, b))


def flow(lines: Sequence[str]) -> str:
    """Printed lines ("" between paragraphs) as one line of text: a hyphen at a line's end goes, by the same blind rule for truth and reading."""
    return " ".join(_HYPHEN.sub("", "\n".join(line.strip() for line in lines if line.strip())).split())


def page_lines(page: Page, facts: Mapping[str, Any]) -> list[str]:
    """A page's words on the lines on which they were printed, column by column, top to bottom: what order a page is read in is the layout's matter, not ours."""
    (wide, high), turn = facts["size_px"], radians(facts["angle"])
    placed: dict[tuple[bool, int], list[tuple[float, str]]] = {}
    for word in (word for line in page.lines for word in line.words):
        dx, dy = word.x0 - page.width / 2, (word.y0 + word.y1 - page.height) / 2
        x, y = dx * cos(turn) - dy * sin(turn) + wide / 2, dx * sin(turn) + dy * cos(turn) + high / 2
        key = bool(facts["gutter"]) and x > facts["gutter"], int((y - MARGIN) // facts["pitch"])
        placed.setdefault(key, []).append((x, word.text))
    return [" ".join(text for _, text in sorted(placed[key])) for key in sorted(placed)]


def tsv_page(tsv: str) -> Page:
    """A page from Tesseract's TSV."""
    lines: dict[tuple[str, ...], list[Word]] = {}
    width = height = 0.0
    for row in tsv.splitlines()[1:]:
        level, _, block, paragraph, line, _, x, y, wide, high, confidence, *text = row.split("\t")
        if level == "1":
            width, height = float(wide), float(high)
        if level == "5" and text and text[0].strip():
            word = Word(text[0], float(x), float(y), float(x) + float(wide), float(y) + float(high), float(confidence))
            lines.setdefault((block, paragraph, line), []).append(word)
    found = tuple(Line(tuple(words), float(np.median([w.y1 - w.y0 for w in words])), int(key[0])) for key, words in lines.items())
    return Page(1, width, height, found, "ocr")
