"""A page read four ways: by plain Tesseract and by our OCR, each as it is and repaired; and what each reading gets wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.ocr.marks import confusions, marks
from benchmarks.ocr.pages import BenchPage
from benchmarks.ocr.scores import edits, flow, page_lines, tsv_page, word_edits
from benchmarks.ocr.texts import TEST, documents
from curation.extractors.ocr import OcrError, OcrOptions, recognise
from curation.extractors.page import Page
from curation.filters.ocr import estimated, page_signs
from curation.formatters.ocr import Ocr
from curation.languages.profile import load_profile
from curation.text.transliteration import to_latin

PROFILE = "azj_Latn"
READINGS = ("Tesseract", "Tesseract, repaired", "our OCR", "our OCR, repaired")


def latin(text: str, script: str) -> str:
    """A page in Cyrillic letters is compared in Latin ones, letter for letter, by the alphabet of 1958; it is repaired before, as it was read."""
    return to_latin(text, "1958") if script == "Cyrl" else text


def flowed(page: Page, facts: dict[str, Any]) -> str:
    """The text of a page as one flow, its words on the lines on which they were printed; boxes of a page that was straightened are those of a level one."""
    straight = any(note.startswith("straightened") for note in page.notes)
    return flow(page_lines(page, facts | ({"angle": 0.0} if straight else {})))


def repaired(text: str, ours: bool = False) -> str:
    """The text as the formatter `ocr` leaves it; `ours`: it is of a page that our OCR read, as pages of books in a build are."""
    profile = load_profile(PROFILE)
    better, _ = Ocr().edit_page(text, profile, "ocr") if ours else Ocr().edit(text, profile)
    return better


def estimate(text: str, confidence: float | None) -> float:
    """The filter's estimate of the character error rate."""
    signs = page_signs(pa.array([text], pa.string()), load_profile(PROFILE))
    return float(estimated(signs, np.array([np.nan if confidence is None else confidence]), lexicon=True)[0])


def measured(page: BenchPage, path: Path) -> dict[str, Any]:
    """The page's facts, and by reading its errors, its guillemets, its rn/m, and the filter's estimate, with the confidence and without."""
    script = page.facts["script"]
    truth = latin(flow(page.lines), script)
    pages = {"Tesseract": tsv_page(path.with_suffix(".tsv").read_text(encoding="utf-8")), "our OCR": _ours(page)}
    row: dict[str, Any] = {"page": page.number, **page.facts, "readings": {}}
    for name, read in pages.items():
        text = flowed(read, page.facts)
        confidence = read.confidence if read.confidence is not None else 0.0
        for label, reading in ((name, latin(text, script)), (f"{name}, repaired", latin(repaired(text, name == "our OCR"), script))):
            row["readings"][label] = {
                "text": reading,
                "confidence": confidence,
                "edits": edits(truth, reading),
                "characters": len(truth),
                "word_edits": word_edits(truth.split(), reading.split()),
                "words": len(truth.split()),
                "marks": list(marks(truth, reading)),
                "confusions": list(confusions(truth, reading)),
                "estimate": estimate(reading, confidence),
                "estimate_of_text": estimate(reading, None),
            }
    return row


def _ours(page: BenchPage) -> Page:
    """What our OCR reads; nothing where it fails on the page."""
    try:
        return recognise(page.image, OcrOptions(), page.number)
    except OcrError:
        return Page(page.number, page.image.width, page.image.height, (), "none")


def born_digital(data: Path | None, most: int = 400) -> dict[str, dict[str, float]]:
    """By kind of held-out text as it is, no OCR: words, the share that the repair leaves alone, and the filter's estimate for all of it."""
    found = {}
    for kind, texts in documents(data, TEST).items():
        words = changed = 0
        estimates = []
        for _, paragraphs in texts[:most]:
            text = "\n".join(paragraphs)
            own = text.split()
            words += len(own)
            changed += word_edits(own, repaired(text).split())
            estimates.append(estimate(text, None) * len(own))
        found[kind] = {"words": words, "unchanged": 1 - changed / words, "estimate": sum(estimates) / words}
    return found
