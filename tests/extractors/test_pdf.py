"""PDF files through a process of their own, by either library; and what is thought of their text layers."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import pymupdf
import pytest

from curation.errors import DollmaError
from curation.extractors.pdf import BACKENDS, Backend, PdfError, PdfFile, RawPage, RawWord, judge, page_of, process
from curation.extractors.pdf.judge import is_better
from curation.text.lexicon import load_lexicon
from tests.extractors.pdfs import PAGES, book, endless, saved, scan

LEXICON = load_lexicon("azj_Latn")
both = pytest.mark.parametrize("backend", sorted(BACKENDS))


def raw(text: str, image: float = 0.0, hidden: float = 0.0, ink: bool = True) -> RawPage:
    words = [RawWord(word, 10.0 * at, 10, 10.0 * at + 9, 20, 0, 0) for at, word in enumerate(text.split())]
    return RawPage(400, 600, words, image, hidden, ink)


@both
def test_words_stand_where_they_are_seen(tmp_path: Path, backend: Backend) -> None:
    path = saved(book(2), tmp_path / "a.pdf")
    with PdfFile(str(path), backend) as file:
        assert file.info().pages == 2
        page = page_of(file.page(2), 2)
    assert " ".join(line.text for line in page.lines) == PAGES[1]
    assert page.origin == "text"
    first = page.lines[0].words[0]
    assert first.text == "Dağın"
    assert 48 < first.x0 < 54
    assert 150 < first.y0 < first.y1 < 180
    assert 9 < page.lines[0].size < 18


@both
def test_a_turned_page_is_read_as_it_is_shown(tmp_path: Path, backend: Backend) -> None:
    document = pymupdf.open()
    page = document.new_page(width=420, height=595)
    page.insert_htmlbox(pymupdf.Rect(100, 50, 350, 540), f'<p style="font-size:11pt">{PAGES[0]}</p>', rotate=90)
    page.set_rotation(90)
    with PdfFile(str(saved(document, tmp_path / "a.pdf")), backend) as file:
        shown = page_of(file.page(1), 1)
    assert (shown.width, shown.height) == (595, 420)
    assert " ".join(line.text for line in shown.lines) == PAGES[0]
    first, below = shown.lines[0].words[0], shown.lines[1].words[0]
    assert (first.x0, first.y0) == (pytest.approx(56, abs=2), pytest.approx(110, abs=4))
    assert first.x1 - first.x0 > 2 * (first.y1 - first.y0)
    assert below.y0 > first.y0


@both
def test_outline_title_and_author(tmp_path: Path, backend: Backend) -> None:
    document = book(3)
    document.set_toc([[1, "Dəniz", 1], [2, "Sahil", 2], [1, "Çay", 3]])
    document.set_metadata({"title": "Kənd", "author": "A. Yazıçı"})
    with PdfFile(str(saved(document, tmp_path / "a.pdf")), backend) as file:
        info = file.info()
    assert (info.title, info.author) == ("Kənd", "A. Yazıçı")
    assert [tuple(chapter) for chapter in info.outline] == [(1, "Dəniz", 0), (2, "Sahil", 1), (1, "Çay", 2)]


@both
def test_rendering(tmp_path: Path, backend: Backend) -> None:
    with PdfFile(str(saved(book(1), tmp_path / "a.pdf")), backend) as file:
        width, height, grey = file.render(1, 36)
    assert (width, height) == (210, 298)
    assert len(grey) == width * height
    assert min(grey) < 128 < max(grey)


@both
def test_an_endless_page_costs_itself_alone(tmp_path: Path, backend: Backend) -> None:
    path = endless(tmp_path / "a.pdf")
    with PdfFile(str(path), backend, timeout=0.3) as file:
        assert file.info().pages == 3
        with pytest.raises(PdfError, match=r"more than 0\.3 seconds") as error:
            file.page(2)
        assert error.value.reason == "timeout"
        assert file.page(3).words


def test_a_process_that_dies_is_a_crash_and_the_next_page_has_a_new_one(tmp_path: Path) -> None:
    with PdfFile(str(saved(book(2), tmp_path / "a.pdf"))) as file:
        file.info()
        file._used = False
        child = file._child
        assert child is not None
        os.kill(child.pid, signal.SIGSEGV)
        with pytest.raises(PdfError) as error:
            file.page(1)
        assert error.value.reason == "crash"
        assert file.page(2).words


def test_too_little_memory(tmp_path: Path) -> None:
    with PdfFile(str(saved(book(1), tmp_path / "a.pdf")), memory=400 << 20) as file:
        assert file.page(1).words
        with pytest.raises(PdfError) as error:
            file.render(1, 2400)
        assert error.value.reason == "memory"


def test_a_process_is_kept_for_the_next_book(tmp_path: Path) -> None:
    path = str(saved(book(1), tmp_path / "a.pdf"))
    with PdfFile(path) as file:
        file.info()
        first = file._child
    with PdfFile(path, "pdfium") as file:
        assert file.info().pages == 1
        assert file._child is first


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "find_spec", lambda _: None)
    with pytest.raises(DollmaError, match=r"pymupdf .*pip install 'dollma\[books\]'"):
        PdfFile("a.pdf")
    with pytest.raises(DollmaError, match="pypdfium2"):
        PdfFile("a.pdf", "pdfium")


def test_good_text_is_used() -> None:
    assert judge(raw(" ".join(PAGES)), LEXICON).use
    assert judge(raw(" ".join(PAGES)), None).use
    assert judge(raw("Это обычный русский текст, и в нём нет ничего странного, кроме того что он русский и длинный"), LEXICON).use
    assert judge(raw("This is a plain page in English with nothing strange about it at all, and it is long enough to judge"), LEXICON).use


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (" ".join("\ue000\ue013\ue004" for _ in range(40)), "garbage"),
        ("(cid:12)(cid:7)(cid:90) " * 30, "garbage"),
        ("\ufffd\ufffd\ufffd kənd \ufffd\ufffd " * 20, "garbage"),
        ("\x03\x04\x05 \x06\x07\x08 " * 20, "garbage"),
        (" ".join(PAGES).replace("ə", "?"), "encoding"),
        (" ".join(PAGES).replace("ə", "ÿ").replace("ı", "ý").replace("ş", "þ"), "encoding"),
        (" ".join(PAGES).replace("ə", "я").replace("ş", "ш"), "encoding"),
        (" ".join(PAGES).translate(dict(zip(map(ord, "abdeəilmnrsuyt"), "zxkvwqfhgcptjr", strict=True))), "strange"),
    ],
)
def test_bad_text_is_not(text: str, reason: str) -> None:
    verdict = judge(raw(text), LEXICON)
    assert (verdict.use, verdict.reason) == (False, reason)


def test_pages_without_text() -> None:
    assert judge(raw(""), LEXICON) == (False, "image")
    assert judge(raw("", ink=False), LEXICON) == (True, "blank")
    assert judge(raw("Skan edildi", image=0.9), LEXICON) == (False, "few words")
    assert judge(raw("Skan edildi", image=0.2), LEXICON).use


def test_a_hidden_layer_is_judged_harder() -> None:
    good = " ".join(PAGES)
    noise = random.Random(4)
    poor = " ".join(word if noise.random() < 0.5 else word[::-1].replace("a", "ü") for word in good.split())
    assert judge(raw(good, image=0.95, hidden=1.0), LEXICON).use
    assert judge(raw(poor, image=0.95, hidden=1.0), LEXICON) == (False, "hidden layer")
    assert judge(raw(poor, image=0.95, hidden=0.0), LEXICON).use
    assert is_better(good.split(), poor.split(), "hidden layer", LEXICON)
    assert not is_better(poor.split(), good.split(), "hidden layer", LEXICON)
    assert not is_better(["bir"], ["iki"], "few words", LEXICON)


@both
def test_a_scan_and_its_hidden_layer_are_seen(tmp_path: Path, backend: Backend) -> None:
    for text, words in (("", 0), ("kend daniz bag\ndag yol cay", 6)):
        with PdfFile(str(scan(tmp_path / "a.pdf", text)), backend) as file:
            page = file.page(1)
        assert page.image_share > 0.9
        assert len(page.words) == words
        assert page.hidden_share == (1.0 if words else 0.0)


@both
def test_a_blank_page_has_no_ink(tmp_path: Path, backend: Backend) -> None:
    document = pymupdf.open()
    document.new_page()
    with PdfFile(str(saved(document, tmp_path / "a.pdf")), backend) as file:
        assert not file.page(1).ink


@pytest.mark.realdata
@both
def test_a_law_is_read_the_same_by_both_libraries(shared: Path, backend: Backend) -> None:
    with PdfFile(str(shared / "pdf/laws/aile_mecellesi.pdf"), backend) as file:
        words = [word.text for word in file.page(3).words]
    assert 400 < len(words) < 900
    assert sum(LEXICON.known(word.strip(",.;:“”()")) for word in words if word.isalpha()) > 0.95 * sum(map(str.isalpha, words))  # type: ignore[union-attr]
