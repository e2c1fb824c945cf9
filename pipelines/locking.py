"""One command at a time in a workspace."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from curation.errors import DollmaError


@contextmanager
def locked(workspace: Path) -> Iterator[None]:
    """For what writes into a workspace: a build clears what others left half-written. The kernel frees the lock when its holder dies, however it dies."""
    workspace.mkdir(parents=True, exist_ok=True)
    with (workspace / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DollmaError(f"{workspace}: another build is at work in this workspace; wait for it, or use another workspace") from error
        yield
