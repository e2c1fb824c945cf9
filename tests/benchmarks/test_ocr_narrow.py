"""The bench's pages on which m is read as rn: what is set, what is counted, and what the repair leaves of the error."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from benchmarks.ocr.degrade import coarse, faint
from benchmarks.ocr.marks import directions
from benchmarks.ocr.narrow import LEVELS, SETTINGS, counted, cut, markdown, narrow_pages, report
from benchmarks.ocr.narrow_windows import exchanged, faces, sample
from benchmarks.ocr.pages import write_page
from benchmarks.ocr.readings import READINGS
from benchmarks.ocr.render import FOLDER, FONTS, MORE_FONTS, Style, render
from benchmarks.ocr.texts import TEST
from curation.extractors.ocr import page_cache
from curation.extractors.ocr.narrow import CLASSES

needs_fonts = pytest.mark.skipif(
    not all(list(FOLDER.rglob((FONTS | MORE_FONTS)[face])) for face, _ in SETTINGS.values()),
    reason="the fonts of the bench are not installed",
)
needs_tesseract = pytest.mark.skipif(shutil.which("tesseract") is None, reason="no Tesseract")


@pytest.mark.parametrize(
    ("truth", "reading", "expected"),
    [
        ("məktəb", "rnəktəb", (1, 0)),
        ("karnaval", "kamaval", (0, 1)),
        ("adamın qolları", "adaının qollam", (1, 1)),
        ("adam gəldi", "adan gəldi", (0, 0)),
    ],
)
def test_both_directions_are_counted_apart(truth: str, reading: str, expected: tuple[int, int]) -> None:
    assert directions(truth, reading) == expected


def row(setting: str, level: str, parted: int, joined: int, left: int) -> dict[str, object]:
    figures = {"edits": 20, "characters": 1000, "word_edits": 9, "words": 100}
    before, after = {"parted": parted, "joined": joined, **figures}, {"parted": left, "joined": 0, **figures}
    return {"setting": setting, "level": level, "readings": {name: before if name == READINGS[0] else after for name in READINGS}}


def test_the_cut_is_of_both_directions_over_all_pages() -> None:
    first, second, *_ = SETTINGS
    found = report([row(first, "light", 6, 2, 1), row(first, "moderate", 1, 0, 0), row(second, "clean", 0, 1, 1)])
    assert cut(found["all"], READINGS[-1]) == pytest.approx(0.8)
    assert cut(found[first], READINGS[-1]) == pytest.approx(8 / 9)
    assert cut(found[second], READINGS[-1]) == 0
    assert cut(report([])["all"], READINGS[-1]) is None
    table = markdown(found)
    assert f"| {first} (2) | Tesseract | 7 | 2 | 0% | 2.00% | 9.00% |" in table
    assert "| all (3) | our OCR, repaired | 2 | 0 | 80% | 2.00% | 9.00% |" in table


@needs_fonts
def test_pages_are_held_out_and_the_same_for_a_seed() -> None:
    first, again, other = ([*narrow_pages(None, TEST, len(SETTINGS) + 2, seed)] for seed in (0, 0, 1))
    assert [page.facts for page in first] == [page.facts for page in again]
    assert all(one.image.tobytes() == two.image.tobytes() for one, two in zip(first, again, strict=True))
    assert [page.lines for page in first] != [page.lines for page in other]
    assert [page.facts["setting"] for page in first[: len(SETTINGS)]] == list(SETTINGS)
    assert [page.facts["level"] for page in first] == [LEVELS[0]] * len(SETTINGS) + [LEVELS[1]] * 2


@needs_fonts
@pytest.mark.parametrize("change", [faint, coarse])
def test_hairlines_go_and_thick_strokes_stay(change) -> None:  # type: ignore[no-untyped-def]
    image = render(("Memar memarlıq məktəbinin müəllimi ilə məsləhətləşir.",), Style("Computer Modern", 9.0, 1, 40)).image
    ink = [(np.asarray(change(image, level, 0.9, np.random.default_rng(3))) < 128).sum() for level in (1, 2)]
    assert 0.4 * (np.asarray(image) < 128).sum() < ink[1] < ink[0] < (np.asarray(image) < 128).sum()


@needs_fonts
@needs_tesseract
def test_a_page_is_read_and_counted(tmp_path: Path) -> None:
    *_, page = narrow_pages(None, TEST, 20, 1)
    page_cache.set(tmp_path / "cache")
    rows = [counted(page, write_page(tmp_path / "pages", page))]
    found = report(rows)["all"]["readings"]
    plain, ours = found[READINGS[0]], found[READINGS[-1]]
    assert (page.facts["setting"], page.facts["level"]) == ("Computer Modern, coarse", "moderate")
    assert plain["parted"] > 0
    assert ours["parted"] + ours["joined"] < plain["parted"] + plain["joined"]
    assert ours["edits"] < plain["edits"]


def test_letters_around_tell_nothing_of_an_exchanged_place() -> None:
    text = exchanged("adamın " * 4000, random.Random(5))
    found = {word: text.split().count(word) / 4000 for word in ("adamın", "adamm", "adanın", "adanım")}
    assert 0.05 < found["adamın"] < 0.2
    assert 0.2 < found["adamm"] < 0.3
    assert 0 < found["adanım"] < 0.02
    assert not found["adanın"]


@needs_fonts
def test_windows_show_their_classes_and_are_the_same_for_a_seed() -> None:
    fonts = faces()
    assert not {path.name for path in fonts} & {(FONTS | MORE_FONTS)[face] for face, _ in SETTINGS.values()}
    one, again, other = (sample(["Memar memarlıq məktəbinin müəllimi ilə zamanında məsləhətləşirmiş"], fonts, seed) for seed in (3, 3, 4))
    assert [window.tobytes() for window in one.pixels] == [window.tobytes() for window in again.pixels]
    assert one.kinds == again.kinds != other.kinds
    assert {CLASSES[kind] for kind in one.kinds} > {"", "m", "nı"}
    assert {window.shape for window in one.pixels} == {(32, 40)}
