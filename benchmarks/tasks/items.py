"""Items: what a task asks once, by kind."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any, NamedTuple


class Text(NamedTuple):
    """A text and the number of its label."""

    id: str
    text: str
    label: int


class Pair(NamedTuple):
    """Two texts and the number of the label of both together."""

    id: str
    first: str
    second: str
    label: int


class Degree(NamedTuple):
    """Two texts, and how much they are alike."""

    id: str
    first: str
    second: str
    value: float


class Words(NamedTuple):
    """Words and the number of the label of each."""

    id: str
    words: tuple[str, ...]
    labels: tuple[int, ...]


class Answer(NamedTuple):
    """A passage of a context: its first character, and its text."""

    start: int
    text: str


class Span(NamedTuple):
    """A question whose answers stand in the context; none where the context does not tell."""

    id: str
    context: str
    question: str
    answers: tuple[Answer, ...]


class Choice(NamedTuple):
    """A question, what may be answered, and the number of the right one."""

    id: str
    question: str
    choices: tuple[str, ...]
    label: int


class Closed(NamedTuple):
    """A question without a context, and the answers that are right."""

    id: str
    question: str
    answers: tuple[str, ...]


Item = Text | Pair | Degree | Words | Span | Choice | Closed


class Kind(NamedTuple):
    """A kind of task. `said` gives what of an item tells that a text knows it: alternatives, of each of which all must be found."""

    item: type[Item]
    told: str
    tuned: bool
    """Whether an encoder is fine-tuned on it."""
    asked: Callable[[Any], tuple[str, ...]]
    """What is put to a model, without the answer."""
    said: Callable[[Any], tuple[tuple[str, ...], ...]]


def _span_said(item: Span) -> tuple[tuple[str, ...], ...]:
    """The context, or the question and an answer after it."""
    return ((item.context,), *((f"{item.question} {answer.text}",) for answer in item.answers))


KINDS: dict[str, Kind] = {
    "text": Kind(Text, "a text has a label", True, lambda item: (item.text,), lambda item: ((item.text,),)),
    "pair": Kind(Pair, "two texts have a label", True, lambda item: item[1:3], lambda item: (item[1:3],)),
    "degree": Kind(Degree, "two texts are alike to a degree", True, lambda item: item[1:3], lambda item: (item[1:3],)),
    "words": Kind(Words, "each word has a label", True, lambda item: item.words, lambda item: ((" ".join(item.words),),)),
    "span": Kind(Span, "the answer stands in the context", True, lambda item: (item.context, item.question), _span_said),
    "choice": Kind(
        Choice,
        "one of some answers is right",
        True,
        lambda item: (item.question, *item.choices),
        lambda item: ((f"{item.question} {item.choices[item.label]}",),),
    ),
    "closed": Kind(
        Closed,
        "an answer without a context: for decoders",
        False,
        lambda item: (item.question,),
        lambda item: tuple((f"{item.question} {answer}",) for answer in item.answers),
    ),
}
"""By name."""


def content(item: Item) -> bytes:
    """128 bits of all of an item but its id: the same for the same content, wherever it stands."""
    told = json.dumps(item[1:], ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(told, digest_size=16).digest()
