"""Checkpoints are whole, give back what they were given, and say what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest
import torch
from transformers import AutoModelForMaskedLM, PreTrainedModel

from curation.errors import DollmaError
from modeling import checkpoint
from modeling.checkpoint import State, checkpoints, claimed, load, resume, save
from modeling.config import Optimiser
from modeling.model import build, configured
from modeling.optimiser import adamw, state, update
from modeling.shapes import Shape

IDS = SimpleNamespace(size=64, pad=0, cls=2, sep=3)
FAR = State(step=3, sample=12, tokens=384, seconds=1.2345678901234567, losses=(0.1 + 0.2, 4.0))


class Trained(NamedTuple):
    run: Path
    model: PreTrainedModel
    optimiser: torch.optim.AdamW


def fresh(seed: int = 1) -> tuple[PreTrainedModel, torch.optim.AdamW]:
    model = build(configured("bert", Shape(hidden=16, heads=2, layers=1, ffn=32), IDS, 32), seed)
    return model, adamw(model, Optimiser())


def step(model: PreTrainedModel, optimiser: torch.optim.AdamW) -> None:
    model(input_ids=torch.arange(5, 21)[None], labels=torch.arange(5, 21)[None]).loss.backward()
    update(optimiser, model, 1e-3, 1.0)


@pytest.fixture
def trained(tmp_path: Path) -> Trained:
    model, optimiser = fresh()
    step(model, optimiser)
    run = tmp_path / "tiny-0123"
    save(run, model, optimiser, FAR, keep=2)
    return Trained(run, model, optimiser)


def test_what_is_loaded_is_what_was_saved_and_learns_on_the_same(trained: Trained) -> None:
    model, optimiser = fresh(seed=2)
    assert resume(trained.run, model, optimiser) == FAR
    for one, other in (
        (trained.model.state_dict(), model.state_dict()),
        (state(trained.optimiser, trained.model), state(optimiser, model)),
    ):
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one)
    for mine in ((trained.model, trained.optimiser), (model, optimiser)):
        step(*mine)
    assert all(torch.equal(a, b) for a, b in zip(trained.model.parameters(), model.parameters(), strict=True))


def test_without_a_checkpoint_a_run_begins(tmp_path: Path) -> None:
    model, optimiser = fresh()
    assert resume(tmp_path, model, optimiser) == State()


def test_transformers_opens_a_checkpoint(trained: Trained) -> None:
    loaded = AutoModelForMaskedLM.from_pretrained(checkpoints(trained.run)[0])
    ids = torch.arange(5, 21)[None]
    with torch.inference_mode():
        assert torch.equal(loaded.eval()(ids).logits, trained.model.eval()(ids).logits)


def test_the_newest_are_kept(trained: Trained) -> None:
    for number in (10, 4, 100):
        save(trained.run, trained.model, trained.optimiser, State(step=number), keep=2)
    assert [path.name for path in checkpoints(trained.run)] == ["00000010", "00000100"]


def test_a_save_that_fails_leaves_what_was(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(OSError, match="no space"):
        save(trained.run, trained.model, trained.optimiser, State(step=4), keep=1)
    assert [path.name for path in (trained.run / "checkpoints").iterdir()] == ["00000003"]


@pytest.mark.parametrize("name", ["model.safetensors", "optimiser.safetensors", "config.json", "state.json"])
@pytest.mark.parametrize("damage", ["cut", "flip", "remove"])
def test_damage_is_named_and_loads_nothing(trained: Trained, name: str, damage: str) -> None:
    file = checkpoints(trained.run)[0] / name
    content = bytearray(file.read_bytes())
    if damage == "cut":
        file.write_bytes(content[: len(content) // 2])
    elif damage == "flip":
        place = len(content) // 2 if name != "state.json" else content.index(b"sha") if b"sha" in content else 0
        content[place] ^= 1
        file.write_bytes(content)
    else:
        file.unlink()
    model, optimiser = fresh(seed=2)
    before = [weights.clone() for weights in model.parameters()]
    with pytest.raises(DollmaError, match=rf"00000003/{name}: damaged .*remove the folder"):
        load(checkpoints(trained.run)[0], model, optimiser)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


def test_a_checkpoint_of_another_run_or_model_is_refused(trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "other-4567").mkdir()
    (trained.run / "checkpoints").rename(tmp_path / "other-4567" / "checkpoints")
    with pytest.raises(DollmaError, match="it is of the run 'tiny-0123'"):
        resume(tmp_path / "other-4567", *fresh())
    (tmp_path / "other-4567" / "checkpoints").rename(trained.run / "checkpoints")
    larger = build(configured("bert", Shape(hidden=16, heads=2, layers=2, ffn=32), IDS, 32), 1)
    with pytest.raises(DollmaError, match="its tensors are not this model's"):
        resume(trained.run, larger, adamw(larger, Optimiser()))


def test_a_folder_is_one_runs_and_one_processs(tmp_path: Path) -> None:
    run = tmp_path / "tiny-0123"
    with claimed(run, {"model": {"size": "small"}, "seed": 1}, "abcd"):
        (run / ".tmp-1-left").mkdir()
        with pytest.raises(DollmaError, match="another process trains this run"), claimed(run, {}, "abcd"):
            pass
    with claimed(run, {"seed": 1, "model": {"size": "small"}}, "abcd"):
        assert not (run / ".tmp-1-left").exists(), "what a killed run left is cleared"
    with (
        pytest.raises(DollmaError, match=r"model\.size is 'small' there and 'base' here"),
        claimed(run, {"model": {"size": "base"}, "seed": 1}, "abcd"),
    ):
        pass
    with (
        pytest.raises(DollmaError, match="tokens is 'abcd' there and 'ef' here"),
        claimed(run, {"model": {"size": "small"}, "seed": 1}, "ef"),
    ):
        pass
    (run / "run.json").write_text("[", encoding="utf-8")
    with pytest.raises(DollmaError, match=r"run.json: can't be read"), claimed(run, {}, "ef"):
        pass
