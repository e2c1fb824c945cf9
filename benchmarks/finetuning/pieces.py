"""Items as a model takes them: pieces of ids between [CLS] and [SEP], with what is asked of them.

A piece is a text, or two of them: [CLS] first [SEP] second [SEP]; RoBERTa's kind has two marks between. What is longer than the model's positions loses its end (of two
texts, the longer one), and is counted; sentences of words and contexts of questions lose nothing, but are read in windows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.finetuning.encoder import configuration, positions
from modeling.attention import OFFSET
from modeling.tokenizer import load_tokenizer, tokenizer_fingerprint, vocabulary

QUESTION = 64
"""Tokens that are kept of a question; SQuAD's own code keeps as many."""
STRIDE = 128
"""Tokens of a context that two windows share at most, as in SQuAD's code: an answer at the seam stands whole in one of them."""


class Piece(NamedTuple):
    """`ids` [n]; from place `second` on they are of a second text, `n` where there is one text only."""

    ids: np.ndarray
    second: int


class Example(NamedTuple):
    """What is laid into a batch and learnt from at once: of item number `item`, one piece; of a choice, one for each answer.

    `places` are the places in the piece where something is asked: the first token of each word; [CLS], which stands for "not here", and the tokens of a context. None
    where the piece as a whole is asked. `offsets` [places, 2] are the letters of a context's tokens, `sizes` [places] the tokens of each word. `target` is by kind: a
    class, a value, classes of words, first and last place.
    """

    item: int
    pieces: tuple[Piece, ...]
    target: Any
    places: np.ndarray | None = None
    offsets: np.ndarray | None = None
    sizes: np.ndarray | None = None

    @property
    def ids(self) -> np.ndarray:
        """All ids of the example."""
        return np.concatenate([piece.ids for piece in self.pieces])


class Encoded(NamedTuple):
    """All examples of a split, in the order of its items; and how many items lost a part that the model has no positions for."""

    examples: tuple[Example, ...]
    cut: int

    @property
    def tokens(self) -> int:
        """With [CLS] and [SEP]."""
        return sum(len(piece.ids) for one in self.examples for piece in one.pieces)


class Tokens:
    """A model's tokenizer, how long its pieces may be (`places` ids, special ones among them), and how two texts are joined."""

    def __init__(self, folder: Path) -> None:
        self._tokenizer = load_tokenizer(folder)
        self.vocabulary = vocabulary(folder)
        self.places = positions(folder)
        self.between = 2 if configuration(folder).model_type in OFFSET else 1
        self.key = (tokenizer_fingerprint(folder), self.places, self.between)
        """Items are encoded alike by all with the same key."""

    def ids(self, texts: Iterable[str]) -> list[np.ndarray]:
        """Ids of texts, without marks."""
        return [np.array(one.ids, np.int64) for one in self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]

    def traced(self, texts: Iterable[str]) -> list[tuple[np.ndarray, np.ndarray]]:
        """Ids of texts, and the letters [n, 2] that each stands for."""
        found = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [(np.array(one.ids, np.int64), np.array(one.offsets, np.int64).reshape(-1, 2)) for one in found]

    def single(self, ids: np.ndarray) -> Piece:
        """[CLS] text [SEP]. The text must fit."""
        whole = np.concatenate([[self.vocabulary.cls], ids, [self.vocabulary.sep]])
        return Piece(whole, len(whole))

    def joined(self, first: np.ndarray, second: np.ndarray) -> Piece:
        """[CLS] first [SEP] second [SEP]. They must fit."""
        known = self.vocabulary
        before = np.concatenate([[known.cls], first, [known.sep] * self.between])
        return Piece(np.concatenate([before, second, [known.sep]]), len(before))

    @property
    def room(self) -> int:
        """Ids of two texts that fit."""
        return self.places - 2 - self.between


