"""One command at a time in a workspace."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from curation.files import alone


def locked(workspace: Path) -> AbstractContextManager[None]:
    """For what writes into a workspace: a build clears what others left half-written. Raises DollmaError where another command is at work."""
    return alone(workspace, "another build is at work in this workspace; wait for it, or use another workspace")
