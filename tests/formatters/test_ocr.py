from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.formatters.base import Edit
from curation.formatters.ocr import Ocr, odds
from curation.languages.profile import load_profile
from curation.processors import processor
from curation.text.confusions import arcs, ordered, readings
from curation.text.lexicon import load_lexicon, points

CASES: dict[str, list[Any]] = json.loads((Path(__file__).parents[1] / "cases" / "ocr.json").read_text("utf-8"))
PROFILE = load_profile("azj_Latn")
FORMATTER = Ocr()


def edit(text: str) -> str:
    return FORMATTER.edit(text, PROFILE)[0]


@pytest.mark.parametrize("case", CASES["synthetic"], ids=lambda case: case["why"])
def test_repairs(case: dict[str, str]) -> None:
    assert edit(case["text"]) == case["better"]
    assert edit(case["better"]) == case["better"]


@pytest.mark.parametrize("text", CASES["untouched"])
def test_leaves_alone(text: str) -> None:
    assert FORMATTER.edit(text, PROFILE) == (text, [])


@pytest.mark.parametrize("case", CASES["known_failures"], ids=lambda case: case["why"])
def test_known_failures_fail(case: dict[str, str]) -> None:
    assert edit(case["text"]) != case["better"], "it works now: move it to synthetic"


def test_edits_tell_what_stood_where() -> None:
    text = "Birinci sətir düzdür və belə qalır.\nUşaqlar rnəktəbə gedir, oﬁsdə isə iş var.\nO, «Bakı? qəzetini oxuyur."
    _, edits = FORMATTER.edit(text, PROFILE)
    assert edits == [Edit("ocr.confusion", 2, "rnəktəbə"), Edit("ocr.ligature", 2, "ﬁ"), Edit("ocr.quotes", 3, "?")] or edits == [
        Edit("ocr.ligature", 2, "ﬁ"),
        Edit("ocr.confusion", 2, "rnəktəbə"),
        Edit("ocr.quotes", 3, "?"),
    ]


def test_odds_grow_with_the_evidence_and_fall_for_names() -> None:
    def of(saved: float = 20.0, frequency: float = 10.0, capital: bool = False, strange: float = 0.1, narrow: bool = False) -> float:
        return odds(saved, frequency, capital, length=7, confusions=1, strange=strange, surprise=4.0, narrow=narrow)

    assert of(saved=30.0) > of(saved=10.0)
    assert of(capital=True) < of()
    assert of(strange=0.0) < of()
    assert of(frequency=1000.0) > of()
    assert of(narrow=True) > of()


def test_readings_hold_the_string_and_the_words_that_it_may_have_been() -> None:
    lexicon = load_lexicon("azj_Latn")
    assert lexicon is not None
    table = ordered([("m", "rn", 10.0), ("i", "l", 9.0), ("", "t", 12.0), ("b", "", 14.0)])
    count, sizes, texts, used, places, bits = readings(lexicon.tables, arcs(table), points("rnəktəb"))
    found = ["".join(map(chr, texts[k, : sizes[k]])) for k in range(count)]
    assert found[0] == "rnəktəb"
    best = found.index("məktəb")
    assert [table[arc] for arc in used[best] if arc >= 0] == [("m", "rn", 10.0)]
    assert places[best, 0] == 0
    assert bits[best] == pytest.approx(lexicon.word_cost("məktəb"), abs=0.3)
    assert bits[0] == pytest.approx(lexicon.word_cost("rnəktəb"), abs=0.3)


@pytest.mark.parametrize(
    ("seen", "printed"),
    [("amına", "amma"), ("rəsini", "rəsmi"), ("qoşunlam", "qoşunları"), ("qəram", "qərarı"), ("düşniüş", "düşmüş"), ("yalmz", "yalnız")],
)
def test_m_and_two_narrow_letters_that_tesseract_confuses_in_old_print(seen: str, printed: str) -> None:
    text = "Səhər tezdən limana gəlmişdilər, {} onlar gəmini görə bilmədilər."
    assert edit(text.format(seen)) == text.format(printed)


def test_where_our_ocr_saw_the_pixels_its_m_stays_and_all_else_is_repaired() -> None:
    text = "Uşaqlar rnəktəbə gedir, klmi evdə, kimi bağçada qalır."
    assert FORMATTER.edit(text, PROFILE)[0] == "Uşaqlar məktəbə gedir, kimi evdə, kimi bağçada qalır."
    assert FORMATTER.edit_page(text, PROFILE, "ocr")[0] == "Uşaqlar rnəktəbə gedir, kimi evdə, kimi bağçada qalır."


def test_only_where_there_is_a_lexicon() -> None:
    other = PROFILE.model_copy(update={"code": "tur_Latn"})
    assert FORMATTER.edit("rnəktəb və oﬁs", other) == ("rnəktəb və oﬁs", [])
    assert not FORMATTER.suspects_in(pa.array(["rnəktəb"]), other).any()


WORDS = [
    "rnəktəb",
    "kltab",
    "və",
    "«",
    "»",
    "eBakı",
    "sözünüə",
    "<<Bakı>>",
    "ə",
    "\n",
    "oﬁs",
    "?",
    "İİİ",
    "https://a.az",
    "tə-",
    "12rn",
    "мәҹлисин",
    "узрә",
    "qwrtz",
    "'",
    "😀",
]


@settings(max_examples=60)
@given(st.lists(st.sampled_from(WORDS) | st.text(max_size=6), max_size=25).map(" ".join))
def test_lines_and_words_stay_in_number(text: str) -> None:
    better, edits = FORMATTER.edit(text, PROFILE)
    assert better.count("\n") == text.count("\n")
    assert len(better.split()) == len(text.split()) - sum(one.rule == "ocr.stray" for one in edits)
    assert (better != text) <= bool(edits)
    assert all(1 <= one.line <= text.count("\n") + 1 for one in edits)


def test_a_hostile_word_takes_no_long_time() -> None:
    text = "və " + "rnıl" * 5_000 + " və " + " ".join(f"ərnıl{k}rn" for k in range(200))
    assert len(edit(text).split()) == 203


def test_recipes_know_it() -> None:
    assert processor("formatter", "ocr") is Ocr
    assert FORMATTER.identity()["confusions"]
