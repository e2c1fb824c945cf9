"""Near-duplicate decisions, against brute force where sizes allow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.dedup import memory
from curation.dedup.memory import recall, remember
from curation.dedup.pairs import BEST, NEXT, agreeing, marks, merged, near_pairs
from curation.dedup.parameters import Near
from curation.dedup.shingles import ShingleSets
from curation.dedup.signatures import band_hashes
from curation.dedup.survivors import CONTAINED, EXACT, NEAR, Outcome, Verified, decide, equal_groups
from curation.errors import DollmaError
from curation.languages.profile import load_profile
from curation.text.buffers import TextBatch
from curation.text.shingles import shingle_hashes
from curation.text.signing import affine32, sign
from tests.dedup.texts import true_jaccard, variants

AZJ = load_profile("azj_Latn")
ASKED = Near()


def outcome_of(texts: list[str], folder: Path) -> Outcome:
    """The near-duplicates among texts, which stand in rank order."""
    batch, ranks = TextBatch(pa.array(texts)), np.arange(len(texts))
    minhash = sign(batch.data, batch.offsets, AZJ.fold_table, ASKED.shingle, affine32(ASKED.permutations, ASKED.seed), 8).minhash
    bands = band_hashes(minhash, ASKED.bands)
    needed = agreeing(ASKED.threshold, ASKED.permutations)
    pairs = near_pairs(ASKED.bands, lambda b: bands[:, b], ranks, marks(minhash), needed)
    sets = ShingleSets(folder / "sets.bin", len(texts))
    sets.add(ranks, *shingle_hashes(batch.data, batch.offsets, AZJ.fold_table, ASKED.shingle))
    common, sizes = sets.common(pairs), sets.sizes[pairs].T
    verified = Verified(pairs, common / (sizes.sum(axis=0) - common), common / sizes[1])
    return decide(ranks, verified, ASKED.threshold, None, np.zeros(len(texts), bool))


def verified(pairs: list[tuple[int, int]], jaccard: list[float], held: list[float] | None = None) -> Verified:
    return Verified(np.array(pairs, np.int64).reshape(-1, 2), np.array(jaccard), np.array(held or jaccard))


def test_every_removal_is_like_a_survivor_that_is_kept(tmp_path: Path) -> None:
    texts = variants(3, 300)
    outcome = outcome_of(texts, tmp_path)
    removed = np.flatnonzero(outcome.survivor >= 0)
    assert len(removed) > 50
    for rank in removed:
        survivor = outcome.survivor[rank]
        assert survivor < rank
        assert outcome.survivor[survivor] < 0
        assert outcome.similarity[rank] == true_jaccard(texts[rank], texts[survivor]) >= ASKED.threshold


def test_hardly_a_near_duplicate_is_left(tmp_path: Path) -> None:
    texts = variants(4, 300)
    kept = np.flatnonzero(outcome_of(texts, tmp_path).survivor < 0)
    left = sum(true_jaccard(texts[a], texts[b]) >= 0.9 for i, a in enumerate(kept) for b in kept[:i])
    assert left <= 1  # a pair of Jaccard 0.9 is missed with probability (1 - 0.9^7)^16 = 0.00003


@given(st.lists(st.integers(0, 5), max_size=60))
def test_pairs_are_all_pairs_of_small_groups(values: list[int]) -> None:
    hashes = np.array(values, np.uint64) << np.uint64(40)
    pairs = near_pairs(1, lambda _: hashes, np.arange(len(values)), np.zeros((len(values), 4), np.uint8), 4)
    expected = {(i, j) for j in range(len(values)) for i in range(j) if values[i] == values[j]}
    found = {tuple(pair) for pair in pairs.tolist()}
    assert found <= expected
    assert {p for p in expected if sum(v == values[p[0]] for v in values) <= BEST + NEXT + 1} <= found


def test_a_great_group_gives_linearly_many_pairs_and_reaches_the_nearest() -> None:
    many = 100_000
    pairs = near_pairs(1, lambda _: np.zeros(many, np.uint64), np.arange(many), np.zeros((many, 4), np.uint8), 4)
    assert len(pairs) <= many * (BEST + NEXT)
    assert {tuple(p) for p in pairs[pairs[:, 1] == 5000].tolist()} == {(r, 5000) for r in (*range(BEST), *range(5000 - NEXT, 5000))}


def test_a_pair_that_agrees_too_little_is_none() -> None:
    signatures = np.array([[1, 2, 3, 4], [1, 2, 9, 9], [1, 2, 3, 9]], np.uint8)
    assert near_pairs(1, lambda _: np.zeros(3, np.uint64), np.arange(3), signatures, 3).tolist() == [[0, 2], [1, 2]]


def test_only_documents_that_take_part_are_paired() -> None:
    pairs = near_pairs(2, lambda _: np.zeros(5, np.uint64), np.array([0, 3, 4]), np.zeros((5, 4), np.uint8), 4)
    assert pairs.tolist() == [[0, 3], [0, 4], [3, 4]]


def test_pairs_of_several_bands_are_merged() -> None:
    parts = [np.array([[1, 2], [0, 3]]), np.array([[0, 2], [1, 2]]), np.zeros((0, 2), np.int64)]
    assert merged(parts, 4).tolist() == [[0, 2], [1, 2], [0, 3]]
    assert merged([], 0).shape == (0, 2)


def test_exact_groups_name_the_best_rank() -> None:
    exact = np.array([[1, 1], [2, 2], [1, 1], [1, 2], [2, 2]], np.uint64)
    assert equal_groups(exact).tolist() == [0, 1, 0, 3, 1]


def test_a_copy_of_a_near_duplicate_names_the_survivor_that_is_kept() -> None:
    outcome = decide(np.array([0, 1, 1, 0]), verified([(0, 1)], [0.9]), 0.8, 0.9, np.zeros(4, bool))
    assert outcome.survivor.tolist() == [-1, 0, 0, 0]
    assert outcome.kind[1:].tolist() == [NEAR, NEAR, EXACT]
    assert outcome.similarity.tolist() == [0.0, 0.9, 0.9, 1.0]
    assert outcome.cluster.tolist() == [0, 0, 0, 0]


def test_nothing_is_removed_for_being_like_a_removed_document() -> None:
    chain = decide(np.arange(3), verified([(0, 1), (1, 2)], [0.85, 0.85]), 0.8, None, np.zeros(3, bool))
    assert chain.survivor.tolist() == [-1, 0, -1]
    assert chain.cluster.tolist() == [0, 0, 0]


def test_near_comes_before_contained_and_short_documents_stand_in_nothing() -> None:
    pairs = verified([(0, 2), (1, 2), (0, 3), (0, 4)], [0.3, 0.81, 0.1, 0.2], [1.0, 0.9, 0.95, 0.89])
    outcome = decide(np.arange(5), pairs, 0.8, 0.9, np.array([False] * 5))
    assert outcome.survivor.tolist() == [-1, -1, 1, 0, -1]
    assert (outcome.kind[2], outcome.kind[3], outcome.similarity[3]) == (NEAR, CONTAINED, 0.95)
    assert decide(np.arange(5), pairs, 0.8, 0.9, np.array([False] * 3 + [True] * 2)).survivor.tolist() == [-1, -1, 1, -1, -1]


def test_pairs_are_remembered_for_the_same_texts_and_shingles_only(tmp_path: Path) -> None:
    one, other = np.array([[5, 1], [2, 2], [7, 0]], np.uint64), np.array([[1, 9], [2, 3], [7, 8]], np.uint64)
    remember(tmp_path, one[:2], other[:2], np.array([[4, 10, 5], [1, 2, 3]]), "five")
    known, counts = recall([tmp_path, tmp_path / "none"], "five", other, one)
    assert known.tolist() == [True, True, False]
    assert counts[:2].tolist() == [[4, 5, 10], [1, 3, 2]]
    assert not recall([tmp_path], "six", one, other)[0].any()


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30),
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30),
)
def test_what_is_recalled_is_what_was_remembered(
    tmp_path_factory: pytest.TempPathFactory, held: list[tuple[int, int]], asked: list[tuple[int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("memory")
    pairs = np.array(sorted({pair for pair in held if pair[0] < pair[1]}), np.uint64).reshape(-1, 2)
    hashes = np.stack((pairs, pairs * np.uint64(7)), axis=2)
    counts = np.array([[a + b, a, b] for a, b in pairs.tolist()], np.int64).reshape(-1, 3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory, "ROW_GROUP", 3)
        remember(folder, hashes[:, 0], hashes[:, 1], counts, "x")
    wanted = np.array(asked, np.uint64).reshape(-1, 2)
    sides = np.stack((wanted, wanted * np.uint64(7)), axis=2)
    known, found = recall([folder], "x", sides[:, 0], sides[:, 1])
    there = {tuple(pair) for pair in pairs.tolist()}
    assert known.tolist() == [tuple(sorted(pair)) in there for pair in asked]
    assert found[known].tolist() == [[a + b, a, b] for (a, b), is_known in zip(asked, known, strict=True) if is_known]


def test_damaged_pairs_are_an_error_that_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "pairs.parquet").write_bytes(b"PAR1 and nothing more")
    with pytest.raises(DollmaError, match=r"pairs\.parquet"):
        recall([tmp_path], "x", np.zeros((1, 2), np.uint64), np.zeros((1, 2), np.uint64))
