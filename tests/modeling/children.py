"""Training in processes that die: forked from one that has imported everything and run nothing, so that each costs no second import of torch.

    python -m tests.modeling.children WORKSPACE JOBS    # JOBS: JSON, a list of lists of jobs; those of one list run at the same time

A job is {"changes": settings, "end": null or [module, name, call, signals], "env": {}}: at that call of the function a process sends itself these signals. Prints how
each process ended, as `os.waitstatus_to_exitcode` says: minus the number of the signal that killed it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from modeling.progress import Display
from modeling.stopping import Stopped
from modeling.train import train
from tests.modeling.tiny import settings

ROOT = Path(__file__).parents[2]


def ended(workspace: Path, *jobs: list[dict[str, Any]]) -> list[list[int]]:
    """How the processes of each list of jobs ended."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.modeling.children", str(workspace), json.dumps(jobs)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)
    print(done.stderr[-4000:])
    assert done.returncode == 0
    found: list[list[int]] = json.loads(done.stdout.splitlines()[-1])
    return found


def run(workspace: Path, changes: dict[str, Any], end: list[Any] | None, env: dict[str, str]) -> None:
    """One job, in its own process."""
    os.environ.update(env)
    torch.set_num_threads(1)
    if end:
        signal_at(*end)
    with Display(Console(quiet=True)) as display:
        train(settings(**changes), workspace, display)


def signal_at(module: str, name: str, call: int, signals: list[int]) -> None:
    """Have the process send itself signals at that call (from 1) of a module's function."""
    place = import_module(module)
    original, calls = getattr(place, name), 0

    def watched(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            for one in signals:
                os.kill(os.getpid(), one)
        return original(*args, **kwargs)

    setattr(place, name, watched)


def _forked(workspace: Path, job: dict[str, Any]) -> int:
    if pid := os.fork():
        return pid
    code = 1
    try:
        run(workspace, **job)
        code = 0
    except Stopped as stopped:
        code = 128 + stopped.signal
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


if __name__ == "__main__":
    folder, wanted = Path(sys.argv[1]), json.loads(sys.argv[2])
    print(
        json.dumps(
            [[os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in [_forked(folder, job) for job in at_once]] for at_once in wanted]
        )
    )
