"""The recipes of docs/books.md and the README build a folder of mixed books; `dollma read` prints one."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml

from benchmarks.ocr.render import Style, render
from tests.pipelines.test_books import GOOD, NEXT, page
from tests.pipelines.workspace import dollma, ledger, quiet_build, shard_rows, write_recipe
from tests.readers.zips import docx_parts, epub_parts, pack

ROOT = Path(__file__).parents[2]
PAGES = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/books.md")]
THIRD = "Bağban hər səhər ağacların arasından keçib quyunun başına gedərdi. Su soyuq idi, vedrə ağır, amma o, bir gün də gecikməzdi."


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text, an e-book, a Word document, a PDF and, where there is Tesseract, a book of two scanned pages."""
    pdfs = pytest.importorskip("tests.extractors.pdfs", reason="needs pymupdf")
    folder = tmp_path_factory.mktemp("mixed") / "books"
    (folder / "scan").mkdir(parents=True)
    (folder / "bir.txt").write_text(f"{GOOD} {THIRD}", encoding="utf-8")
    (folder / "iki.epub").write_bytes(pack(epub_parts({"a.xhtml": page(11, NEXT), "b.xhtml": page(12, GOOD)})))
    (folder / "uc.docx").write_bytes(pack(docx_parts(f"<w:p><w:r><w:t>{THIRD} {NEXT}</w:t></w:r></w:p>")))
    pdfs.saved(pdfs.book(1, (THIRD,)), folder / "dord.pdf")
    if shutil.which("tesseract"):
        for number, text in enumerate(
            ("Körpü çayın üstündə idi və axşam düşəndə balıqçılar onun", "altında tor qurar, səhərə qədər söhbət edərdilər."), 1
        ):
            render((text,), Style("DejaVu Serif", 11.0, 1, 60)).image.save(folder / "scan" / f"s-{number:03d}.png", dpi=(300, 300))
    return folder


@pytest.mark.parametrize("text", PAGES, ids=["README", "books"])
def test_the_recipe_builds_a_version(books: Path, tmp_path: Path, text: str) -> None:
    (told,) = [
        recipe
        for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
        if "max_page_cer" in block and (recipe := yaml.safe_load(block))
    ]
    (tmp_path / "books").symlink_to(books)
    sources = {"books": told["sources"]["books"] | {"licence": "ours"}}
    rest = {"formatters": told["formatters"]} if "formatters" in told else {}
    built = quiet_build(write_recipe(tmp_path, sources, alarms={"silent_rules": False}, **rest), tmp_path / "ws")
    names = {row["locator"]: row for row in ledger(built)}
    assert {"bir.txt", "iki.epub", "uc.docx", "dord.pdf"} <= set(names)
    assert not [row for row in names.values() if row["verdict"] == "failed"]
    pages = {(about := json.loads(row["metadata"]))["id"]: about["pages"] for row in shard_rows(built) if "pages" in row["metadata"]}
    assert [entry["page"] for entry in pages["iki.epub"]] == ["11", "12"]
    if shutil.which("tesseract"):
        assert len(names) == 5
        (scan,) = [found for name, found in pages.items() if name.startswith("scan")]
        assert [entry["origin"] for entry in scan] == ["ocr", "ocr"]


def test_read_prints_a_book(books: Path) -> None:
    shown = dollma("read", books / "dord.pdf")
    assert " ".join(shown.stdout.split()) == THIRD
    assert "1 page" in shown.stderr
    (row,) = map(json.loads, dollma("read", books / "dord.pdf", "--json").stdout.splitlines())
    assert row["metadata"]["pages"][0]["origin"] == "text"


def test_the_kinds_of_failure_are_those_of_the_readers() -> None:
    """Every reason that the page's table names stands in the code that gives it."""
    reasons = {word for line in re.findall(r"^\| (`[a-z_`, ]+`) \|", PAGES[1], re.MULTILINE) for word in re.findall(r"`(\w+)`", line)}
    code = "".join(
        path.read_text(encoding="utf-8") for folder in ("readers", "extractors") for path in (ROOT / "curation" / folder).rglob("*.py")
    )
    assert {"bomb", "encrypted", "mismatch"} <= reasons
    assert [reason for reason in sorted(reasons - {"per", "ocr"}) if f'"{reason}"' not in code] == []
