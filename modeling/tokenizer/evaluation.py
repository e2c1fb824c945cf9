"""How well a tokenizer suits text that it was not trained on. Every figure is of pieces without special tokens; a word is what stands between white space.

Fertility is pieces a word. The efficiency is Rényi's with α = 2.5 (Zouhar et al. 2023, 2306.16842): entropy of the pieces over that of a vocabulary used evenly.
It can be raised by what makes models worse (2402.14614): it is reported, and nothing is chosen by it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from time import process_time
from typing import NamedTuple

import numpy as np
from tokenizers import Encoding, Tokenizer

from curation.errors import DollmaError
from curation.languages.profile import Profile
from modeling.tokenizer.paradigms import boundaries_of, word_forms
from modeling.tokenizer.saved import Vocabulary, load_tokenizer, vocabulary

ALPHA = 2.5
CASE_WORDS = 2000
"""Most frequent words of the text whose two spellings are compared."""
SHORTEST = 4
"""Letters of such a word at least: shorter ones are single pieces everywhere."""
BATCH = 64
SPEED_BYTES = 4_000_000
"""Text by which speed is measured, at most."""


class Agreement(NamedTuple):
    """Boundaries between pieces that are boundaries between morphemes, and the other way round."""

    precision: float
    recall: float
    forms: int

    @property
    def f(self) -> float:
        """Harmonic mean of both."""
        return 2 * self.precision * self.recall / ((self.precision + self.recall) or 1.0)


class Scores(NamedTuple):
    """What was measured. Shares are of 1; `speed` is megabytes of UTF-8 a second on one core; `morphemes` is None where the language has no paradigms."""

    name: str
    size: int
    words: int
    tokens: int
    fertility: float
    by_source: dict[str, float]
    characters_per_token: float
    unknown: float
    dead: float
    efficiency: float
    case_pairs: float
    morphemes: Agreement | None
    speed: float


def evaluate(place: Path, texts: Iterable[tuple[str, str]], profile: Profile, name: str = "") -> Scores:
    """Measure a tokenizer, by its folder or `tokenizer.json`, on (source, text). Raises DollmaError where there is no word to measure on."""
    tokenizer, known = load_tokenizer(place), vocabulary(place)
    counts = np.zeros(known.size, np.int64)
    words, tokens = Counter[str](), Counter[str]()
    frequent = Counter[str]()
    characters = spent = measured = 0.0
    stream = iter(texts)
    while batch := list(islice(stream, BATCH)):
        own = [text for _, text in batch]
        started = process_time()
        encodings = tokenizer.encode_batch_fast(own, add_special_tokens=False)
        if measured < SPEED_BYTES:
            spent += process_time() - started
            measured += sum(len(text.encode("utf-8", "surrogatepass")) for text in own)
        for (source, text), encoding in zip(batch, encodings, strict=True):
            counts += np.bincount(np.array(encoding.ids, np.int64), minlength=known.size)
            split = text.split()
            words[source] += len(split)
            tokens[source] += len(encoding.ids)
            characters += sum(map(len, split))
            frequent.update(word for word in split if len(word) >= SHORTEST and word.isalpha() and profile.folded(word) == word)
    if not words.total() or not tokens.total():
        raise DollmaError("no text to measure tokenizers on: give a version with a validation or test split, or a file with words")
    return Scores(
        name=name or place.name,
        size=known.size,
        words=words.total(),
        tokens=tokens.total(),
        fertility=tokens.total() / words.total(),
        by_source={source: tokens[source] / words[source] for source in sorted(words) if words[source]},
        characters_per_token=characters / tokens.total(),
        unknown=float(counts[known.unk]) / tokens.total(),
        dead=float((counts[known.ordinary] == 0).mean()),
        efficiency=efficiency(counts, known),
        case_pairs=case_pairs(tokenizer, frequent, profile),
        morphemes=morphemes(tokenizer, profile),
        speed=measured / 1e6 / spent if spent else 0.0,
    )


def efficiency(counts: np.ndarray, known: Vocabulary) -> float:
    """Rényi efficiency of how often ids stand in a text: 1 where all ordinary ones are as frequent, 0 where one alone is used."""
    used = counts[counts > 0].astype(np.float64)
    shares = used / used.sum()
    return float(np.log((shares**ALPHA).sum()) / (1 - ALPHA) / np.log(max(2, len(known.ordinary))))


def case_pairs(tokenizer: Tokenizer, frequent: Counter[str], profile: Profile) -> float:
    """The share of frequent lower-case words that are cut at the same letters when they begin a sentence. 1 for uncased tokenizers; nan without words."""
    chosen = [word for word, _ in sorted(frequent.items(), key=lambda one: (-one[1], one[0]))[:CASE_WORDS]]
    capitals = {lower: upper for upper, lower in profile.fold.items()}
    same = [cuts(tokenizer, word) == cuts(tokenizer, capitals.get(word[0], word[0].upper()) + word[1:]) for word in chosen]
    return sum(same) / len(same) if same else float("nan")


def morphemes(tokenizer: Tokenizer, profile: Profile) -> Agreement | None:
    """How the cuts inside words agree with boundaries between morphemes, over inflected forms whose boundaries are known because they were made from parts."""
    forms = word_forms(profile.code)
    if not forms:
        return None
    hits = found = gold = 0
    for parts in forms:
        cut, true = cuts(tokenizer, "".join(parts)), boundaries_of(parts)
        hits += len(cut & true)
        found += len(cut)
        gold += len(true)
    return Agreement(hits / (found or 1), hits / (gold or 1), len(forms))


def cuts(tokenizer: Tokenizer, word: str) -> frozenset[int]:
    """Letters before which a word is cut, as it stands in the middle of a text."""
    return frozenset(_starts(tokenizer.encode(f". {word}", add_special_tokens=False), 2))


def _starts(encoding: Encoding, skip: int) -> Iterator[int]:
    """Where pieces start after the first `skip` characters; a piece that begins with the space before a word starts at none."""
    for start, end in encoding.offsets:
        if start > skip and end > start:
            yield start - skip
