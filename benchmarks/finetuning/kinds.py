"""The kinds of tasks, as a table: how many outputs, what is minimised, and what is answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.finetuning.pieces import Example
from curation.errors import DollmaError

LONGEST = 48
"""Tokens of an answer at most. SQuAD's own code takes 30, of which Azerbaijani needs more for as many words."""

Row = dict[str, Any]
Outputs = list[np.ndarray]


class Kind(NamedTuple):
    """`loss(outputs, of, targets)` is the mean over examples (of words: over words), in nats or squared deviations; `of` says which example an output is of.

    `answers(items, examples, outputs, names)` gives for each item `label` and `predicted` as a file of predictions has them, and what else it should tell.
    """

    outputs: Callable[[Sequence[str]], int]
    loss: Callable[[Tensor, Tensor, Sequence[Any]], Tensor]
    answers: Callable[[Sequence[Any], Sequence[Example], Outputs, Sequence[str]], list[Row]]


def grid(outputs: Tensor, of: Tensor) -> Tensor:
    """One output for each thing asked, `outputs` [asked], as [examples, most of one], filled up with what has no probability."""
    counts = torch.bincount(of)
    first = torch.cumsum(counts, 0) - counts
    places = torch.arange(len(of), device=of.device) - first[of]
    return outputs.new_full((len(counts), int(counts.max())), -torch.inf).index_put((of, places), outputs)


def _numbers(targets: Sequence[Any], like: Tensor) -> Tensor:
    return torch.as_tensor(np.array(targets), device=like.device)


def _class_loss(outputs: Tensor, _of: Tensor, targets: Sequence[Any]) -> Tensor:
    return functional.cross_entropy(outputs, _numbers(targets, outputs))


def _degree_loss(outputs: Tensor, _of: Tensor, targets: Sequence[Any]) -> Tensor:
    return functional.mse_loss(outputs[:, 0], _numbers(targets, outputs).to(outputs.dtype))


def _words_loss(outputs: Tensor, _of: Tensor, targets: Sequence[Any]) -> Tensor:
    return functional.cross_entropy(outputs, _numbers(np.concatenate(targets).tolist(), outputs))


def _choice_loss(outputs: Tensor, of: Tensor, targets: Sequence[Any]) -> Tensor:
    return functional.cross_entropy(grid(outputs[:, 0], of), _numbers(targets, outputs))


def _span_loss(outputs: Tensor, of: Tensor, targets: Sequence[Any]) -> Tensor:
    both = _numbers(targets, outputs)
    ends = [functional.cross_entropy(grid(outputs[:, end], of), both[:, end]) for end in (0, 1)]
    return (ends[0] + ends[1]) / 2


LABELS: dict[str, Callable[[Any, Sequence[str]], Any]] = {
    "text": lambda item, names: names[item.label],
    "pair": lambda item, names: names[item.label],
    "degree": lambda item, _: item.value,
    "words": lambda item, names: [names[label] for label in item.labels],
    "span": lambda item, _: [answer.text for answer in item.answers],
    "choice": lambda item, _: item.label,
}
"""What is right, as a file of predictions has it, by kind of task."""


def _rounded(values: np.ndarray) -> list[float]:
    return [round(float(one), 4) for one in values]


def _class_answers(items: Sequence[Any], _examples: Sequence[Example], outputs: Outputs, names: Sequence[str]) -> list[Row]:
    return [
        {"label": LABELS["text"](item, names), "predicted": names[int(found[0].argmax())], "logits": _rounded(found[0])}
        for item, found in zip(items, outputs, strict=True)
    ]


def _degree_answers(items: Sequence[Any], _examples: Sequence[Example], outputs: Outputs, _names: Sequence[str]) -> list[Row]:
    return [{"label": item.value, "predicted": round(float(found[0, 0]), 4)} for item, found in zip(items, outputs, strict=True)]


def _choice_answers(items: Sequence[Any], _examples: Sequence[Example], outputs: Outputs, _names: Sequence[str]) -> list[Row]:
    return [
        {"label": item.label, "predicted": int(found[:, 0].argmax()), "logits": _rounded(found[:, 0])}
        for item, found in zip(items, outputs, strict=True)
    ]


def _words_answers(items: Sequence[Any], examples: Sequence[Example], outputs: Outputs, names: Sequence[str]) -> list[Row]:
    rows: list[Row] = [{"label": LABELS["words"](item, names), "predicted": [], "pieces": []} for item in items]
    for one, found in zip(examples, outputs, strict=True):
        rows[one.item]["predicted"] += [names[number] for number in found.argmax(1)]
        rows[one.item]["pieces"] += [] if one.sizes is None else one.sizes.tolist()
    return rows


def _span_answers(items: Sequence[Any], examples: Sequence[Example], outputs: Outputs, _names: Sequence[str]) -> list[Row]:
    """The best answer of all windows. Only of a set where some questions have none may the answer be none: where [CLS] is likelier than it in every window."""
    best: list[tuple[float, str]] = [(-np.inf, "")] * len(items)
    absent = np.full(len(items), np.inf)
    for one, found in zip(examples, outputs, strict=True):
        if one.offsets is None:
            raise ValueError("a window without the letters of its tokens")
        absent[one.item] = min(absent[one.item], float(found[0].sum()))
        if len(found) > 1:
            score, first, last = best_span(found[1:, 0], found[1:, 1])
            text = items[one.item].context[one.offsets[1 + first, 0] : one.offsets[1 + last, 1]].strip()
            best[one.item] = max(best[one.item], (score, text), key=lambda both: both[0])
    some = any(not any(answer.text for answer in item.answers) for item in items)
    return [
        {
            "label": LABELS["span"](item, ()),
            "predicted": "" if some and none > score else text,
            "score": round(score - none, 4) if np.isfinite(score) else None,
        }
        for item, (score, text), none in zip(items, best, absent.tolist(), strict=True)
    ]


def best_span(starts: np.ndarray, ends: np.ndarray) -> tuple[float, int, int]:
    """The sum and the places of the likeliest first and last token of an answer of at most LONGEST; of equal ones the first."""
    found = (-np.inf, 0, 0)
    for length in range(min(LONGEST, len(starts))):
        sums = starts[: len(starts) - length] + ends[length:]
        first = int(sums.argmax())
        if sums[first] > found[0]:
            found = (float(sums[first]), first, first + length)
    return found


KINDS: dict[str, Kind] = {
    "text": Kind(len, _class_loss, _class_answers),
    "pair": Kind(len, _class_loss, _class_answers),
    "degree": Kind(lambda _: 1, _degree_loss, _degree_answers),
    "words": Kind(len, _words_loss, _words_answers),
    "span": Kind(lambda _: 2, _span_loss, _span_answers),
    "choice": Kind(lambda _: 1, _choice_loss, _choice_answers),
}


def kind_of(name: str) -> Kind:
    """The kind of this name. Raises DollmaError for one that nothing here can be trained for."""
    if name not in KINDS:
        raise DollmaError(f"tasks of the kind {name!r} are not fine-tuned here; known: {', '.join(KINDS)}")
    return KINDS[name]
