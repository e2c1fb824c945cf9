"""The loop: what a step's loss is divided by, when it stops, what it writes, and what it says when something is wrong."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer
from typer import Typer
from typer.testing import CliRunner

from curation.errors import DollmaError
from modeling import cooccurrence
from modeling import step as step_module
from modeling.checkpoint import checkpoints
from modeling.config import Pretraining
from modeling.export import read_card
from modeling.logs import read_log, without_times
from modeling.progress import Display
from modeling.stopping import Stopped
from modeling.train import train
from pipelines.commands.pretrain import pretrain
from tests.modeling.tiny import SOURCES, STORE, TOKENIZER, VERSION, settings, workspace

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Many runs fit into one workspace: each has a name of its own."""
    return workspace(tmp_path_factory.mktemp("workspace"))


def trained(place: Path, **changes: Any) -> Path:
    with Display(Console(quiet=True)) as display:
        return train(settings(**changes), place, display)


def lines(final: Path) -> list[dict[str, Any]]:
    return read_log(final.parent / "log.jsonl")


def losses(final: Path) -> list[float]:
    return [line["loss"] for line in lines(final) if "loss" in line]


def signalled(monkeypatch: pytest.MonkeyPatch, call: int, number: int) -> None:
    """Have a signal come before this micro-batch (from 1) goes through the model."""
    original, calls = step_module.masks, iter(range(1, 10_000))

    def watched(*args: Any) -> Any:
        if next(calls) == call:
            os.kill(os.getpid(), number)
        return original(*args)

    monkeypatch.setattr(step_module, "masks", watched)


@pytest.mark.parametrize(
    ("family", "loader"), [("bert", AutoModelForMaskedLM), ("modernbert", AutoModelForMaskedLM), ("llama", AutoModelForCausalLM)]
)
def test_a_run_learns_and_leaves_a_model_with_its_card(place: Path, family: str, loader: Any) -> None:
    final = trained(place, name=f"learns-{family}", model={"family": family}, horizon={"steps": 40}, evaluation={"every": 20, "rows": 8})
    found = losses(final)
    assert np.mean(found[-5:]) < np.mean(found[:5]) - 0.4
    assert len(AutoTokenizer.from_pretrained(final)) == loader.from_pretrained(final).config.vocab_size == 256
    card = read_card(final)
    last = lines(final)[-2:]
    assert (card.training.steps, card.training.tokens) == (40, last[0]["tokens"])
    assert card.training.epochs == last[0]["epoch"]
    assert set(card.validation) == set(card.unigram) == set(SOURCES)
    assert {name: score.loss for name, score in card.validation.items()} == {name: last[1]["sources"][name]["loss"] for name in SOURCES}
    assert (card.corpus.version, card.tokenizer.name, card.shape) == (VERSION, TOKENIZER, f"{family}-custom")
    assert (card.objective, len(card.samples)) == (("causal", 4) if family == "llama" else ("masked", 0))
    assert [line["step"] for line in lines(final) if "validation" in line] == [20, 40]
    assert (
        trained(place, name=f"learns-{family}", model={"family": family}, horizon={"steps": 40}, evaluation={"every": 20, "rows": 8})
        == final
    )


def test_a_steps_loss_is_divided_by_all_its_labels(place: Path) -> None:
    """However the rows are shared into passes: they hold different numbers of labels, so a mean of means would be another loss."""
    found = [trained(place, name=f"micro-{size}", run={"micro_batch": size}, horizon={"steps": 6}) for size in (1, 2, 4)]
    for other in found[1:]:
        assert losses(other) == pytest.approx(losses(found[0]), abs=1e-6)
        weights = load_file(found[0] / "model.safetensors")
        for name, tensor in load_file(other / "model.safetensors").items():
            torch.testing.assert_close(tensor, weights[name], atol=1e-5, rtol=0)


def test_the_horizon_ends_a_run_in_steps_tokens_or_hours(place: Path) -> None:
    assert lines(trained(place, name="steps", horizon={"steps": 3}))[-2]["step"] == 3
    tokens = [line["tokens"] for line in lines(trained(place, name="tokens", horizon={"tokens": 500})) if "tokens" in line]
    assert tokens[-2] < 500 <= tokens[-1]
    hours = 0.3 / 3600
    times = [line["time"] for line in lines(trained(place, name="hours", horizon={"hours": hours})) if "time" in line]
    assert times[-2] < hours * 3600 <= times[-1] < 60


