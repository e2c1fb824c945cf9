"""How many characters of a page did OCR get wrong? An estimate from the text alone, and from Tesseract's confidences where the reader kept them."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pyarrow as pa
import yaml

from curation.filters.base import Filter, Rule
from curation.languages.profile import Profile
from curation.processors import register
from curation.text.buffers import TextBatch, string_array, views
from curation.text.evidence import Span, word_spans
from curation.text.lexicon import load_lexicon
from curation.text.ocr_signs import CHARACTERS, SIGNS, TOKENS, UNKNOWN, Judge
from curation.text.transliteration import latin_array

MODELS = Path(__file__).with_name("ocr_estimate.yaml")
FEWEST_CHARACTERS = 40
"""A page with fewer visible characters in the profile's script and language is judged by its confidence alone, or, without one, not at all (0)."""
AZERBAIJANI = "azj_"
"""Profiles whose text is transliterated and judged by the lexicon of the Latin alphabet."""


class Pages(NamedTuple):
    """The pages of all documents of a batch, in order: those of document d are [firsts[d], firsts[d + 1])."""

    texts: pa.StringArray
    confidences: np.ndarray
    """Mean confidence of the recogniser, 0 to 100; NaN for a text layer (float64)."""
    firsts: np.ndarray


@register
class OcrFilter(Filter):
    """Estimated character error rate of OCR, page by page: a document is rejected when none of its pages passes, and of others the pages that don't are cut.

    The estimate counts words with letters that a character model would not expect, words that one confused letter parts from a known one, lone letters, strange
    signs and words of two scripts; and takes the recogniser's own confidence where it is known. On 100 held-out rendered pages as our OCR reads them, clean to
    severely degraded, its rank correlation with the true rate is 0.94, and it tells pages above 5 % wrong characters from others with an area under the ROC curve
    of 0.971 (above 2 %: 0.998); after our repair, which is what a build judges, 0.915 and 0.991 (0.963). By the text alone, without confidences, it is coarser:
    0.90 and 0.94, after the repair 0.83 and 0.97. Born-digital text has 0.03 % (laws) to 0.6 % (Wikipedia); poems of the 16th century, 2.9 %.

    It knows nothing of lines that were not read at all, nor of the order of columns. Words in another script, and passages of English, German or French, are
    left out. Azerbaijani in Cyrillic letters is transliterated first. A language without a lexicon is judged by its lone letters, strange signs and confidences
    alone: a coarse estimate, which finds garbage. A page with too little text to judge and without a confidence is taken for right (0).
    """

    name: ClassVar[str] = "ocr"
    version: ClassVar[int] = 2
    measures: ClassVar[tuple[str, ...]] = ("ocr_cer", "ocr_best_page", "ocr_page_cer", "ocr_unknown_words")
    rules: ClassVar[tuple[Rule, ...]] = (Rule("max_page_cer", "ocr_best_page", "<=", pages="ocr_page_cer"),)

    max_page_cer: float | None = None
    """Largest estimated share of wrong characters on a page. 0.05 keeps pages on which three words in four are right or better; there the estimate is surest."""

    def measure(self, batch: TextBatch, profile: Profile) -> dict[str, pa.Array | np.ndarray]:
        pages = pages_of(batch)
        signs = page_signs(pages.texts, profile)
        estimates = estimated(signs, pages.confidences, load_lexicon(_lexicon_code(profile)) is not None)
        documents = np.repeat(np.arange(len(batch)), np.diff(pages.firsts))
        weight = signs[:, CHARACTERS] + 1.0
        judged = signs[:, CHARACTERS] >= FEWEST_CHARACTERS
        best = np.full(len(batch), np.inf)
        np.minimum.at(best, documents[judged], estimates[judged])
        lowest = np.full(len(batch), np.inf)
        np.minimum.at(lowest, documents, estimates)
        totals = np.bincount(documents, weight, len(batch))
        tokens, unknown = (np.bincount(documents, signs[:, column], len(batch)) for column in (TOKENS, UNKNOWN))
        return {
            "ocr_cer": np.bincount(documents, weight * estimates, len(batch)) / totals,
            "ocr_best_page": np.where(np.isfinite(best), best, lowest),
            "ocr_page_cer": pa.ListArray.from_arrays(pa.array(pages.firsts, pa.int32()), pa.array(estimates, pa.float32())),
            "ocr_unknown_words": unknown / np.maximum(tokens, 1),
        }

    def spans(self, parameter: str, text: str, profile: Profile) -> list[Span]:
        """The words that the estimate counts."""
        words = word_spans(text)
        if not words:
            return []
        latin = _to_latin(pa.array([text], pa.string()), profile)[0].as_py().split()
        spelt = latin if len(latin) == len(words) else [text[first:end] for first, end in words]
        signs = page_signs(pa.array(spelt, pa.string()), profile)
        counted = sum(signs[:, [SIGNS.index(name) for name in names]].sum(axis=1) for names in models()["features"].values())
        return [word for word, odd in zip(words, counted > 0, strict=True) if odd]


