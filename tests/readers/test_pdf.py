"""PDF files as documents and failures."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import pymupdf
import pytest
from datatrove.data import Document

from curation.document import Failure
from curation.readers.inputs import reader_for
from curation.readers.pdf import PdfReader
from tests.books import document, read_book, reasons
from tests.extractors.pdfs import PAGES, book, endless, saved, scan


def read(path: Path, **parameters: object) -> list[Document | Failure]:
    return read_book(PdfReader.model_validate({"ocr": None, **parameters}), path)


def test_the_reader_is_found_by_the_ending() -> None:
    assert reader_for("a/B.PDF") is PdfReader


@pytest.mark.parametrize("backend", ["pymupdf", "pdfium"])
def test_a_book_is_a_document(tmp_path: Path, backend: str) -> None:
    made = book(4)
    made.set_metadata({"title": "Kənd \x07 hekayələri", "author": "A. Yazıçı"})
    item = document(read(saved(made, tmp_path / "a.pdf"), backend=backend))
    assert item.text == "\n\n".join(PAGES)
    assert item.id == "kitab/a.pdf"
    assert (item.metadata["title"], item.metadata["author"]) == ("Kənd hekayələri", "A. Yazıçı")
    assert [page["page"] for page in item.metadata["pages"]] == ["1", "2", "3", "4"]


def test_chapters_by_the_outline_and_pages(tmp_path: Path) -> None:
    made = book(4)
    made.set_toc([[1, "Dəniz", 1], [1, "Çay", 3], [2, "Qış", 4]])
    path = saved(made, tmp_path / "a.pdf")
    chapters = read(path, per="chapter")
    assert [item.id for item in chapters] == ["kitab/a.pdf#chapter=1", "kitab/a.pdf#chapter=2"]
    assert [item.text for item in chapters if isinstance(item, Document)] == ["\n\n".join(PAGES[:2]), "\n\n".join(PAGES[2:])]
    assert [item.id for item in read(path, per="page")] == [f"kitab/a.pdf#page={n}" for n in range(1, 5)]


def test_compressed_files(tmp_path: Path) -> None:
    data = book(2).tobytes()
    path = tmp_path / "a.pdf.gz"
    path.write_bytes(gzip.compress(data))
    assert document(read(path)).text == "\n\n".join(PAGES[:2])
    path.write_bytes(gzip.compress(data)[:-20])
    assert reasons(read(path)) == [("kitab/a.pdf.gz", "truncated")]
    path.write_bytes(gzip.compress(b"0" * 10_000_000))
    assert reasons(read(path, max_bytes=1_000_000)) == [("kitab/a.pdf.gz", "large")]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    locked = saved(book(1), tmp_path / "b.pdf", encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="a", owner_pw="b")
    owned = saved(book(1), tmp_path / "c.pdf", encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="", owner_pw="b")
    data = book(4).tobytes()
    for name, content in (("cut.pdf", data[:300]), ("no.pdf", b"kitab " * 100), ("none.pdf", b"")):
        (tmp_path / name).write_bytes(content)
        assert reasons(read(tmp_path / name)) == [(f"kitab/{name}", "corrupt")]
    assert reasons(read(locked)) == [("kitab/b.pdf", "encrypted")]
    assert document(read(owned)).text == PAGES[0]
    assert reasons(read(owned, max_bytes=10)) == [("kitab/c.pdf", "large")]


def test_no_pages(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R/Size 3>>\n"
    )
    assert reasons(read(path)) == [("kitab/a.pdf", "empty")]
    assert reasons(read(path, backend="pdfium")) == [("kitab/a.pdf", "corrupt")]


def test_a_page_that_takes_too_long_is_a_failure_and_the_book_goes_on(tmp_path: Path) -> None:
    items = read(endless(tmp_path / "a.pdf"), timeout=0.3)
    assert reasons(items) == [("kitab/a.pdf#page=2", "timeout")]
    assert document(items).text == f"{PAGES[0]}\n\n{PAGES[2]}"


def test_a_page_that_is_missing_is_a_failure_and_the_book_goes_on(tmp_path: Path) -> None:
    made = book(3)
    pages = int(made.xref_get_key(made.pdf_catalog(), "Pages")[1].split()[0])
    kids = made.xref_get_key(pages, "Kids")[1].strip("[]").replace(" 0 R", "").split()
    made.xref_set_key(pages, "Kids", f"[{kids[0]} 0 R 999 0 R {kids[2]} 0 R]")
    items = read(saved(made, tmp_path / "a.pdf"), backend="pdfium")
    assert reasons(items) == [("kitab/a.pdf#page=2", "page")]
    assert document(items).text == f"{PAGES[0]}\n\n{PAGES[2]}"


@pytest.mark.parametrize("backend", ["pymupdf", "pdfium"])
def test_scripts_and_attachments_do_nothing(tmp_path: Path, backend: str) -> None:
    made = book(1)
    script = made.get_new_xref()
    made.update_object(
        script, "<</S/JavaScript/JS(this.exportDataObject\\({cName: 'a.txt', nLaunch: 2}\\); app.launchURL\\('http://localhost/'\\))>>"
    )
    made.xref_set_key(made.pdf_catalog(), "OpenAction", f"{script} 0 R")
    made.embfile_add("../a.txt", b"secret")
    folder = tmp_path / "in"
    folder.mkdir()
    path = saved(made, folder / "a.pdf")
    assert document(read(path, backend=backend)).text == PAGES[0]
    assert [found.name for found in tmp_path.rglob("*")] == ["in", "a.pdf"]


def test_many_pages(tmp_path: Path) -> None:
    made = pymupdf.open()
    for at in range(300):
        made.new_page(width=200, height=200).insert_text((20, 100), f"Kitab {'abcdefghij'[at % 10] * 3} {at * at}")
    item = document(read(saved(made, tmp_path / "a.pdf")))
    assert len(item.metadata["pages"]) == 300
    assert item.text.endswith(f"Kitab jjj {299**2}")


def test_without_ocr_a_scan_is_a_failure_that_says_so(tmp_path: Path) -> None:
    items = read(scan(tmp_path / "a.pdf"))
    assert reasons(items) == [("kitab/a.pdf#page=1", "image")]
    assert len(items) == 1
    assert isinstance(items[0], Failure)
    assert "OCR is switched off" in items[0].message


def test_a_scan_is_read_by_ocr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOLLMA_CACHE", str(tmp_path / "cache"))
    item = document(read(scan(tmp_path / "a.pdf"), ocr={"languages": {"Latn": "aze"}}))
    words, truth = item.text.split(), PAGES[0].split()
    assert sum(a == b for a, b in zip(words, truth, strict=False)) >= 0.8 * len(truth)
    (page,) = item.metadata["pages"]
    assert page["origin"] == "ocr"
    assert page["confidence"] > 60
    assert item.metadata["notes"] == {"1": ["ocr: image"]}


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "pages", "snippets"),
    [
        ("laws/cezalarin_icrasi_mecellesi.pdf", 63, ("MƏCƏLLƏSİ[1]\n\nÜmumi hissə", "fərdiləşdirilməsi, məcburetmə tədbirlərindən")),
        ("laws/torpaq_mecellesi.pdf", 49, ("\nMaddə 33. Ehtiyat fondu", "\nI fəsil\n")),
        (
            "other/unec_dissertation_rules.pdf",
            26,
            ("Respublikası Nazirlər Kabinetinin", "rəy verən şəxsdir. Rəhbərin", "müasir kommunikasiya", "magistrantın rəhbəri kimi"),
        ),
        (
            "brochure/portal_brochure_az.pdf",
            18,
            ("SƏHM SATIŞI - Səhm bazarına açılan pəncərədir.", "Hüquqi əsası", "bir araya gətirərək təmin edən sistemdir.\n"),
        ),
        ("olympiad/mixed_network_ru.pdf", 2, ("Запутанная сеть\n",)),
    ],
)
def test_real_files(shared: Path, name: str, pages: int, snippets: tuple[str, ...]) -> None:
    items = read(shared / "pdf" / name)
    item = document(items)
    assert len(items) == 1
    assert len(item.metadata["pages"]) == pages
    for snippet in snippets:
        assert snippet in item.text


@pytest.mark.realdata
def test_every_real_file_gives_text_or_failures(shared: Path) -> None:
    """The large law codes are left to the benchmark; two columns of a scan are in `benchmarks/ocr`."""
    for path in sorted((shared / "pdf").rglob("*.pdf")):
        if path.stat().st_size > 420_000:
            continue
        items = read(path)
        assert items, path.name
        scanned = path.name == "exam_maths.pdf"
        assert all(isinstance(item, Failure) == scanned for item in items), path.name
        assert all(item.reason == "image" for item in items if isinstance(item, Failure))


@pytest.mark.realdata
def test_reading_order_of_a_brochure_is_pinned(shared: Path) -> None:
    """Looked at on the rendered page: boxes left and right of a picture, each read whole."""
    item = document(read(shared / "pdf/brochure/portal_brochure_az.pdf"))
    start, end = (item.metadata["pages"][at]["start"] for at in (5, 6))
    words = "".join(item.text[start:end].split())
    assert hashlib.sha256(words.encode()).hexdigest()[:16] == "2703c071bd721d3a"
