"""How a row becomes an item, by kind or by form. Nothing is guessed but the place of an answer that stands elsewhere in its context."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from benchmarks.tasks.items import Answer, Choice, Closed, Degree, Item, Pair, Span, Text, Words
from benchmarks.tasks.task import Fields, Task

LONGEST_WORD = 2_000
"""Characters without white space. The longest in the sets that we have is 399 (a comment's shout); addresses have up to 2,000."""

SURROGATES = re.compile("[\ud800-\udfff]")

REINDEXED, UNANSWERABLE = "answer looked up again", "no answer: left out"
LOST_ANSWER = "one of several answers does not stand in the context"


class UnusableError(Exception):
    """Why a row is no item."""


class Known(NamedTuple):
    """What rows of a task are read by."""

    fields: Fields
    labels: tuple[str, ...]
    numbers: Mapping[str | int, int]
    """A label's number by what stands in a row."""
    note: Callable[[str], None]
    """Is told what is done to a row."""


def numbers(task: Task) -> dict[str | int, int]:
    place = {label: number for number, label in enumerate(task.labels)}
    return {value: place[label] for value, label in (task.read.values or {label: label for label in task.labels}).items()}


def item_of(row: object, identity: str, task: Task, known: Known) -> Item | None:
    """The item, or None for a question that is left out since it has no answer. Raises UnusableError for a row that is none."""
    if isinstance(row, dict):
        return FORMS[task.read.form or task.kind](row, identity, known)
    raise UnusableError(str(row) if isinstance(row, ValueError) else f"a {type(row).__name__}, not an object")


def is_label(value: object) -> bool:
    """Whether JSON's value can name a label."""
    return isinstance(value, str | int) and not isinstance(value, bool)


def _text(value: object, name: str) -> str:
    """A text with something in it, that can be written as UTF-8."""
    if not isinstance(value, str) or not value.strip():
        raise UnusableError(f"{name} is {_told(value)}, not a text with something in it")
    if not value.isascii() and SURROGATES.search(value):
        raise UnusableError(f"{name} holds half a surrogate pair, which no UTF-8 has")
    if (longest := max(map(len, value.split()))) > LONGEST_WORD:
        raise UnusableError(f"{name} holds a word of {longest:,} characters, more than {LONGEST_WORD:,}")
    return value


def _texts(row: dict[str, Any], fields: Fields) -> list[str]:
    parts = [[_text(row.get(name), name) for name in names.split()] for names in fields.texts]
    return [" ".join(fields.said.get(part, part) for part in of) for of in parts]


def _label(value: object, name: str, of: Known) -> int:
    if not is_label(value) or value not in of.numbers:
        known = ", ".join(map(repr, list(of.numbers)[:8])) + (" …" if len(of.numbers) > 8 else "")
        raise UnusableError(f"{name} is {_told(value)}, not one of {known}")
    return of.numbers[value]  # type: ignore[index]


def _number(row: dict[str, Any], fields: Fields) -> float:
    value = row.get(fields.answer)
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise UnusableError(f"{fields.answer} is {_told(value)}, not a number")
    return float(value)


def _one(row: dict[str, Any], identity: str, of: Known) -> Text:
    (text,) = _texts(row, of.fields)
    return Text(identity, text, _label(row.get(of.fields.answer), of.fields.answer, of))


def _pair(row: dict[str, Any], identity: str, of: Known) -> Pair:
    first, second = _texts(row, of.fields)
    return Pair(identity, first, second, _label(row.get(of.fields.answer), of.fields.answer, of))


def _degree(row: dict[str, Any], identity: str, of: Known) -> Degree:
    first, second = _texts(row, of.fields)
    value = _number(row, of.fields)
    if of.fields.bounds and not of.fields.bounds[0] <= value <= of.fields.bounds[1]:
        raise UnusableError(f"{of.fields.answer} is {value:g}, not within {of.fields.bounds[0]:g} and {of.fields.bounds[1]:g}")
    return Degree(identity, first, second, value)


def _alike(row: dict[str, Any], identity: str, of: Known) -> Pair:
    """Two texts whose score is at least the lower bound, or not."""
    least, most = of.fields.bounds or (0.0, math.inf)
    first, second = _texts(row, of.fields)
    value = _number(row, of.fields)
    if not 0 <= value <= most:
        raise UnusableError(f"{of.fields.answer} is {value:g}, not within 0 and {most:g}")
    return Pair(identity, first, second, int(value >= least))


def _words(row: dict[str, Any], identity: str, of: Known) -> Words:
    (name,), answer = of.fields.texts, of.fields.answer
    words, labels = row.get(name), row.get(answer)
    if not isinstance(words, list) or not words:
        raise UnusableError(f"{name} is {_told(words)}, not a list of words")
    if not isinstance(labels, list) or len(labels) != len(words):
        found = f"{len(labels):,} labels" if isinstance(labels, list) else _told(labels)
        raise UnusableError(f"{answer} is {found} for {len(words):,} words")
    known = tuple(_text(word, f"word {number + 1} of {name}") for number, word in enumerate(words))
    return Words(identity, known, tuple(_label(label, f"label {number + 1} of {answer}", of) for number, label in enumerate(labels)))


def _bracketed(row: dict[str, Any], identity: str, of: Known) -> Words:
    """Words of a text in which `[slot : words]` are marked, as MASSIVE has them."""
    rest = _text(row.get(of.fields.answer), of.fields.answer)
    words: list[str] = []
    labels: list[int] = []
    while rest:
        plain, bracket, rest = rest.partition("[")
        if "]" in plain:
            raise UnusableError(f"{of.fields.answer} has a bracket that closes nothing: {_told(plain)}")
        words += plain.split()
        labels += [of.numbers["O"]] * len(plain.split())
        if bracket:
            marked, closed, rest = rest.partition("]")
            slot, colon, said = marked.partition(" : ")
            if not closed or not colon or "[" in marked or not said.split():
                raise UnusableError(f"{of.fields.answer} has brackets that are not `[slot : words]`: {_told(marked)}")
            inside = said.split()
            words += inside
            labels += [_label(f"{'I' if number else 'B'}-{slot.strip()}", of.fields.answer, of) for number in range(len(inside))]
    return Words(identity, tuple(words), tuple(labels))


def _span(row: dict[str, Any], identity: str, of: Known) -> Span | None:
    context, question = _texts(row, of.fields)
    stated = _stated(row, of.fields)
    if not stated:
        if of.fields.unanswerable:
            return Span(identity, context, question, ())
        of.note(UNANSWERABLE)
        return None
    found = [_placed(context, start, text) for start, text in stated]
    answers = tuple(dict.fromkeys(answer for answer, _ in found if answer is not None))
    if not answers:
        raise UnusableError(f"the answer {_told(stated[0][1])} does not stand in the context, at {stated[0][0]} or elsewhere")
    if len(found) > sum(answer is not None for answer, _ in found):
        of.note(LOST_ANSWER)
    if any(moved for answer, moved in found if answer is not None):
        of.note(REINDEXED)
    return Span(identity, context, question, answers)


def _stated(row: dict[str, Any], fields: Fields) -> list[tuple[int, str]]:
    """(start, text) of each answer: from SQuAD's lists, or from two fields, where 'no_answer' or a place below 0 says that there is none."""
    names = fields.answer.split()
    if len(names) == 2:
        texts: Any = [row.get(names[0])]
        starts: Any = [row.get(names[1])]
        if texts == ["no_answer"] or (isinstance(starts[0], int) and starts[0] < 0) or texts == [""]:
            return []
    else:
        both = row.get(fields.answer)
        texts, starts = (both.get("text"), both.get("answer_start")) if isinstance(both, dict) else (None, None)
    if not isinstance(texts, list) or not isinstance(starts, list) or len(texts) != len(starts):
        raise UnusableError(f"{fields.answer} is not a list of texts and one of places, equally long")
    for text, start in zip(texts, starts, strict=True):
        if not isinstance(text, str) or not text.strip() or not isinstance(start, int) or isinstance(start, bool):
            raise UnusableError(f"{fields.answer}: {_told(text)} at {_told(start)} is no answer and its place")
    return list(zip(starts, texts, strict=True))


def _placed(context: str, start: int, text: str) -> tuple[Answer | None, bool]:
    """The answer where it stands, and whether that is not where it was said to: else where it stands as whole words nearest to there, else nearest at all."""
    if start >= 0 and context[start : start + len(text)] == text:
        inside = len(text) - len(text.lstrip())
        return Answer(start + inside, text.strip()), False
    text = text.strip()
    places = [match.start() for match in re.finditer(f"(?={re.escape(text)})", context)]
    whole = [place for place in places if not (_letter(context, place - 1) or _letter(context, place + len(text)))]
    nearest_place = min(whole or places, key=lambda place: (abs(place - start), place), default=None)
    return (None, False) if nearest_place is None else (Answer(nearest_place, text), True)


def _letter(context: str, place: int) -> bool:
    return 0 <= place < len(context) and context[place].isalnum()


def _choice(row: dict[str, Any], identity: str, of: Known) -> Choice:
    (question,) = _texts(row, of.fields)
    names = of.fields.choices
    stated = row.get(names[0]) if len(names) == 1 else [row.get(name) for name in names]
    if not isinstance(stated, list) or len(stated) != len(of.labels):
        raise UnusableError(f"{names[0]} is {_told(stated)}, not {len(of.labels)} answers")
    choices = tuple(_text(choice, f"answer {number + 1}") for number, choice in enumerate(stated))
    right = _label(row.get(of.fields.answer), of.fields.answer, of)
    if choices.count(choices[right]) > 1:
        raise UnusableError(f"the right answer {_told(choices[right])} stands among the others too")
    order = _order(identity, question, len(choices)) if of.fields.shuffled else list(range(len(choices)))
    return Choice(identity, question, tuple(choices[number] for number in order), order.index(right))


def _order(identity: str, question: str, many: int) -> list[int]:
    """An order that the id draws, with the question, since a line's number alone says little."""
    key = f"{identity}\n{question}".encode()
    return sorted(range(many), key=lambda number: hashlib.blake2b(key, digest_size=8, salt=bytes([number])).digest())


def _closed(row: dict[str, Any], identity: str, of: Known) -> Closed:
    (question,), answers = _texts(row, of.fields), row.get(of.fields.answer)
    if not isinstance(answers, list) or not answers:
        raise UnusableError(f"{of.fields.answer} is {_told(answers)}, not a list of answers")
    return Closed(identity, question, tuple(_text(answer, f"answer {number + 1}") for number, answer in enumerate(answers)))


FORMS: dict[str, Callable[[dict[str, Any], str, Known], Item | None]] = {
    "text": _one,
    "pair": _pair,
    "degree": _degree,
    "alike": _alike,
    "words": _words,
    "bracketed": _bracketed,
    "span": _span,
    "choice": _choice,
    "closed": _closed,
}
"""What makes an item of a row, by kind or by form."""


def _told(value: object) -> str:
    """A value in a message: as it stands where that is short for sure."""
    return f"{value!r:.60}" if isinstance(value, str | int | float | None) else f"a {type(value).__name__}"
