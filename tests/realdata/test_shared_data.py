"""Real input that nobody here wrote: crawls in twelve languages, and every other file of the formats that can be read."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
import zstandard

from curation.writers.manifest import read_manifest
from pipelines.versions import verify
from tests.pipelines.workspace import ledger, quiet_build, write_recipe

pytestmark = pytest.mark.realdata

OTHER_SCRIPT = ("hy", "ka", "ru", "kk", "ky", "ug", "fa")
PLAINLY_FOREIGN: tuple[str, ...] = ()
"""Rows of the Azerbaijani crawl file that are plainly another language. None of those rejected is: the bar holds without leaving any out."""


@pytest.fixture(scope="module")
def crawl(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """The ledger of a build over all crawl files, by source."""
    folder = tmp_path_factory.mktemp("crawl")
    files = [shared / "web_az" / "cc_pages_az.jsonl.zst", *sorted((shared / "web_neighbours").glob("*.jsonl.zst"))]
    sources = {path.name.split("_")[-1].split(".")[0]: {"paths": str(path)} for path in files}
    built = quiet_build(write_recipe(folder, sources, engine={}, mixture={}), folder / "ws")
    assert list(verify(built.folder)) == []
    rows = defaultdict(list)
    for row in ledger(built):
        rows[row["source"]].append(row)
    return rows


@pytest.mark.parametrize("language", OTHER_SCRIPT)
def test_pages_in_another_script_are_rejected(crawl: dict[str, list[dict[str, Any]]], language: str) -> None:
    rows = crawl[language]
    assert sum(row["verdict"] == "rejected" for row in rows) >= 0.995 * len(rows)


def test_hardly_an_azerbaijani_page_is_lost(crawl: dict[str, list[dict[str, Any]]]) -> None:
    rows = [row for row in crawl["az"] if row["locator"] not in PLAINLY_FOREIGN]
    lost = [row for row in rows if row["verdict"] in ("rejected", "failed")]
    assert len(rows) == 596
    assert len(lost) <= 0.01 * len(rows), [(row["locator"], row["rules"]) for row in lost]


@pytest.mark.parametrize("language", ["tr", "uz", "ku", "en"])
def test_hardly_a_page_of_a_neighbour_in_latin_script_is_kept(crawl: dict[str, list[dict[str, Any]]], language: str) -> None:
    rows = crawl[language]
    assert sum(row["verdict"] == "rejected" for row in rows) >= 0.995 * len(rows)


def test_everything_that_can_be_read_builds(shared: Path, tmp_path: Path) -> None:
    """All JSONL, MediaWiki, WARC, WET and HTML files; the HTML pages are unpacked from their archives first."""
    import tarfile

    for archive in sorted((shared / "html").glob("*.tar.zst")):
        with (
            archive.open("rb") as file,
            zstandard.ZstdDecompressor().stream_reader(file) as stream,
            tarfile.open(fileobj=stream, mode="r|") as tar,
        ):
            for member in tar:
                content = tar.extractfile(member)
                if member.name.endswith(".html") and content:
                    place = tmp_path / "pages" / f"{archive.name.split('.')[0]}-{Path(member.name).name}"
                    place.parent.mkdir(exist_ok=True)
                    place.write_bytes(content.read())
    sources: dict[str, dict[str, Any]] = {"pages": {"paths": "pages/*.html"}}
    for path in sorted(shared.rglob("*.jsonl.*")):
        sources["-".join(path.relative_to(shared).parts).split(".")[0]] = {"paths": str(path), "reader": "jsonl"}
    for path in sorted([*(shared / "mediawiki").iterdir(), *(shared / "warc").iterdir()]):
        if ".wat" not in path.name:
            sources[path.name] = {"paths": str(path), "reader": "warc" if path.parent.name == "warc" else "mediawiki"}
    assert len(sources) > 70
    built = quiet_build(write_recipe(tmp_path, sources, engine={"max_failure_share": 1.0}, mixture={}), tmp_path / "ws")
    totals = read_manifest(built.folder)["totals"]
    assert totals["read"] == totals["kept"] + totals["rejected"] + totals["duplicate"] + totals["failed"]
    assert totals["read"] > 90_000
    reasons = Counter(row["error"].split(":")[0] for row in ledger(built) if row["verdict"] == "failed")
    assert set(reasons) <= {"missing", "truncated", "corrupt", "unsupported", "binary", "extraction", "duplicate_id", "type", "too_long"}, (
        reasons
    )
    assert list(verify(built.folder)) == []
