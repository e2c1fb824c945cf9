"""What pre-training shows while it runs: one live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

PLAIN_EVERY = 30.0
"""Seconds between plain lines."""


class Display:
    """Follows a run: its share done, loss, learning rate, real tokens/s, MFU, time left.

    The horizon may be steps, tokens or hours, so the display hears of the share of it that is done; the time left is what the rest takes at the speed since the start.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self.live: Progress | None = None
        self.row: TaskID | None = None
        self.began = self.said = monotonic()
        self.first = 0.0

    def begin(self, name: str, done: float = 0.0) -> None:
        """A run starts, with the share `done` of its horizon behind it from an earlier one."""
        self.first, self.began = done, monotonic()
        self.said = self.began - PLAIN_EVERY
        if self.console.is_terminal:
            columns = (
                TextColumn("[bold]{task.description}"),
                BarColumn(bar_width=24),
                TextColumn("{task.percentage:.1f} %"),
                TimeElapsedColumn(),
            )
            self.live = Progress(*columns, TextColumn("{task.fields[detail]}"), console=self.console)
            self.row = self.live.add_task(name, total=1.0, detail="")
            self.live.update(self.row, completed=done)
            self.live.start()

    def observe(self, step: int, done: float, values: Mapping[str, Any]) -> None:
        """A step was made: the share `done` of the horizon is behind it; `values` are those of the log (`loss`, `lr`, `tokens/s`, `mfu`)."""
        now = monotonic()
        detail = f"step {step:,} · {told(values)} · {self._left(done, now)}"
        if self.live and self.row is not None:
            self.live.update(self.row, completed=done, detail=detail)
        elif now - self.said >= PLAIN_EVERY or done >= 1:
            self.said = now
            self.console.print(f"{done:6.1%}  {detail}", highlight=False)

    def say(self, line: str) -> None:
        """A line that stays: an evaluation, a checkpoint."""
        self.console.print(line, highlight=False, markup=False)

    def __enter__(self) -> Display:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.live:
            self.live.stop()

    def _left(self, done: float, now: float) -> str:
        made = done - self.first
        return f"{clock((now - self.began) * (1 - done) / made)} left" if made > 0 else "time left unknown"


def told(values: Mapping[str, Any]) -> str:
    """The values that a person follows, with their units; those that are missing are left out."""
    parts = [
        f"{name} {show(values[key])}"
        for key, name, show in (("loss", "loss", "{:.3f}".format), ("lr", "lr", "{:.2e}".format), ("mfu", "MFU", "{:.1%}".format))
        if values.get(key) is not None
    ]
    if values.get("tokens/s") is not None:
        parts.insert(min(2, len(parts)), f"{values['tokens/s']:,.0f} tokens/s")
    return " · ".join(parts)


def clock(seconds: float) -> str:
    """Seconds as `2 d 03:04:05`."""
    whole = round(seconds)
    days, rest = divmod(whole, 86400)
    hours, rest = divmod(rest, 3600)
    return (f"{days} d " if days else "") + f"{hours:02}:{rest // 60:02}:{rest % 60:02}"
