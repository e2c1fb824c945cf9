"""Fits the estimate of `curation.filters.ocr` to rendered pages that Tesseract has read: writes `curation/filters/ocr_estimate.yaml`.

    python -m benchmarks.ocr.fit --data FOLDER --work FOLDER [--pages 360]

The pages come from one quarter of the documents, and the lexicon that judges them is trained without that quarter (and without the held-out one), so that
clean pages have as many unknown words as pages nobody has seen. Every page is given as our OCR reads it, as Tesseract does, as our repair leaves both, and as it
is. Confidences are fitted to our OCR alone: no other reading has one when a filter sees it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import yaml
from PIL import Image

import curation.filters.ocr as target
from benchmarks.ocr.pages import bench_pages, write_page
from benchmarks.ocr.readings import flowed, latin, repaired
from benchmarks.ocr.scores import edits, flow, tsv_page
from benchmarks.ocr.texts import quarter
from curation.extractors.ocr import OcrOptions, page_cache, recognise
from curation.files import whole_file
from curation.languages.lexicon import train as lexicon_train
from curation.languages.profile import load_profile
from curation.text.buffers import views
from curation.text.lexicon import Lexicon, read_lexicon
from curation.text.ocr_signs import CHARACTERS, SIGNS, Judge
from curation.text.transliteration import latin_array

QUARTER = 1
PROFILE = "azj_Latn"
FEATURES = {
    "unlikely": ["odd_2", "odd_3", "name_2", "name_3", "fixable"],
    "rare": ["rare"],
    "malformed": ["single", "symbols", "scripts_mixed"],
    "flips": ["flips", "digit_mix"],
}
MODELS = {
    "lexicon_and_confidence": ("unlikely", "rare", "malformed", "doubt"),
    "lexicon": ("unlikely", "rare", "malformed"),
    "no_lexicon_and_confidence": ("malformed", "flips", "doubt"),
    "no_lexicon": ("malformed", "flips"),
    "confidence": ("doubt",),
}
OFFSET, FLOOR, PRIOR, MOST = 0.004, 0.001, 300, 98
RIDGE = 1.0
LARGEST = 0.6
"""Rates above it count as this: what is lost is lost."""
READ = 0.7
"""Pages of which less was read are left out: no estimate from the text can know of lines that are not in it."""


class Sample(NamedTuple):
    """A reading of a page: its text, its confidence (NaN unless our OCR read it), and its character error rate."""

    text: str
    confidence: float
    rate: float


def samples(folder: Path) -> list[Sample]:
    """Of every page in a folder: what plain Tesseract and our OCR read, both as they are and repaired, and its truth."""
    found = []
    for path in sorted(folder.glob("*.tsv")):
        facts = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        script = facts["script"]
        truth = latin(flow(path.with_suffix(".txt").read_text(encoding="utf-8").split("\n")), script)
        plain, ours = tsv_page(path.read_text(encoding="utf-8")), recognise(Image.open(path.with_suffix(".png")), OcrOptions())
        for page, confidence in ((plain, None), (ours, ours.confidence or 0.0)):
            raw = flowed(page, facts)
            for reading in dict.fromkeys(latin(text, script) for text in (raw, repaired(raw, page is ours))):
                if len(reading) >= READ * len(truth):
                    found.append(Sample(reading, float("nan") if confidence is None else confidence, edits(truth, reading) / len(truth)))
        found.append(Sample(truth, float("nan"), 0.0))
    return found


def cross_lexicon(data: Path, work: Path) -> Lexicon:
    """A lexicon of all the documents that are in neither the quarter of the fit nor the held-out one."""
    path = work / "lexicon.npz"
    if not path.exists():
        known = yaml.safe_load(lexicon_train.SOURCES.read_text(encoding="utf-8"))
        files = [file for end in ("jsonl.zst", "wordlist.gz") for file in data.rglob(f"*.{end}") if file.name.partition(".")[0] in known]
        kept, lexicon_train.held_out = lexicon_train.held_out, lambda row: quarter(row) in (0, QUARTER)
        try:
            lexicon_train.train(files, load_profile(PROFILE), path)
        finally:
            lexicon_train.held_out = kept
    return read_lexicon(path)


def signs_of(texts: Sequence[str], lexicon: Lexicon | None) -> np.ndarray:
    """As `curation.filters.ocr.page_signs`, by a lexicon of one's own."""
    data, offsets = views(latin_array(pa.array(texts, pa.string()), only_azerbaijani=True))
    return Judge(load_profile(PROFILE), lexicon).signs(data, offsets[:-1], offsets[1:])


