"""Scores agree with scikit-learn, seqeval and SQuAD's script to 1e-6, on random and on adversarial answers."""

from __future__ import annotations

import collections
import importlib
import re
import string
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmarks.scoring.metrics import METRICS, chance, corrected, metric_named, score
from curation.errors import DollmaError

NEAR = 1e-6
NAMES = ("alma", "böyük", "çay", "ı", "İ")
CLASSES = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), min_size=1, max_size=40)
TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-a-b", "I-a-b")
SENTENCES = st.lists(st.lists(st.tuples(st.sampled_from(TAGS), st.sampled_from(TAGS)), max_size=12), min_size=1, max_size=8)
quick = settings(max_examples=60, deadline=None)


def apart(pairs: list[tuple[Any, Any]]) -> tuple[list[Any], list[Any]]:
    return [one for one, _ in pairs], [other for _, other in pairs]


@quick
@given(CLASSES)
def test_scores_of_classes_are_those_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    oracle = importlib.import_module("sklearn.metrics")
    labels, predicted = apart(pairs)
    assert score("accuracy", labels, predicted, NAMES) == pytest.approx(oracle.accuracy_score(labels, predicted), abs=NEAR)
    for average in ("macro", "micro", "weighted"):
        theirs = oracle.f1_score(labels, predicted, average=average, zero_division=0)
        assert score(f"{average}_f1", labels, predicted, NAMES) == pytest.approx(theirs, abs=NEAR), average
        assert score(f"{average}_f1", labels, predicted) == pytest.approx(theirs, abs=NEAR), average


@quick
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30))
def test_binary_f1_is_that_of_the_second_class(pairs: list[tuple[bool, bool]]) -> None:
    oracle = importlib.import_module("sklearn.metrics")
    labels, predicted = ([("başqa", "eyni")[one] for one in column] for column in apart(pairs))
    theirs = oracle.f1_score(labels, predicted, pos_label="eyni", zero_division=0)
    assert score("binary_f1", labels, predicted, ("başqa", "eyni")) == pytest.approx(theirs, abs=NEAR)


@settings(max_examples=150, deadline=None)
@given(SENTENCES)
@example([[("I-PER", "B-PER"), ("I-LOC", "I-PER")], [("B-LOC", "I-LOC")]])
@example([[("B-PER", "B-PER"), ("I-LOC", "I-PER"), ("I-PER", "I-PER")], []])
@example([[("O", "O")]])
def test_entities_are_those_of_seqeval(sentences: list[list[tuple[str, str]]]) -> None:
    oracle = importlib.import_module("seqeval.metrics")
    from seqeval.scheme import IOB2

    labels, predicted = ([[pair[side] for pair in sentence] for sentence in sentences] for side in (0, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lenient = oracle.f1_score(labels, predicted, zero_division=0)
        assert score("entity_f1", labels, predicted) == pytest.approx(float(lenient), abs=NEAR)
        if any(tag != "O" for row in (*labels, *predicted) for tag in row):  # seqeval's strict mode breaks where there is nothing to find
            strict = oracle.f1_score(labels, predicted, mode="strict", scheme=IOB2, zero_division=0)
            assert score("entity_f1_strict", labels, predicted) == pytest.approx(float(strict), abs=NEAR)
        if any(labels):
            assert score("token_accuracy", labels, predicted) == pytest.approx(oracle.accuracy_score(labels, predicted), abs=NEAR)


def test_nothing_to_find_is_no_success() -> None:
    """EuroEval gives 1.0 where neither side has an entity."""
    assert score("entity_f1", [["O", "O"]], [["O", "O"]]) == 0
    assert score("entity_f1", [["B-PER"]], [["O"]]) == 0


@quick
@given(SENTENCES)
def test_f1_of_pieces_is_scikit_learns_of_all_tags_in_a_row(sentences: list[list[tuple[str, str]]]) -> None:
    oracle = importlib.import_module("sklearn.metrics")
    flat = [pair for sentence in sentences for pair in sentence]
    labels, predicted = ([[pair[side] for pair in sentence] for sentence in sentences] for side in (0, 1))
    theirs = oracle.f1_score(*apart(flat), average="weighted", zero_division=0) if flat else 0.0
    assert score("piece_f1", labels, predicted, TAGS) == pytest.approx(theirs, abs=NEAR)


def squad_normal(text: str) -> str:
    """SQuAD 2's normalisation by its definition: lower case, punctuation gone, articles gone, single spaces; in this order."""
    bare = "".join(letter for letter in text.lower() if letter not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", bare).split())


def squad(answers: list[str], predicted: str) -> tuple[float, float]:
    """Exact match and F1 of one question, by the definitions of SQuAD 2."""
    golds = [answer for answer in answers if squad_normal(answer)] or [""]
    said = squad_normal(predicted).split()
    exact, best = 0.0, 0.0
    for gold in golds:
        words = squad_normal(gold).split()
        exact = max(exact, float(squad_normal(gold) == squad_normal(predicted)))
        same = sum((collections.Counter(words) & collections.Counter(said)).values())
        if not words or not said:
            one = float(words == said)
        elif same == 0:
            one = 0.0
        else:
            precision, recall = same / len(said), same / len(words)
            one = 2 * precision * recall / (precision + recall)
        best = max(best, one)
    return exact, best


WRITTEN = st.text("aAtTheEnİIıi .,-’'\u0307«»_\t\n\u00a0ə", max_size=14)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.lists(WRITTEN, max_size=3), WRITTEN), min_size=1, max_size=6))
@example([([], "")])
@example([(["the"], "a"), (["İlham"], "ilham"), (["the The"], "")])
def test_exact_match_and_f1_are_those_of_squads_script(rows: list[tuple[list[str], str]]) -> None:
    labels, predicted = apart(rows)
    theirs = np.array([squad(*row) for row in rows]).mean(0)
    assert score("exact_match", labels, predicted) == pytest.approx(theirs[0], abs=NEAR)
    assert score("token_f1", labels, predicted) == pytest.approx(theirs[1], abs=NEAR)


