"""Rendered and degraded pages of known text through Tesseract, our OCR, and our repair: error rates, guillemets, and how well the estimate follows.

    python -m benchmarks.ocr --out FOLDER [--data FOLDER] [--pages 100] [--seed 0]

The text is of held-out documents: the project's own and, with `--data`, those of the shared data folder. `--out` keeps the pages (image, truth, plain
Tesseract's reading) and what our OCR read, so that a second run reads nothing again, and gets pages.jsonl, figures.json, figures.md and three plots.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import orjson

from benchmarks.ocr.pages import bench_pages, write_page
from benchmarks.ocr.readings import born_digital, measured
from benchmarks.ocr.report import figures, markdown, plots
from benchmarks.ocr.texts import TEST
from curation.errors import DollmaError
from curation.extractors.ocr import page_cache
from curation.files import whole_file


def main() -> None:
    """Make the pages, read them, write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--pages", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    page_cache.set(arguments.out / "cache")
    rows = []
    try:
        for page in bench_pages(arguments.data, TEST, arguments.pages, arguments.seed):
            rows.append(measured(page, write_page(arguments.out / "pages", page)))
            print(f"\r{len(rows)} of {arguments.pages} pages", end="", flush=True)
    except DollmaError as error:
        parser.error(str(error))
    found = figures(rows, born_digital(arguments.data))
    print("\n" + markdown(found))
    for name, text in {
        "pages.jsonl": "".join(orjson.dumps(row).decode() + "\n" for row in rows),
        "figures.json": orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n",
        "figures.md": markdown(found),
        **plots(found),
    }.items():
        with whole_file(arguments.out / name) as temporary:
            temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
