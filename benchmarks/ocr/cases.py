"""Writes tests/cases/ocr_readings.jsonl: pages of the project's own books as our OCR reads them, and as the repair leaves that, with their true error rates.

    python -m benchmarks.ocr.cases --work FOLDER

The gate of the filter's estimate reads them; it would take minutes to read them anew in every run of the tests.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks.ocr.pages import bench_pages, write_page
from benchmarks.ocr.readings import measured
from benchmarks.ocr.texts import TEST
from curation.extractors.ocr import page_cache
from curation.files import whole_file

TARGET = Path(__file__).parents[2] / "tests" / "cases" / "ocr_readings.jsonl"
PAGES = 60
FACTS = ("level", "degradation", "script", "font")
READINGS = ("our OCR", "our OCR, repaired")


def rows(page: dict[str, Any]) -> list[dict[str, Any]]:
    """The two readings of a page that `measured` has judged."""
    found = []
    for name in READINGS:
        read = page["readings"][name]
        found.append(
            {fact: page[fact] for fact in FACTS}
            | {"reading": name, "characters": read["characters"], "confidence": round(read["confidence"], 2)}
            | {"cer": round(read["edits"] / read["characters"], 5), "text": read["text"]}
        )
    return found


def main() -> None:
    """Render, read, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="keeps the pages, and what was read of them")
    work = parser.parse_args().work
    page_cache.set(work / "cache")
    lines = [
        json.dumps(row, ensure_ascii=False, separators=(",", ":"))
        for page in bench_pages(None, TEST, PAGES)
        for row in rows(measured(page, write_page(work / "pages", page)))
    ]
    with whole_file(TARGET) as path:
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
