"""The table of tasks is whole, and says of every task what can be said."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks.scoring.metrics import METRICS
from benchmarks.tasks.catalogue import TASKS, named
from benchmarks.tasks.data import AS_PINNED, hashes, pinned
from benchmarks.tasks.items import KINDS
from benchmarks.tasks.pinned import PINNED
from benchmarks.tasks.reading import read
from benchmarks.tasks.task import SPLITS, Task, told
from curation.errors import DollmaError
from curation.languages.profile import profile_names
from tests.benchmarks import bench_data
from tests.pipelines.workspace import dollma

PAPER = {"AZE-SCI", "MRPC", "WikiANN", "SQuAD", "LDQuAD", "AZE-NSP", "CB-MCQ"}
"""Columns of the paper's Table 4."""


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_a_row_is_whole(task: Task) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", task.name)
    assert task.kind in KINDS
    assert task.language in profile_names()
    assert task.files
    assert set(task.files) <= set(SPLITS)
    assert "test" in task.files
    assert all([task.title, task.origin, task.licence, task.source, task.faults])
    assert {task.metric, *task.also} <= set(METRICS)
    assert task.metric not in task.also
    assert len(set(task.labels)) == len(task.labels)
    assert set(task.read.values.values()) <= set(task.labels)
    assert task.protocol >= 1
    assert task.paper is None or task.stands_in is None, "a task of the paper stands in for none"
    assert task.train_on is None or {"train", "validation"} <= set(named(task.train_on).files)
    assert task.train_on is None or (named(task.train_on).kind, named(task.train_on).labels) == (task.kind, task.labels)
    if task.hashes is None:
        assert "never seen by us" in task.faults or task.name in ("books-nsp", "own-sources", "own-marks", "belebele-az")
    else:
        assert set(task.hashes) == set(task.files)
        assert all(PINNED[f"{task.folder}/{task.files[split]}"].sha256 == task.hashes[split] for split in task.files)
    if task.hub is not None and task.hub.revision is not None:
        assert re.fullmatch("[0-9a-f]{40}", task.hub.revision)
        assert set(task.hub.files) == set(task.files)


def test_splits_that_share_a_file_share_no_row_of_it() -> None:
    for task in TASKS.values():
        of_file = {name: [split for split in task.files if task.files[split] == name] for name in task.files.values()}
        shared = [split for splits in of_file.values() if len(splits) > 1 for split in splits]
        assert set(shared) == set(task.shares)
        bounds = sorted(task.shares.values())
        assert all(high == low for (_, high), (low, _) in pairwise(bounds))
        assert not bounds or (bounds[0][0], bounds[-1][1]) == (0, 100)


def test_every_field_of_a_task_must_be_said() -> None:
    assert not Task._field_defaults
    with pytest.raises(TypeError, match="missing"):
        Task(name="new")  # type: ignore[call-arg]


def test_the_papers_tasks_are_there_and_each_has_a_set_that_stands_in() -> None:
    assert {task.paper for task in TASKS.values()} - {None} == PAPER
    assert {task.stands_in for task in TASKS.values()} >= PAPER
    assert {task.kind for task in TASKS.values() if task.hashes is not None} >= set(KINDS) - {"closed"}


def test_a_name_that_is_nearly_right_is_told() -> None:
    with pytest.raises(DollmaError, match="did you mean 'sib200-az'"):
        named("sib200-a")


def test_cards_are_json_and_say_what_is_not_known() -> None:
    for task in TASKS.values():
        card = json.loads(json.dumps(told(task)))
        assert set(card) == set(Task._fields)
        assert card["hashes"] == "not pinned: never seen by us" or card["hashes"] == task.hashes
    assert told(named("tumlu-az"))["read"]["shuffled"] is True


@pytest.mark.parametrize("task", bench_data.SETS)
def test_tiny_sets_are_read_without_a_fault(task: str, tmp_path: Path) -> None:
    """They stand where the tasks' files are looked for, and hold what the fields say."""
    of = named(task)
    bench_data.write(tmp_path, task)
    for split in of.files:
        found = read(of, tmp_path / of.folder, split)
        assert not found.faults
        assert len(found.items) >= 8
    assert all(read(named(name), bench_data.write(tmp_path, name) / named(name).folder, "train").items for name in bench_data.KIND.values())
    assert {kind: named(name).kind for kind, name in bench_data.KIND.items()} == {kind: kind for kind in bench_data.KIND}


def test_listing_loads_neither_torch_nor_arrow_nor_numba() -> None:
    """What takes a second to import is not imported: listing takes CPU time of under a second."""
    code = "import sys; from pipelines.commands import bench_tasks; bench_tasks.tasks(); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert not loaded & {"torch", "pyarrow", "numba", "transformers", "numpy", "huggingface_hub"}
    assert len(done.stdout.splitlines()) == len(TASKS) + 1


def test_the_command_tells_a_task_and_its_files(tmp_path: Path) -> None:
    bench_data.write(tmp_path, "sib200-az", "tumlu-az")
    path = tmp_path / "sib200/azj_Latn.dev.jsonl.gz"
    good = bench_data.rows("sib200-az", "validation")
    bench_data.write_rows(path, [*good, {"index_id": 77, "category": "weather", "text": "yağış"}])
    card = dollma("bench", "tasks", "sib200-az", "--data", tmp_path).stdout
    assert "stands_in: AZE-SCI" in card
    assert "other files than the pinned ones: train, validation, test" in card
    assert f"validation: {len(good)} items, 1 left out" in card
    assert f"azj_Latn.dev.jsonl.gz:{len(good) + 1}: 77: category is 'weather', not one of 'science/technology'" in card
    whole = json.loads(dollma("bench", "tasks", "--data", tmp_path, "--json").stdout)
    by_name = {task["name"]: task["files here"] for task in whole}
    assert list(by_name) == list(TASKS)
    assert by_name["tumlu-az"]["splits"]["test"]["items"] == bench_data.SIZES["test"]
    assert "neither" in by_name["pos-tr"]["missing"]
    assert "did you mean 'pos-tr'" in dollma("bench", "tasks", "pos-t", code=1).stderr


@pytest.mark.realdata
def test_real_files_are_the_pinned_ones(shared: Path) -> None:
    for task in TASKS.values():
        if task.hashes is not None:
            assert pinned(task, hashes(task, shared / "benchmarks" / task.folder)) == AS_PINNED
