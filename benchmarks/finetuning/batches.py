"""Examples in batches, the pieces of a batch laid into a few rows one after the other.

A batch is drawn from all examples, whatever their lengths, and yet is hardly padded: of batches of 16 of SIB-200 and of comments, 3 to 4 % of the places. Padding each
text to the longest of its batch would make that 43 and 68 %, sorting pools of 8 batches by length 13 and 24 %.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from benchmarks.finetuning.pieces import Example

ROW = 128
"""Places of a row, about: shorter ones are fuller of padding, longer ones of pairs that may not see each other."""
AT_A_TIME = 4096
"""Tokens of a batch that nothing is learnt from, about."""


class Batch(NamedTuple):
    """Pieces in rows [R, T]: `pieces` is the number of the piece in the batch, -1 where there is none; `halves` is 1 in the second text of a piece.

    What is asked: `at`, places of the flattened rows, or None where each piece as a whole is; `of`, for each thing asked the number of its example, ascending.
    """

    ids: Tensor
    positions: Tensor
    pieces: Tensor
    halves: Tensor
    at: Tensor | None
    of: Tensor

    def to(self, device: torch.device) -> Batch:
        """The same batch there."""
        return Batch(*(None if one is None else one.to(device) for one in self))


def batch(examples: Sequence[Example], pad: int) -> Batch:
    """Examples in rows: the longest piece first, each into the row that is emptiest so far."""
    pieces = [piece for one in examples for piece in one.pieces]
    lengths = [len(piece.ids) for piece in pieces]
    rows = max(1, round(sum(lengths) / ROW))
    taken, starts = [0] * rows, [(0, 0)] * len(pieces)
    for number in sorted(range(len(pieces)), key=lambda one: (-lengths[one], one)):
        row = taken.index(min(taken))
        starts[number] = (row, taken[row])
        taken[row] += lengths[number]
    shape = (rows, max(taken))
    ids, positions, numbers = np.full(shape, pad, np.int64), np.zeros(shape, np.int64), np.full(shape, -1, np.int32)
    halves = np.zeros(shape, np.int64)
    for number, (piece, (row, start)) in enumerate(zip(pieces, starts, strict=True)):
        places = slice(start, start + lengths[number])
        ids[row, places], positions[row, places], numbers[row, places] = piece.ids, np.arange(lengths[number]), number
        halves[row, start + piece.second : start + lengths[number]] = 1
    asked_at = [one.places for one in examples if one.places is not None]
    if asked_at:  # of examples of one piece
        asked = [row * shape[1] + start + one for one, (row, start) in zip(asked_at, starts, strict=True)]
        at, sizes = torch.from_numpy(np.concatenate(asked)), [len(one) for one in asked]
    else:
        at, sizes = None, [len(one.pieces) for one in examples]
    of = torch.from_numpy(np.repeat(np.arange(len(examples)), sizes))
    return Batch(torch.from_numpy(ids), torch.from_numpy(positions), torch.from_numpy(numbers), torch.from_numpy(halves), at, of)


def drawn(examples: int, size: int, seed: int) -> Iterator[np.ndarray]:
    """Which examples stand in which batch, without end: in each epoch each once, the last batch being smaller where they do not come out even."""
    for number in count():
        order = np.random.default_rng((seed, number)).permutation(examples)
        yield from (order[first : first + size] for first in range(0, examples, size))


def alike(examples: Sequence[Example]) -> list[list[int]]:
    """Numbers of examples in batches of about as many tokens, those of like length together: for what is asked of a model that does not change."""
    lengths = [sum(len(piece.ids) for piece in one.pieces) for one in examples]
    batches: list[list[int]] = []
    room = 0
    for number in sorted(range(len(examples)), key=lambda one: (lengths[one], one)):
        if lengths[number] > room:
            batches.append([])
            room = AT_A_TIME
        batches[-1].append(number)
        room -= lengths[number]
    return batches
