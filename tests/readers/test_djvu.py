"""DjVu files as documents and failures: real ones, made by the programs of DjVuLibre."""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from datatrove.data import Document
from PIL import Image

from benchmarks.ocr.render import FOLDER, Printed, Style, render
from curation.document import Failure
from curation.errors import DollmaError
from curation.readers.djvu import DjvuReader
from curation.readers.inputs import reader_for
from tests.books import document, read_book, reasons

TOOLS = ("djvused", "ddjvu", "cjb2", "djvm")
pytestmark = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in TOOLS) or not list(FOLDER.rglob("DejaVuSerif.ttf")),
    reason="needs djvulibre-bin and fonts-dejavu-core",
)
TEXTS = (
    "Axşamüstü balıqçılar qayıqları sahilə çəkdilər, torları qumun üstünə sərdilər. Külək hələ də dənizdən əsirdi, ancaq dalğalar əvvəlki kimi hündür deyildi.",
    "Qoca usta dükanının qapısını bağlayıb evə tərəf getdi. Yolda qonşusuna rast gəldi, ikisi də bir az dayanıb havadan və bazarın qiymətlərindən danışdılar.",
    "Səhər tezdən uşaqlar məktəbə gedəndə çayın suyu qalxmışdı. Köhnə taxta körpünün yanında iki nəfər keçidi yoxlayır, kəndə xəbər göndərməyi düşünürdü.",
)
STYLE = Style("DejaVu Serif", 11, 1, 60)
PITCH = 57
"""Pixels from one line to the next of 11 points at 300 dpi."""


def run(*command: object) -> None:
    subprocess.run([str(part) for part in command], check=True, capture_output=True)


def layer(printed: Printed, words: bool = True) -> str:
    """The text layer of a page, a list for each line; `words` with boxes of their own, as wide as their share of characters."""
    width, height = printed.image.size
    lines = []
    for number, line in enumerate(line for line in printed.lines if line):
        top = height - 90 - PITCH * number
        step = (width - 180) / max(len(line), 1)
        parts = [f'"{line}"']
        if words:
            boxes = [(found[0], 90 + found.start() * step, 90 + found.end() * step) for found in re.finditer(r"\S+", line)]
            parts = [f'(word {x0:.0f} {top - 46} {x1:.0f} {top} "{word}")' for word, x0, x1 in boxes]
        lines.append(f"(line 90 {top - 46} {width - 90} {top} {' '.join(parts)})")
    return f"(page 0 0 {width} {height} (para 90 90 {width - 90} {height - 90} {' '.join(lines)}))"


def page(folder: Path, number: int, text: str = "", text_layer: str | None = "words", turns: int = 0) -> Path:
    """A file of one page in 300 dpi, black and white; `text_layer` is `words`, `lines`, the layer itself or None."""
    printed = render((text,), STYLE) if text else Printed(Image.new("L", (900, 600), 255), (), 0, 0, 0)
    picture, made, said = folder / f"{number}.pbm", folder / f"{number}.djvu", folder / "text"
    printed.image.convert("1", dither=Image.Dither.NONE).save(picture)
    run("cjb2", "-dpi", 300, picture, made)
    if text_layer is not None and text:
        content = layer(printed, text_layer == "words") if text_layer in ("words", "lines") else text_layer
        said.write_bytes(content.encode())
        run("djvused", made, "-e", f"select 1; set-txt {said}; set-rotation {turns}", "-s")
    return made


def bundle(path: Path, pages: Sequence[Path], *commands: str) -> Path:
    run("djvm", "-c", path, *pages)
    for command in commands:
        run("djvused", path, "-e", command, "-s")
    return path


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book of three pages with words, title, author and outline. Its pages lie beside it."""
    folder = tmp_path_factory.mktemp("djvu")
    pages = [page(folder, number, text) for number, text in enumerate(TEXTS, 1)]
    (folder / "about").write_text(
        'Title "K\\311\\231nd \\"hekay\\311\\231l\\311\\231ri\\""\nauthor "A. Yaz\\304\\261\\303\\247\\304\\261"\n'
    )
    (folder / "outline").write_text(
        '(bookmarks ("D\\311\\231niz" "#1" ("Usta" "#2")) ("\\303\\207ay" "#3.djvu") ("Uzaq" "http://kitab/") ("Yox" "#99"))'
    )
    return bundle(folder / "book.djvu", pages, f"create-shared-ant; set-meta {folder}/about; set-outline {folder}/outline")


def read(path: Path, **parameters: object) -> list[Document | Failure]:
    return read_book(DjvuReader.model_validate({"ocr": None, **parameters}), path)


def program(folder: Path, name: str, script: str) -> None:
    """A program that takes the place of one of DjVuLibre's."""
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def spoilt(book: Path, path: Path) -> Path:
    """The first page with a text layer that cannot be decoded."""
    data = bytearray((book.parent / "1.djvu").read_bytes())
    at = data.index(b"TXTz") + 8
    data[at:] = bytes(len(data) - at)
    path.write_bytes(data)
    return path


def test_the_reader_is_found_by_the_ending() -> None:
    assert reader_for("a/B.DJVU") is reader_for("b.djv") is DjvuReader