def pages_of(batch: TextBatch) -> Pages:
    """The pages of a batch, without copying its text; a document that is no book is one page. What stands before the first start is of the first page."""
    pages = batch.pages
    if pages is None:
        return Pages(batch.texts, np.full(len(batch), np.nan), np.arange(len(batch) + 1))
    lengths = pages.value_lengths().fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    own = np.maximum(lengths, 1)
    firsts = np.concatenate(([0], np.cumsum(own)))
    bounds = np.append(np.repeat(batch.offsets[:-1], own), batch.offsets[-1]).astype(np.int32)
    confidences = np.full(firsts[-1], np.nan)
    paged = np.repeat(lengths > 0, own)
    fields = pages.flatten()
    first = np.zeros(firsts[-1], bool)
    first[firsts[:-1]] = True
    starts = np.where(first[paged], 0, fields.field("start").to_numpy(zero_copy_only=False))
    bounds[:-1][paged] += starts.astype(np.int32)
    confidences[paged] = fields.field("confidence").to_numpy(zero_copy_only=False).astype(np.float64)
    return Pages(string_array(batch.data, bounds), confidences, firsts)


def page_signs(texts: pa.StringArray, profile: Profile) -> np.ndarray:
    """The counts of `SIGNS` per text, as the profile's lexicon sees them; of Azerbaijani in Cyrillic letters, of its transliteration."""
    data, offsets = views(_to_latin(texts, profile))
    judge = Judge(profile, load_lexicon(_lexicon_code(profile)))
    return judge.signs(data, offsets[:-1], offsets[1:])


def _lexicon_code(profile: Profile) -> str:
    return "azj_Latn" if profile.code.startswith(AZERBAIJANI) else profile.code


def _to_latin(texts: pa.StringArray, profile: Profile) -> pa.StringArray:
    return latin_array(texts, only_azerbaijani=True) if profile.code.startswith(AZERBAIJANI) else texts


@lru_cache(maxsize=1)
def models() -> dict[str, Any]:
    """What `python -m benchmarks.ocr.fit` found: groups of signs and their weights, by what is known of a page."""
    found: dict[str, Any] = yaml.safe_load(MODELS.read_text(encoding="utf-8"))
    return found


def rates(signs: np.ndarray) -> dict[str, np.ndarray]:
    """By group of signs: how many there are per character, drawn to what is usual in right text where a page has few characters."""
    given = models()
    characters = signs[:, CHARACTERS]
    return {
        name: (signs[:, [SIGNS.index(sign) for sign in group]].sum(axis=1) + given["prior_characters"] * given["usual"][name])
        / (characters + given["prior_characters"])
        for name, group in given["features"].items()
    }


def columns(signs: np.ndarray, confidences: np.ndarray) -> dict[str, np.ndarray]:
    """What the weights are for: the logarithm of each group's rate, and of how far the confidence is from certainty."""
    given = models()
    found = {name: np.log(rate + given["floor"]) for name, rate in rates(signs).items()}
    doubt = np.log(1 - np.clip(confidences, 0, given["most_confidence"]) / 100)
    return {**found, "doubt": doubt}


def estimated(signs: np.ndarray, confidences: np.ndarray, lexicon: bool) -> np.ndarray:
    """The character error rate of each page, 0 to 1. The weights are of a regression of log(rate + offset); see `ocr_estimate.yaml`."""
    given, known = columns(signs, confidences), ~np.isnan(confidences)
    enough = signs[:, CHARACTERS] >= FEWEST_CHARACTERS
    result = np.zeros(len(signs))
    kind = "lexicon" if lexicon else "no_lexicon"
    for rows, name in ((known & enough, f"{kind}_and_confidence"), (known & ~enough, "confidence"), (~known & enough, kind)):
        model = models()["models"][name]
        value = sum((weight * given[feature][rows] for feature, weight in model["weights"].items()), model["constant"])
        result[rows] = np.clip(np.exp(value) - models()["offset"], 0, 1)
    return result
