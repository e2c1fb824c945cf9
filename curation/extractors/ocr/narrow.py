"""m, and the narrow letters that Tesseract takes it for or that it takes for m: rn, nı, in.

Where another reading makes a likelier word, a small network looks at the place: it says whether the ink of a window is an m, one of the pairs, or neither. What the
pixels say and what the lexicon says of the words is weighed together, so that a name that no list holds stays, and verse whose words are in no list can be put right.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from math import log
from pathlib import Path
from typing import NamedTuple

import numpy as np

from curation.extractors.ocr.hocr import Glyph, ReadLine, ReadWord, around
from curation.extractors.ocr.strips import WIDTH, X_HEIGHT, PageImage, Weights, convolved, load_weights
from curation.text.lexicon import FOLDER, Lexicon, load_lexicon

MODEL = Path(__file__).with_name("model") / "narrow.npz"
PAIRS = ("nı", "ın", "ni", "in", "rı", "ri", "rn", "nn", "nu", "un", "ır", "ir")
"""What is taken for m, and m for."""
CLASSES = (
    *("", "m", "nı", "ın", "ni", "in", "rı", "ri", "rn", "nn", "nu", "un", "tı", "ti", "nt", "ır", "ir", "nl", "ln", "it"),
    *("ıt", "ll", "il", "li", "lı", "ıl", "ur", "ru", "tu", "ut"),
)
"""What stands in the middle of a window; "" is any other letters."""
ENLARGED, LOWERED = 14 / X_HEIGHT, 2
"""Letters are 14 pixels high, not 12 as for marks, and their line is two rows lower: no mark hangs below it, and the dot of an i stands high."""
OFFSETS = (-4, -2, 0, 2, 4)
"""Columns by which windows are off the middle of a place, which is a little wrong itself."""
WIDTHS = {
    letter: width
    for width, letters in {0.6: "iıljİIJ'’‘!|.,:;", 0.75: "tfr()[]/-", 0.95: "sşcçz", 1.8: "mwW—…", 1.9: "M"}.items()
    for letter in letters
}
NARROWER, CAPITAL = 1.1, 1.4
"""Widths of letters in heights of x, medians of a hundred faces, and of those that are not listed: small letters and digits, and capitals."""
LEXICALLY = -12.0
"""Bits by which a word may be rarer than what was read and be looked at all the same."""
BIAS, WEIGHTS = 2.75, {"new": 0.61, "old": -0.375, "gain": 0.206, "confidence": -0.053, "wide": 1.42}
"""Logistic regression over the likeliest change of each of some thousand words on 120 pages of `benchmarks.ocr.narrow`, of a quarter of the documents that neither the
network nor the lexicon used had seen: a change is right where the word comes nearer to what is printed."""
SURE = 0.0
"""Least odds, as a natural logarithm, of a change that is made: on those pages 108 words come nearer and 11 go further away, and of 113 errors with m 89 are gone."""
FLOOR, MOST_GAIN = -12.0, 18.0
"""Logarithms of probabilities below, and bits above which it makes no difference how far."""
LEXICONS = {"aze": "azj_Latn"}
"""Of Tesseract's languages, those whose words are weighed, and their lexicon."""
MOST = 3
"""Places of one word that are changed."""
_LETTERS = re.compile(r"[^\W\d_]+")


class _Change(NamedTuple):
    """Glyphs of a word that may be something else: the first and the end of them, what they were read as and what they are then, and the bits by which the
    word is more common then."""

    first: int
    end: int
    old: str
    new: str
    gain: float


def lexicon_of(languages: str) -> Lexicon | None:
    """The lexicon of the first of Tesseract's languages (`aze+eng`) that has one here; None for letters of other languages, which stay as they are."""
    return next((load_lexicon(LEXICONS[name]) for name in languages.split("+") if name in LEXICONS), None)


def lexicon_files() -> list[Path]:
    """The files of these lexicons: what is read on a page hangs on them."""
    return [path for code in LEXICONS.values() if (path := FOLDER / f"{code}.npz").is_file()]


def with_narrow_letters(grey: np.ndarray, lines: list[ReadLine], lexicon: Lexicon) -> list[ReadLine]:
    """The lines with m and pairs of narrow letters as the pixels and the lexicon say."""
    page, weights = PageImage(grey), load_weights(MODEL)
    return [_seen(page, line, lexicon, weights) for line in lines]


def odds(new: float, old: float, gain: float, confidence: float, wide: bool) -> float:
    """Natural logarithm of the odds that a change is right.

    `new`, `old`: logarithms of the probabilities that the network sees what it would be, and what was read; `gain`: bits by which the word is more common then;
    `confidence`: Tesseract's least in the letters read; `wide`: whether they are an m.
    """
    values = {
        "new": max(new, FLOOR),
        "old": max(old, FLOOR),
        "gain": min(gain, MOST_GAIN),
        "confidence": min(confidence, 100.0),
        "wide": float(wide),
    }
    return BIAS + sum(weight * values[name] for name, weight in WEIGHTS.items())


