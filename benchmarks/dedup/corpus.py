"""Real texts of 60 to 600 words that are no duplicates of each other, and planted copies of them."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import orjson
import pyarrow as pa
import zstandard

from benchmarks.dedup.planting import CONTAINED, CONTIGUOUS, NOISE, SCATTERED, WORD, Planted, contained, contiguous, noisy, scattered
from curation.dedup.parameters import Near
from curation.languages.profile import load_profile
from curation.text.buffers import TextBatch
from curation.text.shingles import shingle_hashes

FOLDERS = ("text_az", "web_az", "web_neighbours")
SHORTEST, LONGEST = 60, 600
"""Words of a document."""
RATES = (0.001, 0.005, 0.01, 0.02, 0.05)
"""Character error rates; Tesseract has 0.5 to 2 % on good scans, 5 % on bad ones."""
MIX = {SCATTERED: 0.25, CONTIGUOUS: 0.25, NOISE: 0.35, CONTAINED: 0.15}
"""Share of the copies that are made in each way."""


class Sets(NamedTuple):
    """Shingle sets of all documents: that of row r is the sorted `hashes[starts[r] : starts[r + 1]]`."""

    hashes: np.ndarray
    starts: np.ndarray

    def of(self, row: int) -> np.ndarray:
        """One document's set."""
        return self.hashes[self.starts[row] : self.starts[row + 1]]


class Corpus(NamedTuple):
    """Documents, by row, and the pairs planted among them."""

    texts: list[str]
    planted: list[Planted]
    sets: Sets


def shingle_sets(texts: list[str]) -> Sets:
    """The sets of 5-word shingles that all tools are given: words are runs of letters, marks and digits, case-folded as in Azerbaijani."""
    batch = TextBatch(pa.array(texts, pa.string()))
    return Sets(*shingle_hashes(batch.data, batch.offsets, load_profile("azj_Latn").fold_table, Near().shingle))


def make_corpus(folder: Path, documents: int, seed: int = 0) -> Corpus:
    """Half real texts, half copies, each of a text of its own, in an order that says nothing. Raises ValueError if the folder has too little text."""
    pick = random.Random(seed)  # noqa: S311
    bases = documents // 2
    texts = _fresh(list(_windows(folder, pick)), pick)
    if len(texts) < 1.4 * bases:
        raise ValueError(
            f"{folder} has {len(texts)} texts for {documents} documents: at most --documents {int(len(texts) / 0.7) // 100 * 100}"
        )
    around = iter(texts[bases:])
    vocabulary = [word for text in texts[:1000] for word in WORD.findall(text)]
    made: list[tuple[str, float, str]] = []
    for kind, share in MIX.items():
        for number in range(round(share * (documents - bases))):
            text = texts[len(made)]
            amount = RATES[number % len(RATES)] if kind == NOISE else pick.uniform(*((0.85, 1) if kind == CONTAINED else (0.5, 1)))
            made.append((kind, amount, _copy(kind, text, amount, vocabulary, around, pick)))
    return _shuffled(texts[:bases], made, pick)


def _copy(kind: str, text: str, amount: float, vocabulary: list[str], around: Iterator[str], pick: random.Random) -> str:
    if kind == SCATTERED:
        return scattered(text, amount, vocabulary, pick)
    if kind == CONTIGUOUS:
        return contiguous(text, amount, vocabulary, pick)
    if kind == NOISE:
        return noisy(text, amount, pick)
    longer = next(around)
    while len(longer) < len(text) / 2:
        longer += "\n" + next(around)
    return contained(text, amount, longer, pick)


def _shuffled(bases: list[str], made: list[tuple[str, float, str]], pick: random.Random) -> Corpus:
    texts = bases + [text for _, _, text in made]
    order = list(range(len(texts)))
    pick.shuffle(order)
    row = {old: new for new, old in enumerate(order)}
    planted = [Planted(row[number], row[len(bases) + number], kind, amount) for number, (kind, amount, _) in enumerate(made)]
    texts = [texts[old] for old in order]
    return Corpus(texts, planted, shingle_sets(texts))


def _windows(folder: Path, pick: random.Random) -> Iterator[str]:
    """All texts cut at words into pieces, their lengths spread evenly on a logarithmic scale."""
    paths = sorted(path for name in FOLDERS for path in (folder / name).glob("*.jsonl.zst"))
    if not paths:
        raise ValueError(f"no {{{','.join(FOLDERS)}}}/*.jsonl.zst below {folder}: name the folder of real texts with --pages")
    for path in paths:
        with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as stream:
            rows = stream.read().split(b"\n")
        for row in filter(None, rows):
            words = WORD.findall(orjson.loads(row)["text"])
            at = 0
            while len(words) - at >= SHORTEST:
                length = round(math.exp(pick.uniform(math.log(SHORTEST), math.log(LONGEST))))
                if len(words) - at >= length or at == 0:
                    yield "".join(words[at : at + length]).strip()
                at += length


def _fresh(texts: list[str], pick: random.Random) -> list[str]:
    """The texts, shuffled, more than half of whose shingles no earlier one has: so no two of them have a Jaccard similarity of 0.5."""
    pick.shuffle(texts)
    hashes, starts = shingle_sets(texts)
    new = np.zeros(len(hashes) + 1, np.int64)
    new[np.unique(hashes, return_index=True)[1]] = 1
    before = np.concatenate(([0], np.cumsum(new)))
    share = (before[starts[1:]] - before[starts[:-1]]) / np.maximum(np.diff(starts), 1)
    return [text for text, enough in zip(texts, share > 0.5, strict=True) if enough]
