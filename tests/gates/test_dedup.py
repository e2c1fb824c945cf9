"""Floors of deduplication on real text with planted copies: `pytest tests/gates/test_dedup.py -s` prints the figures."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from benchmarks.dedup.corpus import Corpus, make_corpus, shingle_sets
from benchmarks.dedup.scores import Score, scores, truth_of
from benchmarks.dedup.tools import OURS, ours
from benchmarks.dedup.truth import jaccard, pairs_above

pytestmark = pytest.mark.realdata

GATE: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("dedup.yaml").read_text("utf-8"))


@pytest.fixture(scope="module")
def corpus(shared: Path) -> Corpus:
    return make_corpus(shared, GATE["documents"])


@pytest.fixture(scope="module")
def found(corpus: Corpus) -> dict[str, Score]:
    """By group: precision and recall of near-duplicates alone; what is contained from a run that looks for that too."""
    truth = truth_of(corpus)
    near, contained = (
        {f"{score.group} {score.low:g}": score for score in scores(corpus, truth, ours(corpus, asked))} for asked in OURS.values()
    )
    return near | {name: score for name, score in contained.items() if "contained" in name}


@pytest.mark.parametrize("group", GATE["floors"])
def test_duplicates_found(found: dict[str, Score], group: str) -> None:
    score, gate = found[group], GATE["floors"][group]
    print(f"{group}: {score.hits} of {score.of}")
    assert score.of >= gate["of"]
    assert score.share is not None
    assert score.share >= gate["least"]


def test_the_truth_is_that_of_all_pairs(corpus: Corpus) -> None:
    rows = [row for one in corpus.planted[:: len(corpus.planted) // 100] for row in (one.base, one.copy)]
    sets = shingle_sets([corpus.texts[row] for row in rows])
    everything = np.array(list(combinations(range(len(rows)), 2)))
    similarity = jaccard(sets, everything)
    pairs, found = pairs_above(sets, 0.5)
    assert len(pairs) > 40
    assert pairs.tolist() == everything[similarity >= 0.5].tolist()
    assert found.tolist() == similarity[similarity >= 0.5].tolist()
