"""The file of predictions that every run leaves: a row an item, from which all scores are computed.

    {"id": "17", "label": "sports", "predicted": "travel"}

By kind of task, label and predicted are names of classes, numbers of choices, degrees, or lists of tags, one a word; for questions, label is a list of answers and
predicted is one. Other keys, such as `logits`, are let stand. `pieces` gives, of tagged words, how many pieces the tokenizer made of each.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from curation.errors import DollmaError

MAX_LINE = 1 << 22
"""Bytes of a row."""


class Answers(NamedTuple):
    """Ids, labels and predictions of items, in the file's order; and `pieces`, None where rows have none."""

    ids: list[str]
    labels: list[Any]
    predicted: list[Any]
    pieces: list[list[int]] | None = None


def read_answers(path: Path) -> Answers:
    """Read predictions. Raises DollmaError that names file and line for a row that is none, or of another kind than the first, and for an id that comes twice."""
    found = Answers([], [], [], [])
    kinds, known = tuple(_KINDS), set[str]()
    for number, row in enumerate(_rows(path), 1):
        try:
            own, label, predicted = _new(str(row["id"]), known), row["label"], row["predicted"]
            kinds = _fitting(label, predicted, kinds)
            if "pieces" in row and found.pieces is not None:
                found.pieces.append(_pieces(row["pieces"], label))
        except (KeyError, TypeError, ValueError) as error:
            why = f"no key {error}" if isinstance(error, KeyError) else str(error)
            raise DollmaError(f"{path}: line {number}: {why}: {_REMEDY}") from error
        found.ids.append(own)
        found.labels.append(label)
        found.predicted.append(predicted)
    if not found.ids:
        raise DollmaError(f"{path}: no predictions in it: {_REMEDY}")
    return found if found.pieces and len(found.pieces) == len(found.ids) else found._replace(pieces=None)


def by_piece(answers: Answers) -> Answers | None:
    """Each word's tags as often as the word has pieces; None where the file does not tell."""
    if answers.pieces is None:
        return None
    spread = [
        [
            [tag for tag, times in zip(row, pieces, strict=True) for _ in range(times)]
            for row, pieces in zip(rows, answers.pieces, strict=True)
        ]
        for rows in (answers.labels, answers.predicted)
    ]
    return Answers(answers.ids, *spread)


_REMEDY = "remove the folder of the run, and it is made again"


def _rows(path: Path) -> Any:
    number = 0
    try:
        with path.open("rb") as file:
            while line := file.readline(MAX_LINE + 1):
                number += 1
                if len(line) > MAX_LINE:
                    raise DollmaError(f"{path}: line {number}: more than {MAX_LINE:,} bytes: {_REMEDY}")
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise DollmaError(f"{path}: line {number}: a {type(row).__name__}, not an object: {_REMEDY}")
                yield row
    except FileNotFoundError as error:
        raise DollmaError(f"{path}: no such file: {_REMEDY}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise DollmaError(f"{path}: line {number or 1}: can't be read ({error}): {_REMEDY}") from error


def _new(own: str, known: set[str]) -> str:
    if own in known:
        raise ValueError(f"the id {own!r} was there before")
    known.add(own)
    return own


def _fitting(label: Any, predicted: Any, before: tuple[str, ...]) -> tuple[str, ...]:
    """The kinds of task, of those that the rows before are of, that a row is of; ValueError where there is none."""
    kinds = tuple(name for name in before if _KINDS[name](label, predicted))
    if not kinds:
        told = f"label {label!r:.60} and predicted {predicted!r:.60}"
        which = "of no kind of task" if len(before) == len(_KINDS) else f"not of the kind of the rows before ({' or '.join(before)})"
        raise ValueError(f"{told} are {which}")
    return kinds


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _degree(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


_KINDS: dict[str, Callable[[Any, Any], bool]] = {
    "class": lambda label, predicted: isinstance(label, str) and isinstance(predicted, str),
    "choice": lambda label, predicted: type(label) is int and type(predicted) is int,
    "degree": lambda label, predicted: _degree(label) and _degree(predicted),
    "words": lambda label, predicted: _texts(label) and _texts(predicted) and len(label) == len(predicted),
    "span": lambda label, predicted: _texts(label) and isinstance(predicted, str),
}


def _pieces(value: Any, label: Any) -> list[int]:
    if not isinstance(value, list) or len(value) != len(label) or not all(type(one) is int and one >= 0 for one in value):
        raise ValueError(f"pieces {value!r:.60} are not a number for each word")
    return value
