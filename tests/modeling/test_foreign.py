"""Folders of others are opened with care: what is missing, damaged or hostile is an error that names folder and file, and nothing of a folder is run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers.utils import logging

from curation.errors import DollmaError
from modeling.adaptation.foreign import fingerprint_of, open_model, weight_files
from modeling.model import HEADS
from tests.modeling.foreign import KINDS, llama3, mbert, xlmr

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mbert(tmp_path_factory.mktemp("made") / "model")


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(made, tmp_path / "model"))


@pytest.mark.parametrize("name", KINDS)
def test_models_of_every_kind_open(tmp_path: Path, name: str) -> None:
    opened = open_model(KINDS[name](tmp_path / name))
    assert opened.model.config.model_type in HEADS
    assert opened.causal == name.startswith("llama")
    assert not opened.model.training
    stored = load_file(tmp_path / name / WEIGHTS)
    for key, weight in opened.model.state_dict().items():
        if key in stored:
            assert torch.equal(weight, stored[key])


def test_weights_keep_their_precision(folder: Path) -> None:
    opened = open_model(folder)
    opened.model.to(torch.bfloat16).save_pretrained(folder)
    assert open_model(folder).model.dtype == torch.bfloat16


def test_a_model_in_several_files(tmp_path: Path) -> None:
    folder = llama3(tmp_path / "one")
    model = open_model(folder).model
    shutil.copytree(folder, tmp_path / "two")
    (tmp_path / "two" / WEIGHTS).unlink()
    model.save_pretrained(tmp_path / "two", max_shard_size="100KB")
    files = weight_files(tmp_path / "two")
    assert files[0].name == INDEX
    assert len(files) > 2
    for key, weight in open_model(tmp_path / "two").model.state_dict().items():
        assert torch.equal(weight, model.state_dict()[key])
    before = fingerprint_of(tmp_path / "two")
    files[1].unlink()
    with pytest.raises(DollmaError, match=f"{files[1].name}: no such file, but {INDEX} names it"):
        open_model(tmp_path / "two")
    with pytest.raises(DollmaError, match="the folder is not complete"):
        fingerprint_of(tmp_path / "two")
    assert before != fingerprint_of(folder)


def test_the_fingerprint_is_of_what_matters(folder: Path, made: Path) -> None:
    (folder / "README.md").write_text("Bir model.")
    assert fingerprint_of(folder) == fingerprint_of(made)
    for name in ("config.json", WEIGHTS, "tokenizer.json", "tokenizer_config.json"):
        whole, before = (folder / name).read_bytes(), fingerprint_of(folder)
        (folder / name).write_bytes(whole + b" ")
        assert fingerprint_of(folder) != before
        (folder / name).write_bytes(whole)
        assert fingerprint_of(folder) == before


def changed(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8")


def without_head(folder: Path) -> None:
    weights = load_file(folder / WEIGHTS)
    save_file({name: weight for name, weight in weights.items() if not name.startswith("cls.")}, folder / WEIGHTS, {"format": "pt"})


def narrower(folder: Path) -> None:
    weights = load_file(folder / WEIGHTS)
    name = next(name for name in weights if "word_embeddings" in name)
    save_file(weights | {name: weights[name][:100].clone()}, folder / WEIGHTS, {"format": "pt"})


def more_ids(folder: Path) -> None:
    stated = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    stated["model"]["vocab"] |= {"artıq": len(stated["model"]["vocab"])}
    (folder / "tokenizer.json").write_text(json.dumps(stated), encoding="utf-8")


def pickled(folder: Path) -> None:
    (folder / WEIGHTS).rename(folder / "pytorch_model.bin")


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no configuration": (lambda f: (f / "config.json").unlink(), r"config\.json: "),
    "no tokenizer": (lambda f: (f / "tokenizer.json").unlink(), r"tokenizer\.json: no such file: a model goes with its tokenizer"),
    "no weights": (lambda f: (f / WEIGHTS).unlink(), rf"{WEIGHTS}: no such file, nor {INDEX}"),
    "a pickle": (pickled, r"no model\.safetensors, but pytorch_model\.bin, which could run anything: convert it"),
    "an adapter": (lambda f: (f / "adapter_config.json").write_text("{}"), "an adapter, not a model: merge it"),
    "cut off": (lambda f: (f / WEIGHTS).write_bytes((f / WEIGHTS).read_bytes()[:-100]), "transformers can't load the model"),
    "no safetensors": (lambda f: (f / WEIGHTS).write_bytes(b"\x80\x04N." * 50), "transformers can't load the model"),
    "other shapes": (narrower, "transformers can't load the model"),
    "without a head": (without_head, r"the weights lack \d+ parts of a BertForMaskedLM, cls\.predictions"),
    "an unknown kind": (lambda f: changed(f / "config.json", model_type="berd"), "config.json: model_type 'berd'.* did you mean 'bert'"),
    "a list of kinds": (lambda f: changed(f / "config.json", model_type=["bert"]), "config.json: model_type"),
    "a wrong setting": (lambda f: changed(f / "config.json", num_attention_heads="çox"), "transformers can't load the model"),
    "no JSON": (lambda f: (f / "config.json").write_text("{"), r"config\.json: not readable"),
    "deep JSON": (lambda f: (f / "config.json").write_text("[" * 100_000), r"config\.json: not readable"),
    "no mapping": (lambda f: (f / "config.json").write_text("[]"), r"config\.json: a list, not a mapping"),
    "a damaged tokenizer": (lambda f: (f / "tokenizer.json").write_text("{}"), r"tokenizer\.json: no tokenizer"),
    "more ids than rows": (more_ids, r"tokenizer\.json: ids up to \d+, but the model has \d+ rows: they don't belong together"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_named(folder: Path, name: str) -> None:
    damage, message = DAMAGES[name]
    damage(folder)
    before = logging.get_verbosity()
    with pytest.raises(DollmaError, match=message) as raised:
        open_model(folder)
    assert str(folder) in str(raised.value)
    assert logging.get_verbosity() == before


@pytest.mark.parametrize("name", ["../model.safetensors", "/etc/model.safetensors", "model.bin", 7])
def test_an_index_that_points_elsewhere(folder: Path, name: object) -> None:
    (folder / WEIGHTS).unlink()
    (folder / INDEX).write_text(json.dumps({"weight_map": {"a": name}}))
    with pytest.raises(DollmaError, match="its weight_map names no safetensors files of its own folder"):
        open_model(folder)


def test_code_in_a_folder_is_not_run(folder: Path, tmp_path: Path) -> None:
    """Neither where the configuration names it, nor a pickle beside the weights."""
    trap = tmp_path / "run"
    (folder / "modeling_trap.py").write_text(f"open({str(trap)!r}, 'w')\nclass Trap: pass\n")
    code = {"AutoConfig": "modeling_trap.Trap", "AutoModelForMaskedLM": "modeling_trap.Trap", "AutoTokenizer": ["modeling_trap.Trap", None]}
    changed(folder / "config.json", auto_map=code)
    changed(folder / "tokenizer_config.json", auto_map=code)
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04")
    assert open_model(folder).model.config.model_type == "bert"
    assert not trap.exists()


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(DollmaError, match=r"config\.json: not readable"):
        open_model(tmp_path / "nowhere")
    with pytest.raises(DollmaError, match=r"config\.json: no such file: give the folder of a model that transformers loads"):
        fingerprint_of(tmp_path / "nowhere")


def test_positions_of_the_offset_kind(tmp_path: Path) -> None:
    assert open_model(xlmr(tmp_path / "xlmr")).model.config.pad_token_id == 1
