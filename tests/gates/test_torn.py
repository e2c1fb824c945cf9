"""Floors of formatter `torn` on text that nobody here wrote: `pytest tests/gates/test_torn.py -s` prints the figures."""

from __future__ import annotations

import io
import json
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
import zstandard

from curation.formatters.torn import Torn
from curation.languages.profile import load_profile

pytestmark = pytest.mark.realdata

GATE: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("torn.yaml").read_text("utf-8"))
PROFILE = load_profile("azj_Latn")
REACH = 9


def rows(shared: Path, file: str) -> list[dict[str, Any]]:
    with (shared / f"{file}.jsonl.zst").open("rb") as packed, zstandard.ZstdDecompressor().stream_reader(packed) as plain:
        return [json.loads(line) for line in io.TextIOWrapper(plain, encoding="utf-8", newline="\n")]


def letters(text: str) -> tuple[str, list[str]]:
    """(its letters in lower case, what stands before each)."""
    found = list(re.finditer(r"[^\W\d_]", text))
    ends = [0, *(match.end() for match in found)]
    return PROFILE.folded("".join(match[0] for match in found)), [
        text[end : match.start()] for end, match in zip(ends, found, strict=False)
    ]


def places(torn: str, better: str, clean: str) -> Counter[tuple[bool, bool]]:
    """How often (it is a space in the clean text, it is still one)."""
    whole, gaps = letters(clean)
    known: dict[str, set[bool]] = defaultdict(set)
    for k in range(REACH, len(whole) - REACH):
        known[whole[k - REACH : k + REACH]].add(bool(gaps[k]))
    (before, old), (after, new) = letters(torn), letters(better)
    assert before == after
    counts: Counter[tuple[bool, bool]] = Counter()
    for k in range(REACH, len(before) - REACH):
        if old[k] and not old[k].strip(" ") and len(truth := known[before[k - REACH : k + REACH]]) == 1:
            counts[next(iter(truth)), bool(new[k])] += 1
    return counts


@pytest.mark.parametrize("law", GATE["rejoined"])
def test_torn_letters_of_a_law(shared: Path, law: str) -> None:
    torn = next(row["text"] for row in rows(shared, "text_az/laws_converted_markdown") if row["metadata"]["law"] == law)
    clean = "\n".join(row["text"] for row in rows(shared, "text_az/laws_articles") if row["metadata"]["law"] == law)
    counts = places(torn, Torn().edit(torn, PROFILE)[0], clean)
    joined, missed, wrong = counts[False, False], counts[False, True], counts[True, False]
    print(f"{law}: {joined / (joined + missed):.5f} of {joined + missed} rejoined, {wrong} wrongly")
    assert joined >= GATE["rejoined"][law]["least"] * (joined + missed)
    assert wrong <= GATE["wrong"]["most"] * joined


@pytest.mark.parametrize("file", GATE["ordinary"])
def test_ordinary_text_stays(shared: Path, file: str) -> None:
    edits = Torn().apply(pa.array([row["text"] for row in rows(shared, file)], pa.string()), PROFILE).edits
    print(f"{file}: {len(edits)} documents changed")
    assert len(edits) <= GATE["ordinary"][file]["most"]
