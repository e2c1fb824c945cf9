"""Books in a build: pages are formatted and judged one by one, a bad page is cut and the book stays, and what was read by OCR is not read twice."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from benchmarks.ocr.render import Style, render
from pipelines.versions import verify
from tests.pipelines.workspace import quiet_build
from tests.readers.zips import epub_parts, pack

GOOD = (
    "Kəndin üstündən keçən yol dağa qalxırdı. Səhər tezdən çobanlar sürünü həmin yolla aparardılar, axşam isə uşaqlar onları qarşılamağa çıxardı. "
    "Yay uzunu bu yolun tozu yatmazdı, payızda isə yağış onu elə yuyardı ki, daşları parıldayardı."
)
NEXT = "Qış girəndə yol bağlanar, kənd üç ay öz içinə çəkilərdi. Nənəm deyərdi ki, insan səbri də elə o yol kimidir: gah açılır, gah da bağlanır."
BAD = (
    "Kondın ustundon kccan yul dada qalxırdı# Sahor tczdan cobanlar surunu hamın yoIla aparrnışdı, axşarn ısa uşaqlat onlan qatşılamada cıxatdı ~ "
    "Yav urunu bu yolun tosu vatrnazdı: payızda ısa yaqış onu clo yuvardı kl. daşlan patıldayıtdı; Qış gırəndə yoI baqlanat` kand iiç av oz lçıno "
    "çokilatdi, Nonorn devatdı ki, lnsan sobtı da clo o voI kirnidit: gah acılıt| gah da baqlanıt_ Sohor tozdon cobanlat yono hornin yoIIa qavıdatdı."
)
SCANNED = ("Körpü çayın üstündə idi. Axşam düşəndə balıqçılar onun altında tor qurar, səhərə qədər söhbət edərdilər.",)


def page(number: int, text: str) -> str:
    """A chapter that begins a printed page."""
    return f'<span epub:type="pagebreak" id="s{number}" title="{number}"/><p>{text}</p>'


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of an e-book with a bad page, a text, and a scan."""
    folder = tmp_path_factory.mktemp("books")
    books = folder / "books"
    books.mkdir()
    chapters = {"a.xhtml": page(11, GOOD), "b.xhtml": page(12, BAD), "c.xhtml": page(13, NEXT)}
    (books / "yol.epub").write_bytes(pack(epub_parts(chapters)))
    (books / "qeyd.txt").write_text("Bu qeyd səhifəsiz bir mətndir və kitabların arasında öz yerini tutur.", encoding="utf-8")
    if shutil.which("tesseract"):
        render(SCANNED, Style("DejaVu Serif", 11.0, 1, 60)).image.save(books / "korpu.png", dpi=(300, 300))
    told: dict[str, Any] = {
        "name": "books",
        "language": "azj_Latn",
        "sources": {"books": {"paths": "books/", "licence": "ours"}},
        "formatters": ["encoding", "torn", "ocr", "whitespace"],
        "filters": dict.fromkeys(("language", "length", "quality", "script", "gopher_quality", "gopher_repetition", "fineweb"), False)
        | {"ocr": {"max_page_cer": 0.05}},
        "alarms": {"silent_rules": False},
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(told, allow_unicode=True), encoding="utf-8")
    return path


def rows(version: Path, table: str) -> dict[str, dict[str, Any]]:
    """Rows of the ledger by locator, or of the shards by what is in their metadata."""
    found = [row for path in sorted((version / table).glob("*.parquet")) for row in pq.read_table(path).to_pylist()]
    return {row.get("locator") or json.loads(row["metadata"])["id"]: row for row in found}


def test_a_bad_page_is_cut_and_the_book_stays(recipe: Path, tmp_path: Path) -> None:
    version = quiet_build(recipe, tmp_path / "ws").folder
    told = rows(version, "ledger")["yol.epub"]
    assert told["verdict"] == "kept"
    (cut,) = told["rejected_pages"]
    assert (cut["page"], cut["rule"], cut["threshold"]) == ("12", "ocr.max_page_cer", 0.05)
    assert cut["value"] > 0.05
    kept = rows(version, "data")["yol.epub"]
    assert kept["text"] == f"{GOOD}\n\n{NEXT}"
    pages = json.loads(kept["metadata"])["pages"]
    assert [(page["page"], page["start"]) for page in pages] == [("11", 0), ("13", len(GOOD) + 2)]
    assert kept["words"] == len(kept["text"].split())
    assert rows(version, "ledger")["qeyd.txt"]["rejected_pages"] == []
    assert "pages" not in json.loads(rows(version, "data")["qeyd.txt"]["metadata"])
    assert not list(verify(version))


def test_a_book_without_a_good_page_is_rejected(recipe: Path, tmp_path: Path) -> None:
    version = quiet_build(recipe, tmp_path / "ws", overrides=("filters.ocr.max_page_cer=0.0",)).folder
    told = rows(version, "ledger")
    bad = {name for name, row in told.items() if any(rule["rule"] == "ocr.max_page_cer" for rule in row["rules"])}
    assert all(told[name]["verdict"] == "rejected" and told[name]["rejected_pages"] == [] for name in bad)
    assert set(rows(version, "data")) == set(told) - bad


def test_another_threshold_extracts_nothing_again(recipe: Path, tmp_path: Path) -> None:
    quiet_build(recipe, tmp_path / "ws")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "ws/stages").glob("extract/*/[!.]*/task.json")}
    version = quiet_build(recipe, tmp_path / "ws", overrides=("filters.ocr.max_page_cer=0.9",)).folder
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "ws/stages").glob("extract/*/[!.]*/task.json")}
    assert rows(version, "ledger")["yol.epub"]["rejected_pages"] == []
    assert len(rows(version, "data")["yol.epub"]["text"]) > len(GOOD) + len(NEXT) + 300


@pytest.mark.skipif(not shutil.which("tesseract"), reason="needs Tesseract")
def test_a_scan_is_read_once(recipe: Path, tmp_path: Path) -> None:
    """A program in front of Tesseract counts the images that it is given: none the second time, though all that was extracted is gone."""
    log, tool = tmp_path / "log", tmp_path / "bin" / "tesseract"
    tool.parent.mkdir()
    tool.write_text(
        f'#!/bin/sh\nfor word; do case "$word" in hocr|tsv|txt|*hocr*) echo run >> {log};; esac; done\nexec {shutil.which("tesseract")} "$@"\n'
    )
    tool.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tool.parent}:{os.environ['PATH']}"}
    command = [sys.executable, "-m", "pipelines.cli", "build", str(recipe), "--workspace", str(tmp_path / "ws")]
    first = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert first.returncode == 0, first.stderr
    (version,) = (tmp_path / "ws" / "versions").iterdir()
    (scan,) = [row for name, row in rows(version, "data").items() if name.startswith("korpu")]
    assert scan["text"].split()[:4] == ["Körpü", "çayın", "üstündə", "idi."]
    (read,) = json.loads(scan["metadata"])["pages"]
    assert read["origin"] == "ocr"
    assert read["confidence"] > 60
    assert log.read_text().count("run") > 0
    shards = {path.name: path.read_bytes() for path in (version / "data").iterdir()}
    log.write_text("")
    for folder in ("stages", "versions"):
        shutil.rmtree(tmp_path / "ws" / folder)
    assert subprocess.run(command, env=environment, capture_output=True, text=True, check=False).returncode == 0
    assert log.read_text() == ""
    assert shards == {path.name: path.read_bytes() for path in (tmp_path / "ws" / "versions").glob("*/data/*")}
