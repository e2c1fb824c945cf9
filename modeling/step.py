"""One optimizer step in parts: what it asks, how much of that at a time, and the gradient of all of it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from curation.errors import DollmaError
from modeling.attention import masks
from modeling.config import Pretraining
from modeling.cross_entropy import IGNORED
from modeling.embedding import adding_rows
from modeling.model import Packed, next_tokens
from modeling.objectives import Ordered
from modeling.ranks import Ranks
from modeling.tokens import Batch

PLACES = {"cpu": 2048, "cuda": 16384}
"""Places of rows that a device takes at a time unless told otherwise: with 64,000 tokens and 30 % masked, 0.16 GB and 1.3 GB of logits in float32."""


class Asked(NamedTuple):
    """A batch as tensors, with what is asked of it: see `modeling.model.forward_masked`; `halves` (segments, begins, swapped) `modeling.objectives.forward_ordered`."""

    ids: Tensor
    positions: Tensor
    pieces: Tensor
    places: Tensor
    labels: Tensor
    halves: tuple[Tensor, ...] = ()

    @property
    def orders(self) -> int:
        """Pieces whose halves' order is asked."""
        return int((self.halves[2] != IGNORED).sum()) if self.halves else 0


def packed(model: PreTrainedModel, config: Pretraining, ranks: Ranks) -> nn.Module:
    """The model over packed rows, as the device takes it best. K places of a row are asked for whatever the row: one shape, so nothing is compiled twice."""
    kind = Ordered if config.objective.sentence_order else Packed
    if config.run.compile if config.run.compile is not None else ranks.device.type == "cuda":
        return torch.compile(kind(model), dynamic=False)
    return kind(adding_rows(model) if ranks.device.type == "cpu" and ranks.count == 1 else model)


def micro_batch(config: Pretraining, ranks: Ranks) -> int:
    """Rows that each rank takes at a time. Raises DollmaError where they are no part of the smallest batch."""
    smallest = config.batch.sizes(config.length)[0]
    if config.run.micro_batch is None:
        most = max(1, PLACES[ranks.device.type] // config.length)
        fitting = [n for n in range(1, most + 1) if smallest % (n * ranks.count) == 0]
    else:
        fitting = [config.run.micro_batch] if smallest % (config.run.micro_batch * ranks.count) == 0 else []
    if not fitting:
        taken = f"{config.run.micro_batch or 'some'} rows at a time on {ranks.count} ranks"
        raise DollmaError(
            f"the smallest batch, {smallest} rows, can't be made of {taken}: change run.micro_batch, or batch, so that it is a multiple"
        )
    return fitting[-1]


def asked_of(batch: Batch, causal: bool) -> Asked:
    """A batch of the loader as tensors on the CPU; what a decoder is asked for is worked out here."""
    ids, positions, pieces = (torch.from_numpy(values) for values in (batch.ids, batch.positions, batch.pieces))
    places, labels = next_tokens(ids, pieces) if causal else (torch.from_numpy(values) for values in (batch.places, batch.labels))
    return Asked(ids, positions, pieces, places, labels, tuple(map(torch.from_numpy, batch.halves or ())))


def accumulate(
    module: nn.Module,
    model: PreTrainedModel,
    asked: list[Asked],
    labels: float,
    config: Pretraining,
    ranks: Ranks,
    sample: int,
    orders: float = 0.0,
) -> Tensor:
    """This rank's part of the step's loss: its sum over the `labels` of all ranks, and that of the order of halves over their `orders` pieces. Leaves the gradient of the
    whole in the model."""
    device, loss = ranks.device, torch.zeros((), dtype=torch.float64, device=ranks.device)
    bf16 = torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")  # the weights themselves stay in float32
    for number, one in enumerate(asked):
        on_device = [values.to(device, non_blocking=True) for values in (*one[:5], *one.halves)]
        if config.dropout:  # a function of the sample: nothing to remember in checkpoints
            torch.manual_seed((config.seed << 32) + sample + (number * ranks.count + ranks.rank) * len(one.ids))
        with ranks.unsynced(module, wanted=number + 1 < len(asked)):
            with bf16:
                nll, _, *order = module(*on_device, masks(model, on_device[2]))
            part = nll.sum()
            if order:
                part = part + order[0].sum() * (labels / max(orders, 1.0))
            (part * (ranks.count / max(labels, 1.0))).backward()  # DDP takes the mean over ranks; this makes it the sum
        loss += part.detach()
    return loss / max(labels, 1.0)
