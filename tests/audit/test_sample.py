"""`dollma sample`: the same documents each time, around what was found in them, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from curation.errors import DollmaError
from pipelines.audit.catalog import Catalog
from pipelines.audit.samples import sample
from pipelines.commands.sample import _cell
from tests.pipelines.workspace import dollma


def test_a_borderline_sample_is_half_on_either_side(demo: Catalog) -> None:
    rows = sample(demo, "language.min_target", 6, "borderline")
    margins = [row.margin or 0 for row in rows]
    assert [abs(m) for m in margins] == sorted(abs(m) for m in margins)
    assert sum(m < 0 for m in margins) == 3
    every = sample(demo, "language.min_target", 60, "borderline")
    assert len(every) == 60, "one side gives what the other lacks"
    assert {row.id for row in every if (row.margin or 0) < 0} == {row.id for row in sample(demo, "language.min_target", 1000)}
    with pytest.raises(DollmaError, match="compares no measure"):
        sample(demo, "mediawiki.redirect", 5, "borderline")


def test_a_random_sample_is_one_of_the_rule_and_follows_from_the_seed(demo: Catalog) -> None:
    rows = sample(demo, "language.min_target", 5, seed=1)
    assert rows == sample(demo, "language.min_target", 5, seed=1) != sample(demo, "language.min_target", 5, seed=2)
    assert all("language.min_target" in [rule.rule for rule in row.rules] for row in rows)
    assert len(sample(demo, None, 100_000)) == demo.manifest["totals"]["read"]
    strata = sample(demo, None, 30, "stratified")
    assert len({(row.source, row.verdict) for row in strata}) > 10


def test_jsonl_shows_the_text_around_what_was_found(demo_version: Path) -> None:
    asked = ("sample", str(demo_version), "--rule", "language.min_target", "-n", "8", "--format", "jsonl", "--length", "100")
    told = [json.loads(line) for line in dollma(*asked).stdout.splitlines()]
    assert len(told) == 8
    assert all(len(one["text"]) <= 100 for one in told)
    assert all(one["rule"] == "language.min_target" and one["value"] < one["threshold"] == 0.3 for one in told)
    found = [
        json.loads(line)
        for line in dollma("sample", str(demo_version), "-n", "301", "--format", "jsonl", "--length", "30").stdout.splitlines()
    ]
    assert any((one["text_from"] or 0) > 0 and one["verdict"] == "rejected" for one in found)
    assert dollma(*asked).stdout == dollma(*asked, "--seed", "0").stdout != dollma(*asked, "--seed", "9").stdout


def test_csv_is_read_back_as_it_was(demo_version: Path) -> None:
    text = dollma("sample", str(demo_version), "-n", "400", "--format", "csv").stdout
    assert text.startswith("\ufeffid,")
    read = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    told = [json.loads(line) for line in dollma("sample", str(demo_version), "-n", "400", "--format", "jsonl").stdout.splitlines()]
    assert [row["id"] for row in read] == [row["id"] for row in told]
    assert [row["text"].removeprefix("'") for row in read] == [(row["text"] or "").removeprefix("'") for row in told]
    assert not [cell for row in read for cell in row.values() if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))]


@pytest.mark.parametrize("begun", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_is_a_formula(begun: str) -> None:
    assert _cell(f"{begun}HYPERLINK(1)") == f"'{begun}HYPERLINK(1)"
    assert _cell("a\0b\x1b[31m") == "a\ufffdb\ufffd[31m"
    assert _cell(-1.5) == -1.5


def test_the_terminal_gets_no_control_character(demo_version: Path) -> None:
    told = dollma("sample", str(demo_version), "-n", "301").stdout
    assert "its text is not here" in told
    assert not [c for c in told if not c.isprintable() and c != "\n"]


def test_a_wrong_rule_names_the_nearest(demo_version: Path) -> None:
    done = dollma("sample", str(demo_version), "--rule", "length.min_word", code=1)
    assert "did you mean 'length.min_words'" in " ".join(done.stderr.split())
    both = dollma("sample", str(demo_version), "--borderline", "--stratified", code=1)
    assert "can't both" in both.stderr
