"""m and narrow letters that look like it: what stands on the page decides together with the lexicon, on lines as Tesseract gives them."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import ImageFont

from curation.extractors.ocr.hocr import Glyph, ReadLine, ReadWord, around
from curation.extractors.ocr.narrow import lexicon_of, with_narrow_letters
from tests.books import FONTS, drawn

SIZE, FONT = 42, "DejaVuSerif.ttf"


def seen(printed: str, read: str, confidence: float = 96.0) -> str:
    """What becomes of a word that Tesseract read as `read` where `printed` stands; the letters of both share its room from where they differ."""
    grey = np.asarray(drawn((printed,), SIZE, FONT))
    face = ImageFont.truetype(str(FONTS / FONT), SIZE)
    x_height = float(-face.getbbox("x", anchor="ls")[1])
    base = 2 * SIZE + face.getmetrics()[0]
    first = next(at for at in range(len(read)) if printed[at] != read[at]) if printed != read else len(read)
    last = next(at for at in range(len(read)) if printed[-1 - at] != read[-1 - at]) if printed != read else 0
    place = [face.getlength(printed[:at]) for at in range(len(printed) + 1)]
    middle = np.linspace(place[first], place[len(printed) - last], len(read) - last - first + 1).tolist()
    edges = [2 * SIZE + x for x in [*place[:first], *middle, *place[len(printed) - last + 1 :]]]
    glyphs = [Glyph(c, (edges[at], base - x_height, edges[at + 1], base), confidence) for at, c in enumerate(read)]
    line = ReadLine((ReadWord(tuple(glyphs), around(glyphs), confidence),), around(glyphs), 0.0, 0.0, x_height, 0, 0)
    lexicon = lexicon_of("aze")
    assert lexicon is not None
    (found,) = with_narrow_letters(grey, [line], lexicon)
    (word,) = found.words
    assert word.box == glyphs[0].box[:2] + glyphs[-1].box[2:]
    return word.text


@pytest.mark.parametrize(
    ("printed", "read"),
    [("zamanı", "zamam"), ("adam", "adanı"), ("məktəb", "rnəktəb"), ("olmasın", "olınasın")],
)
def test_what_is_printed_comes_back(printed: str, read: str) -> None:
    assert seen(printed, read) == printed


@pytest.mark.parametrize("printed", ["qapım", "dinim", "Arnold", "alınırdı", "Olmasın", "mənim"])
def test_what_is_read_rightly_stays_though_another_word_is_more_common(printed: str) -> None:
    assert seen(printed, printed, 99.0) == printed


def test_other_languages_have_no_lexicon() -> None:
    assert lexicon_of("tur") is None
    assert lexicon_of("aze_cyrl") is None
    assert lexicon_of("eng+aze") is not None
