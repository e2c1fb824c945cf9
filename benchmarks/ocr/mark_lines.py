"""What the network that finds quotation marks is trained on: lines of text with marks put around some words, as strips, and windows of them with their classes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.ocr.degrade import DEGRADATIONS, degrade
from benchmarks.ocr.render import ALIKE, CYRILLIC, FOLDER, LATIN
from curation.extractors.ocr.strips import CLASSES, LETTERS, WIDTH, X_HEIGHT, PageImage, Weights, mark_scores
from curation.text.transliteration import to_cyrillic

LINES = 10
LEFT, TOP = 60, 30
"""Pixels of the margins."""
PAIRS = (("«", "»"),) * 6 + (("“", "”"),) * 2 + (("„", "“"), ("„", "”"), ('"', '"'))
NEAR = 5
"""Columns from the middle of a mark within which a window is neither an example of it nor of anything else."""
FEW = 2
"""Letters of one kind of one line that are taken as examples: there are many more of them than marks."""
SIGNS = (
    *("<", ">", "<<", ">>", "≤", "≥", "-", "%", "*", "(", ")", "[", "]", "/", "x", "×", "'", "‘", ",", ",,", "''", "…"),
    *("z", "k", "К", "х", "ж", "4", "E", "t"),
)
"""Signs that might be taken for a mark."""
ALONE = ("=", "=", "+", "+", "–", "—", "–", "№")
BEHIND = (";", ";", ";", ":", ":", "’", "’ın", "’da", "+1", "=2", "–3", ",", ".")
FORMULAS = ("y = {}x + {}", "{}x – {}y = {}", "({}; {})", "a + b = {}", "x={}+{}", "{}+{}={}", "{}:{}", "{} : {} = {}", "[{}; {}]")


def usable_fonts() -> dict[str, list[Path]]:
    """Font files that have the letters of a script and all marks."""
    found: dict[str, list[Path]] = {"Latn": [], "Cyrl": []}
    for path in sorted(p for p in FOLDER.rglob("*") if p.suffix in (".ttf", ".otf")):
        face = ImageFont.truetype(str(path), 40, layout_engine=ImageFont.Layout.BASIC)
        missing = bytes(face.getmask("\uffff"))

        def has(letters: str, face: ImageFont.FreeTypeFont = face, missing: bytes = missing) -> bool:
            return all(bytes(face.getmask(c)) not in (missing, b"") for c in letters)

        if has("«»“”„"):
            if has(LATIN) or has(LATIN.translate(ALIKE)):
                found["Latn"].append(path)
            if has(CYRILLIC):
                found["Cyrl"].append(path)
    return found


def line_text(words: list[str], pick: random.Random) -> str:
    """Words with marks around some runs of them, with endings and signs behind as in print, and things that look alike in between."""
    out: list[str] = []
    at = 0
    while at < len(words):
        draw = pick.random()
        if draw < 0.22:
            size = pick.choice((1, 1, 2, 3))
            run = " ".join(words[at : at + size]).strip('«»“”„".,;:!?')
            opening, closing = pick.choice(PAIRS)
            tail = pick.choice(("", "", "", "", ".", ",", ";", "?", "nın", "da", "ın", "-dən", ")", "!", ":"))
            gap = pick.choice(("",) * 12 + (" ",))
            out.append(f"{pick.choice(('', '', '', '', '', '('))}{opening}{gap}{run}{gap}{closing}{tail}")
            at += size
        elif draw < 0.27:
            out.append(pick.choice(SIGNS) + pick.choice(("", words[at])))
            at += 1
        elif draw < 0.32:
            out.append(pick.choice(ALONE))
        elif draw < 0.42:
            out.append(words[at].rstrip(".,;:") + pick.choice(BEHIND))
            at += 1
        elif draw < 0.45:
            form = pick.choice(FORMULAS)
            out.append(form.format(*(pick.choice(("", "", "–")) + str(pick.randrange(1, 50)) for _ in range(form.count("{}")))))
        else:
            out.append(words[at])
            at += 1
    return " ".join(out)


class Sample(NamedTuple):
    """A spoilt page."""

    strips: list[np.ndarray]
    marks: list[tuple[int, float, int]]
    """Where the marks are: strip, column, class."""


def sample(texts: list[str], fonts: dict[str, list[Path]], seed: int) -> Sample:
    """A page of `LINES` lines: drawn, spoilt and cut to strips as `marks` will cut them, a little off as Tesseract's lines are."""
    pick = random.Random(seed)  # noqa: S311
    script = "Cyrl" if pick.random() < 0.3 else "Latn"
    path = pick.choice(fonts[script])
    size = pick.choice((8, 9, 10, 11, 12, 14, 16))
    pixels = round(size * 300 / 72)
    face = ImageFont.truetype(str(path), pixels, layout_engine=ImageFont.Layout.BASIC)
    leading = round(pixels * pick.uniform(1.1, 1.5))
    rows = _rows(texts, face, script, pick)
    width = 2 * LEFT + round(max(face.getlength(row) for row in rows))
    image = Image.new("L", (width, 2 * TOP + leading * (LINES + 1)), 255)
    draw = ImageDraw.Draw(image)
    for number, row in enumerate(rows):
        draw.text((LEFT, TOP + number * leading), row, 0, face)
    name = pick.choice([name for name in DEGRADATIONS if name not in ("skew", "mixed")])
    level = pick.choice((0, 1, 1, 2, 2, 2, 3, 3, 4))
    image = degrade(image, name, level, size, seed)
    if pick.random() < 0.25:
        image = degrade(image, pick.choice(("noise", "jpeg", "uneven light", "blur")), 1, size, seed + 1)
    return _strips(np.asarray(image), rows, face, leading, pick)


