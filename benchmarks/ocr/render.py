"""Text set as a book page of 300 dpi: justified, hyphenated lines, headings, one or two columns; and what stands printed on each line."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from curation.errors import DollmaError

FONTS = {
    "Old Standard": "OldStandard-Regular.ttf",
    "Old Standard Italic": "OldStandard-Italic.ttf",
    "PT Serif": "PTF55F.ttf",
    "PT Serif Italic": "PTF56F.ttf",
    "PT Sans": "PTS55F.ttf",
    "DejaVu Serif": "DejaVuSerif.ttf",
    "DejaVu Sans Condensed": "DejaVuSansCondensed.ttf",
    "Free Serif": "FreeSerif.ttf",
    "Free Sans": "FreeSans.ttf",
    "Linux Libertine": "LinLibertine_R.otf",
    "Linux Libertine Bold": "LinLibertine_RB.otf",
}
MORE_FONTS = {"Computer Modern": "cmunrm.ttf", "Computer Modern Italic": "cmunti.ttf"}
"""Not among those that pages are drawn with by lot: what is drawn with a seed stays."""
FOLDER = Path("/usr/share/fonts")
PACKAGES = "fonts-oldstandard fonts-paratype fonts-dejavu-core fonts-dejavu-extra fonts-freefont-ttf fonts-linuxlibertine fonts-cmu"
LATIN, CYRILLIC = "əƏıİğĞşŞçÇöÖüÜ«»“”№", "әӘһҺҹҸҝҜғҒөӨүҮјЈы«»"
"""Letters that a font must have to be used for a script."""
ALIKE, ALIKE_BACK = str.maketrans("əƏ", "әӘ"), str.maketrans("әӘ", "əƏ")
"""Drawn for the Latin letters by a font that has the Cyrillic ones alone (PT): they look alike."""
DPI = 300
VOWELS = "aeəıioöuüаеәыиоөуүэюя"
MARGIN = 90
_LETTERS = re.compile(r"[^\W\d_]{5,}")


class Style(NamedTuple):
    """How a page is set. `size` in points; `measure` is the width of a column in ems of half the size: about its characters."""

    font: str
    size: float
    columns: int
    measure: int


class Printed(NamedTuple):
    """A page image (grey, 300 dpi), and its printed lines in reading order with "" between paragraphs, one every `pitch` pixels, `per` lines a column."""

    image: Image.Image
    lines: tuple[str, ...]
    gutter: int
    """Where the second column begins; 0 without one."""
    pitch: int
    per: int


@lru_cache(maxsize=64)
def font(name: str, pixels: int) -> ImageFont.FreeTypeFont:
    """A font of `FONTS` or `MORE_FONTS`. Raises DollmaError where it isn't installed."""
    file = FONTS[name] if name in FONTS else MORE_FONTS[name]
    found = sorted(FOLDER.rglob(file))
    if not found:
        raise DollmaError(f"no font {file} below {FOLDER}: apt-get install {PACKAGES}")
    return ImageFont.truetype(str(found[0]), pixels, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=64)
def has(name: str, characters: str) -> bool:
    """Whether the font draws each of these differently from what it draws for a character that no font has."""
    face = font(name, 40)
    missing = bytes(face.getmask("\uffff"))
    return all(bytes(face.getmask(c)) not in (missing, b"") for c in characters)


def drawn(name: str, text: str) -> str:
    """What is drawn for the text: ə as the Cyrillic letter where the font has no other."""
    return text if has(name, "əƏ") else text.translate(ALIKE)


def fonts(script: str) -> list[str]:
    """The fonts that have the letters of Azerbaijani in this script (Latn, Cyrl)."""
    return [name for name in FONTS if has(name, drawn(name, LATIN) if script == "Latn" else CYRILLIC)]


def hyphenations(word: str) -> list[int]:
    """Places where a word may be cut: before a consonant with a vowel behind it, two letters kept on both sides, as Azerbaijani is hyphenated."""
    found = []
    for run in _LETTERS.finditer(word):
        letters = run.group().lower()
        for at in range(2, len(letters) - 1):
            if letters[at] not in VOWELS and letters[at + 1] in VOWELS and any(c in VOWELS for c in letters[:at]):
                found.append(run.start() + at)
    return found


def broken(text: str, face: ImageFont.FreeTypeFont, width: int, indent: int) -> list[list[str]]:
    """The words of each line of a paragraph, as many as fit into `width` pixels; the first line has `indent` pixels less."""
    space = face.getlength(" ")
    lines: list[list[str]] = [[]]
    left = float(width - indent)
    for word in text.split():
        while True:
            need = face.getlength(word) + (space if lines[-1] else 0)
            if need <= left:
                lines[-1].append(word)
                left -= need
                break
            room = left - (space if lines[-1] else 0)
            cuts = [at for at in hyphenations(word) if face.getlength(word[:at] + "-") <= room]
            if cuts:
                lines[-1].append(word[: cuts[-1]] + "-")
                word = word[cuts[-1] :]  # noqa: PLW2901
            elif not lines[-1]:
                lines[-1].append(word)
                break
            lines.append([])
            left = float(width)
    return lines


def render(paragraphs: tuple[str, ...], style: Style) -> Printed:
    """Set a page just long enough for its text. A paragraph of at most eight words without a stop at its end is a heading: larger, in the middle."""
    pixels = round(style.size * DPI / 72)
    face, large = font(style.font, pixels), font(style.font, round(pixels * 1.2))
    width, leading = style.measure * pixels // 2, round(pixels * 1.25)
    rows: list[tuple[list[str], ImageFont.FreeTypeFont, str]] = []
    for text in (drawn(style.font, text) for text in paragraphs):
        heading = len(text.split()) <= 8 and text[-1] not in ".:;,!?"
        set_in = large if heading else face
        lines = broken(text, set_in, width, 0 if heading else pixels)
        for number, line in enumerate(lines):
            rows.append((line, set_in, "middle" if heading else "last" if number == len(lines) - 1 else "first" if number == 0 else "full"))
            if heading is False and number == 0 and len(lines) == 1:
                rows[-1] = (line, set_in, "only")
        rows.append(([], face, ""))
    per = -(-len(rows) // style.columns)
    gap = 2 * pixels
    image = Image.new("L", (2 * MARGIN + style.columns * width + (style.columns - 1) * gap, 2 * MARGIN + per * leading), 255)
    draw = ImageDraw.Draw(image)
    for number, (words, set_in, place) in enumerate(rows):
        column, row = divmod(number, per)
        _line(draw, words, set_in, place, MARGIN + column * (width + gap), MARGIN + row * leading, width, pixels)
    printed = [" ".join(words) for words, _, _ in rows[:-1]]
    if not re.search("[а-я]", "".join(paragraphs)):
        printed = [line.translate(ALIKE_BACK) for line in printed]
    return Printed(image, tuple(printed), MARGIN + width + gap // 2 if style.columns > 1 else 0, leading, per)


def _line(
    draw: ImageDraw.ImageDraw, words: list[str], face: ImageFont.FreeTypeFont, place: str, x: float, y: int, width: int, indent: int
) -> None:
    if not words:
        return
    space, own = face.getlength(" "), sum(face.getlength(word) for word in words)
    if place in ("first", "only"):
        x, width = x + indent, width - indent
    if place == "middle":
        x += (width - own - space * (len(words) - 1)) / 2
    if place in ("first", "full") and len(words) > 1:
        space = (width - own) / (len(words) - 1)
    for word in words:
        draw.text((round(x), y), word, 0, face)
        x += face.getlength(word) + space
