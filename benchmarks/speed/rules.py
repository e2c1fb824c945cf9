"""Throughput of the field's rules on one core: every kernel, the four filters, and beside them datatrove's own blocks in the same run.

    python -m benchmarks.speed.rules [--pages FOLDER] [--megabytes 40] [--datatrove-megabytes 4] [--repeats 5]

Prints MB of UTF-8 a second: the best of the repeats for us, kernels compiled before; one pass for datatrove, starting up not counted. Uses `.venv-bench` as
`benchmarks.speed.build` sets it up; without it, datatrove is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa

from benchmarks.speed.build import BENCH
from benchmarks.speed.pages import real_pages, recombined, write_pages
from curation.filters.base import Filter
from curation.filters.c4 import C4Filter
from curation.filters.fineweb import FineWebFilter
from curation.filters.gopher_quality import GopherQualityFilter
from curation.filters.gopher_repetition import GopherRepetitionFilter
from curation.languages.profile import Profile, load_profile
from curation.tables import BATCH_BYTES
from curation.text.buffers import TextBatch
from curation.text.c4_lines import line_fates
from curation.text.lines import character_counts, line_counts, mark_counts, paragraph_counts
from curation.text.repetition import duplicate_ngrams, top_ngrams
from curation.text.scripts import SCRIPTS, line_scripts, script_letters
from curation.text.sentences import sentence_counts
from curation.text.spaces import plain_spaces
from curation.text.stop_words import distinct_words
from curation.text.words import text_counts, token_counts
from curation.text.wordtable import word_table

Kernel = Callable[[TextBatch], object]
BAR = 150
"""MB/s that no kernel may fall below."""


def kernels(profile: Profile) -> dict[str, Kernel]:
    """Every kernel by name; those over words are given the words, which have a line of their own."""
    tokens = (profile.fold_table, profile.alphabet_table, profile.stop_word_hashes)
    script = SCRIPTS.index(profile.script)
    on_buffers: dict[str, Callable[..., object]] = {
        "characters": character_counts,
        "words, with hashes": word_table,
        "lines": line_counts,
        "paragraphs": paragraph_counts,
        "bullets and ellipses": mark_counts,
        "C4 lines": line_fates,
        "sentences": sentence_counts,
        "scripts": script_letters,
        "scripts by line": lambda data, offsets: line_scripts(data, offsets, script),
        "character kinds": text_counts,
        "tokens of a language": lambda data, offsets: token_counts(data, offsets, *tokens),
        "plain spaces": plain_spaces,
    }
    found: dict[str, Kernel] = {name: partial(_on_buffers, kernel) for name, kernel in on_buffers.items()}
    found["stop words"] = lambda batch: distinct_words(batch.word_table, profile.stop_words)
    for n in (2, 3, 4):
        found[f"top n-gram, n = 2..{n}" if n > 2 else "top 2-gram"] = partial(_top, n)
    for n in range(2, 11):
        found[f"duplicate {n}-grams"] = partial(_duplicates, n)
    return found


def _on_buffers(kernel: Callable[..., object], batch: TextBatch) -> object:
    return kernel(batch.data, batch.offsets)


def _top(n: int, batch: TextBatch) -> object:
    return top_ngrams(batch.word_table, n)


def _duplicates(n: int, batch: TextBatch) -> object:
    return duplicate_ngrams(batch.data, batch.word_table, (n,))


def batches(pages: dict[str, list[str]], size: int) -> Iterator[pa.StringArray]:
    """Texts in batches of the size that a build has."""
    rows: list[str] = []
    held = 0
    for _, text in recombined(pages, size):
        rows.append(text)
        held += len(text.encode())
        if held > BATCH_BYTES:
            yield pa.array(rows, pa.string())
            rows, held = [], 0
    if rows:
        yield pa.array(rows, pa.string())


def best(work: Callable[[], object], repeats: int) -> float:
    """Seconds of the fastest run, after one that is not counted."""
    work()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


def kernel_speed(kernel: Kernel, held: list[TextBatch], size: float, repeats: int) -> float:
    """MB/s of a kernel over batches whose words are known."""

    def work() -> None:
        for batch in held:
            kernel(batch)

    return size / best(work, repeats)


def filter_speed(asked: list[Filter], texts: list[pa.StringArray], profile: Profile, size: float, repeats: int) -> float:
    """MB/s of filters over batches that nothing is known of."""

    def work() -> None:
        for text in texts:
            batch = TextBatch(text)
            for one in asked:
                one.measure(batch, profile)

    return size / best(work, repeats)


def datatrove_speed(pages: dict[str, list[str]], tokenizer: str, megabytes: int) -> tuple[float, dict[str, float]]:
    """(MB/s of the four blocks together, seconds by block)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pages.jsonl.zst"
        write_pages(path, pages, megabytes * 1_000_000)
        command = [str(BENCH / "bin" / "python"), "benchmarks/speed/datatrove_rules.py", str(path), tokenizer]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"datatrove failed:\n{done.stderr[-3000:]}")
    seconds = json.loads(done.stdout.strip().splitlines()[-1])
    return megabytes / sum(seconds.values()), seconds


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=Path, default=Path(os.environ.get("DOLLMA_SHARED", "../shared")) / "data")
    parser.add_argument("--megabytes", type=int, default=40)
    parser.add_argument("--datatrove-megabytes", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--profile", default="azj_Latn")
    arguments = parser.parse_args()
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    profile, pages = load_profile(arguments.profile), real_pages(arguments.pages)
    texts = list(batches(pages, arguments.megabytes * 1_000_000))
    held = [TextBatch(text) for text in texts]
    size = sum(len(batch.data) for batch in held) / 1e6
    print(f"{_processor()}, one core of {os.cpu_count()}, Python {platform.python_version()}; {size:.0f} MB of real pages")
    for name, kernel in kernels(profile).items():
        speed = kernel_speed(kernel, held, size, arguments.repeats)
        print(f"  {name:<24} {speed:8.0f} MB/s{'' if speed >= BAR else f'  below {BAR}'}")
    filters: list[Filter] = [GopherQualityFilter(), GopherRepetitionFilter(), C4Filter(), FineWebFilter()]
    for one in filters:
        print(f"  filter {one.name:<17} {filter_speed([one], texts, profile, size, arguments.repeats):8.1f} MB/s")
    ours = filter_speed(filters, texts, profile, size, arguments.repeats)
    print(f"  all four                 {ours:8.1f} MB/s")
    if arguments.datatrove_megabytes and BENCH.exists():
        for tokenizer in ("default", "whitespace"):
            theirs, seconds = datatrove_speed(pages, tokenizer, arguments.datatrove_megabytes)
            told = ", ".join(f"{name} {value:.1f} s" for name, value in seconds.items())
            print(f"  datatrove, {tokenizer:<12} {theirs:9.2f} MB/s ({told}): {ours / theirs:.0f} times as fast")


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")] if info.exists() else []
    return names[0] if names else platform.machine()


if __name__ == "__main__":
    main()
