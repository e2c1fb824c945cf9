"""The answers themselves, as a table: who answers which kinds of tasks, and how. All are deterministic."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from benchmarks.classical.features import Counts, Weights, of_pair, of_text, shared
from benchmarks.classical.regression import fitted, predicted
from benchmarks.scoring.metrics import score
from benchmarks.scoring.spans import own_words

STRENGTHS = (1.0, 10.0, 100.0)
"""Of the regression, tried on validation; of equal ones the first is taken."""
SHORT = 3
"""Words of an answer where no training split tells how long they are."""


class Given(NamedTuple):
    """What may be looked at: items of the splits (of `test` all but what is right), names of labels, and the metric."""

    kind: str
    train: Sequence[Any]
    validation: Sequence[Any]
    test: Sequence[Any]
    names: tuple[str, ...]
    metric: str


class Baseline(NamedTuple):
    """`answers(given)` is what is predicted, item for item, as a file of predictions has it. `learns`: it needs rows to train on."""

    kinds: frozenset[str]
    learns: bool
    answers: Callable[[Given], list[Any]]


def commonest(values: Iterable[Any]) -> Any:
    """The value that occurs most often; of equal ones the least."""
    return min(Counter(values).items(), key=lambda one: (-one[1], one[0]))[0]


def _majority(given: Given) -> list[Any]:
    label = commonest(item.label for item in given.train)
    return [label if given.kind == "choice" else given.names[label]] * len(given.test)


def _regression(given: Given) -> list[Any]:
    """Words and letters in sequence, weighted; the strength that is best on validation."""
    counts = {
        split: [_counts(item) for item in items] for split, items in given._asdict().items() if split in ("train", "validation", "test")
    }
    weights = Weights(counts["train"])
    rows = {split: weights.matrix(found) for split, found in counts.items()}
    labels = torch.tensor([item.label for item in given.train])
    right = [given.names[item.label] for item in given.validation]

    def named(split: str, solution: torch.Tensor) -> list[str]:
        return [given.names[number] for number in predicted(rows[split], solution).argmax(1).tolist()]

    solutions = [fitted(rows["train"], labels, len(given.names), strength) for strength in STRENGTHS]
    best = max(solutions, key=lambda solution: score(given.metric, right, named("validation", solution), given.names))
    return list(named("test", best))


def _counts(item: Any) -> Counts:
    return of_text(item.text) if hasattr(item, "text") else of_pair(item.first, item.second)


def _word_overlap(given: Given) -> list[float]:
    """The line through the degrees of the training split, over the share of words that both texts have."""
    line = np.polyfit([shared(item.first, item.second) for item in given.train], [item.value for item in given.train], 1)
    return [round(float(np.polyval(line, shared(item.first, item.second))), 4) for item in given.test]


def _commonest_tag(given: Given) -> list[list[str]]:
    """Of each word the tag that it had most often; of a word that was not there, the one that words had which were there once."""
    seen: dict[str, list[int]] = defaultdict(list)
    for item in given.train:
        for word, label in zip(item.words, item.labels, strict=True):
            seen[word].append(label)
    tags = {word: commonest(labels) for word, labels in seen.items()}
    rare = [labels[0] for labels in seen.values() if len(labels) == 1] or [label for labels in seen.values() for label in labels]
    other = commonest(rare)
    return [[given.names[tags.get(word, other)] for word in item.words] for item in given.test]


def _lexical_overlap(given: Given) -> list[str]:
    """Of the sentence that has most of the question's words (each by how rare it is in the context's sentences), the words that the question has not: the run of them
    that stands nearest to those it has, cut to the usual length of an answer."""
    lengths = [len(answer.text.split()) for item in given.train for answer in item.answers[:1] if answer.text]
    usual = int(np.median(lengths)) if lengths else SHORT
    return [_answer(item.context, set(own_words(item.question)), max(1, usual)) for item in given.test]


_SENTENCE = re.compile(r"(?<=[.!?…])\s+|\n+")


def _answer(context: str, asked: set[str], usual: int) -> str:
    sentences = [part for part in _SENTENCE.split(context) if part.strip()]
    having = Counter(word for part in sentences for word in set(own_words(part)))
    best = max(sentences, key=lambda part: sum(1 / having[word] for word in set(own_words(part)) & asked), default="")
    words = best.split()
    known = [any(part in asked for part in own_words(word)) or not own_words(word) for word in words]
    runs, start = [], 0
    for place in range(len(words) + 1):
        if place == len(words) or known[place]:
            if place > start:
                runs.append((start, place))
            start = place + 1
    near = [place for place, there in enumerate(known) if there] or [0]
    if not runs:
        return " ".join(words[:usual]).strip(" .,;:!?")
    first, last = min(
        runs, key=lambda run: (min(abs(end - place) for end in (run[0], run[1] - 1) for place in near), run[0] - run[1], run[0])
    )
    cut = slice(first, min(last, first + usual)) if first and known[first - 1] else slice(max(first, last - usual), last)
    return " ".join(words[cut]).strip(" .,;:!?")


def _longest(given: Given) -> list[int]:
    return [max(range(len(item.choices)), key=lambda place: (len(item.choices[place]), -place)) for item in given.test]


def _chance(given: Given) -> list[int]:
    """A draw that the item's id makes."""
    return [_number(item.id) % len(item.choices) for item in given.test]


def _number(text: Hashable) -> int:
    return int.from_bytes(hashlib.blake2b(str(text).encode("utf-8", "surrogatepass"), digest_size=8).digest())


BASELINES: dict[str, Baseline] = {
    "majority": Baseline(frozenset({"text", "pair", "choice"}), True, _majority),
    "tf-idf + logistic regression": Baseline(frozenset({"text", "pair"}), True, _regression),
    "word overlap": Baseline(frozenset({"degree"}), True, _word_overlap),
    "commonest tag of the word": Baseline(frozenset({"words"}), True, _commonest_tag),
    "lexical overlap": Baseline(frozenset({"span"}), False, _lexical_overlap),
    "longest answer": Baseline(frozenset({"choice"}), False, _longest),
    "chance": Baseline(frozenset({"choice"}), False, _chance),
}
"""By name, in the order of a table's rows."""
