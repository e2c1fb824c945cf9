"""What is stored of a document: equal to datasketch's where that is the oracle, to plain Python elsewhere."""

from __future__ import annotations

import datasketch
import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from curation.dedup.parameters import SHORTEST_PARAGRAPH, Near
from curation.dedup.signatures import band_hashes, band_name, matrix, paragraphs, signature_table, sketches
from curation.languages.profile import load_profile
from curation.text.buffers import TextBatch
from curation.text.shingles import TOKENS, shingle_hashes
from curation.text.signing import SAMPLE, affine32, content_hashes, sign
from tests.dedup.texts import variants

AZJ = load_profile("azj_Latn")
NEAR = Near()
LONG = [" ".join(f"söz{k}" for k in range(TOKENS + extra)) + " \n " for extra in (-1, 0, 1, 3)]


def signed(texts: list[str], n: int = 5, shortest: int = SHORTEST_PARAGRAPH):  # type: ignore[no-untyped-def]
    batch = TextBatch(pa.array(texts, pa.string()))
    return sign(batch.data, batch.offsets, AZJ.fold_table, n, affine32(112, 1), shortest), batch


def test_signatures_are_datasketch_s_bit_for_bit() -> None:
    found, batch = signed([*variants(1, 40), "", "tək", "iki söz", "!", *LONG])
    hashes, starts = shingle_hashes(batch.data, batch.offsets, AZJ.fold_table, 5)
    for i in range(len(batch)):
        oracle = datasketch.MinHash(112, seed=1, hashfunc=lambda h: h, scheme="affine32")
        shingles = (hashes[starts[i] : starts[i + 1]] >> np.uint64(32)).tolist()
        if shingles:
            oracle.update_batch(shingles)
        assert (oracle.hashvalues == found.minhash[i]).all()


def test_a_sketch_is_the_sample_of_the_shingles() -> None:
    found, batch = signed([*variants(2, 60), "", "tək", *LONG])
    hashes, starts = shingle_hashes(batch.data, batch.offsets, AZJ.fold_table, 5)
    for i in range(len(batch)):
        own = hashes[starts[i] : starts[i + 1]]
        expected = sorted({int(h >> np.uint64(32)) for h in own if h % np.uint64(SAMPLE) == 0})
        assert found.sketches[found.sketch_starts[i] : found.sketch_starts[i + 1]].tolist() == expected


@given(st.lists(st.text(alphabet="aəI\u0307İ. -\n\t\u2028\u00a0", max_size=40), min_size=1, max_size=5))
def test_paragraphs_are_the_lines_that_are_long_enough(texts: list[str]) -> None:
    found, _ = signed(texts, shortest=2)
    for i, text in enumerate(texts):
        own = found.paragraphs[found.paragraph_starts[i] : found.paragraph_starts[i + 1]]
        expected = [(len(line.split()), number) for number, line in enumerate(text.split("\n"), 1) if len(line.split()) >= 2]
        assert [(int(p["words"]), int(p["line"])) for p in own] == expected


def test_lines_are_equal_by_their_tokens_and_texts_by_all_but_case_and_white_space() -> None:
    found, _ = signed(
        ["Bir, iki üç.\nBİR iki — üç\nbir iki dörd", "bir,  iki üç.\nbir iki — üç bir iki dörd", "bir iki üç. bir iki — üç bir iki dörd"],
        shortest=3,
    )
    first, second, third = found.paragraphs["hash"][:3]
    assert first == second != third
    assert (found.exact[0] == found.exact[1]).all()
    assert (found.exact[0] != found.exact[2]).any()


@given(st.lists(st.text(max_size=30), min_size=2, max_size=8))
def test_content_hashes_tell_texts_apart(texts: list[str]) -> None:
    batch = TextBatch(pa.array([text.encode("utf-8", "replace").decode() for text in texts], pa.string()))
    hashes = [tuple(pair) for pair in content_hashes(batch.data, batch.offsets).tolist()]
    for i, one in enumerate(batch.texts.to_pylist()):
        for j, other in enumerate(batch.texts.to_pylist()):
            assert (hashes[i] == hashes[j]) == (one == other)


def test_stored_columns_come_back_as_they_were() -> None:
    texts = [text.replace("söz1", "\nsöz1") for text in variants(2, 30)]
    found, batch = signed(texts)
    table = signature_table(pa.array([str(i) for i in range(30)]), batch, AZJ.fold_table, NEAR)
    minhash = matrix(table["signature"], np.uint32)
    assert (minhash == found.minhash).all()
    assert all((band_hashes(minhash, NEAR.bands)[:, b] == table[band_name(b)].to_numpy()).all() for b in range(NEAR.bands))
    assert (matrix(table["signature"].slice(7, 5), np.uint32) == minhash[7:12]).all()
    for rows in (table, table.slice(7, 5)):
        lines, starts = paragraphs(rows["paragraphs"])
        values, sketch_starts = sketches(rows["sketch"])
        for row in range(rows.num_rows):
            own = int(table.num_rows - 23 + row) if rows.num_rows == 5 else row
            assert (
                lines[starts[row] : starts[row + 1]] == found.paragraphs[found.paragraph_starts[own] : found.paragraph_starts[own + 1]]
            ).all()
            assert (
                values[sketch_starts[row] : sketch_starts[row + 1]]
                == found.sketches[found.sketch_starts[own] : found.sketch_starts[own + 1]]
            ).all()