@pytest.mark.parametrize(
    ("answer", "said", "official", "own"),
    [
        ("İlham Əliyev", "ilham əliyev", 0, 1),
        ("IRAQ", "ıraq", 0, 1),
        ("«Neftçi»", "neftçi", 0, 1),
        ("Bakı–Tiflis", "Bakı-Tiflis", 0, 1),
        ("an alma", "alma", 1, 0),
        ("g\u006f\u0308l", "göl", 0, 1),
        ("Quba", "Qusar", 0, 0),
    ],
)
def test_letters_are_folded_as_in_azerbaijani(answer: str, said: str, official: int, own: int) -> None:
    assert (score("exact_match", [[answer]], [said]), score("exact_match_az", [[answer]], [said])) == (official, own)
    assert (score("token_f1_az", [[answer]], [said]) == 1) == bool(own)


NUMBERS = st.lists(st.tuples(st.floats(-1e3, 1e3, width=16), st.floats(-1e3, 1e3, width=16)), min_size=2, max_size=30)


@quick
@given(NUMBERS, st.sampled_from([0.0, 1e6]))
def test_correlations_are_those_of_scipy(pairs: list[tuple[float, float]], far: float) -> None:
    oracle = importlib.import_module("scipy.stats")
    labels, predicted = apart([(one, other + far) for one, other in pairs])
    constant = len(set(labels)) == 1 or len(set(predicted)) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, theirs in (("pearson", oracle.pearsonr), ("spearman", oracle.spearmanr)):
            wanted = 0.0 if constant else float(theirs(labels, predicted)[0])
            assert score(name, labels, predicted) == pytest.approx(wanted, abs=NEAR), name


@quick
@given(CLASSES, st.integers(0, 99))
def test_an_item_of_weight_n_is_an_item_n_times(pairs: list[tuple[str, str]], seed: int) -> None:
    """What makes drawing items anew a product of matrices."""
    labels, predicted = apart(pairs)
    weights = np.random.default_rng(seed).integers(0, 3, len(labels))
    weights[0] = 1
    for name in ("accuracy", "macro_f1", "weighted_f1", "micro_f1"):
        of = METRICS[name]
        weighted = float(of.score(weights @ of.statistics(labels, predicted, NAMES)))
        again = [[value for value, times in zip(side, weights, strict=True) for _ in range(times)] for side in (labels, predicted)]
        assert weighted == pytest.approx(score(name, *again, NAMES), abs=1e-12)


def test_chance_is_the_best_constant_answer() -> None:
    labels = ["a"] * 50 + ["b"] * 49
    assert chance("accuracy", labels) == pytest.approx(50 / 99)
    assert chance("macro_f1", labels) == pytest.approx((2 * 50 / 149) / 2)
    assert chance("binary_f1", labels, ("a", "b")) == pytest.approx(2 * 49 / (49 + 99)), "always the second, the rarer one"
    assert chance("accuracy", [3] * 299 + [0] * 401) == pytest.approx(401 / 700), "choices"
    assert chance("token_accuracy", [["O", "O", "B-PER"]]) == pytest.approx(2 / 3)
    assert chance("entity_f1", [["O", "O", "B-PER"]]) == chance("token_f1", [["ev"]]) == chance("pearson", [1.0, 2.0]) == 0


def test_the_papers_collapsed_cell_is_chance_and_its_correction_is_none() -> None:
    """33.46 is the macro-F1 of one class for all at 50.29 %."""
    labels = ["ardıcıl"] * 5029 + ["yox"] * 4971
    assert chance("macro_f1", labels) == pytest.approx(0.3346, abs=5e-5)
    assert corrected(chance("macro_f1", labels), chance("macro_f1", labels)) == 0
    assert corrected(1.0, 0.427) == pytest.approx(1)
    assert corrected(1.0, 1.0) == 0


def test_answers_that_a_metric_can_not_be_told_of() -> None:
    with pytest.raises(DollmaError, match="'c' is none of the task's labels"):
        score("macro_f1", ["a"], ["c"], ("a", "b"))
    with pytest.raises(DollmaError, match="1 tags predicted for 2 words"):
        score("entity_f1", [["O", "O"]], [["O"]])
    with pytest.raises(DollmaError, match="'S-PER' is no tag of IOB2"):
        score("entity_f1", [["S-PER"]], [["O"]])
    with pytest.raises(DollmaError, match="two labels"):
        score("binary_f1", ["a"], ["a"], ("a", "b", "c"))
    with pytest.raises(DollmaError, match="no finite number"):
        score("pearson", [1.0, 2.0], [float("nan"), 1.0])
    with pytest.raises(DollmaError, match="1 answers to 0 items"):
        score("accuracy", [], ["a"])
    with pytest.raises(DollmaError, match="did you mean 'macro_f1'"):
        metric_named("macrof1")
