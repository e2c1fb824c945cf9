"""Signatures of documents that were never written, as many as wanted: what a crawl's look like to banding and clustering.

60 % of the documents are alone; the others stand in clusters of 2 to 1,000, sizes by a power law. Members of a cluster agree at a Jaccard similarity between
0.75 and 1, the same for all its pairs; every tenth cluster is of exact copies. One document in a hundred has a band in common with thousands of others and is
like none of them, as a page is that shares a menu. Everything follows from the seed and the document's number, so a file can be made without the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numba as nb
import numpy as np
import pyarrow as pa

from curation.dedup.parameters import Near
from curation.dedup.signatures import band_hashes, schema
from curation.text.hashing import SEED_A, finish, step_a

ALONE = 0.6
LARGEST, SLOPE = 1000, 2.5
"""Documents in the largest clusters; a cluster of n is n^-SLOPE as frequent."""
MENUS = 10
"""Bands that many documents have in common."""
FILE_ROWS, BATCH_ROWS = 1_000_000, 20_000


def write_signatures(folder: Path, documents: int, near: Near, seed: int = 0) -> list[Path]:
    """Files of the table `signatures` with so many documents in all."""
    cluster = cluster_numbers(documents, seed)
    paths: list[Path] = []
    for first in range(0, documents, FILE_ROWS):
        paths.append(folder / f"signatures-{len(paths):05d}.arrow")
        with pa.OSFile(str(paths[-1]), "wb") as file, pa.ipc.new_file(file, schema(near)) as writer:
            for batch in _batches(cluster, first, min(first + FILE_ROWS, documents), near):
                writer.write_batch(batch)
    return paths


def cluster_numbers(documents: int, seed: int) -> np.ndarray:
    """The cluster of each document (int64), a number of its own for one that is alone. Clusters are spread over all files."""
    generator = np.random.default_rng(seed)
    sizes = np.arange(2, LARGEST + 1)
    frequency = sizes**-SLOPE
    drawn = generator.choice(sizes, size=documents // 2, p=frequency / frequency.sum())
    drawn = drawn[: int(np.searchsorted(np.cumsum(drawn), (1 - ALONE) * documents, "right"))]
    together = np.repeat(np.arange(len(drawn)), drawn)
    numbers = np.concatenate((together, np.arange(len(drawn), len(drawn) + documents - len(together))))
    generator.shuffle(numbers)
    return numbers


def _batches(cluster: np.ndarray, first: int, last: int, near: Near) -> Iterator[pa.RecordBatch]:
    for start in range(first, last, BATCH_ROWS):
        end = min(start + BATCH_ROWS, last)
        exact, minhash = _signatures(cluster[start:end], start, near.permutations, near.permutations // near.bands)
        bands, nothing = band_hashes(minhash, near.bands), pa.array(np.zeros(end - start + 1, np.int64))
        kinds = schema(near)
        columns = [
            pa.array([f"{number:032x}" for number in range(start, end)]),
            pa.FixedSizeBinaryArray.from_buffers(kinds.field("exact").type, end - start, [None, pa.py_buffer(exact)]),
            *(pa.array(np.ascontiguousarray(bands[:, band])) for band in range(near.bands)),
            pa.FixedSizeBinaryArray.from_buffers(kinds.field("signature").type, end - start, [None, pa.py_buffer(minhash)]),
            *(pa.LargeListArray.from_arrays(nothing, pa.array([], kinds.field(name).type.value_type)) for name in ("sketch", "paragraphs")),
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=kinds)


@nb.njit(cache=True)
def _signatures(cluster, first, permutations, rows):  # type: ignore[no-untyped-def]
    """(exact hashes, signatures): a document takes its cluster's value under a permutation, or with the chance 1 - sqrt(similarity) its own."""
    exact = np.empty((len(cluster), 2), np.uint64)
    minhash = np.empty((len(cluster), permutations), np.uint32)
    for i in range(len(cluster)):
        document, common = _mixed(1, first + i), _mixed(2, cluster[i])
        copies = cluster[i] % 10 == 0
        similarity = 1.0 if copies else 0.75 + 0.25 * (_mixed(3, cluster[i]) >> np.uint64(11)) / 2.0**53
        own = np.uint64((1 - np.sqrt(similarity)) * 2.0**32)
        exact[i, 0] = exact[i, 1] = common if copies else document
        for k in range(permutations):
            one = step_a(document, np.uint32(k))
            minhash[i, k] = finish(one if (finish(one) >> np.uint64(32)) < own else step_a(common, np.uint32(k)))
        if not copies and document % np.uint64(100) == 0:
            menu = (document >> np.uint64(32)) % np.uint64(MENUS)
            for k in range(np.int64(menu) * rows, np.int64(menu) * rows + rows):
                minhash[i, k] = _mixed(4, k)
    return exact, minhash


@nb.njit
def _mixed(kind, number):  # type: ignore[no-untyped-def]
    return finish(step_a(step_a(SEED_A, np.uint32(kind)), np.uint64(number)))