def weights(matrix: np.ndarray, wanted: np.ndarray, share: np.ndarray) -> tuple[np.ndarray, float]:
    """Ridge regression with weights that are not negative: the least of the negative ones goes until none is left."""
    kept = list(range(matrix.shape[1]))
    share = share / share.sum()
    centre, mean = share @ matrix, float(share @ wanted)
    while kept:
        part = matrix[:, kept] - centre[kept]
        scale = np.sqrt(share @ part**2) + 1e-9
        part = part / scale
        found = (
            np.linalg.solve(part.T @ (share[:, None] * part) + RIDGE / len(wanted) * np.eye(len(kept)), part.T @ (share * (wanted - mean)))
            / scale
        )
        if found.min() >= 0:
            result = np.zeros(matrix.shape[1])
            result[kept] = found
            return result, mean - float(result @ centre)
        kept.pop(int(found.argmin()))
    return np.zeros(matrix.shape[1]), mean


def fit(found: Sequence[Sample], lexicon: Lexicon) -> dict[str, Any]:
    """The content of `ocr_estimate.yaml`."""
    rate, confidence = (np.array([getattr(sample, name) for sample in found]) for name in ("rate", "confidence"))
    signs = {name: signs_of([sample.text for sample in found], used) for name, used in (("lexicon", lexicon), ("no_lexicon", None))}
    known = ~np.isnan(confidence)
    right = ~known & (rate == 0)
    clean = signs["lexicon"][right].sum(axis=0)
    given: dict[str, Any] = {
        "features": FEATURES,
        "usual": {
            name: round(float(sum(clean[SIGNS.index(sign)] for sign in group) / clean[CHARACTERS]), 5) for name, group in FEATURES.items()
        },
        **{"prior_characters": PRIOR, "floor": FLOOR, "offset": OFFSET, "most_confidence": MOST, "models": {}},
    }
    target.models.cache_clear()
    kept, target.models = target.models, lambda: given  # type: ignore[assignment]
    try:
        for name, features in MODELS.items():
            columns = target.columns(signs["no_lexicon" if name.startswith("no") else "lexicon"], confidence)
            rows = known if "doubt" in features else np.ones(len(rate), bool)
            matrix = np.column_stack([columns[feature][rows] for feature in features])
            wanted = np.log(np.minimum(rate[rows], LARGEST) + OFFSET)
            share = np.where(right[rows], 0.25, 1.0)
            found_weights, constant = weights(matrix, wanted, share)
            given["models"][name] = {
                "weights": {feature: round(float(weight), 4) for feature, weight in zip(features, found_weights, strict=True)},
                "constant": round(constant, 4),
            }
    finally:
        target.models = kept
    return given


def main() -> None:
    """Render and read pages, train the lexicon, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="keeps the pages and the lexicon")
    parser.add_argument("--pages", type=int, default=360)
    arguments = parser.parse_args()
    folder = arguments.work / "fit"
    page_cache.set(arguments.work / "cache")
    for page in bench_pages(arguments.data, frozenset({QUARTER}), arguments.pages):
        write_page(folder, page)
    given = fit(samples(folder), cross_lexicon(arguments.data, arguments.work))
    with whole_file(target.MODELS) as path:
        path.write_text(ORIGIN + yaml.safe_dump(given, sort_keys=False, default_flow_style=None, width=160), encoding="utf-8")


ORIGIN = """# The estimate of OCR errors: log(rate + offset) = constant + sum of weight * log(signs per character + floor) + weight * log(1 - confidence / 100).
# Written by `python -m benchmarks.ocr.fit` from rendered pages of one quarter of the project's own texts, laws, poems, articles, scripture, sites, lessons and
# news, five levels of degradation, read by Tesseract 5.3 and, where there is a confidence, by our OCR on it: weighted ridge regression, no weight below 0.
# `usual` is the rate of signs in the pages' true text.
"""

if __name__ == "__main__":
    main()
