"""Training that goes on from a folder: it starts at that model's weights, is packed as it expects, and says what it started from and what it gained."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer

from curation.errors import DollmaError
from modeling.adaptation.foreign import open_model
from modeling.adaptation.start import started
from modeling.attention import check_length
from modeling.config import Pretraining
from modeling.evaluation import evaluate
from modeling.export import read_card
from modeling.inputs import opened
from modeling.logs import read_log, without_times
from modeling.model import head, hidden_states
from modeling.progress import Display
from modeling.stopping import Stopped
from modeling.tokenizer import load_tokenizer, vocabulary
from modeling.tokens import pack
from modeling.tokens.masking import masking
from modeling.train import train
from tests.modeling.foreign_models import chatty, made, saved, store_of
from tests.modeling.test_train import signalled
from tests.modeling.tiny import SOURCES, settings, workspace

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace, with a model of each kind beside."""
    folder = workspace(tmp_path_factory.mktemp("workspace"))
    for kind in ("bert", "xlm-roberta", "llama", "qwen3"):
        saved(folder, kind)
    return folder


def going_on(place: Path, kind: str, **changes: Any) -> Pretraining:
    base = settings(tokens=store_of(kind)).model_dump(exclude={"model"})
    start = {"start": str(place / "others" / kind)} | changes.pop("model", {})
    run = base.pop("run") | changes.pop("run", {})
    return Pretraining.model_validate(base | {"name": f"on-{kind}", "model": start, "run": run} | changes)


def trained(config: Pretraining, place: Path) -> Path:
    with Display(Console(quiet=True)) as display:
        return train(config, place, display)


@pytest.mark.parametrize(
    ("kind", "loader"), [("bert", AutoModelForMaskedLM), ("xlm-roberta", AutoModelForMaskedLM), ("llama", AutoModelForCausalLM)]
)
def test_a_run_goes_on_from_a_folder_and_tells_what_it_gained(place: Path, kind: str, loader: Any) -> None:
    config = going_on(place, kind, name=f"gains-{kind}", horizon={"steps": 25})
    final = trained(config, place)
    card, source = read_card(final), place / "others" / kind
    assert card.start is not None
    assert card.start.name == card.shape == kind
    inputs = opened(config, place)
    assert inputs.held_out is not None
    before = evaluate(open_model(source).model.float(), inputs.held_out, inputs.vocabulary, SOURCES, size=2, limit=8)
    for name, score in before.items():
        assert card.start.validation[name].bits_per_byte == pytest.approx(score.bits_per_byte, rel=1e-6)
        assert card.validation[name].bits_per_byte < 0.95 * score.bits_per_byte
    told = (final / "README.md").read_text(encoding="utf-8")
    assert "Bits per byte before" in told
    assert "trained from scratch" not in told
    config_of, original = loader.from_pretrained(final).config, loader.from_pretrained(source).config
    for name in ("hidden_dropout_prob", "attention_dropout", "vocab_size", "pad_token_id"):
        assert getattr(config_of, name, None) == getattr(original, name, None), "what it was configured with stays, dropout too"
    assert AutoTokenizer.from_pretrained(final)("Bakı gül")["input_ids"] == AutoTokenizer.from_pretrained(source)("Bakı gül")["input_ids"]


@pytest.mark.parametrize("kind", ["bert", "xlm-roberta"])
def test_it_starts_at_the_weights_of_the_folder(place: Path, kind: str) -> None:
    final = trained(going_on(place, kind, name=f"still-{kind}", horizon={"steps": 1}, optimiser={"learning_rate": 1e-30}), place)
    before, after = (load_file(folder / "model.safetensors") for folder in (place / "others" / kind, final))
    assert before.keys() == after.keys()
    for name, tensor in before.items():
        torch.testing.assert_close(after[name], tensor, atol=1e-20, rtol=0, msg=name)


@pytest.mark.parametrize("kind", ["bert", "xlm-roberta", "llama", "qwen3"])
def test_packed_logits_are_those_of_the_folders_model_piece_by_piece(place: Path, kind: str) -> None:
    """XLM-R counts positions from its padding's id plus one: counted from 0 it would answer otherwise, and say nothing."""
    config = going_on(place, kind)
    inputs = opened(config, place)
    rows = pack(inputs.tokens, "train", config.length, closed=not config.causal).batch([0, 1, 2])
    ids, positions, pieces = (torch.from_numpy(values) for values in (rows.ids, rows.positions, rows.pieces))
    model = started(place / "others" / kind, 0.0, "sdpa").eval()
    alone = open_model(place / "others" / kind).model
    with torch.inference_mode():
        packed = head(model, hidden_states(model, ids, positions, pieces))
        for row in range(len(ids)):
            for piece in range(int(pieces[row].max()) + 1):
                here = pieces[row] == piece
                wanted = alone(input_ids=ids[row, here][None]).logits[0]
                torch.testing.assert_close(packed[row, here], wanted, atol=1e-5, rtol=0)


