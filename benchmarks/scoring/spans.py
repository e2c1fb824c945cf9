"""Entities in the tags of a sentence's words, and answers of questions as bags of words: what the metrics of spans count."""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence

from curation.errors import DollmaError

OUTSIDE = "O"
Entity = tuple[str, int, int]
"""Type, first word, last word."""


def entities(tags: Sequence[str], strict: bool) -> set[Entity]:
    """The entities of IOB2 tags. Strict, one begins at B- alone; otherwise also at an I- that goes on with nothing, as in CoNLL's script and in seqeval by default.

    Raises DollmaError for a tag that is not O, B-TYPE or I-TYPE.
    """
    found, kind, first = set(), "", 0
    for place, tag in enumerate((*tags, OUTSIDE)):
        if tag != OUTSIDE and not (tag[:2] in ("B-", "I-") and tag[2:]):
            raise DollmaError(f"{tag!r} is no tag of IOB2: those are O, B-TYPE and I-TYPE")
        if kind and tag != f"I-{kind}":
            found.add((kind, first, place - 1))
            kind = ""
        if not kind and (tag[:2] == "B-" or (tag != OUTSIDE and not strict)):
            kind, first = tag[2:], place
    return found


_ARTICLES = re.compile(r"\b(a|an|the)\b", re.UNICODE)
_ASCII = str.maketrans("", "", string.punctuation)
_DOTTED = str.maketrans({"I": "ı", "İ": "i"})


def squad_words(text: str) -> list[str]:
    """The words of an answer as SQuAD's official script sees them: lower case, without ASCII punctuation, without English articles."""
    return _ARTICLES.sub(" ", text.lower().translate(_ASCII)).split()


def own_words(text: str) -> list[str]:
    """The words of an Azerbaijani or Turkish answer: I is ı and İ is i, composed letters, no punctuation of any script, and `a` and `an` are words.

    SQuAD's script makes of İ an i and a combining dot, so that "İlham" and "ilham" differ, of I an i, and leaves «», “” and – in place.
    """
    lower = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).translate(_DOTTED).lower())
    return "".join(letter for letter in lower if not unicodedata.category(letter).startswith("P")).split()


def answered(answers: Sequence[str], predicted: str, words: Callable[[str], list[str]]) -> tuple[float, float]:
    """Exact match and F1 of the words with the answer that is hit best, each for itself, as SQuAD 2's script: where there is no answer, an empty one is right."""
    said = words(predicted)
    golds = [gold for gold in map(words, answers) if gold] or [[]]
    return max(float(gold == said) for gold in golds), max(_overlap(gold, said) for gold in golds)


def _overlap(gold: list[str], said: list[str]) -> float:
    if not gold or not said:
        return float(gold == said)
    same = (Counter(gold) & Counter(said)).total()
    return 2 * same / (len(gold) + len(said))
