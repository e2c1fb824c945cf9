"""Documents that stand in others, and paragraphs that stand twice."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.dedup import paragraphs as paragraphs_module
from curation.dedup import sketches as sketches_module
from curation.dedup.paragraphs import repeated_paragraphs
from curation.dedup.sketches import Sketches, containing_pairs
from curation.languages.profile import load_profile
from curation.text.buffers import TextBatch
from curation.text.signing import PARAGRAPH, affine32, sign
from tests.dedup.texts import true_share

AZJ = load_profile("azj_Latn")


def nested(seed: int, documents: int) -> list[str]:
    """Long texts, and texts cut out of them with a few words changed."""
    pick = random.Random(seed)
    outer = [[f"söz{pick.randrange(5000)}" for _ in range(pick.choice([200, 800]))] for _ in range(documents)]
    inner = []
    for _ in range(documents):
        words = pick.choice(outer)
        first, size = pick.randrange(len(words) - 100), pick.choice([60, 100])
        own = words[first : first + size]
        for _ in range(pick.choice([0, 0, 1, 5])):
            own[pick.randrange(size)] = "başqa"
        inner.append(own)
    return [" ".join(words) for words in (*outer, *inner)]


def held_pairs(texts: list[str], folder: Path, order: list[int] | None = None) -> set[tuple[int, int]]:
    """Candidates among texts, which stand in rank order; `order` is the order of the rows."""
    rows = order or list(range(len(texts)))
    batch = TextBatch(pa.array([texts[rank] for rank in rows]))
    found = sign(batch.data, batch.offsets, AZJ.fold_table, 5, affine32(1, 1), 8)
    held = Sketches(folder / "sketches.bin", len(texts))
    held.write([(np.array(rows), np.arange(len(rows)), found.sketches, found.sketch_starts)])
    pairs = containing_pairs(held, np.zeros(len(texts), bool), 0.9)
    assert [path.name for path in folder.iterdir()] == ["sketches.bin"]
    return {tuple(pair) for pair in pairs.tolist()}


def test_what_stands_in_a_better_document_is_found(tmp_path: Path) -> None:
    texts = nested(1, 60)
    expected = {(a, b) for b in range(len(texts)) for a in range(b) if true_share(texts[b], texts[a]) >= 0.95}
    assert len(expected) > 20
    missed = expected - held_pairs(texts, tmp_path)
    assert len(missed) <= 1


def test_ranges_of_the_index_and_the_order_of_rows_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = nested(2, 40)
    whole = held_pairs(texts, tmp_path)
    monkeypatch.setattr(sketches_module, "RANGE", 100)
    shuffled = list(range(len(texts)))
    random.Random(3).shuffle(shuffled)
    assert held_pairs(texts, tmp_path, shuffled) == whole


@given(st.lists(st.lists(st.tuples(st.integers(0, 6), st.integers(1, 9)), max_size=6), max_size=8), st.integers(1, 5))
def test_a_paragraph_stays_where_it_stands_first(
    tmp_path_factory: pytest.TempPathFactory, documents: list[list[tuple[int, int]]], at_once: int
) -> None:
    ranks = list(range(len(documents)))
    random.Random(at_once).shuffle(ranks)
    rows = [(value << 61 | value, words, line) for rank in ranks for line, (value, words) in enumerate(documents[rank], 1)]
    starts = np.concatenate(([0], np.cumsum([len(documents[rank]) for rank in ranks]))).astype(np.int64)
    paragraphs_module.RANGE = at_once
    try:
        found = repeated_paragraphs(
            [(np.array(ranks, np.int64), np.arange(len(ranks)), np.array(rows, PARAGRAPH), starts)],
            tmp_path_factory.mktemp("p"),
            3,
            len(rows),
        )
    finally:
        paragraphs_module.RANGE = 1 << 24
    seen: set[int] = set()
    expected = []
    for rank, lines in enumerate(documents):
        for line, (value, words) in enumerate(lines, 1):
            if words >= 3 and value in seen:
                expected.append((rank, line, words))
            seen |= {value} if words >= 3 else set()
    assert list(zip(found.ranks.tolist(), found.lines.tolist(), found.words.tolist(), strict=True)) == expected
