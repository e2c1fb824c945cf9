"""Filter `ocr`: what it takes for OCR errors, what it must not, and how it goes page by page."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from curation.document import PAGE
from curation.filters.ocr import OcrFilter
from curation.languages.profile import load_profile
from curation.text.buffers import TextBatch
from curation.text.transliteration import to_cyrillic

AZJ = load_profile("azj_Latn")
BOOKS = Path(__file__).parents[2] / "pipelines" / "demo" / "raw" / "books1"
PROSE = [path.read_text("utf-8") for path in sorted(BOOKS.glob("*.txt"))]
MISREAD = {
    "m": "rn",
    "ş": "s",
    "l": "1",
    "»": "ə",
    "«": "x",
    "ı": "|",
    "o": "ö",
    "e": "c",
    "t": "r",
    "n": "u",
    "a": "ə",
    "h": "b",
    ".": ",'",
    " ": " ~ ",
}


def misread(text: str, rate: float) -> str:
    """The text with that share of its characters read wrong."""
    pick = random.Random(1)
    return "".join(MISREAD.get(c, c.upper()) if pick.random() < rate else c for c in text)


def measured(texts: list[str], pages: list[list[dict] | None] | None = None, profile=AZJ) -> dict[str, list]:
    batch = TextBatch(pa.array(texts, pa.string()), None if pages is None else pa.array(pages, pa.list_(PAGE)))
    return {
        name: values.tolist() if isinstance(values, np.ndarray) else values.to_pylist()
        for name, values in OcrFilter().measure(batch, profile).items()
    }


def book(*pages: tuple[str, float | None]) -> tuple[str, list[dict]]:
    """A text of pages joined by empty lines, and its list of pages."""
    text, listed = "", []
    for body, confidence in pages:
        text += "\n\n" if text else ""
        listed.append(
            {"start": len(text.encode()), "confidence": confidence, "page": str(len(listed) + 1), "origin": "ocr", "kind": "body"}
        )
        text += body
    return text, listed


def test_the_estimate_follows_the_errors() -> None:
    rates = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4)
    found = [measured([misread(text, rate) for text in PROSE])["ocr_cer"] for rate in rates]
    assert max(found[0]) < 0.01
    assert all(worse > better for low, high in pairwise(found) for better, worse in zip(low, high, strict=True))
    assert min(found[3]) > 0.04
    assert min(found[5]) > 0.15


def test_azerbaijani_in_cyrillic_letters_is_judged_by_its_transliteration() -> None:
    cyrillic = [to_cyrillic(text) for text in PROSE]
    for name in ("azj_Latn", "azj_Cyrl"):
        clean = measured(cyrillic, profile=load_profile(name))["ocr_cer"]
        assert clean == pytest.approx(measured(PROSE)["ocr_cer"], abs=0.003)
        assert (
            min(
                measured([text.replace("ү", "у").replace("ш", "и").replace("ө", "ә") for text in cyrillic], profile=load_profile(name))[
                    "ocr_cer"
                ]
            )
            > 0.03
        )


FOREIGN = {
    "Russian": "Ночью выпал снег, и утром вся долина была белой. Смотритель маяка вышел к берегу, постоял у лодки и записал в тетрадь: тихо. "
    * 4,
    "English": "The lighthouse keeper went down to the shore in the morning and wrote that the sea was calm, for it had been a long night of wind. "
    * 4,
    "figures": "".join(f"{year} 12,5 {year * 3} 0,04 % 17\n" for year in range(1900, 1930)),
    "contents": "MÜNDƏRİCAT\n" + "".join(f"{k}. Bağların suvarılması ............ {7 * k}\n" for k in range(1, 25)),
    "formulas": "Tənliyi həll edin: x = 2y + 3, f(x) = 4x + 4; a + b = S; 3x - 5 = 10; x > 0, y < 5 və c = 7.\n" * 6,
    "initials": "Kitabı A. M. Səlimov, B. Q. Vəliyev və C. R. Həsənova tərtib ediblər; V fəsil, XII cild, § 4.\n" * 5,
    "nothing": "",
    "a number": "117",
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_what_no_lexicon_can_judge_is_not_taken_for_errors(kind: str) -> None:
    assert measured([FOREIGN[kind]])["ocr_cer"][0] < 0.02
    text, pages = book((PROSE[0], None), (FOREIGN[kind], None))
    assert measured([text], [pages])["ocr_page_cer"][0][1] < 0.02


def test_pages_are_judged_one_by_one() -> None:
    bad = misread(PROSE[1], 0.15)
    whole, pages = book((PROSE[0], None), (bad, None), ("", None), (PROSE[2], None))
    found = measured([PROSE[3], whole, bad], [None, pages, None])
    alone = measured([PROSE[0], bad, PROSE[2], PROSE[3]])["ocr_cer"]
    assert [len(of) for of in found["ocr_page_cer"]] == [1, 4, 1]
    assert found["ocr_page_cer"][1] == pytest.approx([alone[0], alone[1], 0, alone[2]], abs=1e-6)
    assert found["ocr_best_page"] == pytest.approx([alone[3], min(alone[0], alone[2]), alone[1]], abs=1e-6)
    assert alone[0] < found["ocr_cer"][1] < alone[1]
    assert found["ocr_cer"][0] == pytest.approx(alone[3])
    assert found["ocr_unknown_words"][2] > found["ocr_unknown_words"][1] > found["ocr_unknown_words"][0]


def test_an_empty_page_does_not_save_a_book() -> None:
    text, pages = book(("", None), (misread(PROSE[0], 0.2), None))
    assert measured([text], [pages])["ocr_best_page"][0] > 0.05


def test_the_recognisers_confidence_counts() -> None:
    text, pages = book(*((PROSE[0], confidence) for confidence in (96.0, 90.0, 75.0, 40.0)), ("117", 30.0))
    (found,) = measured([text], [pages])["ocr_page_cer"]
    assert found[:4] == sorted(found[:4])
    assert found[0] < 0.01
    assert found[3] > 4 * found[0]
    assert found[4] > 0.1


def test_a_slice_of_a_table_measures_the_same() -> None:
    whole, pages = book((PROSE[0], 90.0), (PROSE[1], None))
    texts, listed = pa.array(["", whole, PROSE[2]], pa.string()), pa.array([None, pages, None], pa.list_(PAGE))
    sliced = OcrFilter().measure(TextBatch(texts.slice(1), listed.slice(1)), AZJ)
    assert sliced["ocr_page_cer"].to_pylist() == measured([whole, PROSE[2]], [pages, None])["ocr_page_cer"]


def test_a_language_without_a_lexicon_still_shows_garbage() -> None:
    turkish = "Sabahleyin kıyıya indik ve teknelerin yanında uzun süre konuştuk, çünkü deniz o gün sakindi ve kimsenin acelesi yoktu. " * 6
    garbage = "Sab~h|eyin k lyl ya \\ ind1k v e t^knel e r in y a n _ nda uz ün s # r e } k on uştu k, " * 6
    clean, dirty = measured([turkish, garbage], profile=load_profile("tur_Latn"))["ocr_cer"]
    assert clean < 0.02
    assert dirty > 0.1


def test_spans_are_the_words_that_count() -> None:
    text = "Mayakçı çayı içdi, rnəktubu oxud~ və ş1klı sahilə b endi."
    found = [text[first:end] for first, end in OcrFilter().spans("max_page_cer", text, AZJ)]
    assert {"rnəktubu", "oxud~", "b"} <= set(found)
    assert not {"Mayakçı", "çayı", "içdi,", "və", "sahilə"} & set(found)
    cyrillic = "Мәҹлис ҝүнү ачылды вә rnəktub охунду"
    assert [cyrillic[a:b] for a, b in OcrFilter().spans("max_page_cer", cyrillic, AZJ)] == ["rnəktub"]


def test_off_until_a_recipe_sets_a_threshold() -> None:
    assert OcrFilter().thresholds() == []
    ((name, rule, value),) = OcrFilter(max_page_cer=0.05).thresholds()
    assert (name, rule.measure, rule.keep, rule.pages, value) == ("ocr.max_page_cer", "ocr_best_page", "<=", "ocr_page_cer", 0.05)
    assert OcrFilter().measuring() == OcrFilter(max_page_cer=0.05).measuring()
