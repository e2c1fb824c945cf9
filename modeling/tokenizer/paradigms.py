"""Inflected words made from a stem and endings, so that the boundaries between their morphemes are known and not guessed.

There is no analysed Azerbaijani text to compare with here: the tree bank at hand is Turkish. So the gold is made: every stem of `paradigms/LANGUAGE.yaml` with every
chain of endings there, by the rules of vowel harmony that the file states. All forms are words of the language; how frequent they are plays no part.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import yaml

FOLDER = Path(__file__).parent / "paradigms"
Form = tuple[str, ...]
"""A stem and its endings, in order."""


@lru_cache(maxsize=4)
def word_forms(language: str) -> tuple[Form, ...]:
    """The forms of a language, each once, in the order of the file; none where there is no file for it."""
    path = FOLDER / f"{language}.yaml"
    if not path.is_file():
        return ()
    stated = yaml.safe_load(path.read_text(encoding="utf-8"))
    forms: dict[Form, None] = {}
    for paradigm in stated["paradigms"]:
        for stem in paradigm["stems"].split():
            for chain in paradigm["endings"]:
                forms[inflected(stem, chain.split(), stated["vowels"])] = None
    return tuple(forms)


def inflected(stem: str, endings: list[str], vowels: dict[str, str]) -> Form:
    """The stem with its endings. In an ending A, I and K follow the last vowel before them (`vowels` says how); what stands in () is there
    only after a vowel where it is a consonant, and only after a consonant where it is a vowel."""
    parts = [stem]
    for ending in endings:
        word = "".join(parts)
        after_vowel = word[-1] in vowels
        made = ""
        inside = False
        for letter in ending:
            if letter in "()":
                inside = letter == "("
            elif not inside or (letter not in "AI") == after_vowel:
                last = next(c for c in reversed(word + made) if c in vowels)
                made += vowels[last]["AIK".index(letter)] if letter in "AIK" else letter
        parts.append(made)
    return tuple(parts)


def boundaries_of(form: Form) -> frozenset[int]:
    """Letters before which a morpheme begins, the first left out."""
    ends = [sum(map(len, form[:place])) for place in range(1, len(form))]
    return frozenset(ends)
