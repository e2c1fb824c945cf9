"""OCR of pages by the real Tesseract: what is read, under which limits, and what is kept."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from loguru import logger
from PIL import Image, ImageDraw, ImageFont

from curation.errors import DollmaError
from curation.extractors.ocr import OcrError, OcrOptions, recognise, tesseract
from curation.extractors.page import Page
from tests.books import FONTS, drawn, need_tesseract, pages_kept_in

LATIN = (
    "«Bakı» qəzeti dünən «Dədə Qorqud» haqqında",
    "yazdı və «Xəmsə»nin yeni çapını tərif etdi.",
    "Kənddə uşaqlar bulaqdan su gətirirdilər.",
)
CYRILLIC = (
    "«Бакы» гәзети дүнән китаб һаггында јазды",
    "вә мүәллим «Хәмсә» поемасыны охуду.",
    "Кәнддә ушаглар булагдан су ҝәтирирдиләр.",
)
OPTIONS = OcrOptions()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path) -> Iterator[Path]:
    """A cache of its own for each test."""
    with pages_kept_in(tmp_path / "pages") as folder:
        yield folder


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    need_tesseract()


def text(read: Page) -> str:
    return " ".join(line.text for line in read.lines)


def calls(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Every command that is started from now on."""
    started: list[list[str]] = []
    popen = subprocess.Popen

    def noted(command: list[str], *args: object, **more: object) -> subprocess.Popen[bytes]:
        started.append(command)
        return popen(command, *args, **more)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(tesseract.subprocess, "Popen", noted)
    return started


def test_words_with_places_and_guillemets() -> None:
    read = recognise(drawn(LATIN), OPTIONS, 7)
    assert text(read) == " ".join(LATIN)
    assert (read.number, read.origin, read.script) == (7, "ocr", "Latn")
    words = {word.text: word for line in read.lines for word in line.words}
    first = words["«Bakı»"]
    assert abs(first.x0 - 84) < 8
    assert first.y0 < 84 + 42 < first.y1 + 42
    assert words["qəzeti"].x0 > first.x1
    assert words["qəzeti"].confidence is not None
    assert words["qəzeti"].confidence > 80
    assert [line.words[0].text for line in read.lines] == ["«Bakı»", "yazdı", "Kənddə"]


def test_without_the_second_reading_the_guillemets_are_letters() -> None:
    assert "«" not in text(recognise(drawn(LATIN), OcrOptions(marks=False)))


def test_the_script_is_chosen_by_page() -> None:
    read = recognise(drawn(CYRILLIC), OPTIONS)
    assert read.script == "Cyrl"
    assert "«Бакы»" in text(read)
    assert "«Хәмсә»" in text(read)


def test_text_that_looks_like_marks_stays() -> None:
    lines = ("Sadə cümlələr: x = 5, c < 7, s > 3, e? Bəli!", "Çünki yox, hər kəs öz işini «bilir».")
    read = text(recognise(drawn(lines), OPTIONS))
    assert read.count("«") == read.count("»") == 1


def test_a_crooked_page_is_straightened() -> None:
    crooked = drawn(LATIN).rotate(2.5, Image.Resampling.BICUBIC, expand=True, fillcolor=255)
    read = recognise(crooked, OPTIONS)
    assert text(read) == " ".join(LATIN)
    assert read.notes[0].startswith("straightened by -2.")
    tops = [word.y1 for word in read.lines[0].words]
    assert max(tops) - min(tops) < 20


