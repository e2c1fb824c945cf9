"""Kill it: workers, the whole build, the disk. After the same build has run again, the version is the undisturbed one, byte for byte.

What is killed is the command; what goes on from there is mostly the same build in this process, which spares the start of an interpreter and its workers.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from curation.files import TEMPORARY
from pipelines.engines.local import LocalExecutor, TaskError
from pipelines.locking import locked
from pipelines.tasks import Progress, Task
from tests.pipelines.workspace import digest, dollma, prose_recipe, quiet_build, start

MOMENTS = int(os.environ.get("DOLLMA_CRASH_MOMENTS", "4"))
"""Random moments at which the whole build is killed, and as many at which a worker is. Ten seconds each: four in every run of the suite, more when asked for."""
Undisturbed = tuple[Path, dict[str, str], int]
"""A recipe, the files of its version, and how many tasks a build of it does. Moments are numbers of tasks done: a busy machine changes nothing about them."""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    folder = tmp_path_factory.mktemp("undisturbed")
    recipe = prose_recipe(folder)
    quiet_build(recipe, folder / "ws")
    scattered = len(list((folder / "ws" / "stages" / "extract").glob("*/*")))  # as many as were extracted; cleared away at the end
    return recipe, digest(folder / "ws" / "versions"), done(folder / "ws") + scattered


def done(workspace: Path) -> int:
    """Tasks whose result stands under its final name."""
    return len(list((workspace / "stages").glob("*/*/[!.]*/task.json")))


def wait_for(tasks: int, workspace: Path, process: subprocess.Popen[bytes]) -> None:
    """Until a build has done so many tasks, or is over."""
    while process.poll() is None and done(workspace) < tasks:
        time.sleep(0.002)


def children(pid: int) -> list[int]:
    """Processes below this one, from /proc: the forkserver's children are the workers."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
    found, frontier = [], {pid}
    while frontier:
        frontier = {child for child, parent in parents.items() if parent in frontier}
        found += sorted(frontier)
    return found


def workers_of(process: subprocess.Popen[bytes]) -> list[int]:
    """Workers are two levels down, below the forkserver."""
    direct = {c for c in children(process.pid) if parent_of(c) == process.pid}
    return [c for c in children(process.pid) if c not in direct]


