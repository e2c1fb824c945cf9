"""Pieces: what byte-pair encoding makes of counted words, as strings and merges in the form that `tokenizers` wants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import regex

from modeling.tokenizer.letters import LETTER_OF
from modeling.tokenizer.pairs import merged_pairs
from modeling.tokenizer.sample import WEIGHT_UNIT
from modeling.tokenizer.words import HYPHENS

PREFIX = "##"
"""Before a piece that goes on with a word."""
LEAST = 2 * WEIGHT_UNIT
"""A pair must stand this often to become a piece: one that stands once is a word that happens to be there."""


class Pieces(NamedTuple):
    """A vocabulary in order: single characters, then what was merged; and the merges, as pairs of pieces."""

    vocabulary: list[str]
    merges: list[tuple[str, str]]


def with_endings(words: Iterable[tuple[str, int]], ending: regex.Pattern[str]) -> Counter[str]:
    """Counts of words of `word_pattern`, and of their endings by themselves, these with the prefix: no piece reaches over the mark before an ending."""
    counts: Counter[str] = Counter()
    for word, count in words:
        marks = [match.start() for match in ending.finditer(word)]
        for first, last in zip([0, *marks], [*marks, len(word)], strict=True):
            counts[PREFIX + word[first:last] if first else word[first:last]] += count
    return counts


def prefixed_symbols(word: str) -> list[str]:
    """The characters of a word, or of an ending with the prefix: those that go on have the prefix."""
    if word.startswith(PREFIX) and len(word) > len(PREFIX):
        return [PREFIX + c for c in word[len(PREFIX) :]]
    return [PREFIX + c if place else c for place, c in enumerate(word)]


def byte_symbols(word: str) -> list[str]:
    """The letters of a word's bytes."""
    return [LETTER_OF[byte] for byte in word.encode("utf-8", "surrogatepass")]


def prefixed_alphabet(alphabet: set[str]) -> list[str]:
    """The pieces of single characters: each as the first of a word, and letters, marks, digits and the signs before an ending also as one that goes on."""
    inner = [c for c in sorted(alphabet) if c.isalnum() or regex.match(r"[\p{M}\p{N}'’ʼ.,:]", c) or c in HYPHENS]
    return [*sorted(alphabet), *(PREFIX + c for c in inner)]


def learn(words: Counter[str], symbols_of: Callable[[str], list[str]], singles: list[str], wanted: int) -> Pieces:
    """`wanted` pieces in all, of which `singles`, of one character each, are there beforehand. Fewer where the words hold no more."""
    number = {piece: place for place, piece in enumerate(singles)}
    ordered = sorted(words)
    starts = np.cumsum([0, *(len(symbols_of(word)) for word in ordered)], dtype=np.int64)
    symbols = np.fromiter((number[symbol] for word in ordered for symbol in symbols_of(word)), np.int32, int(starts[-1]))
    counts = np.fromiter((words[word] for word in ordered), np.int64, len(ordered))
    found = merged_pairs(symbols, starts, counts, len(singles), wanted - len(singles), LEAST)
    vocabulary = list(singles)
    merges: dict[tuple[str, str], None] = {}
    for a, b, made in found.tolist():
        if made == len(vocabulary):
            vocabulary.append(vocabulary[a] + vocabulary[b].removeprefix(PREFIX))
        merges[vocabulary[a], vocabulary[b]] = None
    return Pieces(vocabulary, list(merges))