def test_tiny_letters_are_enlarged_and_boxes_are_of_the_picture() -> None:
    small = drawn(LATIN).resize((drawn(LATIN).width // 3, drawn(LATIN).height // 3), Image.Resampling.LANCZOS)
    read = recognise(small, OPTIONS)
    assert "qəzeti" in text(read)
    assert all(0 <= word.x0 < word.x1 <= small.width for line in read.lines for word in line.words)


@pytest.mark.parametrize("mode", ["1", "RGBA", "CMYK", "I;16"])
def test_any_kind_of_pixels(mode: str) -> None:
    plain = drawn(LATIN[2:])
    image = Image.fromarray(np.asarray(plain).astype(np.uint16) * 257) if mode == "I;16" else plain.convert(mode)
    if mode in ("RGBA", "LA"):
        image = Image.new(mode, plain.size, (0,) * len(mode))
        image.putalpha(plain.point(lambda value: 255 - value))
    assert text(recognise(image, OcrOptions(languages={"Latn": "aze"}, marks=False))) == LATIN[2]


def test_an_empty_page() -> None:
    read = recognise(Image.new("L", (600, 800), 255), OPTIONS)
    assert (read.origin, read.lines, read.confidence) == ("none", (), None)


def test_a_page_over_its_time() -> None:
    with pytest.raises(OcrError, match=r"more than 0\.05 s") as caught:
        recognise(drawn(LATIN * 4), OcrOptions(timeout=0.05))
    assert caught.value.reason == "timeout"


def test_a_page_over_its_memory() -> None:
    with pytest.raises(OcrError, match="memory") as caught:
        recognise(drawn(LATIN), OcrOptions(memory=80 << 20))
    assert caught.value.reason == "memory"


def test_too_many_pixels_are_refused_before_they_are_decoded() -> None:
    with pytest.raises(OcrError, match="max_pixels") as caught:
        recognise(Image.new("1", (20_000, 20_000)), OPTIONS)
    assert caught.value.reason == "image"


def test_a_missing_language_names_its_package() -> None:
    with pytest.raises(DollmaError, match="tesseract-ocr-kaz-cyrl"):
        recognise(drawn(LATIN), OcrOptions(languages={"Cyrl": "kaz_cyrl"}))


def test_a_missing_program_names_its_package() -> None:
    code = (
        "from PIL import Image\nfrom curation.errors import DollmaError\nfrom curation.extractors.ocr import OcrOptions, recognise\n"
        "try:\n    recognise(Image.new('L', (9, 9)), OcrOptions())\nexcept DollmaError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], env=os.environ | {"PATH": "/nowhere"}, capture_output=True, text=True, check=True)
    assert "apt-get install tesseract-ocr tesseract-ocr-aze tesseract-ocr-aze-cyrl" in done.stdout


@pytest.mark.parametrize("name", ["aze; rm -rf", "--help", "../aze", "aze+", ""])
def test_names_of_languages_are_names(name: str) -> None:
    with pytest.raises(ValueError, match="Tesseract languages"):
        OcrOptions(languages={"Latn": name})


def test_a_page_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = recognise(drawn(LATIN), OPTIONS, 1)
    started = calls(monkeypatch)
    again = recognise(drawn(LATIN), OcrOptions(timeout=60), 2)
    assert started == []
    assert again.number == 2
    assert again.lines == first.lines
    recognise(drawn(LATIN), OcrOptions(marks=False))
    assert started
    assert all(command[0] == "tesseract" for command in started)


@pytest.mark.parametrize(
    "damage", [lambda data: data[: len(data) // 2], lambda data: data.replace(b"Bak", b"Dak"), lambda _: b"", lambda _: b"\xff\n["]
)
def test_a_damaged_entry_is_read_anew(cache: Path, monkeypatch: pytest.MonkeyPatch, damage) -> None:  # type: ignore[no-untyped-def]
    first = recognise(drawn(LATIN[:1]), OPTIONS)
    (entry,) = cache.rglob("*.json")
    whole = entry.read_bytes()
    entry.write_bytes(damage(whole))
    started = calls(monkeypatch)
    assert recognise(drawn(LATIN[:1]), OPTIONS).lines == first.lines
    assert started
    assert entry.read_bytes() == whole


def test_a_failed_page_is_not_kept(cache: Path) -> None:
    with pytest.raises(OcrError):
        recognise(drawn(LATIN), OcrOptions(timeout=0.05))
    assert not list(cache.rglob("*.json"))
    assert recognise(drawn(LATIN), OPTIONS).lines


def test_a_folder_that_cannot_be_written_is_told_of_once_and_the_pages_are_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    told: list[str] = []
    sink = logger.add(told.append, format="{level} {message}")
    try:
        with pages_kept_in(tmp_path / "file" / "pages") as folder:
            read = [text(recognise(drawn((line,)), OPTIONS)) for line in LATIN[1:]]
    finally:
        logger.remove(sink)
    assert read == list(LATIN[1:])
    (warning,) = told
    assert warning.startswith(f"WARNING {folder}: pages that OCR reads cannot be kept here (")
    assert "DOLLMA_CACHE" in warning


def test_signs_that_the_model_does_not_know() -> None:
    line = "Uşaqlar oynayırdı; qoca isə yatırdı; hər yer sakit idi."
    assert text(recognise(drawn((line,)), OPTIONS)) == line


def test_letters_of_the_cyrillic_alphabet_that_look_alike() -> None:
    lines = (*CYRILLIC[:1], "Үзүм ағачлары өз көлҝәсини төкүрдү.")
    assert "Үзүм" in text(recognise(drawn(lines), OPTIONS))
    assert "Үзүм" not in text(recognise(drawn(lines), OcrOptions(marks=False)))


def test_the_rules_of_a_table_are_no_letters() -> None:
    cells = (("Kənd", "Ev"), ("Quba", "17"), ("Şəki", "40"))
    image = drawn(("x" * 20, "", "", ""))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, *image.size), 255)
    face = ImageFont.truetype(str(FONTS / "DejaVuSerif.ttf"), 42)
    for row, texts in enumerate(cells):
        for column, cell in enumerate(texts):
            draw.text((100 + 240 * column, 60 + 80 * row), cell, 0, face)
    for edge in range(4):
        draw.line((80, 48 + 80 * edge, 560, 48 + 80 * edge), 0, 3)
    for x in (80, 320, 560):
        draw.line((x, 48, x, 288), 0, 3)
    assert sorted(text(recognise(image, OPTIONS)).split()) == sorted(cell for row in cells for cell in row)


def test_hyphens_at_line_ends_stay() -> None:
    read = recognise(drawn(("Kənddə uşaqlar bulaqdan su gətirirdi-", "lər və ağacların altında oturdu-", "lar.")), OPTIONS)
    assert [line.text[-1] for line in read.lines] == ["-", "-", "."]
