"""Runs one of the other tools over given shingle sets, in `.venv-bench`: `python others.py NAME sets.npz pairs.npy`.

Imports nothing of the toolkit. Writes the pairs of rows that the tool says are duplicates. All have 112 permutations; datasketch and rensa get our 16
bands of 7, datatrove its own 14 of 8 with 64-bit hashes, as FineWeb ran it.
"""

# ruff: noqa: PLC0415 - only the package that is asked for is imported
from __future__ import annotations

import struct
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

THRESHOLD, PERMUTATIONS, BANDS = 0.8, 112, 16


def datasketch(sets: list[np.ndarray], least: float) -> Iterator[tuple[int, int]]:
    """What MinHashLSH finds for each document, if the two signatures estimate at least this similarity."""
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(num_perm=PERMUTATIONS, params=(BANDS, PERMUTATIONS // BANDS))
    signatures = [MinHash(PERMUTATIONS, hashfunc=lambda value: value) for _ in sets]
    for row, (one, signature) in enumerate(zip(sets, signatures, strict=True)):
        signature.update_batch((one >> np.uint64(32)).tolist())
        index.insert(row, signature)
    for row, signature in enumerate(signatures):
        for other in index.query(signature):
            if row < other and signature.jaccard(signatures[other]) >= least:
                yield row, other


def rensa(sets: list[np.ndarray], least: float) -> Iterator[tuple[int, int]]:
    """What RMinHashLSH finds for each document, if the two signatures estimate at least this similarity."""
    from rensa import RMinHash, RMinHashLSH  # type: ignore[import-not-found]

    signatures = RMinHash.from_token_sets([[item.tobytes() for item in one] for one in sets], PERMUTATIONS, 1)
    index = RMinHashLSH(THRESHOLD, PERMUTATIONS, BANDS)
    index.insert_many(signatures)
    for row, found in enumerate(index.query_all(signatures)):
        for other in found:
            if row < other and signatures[row].jaccard(signatures[other]) >= least:
                yield row, other


def datatrove(sets: list[np.ndarray]) -> Iterator[tuple[int, int]]:
    """Every document that MinhashDedupCluster removes, with the one that its cluster keeps."""
    from datatrove.data import Document
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupSignature
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.utils.hashing import HashConfig

    class Given(MinhashDedupSignature):
        def get_shingles(self, text: str) -> Any:
            return sets[int(text)].reshape(-1, 1)

    config = MinhashConfig(hash_config=HashConfig(precision=64))
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary)
        Given(str(out / "signatures"), config=config, language="eng").run(Document(text=str(row), id=str(row)) for row in range(len(sets)))
        stages = (
            (MinhashDedupBuckets(str(out / "signatures"), str(out / "buckets"), config=config), config.num_buckets),
            (MinhashDedupCluster(str(out / "buckets"), str(out / "removed"), config=config, save_cluster_id=True), 1),
        )
        for number, (stage, tasks) in enumerate(stages):
            LocalPipelineExecutor([stage], tasks=tasks, workers=1, logging_dir=str(out / f"logs{number}")).run()
        removed = {row for (row,) in struct.iter_unpack("<I", (out / "removed/000000.remove").read_bytes())}
        clusters = list(struct.iter_unpack("<2I", (out / "removed/000000.clusters").read_bytes()))
    kept = {cluster: row for row, cluster in clusters if row not in removed}
    yield from ((row, kept[cluster]) for row, cluster in clusters if row in removed)


TOOLS: dict[str, Callable[[list[np.ndarray]], Iterator[tuple[int, int]]]] = {
    "datasketch": partial(datasketch, least=0),
    "datasketch-checked": partial(datasketch, least=THRESHOLD),
    "rensa": partial(rensa, least=0),
    "rensa-checked": partial(rensa, least=THRESHOLD),
    "datatrove": datatrove,
}


def main() -> None:
    """Arguments: name of the tool; file of the sets; file for the pairs."""
    name, source, target = sys.argv[1:4]
    with np.load(source) as given:
        hashes, starts = given["hashes"], given["starts"]
    sets = [hashes[starts[row] : starts[row + 1]] for row in range(len(starts) - 1)]
    found = list(TOOLS[name](sets))
    np.save(target, np.array(found, np.int64).reshape(-1, 2))


if __name__ == "__main__":
    main()