def test_a_book_is_a_document(book: Path) -> None:
    item = document(read(book))
    assert item.text == "\n\n".join(TEXTS)
    assert (item.id, item.metadata["title"], item.metadata["author"]) == ("kitab/book.djvu", 'Kənd "hekayələri"', "A. Yazıçı")
    assert [(entry["page"], entry["origin"]) for entry in item.metadata["pages"]] == [("1", "ocr"), ("2", "ocr"), ("3", "ocr")]


def test_chapters_by_the_outline_and_pages(book: Path) -> None:
    chapters = read(book, per="chapter")
    assert [item.text for item in chapters if isinstance(item, Document)] == ["\n\n".join(TEXTS[:2]), TEXTS[2]]
    assert [item.metadata["chapter"] for item in chapters if isinstance(item, Document)] == ["Dəniz", "Çay"]
    assert [item.id for item in read(book, per="page")] == [f"kitab/book.djvu#page={n}" for n in (1, 2, 3)]


@pytest.mark.parametrize("kind", ["lines", "page"])
def test_text_layers_without_words(tmp_path: Path, kind: str) -> None:
    text = '(page 0 0 1500 400 "' + TEXTS[0].replace(" torları", "\\ntorları") + '")'
    item = document(read(page(tmp_path, 1, TEXTS[0], "lines" if kind == "lines" else text)))
    assert item.text == TEXTS[0]


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_words_of_a_turned_page_are_where_they_are_shown(tmp_path: Path, turns: int) -> None:
    """The layer of a page that is shown upright only when turned has its lines along the other side."""
    width, height = render((TEXTS[0],), STYLE).image.size
    across, down = (height, width) if turns % 2 else (width, height)
    shown = [(number % 6 * 60, number // 6 * 60, word) for number, word in enumerate(TEXTS[0].split())]
    words = []
    for x, y, word in shown:
        x0, y0, x1, y1, wide, high = x, down - y - 30, x + 50, down - y, across, down
        for _ in range(4 - turns):
            x0, y0, x1, y1, wide, high = high - y1, x0, high - y0, x1, high, wide
        words.append(f'(word {x0} {y0} {x1} {y1} "{word}")')
    lines = "".join(f"(line 0 0 9 9 {''.join(words[at : at + 6])})" for at in range(0, len(words), 6))
    item = document(read(page(tmp_path, 1, TEXTS[0], f"(page 0 0 {width} {height} {lines})", turns)))
    assert item.text == TEXTS[0]


def test_compressed_files(book: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.djvu.gz"
    path.write_bytes(gzip.compress(book.read_bytes()))
    assert document(read(path)).text == "\n\n".join(TEXTS)
    path.write_bytes(gzip.compress(book.read_bytes())[:-20])
    assert reasons(read(path)) == [("kitab/a.djvu.gz", "truncated")]
    path.write_bytes(gzip.compress(b"0" * 10_000_000))
    assert reasons(read(path, max_bytes=1_000_000)) == [("kitab/a.djvu.gz", "large")]


@pytest.mark.parametrize(("size", "reason"), [(0, "empty"), (3, "corrupt"), (14, "truncated"), (30, "truncated"), (60, "truncated")])
def test_files_that_cannot_be_read(book: Path, tmp_path: Path, size: int, reason: str) -> None:
    path = tmp_path / "a.djvu"
    path.write_bytes(book.read_bytes()[:size])
    assert reasons(read(path)) == [("kitab/a.djvu", reason)]


def test_what_is_no_djvu_is_corrupt(tmp_path: Path) -> None:
    for content in (b"kitab " * 100, b"AT&TFORM\0\0\0\x10DJVXINFO" + bytes(30)):
        path = tmp_path / "a.djvu"
        path.write_bytes(content)
        assert [reason for _, reason in reasons(read(path))] == ["corrupt"]


def test_no_pages(tmp_path: Path) -> None:
    path = tmp_path / "a.djvu"
    path.write_bytes(b"AT&TFORM\0\0\0\x10DJVUINFO" + bytes(30))
    assert reasons(read(path)) == [("kitab/a.djvu", "empty")]


def test_pages_before_the_cut_are_read(book: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.djvu"
    path.write_bytes(book.read_bytes()[: book.stat().st_size * 7 // 10])
    items = read(path)
    assert reasons(items) == [("kitab/a.djvu#page=3", "truncated")]
    assert document(items).text == "\n\n".join(TEXTS[:2])


def test_a_broken_page_is_a_failure_and_the_book_goes_on(book: Path, tmp_path: Path) -> None:
    data = bytearray(book.read_bytes())
    starts = [found.start() for found in re.finditer(b"FORM....DJVUINFO", data, re.DOTALL)]
    data[starts[1] : starts[2] - 2] = bytes(starts[2] - 2 - starts[1])
    path = tmp_path / "a.djvu"
    path.write_bytes(data)
    items = read(path)
    assert reasons(items) == [("kitab/a.djvu#page=2", "corrupt")]
    assert document(items).text == f"{TEXTS[0]}\n\n{TEXTS[2]}"


def test_an_index_of_other_files_is_refused(book: Path, tmp_path: Path) -> None:
    run("djvused", book, "-e", f"save-indirect {tmp_path}/index.djvu")
    (failure,) = read(tmp_path / "index.djvu")
    assert isinstance(failure, Failure)
    assert failure.reason == "outside"
    assert "djvmcvt -b" in failure.message


def test_a_page_does_not_take_in_the_file_beside_it(book: Path, tmp_path: Path) -> None:
    """A page that names another file (chunk `INCL`), in which the letters are: shown by DjVuLibre, but not where the page is read."""
    whole = (book.parent / "1.djvu").read_bytes()
    at = whole.index(b"Sjbz")
    letters = b"DJVI" + whole[at : at + 8 + int.from_bytes(whole[at + 4 : at + 8])]
    form = b"DJVU" + whole[16:34] + b"INCL" + (10).to_bytes(4) + b"other.djvu"
    for name, content in (("other.djvu", letters), ("a.djvu", form)):
        (tmp_path / name).write_bytes(b"AT&TFORM" + len(content).to_bytes(4) + content)
    run("ddjvu", "-format=pgm", tmp_path / "a.djvu", tmp_path / "shown")
    assert min((tmp_path / "shown").read_bytes()[20:]) == 0
    (entry,) = document(read(tmp_path / "a.djvu")).metadata["pages"]
    assert entry["origin"] == "none"


def test_a_broken_text_layer_is_a_failure_without_ocr(book: Path, tmp_path: Path) -> None:
    assert reasons(read(spoilt(book, tmp_path / "a.djvu"))) == [("kitab/a.djvu#page=1", "corrupt")]


@pytest.mark.parametrize("name", ["-e save.djvu", "a; save-page x.djvu", "#page=2 'ə\".djvu", "$(touch x).djvu"])
def test_file_names_are_no_commands(book: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(book.read_bytes())
    assert document(read(path)).text == "\n\n".join(TEXTS)
    assert [found.name for found in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("while :; do :; done", "timeout"),
        ("exec sleep 60", "timeout"),
        ("kill -SEGV $$", "crash"),
        ("kill -KILL $$", "memory"),
        ("exec head -c 99000000 /dev/zero", "large"),
        ("echo P5 2 2 255 a", "corrupt"),
        ("echo '*** Unexpected thing.' >&2; exit 10", "corrupt"),
    ],
)
def test_a_program_that_breaks_off_costs_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, reason: str) -> None:
    path = bundle(tmp_path / "a.djvu", [page(tmp_path, 1, TEXTS[0]), page(tmp_path, 2, TEXTS[1], None)])
    program(tmp_path, "ddjvu", script)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    items = read(path, timeout=1)
    assert reasons(items) == [("kitab/a.djvu#page=2", reason)]
    assert document(items).text == TEXTS[0]


def test_too_little_memory_is_told(tmp_path: Path) -> None:
    """A page of 60000 by 60000 pixels, made smaller to 137 million in as many bytes."""
    info = b"INFO" + (10).to_bytes(4) + (60000).to_bytes(2) * 2 + b"\x18\0\x2c\1\x16\1"
    path = tmp_path / "a.djvu"
    path.write_bytes(b"AT&TFORM" + (4 + len(info)).to_bytes(4) + b"DJVU" + info)
    assert reasons(read(path, ocr={"max_pixels": 140_000_000}, memory=128 << 20)) == [("kitab/a.djvu#page=1", "memory")]


def test_a_missing_program_is_named_with_its_package(book: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DollmaError, match=r"djvused and ddjvu.*djvulibre-bin"):
        read(book)


def test_without_ocr_a_scan_is_a_failure_and_an_empty_page_is_none(tmp_path: Path) -> None:
    path = bundle(tmp_path / "a.djvu", [page(tmp_path, 1, TEXTS[0], None), page(tmp_path, 2), page(tmp_path, 3, TEXTS[2])])
    items = read(path)
    assert reasons(items) == [("kitab/a.djvu#page=1", "image")]
    assert [(entry["page"], entry["origin"]) for entry in document(items).metadata["pages"]] == [("2", "none"), ("3", "ocr")]


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="needs tesseract-ocr")
def test_ocr_reads_what_the_text_layer_spoils_or_lacks(book: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One picture under two text layers, one of a wrong code page and one that is broken: the cache has it the second time."""
    monkeypatch.setenv("DOLLMA_CACHE", str(tmp_path / "cache"))
    wrong = '(page 0 0 1500 400 "' + TEXTS[0].replace("ə", "?") + '")'
    for path, reason in ((page(tmp_path, 1, TEXTS[0], wrong), "encoding"), (spoilt(book, tmp_path / "a.djvu"), "corrupt")):
        item = document(read(path, ocr={"languages": {"Latn": "aze"}}))
        truth = TEXTS[0].split()
        assert sum(a == b for a, b in zip(item.text.split(), truth, strict=False)) >= 0.9 * len(truth)
        (entry,) = item.metadata["pages"]
        assert entry["origin"] == "ocr"
        assert entry["confidence"] > 60
        assert item.metadata["notes"] == {"1": [f"ocr: {reason}"]}
