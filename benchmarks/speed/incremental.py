"""What a new crawl costs: a corpus is built, 1 % of new documents is added as a file of its own, and it is built again.

    python -m benchmarks.speed.incremental [--pages FOLDER] [--megabytes 1000] [--files 10] [--html] [--keep-all] [--workers 1]

Real pages in twelve languages, lines recombined, as JSONL.zst; with `--html` each page is HTML in a row, as a crawl is read before its text is extracted.
`--keep-all` sets no threshold, so that nothing but duplicates is removed: the most there can be to write. Prints seconds of both builds and their ratio.
"""

from __future__ import annotations

import argparse
import html
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import orjson
import yaml
import zstandard

from benchmarks.machine import processor
from benchmarks.speed.pages import real_pages, recombined
from curation.languages.profile import load_profile

NEW_SEED = 1_000_000


def write_file(path: Path, pages: dict[str, list[str]], size: int, seed: int, markup: bool) -> None:
    """JSONL.zst with `size` bytes of text; every line a paragraph of an HTML page if `markup`."""
    with path.open("wb") as file, zstandard.ZstdCompressor(level=3).stream_writer(file) as out:
        for name, text in recombined(pages, size, seed):
            body = _page(text) if markup else text
            out.write(orjson.dumps({"id": f"{seed}-{name}", "text": body}, option=orjson.OPT_APPEND_NEWLINE))


def _page(text: str) -> str:
    paragraphs = "\n".join(f"<p>{html.escape(line)}</p>" for line in text.split("\n"))
    menu = "".join(f'<li><a href="/{number}">Menu {number}</a></li>' for number in range(20))
    return f"<!doctype html><html><head><title>Page</title></head><body><nav><ul>{menu}</ul></nav><main><article>{paragraphs}</article></main></body></html>"


def write_recipe(folder: Path, markup: bool, keep_all: bool) -> Path:
    """A recipe over all files in a folder."""
    reader = {"reader": {"name": "jsonl", "markup": "html"}} if markup else {}
    filters = {name: dict.fromkeys(rules) for name, rules in load_profile("azj_Latn").thresholds().items()} if keep_all else None
    recipe = {"name": "growing", "language": "azj_Latn", "sources": {"crawl": {"paths": "in/*.jsonl.zst"} | reader}, "filters": filters}
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    return path


def timed_build(recipe: Path, workspace: Path, workers: int) -> tuple[float, dict[str, int]]:
    """(seconds, documents by verdict) of `dollma build`, as a command."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "pipelines.cli", "build", str(recipe), "-w", str(workspace), "--workers", str(workers)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    seconds = time.perf_counter() - started
    newest = max((workspace / "versions").glob("*/manifest.json"), key=lambda path: path.stat().st_mtime)
    return seconds, json.loads(newest.read_text(encoding="utf-8"))["totals"]


def main() -> None:
    """Build, add, build again."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=Path, default=Path(os.environ.get("DOLLMA_SHARED", "../shared")) / "data")
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--files", type=int, default=10)
    parser.add_argument("--html", action="store_true")
    parser.add_argument("--keep-all", action="store_true")
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    pages = real_pages(arguments.pages)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "in").mkdir()
        size = arguments.megabytes * 1_000_000
        for number in range(arguments.files):
            write_file(folder / "in" / f"crawl-{number:03d}.jsonl.zst", pages, size // arguments.files, number, arguments.html)
        recipe = write_recipe(folder, arguments.html, arguments.keep_all)
        full, totals = timed_build(recipe, folder / "workspace", arguments.workers)
        write_file(folder / "in" / "new.jsonl.zst", pages, size // 100, NEW_SEED, arguments.html)
        added, grown = timed_build(recipe, folder / "workspace", arguments.workers)
    print(
        f"{processor()}, {arguments.workers} of {os.cpu_count()} cores; {arguments.megabytes} MB of text{' in HTML' if arguments.html else ''}"
    )
    print(f"  all of it     {full:8.1f} s: {totals['read']:,} documents, {totals['kept']:,} kept, {totals['duplicate']:,} duplicates")
    print(f"  1 % more      {added:8.1f} s: {grown['read'] - totals['read']:,} documents more, {grown['kept']:,} kept")
    print(f"  share         {added / full:8.1%}")


if __name__ == "__main__":
    main()
