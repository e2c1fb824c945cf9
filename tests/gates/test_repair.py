"""Floors of formatter `ocr` on clean text that nobody here wrote: `pytest tests/gates/test_repair.py -s` prints the figures."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
import zstandard

from curation.formatters.ocr import Ocr
from curation.languages.profile import load_profile

pytestmark = pytest.mark.realdata

GATE: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("repair.yaml").read_text("utf-8"))
PROFILE = load_profile("azj_Latn")
PAGE, MOST = 300, 20_000


def pages(shared: Path, file: str) -> Iterator[str]:
    """Texts of the file's language, one after another, in pages of some hundred words."""
    with (shared / f"{file}.jsonl.zst").open("rb") as packed, zstandard.ZstdDecompressor().stream_reader(packed) as plain:
        found = [json.loads(line) for line in io.TextIOWrapper(plain, encoding="utf-8", newline="\n")]
    page: list[str] = []
    for row in found:
        if file.startswith("web_neighbours") or row["metadata"]["language"] == "aze":
            page.append(row["text"])
        if sum(len(text.split()) for text in page) >= PAGE:
            yield "\n".join(page)[:MOST]
            page = []


@pytest.mark.parametrize("file", GATE["unchanged"])
def test_clean_text_stays(shared: Path, file: str) -> None:
    gate = GATE["unchanged"][file]
    words = changed = 0
    for page, _ in zip(pages(shared, file), range(gate["pages"]), strict=False):
        better, _ = Ocr().edit(page, PROFILE)
        words += len(page.split())
        changed += (Counter(page.split()) - Counter(better.split())).total()
    print(f"{file}: {1 - changed / words:.5f} of {words} words")
    assert changed <= (1 - gate["least"]) * words


def test_planted_confusions_of_m_and_rn_come_back(shared: Path) -> None:
    gate = GATE["planted"]
    planted = back = seen = 0
    for page, _ in zip(pages(shared, gate["file"]), range(20), strict=False):
        words = page.split()
        shown = {}
        for place, word in enumerate(words):
            if "m" in word and len(word) > 3:
                seen += 1
                if seen % gate["every"] == 0:
                    shown[place] = word
                    words[place] = word.replace("m", "rn", 1)
        better = Ocr().edit(" ".join(words), PROFILE)[0].split()
        planted += len(shown)
        back += sum(better[place] == word for place, word in shown.items())
    print(f"rn for m: {back / planted:.4f} of {planted} came back")
    assert back >= gate["least"] * planted
