"""OCR of scans that nobody here made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.ocr.scores import edits
from curation.extractors.ocr import OcrOptions, recognise
from curation.extractors.page import Word
from tests.books import need_tesseract, pages_kept_in

pymupdf = pytest.importorskip("pymupdf")
pytestmark = pytest.mark.realdata


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path) -> Iterator[None]:
    need_tesseract("aze+aze_cyrl+eng")
    with pages_kept_in(tmp_path):
        yield


def in_rows(words: list[Word]) -> str:
    """The words row by row, as the eye reads a column of short answers: their order is the layout's business."""
    rows: list[list[Word]] = []
    for word in sorted(words, key=lambda word: word.y0 + word.y1):
        if rows and (word.y0 + word.y1 - rows[-1][0].y0 - rows[-1][0].y1) / 2 < 17:
            rows[-1].append(word)
        else:
            rows.append([word])
    return " ".join(word.text for row in rows for word in sorted(row, key=lambda word: word.x0))


def plain(text: str) -> str:
    """With one kind of dash: Tesseract knows no minus."""
    return " ".join(text.translate(str.maketrans("−–—", "---")).split())


def test_a_scan_of_two_columns_with_formulas(shared: Path) -> None:
    truth = plain((shared / "ocr/exam_maths_page1_left_column.gt.txt").read_text(encoding="utf-8"))
    with pymupdf.open(shared / "pdf/other/exam_maths.pdf") as book:
        pixels = book[0].get_pixmap(dpi=300, colorspace=pymupdf.csGRAY)
    page = recognise(Image.frombytes("L", (pixels.width, pixels.height), pixels.samples), OcrOptions())
    column = [word for line in page.lines for word in line.words if word.x1 < 1160 and 165 < word.y0 < 2850]
    assert edits(truth, plain(in_rows(column))) / len(truth) < 0.08


@pytest.mark.parametrize(("name", "rate"), [("phototest", 0.01), ("eurotext", 0.06)])
def test_pages_of_another_language(shared: Path, name: str, rate: float) -> None:
    truth = plain((shared / f"ocr/{name}.txt").read_text(encoding="utf-8"))
    read = recognise(Image.open(shared / f"ocr/{name}.tif"), OcrOptions(languages={"Latn": "eng"}))
    assert edits(truth, plain(" ".join(line.text for line in read.lines))) / len(truth) < rate
