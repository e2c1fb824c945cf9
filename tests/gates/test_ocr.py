"""Floors of OCR and of its estimate on pages whose text is known: `pytest tests/gates/test_ocr.py -s` prints the figures."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest
import yaml

from benchmarks.ocr.pages import bench_pages, write_page
from benchmarks.ocr.readings import measured
from benchmarks.ocr.render import FOLDER, FONTS
from benchmarks.ocr.report import auc, spearman
from benchmarks.ocr.texts import TEST, rows
from curation.document import PAGE
from curation.filters.ocr import OcrFilter, models
from curation.languages.profile import load_profile
from curation.text.buffers import TextBatch
from tests.books import pages_kept_in

GATE: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("ocr.yaml").read_text("utf-8"))
READINGS = Path(__file__).parents[1] / "cases" / "ocr_readings.jsonl"
PROFILE = load_profile("azj_Latn")
OFFSET = models()["offset"]
"""What the estimate adds to a rate before it takes its logarithm: below it, ratios say nothing."""


def estimates(texts: list[str], confidences: list[float] | None = None) -> np.ndarray:
    pages = None if confidences is None else pa.array([[{"start": 0, "confidence": one}] for one in confidences], pa.list_(PAGE))
    batch = TextBatch(pa.array(texts, pa.string()), pages)
    return np.asarray(OcrFilter().measure(batch, PROFILE)["ocr_cer"])


@pytest.fixture(scope="module", params=["our OCR", "our OCR, repaired"])
def judged(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray]:
    """(estimate, true rate) of the readings that are kept; what a build judges is the repaired one."""
    rows = [row for row in map(orjson.loads, READINGS.read_bytes().splitlines()) if row["reading"] == request.param]
    kept = [row for row in rows if len(row["text"]) >= 0.7 * row["characters"]]
    assert len(kept) > 50
    return estimates([row["text"] for row in kept], [row["confidence"] for row in kept]), np.array([row["cer"] for row in kept])


def test_the_estimate_follows_the_truth(judged: tuple[np.ndarray, np.ndarray]) -> None:
    guess, true = judged
    found = {"spearman": spearman(guess, true), "auc at 5%": auc(guess, true > 0.05), "auc at 2%": auc(guess, true > 0.02)}
    print(found)
    for name, gate in GATE["estimate"].items():
        assert (found[name] or 0) >= gate["least"], name


def test_the_estimate_is_calibrated(judged: tuple[np.ndarray, np.ndarray]) -> None:
    guess, true = judged
    for part in np.array_split(np.argsort(guess), 4):
        ratio = (guess[part].mean() + OFFSET) / (np.median(true[part]) + OFFSET)
        print(f"estimate {guess[part].mean():.4f}, median truth {np.median(true[part]):.4f}")
        assert GATE["calibration"]["least"] <= ratio <= GATE["calibration"]["most"]


@pytest.fixture(scope="module")
def read_here(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Pages of the bench, read now."""
    if not shutil.which("tesseract") or not all(list(FOLDER.rglob(file)) for file in FONTS.values()):
        pytest.skip("needs Tesseract and the fonts of the bench")
    folder, gate = tmp_path_factory.mktemp("pages"), GATE["read_here"]
    found: list[dict[str, Any]] = []
    with pages_kept_in(folder / "cache"), pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "OMP_THREAD_LIMIT", "1")
        for page in bench_pages(None, TEST, gate["of"], gate["seed"], words=(60, 90)):
            if page.facts["level"] in ("clean", "light", "moderate"):
                found.append(measured(page, write_page(folder, page)))
    return found


def rate(found: list[dict[str, Any]], reading: str) -> float:
    of = [row["readings"][reading] for row in found]
    return sum(one["edits"] for one in of) / sum(one["characters"] for one in of)


def test_our_reading_is_better_than_plain_tesseracts(read_here: list[dict[str, Any]]) -> None:
    gate, plain, ours = GATE["read_here"], rate(read_here, "Tesseract"), rate(read_here, "our OCR, repaired")
    print(f"{len(read_here)} pages: plain Tesseract {plain:.2%}, ours {rate(read_here, 'our OCR'):.2%}, repaired {ours:.2%}")
    assert {row["script"] for row in read_here} == {"Latn", "Cyrl"}
    assert plain >= gate["cer_of_plain_tesseract"]  # the pages are no easier than they were
    assert ours <= gate["cer_of_ours_repaired"]


def test_guillemets_come_back(read_here: list[dict[str, Any]]) -> None:
    pairs, right, false, words = (sum(row["readings"]["our OCR, repaired"]["marks"][k] for row in read_here) for k in range(4))
    plain = sum(row["readings"]["Tesseract"]["marks"][1] for row in read_here)
    print(f"pairs right: plain {plain}, ours {right} of {pairs}; false {false} in {words} words")
    assert plain <= 0.1 * pairs
    assert right >= GATE["read_here"]["pairs_right"] * pairs
    assert false <= GATE["read_here"]["false_marks"]


@pytest.mark.realdata
@pytest.mark.parametrize("file", GATE["born_digital"])
def test_born_digital_text_is_not_taken_for_ocr(shared: Path, file: str) -> None:
    gate = GATE["born_digital"][file]
    found = estimates([row["text"] for row in rows(shared / f"{file}.jsonl.zst") if row["metadata"]["language"] == "aze"])
    print(f"{file}: mean {found.mean():.4f}, above 5 % {np.mean(found > 0.05):.4f} of {len(found)}")
    assert found.mean() <= gate["mean"]
    assert np.mean(found > 0.05) <= gate["above"]


@pytest.mark.realdata
def test_torn_letters_are_found(shared: Path) -> None:
    """Laws whose letters a converter tore from their words ("Az ə rbaycan") are as bad as OCR, and look it."""
    torn = [row["text"] for row in rows(shared / "text_az/laws_converted_markdown.jsonl.zst") if row["text"].count(" ə ") > 1000]
    found = estimates(torn)
    print(len(torn), found.round(3))
    assert len(torn) >= 5
    assert found.mean() >= GATE["torn"]["mean"]
    assert found.min() >= GATE["torn"]["least"]
