"""How far a run is, and what follows from it: learning rate and batch size. Pure functions of the share of the horizon that is done."""

from __future__ import annotations

from math import sqrt

from modeling.config import Batch, Horizon, Schedule


def done(horizon: Horizon, steps: float, tokens: float, seconds: float) -> float:
    """The share of the horizon behind a run that made so many steps, saw so many tokens of text, and trained so many seconds; 1 at most."""
    reached = ((steps, horizon.steps), (tokens, horizon.tokens), (seconds, horizon.hours and horizon.hours * 3600))
    return min(1.0, next(have / want for have, want in reached if want is not None))


def rate(schedule: Schedule, share: float) -> float:
    """The learning rate at `share` of the horizon, as a share of its peak.

    Up in a straight line. Then `linear` falls in one to the floor; `wsd` is level, and falls at the end as 1 - sqrt(x), x being the share of the decay that is done:
    better than a straight line in 2405.18392 (section 4), and what ModernBERT does.
    """
    if share < schedule.warmup:
        return share / schedule.warmup
    if schedule.kind == "linear":
        fallen = (share - schedule.warmup) / (1 - schedule.warmup) if schedule.warmup < 1 else 0.0
    else:
        level = 1 - schedule.decay
        fallen = sqrt((share - level) / schedule.decay) if schedule.decay and share > level else 0.0
    return 1 - (1 - schedule.floor) * fallen


def rows(batch: Batch, length: int, share: float) -> int:
    """Rows of the batch at `share` of the horizon: the ramp's steps are equally long, and after it the batch is full."""
    sizes = batch.sizes(length)
    if share >= batch.ramp:
        return sizes[-1]
    return sizes[int(share / batch.ramp * (len(sizes) - 1))]
