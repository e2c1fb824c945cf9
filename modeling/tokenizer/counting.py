"""How often each word stands in a sample, and which characters a vocabulary needs."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

import regex
from tokenizers.normalizers import Normalizer

from modeling.tokenizer.sample import WEIGHT_UNIT, Document

MOST_WORDS = 2_000_000
"""Different words held at most: when there are more, those seen least are forgotten. Learning 64,000 pieces from 1 M words of ten letters took 842 MB in all,
from 0.25 M 531 MB, so these take about 1.4 GB. 33 MB of Azerbaijani web pages, laws and lessons have 0.17 M."""
CHARACTER_SHARE = 16
"""Single characters are at most one of so many ids: Chinese names in a crawl must not push out words."""

PART = 1 << 20
"""Characters of a text that are normalised and cut at once."""

Progress = Callable[[int], None]
"""Told how many bytes of text were read since the last call."""


def counted_words(
    documents: Iterable[Document], pattern: regex.Pattern[str], normaliser: Normalizer, progress: Progress
) -> tuple[Counter[str], int]:
    """Weighted counts of what the pattern finds in the normalised texts, and the weight of what had to be forgotten."""
    counts: Counter[str] = Counter()
    forgotten, floor = 0, WEIGHT_UNIT
    for document in documents:
        for part in _parts(document.text):
            for word, count in Counter(pattern.findall(normaliser.normalize_str(part))).items():
                counts[word] += count * document.weight
        progress(len(document.text.encode("utf-8", "surrogatepass")))
        while len(counts) > MOST_WORDS:
            rare = [word for word, count in counts.items() if count <= floor]
            forgotten += sum(counts.pop(word) for word in rare)
            floor *= 2
    return counts, forgotten


def _parts(text: str) -> Iterator[str]:
    """A text in parts of PART characters at most, cut at spaces between words, where nothing changes, if there are any: normalising takes forty times its text."""
    start = 0
    while len(text) - start > PART:
        space = text.rfind(" ", start + 1, start + PART)
        while space > 0 and (text[space - 1].isspace() or text[space + 1].isspace()):
            space = text.rfind(" ", start + 1, space)
        yield text[start : space if space > 0 else start + PART]
        start = space + 1 if space > 0 else start + PART
    yield text[start:]


def alphabet(counts: Counter[str], base: set[str], further: set[str], most: int) -> set[str]:
    """`base`, the most frequent of the other characters that were seen, by code point where equal, and what still fits of `further`: `most` in all.

    White space and what nobody sees is left out.
    """
    characters: Counter[str] = Counter()
    for word, count in counts.items():
        for character in word:
            characters[character] += count
    visible = (c for c in characters if not c.isspace() and unicodedata.category(c) not in ("Cc", "Cf"))
    others = [*sorted(visible, key=lambda c: (-characters[c], c)), *sorted(further)]
    new = list(dict.fromkeys(c for c in others if c not in base))
    return base | set(new[: max(0, most - len(base))])


def recut(counts: Counter[str], pattern: regex.Pattern[str]) -> Iterator[tuple[str, int]]:
    """The words cut once more, by a pattern that knows the alphabet: the sums are those of the text cut by it."""
    for word, count in counts.items():
        for part in pattern.findall(word):
            yield part, count
