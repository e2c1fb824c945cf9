"""Adapters: they begin at nothing, are trained alone, and what is exported is a plain model that answers as the adapted one."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from curation.errors import DollmaError
from modeling.adaptation import lora
from modeling.checkpoint import checkpoints
from modeling.config import Lora
from modeling.export import read_card
from modeling.stopping import Stopped
from tests.modeling.foreign_models import made
from tests.modeling.test_start import going_on, place, trained  # noqa: F401 - fixtures
from tests.modeling.test_train import signalled

pytestmark = pytest.mark.usefixtures("one_thread")

KINDS = ("bert", "xlm-roberta", "llama")
IDS = torch.arange(5, 25)[None]


def logits(model: Any) -> torch.Tensor:
    with torch.inference_mode():
        return model.eval()(input_ids=IDS).logits


@pytest.mark.parametrize("kind", KINDS)
def test_adapters_begin_at_nothing_and_merge_into_what_they_answered(kind: str) -> None:
    model, plain = made(kind), made(kind)
    adapters = lora.adapt(model, Lora(), seed=1)
    assert torch.equal(logits(model), logits(plain))
    trained_names = [name for name, weights in model.named_parameters() if weights.requires_grad]
    assert len(trained_names) == 2 * 4 * 2, "two matrices for query, key, value and output in each of two layers"
    assert all(".lora_" in name for name in trained_names)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if ".lora_" in name:
                weights.add_(0.1)
    adapted = logits(model)
    assert (adapted - logits(plain)).abs().max() > 1e-3
    lora.merge(adapters)
    assert [name for name, _ in model.named_parameters()] == [name for name, _ in plain.named_parameters()]
    torch.testing.assert_close(logits(model), adapted, atol=1e-5, rtol=0)


def test_the_seed_alone_draws_adapters() -> None:
    drawn = []
    for seed in (1, 1, 2):
        model = made("llama")
        torch.manual_seed(seed + len(drawn) * 100)
        lora.adapt(model, Lora(), seed)
        drawn.append({name: weights for name, weights in model.named_parameters() if "lora_A" in name})
    assert all(torch.equal(weights, drawn[1][name]) for name, weights in drawn[0].items())
    assert not any(torch.equal(weights, drawn[2][name]) for name, weights in drawn[0].items())


@pytest.mark.parametrize(("kind", "rows"), [("bert", 2), ("llama", 2)])
def test_the_rows_of_tokens_are_trained_when_asked_for(kind: str, rows: int) -> None:
    """BERT: one matrix for input and output, and a bias; this Llama: two matrices."""
    model = made(kind)
    lora.adapt(model, Lora(embeddings=True), seed=1)
    found = [name for name, weights in model.named_parameters() if weights.requires_grad and ".lora_" not in name]
    assert len(found) == rows == len(lora.rows(model))


def test_a_run_trains_adapters_alone(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """And one that was stopped goes on bit for bit, from a checkpoint that holds what is trained."""
    kind, changes = "xlm-roberta", {"lora": {}, "horizon": {"steps": 6}}
    undisturbed = trained(going_on(place, kind, name=f"lora-{kind}", **changes), place)
    stopped = going_on(place, kind, name=f"lora-stopped-{kind}", **changes)
    with monkeypatch.context() as patched:
        signalled(patched, 7, signal.SIGTERM)
        with pytest.raises(Stopped):
            trained(stopped, place)
    (run,) = (place / "models").glob(f"lora-stopped-{kind}-*")
    assert all(".lora_" in name for name in load_file(checkpoints(run)[-1] / "model.safetensors"))
    final = trained(stopped, place)
    assert (final / "model.safetensors").read_bytes() == (undisturbed / "model.safetensors").read_bytes()
    before, after = (load_file(folder / "model.safetensors") for folder in (place / "others" / kind, final))
    assert before.keys() == after.keys(), "merged: no trace of adapters"
    moved = {name for name, tensor in before.items() if not torch.equal(tensor, after[name])}
    names = ("query", "key", "value", "attention.output.dense", "q_proj", "k_proj", "v_proj", "o_proj")
    assert moved == {name for name in before if name.endswith("weight") and any(f".{one}." in name for one in names)}
    card = read_card(final)
    assert card.training.settings["lora"] == {"rank": 8, "alpha": 16, "dropout": 0.05, "embeddings": False}


def test_what_is_unknown_or_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    model = made("bert")
    model.config.model_type = "deberta-v2"
    with pytest.raises(DollmaError, match="deberta-v2: where this kind of model has its attentions is not known"):
        lora.adapt(model, Lora(), seed=1)
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(DollmaError, match=r"the package peft, .*pip install 'dollma\[adapt\]'"):
        lora.adapt(made("bert"), Lora(), seed=1)
