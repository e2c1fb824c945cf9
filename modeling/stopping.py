"""Ctrl-C and SIGTERM while a run is at work: the first asks for an end, the second makes it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(Exception):  # noqa: N818 - it is no error
    """A signal ended the run, after a whole step and with a checkpoint. `signal` is its number: 128 more is the exit code of a shell."""

    def __init__(self, number: int, step: int) -> None:
        super().__init__(f"stopped after step {step:,} by {signal.Signals(number).name}")
        self.signal = number


class Wish:
    """The number of the signal that asked for an end, or 0."""

    signal = 0


@contextmanager
def wishes() -> Iterator[Wish]:
    """Within, the first signal is noted, and gives the second back its force: it kills. Only the main thread hears signals; in another nothing is noted."""
    wish = Wish()
    if current_thread() is not main_thread():
        yield wish
        return

    def note(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        wish.signal = number
        for one in SIGNALS:
            signal.signal(one, signal.SIG_DFL)

    before = [signal.signal(one, note) for one in SIGNALS]
    try:
        yield wish
    finally:
        for one, handler in zip(SIGNALS, before, strict=True):
            signal.signal(one, handler)
