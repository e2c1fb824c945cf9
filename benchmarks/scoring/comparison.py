"""Which models of a task are told apart: differences on the same items and seeds, Holm's correction over all pairs, ranks with ties.

Probabilities are Student's, of the bootstrap's variance with as many degrees of freedom as its parts have (Satterthwaite): five seeds leave four. Counting resamples
beyond 0 instead would end at 1 in 1,000, which Holm's correction over the 105 pairs of 15 models makes a 10th. Of 400 simulated pairs of equal models, 5 seeds and 400
items each, 3 to 4 % were told apart at 5 %, whether seeds made a difference or not, and at most 0.5 % at 0.5 %; had a spread over seeds below the items' noise been taken
for none, and the rest for known, it would have been 8 % and 1.3 %. Models 3 points apart are found as often as the noncentral t of four degrees of freedom says.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple, TypeVar

from benchmarks.scoring.bootstrap import Interval, Replicates, Sampled, average, interval, replicates

LEVEL = 0.05
"""Of all pairs of a task that are in truth alike, any is told apart once in so many times, at most."""


Name = TypeVar("Name", bound=Hashable)


class Difference(NamedTuple):
    """One model's mean less another's, its interval, the probability of one so large between equals, and that after Holm's correction."""

    interval: Interval
    p: float
    corrected: float

    @property
    def told_apart(self) -> bool:
        """Is it more than a tie?"""
        return self.corrected < LEVEL


def difference(one: Sampled, other: Sampled, key: str = "") -> Replicates:
    """One model less another, on the same draws of items. Runs are paired by seed where both have as many, or one has a single one, as models without a seed have.

    Otherwise their seeds are drawn apart.
    """
    runs = {len(one.whole), len(other.whole)}
    if len(runs) == 1 or 1 in runs:
        return replicates(Sampled(one.whole - other.whole, one.draws - other.draws, one.items), key)
    alone = [replicates(of, f"{key} {place}") for place, of in enumerate((one, other))]
    means = one.draws.mean(1) - other.draws.mean(1)
    seeds = [each.values - of.draws.mean(1) for each, of in zip(alone, (one, other), strict=True)]
    parts = ((float(means.var(ddof=1)), one.items - 1.0), *alone[0].parts[1:], *alone[1].parts[1:])
    return Replicates(alone[0].mean - alone[1].mean, means + seeds[0] - seeds[1], parts, parts[0][0] / 2)


def compared(models: Mapping[Name, Sampled], key: str = "") -> dict[tuple[Name, Name], Difference]:
    """All pairs of a task's models, by their names in the order given."""
    return _corrected({(one, other): difference(models[one], models[other], key) for one, other in combinations(models, 2)})


def compared_over_tasks(tasks: Mapping[str, Mapping[Name, Sampled]], scale: Mapping[str, float]) -> dict[tuple[Name, Name], Difference]:
    """All pairs by their averages over tasks; each task's differences count `scale` times, as chance correction has it, or once."""
    names = list(next(iter(tasks.values())))
    return _corrected(
        {
            (one, other): average([scaled(difference(of[one], of[other], task), scale[task]) for task, of in tasks.items()])
            for one, other in combinations(names, 2)
        }
    )


def scaled(of: Replicates, times: float, shift: float = 0.0) -> Replicates:
    """`times` as much, and `shift` more."""
    parts = tuple((variance * times**2, freedom) for variance, freedom in of.parts)
    return Replicates(of.mean * times + shift, of.values * times + shift, parts, of.least * times**2)


def probability(of: Replicates) -> float:
    """That between equals a mean lies as far from 0 as this one, on either side."""
    variance = max(of.least, sum(part for part, _ in of.parts))
    fewest = min((freedom for _, freedom in of.parts), default=1.0)
    if of.mean == 0:
        return 1.0
    if variance <= 0:  # all items say the same, as few can by chance
        return min(1.0, 2.0 ** -min(fewest, 1000.0))
    # where what items' noise takes from the seeds' part nearly cancels it, Satterthwaite's are a small part of one
    freedom = max(fewest, variance**2 / sum(part**2 / each for part, each in of.parts))
    return student(of.mean / math.sqrt(variance), freedom)


def holm(probabilities: Sequence[float]) -> list[float]:
    """Holm's correction, 1979: below a level where the chance that any of the true hypotheses is rejected is below it."""
    found, least = [0.0] * len(probabilities), 0.0
    for passed, place in enumerate(sorted(range(len(probabilities)), key=lambda one: probabilities[one])):
        least = max(least, min(1.0, (len(probabilities) - passed) * probabilities[place]))
        found[place] = least
    return found


def ranks(means: Mapping[Name, float], pairs: Mapping[tuple[Name, Name], Difference]) -> dict[Name, int]:
    """One more than the models that are told to be better: all that no model is told to be better than share the first rank."""
    better = {
        name: sum(found.told_apart and ((found.interval.mean > 0) == (two[1] == name)) for two, found in pairs.items() if name in two)
        for name in means
    }
    return {name: 1 + count for name, count in better.items()}


def student(t: float, freedom: float) -> float:
    """The probability that Student's t lies as far from 0, on either side: the incomplete beta function, by its continued fraction (Lentz)."""
    x, a, b = freedom / (freedom + t * t), freedom / 2, 0.5
    if x in (0.0, 1.0):
        return x
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1 - front * _fraction(b, a, 1 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    tiny = 1e-300
    above, under = 1.0, 1 / ((1 - (a + b) * x / (a + 1)) or tiny)
    value = under
    for m in range(1, 1000):
        for part in (m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)), -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))):
            under = 1 / ((1 + part * under) or tiny)
            above = (1 + part / above) or tiny
            value *= above * under
        if abs(above * under - 1) < 1e-15:
            break
    return value


def _corrected(found: Mapping[tuple[Name, Name], Replicates]) -> dict[tuple[Name, Name], Difference]:
    single = [probability(one) for one in found.values()]
    return {pair: Difference(interval(one), p, after) for (pair, one), p, after in zip(found.items(), single, holm(single), strict=True)}