def _rows(texts: list[str], face: ImageFont.FreeTypeFont, script: str, pick: random.Random) -> list[str]:
    """Lines in letters that the font has."""
    missing = bytes(face.getmask("\uffff"))
    alike = bytes(face.getmask("ə")) in (missing, b"")
    rows = []
    for _ in range(LINES):
        words = pick.choice(texts).split()
        begin = pick.randrange(max(len(words) - 8, 1))
        line = line_text(words[begin : begin + 10], pick)
        line = to_cyrillic(line) if script == "Cyrl" else line.translate(ALIKE) if alike else line
        rows.append("".join(c for c in line if bytes(face.getmask(c)) != missing or c == " "))
    return rows


def _strips(page: np.ndarray, rows: list[str], face: ImageFont.FreeTypeFont, leading: int, pick: random.Random) -> Sample:
    top, bottom = face.getbbox("x", anchor="ls")[1::2]
    x_height = float(bottom - top)
    image, width = PageImage(page), page.shape[1]
    strips, marks = [], []
    for number, row in enumerate(rows):
        wrong = pick.uniform(0.86, 1.16)
        slope = pick.gauss(0, 0.003)
        base = TOP + number * leading + face.getmetrics()[0] + pick.gauss(0, 0.05) * x_height - slope * width / 2
        strips.append(image.strip(0, width, base, slope, x_height * wrong))
        marks += [(number, x / (x_height * wrong / X_HEIGHT), kind) for x, kind in _marks(row, face)]
    return Sample(strips, marks)


def _marks(row: str, face: ImageFont.FreeTypeFont) -> Iterator[tuple[float, int]]:
    """The middle of each mark on the page, and its class."""
    for place, letter in enumerate(row):
        if letter.lower() in CLASSES[1:]:
            left, _, right, _ = face.getbbox(letter)
            yield LEFT + face.getlength(row[:place]) + (left + right) / 2, CLASSES.index(letter.lower())


def examples(found: Sample, pick: random.Random, weights: Weights | None) -> tuple[list[np.ndarray], list[int]]:
    """Windows as bytes, and their classes: each mark at jittered places, and as many windows without one; once there are weights, those that are wrong."""
    windows, kinds = [], []
    for number, strip in enumerate(found.strips):
        marks = [(x, kind) for row, x, kind in found.marks if row == number]
        width = strip.shape[1]

        def cut(left: int, kind: int, strip: np.ndarray = strip, width: int = width) -> None:
            if 0 <= left <= width - WIDTH:
                windows.append(np.round(strip[:, left : left + WIDTH] * 200).astype(np.uint8))
                kinds.append(kind)

        chosen = [mark for mark in marks if mark[1] < LETTERS]
        for letter in range(LETTERS, len(CLASSES)):
            some = [mark for mark in marks if mark[1] == letter]
            chosen += pick.sample(some, min(FEW, len(some)))
        for x, kind in chosen:
            for _ in range(3 if kind < LETTERS else 2):
                cut(round(x - WIDTH / 2 + pick.uniform(-2, 2)), kind)
            for _ in range(3 if kind < LETTERS else 1):
                left = round(x - WIDTH / 2 + pick.choice((-1, 1)) * pick.uniform(NEAR + 1, 14))
                cut(left, 0 if _clear(left + WIDTH / 2, marks) else -1)
        for _ in range(10):
            left = pick.randrange(max(width - WIDTH, 1))
            cut(left, 0 if _clear(left + WIDTH / 2, marks) else -1)
        if weights is not None:
            scores = mark_scores(strip, weights)
            for place in np.flatnonzero(scores[:, 1:].max(axis=1) > 0.2):
                middle = WIDTH / 2 + 2 * place
                if _clear(middle, marks):
                    cut(2 * int(place), 0)
        # a window of the class "none" that has a mark near its middle is none of both
        for at in range(len(windows) - 1, -1, -1):
            if kinds[at] == -1:
                del windows[at], kinds[at]
    return windows, kinds


def _clear(x: float, marks: list[tuple[float, int]]) -> bool:
    return all(abs(other - x) > NEAR for other, _ in marks)
