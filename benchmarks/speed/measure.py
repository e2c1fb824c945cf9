"""Throughput of the stage `measure`, signatures included, on one core: the stage as a build runs it, and what each filter takes of it.

    taskset -c 0 python -m benchmarks.speed.measure --pages FOLDER [--megabytes 100] [--profile azj_Latn] [--repeats 3]

Reads and writes the tables that a build reads and writes; the best of the repeats counts, kernels compiled before.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyarrow as pa

from benchmarks.speed.pages import real_pages, recombined
from curation.dedup.parameters import Near
from curation.dedup.signatures import signature_table
from curation.document import DOCUMENTS, document_id
from curation.filters.base import Filter
from curation.filters.choice import make_filters
from curation.languages.profile import load_profile
from curation.tables import BATCH_BYTES, TableWriter, row_groups
from curation.text.buffers import TextBatch
from pipelines.stages.measure import Measure, Sign


def write_documents(path: Path, pages: dict[str, list[str]], size: int) -> None:
    """The table `documents` with `size` bytes of text."""
    with TableWriter(path, DOCUMENTS, texts=True) as writer:
        rows: list[tuple[str, str]] = []
        held = 0
        for name, text in recombined(pages, size):
            rows.append((document_id("pages", name, text), text))
            held += len(text)
            if held > BATCH_BYTES:
                writer.write(_documents(rows))
                rows, held = [], 0
        writer.write(_documents(rows))


def _documents(rows: list[tuple[str, str]]) -> pa.RecordBatch:
    n = len(rows)
    columns: dict[str, object] = {
        "id": [row[0] for row in rows],
        "text": [row[1] for row in rows],
        "locator": [""] * n,
        "url": [None] * n,
        "excluded": [None] * n,
        "metadata": ["{}"] * n,
        "edits": [[]] * n,
    }
    return pa.RecordBatch.from_pydict(columns, schema=DOCUMENTS)


def best(work: Callable[[], object], repeats: int) -> float:
    """Seconds of the fastest run."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


def report(documents: Path, language: str, filters: tuple[Filter, ...], repeats: int) -> None:
    """Print the stage's speed, then each part's, each over batches that no other part has touched."""
    profile, near = load_profile(language), Near()
    size = sum(len(text) for batch in row_groups(documents, ["text"]) for text in (batch["text"].buffers()[2],))

    def stage() -> None:
        with tempfile.TemporaryDirectory() as folder:
            Measure(documents, filters, language).run(Path(folder), lambda **_: None)
            Sign(documents, near, language).run(Path(folder), lambda **_: None)

    def asked(one: Filter) -> None:
        for batch in row_groups(documents, ["text"]):
            one.measure(TextBatch(batch["text"]), profile)

    def signed() -> None:
        for batch in row_groups(documents, ["id", "text"]):
            signature_table(batch["id"], TextBatch(batch["text"]), profile.fold_table, near)

    def opened() -> None:
        for batch in row_groups(documents, ["id", "text"]):
            TextBatch(batch["text"])

    stage()
    print(f"whole stage: {size / 1e6 / best(stage, repeats):.1f} MB/s over {size / 1e6:.0f} MB")
    reading = best(opened, repeats)
    print(f"  {'reading documents':<20} {size / 1e6 / reading:8.0f} MB/s")
    for one in filters:
        print(f"  {one.name:<20} {size / 1e6 / max(best(partial(asked, one), repeats) - reading, 1e-9):8.0f} MB/s")
    print(f"  {'signatures':<20} {size / 1e6 / max(best(signed, repeats) - reading, 1e-9):8.0f} MB/s")


def main() -> None:
    """Make the table, measure it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=Path, default=Path(os.environ.get("DOLLMA_SHARED", "../shared")) / "data")
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--profile", default="azj_Latn")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    profile = load_profile(arguments.profile)
    filters = tuple(make_filters(profile.thresholds()))
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, profile {arguments.profile}")
    with tempfile.TemporaryDirectory() as folder:
        documents = Path(folder) / "documents.parquet"
        write_documents(documents, real_pages(arguments.pages), arguments.megabytes * 1_000_000)
        report(documents, arguments.profile, filters, arguments.repeats)


if __name__ == "__main__":
    main()