def fitted(first: np.ndarray, second: np.ndarray, room: int) -> tuple[np.ndarray, np.ndarray]:
    """Both, the longer one shortened until they fit."""
    over = len(first) + len(second) - room
    if over <= 0:
        return first, second
    shorter = min(len(first), len(second), room // 2)
    if len(first) >= len(second):
        return first[: room - shorter], second[:shorter]
    return first[:shorter], second[: room - shorter]


def texts(items: Sequence[Any], tokens: Tokens) -> Encoded:
    """One piece for each text."""
    found, room = tokens.ids(item.text for item in items), tokens.places - 2
    examples = (Example(number, (tokens.single(ids[:room]),), items[number].label) for number, ids in enumerate(found))
    return Encoded(tuple(examples), sum(len(ids) > room for ids in found))


def pairs(items: Sequence[Any], tokens: Tokens) -> Encoded:
    """One piece for each two texts; the target is a class, or a value."""
    both = list(zip(tokens.ids(item.first for item in items), tokens.ids(item.second for item in items), strict=True))
    targets = [item.value if hasattr(item, "value") else item.label for item in items]
    examples = (Example(number, (_joined(*one, tokens),), targets[number]) for number, one in enumerate(both))
    return Encoded(tuple(examples), sum(len(first) + len(second) > tokens.room for first, second in both))


def _joined(first: np.ndarray, second: np.ndarray, tokens: Tokens) -> Piece:
    return tokens.joined(*fitted(first, second, tokens.room))


def choices(items: Sequence[Any], tokens: Tokens) -> Encoded:
    """A piece for each answer, beside the question."""
    questions = tokens.ids(item.question for item in items)
    flat = iter(tokens.ids(choice for item in items for choice in item.choices))
    examples, cut = [], 0
    for number, (item, question) in enumerate(zip(items, questions, strict=True)):
        answers = [next(flat) for _ in item.choices]
        cut += any(len(question) + len(answer) > tokens.room for answer in answers)
        examples.append(Example(number, tuple(_joined(question, answer, tokens) for answer in answers), item.label))
    return Encoded(tuple(examples), cut)


def words(items: Sequence[Any], tokens: Tokens) -> Encoded:
    """Sentences of words, asked at the first token of each word; one that is too long is read in windows, which begin where the one before ended.

    The words are read as a text with a space between any two. A word of which the tokenizer makes nothing is asked at the token before it.
    """
    found, room = tokens.traced(" ".join(item.words) for item in items), tokens.places - 2
    examples = []
    for number, (item, (ids, offsets)) in enumerate(zip(items, found, strict=True)):
        lengths = np.array([len(word) for word in item.words], np.int64)
        starts = np.concatenate([[0], np.cumsum(lengths + 1)[:-1]])
        firsts = np.searchsorted(offsets[:, 1], starts, side="right")  # the first token that ends after the word began
        begins = offsets[np.minimum(firsts, max(0, len(ids) - 1)), 0] if len(ids) else starts
        none = (firsts >= len(ids)) | (begins >= starts + lengths)
        firsts = np.where(none, firsts - 1, firsts)
        labels = np.array(item.labels, np.int64)
        sizes = np.bincount(np.searchsorted(starts, np.maximum(0, offsets[:, 1] - 1), side="right") - 1, minlength=len(starts))
        for begin in range(0, max(1, len(ids)), room):
            inside = (firsts >= begin if begin else firsts >= -1) & (firsts < begin + room)
            if inside.any():
                piece, places = tokens.single(ids[begin : begin + room]), firsts[inside] - begin + 1
                examples.append(Example(number, (piece,), labels[inside], places, sizes=sizes[inside]))
    return Encoded(tuple(examples), 0)


def spans(items: Sequence[Any], tokens: Tokens) -> Encoded:
    """Questions beside windows of their context. The target is where the first answer stands in the window; [CLS] where it does not, or where there is none."""
    questions, contexts = tokens.ids(item.question for item in items), tokens.traced(item.context for item in items)
    most = min(QUESTION, tokens.room // 2)
    examples = []
    for number, (item, question, (ids, offsets)) in enumerate(zip(items, questions, contexts, strict=True)):
        room = tokens.room - min(len(question), most)
        step = max(1, room - min(STRIDE, room // 2))
        first, last = _tokens_of(item, offsets)
        for begin in range(0, max(1, len(ids) - room + step), step):
            window = slice(begin, begin + room)
            piece = tokens.joined(question[:most], ids[window])
            count = len(ids[window])
            inside = begin <= first <= last < begin + count
            target = (first - begin + 1, last - begin + 1) if inside else (0, 0)
            places = np.concatenate([[0], piece.second + np.arange(count)])
            letters = np.concatenate([[[0, 0]], offsets[window]])
            examples.append(Example(number, (piece,), np.array(target, np.int64), places, letters))
    return Encoded(tuple(examples), sum(len(question) > most for question in questions))


def _tokens_of(item: Any, offsets: np.ndarray) -> tuple[int, int]:
    """The first and the last token of the first answer; (-1, -1) where there is none."""
    answer = next((one for one in item.answers if one.text), None)
    if answer is None:
        return -1, -1
    first = int(np.searchsorted(offsets[:, 1], answer.start, side="right"))
    last = int(np.searchsorted(offsets[:, 0], answer.start + len(answer.text), side="left")) - 1
    return (first, last) if first <= last else (-1, -1)


ENCODE: dict[str, Callable[[Sequence[Any], Tokens], Encoded]] = {
    "text": texts,
    "pair": pairs,
    "degree": pairs,
    "words": words,
    "span": spans,
    "choice": choices,
}
"""By kind of task."""


def used_ids(parts: Iterable[Encoded], more: Iterable[int]) -> np.ndarray:
    """The ids that stand in examples, and some more: each once, ascending."""
    return np.unique(np.concatenate([np.array(list(more), np.int64), *(one.ids for part in parts for one in part.examples)]))


def renumbered(examples: Iterable[Example], used: np.ndarray) -> list[Example]:
    """The same examples, each id being its number among those used."""
    return [one._replace(pieces=tuple(piece._replace(ids=np.searchsorted(used, piece.ids)) for piece in one.pieces)) for one in examples]
