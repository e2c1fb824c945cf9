"""The report of the bench of OCR: its sums, its table, its plots."""

from __future__ import annotations

from typing import Any

import lxml.etree
import pytest

from benchmarks.ocr.degrade import LEVELS
from benchmarks.ocr.readings import READINGS
from benchmarks.ocr.report import figures, markdown, plots


def page(level: str, wrong: int, script: str = "Latn") -> dict[str, Any]:
    """A page of 1,000 characters and 100 words on which each reading but the last has so many errors, and the last none."""
    readings = {
        name: {
            "edits": 0 if name == READINGS[-1] else wrong,
            "characters": 1000,
            "word_edits": wrong // 2,
            "words": 100,
            "marks": [4, 3, 1, 100],
            "confusions": [1, 2],
            "estimate": wrong / 900,
            "estimate_of_text": 0.01,
        }
        for name in READINGS
    }
    return {"level": level, "script": script, "readings": readings}


ROWS = [page(level, 10 * number, script) for number, level in enumerate(LEVELS, 1) for script in ("Latn", "Cyrl")]
BORN = {"own": {"words": 2000, "unchanged": 0.9995, "estimate": 0.002}}


def test_sums_are_over_characters_and_pairs() -> None:
    found = figures(ROWS, BORN)
    clean = found["levels"]["clean"]["Tesseract"]
    assert (clean["pages"], clean["cer"], clean["wer"]) == (2, 0.01, 0.05)
    assert (clean["pairs"], clean["pairs right"], clean["false marks per word"]) == (8, 0.75, 0.01)
    assert found["levels"]["clean to moderate"]["Tesseract"]["cer"] == pytest.approx(0.02)
    assert found["levels"]["clean to moderate, Cyrl"]["Tesseract"]["pages"] == 3
    assert found["levels"]["all"]["our OCR, repaired"]["cer"] == 0
    tracking = found["estimate"]["Tesseract"]
    assert tracking["estimate"]["spearman"] == pytest.approx(1)
    assert tracking["estimate"]["auc at 2%"] == 1
    assert tracking["estimate"]["auc at 5%"] is None
    assert tracking["estimate_of_text"]["spearman"] is None


def test_the_table_and_the_plots_show_every_level() -> None:
    found = figures(ROWS, BORN)
    table = markdown(found)
    assert "| severe (2) | Tesseract | 5.00% | 25.00% | 75.0% of 8 | 1.00% | 2 | 4 |" in table
    assert "| own | 2,000 | 99.950% | 0.20% |" in table
    drawn = plots(found)
    assert set(drawn) == {"levels.svg", "marks.svg", "estimate.svg"}
    for svg in drawn.values():
        assert lxml.etree.fromstring(svg.encode()).tag.endswith("svg")
        assert svg.count("<polyline") == 3
