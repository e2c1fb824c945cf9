"""Pages of the bench of OCR: whose text they are, how it is set, and that the same seed gives the same page."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from benchmarks.ocr.degrade import DEGRADATIONS, LEVELS, angle, degrade
from benchmarks.ocr.pages import bench_pages
from benchmarks.ocr.render import FOLDER, FONTS, Style, fonts, hyphenations, render
from benchmarks.ocr.scores import flow
from benchmarks.ocr.texts import TEST, TRAIN, documents, held_out, paragraphs, passages, quoted
from curation.errors import DollmaError

needs_fonts = pytest.mark.skipif(
    not all(list(FOLDER.rglob(file)) for file in FONTS.values()), reason="the fonts of the bench are not installed"
)
TEXT = ("Dəniz kənarında", "Ağ gəmi «uzaq ölkələrdən gəlirdi», mayakçı isə pəncərədən baxıb hər axşam onun işıqlarını sayırdı. " * 3)


def test_a_quarter_of_the_documents_is_held_out_and_no_law_is_cut() -> None:
    rows = [{"id": f"sənəd-{k}", "metadata": {}} for k in range(4000)]
    assert 900 < sum(map(held_out, rows)) < 1100
    law = [held_out({"id": str(k), "metadata": {"law": "Su Məcəlləsi"}}) for k in range(50)]
    assert len(set(law)) == 1
    assert held_out({"id": "books1/saatsaz", "metadata": {}}) == held_out({"id": "başqa", "metadata": {"law": "books1/saatsaz"}})


def test_no_document_is_in_both_parts() -> None:
    parts = [{name for name, _ in documents(None, quarters)["own"]} for quarters in (TEST, TRAIN)]
    assert min(map(len, parts)) > 5
    assert not parts[0] & parts[1]
    assert [passage.document for passage in passages(None, TEST, 5)] == [passage.document for passage in passages(None, TEST, 9)[:5]]


def test_guillemets_stand_round_whole_words_and_nothing_else_changes() -> None:
    text = "Ağ gəmi uzaq ölkələrdən gəlirdi, mayakçı isə pəncərədən baxıb (hər axşam) onun işıqlarını sayırdı."
    marked = [quoted(text, random.Random(seed)) for seed in range(60)]
    assert all(one.replace("«", "").replace("»", "") == text for one in marked)
    assert sum(one.count("«") for one in marked) > 15
    assert all(one.count("«") == one.count("»") for one in marked)
    assert not any(sign in inner for one in marked for inner in one.split("«")[1:] for sign in (",»", "»a", "( "))


def test_lines_of_a_laws_pdf_become_paragraphs() -> None:
    law = "Maddə 3. Vəzifələr\n3.0. Bu Məcəllənin vəzifələri\naşağıdakılardır:\n3.0.1. bütün ailə\nüzvlərinin hüquqla-\nrının təmin edilməsi;\n"
    assert paragraphs(law, "laws") == [
        "Maddə 3. Vəzifələr",
        "3.0. Bu Məcəllənin vəzifələri aşağıdakılardır:",
        "3.0.1. bütün ailə üzvlərinin hüquqlarının təmin edilməsi;",
    ]
    assert paragraphs("fmt.Println(x)\nBu sətir isə dərsin mətnidir.", "lessons") == ["Bu sətir isə dərsin mətnidir."]


@pytest.mark.parametrize(
    ("word", "parts"), [("məktəblilər", "mək-təb-li-lər"), ("kitab", "ki-tab"), ("saat", "saat"), ("Azərbaycan,", "Azər-bay-can,")]
)
def test_words_are_cut_before_a_consonant_and_its_vowel(word: str, parts: str) -> None:
    cuts = hyphenations(word)
    assert "-".join(word[a:b] for a, b in zip([0, *cuts], [*cuts, len(word)], strict=True)) == parts


@needs_fonts
def test_fonts_are_used_for_the_scripts_that_they_have() -> None:
    assert "Old Standard" in fonts("Latn")
    assert "Old Standard" not in fonts("Cyrl")  # it has no ҹ ҝ ғ
    assert "PT Serif" in fonts("Latn")  # its ə is the Cyrillic letter
    assert len(fonts("Cyrl")) >= 4


def test_a_font_that_is_not_there_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("benchmarks.ocr.render.FOLDER", tmp_path)
    with pytest.raises(DollmaError, match=r"no font LinLibertine_RB.otf .*apt-get install fonts-"):
        render(TEXT, Style("Linux Libertine Bold", 13.25, 1, 40))


@needs_fonts
@pytest.mark.parametrize("columns", [1, 2])
def test_a_page_holds_its_text_and_no_line_is_too_long(columns: int) -> None:
    page = render(TEXT, Style("PT Serif", 9.0, columns, 40))
    assert page.lines[:2] == ("Dəniz kənarında", "")
    assert flow(page.lines) == " ".join(" ".join(TEXT).split())
    assert max(map(len, page.lines)) < 60
    dark = np.asarray(page.image) < 128
    assert dark[:, -80:].sum() == dark[:, :80].sum() == 0  # the margins are empty
    if columns == 2:
        assert dark[:, page.gutter - 15 : page.gutter + 15].sum() == 0
        assert dark[:, page.gutter :].sum() > dark.sum() / 4


@needs_fonts
@pytest.mark.parametrize("name", DEGRADATIONS)
def test_each_level_is_farther_from_the_page_as_printed(name: str) -> None:
    image = render(TEXT, Style("Free Serif", 10.0, 1, 40)).image
    assert degrade(image, name, 0, 10.0, 3) is image
    small = image.resize((90, 60))
    if angle(name, 4, 3):
        assert [abs(angle(name, level, 3)) for level in (2, 3, 4)] == sorted({abs(angle(name, level, 3)) for level in (2, 3, 4)})
        return
    far = [
        np.abs(np.asarray(degrade(image, name, level, 10.0, 3).resize((90, 60)), float) - np.asarray(small, float)).mean()
        for level in (1, 4)
    ]
    exact = [
        np.abs(np.asarray(degrade(image, name, level, 10.0, 3), float) - np.asarray(image, float)).mean() for level in range(len(LEVELS))
    ]
    assert exact[0] == 0
    assert exact[1] > 0
    assert exact[4] > exact[1], far
    assert np.array_equal(degrade(image, name, 2, 10.0, 3), degrade(image, name, 2, 10.0, 3))


@needs_fonts
def test_the_same_seed_gives_the_same_pages() -> None:
    first, again, other = ([*bench_pages(None, TEST, 6, seed)] for seed in (0, 0, 1))
    assert [page.facts for page in first] == [page.facts for page in again]
    assert all(np.array_equal(one.image, two.image) for one, two in zip(first, again, strict=True))
    assert [page.facts["level"] for page in first] == [*LEVELS, "clean"]
    assert [page.lines for page in first] != [page.lines for page in other]
    assert all(page.image.width == page.facts["size_px"][0] or page.facts["angle"] for page in first)
