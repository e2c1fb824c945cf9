"""Rows that take no encoder: their answers are what they say, and the regression is scikit-learn's."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.classical import rows
from benchmarks.classical.baselines import BASELINES, Given
from benchmarks.classical.features import Weights, of_pair, of_text, shared
from benchmarks.classical.regression import fitted, predicted
from benchmarks.classical.rows import classical_cells
from benchmarks.finetuning.sets import Sets
from benchmarks.scoring.answers import read_answers
from benchmarks.scoring.metrics import score
from benchmarks.tasks.catalogue import TASKS
from benchmarks.tasks.items import KINDS, Answer, Choice, Span, Words
from tests.benchmarks import bench_data


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bench_data.write(tmp_path_factory.mktemp("data"))


def scores(task: str, data: Path, out: Path) -> dict[str, float]:
    """By baseline, from what it stored."""
    metric = TASKS[task].metric
    found = {}
    for cell in classical_cells(Sets(task, data, None, None), out, lambda _: None):
        stored = read_answers(out / cell["runs"][0] / "test.jsonl")
        found[cell["model"]] = score(metric, stored.labels, stored.predicted)
    return found


def test_the_regression_learns_what_words_tell(data: Path, tmp_path: Path) -> None:
    found = scores("sib200-az", data, tmp_path)
    assert found["tf-idf + logistic regression"] > 0.9
    assert found["majority"] < 0.6
    assert scores("books-nsp", data, tmp_path)["tf-idf + logistic regression"] > 0.6, "of pairs, what both have"


def test_each_kind_has_its_rows(data: Path, tmp_path: Path) -> None:
    assert set(scores("xcopa-tr", data, tmp_path)) == {"majority", "longest answer", "chance"}
    assert set(scores("tumlu-az", data, tmp_path)) == {"longest answer", "chance"}, "no rows to learn from"
    assert scores("pos-tr", data, tmp_path)["commonest tag of the word"] > 0.9
    assert scores("stsb-tr", data, tmp_path)["word overlap"] > 0.9
    assert scores("xquad-tr", data, tmp_path)["lexical overlap"] > 0.5
    covered = frozenset().union(*(one.kinds for one in BASELINES.values()))
    assert covered == {kind for kind, of in KINDS.items() if of.tuned}


def test_weights_and_regression_are_those_of_scikit_learn() -> None:
    linear = importlib.import_module("sklearn.linear_model")
    text = importlib.import_module("sklearn.feature_extraction.text")
    draw = np.random.default_rng(4)
    known = ["alma", "armud", "nar", "heyva", "gilas", "ərik", "üzüm", "əncir"]
    texts = [" ".join(draw.choice(known, 6)) for _ in range(80)]
    labels = np.array([("alma" in one) + ("nar" in one) for one in texts])
    weights = Weights([of_text(one) for one in texts])
    ours = weights.matrix([of_text(one) for one in texts])
    vectors = text.TfidfVectorizer(analyzer=lambda one: list(of_text(one).elements()), sublinear_tf=True)
    theirs = vectors.fit_transform(texts)
    names = vectors.get_feature_names_out()
    order = [weights._number[name] for name in names]
    assert np.allclose(ours.to_dense().numpy()[:, order], theirs.toarray(), atol=1e-12)
    for strength in (1.0, 10.0):
        solution = fitted(ours, torch.from_numpy(labels), 3, strength)
        oracle = linear.LogisticRegression(C=strength, tol=1e-8, max_iter=2000).fit(theirs, labels)
        assert np.allclose(predicted(ours, solution).softmax(1).numpy(), oracle.predict_proba(theirs), atol=1e-3)


def test_rows_that_were_answered_are_not_answered_again(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = list(classical_cells(Sets("sib200-az", data, None, None), tmp_path, lambda _: None))
    told: list[str] = []
    assert list(classical_cells(Sets("sib200-az", data, None, None), tmp_path, told.append)) == first == json.loads(json.dumps(first))
    assert not told
    assert all(cell["way"] == "classical" and len(cell["runs"]) == 1 for cell in first)
    monkeypatch.setattr(rows, "VERSION", 99)
    again = list(classical_cells(Sets("sib200-az", data, None, None), tmp_path, told.append))
    assert len(told) == 2
    stored = [(tmp_path / one["runs"][0] / "test.jsonl").read_bytes() for one in (first[1], again[1])]
    assert stored[0] == stored[1], "the same answers each time"


def given(kind: str, test: list[Any], train: list[Any] | None = None, names: tuple[str, ...] = ()) -> Given:
    return Given(kind, train or [], [], test, names, "accuracy")


def test_lexical_overlap_answers_from_the_sentence_that_has_the_questions_words() -> None:
    context = "Bağda alma ağacları var. Muzeyi 1967-ci ildə memar Həsənov tikdi. Yay isti keçir."
    item = Span("1", context, "Muzeyi 1967-ci ildə kim tikdi?", (Answer(context.index("memar"), "memar Həsənov"),))
    assert BASELINES["lexical overlap"].answers(given("span", [item], [item])) == ["memar Həsənov"]
    empty = Span("2", "?!", "kim?", ())
    assert BASELINES["lexical overlap"].answers(given("span", [empty])) == ["?!"[:0]]


def test_a_word_has_the_tag_that_it_had_most_often() -> None:
    train = [Words("1", ("Bakı", "gəldi", "Bakı"), (1, 0, 1)), Words("2", ("Bakı", "Quba"), (0, 2))]
    answered = BASELINES["commonest tag of the word"].answers(
        given("words", [Words("3", ("Bakı", "gəldi", "Şəki"), (1, 0, 1))], train, ("O", "A", "B"))
    )
    assert answered == [["A", "O", "O"]], "an unknown word: what words have that stood once, of equal ones the first"


def test_choices_by_length_and_by_lot() -> None:
    items = [Choice(str(n), "?", ("a", "bbb", "cc", "dd"), 0) for n in range(400)]
    assert set(BASELINES["longest answer"].answers(given("choice", items))) == {1}
    drawn = np.bincount(BASELINES["chance"].answers(given("choice", items)), minlength=4)
    assert drawn.min() > 70, "each about a quarter of the time"
    assert BASELINES["majority"].answers(given("choice", items[:2], [*items, items[0]._replace(label=2)])) == [0, 0]


def test_words_that_two_texts_share() -> None:
    assert shared("Alma, nar!", "nar və ALMA") == pytest.approx(2 / 3)
    found = of_pair("alma nar", "nar heyva")
    assert (found["= w nar"], found["< w alma"], found["> w heyva"], found["# 3"]) == (1, 1, 1, 1)
