"""Times the steps of a training loop that somebody else runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter


@dataclass
class Stopwatch:
    """Begins after `warm_up` steps, at least one, and says after each step (of a GPU after each `every` steps, for looking makes it wait) whether `seconds` are over."""

    warm_up: int
    seconds: float
    every: int = 1
    synchronise: Callable[[], None] = lambda: None
    clock: Callable[[], float] = perf_counter
    steps: int = field(default=0, init=False)
    measured: int = field(default=0, init=False)
    elapsed: float = field(default=0.0, init=False)
    began: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        if self.warm_up < 1:
            raise ValueError(f"warm_up is {self.warm_up}: the first step ends before anything is timed")

    def step(self) -> bool:
        """A step was made: is it enough?"""
        self.steps += 1
        measured = self.steps - self.warm_up
        if measured < 0 or measured % self.every:
            return False
        self.synchronise()
        now = self.clock()
        if measured == 0:
            self.began = now
            return False
        self.measured, self.elapsed = measured, now - self.began
        return self.elapsed >= self.seconds

    def counted(self, steps: list[int]) -> int:
        """The sum over the steps that were timed, of a number for each step (of steps that were prepared and not made, too)."""
        return sum(steps[self.warm_up : self.warm_up + self.measured])
