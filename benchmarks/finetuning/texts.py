"""Texts as a model takes them: ids between [CLS] and [SEP], the texts of a batch laid into a few rows one after the other.

A batch is drawn from all texts, whatever their lengths, and yet is hardly padded: of batches of 16 of SIB-200 and of comments, 3 to 4 % of the places. Padding each
text to the longest of its batch would make that 43 and 68 %, sorting pools of 8 batches by length 13 and 24 %.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from modeling.tokenizer import load_tokenizer, vocabulary

ROW = 128
"""Places of a row, about: shorter ones are fuller of padding, longer ones of pairs that may not see each other."""


class Batch(NamedTuple):
    """Texts in rows [R, T], as `modeling.model.hidden_states` takes them; `pieces` is the number of the text in the batch, -1 where there is none."""

    ids: Tensor
    positions: Tensor
    pieces: Tensor


class Encoded(NamedTuple):
    """Ids of each text, and how many texts were longer than the model's positions and lost their end."""

    ids: tuple[np.ndarray, ...]
    cut: int

    @property
    def lengths(self) -> np.ndarray:
        """Of each text, with [CLS] and [SEP]."""
        return np.array([len(ids) for ids in self.ids], np.int64)


class Encoder:
    """A tokenizer that makes texts of at most `places` ids, special ones among them."""

    def __init__(self, folder: Path, places: int) -> None:
        self._tokenizer = load_tokenizer(folder)
        self.vocabulary = vocabulary(folder)
        self.places = places

    def __call__(self, texts: Sequence[str]) -> Encoded:
        """Ids of texts."""
        found = [one.ids for one in self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]
        room = self.places - 2
        marked = tuple(np.array([self.vocabulary.cls, *ids[:room], self.vocabulary.sep], np.int64) for ids in found)
        return Encoded(marked, sum(len(ids) > room for ids in found))


def batch(texts: Sequence[np.ndarray], pad: int) -> Batch:
    """Texts in rows: the longest first, each into the row that is emptiest so far."""
    lengths = [len(text) for text in texts]
    rows = max(1, round(sum(lengths) / ROW))
    taken, starts = [0] * rows, [(0, 0)] * len(texts)
    for number in sorted(range(len(texts)), key=lambda one: (-lengths[one], one)):
        row = taken.index(min(taken))
        starts[number] = (row, taken[row])
        taken[row] += lengths[number]
    shape = (rows, max(taken))
    ids, positions, pieces = np.full(shape, pad, np.int64), np.zeros(shape, np.int64), np.full(shape, -1, np.int32)
    for number, (text, (row, start)) in enumerate(zip(texts, starts, strict=True)):
        places = slice(start, start + len(text))
        ids[row, places], positions[row, places], pieces[row, places] = text, np.arange(len(text)), number
    return Batch(torch.from_numpy(ids), torch.from_numpy(positions), torch.from_numpy(pieces))


def drawn(texts: int, size: int, seed: int) -> Iterator[np.ndarray]:
    """Which texts stand in which batch, without end: in each epoch each text once, the last batch being smaller where they do not come out even."""
    for number in count():
        order = np.random.default_rng((seed, number)).permutation(texts)
        yield from (order[first : first + size] for first in range(0, texts, size))
