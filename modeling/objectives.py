"""Sentence order: the second thing that a BERT may be asked for, beside masked tokens: which of a text's two halves stands first.

ALBERT's objective (1909.11942) on BERT's parts: the last layer at a piece's [CLS], the pooler, and the head that BERT has for next sentences, so that transformers loads
both (`AutoModelForNextSentencePrediction`; label 1 says that the halves are turned around). Pieces that are one word are not asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel

from modeling.attention import Mask
from modeling.config import Pretraining
from modeling.cross_entropy import IGNORED, losses
from modeling.evaluation import SEED, over_ranks
from modeling.inputs import Inputs
from modeling.model import head, hidden_at
from modeling.ranks import Ranks
from modeling.tokens.halves import Halves, Halving
from modeling.tokens.order import row_of
from modeling.tokens.packing import Packed, Rows

EVALUATED = 16
"""Rows evaluated at a time: no head over the vocabulary is run, so they need little memory."""


def forward_ordered(
    model: PreTrainedModel,
    ids: Tensor,
    positions: Tensor,
    pieces: Tensor,
    places: Tensor,
    labels: Tensor,
    segments: Tensor,
    begins: Tensor,
    swapped: Tensor,
    mask: Mask | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """`modeling.model.forward_masked`, and the same two of the order of halves: negative log-likelihoods [B, P] and whether it was told right.

    `segments` [B, T], `begins` and `swapped` [B, P] are `modeling.tokens.halves.Halves`. The layers are run once for both.
    """
    asked = places.shape[1]
    hidden = hidden_at(model, ids, positions, pieces, torch.cat([places, begins], 1), mask, segments)
    nll, right = losses(head(model, hidden[:, :asked].flatten(0, 1)), labels.flatten())
    pooled = model.base_model.pooler(hidden[:, asked:].flatten(0, 1)[:, None])  # it takes the first place of each text
    order = model.cls.seq_relationship(pooled).float()
    told = functional.cross_entropy(order, swapped.flatten(), ignore_index=IGNORED, reduction="none")
    found = (nll, right, told, order.argmax(-1) == swapped.flatten())
    return tuple(one.view_as(of) for one, of in zip(found, (labels, labels, swapped, swapped), strict=True))


class Ordered(nn.Module):
    """`forward_ordered` as a module: what torch.compile and DDP wrap."""

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, *tensors: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """See `forward_ordered`."""
        return forward_ordered(self.model, *tensors)


@dataclass(frozen=True)
class OrderScores:
    """Sums over pieces that were asked: `nll` in nats, `right` those told right. Guessing gives 0.693 nats and a half."""

    nll: float
    right: int
    pieces: int

    @property
    def accuracy(self) -> float:
        """Share of pieces told right."""
        return self.right / max(self.pieces, 1)

    def figures(self) -> dict[str, float]:
        """What is logged and told of it."""
        return {"loss": self.nll / max(self.pieces, 1), "accuracy": self.accuracy, "pieces": self.pieces}


def evaluate_order(
    model: PreTrainedModel,
    rows: Rows,
    halving: Halving,
    *,
    size: int,
    limit: int,
    autocast: torch.dtype | None = None,
    rank: int = 0,
    ranks: int = 1,
) -> OrderScores:
    """How well a model tells the order of halves in at most `limit` rows of a split, drawn with a fixed seed, nothing in them masked; arguments as in
    `modeling.evaluation.evaluate`. The model is left in the mode it was in."""
    was_training, sums = model.training, np.zeros(3)
    model.eval()
    try:
        with torch.inference_mode(), torch.autocast(model.device.type, autocast, enabled=autocast is not None):
            for packed, halves in _questions(rows, halving, size, limit, rank, ranks):
                nothing = np.empty((len(packed.ids), 0), np.int64)
                arrays = (packed.ids, packed.positions, packed.pieces, nothing, nothing, *halves)
                _, _, nll, right = forward_ordered(model, *(torch.from_numpy(one).to(model.device) for one in arrays))
                asked = halves.swapped != IGNORED
                sums += nll.cpu().numpy()[asked].sum(dtype=np.float64), right.cpu().numpy()[asked].sum(), asked.sum()
    finally:
        model.train(was_training)
    nll_sum, told, count = (over_ranks(sums, model.device) if ranks > 1 else sums).tolist()
    return OrderScores(nll_sum, int(told), int(count))


def order_scores(model: PreTrainedModel, inputs: Inputs, config: Pretraining, ranks: Ranks) -> OrderScores | None:
    """How well a run's model tells the order of halves in the validation split: at most as many rows as are asked of all sources. None where nobody asked it in training,
    or there is no such split. All ranks take their part."""
    if not (inputs.halving and inputs.halved):
        return None
    return evaluate_order(
        model,
        inputs.halved,
        inputs.halving,
        size=EVALUATED,
        limit=config.evaluation.rows * len(inputs.tokens.sources),
        autocast=torch.bfloat16 if ranks.device.type == "cuda" else None,
        rank=ranks.rank,
        ranks=ranks.count,
    )


def _questions(rows: Rows, halving: Halving, size: int, limit: int, rank: int, ranks: int) -> Iterator[tuple[Packed, Halves]]:
    """What is turned around depends on the row's number alone, whatever the seed of the run: the same for all models."""
    fixed, most = replace(halving, seed=SEED), rows.most
    numbers = np.sort(row_of(np.arange(min(limit, len(rows))), len(rows), SEED))[rank::ranks]
    for first in range(0, len(numbers), size):
        now = numbers[first : first + size]
        yield fixed(rows.batch(now), now, most)
