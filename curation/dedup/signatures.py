"""What is stored of every document so that duplicates are found without its text: an exact hash, a MinHash signature with its bands, a sketch, paragraphs."""

from __future__ import annotations

import numba as nb
import numpy as np
import pyarrow as pa

from curation.dedup.parameters import SHORTEST_PARAGRAPH, Near
from curation.text.buffers import TextBatch
from curation.text.hashing import SEED_A, finish, step_a
from curation.text.signing import PARAGRAPH, affine32, sign

_PARAGRAPH_TYPE = pa.binary(PARAGRAPH.itemsize)


def band_name(band: int) -> str:
    """The column of band number `band`."""
    return f"band_{band:02d}"


def schema(near: Near) -> pa.Schema:
    """Columns of the table `signatures`: a hash a band, each in a column of its own, so that finding pairs reads 8 bytes a document at a time; `exact`
    is 16 bytes, `signature` one uint32 a permutation, a paragraph as `curation.text.signing.PARAGRAPH`, all little endian."""
    return pa.schema(
        [
            pa.field("id", pa.string(), nullable=False),
            pa.field("exact", pa.binary(16), nullable=False),
            *(pa.field(band_name(band), pa.uint64(), nullable=False) for band in range(near.bands)),
            pa.field("signature", pa.binary(4 * near.permutations), nullable=False),
            pa.field("sketch", pa.large_list(pa.uint32()), nullable=False),
            pa.field("paragraphs", pa.large_list(_PARAGRAPH_TYPE), nullable=False),
        ]
    )


def signature_table(ids: pa.StringArray, batch: TextBatch, fold: np.ndarray, near: Near) -> pa.RecordBatch:
    """The rows of `signatures` for a batch of documents."""
    found = sign(batch.data, batch.offsets, fold, near.shingle, affine32(near.permutations, near.seed), SHORTEST_PARAGRAPH)
    bands = band_hashes(found.minhash, near.bands)
    paragraphs = found.paragraphs.view(np.uint8).reshape(-1, PARAGRAPH.itemsize)
    columns = [
        ids,
        _binary(found.exact),
        *(pa.array(np.ascontiguousarray(bands[:, band])) for band in range(near.bands)),
        _binary(found.minhash),
        pa.LargeListArray.from_arrays(pa.array(found.sketch_starts), pa.array(found.sketches)),
        pa.LargeListArray.from_arrays(pa.array(found.paragraph_starts), _binary(paragraphs)),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema(near))


def band_hashes(minhash: np.ndarray, bands: int) -> np.ndarray:
    """One hash per band of each signature: uint64, shape (documents, bands)."""
    return _band_hashes(minhash, bands)


@nb.njit(cache=True, nogil=True)
def _band_hashes(minhash, bands):  # type: ignore[no-untyped-def]
    rows = minhash.shape[1] // bands
    out = np.empty((len(minhash), bands), np.uint64)
    for i in range(len(minhash)):
        for band in range(bands):
            h = SEED_A
            for k in range(band * rows, (band + 1) * rows):
                h = step_a(h, minhash[i, k])
            out[i, band] = finish(h)
    return out


def _binary(matrix: np.ndarray) -> pa.Array:
    width = matrix.shape[1] * matrix.itemsize
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), len(matrix), [None, pa.py_buffer(np.ascontiguousarray(matrix))])


def matrix(column: pa.Array, dtype: type[np.generic]) -> np.ndarray:
    """A fixed-size binary column as a numpy matrix with one row per document (a view)."""
    width = column.type.byte_width
    data = np.frombuffer(column.buffers()[1], np.uint8) if len(column) else np.zeros(0, np.uint8)
    rows = data[column.offset * width : (column.offset + len(column)) * width]
    return rows.view(dtype).reshape(len(column), width // np.dtype(dtype).itemsize)


def sketches(column: pa.LargeListArray) -> tuple[np.ndarray, np.ndarray]:
    """(values, starts): document i's sketch is values[starts[i]:starts[i + 1]] (views)."""
    return column.values.to_numpy(), column.offsets.to_numpy()


def paragraphs(column: pa.LargeListArray) -> tuple[np.ndarray, np.ndarray]:
    """(paragraphs, starts): document i's paragraphs are paragraphs[starts[i]:starts[i + 1]], of dtype PARAGRAPH (views)."""
    values = column.values
    data = np.frombuffer(values.buffers()[1], np.uint8) if len(values) else np.zeros(0, np.uint8)
    start = values.offset * PARAGRAPH.itemsize
    return data[start : start + len(values) * PARAGRAPH.itemsize].view(PARAGRAPH), column.offsets.to_numpy()
