"""What the network that tells m from narrow letters is trained on: lines of text, spoilt, and windows of them with their classes.

In the text m and the pairs are exchanged at random places, so that the letters around a place, which a window shows too, say nothing of it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from benchmarks.ocr import degrade
from benchmarks.ocr.mark_lines import usable_fonts
from benchmarks.ocr.narrow import SETTINGS
from benchmarks.ocr.render import ALIKE, FONTS, MORE_FONTS
from curation.extractors.ocr.narrow import CLASSES, narrow_strip
from curation.extractors.ocr.strips import WIDTH, PageImage

LEFT, TOP, LINES, WORDS = 60, 30, 10, 10
"""Pixels of the margins; lines of a page, and words of a line."""
SIZES = (8, 9, 9, 10, 10, 11, 11, 12, 14)
PAIRS = CLASSES[2:]
PARTED, JOINED, OTHER = 0.5, 0.5, 0.25
"""Shares of m that become a pair, of pairs that become m, and of pairs that become another."""
NEITHER, BLURRED = 0.08, 0.4
"""Shares of other letters that give a window, and of pages that are blurred as ragged pages are before they are read."""
NEAR = 4.0
"""Columns by which a window may be off its letters."""
DAMAGES: tuple[tuple[Callable[[Image.Image, int, float, degrade.Random], Image.Image], tuple[int, ...], int], ...] = (
    (degrade.faint, (0, 1, 2), 3),
    (degrade.coarse, (1, 2), 3),
    (degrade.thick, (0, 1, 2, 3), 3),
    (degrade.broken, (1, 2, 3), 3),
    (degrade.blur, (1, 2, 3), 1),
    (degrade.noise, (1, 2, 3), 1),
    (degrade.low_resolution, (1, 2, 3), 1),
    (degrade.jpeg, (1, 2, 3), 1),
    (degrade.bleed, (1, 2), 1),
    (degrade.uneven_light, (1, 2, 3), 1),
)
"""What befalls a page, at which levels, and how often."""


class Windows(NamedTuple):
    """Windows as bytes, 200 is ink, and the place of each in `CLASSES`."""

    pixels: list[np.ndarray]
    kinds: list[int]


def faces(held_out: bool = False) -> list[Path]:
    """Fonts of letters that are not all as wide: all but those that `benchmarks.ocr.narrow` sets pages in, or those alone."""
    names = {(FONTS | MORE_FONTS)[face] for face, _ in SETTINGS.values()}
    return [path for path in usable_fonts()["Latn"] if (path.name in names) == held_out and _width(path, "m") > _width(path, "i")]


def _width(path: Path, letter: str) -> float:
    return ImageFont.truetype(str(path), 40, layout_engine=ImageFont.Layout.BASIC).getlength(letter)


def exchanged(text: str, pick: random.Random) -> str:
    """The text with a pair for some m, an m for some pairs, and other pairs for others."""
    out, at = [], 0
    while at < len(text):
        pair, draw = text[at : at + 2], pick.random()
        if text[at] == "m":
            out.append(pick.choice(PAIRS) if draw < PARTED else "m")
            at += 1
        elif pair in PAIRS:
            out.append("m" if draw < JOINED else pick.choice(PAIRS) if draw < JOINED + OTHER else pair)
            at += 2
        else:
            out.append(text[at])
            at += 1
    return "".join(out)


def sample(texts: list[str], fonts: list[Path], seed: int) -> Windows:
    """Windows of a page of `LINES` lines: drawn, spoilt, and cut a little off, as Tesseract's lines and letters are."""
    pick = random.Random(f"narrow {seed}")  # noqa: S311
    size = pick.choice(SIZES)
    pixels = round(size * 300 / 72)
    face = ImageFont.truetype(str(pick.choice(fonts)), pixels, layout_engine=ImageFont.Layout.BASIC)
    rows = [_row(pick.choice(texts), face, pick) for _ in range(LINES)]
    leading = round(pixels * pick.uniform(1.15, 1.4))
    image = Image.new("L", (2 * LEFT + round(max(map(face.getlength, rows))), 2 * TOP + leading * (LINES + 1)), 255)
    draw = ImageDraw.Draw(image)
    for number, row in enumerate(rows):
        draw.text((LEFT, TOP + number * leading), row, 0, face)
    change, levels, _ = pick.choices(DAMAGES, [share for _, _, share in DAMAGES])[0]
    image = change(image, pick.choice(levels), size / 10, np.random.default_rng(seed))
    if pick.random() < BLURRED:
        image = image.filter(ImageFilter.GaussianBlur(pick.uniform(0.5, 1.3)))
    page, found = PageImage(np.asarray(image)), Windows([], [])
    top, bottom = face.getbbox("x", anchor="ls")[1::2]
    for number, row in enumerate(rows):
        unit = (bottom - top) * pick.uniform(0.9, 1.12)
        slope = pick.gauss(0, 0.002)
        base = TOP + number * leading + face.getmetrics()[0] + pick.gauss(0, 0.05) * (bottom - top) - slope * image.width / 2
        strip, step = narrow_strip(page, 0, image.width, base, slope, unit)
        for x, kind in _places(row, face, pick):
            left = round(x / step - WIDTH / 2 + pick.uniform(-NEAR, NEAR))
            if 0 <= left <= strip.shape[1] - WIDTH:
                found.pixels.append(np.round(strip[:, left : left + WIDTH] * 200).astype(np.uint8))
                found.kinds.append(kind)
    return found


def _row(text: str, face: ImageFont.FreeTypeFont, pick: random.Random) -> str:
    """A line, in letters that the font has."""
    missing = bytes(face.getmask("\uffff"))
    words = exchanged(text, pick).split()
    begin = pick.randrange(max(len(words) - WORDS + 2, 1))
    line = " ".join(words[begin : begin + WORDS])
    line = line.translate(ALIKE) if bytes(face.getmask("ə")) in (missing, b"") else line
    return "".join(c for c in line if c == " " or bytes(face.getmask(c)) != missing)


def _places(row: str, face: ImageFont.FreeTypeFont, pick: random.Random) -> Iterator[tuple[float, int]]:
    """Where on the page windows have their middle, and their classes."""
    for at, letter in enumerate(row):
        pair = row[at : at + 2]
        kind = CLASSES.index(letter) if letter == "m" else CLASSES.index(pair) if pair in PAIRS else 0
        if not kind and not (letter.isalpha() and pick.random() < NEITHER):
            continue
        size = 1 if letter == "m" else 2 if kind else pick.choice((1, 2))
        yield LEFT + (face.getlength(row[:at]) + face.getlength(row[: at + size])) / 2, kind
