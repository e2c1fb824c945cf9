"""A run that was killed, again and again, ends as one that never was: the same log, the same weights, bit for bit."""

from __future__ import annotations

import signal
import socket
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from modeling.checkpoint import checkpoints
from modeling.logs import read_log, without_times
from modeling.tokens import open_tokens, pack
from tests.modeling.children import ended
from tests.modeling.tiny import STORE, settings, workspace

KILL, TERM = int(signal.SIGKILL), int(signal.SIGTERM)
STEPS, ROWS = 18, 4
CHANGES: dict[str, Any] = {
    "horizon": {"steps": STEPS},
    "batch": {"rows": ROWS},
    "model": {"dropout": 0.1},
    "evaluation": {"every": 6, "rows": 4},
}
RUN = {"log_every": 3, "checkpoint_every": 4, "keep": 2}


def job(name: str, end: list[Any] | None = None, workers: int = 1, env: dict[str, str] | None = None, **changes: Any) -> dict[str, Any]:
    return {"changes": CHANGES | {"name": name, "run": RUN | {"workers": workers}} | changes, "end": end, "env": env or {}}


def at(micro_batch: int, *signals: int) -> list[Any]:
    """The signals come before this micro-batch (from 1) of the process goes through the model; a step has two."""
    return ["modeling.step", "masks", micro_batch, list(signals)]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[int]]:
    """A run undisturbed, and one that was killed: before its first checkpoint; inside the accumulation of step 6; in writing a checkpoint; beyond the end of the first
    epoch, with other numbers of loader threads. Then what a second signal does, and two ranks beside one."""
    folder = workspace(tmp_path_factory.mktemp("killed"), documents=20)
    order: dict[str, Any] = {"objective": {"sentence_order": True}}
    ordered = order | {"horizon": {"steps": 8}}
    killed = [
        job("killed", at(5, KILL)),
        job("killed", at(12, KILL)),  # from the start again: the second micro-batch of step 6
        job("killed", ["modeling.checkpoint", "save_file", 2, [KILL]], workers=0),  # from step 4: weights written, optimiser not, at step 8
        job("killed", at(14, KILL), workers=3),  # from step 4: in step 11, after the epoch's end
        job("killed", at(9, KILL)),  # from step 8: in step 13
        job("killed", workers=2),
        job("ordered-killed", at(12, KILL), **ordered),  # in step 6
        job("ordered-killed", workers=3, **ordered),
    ]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    torchrun = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    without: dict[str, Any] = {"model": {"dropout": 0.0}} | order
    ranks = [job("two", env=torchrun | {"RANK": str(rank), "LOCAL_RANK": str(rank)}, **without) for rank in range(2)]
    alone = [job("undisturbed"), job("ordered-undisturbed", **ordered), job("stopped", at(7, TERM, TERM)), job("one", **without)]
    statuses = ended(folder, *([one] for one in [*killed, *alone]), ranks)
    return folder, [status for together in statuses for status in together]


def run_folder(workspace: Path, name: str) -> Path:
    (folder,) = (workspace / "models").glob(f"{name}-*")
    return folder


def test_the_processes_ended_as_they_were_told(found: tuple[Path, list[int]]) -> None:
    assert found[1] == [-KILL] * 5 + [0] + [-KILL, 0] + [0, 0, -TERM, 0] + [0, 0]


def test_the_runs_cross_an_epochs_end(found: tuple[Path, list[int]]) -> None:
    rows = len(pack(open_tokens(found[0] / "tokens" / STORE), "train", settings().length))
    assert 8 * ROWS < rows < 11 * ROWS, "between the steps of two kills"


def test_losses_are_the_same_to_the_bit(found: tuple[Path, list[int]]) -> None:
    killed, undisturbed = (
        [without_times(line) for line in read_log(run_folder(found[0], name) / "log.jsonl")] for name in ("killed", "undisturbed")
    )
    assert killed == undisturbed
    losses = [line["loss"] for line in undisturbed if "loss" in line]
    assert len(losses) == STEPS / RUN["log_every"]
    assert losses[-1] < losses[0]
    assert sum("validation" in line for line in undisturbed) == 3


def test_weights_and_optimiser_are_the_same_to_the_bit(found: tuple[Path, list[int]]) -> None:
    killed, undisturbed = (run_folder(found[0], name) for name in ("killed", "undisturbed"))
    for file in ("final/model.safetensors", f"checkpoints/{STEPS:08}/model.safetensors", f"checkpoints/{STEPS:08}/optimiser.safetensors"):
        assert (killed / file).read_bytes() == (undisturbed / file).read_bytes()
    assert [path.name for path in checkpoints(killed)] == ["00000016", f"{STEPS:08}"]
    assert not list(killed.rglob(".tmp-*"))


def test_the_order_of_halves_goes_on_where_it_was_too(found: tuple[Path, list[int]]) -> None:
    killed, undisturbed = (run_folder(found[0], f"ordered-{name}") for name in ("killed", "undisturbed"))
    logs = [[without_times(line) for line in read_log(run / "log.jsonl")] for run in (killed, undisturbed)]
    assert logs[0] == logs[1]
    assert [line["order"]["pieces"] > 0 for line in logs[0] if "validation" in line] == [True] * 2
    assert (killed / "final/model.safetensors").read_bytes() == (undisturbed / "final/model.safetensors").read_bytes()


def test_a_second_signal_kills_and_leaves_no_checkpoint(found: tuple[Path, list[int]]) -> None:
    assert checkpoints(run_folder(found[0], "stopped")) == []


def test_two_ranks_learn_what_one_does(found: tuple[Path, list[int]]) -> None:
    one, two = ([line["loss"] for line in read_log(run_folder(found[0], name) / "log.jsonl") if "loss" in line] for name in ("one", "two"))
    assert two == pytest.approx(one, abs=1e-6)
    weights = [load_file(run_folder(found[0], name) / "final" / "model.safetensors") for name in ("one", "two")]
    for name, tensor in weights[0].items():
        torch.testing.assert_close(weights[1][name], tensor, atol=1e-5, rtol=0)
    lines = [read_log(run_folder(found[0], name) / "log.jsonl") for name in ("one", "two")]
    assert [line.get("tokens") for line in lines[0]] == [line.get("tokens") for line in lines[1]]
    scores = [next(line["validation"] for line in reversed(of) if "validation" in line) for of in lines]
    assert scores[1]["loss"] == pytest.approx(scores[0]["loss"], abs=1e-5)
    orders = [next(line["order"] for line in reversed(of) if "order" in line) for of in lines]
    assert orders[1] == pytest.approx(orders[0], abs=1e-5)
