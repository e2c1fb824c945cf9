"""The head before the first step, where steps are few for what it has to tell apart: fitted to what the encoder says as it is, and only then are both trained.

A head of drawn weights has learnt little of many classes when few steps are over, and bends the encoder meanwhile. Linear probing, then fine-tuning, is better where the
encoder knows something (2202.10054, sections 3 and 4). Measured, right of validation, with multilingual-e5-small: on the first 700 of MASSIVE's intents, 60 classes and 3
steps for each, 73.2 % at the best rate, and 52.0 % from drawn heads; of 3,000, 13 steps for each, 82.4 and 73.6 % (at 1e-4); on SIB-200, 7 classes and 25 steps for each,
83 and 82 %. There weights that know little get fewer of the test split right from fitted heads, for what is fitted at once has nothing to teach them: half an hour of
pre-training 68.1 and 70.9 %, fresh ones 57.8 and 64.8 %. So heads are fitted below `Protocol.fit_below` steps for each output.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import inf
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from benchmarks.finetuning.batches import alike, batch, drawn
from benchmarks.finetuning.kinds import kind_of
from benchmarks.finetuning.pieces import Example
from benchmarks.finetuning.tuned import Tuned

EXAMPLES = 2_000
"""A head is fitted to so many examples at most."""
PLACES = 50_000
"""And to so many things asked, words or places of an answer: 200 MB at a hidden size of 1,024."""
STEPS = 100
"""Of L-BFGS at most, for each strength."""


class States(NamedTuple):
    """What a head is given for each thing asked [asked, hidden], the number of the example [asked] that it is of, ascending, and the examples' targets."""

    states: Tensor
    of: Tensor
    targets: list[Any]


def fit_head(
    model: Tuned, kind: str, examples: Sequence[Example], held_out: Sequence[Example], pad: int, strengths: Sequence[float], seed: int
) -> None:
    """Set the head to the minimum of the kind's mean loss over examples, the encoder being left as it is, plus a strength / 2 times the sum of squares of the head's
    weights, for states of which each coordinate has a mean of 0 and, on average, a variance of 1.

    Of the strengths, the one whose head has the lowest loss on the examples held out; of equal ones the greatest. All examples decide, or as many as the limits allow,
    drawn by the seed. From zeros, by L-BFGS, each strength on from the minimum of the greater one: on a CPU the same each time. Where states or losses are no numbers,
    the head stays as it was.
    """
    known, asked = (_states(model, some(given, seed), pad) for given in (examples, held_out))
    mean = known.states.mean(0)
    spread = (known.states - mean).square().mean().sqrt()
    if not (spread.isfinite() and spread > 0):
        return
    weights = torch.zeros(model.head.out_features, len(mean), device=mean.device, requires_grad=True)
    offsets = torch.zeros(model.head.out_features, device=mean.device, requires_grad=True)

    def loss(of: States) -> Tensor:
        outputs = (of.states @ weights.T + offsets) * model.scale + model.shift
        return kind_of(kind).loss(outputs, of.of, of.targets) / model.scale**2

    known, asked = (one._replace(states=(one.states - mean) / spread) for one in (known, asked))
    least = inf
    for strength in sorted(strengths, reverse=True):
        _minimise(partial(loss, known), weights, offsets, strength)
        with torch.no_grad():
            found = float(loss(asked))
            if found < least and weights.isfinite().all() and offsets.isfinite().all():
                least = found
                model.head.weight.copy_(weights / spread)
                model.head.bias.copy_(offsets - weights @ mean / spread)


def _minimise(loss: Callable[[], Tensor], weights: Tensor, offsets: Tensor, strength: float) -> None:
    optimiser = torch.optim.LBFGS([weights, offsets], max_iter=STEPS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        found = loss() + strength / 2 * weights.square().sum()
        found.backward()
        return found

    optimiser.step(closure)


def some(examples: Sequence[Example], seed: int) -> list[Example]:
    """As many examples as a head is fitted to, at least one, drawn by the seed."""
    order = next(drawn(len(examples), len(examples), seed))[:EXAMPLES]
    asked = np.cumsum([len(one.pieces) if one.places is None else len(one.places) for one in (examples[number] for number in order)])
    return [examples[number] for number in order[: max(1, int((asked <= PLACES).sum()))]]


def _states(model: Tuned, examples: Sequence[Example], pad: int) -> States:
    """With nothing dropped; the model is left in the mode that it was in."""
    training, place = model.training, model.head.weight.device
    model.eval()
    found: list[Tensor] = [torch.empty(0)] * len(examples)
    with torch.no_grad():
        for numbers in alike(examples):
            laid = batch([examples[number] for number in numbers], pad).to(place)
            counts = torch.bincount(laid.of, minlength=len(numbers))
            for number, one in zip(numbers, model.asked(laid).split(counts.tolist()), strict=True):
                found[number] = one
    model.train(training)
    of = torch.repeat_interleave(torch.tensor([len(one) for one in found], device=place))
    return States(torch.cat(found), of, [one.target for one in examples])
