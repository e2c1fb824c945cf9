"""What a run is doing: losses that the device still holds, and speed."""

from __future__ import annotations

import math
from time import monotonic
from typing import NamedTuple

import torch
from torch import Tensor
from transformers import PreTrainedModel

from curation.errors import DollmaError
from modeling.cross_entropy import IGNORED
from modeling.flops import cost, peak, utilisation
from modeling.ranks import Ranks


class _Step(NamedTuple):
    number: int
    samples: range
    loss: Tensor
    norm: Tensor


class Unread:
    """Losses of steps that nobody has looked at yet: looking makes the CPU wait for the device."""

    def __init__(self, ranks: Ranks) -> None:
        self.ranks = ranks
        self.steps: list[_Step] = []

    def add(self, number: int, samples: range, loss: Tensor, norm: Tensor) -> None:
        """A step was made, number `number`, on these samples; `loss` is this rank's part, `norm` the gradient's before it was clipped."""
        self.steps.append(_Step(number, samples, loss, norm))

    def read(self) -> list[float]:
        """The losses since the last time, summed over ranks. Raises DollmaError for one that is no number, and names the step and its samples."""
        if not self.steps:
            return []
        losses = self.ranks.sum_tensor(torch.stack([step.loss for step in self.steps])).tolist()
        norms = torch.stack([step.norm for step in self.steps]).tolist()
        for step, loss, norm in zip(self.steps, losses, norms, strict=True):
            if not (math.isfinite(loss) and math.isfinite(norm)):
                first, last = step.samples[0], step.samples[-1]
                raise DollmaError(
                    f"step {step.number:,}: the loss is {loss}, its gradient's norm {norm} (samples {first:,} to {last:,}): the newest checkpoint is from before it; "
                    "lower optimiser.learning_rate, lengthen schedule.warmup, or look at these samples"
                )
        self.steps.clear()
        return losses


class Meter:
    """Tokens of text a second, and the share of a GPU's peak that useful operations are (MFU), where its peak is known."""

    def __init__(self, model: PreTrainedModel, ranks: Ranks) -> None:
        self.ranks = ranks
        self.speed = peak(torch.cuda.get_device_name(ranks.device)) if ranks.device.type == "cuda" else None
        self.cost = cost(model) if self.speed else None
        self.restart()

    def operations(self, pieces: Tensor, labels: Tensor) -> float:
        """Useful operations of a batch; 0 where nobody will ask."""
        return self.cost.of(pieces.numpy(), int((labels != IGNORED).sum())) if self.cost else 0.0

    def add(self, tokens: float, operations: float) -> None:
        """A step of all ranks was made."""
        self.tokens += tokens
        self.done += operations

    def read(self) -> dict[str, float | None]:
        """Since the last time: `tokens/s` and `mfu`."""
        seconds = monotonic() - self.began
        found = {"tokens/s": self.tokens / seconds, "mfu": utilisation(self.done, seconds, self.ranks.count, self.speed)}
        self.restart()
        return found

    def restart(self) -> None:
        """Begin anew, as after something that is no training."""
        self.tokens = self.done = 0.0
        self.began = monotonic()