def parent_of(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return -1


def moments(tasks: int) -> Iterator[tuple[int, int]]:
    """A build's number, and the tasks after which it is disturbed: drawn from each part of the build alike."""
    pick = random.Random(20)
    for number in range(MOMENTS):
        yield number, int((number + pick.random()) / MOMENTS * tasks)


def assert_only_whole_results(workspace: Path) -> None:
    """Whatever stands under a final name has its record: nothing half-written can be taken for a result."""
    for folder in (workspace / "stages").glob("*/*/*"):
        if not any(part.startswith(TEMPORARY) for part in folder.relative_to(workspace).parts):
            assert (folder / "task.json").is_file()
    for folder in (workspace / "versions").glob("*"):
        if not folder.name.startswith(TEMPORARY):
            assert (folder / "manifest.json").is_file()


def test_kill_9_of_the_whole_build_at_random_moments(undisturbed: Undisturbed, tmp_path: Path) -> None:
    recipe, expected, tasks = undisturbed
    for number, moment in moments(tasks):
        workspace = tmp_path / f"ws{number}"
        process = start("build", recipe, "--workspace", workspace, "--workers", "2")
        wait_for(moment, workspace, process)
        process.kill()
        process.communicate()
        assert_only_whole_results(workspace)
        quiet_build(recipe, workspace)
        assert digest(workspace / "versions") == expected, f"killed after {moment} tasks"
        assert not list(workspace.rglob(f"{TEMPORARY}*"))


def test_kill_9_of_a_worker_at_random_moments(undisturbed: Undisturbed, tmp_path: Path) -> None:
    recipe, expected, tasks = undisturbed
    killed = 0
    for number, moment in moments(tasks):
        workspace = tmp_path / f"ws{number}"
        process = start("build", recipe, "--workspace", workspace, "--workers", "2")
        wait_for(moment, workspace, process)
        while process.poll() is None:  # workers of a stage with little to do live for milliseconds: whichever is there next
            try:
                os.kill(random.Random(number).choice(workers_of(process)), signal.SIGKILL)
            except (IndexError, ProcessLookupError):
                continue
            killed += 1
            break
        output, _ = process.communicate(timeout=300)
        if process.returncode:
            assert b"SIGKILL" in output
            quiet_build(recipe, workspace)
        assert digest(workspace / "versions") == expected, output.decode()
    assert killed > MOMENTS / 4


def test_ctrl_c_stops_at_once_and_leaves_nothing_half_written(undisturbed: Undisturbed, tmp_path: Path) -> None:
    recipe, expected, tasks = undisturbed
    process = start("build", recipe, "--workspace", tmp_path, "--workers", "2")
    wait_for(tasks // 2, tmp_path, process)
    process.send_signal(signal.SIGINT)
    asked = time.monotonic()
    output, _ = process.communicate(timeout=60)
    assert time.monotonic() - asked < 20  # half a second where nothing else runs
    assert process.returncode in (130, -signal.SIGINT), output.decode()  # a shell says 130 to both
    assert b"interrupted" in output
    assert_only_whole_results(tmp_path)
    quiet_build(recipe, tmp_path)
    assert digest(tmp_path / "versions") == expected


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", disk], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip(f"can't mount a small file system: {mounted.stderr.decode().strip()}")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_full_disk_is_a_clear_error_and_the_build_goes_on_later(undisturbed: Undisturbed, small_disk: Path) -> None:
    recipe, expected, _ = undisturbed
    failed = dollma("build", recipe, "--workspace", small_disk / "ws", code=1)
    assert "disk is full" in failed.stderr or "No space left" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert_only_whole_results(small_disk / "ws")
    subprocess.run(["mount", "-o", "remount,size=50m", small_disk], check=True)
    quiet_build(recipe, small_disk / "ws")
    assert digest(small_disk / "ws" / "versions") == expected


@dataclass(frozen=True)
class Deadly:
    """Kills its own worker, as often as `lives` says."""

    counter: Path
    lives: int

    def run(self, folder: Path, progress: Progress) -> dict[str, Any]:
        with self.counter.open("a") as file:
            file.write("x")
        (folder / "half.txt").write_text("half")
        if len(self.counter.read_text()) <= self.lives:
            os.kill(os.getpid(), signal.SIGKILL)
        progress(documents=1)
        return {}


@dataclass(frozen=True)
class Faulty:
    """Raises."""

    def run(self, folder: Path, progress: Progress) -> dict[str, Any]:
        raise KeyError("something")


@dataclass(frozen=True)
class Easy:
    """Just works."""

    def run(self, folder: Path, progress: Progress) -> dict[str, Any]:
        (folder / "done.txt").write_text("done")
        return {}


def tasks_of(root: Path, *works: Any) -> list[Task]:
    return [Task(root, "stage", "source", f"key{number}", work) for number, work in enumerate(works)]


def test_a_killed_worker_is_tried_once_more(tmp_path: Path) -> None:
    tasks = tasks_of(tmp_path, Deadly(tmp_path / "counter", lives=1), Easy())
    LocalExecutor(tasks, 2, tmp_path / "logs").run()
    assert all(task.is_done() for task in tasks)
    assert (tmp_path / "counter").read_text() == "xx"


def test_a_task_that_always_dies_is_reported_and_the_others_finish(tmp_path: Path) -> None:
    tasks = tasks_of(tmp_path, Deadly(tmp_path / "counter", lives=99), *[Easy() for _ in range(6)], Faulty())
    with pytest.raises(TaskError, match="2 of 8 tasks failed") as error:
        LocalExecutor(tasks, 2, tmp_path / "logs").run()
    assert "killed by SIGKILL, 2 times" in str(error.value)
    assert "KeyError: 'something'" in str(error.value)
    assert [task.is_done() for task in tasks] == [False, *[True] * 6, False]
    assert "in run" in next((tmp_path / "logs").glob("*.log")).read_text()


def test_two_builds_do_not_share_a_workspace(undisturbed: Undisturbed, tmp_path: Path) -> None:
    recipe, expected, _ = undisturbed
    with locked(tmp_path):
        refused = dollma("build", recipe, "--workspace", tmp_path, code=1)
    assert "another build is at work" in refused.stderr
    quiet_build(recipe, tmp_path)
    assert digest(tmp_path / "versions") == expected


def test_a_whole_result_is_not_made_again(tmp_path: Path) -> None:
    recipe = prose_recipe(tmp_path)
    assert quiet_build(recipe, tmp_path / "ws").new
    assert not quiet_build(recipe, tmp_path / "ws").new


def test_killed_while_it_clears_up_leaves_nothing_that_looks_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, workspace = prose_recipe(tmp_path), tmp_path / "ws"

    def killed_half_way(folder: Path, ignore_errors: bool = False) -> None:
        if not ignore_errors:
            next(folder.rglob("task.json")).unlink()
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("curation.files.shutil.rmtree", killed_half_way)
        with pytest.raises(KeyboardInterrupt):
            quiet_build(recipe, workspace)
    assert_only_whole_results(workspace)
    assert not quiet_build(recipe, workspace).new
    assert not list(workspace.rglob(f"{TEMPORARY}*"))
    assert not (workspace / "stages" / "scatter").exists()
    assert not (workspace / "stages" / "gather").exists()