def test_dropout_is_the_runs_and_not_the_folders(place: Path) -> None:
    ids = torch.arange(5, 25)[None]
    with torch.inference_mode():
        still, wild = (started(place / "others" / "bert", share, "sdpa") for share in (0.0, 0.5))
        assert torch.equal(still(input_ids=ids).logits, still.eval()(input_ids=ids).logits)
        assert not torch.equal(wild(input_ids=ids).logits, wild(input_ids=ids).logits)


def test_a_stopped_run_goes_on_bit_for_bit(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changes: dict[str, Any] = {"horizon": {"steps": 6}, "model": {"dropout": 0.1}}
    undisturbed = trained(going_on(place, "xlm-roberta", name="not-stopped", **changes), place)
    config = going_on(place, "xlm-roberta", name="stopped", **changes)
    with monkeypatch.context() as patched:
        signalled(patched, 5, signal.SIGTERM)
        with pytest.raises(Stopped):
            trained(config, place)
    final = trained(config, place)
    assert (final / "model.safetensors").read_bytes() == (undisturbed / "model.safetensors").read_bytes()
    logs = [[without_times(line) for line in read_log(folder.parent / "log.jsonl")] for folder in (final, undisturbed)]
    assert logs[0] == logs[1]
    assert read_card(final).start == read_card(undisturbed).start, "scores from before the first step, measured before the stop"


def test_the_fingerprint_is_that_of_what_the_folder_holds(place: Path, tmp_path: Path) -> None:
    config = going_on(place, "bert")
    shutil.copytree(place / "others" / "bert", tmp_path / "elsewhere")
    moved = going_on(place, "bert", model={"start": str(tmp_path / "elsewhere")})
    assert moved.fingerprint("0") == config.fingerprint("0")
    assert str(place) not in str(config.deciding())
    saved(place, "bert", "other-bert", seed=6)
    assert going_on(place, "bert", model={"start": str(place / "others" / "other-bert")}).fingerprint("0") != config.fingerprint("0")
    assert set(settings().deciding()["model"]) == {"family", "size", "dropout"}, "of a model from scratch they are what they were"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": {"family": "bert"}}, "give either start, or family, size and embeddings"),
        ({"model": {"embeddings": "cooccurrence"}}, "give either start, or family, size and embeddings"),
        ({"model": {"size": "base"}}, "give either start, or family, size and embeddings"),
        ({"optimiser": {}}, "a model that exists has no learning rate in the table: set optimiser.learning_rate"),
    ],
)
def test_settings_that_contradict_each_other(place: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        going_on(place, "bert", **changes)
    with pytest.raises(ValueError, match=r"lora adapts a model that exists: set model\.start"):
        settings(lora={})


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("config.json", r"config\.json: no such file: give the folder of a model"),
        ("model.safetensors", r"model\.safetensors: no such file"),
        ("tokenizer.json", r"tokenizer\.json: no such"),
    ],
)
def test_a_folder_that_is_none_is_an_error_with_a_remedy(place: Path, tmp_path: Path, broken: str, message: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(place / "others" / "bert", folder)
    (folder / broken).unlink()
    with pytest.raises(DollmaError, match=message):
        trained(going_on(place, "bert", model={"start": str(folder)}), place)


def test_rows_longer_than_its_positions_are_refused(place: Path) -> None:
    with pytest.raises(DollmaError, match="rows of 129 tokens: xlm-roberta has 128 positions"):
        trained(going_on(place, "xlm-roberta", length=129), place)


def test_rows_longer_than_a_decoders_window_are_refused() -> None:
    check_length(made("mistral", sliding_window=64), 64)
    with pytest.raises(DollmaError, match="rows of 65 tokens: mistral has 64 positions"):
        check_length(made("mistral", sliding_window=64), 65)


def test_a_decoders_tokenizer_needs_only_what_ends_a_text(tmp_path: Path) -> None:
    """Named by its configuration; it stands in for the others. An encoder needs a token that masks."""
    known = vocabulary(chatty(tmp_path / "model"))
    end = load_tokenizer(tmp_path / "model").token_to_id("<|endoftext|>")
    assert (known.pad, known.unk, known.cls, known.sep, known.mask) == (end, end, end, end, -1)
    assert end in known.special
    assert end not in known.ordinary
    with pytest.raises(DollmaError, match=r"the tokenizer has no token \[MASK\]"):
        masking(known, 1, 0.3)


def test_a_store_of_another_tokenizer_is_refused(place: Path) -> None:
    with pytest.raises(DollmaError, match="was made from"):
        trained(going_on(place, "bert", tokens=store_of("xlm-roberta")), place)
