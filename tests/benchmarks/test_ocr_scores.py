"""Figures of the bench of OCR: distances against a plain oracle, guillemets and rn/m on cases, rank statistics."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.ocr.marks import Marks, confusions, marks
from benchmarks.ocr.report import auc, spearman
from benchmarks.ocr.scores import aligned, edits, flow, page_lines, tsv_page, word_edits
from curation.extractors.page import Line, Page, Word

short = st.text(alphabet="aəbm n«»", max_size=14)


def oracle(a, b) -> int:
    """Levenshtein's recursion, straight from its definition."""
    rows = [list(range(len(b) + 1))]
    for i, x in enumerate(a, 1):
        rows.append([i])
        for j, y in enumerate(b, 1):
            rows[i].append(min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (x != y)))
    return rows[-1][-1]


@given(short, short)
def test_edits_are_levenshteins(truth: str, reading: str) -> None:
    assert edits(truth, reading) == oracle(truth, reading)
    assert word_edits(truth.split(), reading.split()) == oracle(truth.split(), reading.split())


@given(short, short)
def test_an_alignment_spells_both_texts_at_the_distance(truth: str, reading: str) -> None:
    found = aligned(truth, reading)
    assert found.distance == oracle(truth, reading)
    assert "".join(truth[i] for i, _ in found.pairs if i >= 0) == truth
    assert "".join(reading[j] for _, j in found.pairs if j >= 0) == reading
    assert sum(i < 0 or j < 0 or truth[i] != reading[j] for i, j in found.pairs) == found.distance


@pytest.mark.parametrize(
    ("truth", "reading", "expected"),
    [
        ("O, «Bakı» dedi.", "O, «Bakı» dedi.", (1, 1, 0)),
        ("O, «Bakı» dedi.", "O, xBakı? dedi.", (1, 0, 0)),
        ("O, «Bakı» dedi.", "O, «Bəkı» dedı.", (1, 1, 0)),
        ("O, «Bakı» dedi.", "O, «Bakı dedi».", (1, 0, 1)),
        ("O, «Bakı şəhəri» dedi.", "O, «Bakı» şəhəri dedi.", (1, 0, 1)),
        ("O, “Bakı” dedi.", "O, «Bakı» dedi.", (0, 0, 2)),
        ("«Bir» və «iki»", "«Bir» və eiki»", (2, 1, 0)),
        ("«Bir», dedi.", "«Bir,» dedi.", (1, 1, 0)),
        ("O dedi.", "O dedi.", (0, 0, 0)),
    ],
)
def test_guillemets(truth: str, reading: str, expected: tuple[int, int, int]) -> None:
    assert marks(truth, reading) == Marks(*expected, len(reading.split()))


@pytest.mark.parametrize(
    ("truth", "reading", "expected"),
    [
        ("məktəb", "rnəktəb", (1, 0)),
        ("karnaval", "kamaval", (1, 0)),
        ("mənim", "mənirı", (1, 0)),
        ("adam gəldi", "adan gəldi", (0, 1)),
        ("su", "sm", (0, 1)),
        ("məktəb", "məktəb", (0, 0)),
    ],
)
def test_rn_and_m(truth: str, reading: str, expected: tuple[int, int]) -> None:
    assert confusions(truth, reading) == expected


def test_hyphens_at_line_ends_go_and_others_stay() -> None:
    assert flow(["Şimal-qərbdə kül-", "", "ək əsirdi -", "sakit."]) == "Şimal-qərbdə külək əsirdi - sakit."


def test_words_go_back_to_their_lines_whatever_the_order_of_reading() -> None:
    facts = {"size_px": (1000, 400), "angle": 0.0, "gutter": 500, "pitch": 50}
    placed = {"bir": (100, 100), "iki": (300, 100), "üç": (100, 150), "dörd": (600, 100), "beş": (600, 150)}
    words = [Word(text, x, y, x + 40, y + 30) for text, (x, y) in placed.items()]
    read_across = Page(1, 1000, 400, (Line((words[0], words[1], words[3]), 30, 0), Line((words[4], words[2]), 30, 1)), "ocr")
    assert page_lines(read_across, facts) == ["bir iki", "üç", "dörd", "beş"]


def test_tesseracts_tsv_as_a_page() -> None:
    rows = [
        "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext",
        "1\t1\t0\t0\t0\t0\t0\t0\t640\t480\t-1\t",
        "5\t1\t1\t1\t1\t1\t10\t20\t30\t40\t96.5\tBakı",
        "5\t1\t1\t1\t1\t2\t50\t20\t30\t40\t50\tşəhəri",
        "5\t1\t1\t1\t2\t1\t10\t70\t30\t40\t10\t ",
    ]
    page = tsv_page("\n".join(rows))
    assert (page.width, page.height, [line.text for line in page.lines]) == (640, 480, ["Bakı şəhəri"])
    assert page.lines[0].words[0] == Word("Bakı", 10, 20, 40, 60, 96.5)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=3, max_size=20))
def test_rank_statistics_are_what_their_definitions_say(pairs: list[tuple[int, int]]) -> None:
    a, b = (np.array(side, float) for side in zip(*pairs, strict=True))
    ranks = [np.array([sum(y < x for y in side) + (sum(y == x for y in side) + 1) / 2 for x in side]) for side in (a, b)]
    if np.ptp(a) and np.ptp(b):
        assert spearman(a, b) == pytest.approx(np.corrcoef(*ranks)[0, 1])
    else:
        assert spearman(a, b) is None
    yes = b > 3
    wins = [(x > y) + (x == y) / 2 for x in a[yes] for y in a[~yes]]
    assert auc(a, yes) == (pytest.approx(np.mean(wins)) if wins else None)


def test_auc_is_one_for_a_perfect_order() -> None:
    rate = np.array([0.001, 0.03, 0.2, 0.07])
    assert auc(rate, rate > 0.05) == 1
    assert spearman(rate, rate**2) == pytest.approx(1)
