"""How models are fine-tuned, the same for all: what a reader needs to know of every number on the board."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from modeling.settings import Strict

FEW, MANY = 5, 10
"""Seeds: so many, and so many where a set is small."""
SMALL = 2_000
"""Items to train on, below which a set is small: there seeds differ most (2002.06305, section 4)."""


class Protocol(Strict):
    """How models are fine-tuned.

    `rates` are learning rates, ascending: two in the middle are tried, and on from the better one as long as it gets better. They reach from what large models bear to
    what fresh weights need. So many epochs, but no fewer steps than `least_steps`: of few rows, few epochs leave a model where it was (2006.05987, section 6); and no
    more than `most_steps`. The rate goes up for a tenth of the steps, then down to 0, which stopping by patience never reaches. `validation` items at most decide, by the
    task's metric, `evaluations` times, equally far apart. All is in float32.
    """

    version: PositiveInt = 4
    """Raise it when the same settings give another score."""
    rates: tuple[PositiveFloat, ...] = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3)
    batch: PositiveInt = 16
    epochs: PositiveInt = 4
    least_steps: PositiveInt = 150
    most_steps: PositiveInt = 5_000
    evaluations: PositiveInt = 4
    validation: PositiveInt = 250
    warmup: PositiveFloat = 0.1
    weight_decay: NonNegativeFloat = 0.01
    dropout: NonNegativeFloat = 0.1
    """Before the head; in the encoder, as its configuration has it."""
    fit_below: PositiveInt = 20
    """Steps for each output of the head. Where there are fewer, a drawn head has not learnt its classes when they are over, and it is fitted first (`probe.fit_head`)."""
    strengths: tuple[PositiveFloat, ...] = (0.01, 0.1, 1.0, 10.0)
    """Of the penalty on the head's weights then: from what suits an encoder that knows much to where the head says little more than how frequent the answers are."""

    def steps(self, examples: int) -> int:
        """Steps of a run over so many examples."""
        return min(self.most_steps, max(self.least_steps, self.epochs * ceil(examples / self.batch)))

    def fits_head(self, examples: int, outputs: int) -> bool:
        """Is a head of so many outputs fitted before a run over so many examples?"""
        return self.steps(examples) < self.fit_below * outputs

    def next_rate(self, tried: Mapping[float, tuple[float, float]]) -> float | None:
        """The rate to try after these, each with its merit: two in the middle, then the neighbours of the best. None where they are known, or there are none."""
        middle = (len(self.rates) - 1) // 2
        wanted = self.rates[middle : middle + 2]
        if all(rate in tried for rate in wanted):
            best = self.rates.index(best_rate(tried))
            wanted = self.rates[max(0, best - 1) : best + 2]
        return next((rate for rate in wanted if rate not in tried), None)


def best_rate(tried: Mapping[float, tuple[float, float]]) -> float:
    """The rate of the greatest merit; of equal ones the lowest."""
    return max(sorted(tried), key=tried.__getitem__)


def seeds_for(items: int) -> int:
    """How many seeds a set of so many items to train on is given, unless the user says."""
    return MANY if items < SMALL else FEW
