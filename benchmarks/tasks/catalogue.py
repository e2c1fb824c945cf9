"""All tasks by name. A task is frozen: what is changed in its row is another `protocol`, so that a score says which question was asked.

`paper`, `azerbaijani`, `turkish` and `own` hold the rows. Files that we have seen are pinned by their SHA-256 (`pinned`); where nobody here could look, a row says so.
"""

from __future__ import annotations

from benchmarks.tasks import azerbaijani, own, paper, turkish
from benchmarks.tasks.task import Task
from curation.errors import DollmaError, nearest

TASKS: dict[str, Task] = {task.name: task for task in (*paper.TASKS, *azerbaijani.TASKS, *turkish.TASKS, *own.TASKS)}


def named(name: str) -> Task:
    """The task of this name. Raises DollmaError where there is none."""
    if name not in TASKS:
        raise DollmaError(f"no task is called {name!r}: {nearest(name, TASKS)}")
    return TASKS[name]