def letter_scores(windows: np.ndarray, weights: Weights) -> np.ndarray:
    """Logarithms of the probabilities of `CLASSES` for windows (n, height, width)."""
    maps = convolved(convolved(windows[..., None], weights["conv1"], weights["bias1"], 2, 2), weights["conv2"], weights["bias2"], 2, 2)
    hidden = np.maximum(maps.reshape(len(windows), -1) @ weights["dense1"] + weights["bias3"], 0)
    logits = hidden @ weights["dense2"] + weights["bias4"]
    logits -= logits.max(axis=1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def narrow_strip(page: PageImage, left: float, right: float, base: float, slope: float, x_height: float) -> tuple[np.ndarray, float]:
    """The strip of a line for this network, and the pixels of the page in one of its columns."""
    step = x_height / X_HEIGHT / ENLARGED
    return page.strip(left, right, base - LOWERED * step, slope, x_height / ENLARGED), step


def _seen(page: PageImage, line: ReadLine, lexicon: Lexicon, weights: Weights) -> ReadLine:
    if line.x_height < 4:
        return line
    left = line.box[0] - 2 * line.x_height

    @cache
    def strip() -> tuple[np.ndarray, float]:
        return narrow_strip(page, left, line.box[2] + 2 * line.x_height, line.base(0), line.slope, line.x_height)

    @cache
    def scores(*middles: float) -> np.ndarray:
        cut, step = strip()
        places = np.round((np.array(middles)[:, None] - left) / step - WIDTH / 2 + np.array(OFFSETS)).astype(int).ravel()
        found = letter_scores(np.stack([cut[:, start : start + WIDTH] for start in np.clip(places, 0, cut.shape[1] - WIDTH)]), weights)
        return np.logaddexp.reduce(found) - log(len(places))

    return line._replace(words=tuple(_mended(word, lexicon, scores) for word in line.words))


def _mended(word: ReadWord, lexicon: Lexicon, scores: Callable[..., np.ndarray]) -> ReadWord:
    for _ in range(MOST):
        found = [(_odds(word, change, scores), change) for change in _changes(word, lexicon)]
        best, change = max(found, key=lambda pair: pair[0], default=(SURE, None))
        if change is None or best <= SURE:
            break
        word = _changed(word, change)
    return word


def _odds(word: ReadWord, change: _Change, scores: Callable[..., np.ndarray]) -> float:
    seen = scores(*middles(word, change.first, change.end))
    new, old = (float(seen[CLASSES.index(letters)]) for letters in (change.new, change.old))
    confidence = min(glyph.confidence for glyph in word.glyphs[change.first : change.end])
    return odds(new, old, change.gain, confidence, change.old == "m")


def middles(word: ReadWord, first: int, end: int) -> tuple[float, float]:
    """Where the middle of some glyphs of a word is: by their boxes, and by the usual widths of letters.

    Tesseract's network knows the order of letters better than their places: the box of an m is two thirds as wide as the letter, and off by up to half of it. But where a
    word whose letters were misread is not as wide as those read, boxes are better; the network is asked at both places.
    """
    sizes = [sum(WIDTHS.get(c, CAPITAL if c.isupper() else NARROWER) for c in glyph.text) for glyph in word.glyphs]
    share = (sum(sizes[:first]) + sum(sizes[first:end]) / 2) / sum(sizes)
    left, _, right, _ = word.box
    return (word.glyphs[first].box[0] + word.glyphs[end - 1].box[2]) / 2, left + (right - left) * share


def _changes(word: ReadWord, lexicon: Lexicon) -> Iterator[_Change]:
    """The changes of one place that the lexicon does not speak strongly against."""
    letters = [glyph.text for glyph in word.glyphs]
    text = word.text
    for first, letter in enumerate(letters):
        pair = "".join(letters[first : first + 2])
        old = "m" if letter == "m" else pair if len(letter) == 1 and pair in PAIRS else ""
        if not old:
            continue
        start = sum(map(len, letters[:first]))
        own = next(match for match in _LETTERS.finditer(text) if match.start() <= start < match.end())
        before, behind = text[own.start() : start], text[start + len(old) : own.end()]
        cost = lexicon.word_cost(own[0])
        for new in PAIRS if old == "m" else ("m",):
            gain = cost - lexicon.word_cost(before + new + behind)
            if gain >= LEXICALLY:
                yield _Change(first, first + len(old), old, new, gain)


def _changed(word: ReadWord, change: _Change) -> ReadWord:
    """The word with the change; letters of a pair share the room of the m."""
    left, top, right, bottom = around(word.glyphs[change.first : change.end])
    confidence = min(glyph.confidence for glyph in word.glyphs[change.first : change.end])
    size = (right - left) / len(change.new)
    made = [Glyph(c, (left + at * size, top, left + (at + 1) * size, bottom), confidence) for at, c in enumerate(change.new)]
    return word._replace(glyphs=(*word.glyphs[: change.first], *made, *word.glyphs[change.end :]))
