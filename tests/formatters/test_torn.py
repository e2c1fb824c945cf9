from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.formatters.base import Edit
from curation.formatters.torn import Torn, rejoin
from curation.languages.profile import load_profile
from curation.processors import processor
from curation.text.lexicon import load_lexicon

CASES: dict[str, list[Any]] = json.loads((Path(__file__).parents[1] / "cases" / "torn.json").read_text("utf-8"))
PROFILE = load_profile("azj_Latn")
LEXICON = load_lexicon("azj_Latn")
FORMATTER = Torn()


def edit(text: str) -> str:
    return FORMATTER.edit(text, PROFILE)[0]


@pytest.mark.parametrize("case", CASES["in_the_wild"], ids=lambda case: case["why"])
def test_words_are_whole_again(case: dict[str, str]) -> None:
    assert LEXICON is not None
    assert edit(case["text"]) == case["better"]
    assert rejoin(case["text"], LEXICON) == case["better"]
    assert FORMATTER.suspects_in(pa.array([case["text"]]), PROFILE).all()


@pytest.mark.parametrize("text", CASES["untouched"])
def test_leaves_alone(text: str) -> None:
    assert FORMATTER.edit(text, PROFILE) == (text, [])


@pytest.mark.parametrize("case", CASES["known_failures"], ids=lambda case: case["why"])
def test_known_failures_fail(case: dict[str, str]) -> None:
    assert edit(case["text"]) != case["better"], "it works now: move it to in_the_wild"


def test_an_edit_a_line_shows_the_words_as_they_stood() -> None:
    text = "Birinci sətir.\nM ə hk ə m ə q ə rarı\nÜçüncü sətir v ə son."
    better, edits = FORMATTER.edit(text, PROFILE)
    assert better == "Birinci sətir.\nMəhkəmə qərarı\nÜçüncü sətir və son."
    assert edits == [Edit("torn.letters", 2, "M ə hk ə m ə | q ə rarı"), Edit("torn.letters", 3, "v ə")]


def test_the_ledger_stays_small() -> None:
    _, edits = FORMATTER.edit("M ə hk ə m ə " * 100 + "\n" + "v ə\n" * 10_050, PROFILE)
    assert len(edits) == 10_001
    assert edits[-1].rule == "torn.more"
    assert edits[0].text is not None
    assert len(edits[0].text) == 200


def test_only_where_there_is_a_lexicon() -> None:
    other = PROFILE.model_copy(update={"code": "tur_Latn"})
    assert FORMATTER.edit("v ə", other) == ("v ə", [])
    assert not FORMATTER.suspects_in(pa.array(["v ə"]), other).any()


PIECES = ["ə", "ş", "İ", "m", "v", "o", "A", "kitab", "rbaycan", "Az", "hk", "1", "a)", "—", "  ", "\n", "ə.", "«ə", "LL", "\t"]


@given(st.lists(st.sampled_from(PIECES), max_size=30).map(" ".join))
def test_only_single_spaces_go_and_the_gate_misses_nothing(text: str) -> None:
    better = edit(text)
    assert better.replace(" ", "") == text.replace(" ", "")
    assert [line.count("  ") for line in better.split("\n")] <= [line.count("  ") for line in text.split("\n")]
    assert better == text or FORMATTER.suspects_in(pa.array(["x", text]), PROFILE)[1]


def test_a_long_line_takes_no_long_time() -> None:
    assert edit("ə " * 3_000).count("ə") == 3_000


def test_recipes_know_it() -> None:
    assert processor("formatter", "torn") is Torn