def test_batch_and_learning_rate_follow_their_schedules(place: Path) -> None:
    batch, schedule = {"rows": 8, "start": 2, "ramp": 0.5}, {"warmup": 0.25, "decay": 0.25}
    final = trained(place, name="ramp", horizon={"steps": 8}, batch=batch, schedule=schedule)
    steps = [line for line in lines(final) if "loss" in line]
    assert [line["batch"] for line in steps] == [2, 2, 4, 4, 8, 8, 8, 8]
    assert [line["lr"] / 3e-3 for line in steps] == pytest.approx([0.25, 0.75, 1, 1, 1, 1, 1 - 0.25**0.5, 1 - 0.75**0.5])
    assert steps[-1]["epoch"] * round(44 / steps[-1]["epoch"]) == pytest.approx(44)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_run_after_the_step_and_the_command_says_so(
    place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """And the same command goes on: to the same losses as if nothing had been."""
    name = f"signal-{code}"
    undisturbed = trained(place, name=f"{name}-not", horizon={"steps": 6}, run={"log_every": 2})
    file, app = tmp_path / "run.yaml", Typer()
    file.write_text(json.dumps(settings(name=name, horizon={"steps": 6}, run={"log_every": 2}).model_dump(mode="json")), encoding="utf-8")
    app.command()(pretrain)
    before = signal.getsignal(number)
    command = [str(file), "--workspace", str(place)]
    with monkeypatch.context() as patched:
        signalled(patched, 5, number)  # the first micro-batch of the third step
        stopped = CliRunner().invoke(app, command)
    assert stopped.exit_code == code
    assert f"stopped after step 3 by {number.name}" in stopped.output
    (run,) = (place / "models").glob(f"{name}-????????????????")
    assert [path.name for path in checkpoints(run)] == ["00000003"]
    assert not (run / "final").exists()
    assert signal.getsignal(number) is before, "handlers are as before"
    again = CliRunner().invoke(app, command)
    assert again.exit_code == 0, again.output
    assert str(run / "final") in again.output
    assert [without_times(line) for line in lines(run / "final")] == [without_times(line) for line in lines(undisturbed)]
    assert (run / "final" / "model.safetensors").read_bytes() == (undisturbed / "model.safetensors").read_bytes()


def test_a_loss_that_is_no_number_stops_the_run_and_names_its_samples(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The checkpoint of step 4 is from before it, and stays."""
    changes: dict[str, Any] = {"name": "nan", "horizon": {"steps": 12}, "run": {"log_every": 100}}
    original, calls = step_module.masks, iter(range(1, 1000))

    def poisoned(model: Any, pieces: Any) -> Any:
        if next(calls) == 11:  # the first micro-batch of step 6
            with torch.no_grad():
                model.bert.embeddings.LayerNorm.bias.fill_(float("nan"))
        return original(model, pieces)

    monkeypatch.setattr(step_module, "masks", poisoned)
    with pytest.raises(DollmaError, match=r"step 6: the loss is nan, .* \(samples 20 to 23\): the newest checkpoint is from before it"):
        trained(place, **changes)
    (run,) = (place / "models").glob("nan-*")
    (kept,) = checkpoints(run)
    assert kept.name == "00000004"
    assert all(tensor.isfinite().all() for tensor in load_file(kept / "model.safetensors").values())
    monkeypatch.undo()
    assert losses(trained(place, **changes))


def test_tokens_that_changed_are_not_learnt(place: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(place, tmp_path / "copy", ignore=shutil.ignore_patterns("models")))
    (ids,) = copy.glob("tokens/*/train/ids.bin")
    content = bytearray(ids.read_bytes())
    content[len(content) // 2] ^= 1
    ids.write_bytes(content)
    with pytest.raises(DollmaError, match=r"ids\.bin: SHA-256 is"):
        trained(copy)


def test_a_damaged_checkpoint_stops_the_run_and_without_it_the_one_before_is_taken(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changes: dict[str, Any] = {"name": "damaged", "horizon": {"steps": 10}}
    with monkeypatch.context() as patched:
        signalled(patched, 17, signal.SIGTERM)  # in step 9
        with pytest.raises(Stopped):
            trained(place, **changes)
    (run,) = (place / "models").glob("damaged-*")
    before, newest = checkpoints(run)
    with (newest / "model.safetensors").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\x99")
    with pytest.raises(DollmaError, match=rf"{newest.name}/model.safetensors: damaged"):
        trained(place, **changes)
    (newest / "model.safetensors").unlink()
    for left in newest.iterdir():
        left.unlink()
    newest.rmdir()
    final = trained(place, **changes)
    assert [line["step"] for line in lines(final) if "loss" in line] == list(range(1, 11)), "the log goes on from there, too"
    assert before.name == "00000008"


def test_rows_that_begin_as_counted_are_counted_once(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that was killed and goes on ends as one that was not; it does not count again."""
    counted: dict[str, Any] = {"model": {"embeddings": "cooccurrence"}, "horizon": {"steps": 10}}
    whole = trained(place, name="counted", **counted)
    plain = trained(place, name="random", horizon={"steps": 10})
    with monkeypatch.context() as patched:
        signalled(patched, 17, signal.SIGTERM)  # in step 9
        with pytest.raises(Stopped):
            trained(place, name="counted-killed", **counted)
    monkeypatch.delattr(cooccurrence, "begin")
    killed = trained(place, name="counted-killed", **counted)
    assert losses(killed) == losses(whole)
    assert losses(whole)[0] < losses(plain)[0]


def test_rows_of_tokens_can_stay_as_they_began(place: Path) -> None:
    """Input and output, which are one; all other matrices are trained, and the output's bias."""
    begun, kept = (
        load_file(
            trained(place, name=f"kept-{steps}", horizon={"steps": steps}, optimiser={"learning_rate": 3e-3, "embeddings": False})
            / "model.safetensors"
        )
        for steps in (1, 6)
    )
    same = {name for name, weights in begun.items() if torch.equal(weights, kept[name])}
    assert same == {"bert.embeddings.word_embeddings.weight"}


def test_another_runs_folder_is_not_touched(place: Path) -> None:
    config = settings(name="claimed", horizon={"steps": 2})
    other = settings(name="claimed", horizon={"steps": 2}, seed=2)
    fingerprint = STORE.rpartition("-")[2]
    mine, theirs = (place / "models" / f"claimed-{one.fingerprint(fingerprint)}" for one in (config, other))
    trained(place, name="claimed", horizon={"steps": 2}, seed=2)
    theirs.rename(mine)
    (mine / "final" / "card.json").parent.rename(mine / "away")
    with pytest.raises(DollmaError, match="another run's folder: seed is 2 there and 1 here"):
        trained(place, name="claimed", horizon={"steps": 2})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tokens": "tinny"}, "no token store 'tinny'"),
        ({"tokenizer": "wordpeice-256"}, "no tokenizer 'wordpeice-256'"),
        ({"version": "other"}, "no version 'other'"),
        ({"run": {"micro_batch": 3}}, "the smallest batch, 4 rows, can't be made of 3 rows at a time on 1 ranks"),
        ({"run": {"device": "cuda"}}, "torch sees no such device"),
        ({"run": {"logs": ["jsonnl"]}}, "no log is called 'jsonnl'"),
    ],
)
def test_what_can_not_work_is_an_error_with_a_remedy(place: Path, changes: dict[str, Any], message: str) -> None:
    if "device" in changes.get("run", {}) and torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    with pytest.raises(DollmaError, match=message):
        trained(place, name="wrong", **changes)


def test_a_tokenizer_that_did_not_make_the_store_is_refused(tmp_path: Path) -> None:
    place = workspace(tmp_path)
    file = place / "tokenizers" / TOKENIZER / "tokenizer.json"
    file.write_text(file.read_text(encoding="utf-8").replace("gül", "qaz"), encoding="utf-8")
    with pytest.raises(DollmaError, match=r"was made from .*set tokenizer to that one's folder"):
        trained(place)


def test_places_of_inputs_do_not_decide(place: Path) -> None:
    config: Pretraining = settings()
    moved = settings(tokens=str(place / "tokens" / STORE), tokenizer=str(place / "tokenizers" / TOKENIZER))
    assert moved.fingerprint("0") == config.fingerprint("0")
    assert trained(place, name="moved", horizon={"steps": 1}, tokens=moved.tokens, tokenizer=moved.tokenizer).name == "final"
