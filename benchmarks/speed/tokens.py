"""Encoding, packing and loading on real text: MB of text a second and core, share of places taken, tokens a second and core; and the memory of the whole command.

    taskset -c 0 python -m benchmarks.speed.tokens --data FOLDER [--tokenizer FOLDER]
    python -m benchmarks.speed.tokens --data FOLDER --command-megabytes 1000 [--workers 2]

Speeds are of CPU time of one core, which other programs disturb less than wall time. Without a tokenizer one of 64,000 ids is trained on the same text. The second form
makes a version of so many MB out of lines of real pages, runs `dollma tokens` on it, and sums the memory of all its processes (PSS: what they share counts once).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pyarrow as pa

from benchmarks.speed.pages import real_pages, recombined
from benchmarks.speed.pretrain_texts import real_texts, stored, trained
from curation.files import checksum
from curation.writers.shards import SHARD, shard_name, write_shard
from modeling.tokenizer import Vocabulary, load_tokenizer, vocabulary
from modeling.tokens import Tokens, batches, pack
from modeling.tokens.words import Encoder

BATCH = 1000
"""Texts encoded at once."""
SHARD_BYTES = 128_000_000
LOADED = 400
"""Batches of 64 rows that the loader's speed is measured over."""


def encoding(texts: list[str], tokenizer: Path) -> None:
    """Print the speed by words, beginning with an empty table, and that of the tokenizer on whole texts."""
    size = sum(len(text.encode()) for text in texts) / 1e6
    whole, ours = load_tokenizer(tokenizer), Encoder(load_tokenizer(tokenizer))
    ours(["İlk çağırış kernelləri yükləyir."])
    started = time.process_time()
    for first in range(0, len(texts), BATCH):
        ours(texts[first : first + BATCH])
    seconds = time.process_time() - started
    some = texts[::8]
    started = time.process_time()
    for first in range(0, len(some), BATCH):
        for encoded in whole.encode_batch_fast(some[first : first + BATCH], add_special_tokens=False):
            _ = encoded.ids
    theirs = sum(len(text.encode()) for text in some) / 1e6 / (time.process_time() - started)
    print(f"encoding {size:.0f} MB: by words {size / seconds:.1f} MB/s, encode_batch_fast {theirs:.1f} MB/s ({tokenizer.name})")


def packing(tokens: Tokens, length: int) -> None:
    """Print how full rows of a length are, and what packing takes."""
    pack(tokens, "train", length)
    started = time.process_time()
    rows = pack(tokens, "train", length)
    seconds = time.process_time() - started
    cut = len(rows.counts) - int((-(-tokens.split("train").lengths() // (length - 2))).sum())
    print(
        f"rows of {length}: {rows.fill:.4%} of {len(rows) * length:,} places taken, {cut:,} cuts to fill, "
        f"{rows.tokens / len(rows.counts):.0f} tokens a piece, packed in {seconds:.2f} s"
    )


def loading(tokens: Tokens, vocab: Vocabulary, length: int, whole_words: bool) -> None:
    """Print the loader's speed, without threads."""
    rows = pack(tokens, "train", length)
    loader = batches(rows, vocab, seed=1, start=0, size=64, rate=0.3, whole_words=whole_words, workers=0)
    next(loader)
    started = time.process_time()
    count = sum(batch.tokens for batch in islice(loader, LOADED))
    speed = count / (time.process_time() - started) / 1e6
    print(f"loader, rows of {length}, {'whole words' if whole_words else 'tokens'}: {speed:.1f} M tokens/s and core")


def write_version(folder: Path, pages: dict[str, list[str]], megabytes: int) -> None:
    """A version's shards and manifest, with so much text of one source."""
    shards = max(1, round(megabytes * 1e6 / SHARD_BYTES))
    files, rows, words = {}, 0, 0
    (folder / "data").mkdir(parents=True)
    for number in range(shards):
        drawn = list(recombined(pages, int(megabytes * 1e6 / shards), seed=number))
        counted = [len(text.split()) for _, text in drawn]
        columns = {
            "id": [f"{rows + n:032x}" for n in range(len(drawn))],
            "text": [text for _, text in drawn],
            "source": ["web"] * len(drawn),
            "url": [None] * len(drawn),
            "metadata": ["{}"] * len(drawn),
            "words": counted,
            "copy": [0] * len(drawn),
        }
        path = folder / "data" / shard_name("train", number, shards)
        write_shard(path, pa.Table.from_pydict(columns, SHARD))
        files[f"data/{path.name}"] = {"bytes": path.stat().st_size, "sha256": checksum(path)}
        rows, words = rows + len(drawn), words + sum(counted)
    source = {"title": "Web", "licence": "", "upsample": 1, "words": words, "final_words": words}
    manifest = {"version": "made", "fingerprint": "made", "language": "azj_Latn", "files": files, "sources": {"web": source}}
    (folder / "manifest.json").write_text(json.dumps(manifest | {"splits": {"train": {"copies": rows}}}), encoding="utf-8")


def command(version: Path, tokenizer: Path, workers: int) -> None:
    """Run `dollma tokens` and print its time and peak memory."""
    with tempfile.TemporaryDirectory(dir=version.parent) as workspace:
        started, peak = time.perf_counter(), 0
        arguments = ["tokens", str(version), str(tokenizer), "-w", workspace, "--workers", str(workers)]
        with subprocess.Popen([sys.executable, "-m", "pipelines.cli", *arguments]) as process:
            while process.poll() is None:
                peak = max(peak, sum(map(_memory, _family(process.pid))))
                time.sleep(0.2)
        if process.returncode:
            sys.exit(process.returncode)
        print(f"dollma tokens, {workers} workers: {time.perf_counter() - started:.0f} s, at most {peak / 1024:.0f} MB in all its processes")


def _family(parent: int) -> Iterator[int]:
    yield parent
    for path in Path(f"/proc/{parent}/task").glob("*/children"):
        try:
            for child in path.read_text().split():
                yield from _family(int(child))
        except OSError:  # it has ended meanwhile
            continue


def _memory(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has ended meanwhile
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the real text")
    parser.add_argument("--tokenizer", type=Path)
    parser.add_argument("--command-megabytes", type=int)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        texts = real_texts(arguments.data)
        tokenizer = arguments.tokenizer or trained(texts, 64_000, folder / "wordpiece-64000")
        if arguments.command_megabytes:
            write_version(folder / "version", real_pages(arguments.data), arguments.command_megabytes)
            command(folder / "version", tokenizer, arguments.workers)
            return
        encoding(texts, tokenizer)
        tokens = stored(texts, tokenizer, folder / "store")
        for length in (128, 512):
            packing(tokens, length)
            for whole_words in (False, True):
                loading(tokens, vocabulary(tokenizer), length, whole_words)


if __name__ == "__main__":
    main()
