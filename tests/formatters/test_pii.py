"""Formatter `pii`: what is found, what is left alone, and that nothing of it is kept anywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.formatters.base import Edit
from curation.formatters.lines import MOST_EDITS
from curation.formatters.pii import Pii
from curation.languages.profile import load_profile
from curation.text.buffers import views
from curation.text.pii import KINDS, find
from curation.text.pii_lines import suspect_lines

PROFILE = load_profile("azj_Latn")
CASES: dict[str, list[dict[str, Any]]] = json.loads((Path(__file__).parents[1] / "cases" / "pii.json").read_text("utf-8"))
MARKS = {kind: f"<{kind.upper()}>" for kind in KINDS}


def named(group: str) -> list[Any]:
    return [pytest.param(case, id=case["why"]) for case in CASES[group]]


def redacted(text: str, found: list[list[str]]) -> str:
    """The text with the mark of its kind for each piece, in order."""
    place = 0
    for kind, piece in found:
        place = text.index(piece, place)
        text = text[:place] + MARKS[kind] + text[place + len(piece) :]
    return text


@pytest.mark.parametrize("case", named("synthetic"))
def test_personal_data_go(case: dict[str, Any]) -> None:
    text, edits = Pii().edit("Birinci sətir.\n" + case["text"], PROFILE)
    assert text == "Birinci sətir.\n" + redacted(case["text"], case["found"])
    assert edits == [Edit(f"pii.{kind}", 2, None) for kind, _ in case["found"]]


@pytest.mark.parametrize("case", named("negative"))
def test_other_numbers_stay(case: dict[str, Any]) -> None:
    assert Pii().edit(case["text"], PROFILE) == (case["text"], [])


@pytest.mark.parametrize("case", named("known_failures"))
@pytest.mark.xfail(strict=True, reason="known failure")
def test_known_failures(case: dict[str, Any]) -> None:
    assert Pii().edit(case["text"], PROFILE)[0] == redacted(case["text"], case["found"])


def test_the_recipe_chooses_marks_and_kinds() -> None:
    text = "info@misal.az və 050 555 01 12"
    assert Pii(email="[ünvan]", phone=None).edit(text, PROFILE) == ("[ünvan] və 050 555 01 12", [Edit("pii.email", 1, None)])


PIECES = [piece for case in CASES["synthetic"] + CASES["negative"] for piece in case["text"].split(", ")]
lines = st.lists(st.sampled_from(PIECES) | st.text("0123456789+()-./@: AZaəФ\u00a0–", max_size=20), max_size=4).map(" ".join)


@given(lines.filter(lambda line: "\n" not in line))
def test_the_lines_not_suspected_hold_nothing(line: str) -> None:
    suspected = suspect_lines(*views(pa.array([line], pa.string()))).reasons.tolist()
    assert find(line) == (find(line, suspected[0]) if suspected else [])


@given(st.lists(st.lists(lines, max_size=3).map("\n".join), max_size=4))
def test_a_batch_is_its_documents_in_any_order(batch: list[str]) -> None:
    formatted = Pii().apply(pa.array(["x@misal.az", *batch], pa.string()).slice(1), PROFILE)
    turned = Pii().apply(pa.array(batch[::-1], pa.string()), PROFILE)
    assert formatted.texts.to_pylist() == turned.texts.to_pylist()[::-1] == [Pii().edit(text, PROFILE)[0] for text in batch]
    assert all(edit.text is None for of in formatted.edits.values() for edit in of)


@given(st.lists(lines, max_size=3).map("\n".join))
def test_only_the_found_pieces_change(text: str) -> None:
    better, edits = Pii().edit(text, PROFILE)
    assert better.count("\n") == text.count("\n")
    assert len(edits) == sum(len(find(line)) for line in text.split("\n"))


@given(st.text())
def test_any_text_is_taken(text: str) -> None:
    assert Pii().apply(pa.array([text], pa.string()), PROFILE).errors == {}


@pytest.mark.parametrize(
    "piece", ["a@", "0 ", "1-", "+9", "(0", "1.", "a.", "AZ21", "AZ21 ", "1:", ":", "12ab3C ", "994 ", "@a.", "fin ", "\u00a0"]
)
def test_hostile_lines_end(piece: str) -> None:
    """Half a megabyte of anything takes a moment: what is quadratic would take hours."""
    text = piece * (500_000 // len(piece))
    better, edits = Pii().edit(text, PROFILE)
    assert len(edits) == (piece == "994 ")  # a country code, and nine figures behind it
    assert better.removeprefix(MARKS["phone"]) == (text[len("994 994 994 994") :] if edits else text)


def test_the_ledger_lists_so_many_and_says_that_there_are_more() -> None:
    _, edits = Pii().edit("a@misal.az\n" * (MOST_EDITS + 9), PROFILE)
    assert edits[-2:] == [Edit("pii.email", MOST_EDITS, None), Edit("pii.more", MOST_EDITS + 1, None)]


def test_clean_texts_come_back_as_they_are() -> None:
    texts = pa.array(["12.05.2018 tarixli Qanun", ""], pa.string())
    assert Pii().apply(texts, PROFILE).texts is texts
