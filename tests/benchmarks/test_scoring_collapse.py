"""Runs that learnt nothing are flagged, those that learnt little are not; predictions are read, or what is wrong with them is told by file and line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.scoring.answers import by_piece, read_answers
from benchmarks.scoring.collapse import collapsed
from curation.errors import DollmaError

NAMES = tuple("abcdefg")
FALLING = [1.95, 1.9, 1.2, 0.8, 0.5]


def drawn(seed: int, count: int = 200) -> list[str]:
    return [NAMES[one] for one in np.random.default_rng(seed).integers(0, 7, count)]


def partly(labels: list[str], share: float, seed: int = 1) -> list[str]:
    """Right in so many cases, the first class otherwise."""
    return [one if lucky else NAMES[0] for one, lucky in zip(labels, np.random.default_rng(seed).random(len(labels)) < share, strict=True)]


def test_a_constant_answer_is_flagged_and_a_weak_model_is_not() -> None:
    labels, train = drawn(0), drawn(1, 700)
    for metric in ("accuracy", "macro_f1"):
        assert "within noise" in str(collapsed(labels, ["b"] * 200, train, FALLING, NAMES, metric))
        assert collapsed(labels, partly(labels, 0.3), train, FALLING, NAMES, metric) is None
    assert "'b' for all" in str(collapsed(["a", *["b"] * 40], ["b"] * 41, ["a", "b"], [0.6, 0.3], ("a", "b")))


def test_answers_that_know_nothing_of_labels_are_flagged_almost_always() -> None:
    """What shuffled labels come to: training learns them by heart, so that its loss falls."""
    flagged = [collapsed(drawn(seed), drawn(seed + 1000), drawn(5), FALLING, NAMES, "macro_f1") is not None for seed in range(30)]
    assert sum(flagged) >= 28


def test_a_model_that_names_the_commonest_class_less_often_than_it_stands_is_no_collapsed_one() -> None:
    """Of nine to one, accuracy can hardly rise; macro-F1 tells."""
    draw = np.random.default_rng(3)
    labels = ["b" if one < 0.1 else "a" for one in draw.random(500)]
    said = [one if lucky < 0.93 else "ab"[one == "a"] for one, lucky in zip(labels, draw.random(500), strict=True)]
    assert collapsed(labels, said, labels, [0.3, 0.1], ("a", "b"), "macro_f1") is None
    assert collapsed(labels, said, labels, [0.3, 0.1], ("a", "b"), "accuracy") is not None


@pytest.mark.parametrize(
    ("losses", "why"),
    [
        ([2.0, 1.96, 1.93, 1.94, 1.95], "never came below"),
        ([1.95, 1.92, 5.0, 3.0, 2.4], "never came below"),
        ([1.9, float("nan"), 1.2], "training loss nan at 2 of 3"),
        ([1.9, float("inf")], "training loss inf"),
        ([1.95, 1.94, 1.7], None),
        ([*[1.95] * 90, *[1.5] * 10], None),
        ([*[1.95] * 99, 1.0], "never came below"),
    ],
)
def test_losses_that_stay_where_a_constant_answer_is(losses: list[float], why: str | None) -> None:
    """Seven even classes: ln 7 is 1.946, and a single easy batch proves nothing."""
    labels = drawn(0)
    found = collapsed(labels, partly(labels, 0.9), [*NAMES] * 100, losses, NAMES)
    assert (found is None) if why is None else why in str(found)


def test_the_loss_of_a_constant_answer_is_lower_where_classes_are_uneven() -> None:
    labels = ["a"] * 90 + ["b"] * 10
    assert "0.325" in str(collapsed(labels, labels, labels, [0.69, 0.33, 0.32], ("a", "b"))), "below ln 2, and nothing learnt"


def test_other_kinds_of_answers() -> None:
    degrees = np.random.default_rng(1).normal(size=300).tolist()
    other = np.random.default_rng(2).normal(size=300).tolist()
    assert "the same degree" in str(collapsed(degrees, other, degrees, [1.0, 0.5], (), "pearson"))
    assert "1.000" in str(collapsed(degrees, degrees, degrees, [1.1, 0.99], (), "pearson"))
    near = [0.5 * one + two for one, two in zip(degrees, other, strict=True)]
    assert collapsed(degrees, near, degrees, [1.0, 0.5], (), "spearman") is None

    sentences = [["O", "B-PER", "O"], ["O", "O", "B-LOC"]] * 30
    tags = ("O", "B-PER", "B-LOC")
    assert "within noise" in str(collapsed(sentences, [["O"] * 3] * 60, sentences, [1.0, 0.3], tags, "entity_f1"))
    assert collapsed(sentences, [["O", "B-PER", "O"]] * 60, sentences, [1.0, 0.3], tags, "entity_f1") is None

    answers = [["Bakı"], ["Gəncə", "Gəncədə"], ["Quba"]] * 20
    assert "'Bakı' for all" in str(collapsed(answers, ["Bakı"] * 60, [["Bakı"]], [5.0, 4.0], (), "token_f1"))
    assert collapsed(answers, ["Bakı", "Gəncə", "x"] * 20, [["Bakı"]], [5.0, 4.0], (), "token_f1") is None
    assert collapsed([0, 1, 2, 3] * 30, [0, 1, 2, 1] * 30, [0, 1, 2, 3], [1.4, 0.9], tuple("ABCD")) is None


def test_the_same_answer_twice() -> None:
    labels = drawn(0)
    assert collapsed(labels, drawn(9), labels, FALLING, NAMES) == collapsed(labels, drawn(9), labels, FALLING, NAMES)


def written(path: Path, *rows: Any) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), encoding="utf-8")
    return path


def row(label: Any, predicted: Any, id: Any = "1", **more: Any) -> dict[str, Any]:
    return {"id": id, "label": label, "predicted": predicted, **more}


def test_predictions_of_each_kind_are_read(tmp_path: Path) -> None:
    for first, second in (
        (("sports", "travel"), ("travel", "travel")),
        ((3, 0), (1, 1)),
        ((2, 3), (4.5, 3.25)),
        ((["O", "B-PER"], ["O", "O"]), ([], [])),
        ((["Bakı"], "Bakı"), ([], "")),
    ):
        found = read_answers(written(tmp_path / "test.jsonl", row(*first, logits=[1]), row(*second, id=2)))
        assert (found.ids, found.labels, found.predicted) == (["1", "2"], [first[0], second[0]], [first[1], second[1]])
        assert found.pieces is None


def test_pieces_of_words(tmp_path: Path) -> None:
    found = read_answers(written(tmp_path / "a", row(["O", "B-PER"], ["O", "O"], pieces=[1, 3]), row(["O"], ["O"], 2, pieces=[2])))
    spread = by_piece(found)
    assert spread is not None
    assert spread.labels == [["O", "B-PER", "B-PER", "B-PER"], ["O", "O"]]
    assert by_piece(read_answers(written(tmp_path / "b", row(["O"], ["O"])))) is None
    with pytest.raises(DollmaError, match=r"line 1: pieces \[1\] are not a number for each word"):
        read_answers(written(tmp_path / "c", row(["O", "O"], ["O", "O"], pieces=[1])))


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("{", "line 2: can't be read"),
        ("[1]", "line 2: a list, not an object"),
        ('{"id": 2, "label": "a"}', "line 2: no key 'predicted'"),
        (row("a", "b", "1"), "line 2: the id '1' was there before"),
        (row("a", 3, 2), "line 2: label 'a' and predicted 3 are not of the kind of the rows before"),
        (row(["O"], ["O"], 2), "not of the kind of the rows before"),
        ("[" * 100_000, "line 2: can't be read"),
    ],
)
def test_what_is_wrong_is_told_by_file_and_line(tmp_path: Path, bad: Any, why: str) -> None:
    with pytest.raises(DollmaError, match=r"test\.jsonl: ") as error:
        read_answers(written(tmp_path / "test.jsonl", row("a", "b"), bad))
    assert why in str(error.value)
    assert "remove the folder" in str(error.value)


@pytest.mark.parametrize("bad", [row(True, False), row(1.0, float("nan")), row(["O"], ["O", "O"]), row([1], "x"), row(None, "a")])
def test_rows_of_no_kind(tmp_path: Path, bad: Any) -> None:
    with pytest.raises(DollmaError, match=r"line 1: .* of no kind of task"):
        read_answers(written(tmp_path / "test.jsonl", bad))


def test_no_file_and_nothing_in_it(tmp_path: Path) -> None:
    with pytest.raises(DollmaError, match="no such file"):
        read_answers(tmp_path / "test.jsonl")
    with pytest.raises(DollmaError, match="no predictions in it"):
        read_answers(written(tmp_path / "test.jsonl"))
