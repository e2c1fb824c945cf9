"""Throughput of signatures on one core, from text to MinHash, beside datatrove, datasketch and rensa in the same run.

    python -m benchmarks.speed.signatures [--pages FOLDER] [--megabytes 60] [--others-megabytes 8] [--repeats 5]

Over the Azerbaijani crawl. Prints MB of UTF-8 a second, tokenizing and shingling counted: ours are whole tables of signatures (exact hash, 112 permutations,
bands, sketch, paragraphs), the best of the repeats, kernels compiled before; the others are one pass, starting up not counted, with lists of texts in memory.
Installs the others into .venv-bench the first time (needs the package index).
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import tempfile
from pathlib import Path

import pyarrow as pa

from benchmarks.environment import environment
from benchmarks.machine import processor
from benchmarks.speed.pages import real_pages, write_pages
from benchmarks.speed.rules import batches, best
from curation.dedup.parameters import Near
from curation.dedup.signatures import signature_table
from curation.languages.profile import load_profile
from curation.text.buffers import TextBatch

LEAST = 100
"""MB/s that ours must reach."""
TIMES = {"datatrove": 100, "datatrove-whitespace": 25, "datasketch": 15, "rensa": 5}
"""How many times as fast as the others ours must be."""


def our_speed(texts: list[pa.StringArray], repeats: int) -> float:
    """MB/s of tables of signatures over batches."""
    fold, near = load_profile("azj_Latn").fold_table, Near()
    ids = [pa.array([f"{number:032x}" for number in range(len(batch))]) for batch in texts]

    def work() -> None:
        for names, batch in zip(ids, texts, strict=True):
            signature_table(names, TextBatch(batch), fold, near)

    return sum(len(TextBatch(batch).data) for batch in texts) / 1e6 / best(work, repeats)


def other_speed(python: Path, name: str, path: Path, megabytes: float) -> float:
    """MB/s of one of the others."""
    done = subprocess.run(
        [python, Path(__file__).with_name("other_signatures.py"), name, path], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{name} failed:\n{done.stderr[-3000:]}")
    return megabytes / float(done.stdout.split()[-1])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=Path, default=Path(os.environ.get("DOLLMA_SHARED", "../shared")) / "data")
    parser.add_argument("--megabytes", type=int, default=60)
    parser.add_argument("--others-megabytes", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    python = environment()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    pages = {name: texts for name, texts in real_pages(arguments.pages).items() if name.endswith("_az.jsonl.zst")}
    ours = our_speed(list(batches(pages, arguments.megabytes * 1_000_000)), arguments.repeats)
    print(f"{processor()}, one core of {os.cpu_count()}, Python {platform.python_version()}; {arguments.megabytes} MB of Azerbaijani pages")
    print(f"  {'dollma':<22} {ours:8.1f} MB/s  (bar: {LEAST} MB/s){'' if ours >= LEAST else '  MISSED'}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pages.jsonl.zst"
        write_pages(path, pages, arguments.others_megabytes * 1_000_000)
        for name, times in TIMES.items():
            theirs = other_speed(python, name, path, arguments.others_megabytes)
            ratio = ours / theirs
            print(
                f"  {name:<22} {theirs:8.2f} MB/s: {ratio:.0f} times as fast (bar: {times}){'' if ratio >= times else '  MISSED'}",
                flush=True,
            )


if __name__ == "__main__":
    main()
