"""Time and memory of banding, pair test and clustering over made-up signatures, and how both grow.

    python -m benchmarks.speed.clusters [--signatures 1000000 2000000 5000000] [--out clusters.svg] [--folder FOLDER]

The signatures (`benchmarks.speed.made_signatures`) are files of the table that a build writes, about 650 bytes a document; FOLDER, by default the system's
for temporary files, must hold them. Each size is clustered in a process of its own, on two cores: equal texts are grouped, documents with an equal band
paired, pairs tested by their signatures, survivors and clusters decided. Reading texts to verify pairs is the build's, and not counted here. Growth is
fitted to the seconds of work, of all cores together, which other programs on the machine disturb less.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.machine import processor
from benchmarks.speed.made_signatures import write_signatures
from curation.audit.plot import lines_svg
from curation.dedup.pairs import agreeing, marks, near_pairs
from curation.dedup.parameters import Near
from curation.dedup.signatures import band_name, matrix
from curation.dedup.survivors import Verified, decide, equal_groups
from curation.files import whole_file

CORES = 2
BAR = (5_000_000, 180, 4096)
"""So many signatures must be clustered within so many seconds and MB."""


def cluster(paths: list[Path], near: Near) -> dict[str, float]:
    """What a build does with these files, ranks drawn at random; seconds, also of all cores together, MB at the peak, and what was found."""
    started, worked = time.perf_counter(), time.process_time()
    documents = sum(len(batch) for batch in _column(paths, "exact"))
    rank = np.random.default_rng(0).permutation(documents)

    def by_rank(name: str, out: np.ndarray) -> np.ndarray:
        first = 0
        for values in _column(paths, name):
            place = rank[first : first + len(values)]
            out[place] = {"exact": _exact, "signature": _marks}.get(name, pa.Array.to_numpy)(values)
            first += len(values)
        return out

    best = equal_groups(by_rank("exact", np.empty((documents, 2), np.uint64)))
    unique = np.flatnonzero(best == np.arange(documents))
    signatures = by_rank("signature", np.empty((documents, near.permutations), np.uint8))
    pairs = near_pairs(
        near.bands,
        lambda band: by_rank(band_name(band), np.empty(documents, np.uint64)),
        unique,
        signatures,
        agreeing(near.threshold, near.permutations),
    )
    alike = np.ones(len(pairs))
    outcome = decide(best, Verified(pairs, alike, alike), near.threshold, None, np.zeros(documents, dtype=bool))
    return {
        "documents": documents,
        "seconds": time.perf_counter() - started,
        "work": time.process_time() - worked,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "pairs": len(pairs),
        "duplicates": int((outcome.survivor >= 0).sum()),
        "clusters": len(np.unique(outcome.cluster)),
    }


def _column(paths: list[Path], name: str) -> Iterator[pa.Array]:
    """One column of all files, batch by batch; the others are not read."""
    for path in paths:
        with pa.OSFile(str(path)) as file:
            place = pa.ipc.open_file(file).schema.get_field_index(name)
            reader = pa.ipc.open_file(file, options=pa.ipc.IpcReadOptions(included_fields=[place]))
            for number in range(reader.num_record_batches):
                yield reader.get_batch(number)[name]


def _exact(values: pa.Array) -> np.ndarray:
    return matrix(values, np.uint64)


def _marks(values: pa.Array) -> np.ndarray:
    return marks(matrix(values, np.uint32))


def measured(documents: int, folder: Path) -> dict[str, float]:
    """The figures of `cluster` over so many made-up signatures, from a process of its own; kernels are compiled before."""
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        write_signatures(Path(temporary), documents, Near())
        done = subprocess.run([sys.executable, "-m", __spec__.name, "--cluster", temporary], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"clustering of {documents:,} signatures failed:\n{done.stderr[-3000:]}")
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def fitted(found: list[dict[str, float]]) -> float:
    """Seconds of work that n log2 n costs, by least squares of relative errors."""
    ratio = np.array([one["documents"] * np.log2(one["documents"]) / one["work"] for one in found])
    return float(ratio.sum() / (ratio**2).sum())


def main() -> None:
    """Print a line a size, and write the plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--signatures", type=int, nargs="+", default=[1_000_000, 2_000_000, 5_000_000])
    parser.add_argument("--folder", type=Path, help="where the made-up signatures are written")
    parser.add_argument("--out", type=Path, help="write the plot of time over size here (.svg)")
    parser.add_argument("--cluster", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.cluster:
        print(json.dumps(cluster(sorted(arguments.cluster.glob("*.arrow")), Near())))
        return
    cores = sorted(os.sched_getaffinity(0))[:CORES]
    os.sched_setaffinity(0, cores)
    print(f"{processor()}, {len(cores)} cores, Python {platform.python_version()}")
    measured(20_000, arguments.folder)
    found = []
    for documents in sorted(arguments.signatures):
        found.append(measured(documents, arguments.folder))
        print("  " + _told(found[-1]), flush=True)
    cost = fitted(found)
    worst = max(abs(one["work"] / (cost * one["documents"] * np.log2(one["documents"])) - 1) for one in found)
    print(f"  n log n fits within {worst:.0%}: {cost * 1e9:.1f} ns x n x log2(n)")
    if arguments.out:
        millions = [one["documents"] / 1e6 for one in found]
        series = {
            "seconds": [(n, one["seconds"]) for n, one in zip(millions, found, strict=True)],
            "seconds of all cores together": [(n, one["work"]) for n, one in zip(millions, found, strict=True)],
            "n log n, fitted": [(n, cost * n * 1e6 * np.log2(n * 1e6)) for n in millions],
        }
        with whole_file(arguments.out) as temporary:
            temporary.write_text(
                lines_svg("Banding, pair test, clustering", "million signatures", "seconds", series, ["n log n, fitted"]), "utf-8"
            )


def _told(one: dict[str, float]) -> str:
    line = (
        f"{one['documents']:>12,} signatures: {one['seconds']:7.1f} s ({one['work']:.1f} s of work), {one['megabytes']:7,.0f} MB; {one['pairs']:,} pairs, "
        f"{one['duplicates']:,} duplicates, {one['clusters']:,} clusters"
    )
    documents, seconds, megabytes = BAR
    if one["documents"] != documents:
        return line
    met = one["seconds"] <= seconds and one["megabytes"] <= megabytes
    return f"{line}  (bar: {seconds} s, {megabytes:,} MB){'' if met else '  MISSED'}"


if __name__ == "__main__":
    main()
