"""Tesseract's hOCR: lines, words and letters with their boxes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import inf
from statistics import median
from typing import Any, NamedTuple

from lxml import etree

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


class Glyph(NamedTuple):
    """A letter as Tesseract read it."""

    text: str
    box: Box
    confidence: float


def around(glyphs: Sequence[Glyph]) -> Box:
    """The box around these glyphs."""
    boxes = [glyph.box for glyph in glyphs]
    return min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)


class ReadWord(NamedTuple):
    """A word as Tesseract read it."""

    glyphs: tuple[Glyph, ...]
    box: Box
    confidence: float

    @property
    def text(self) -> str:
        """Its letters."""
        return "".join(glyph.text for glyph in self.glyphs)


class ReadLine(NamedTuple):
    """A line as Tesseract read it. The base line runs from its left end at `y = box bottom + offset` and rises by `slope`."""

    words: tuple[ReadWord, ...]
    box: Box
    slope: float
    offset: float
    x_height: float
    block: int
    paragraph: int

    def base(self, x: float) -> float:
        """Height of the base line at this place."""
        return self.box[3] + self.offset + self.slope * (x - self.box[0])


TALL = 1.42
"""Height of capitals and digits in heights of x: 1.36 (DejaVu) to 1.5 (Times)."""
OFF = 1.2
"""How many times higher or lower than its glyphs say a line may be: Tesseract takes the digits of a line without small letters for small letters."""
LOW = frozenset("aceımnorsuvwxzəавгежзиклмнопстхчшъыьэюяәө")
"""Letters as high as x."""


def parse_hocr(raw: bytes) -> list[ReadLine]:
    """The lines of one page, in Tesseract's reading order; lines without words are left out. Raises ValueError for what is no hOCR."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
    try:
        root = etree.fromstring(raw, parser)
    except etree.XMLSyntaxError as error:
        raise ValueError(f"no hOCR: {error}") from error
    lines = []
    paragraph = 0
    for block, area in enumerate(_of_class(root, "ocr_carea")):
        for par in _of_class(area, "ocr_par"):
            paragraph += 1
            lines += [line for span in par if (line := _line(span, block, paragraph)).words]
    return lines


def _of_class(node: Any, name: str) -> Any:
    return node.xpath(f".//*[@class='{name}']")


def _line(span: Any, block: int, paragraph: int) -> ReadLine:
    title = span.get("title", "")
    words = _apart([word for node in _of_class(span, "ocrx_word") if (word := _word(node)).text.strip()])
    slope, offset = _numbers(title, "baseline", 2) or (0.0, 0.0)
    size = _numbers(title, "x_size", 1) or (0.0,)
    ends = (_numbers(title, "x_ascenders", 1) or (0.0,))[0] + (_numbers(title, "x_descenders", 1) or (0.0,))[0]
    return ReadLine(words, _box(title, "bbox"), slope, offset, _x_height(words, size[0] - ends), block, paragraph)


def _apart(words: Sequence[ReadWord]) -> tuple[ReadWord, ...]:
    """The words of a line, none of which reaches beyond where the next begins. In one of 57 lines (274 rendered pages) Tesseract gives a word's last letter a box
    that ends with the line: such a word would lie over those behind it, and whatever orders words by their boxes would take them apart."""
    found: list[ReadWord] = []
    end = inf
    for word in reversed(words):
        kept = word if word.box[2] <= end or word.box[0] >= end else _cut(word, end)
        found.append(kept)
        end = min(end, kept.box[0])
    return tuple(reversed(found))


def _cut(word: ReadWord, end: float) -> ReadWord:
    """The word with nothing to the right of this place."""
    left, top, right, bottom = zip(*[glyph.box for glyph in word.glyphs], strict=True)
    boxes = zip((min(x, end) for x in left), top, (min(x, end) for x in right), bottom, strict=True)
    glyphs = tuple(glyph._replace(box=box) for glyph, box in zip(word.glyphs, boxes, strict=True))
    return ReadWord(glyphs, (word.box[0], word.box[1], end, word.box[3]), word.confidence)


def _x_height(words: tuple[ReadWord, ...], told: float) -> float:
    """Tesseract's height of an x, or that which letters and digits have where the two are far apart."""
    heights = []
    for glyph in (glyph for word in words for glyph in word.glyphs):
        if glyph.text in LOW:
            heights.append(glyph.box[3] - glyph.box[1])
        elif glyph.text.isdigit() or glyph.text.isupper():
            heights.append((glyph.box[3] - glyph.box[1]) / TALL)
    seen = median(heights) if heights else told
    return told if seen / OFF <= told <= seen * OFF else seen


def _word(node: Any) -> ReadWord:
    title = node.get("title", "")
    glyphs = []
    for info in _of_class(node, "ocrx_cinfo"):
        about = info.get("title", "")
        glyphs.append(Glyph("".join(info.itertext()), _box(about, "x_bboxes"), (_numbers(about, "x_conf", 1) or (0.0,))[0]))
    return ReadWord(tuple(glyphs), _box(title, "bbox"), (_numbers(title, "x_wconf", 1) or (0.0,))[0])


def _box(title: str, key: str) -> Box:
    x0, y0, x1, y1 = _numbers(title, key, 4) or (0.0, 0.0, 0.0, 0.0)
    return x0, y0, x1, y1


def _numbers(title: str, key: str, count: int) -> tuple[float, ...] | None:
    found = re.search(rf"\b{key}((?: -?[\d.]+(?:e[-+]?\d+)?){{{count}}})", title)
    return tuple(float(number) for number in found.group(1).split()) if found else None
