"""What Tesseract says of a page, as we take it."""

from __future__ import annotations

import pytest

from curation.extractors.layout import layout
from curation.extractors.ocr.hocr import parse_hocr
from curation.extractors.page import Line, Page, Word

WORDS = (("Qoca", 60, 200, 100), ("bağban", 230, 940, 108), ("bir", 480, 570, 100), ("fidan", 600, 760, 100), ("əkdi.", 790, 940, 100))
"""Text, left, right and top of the words of a line. The second word's last letter has a box to the end of the line, as Tesseract 5.3 gives it to one line of 57."""


def hocr() -> bytes:
    words = []
    for text, left, right, top in WORDS:
        step = 24
        ends = [left + step * (n + 1) for n in range(len(text) - 1)] + [right]
        starts = [left + step * n for n in range(len(text))]
        letters = "".join(
            f"<span class='ocrx_cinfo' title='x_bboxes {x0} {top} {x1} 140; x_conf 99'>{letter}</span>"
            for letter, x0, x1 in zip(text, starts, ends, strict=True)
        )
        words.append(f"<span class='ocrx_word' title='bbox {left} {top} {right} 140; x_wconf 95'>{letters}</span>")
    title = "bbox 60 100 940 140; baseline 0 -8; x_size 40; x_descenders 8; x_ascenders 10"
    line = f"<span class='ocr_line' title='{title}'>{' '.join(words)}</span>"
    return f"<html><body><div class='ocr_carea'><p class='ocr_par'>{line}</p></div></body></html>".encode()


def test_no_word_reaches_over_the_next() -> None:
    (line,) = parse_hocr(hocr())
    assert [word.text for word in line.words] == [text for text, *_ in WORDS]
    assert [word.box[2] for word in line.words] == [200, 480, 570, 760, 940]
    assert all(glyph.box[2] <= word.box[2] for word in line.words for glyph in word.glyphs)


def test_words_stay_in_the_order_in_which_they_were_read() -> None:
    (read,) = parse_hocr(hocr())
    line = Line(tuple(Word(word.text, *word.box, word.confidence) for word in read.words), 40.0, 0)
    (page,) = layout([Page(1, 1000, 1400, (line,), "ocr")], None)
    assert page.text == "Qoca bağban bir fidan əkdi."


def test_what_is_no_hocr_says_so() -> None:
    with pytest.raises(ValueError, match="no hOCR"):
        parse_hocr(b"<html><body>")
