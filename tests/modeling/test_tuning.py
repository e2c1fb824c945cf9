"""Tuning: a decoder learns to answer, is asked for answers alone, goes on where it was killed, and is saved with what it needs."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from curation.errors import DollmaError
from modeling.adaptation.chat import Chat, Encoded
from modeling.adaptation.instructions import Turn
from modeling.adaptation.lessons import laid_out, lessons
from modeling.adaptation.recipe import Instruct
from modeling.adaptation.tuning import FAILURES, tune
from modeling.cross_entropy import IGNORED
from modeling.logs import read_log, without_times
from modeling.model import forward_masked
from modeling.progress import Display
from modeling.stopping import Stopped
from tests.modeling.foreign_models import CHATML, chatty, saved
from tests.modeling.test_instructions import written
from tests.modeling.test_train import signalled
from tests.modeling.tiny import workspace

pytestmark = pytest.mark.usefixtures("one_thread")

COLOURS = {"gül": "ağ", "dəniz": "göy", "ot": "yaşıl", "gecə": "qara"}
ROWS = [{"instruction": f"{name} nə rəngdədir?", "output": colour} for name, colour in COLOURS.items()] * 2


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return chatty(tmp_path_factory.mktemp("models") / "llama", None)


def settings(folder: Path, *rows: Any, **changes: Any) -> Instruct:
    data = [str(written(folder, *(rows or ROWS)))]
    whole: dict[str, Any] = {"step": "instruct", "data": data, "length": 96, "batch": 4, "run": {"device": "cpu", "log_every": 1}}
    return Instruct.model_validate(whole | changes)


def tuned(config: Instruct, model: Path, run: Path) -> Path:
    with Display(Console(quiet=True)) as display:
        return tune(config, model, run, display)


def test_a_decoder_learns_to_answer_and_is_saved_with_its_template(model: Path, tmp_path: Path) -> None:
    config = settings(
        tmp_path, *ROWS, {"instruction": "?"}, {"instruction": "x" * 500, "output": "y"}, lora=None, learning_rate=8e-3, epochs=30
    )
    final = tuned(config, model, tmp_path / "run")
    loaded, reader = AutoModelForCausalLM.from_pretrained(final), AutoTokenizer.from_pretrained(final)
    assert reader.chat_template == Chat(model).template
    for name, colour in COLOURS.items():
        prompt = reader.apply_chat_template(
            [{"role": "user", "content": f"{name} nə rəngdədir?"}], add_generation_prompt=True, return_tensors="pt"
        )
        ids = prompt["input_ids"]
        answer = loaded.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=12, do_sample=False)[0, ids.shape[1] :]
        assert reader.decode(answer, skip_special_tokens=False) == f"{colour}<|endoftext|>", "and there it ends"
    failures = [json.loads(line) for line in (final / FAILURES).read_text(encoding="utf-8").splitlines()]
    assert [(one["place"], one["reason"]) for one in failures] == [("rows.jsonl:9", "type"), ("rows.jsonl:10", "too_long")]
    assert tuned(config, model, tmp_path / "run") == final


def test_adapters_are_trained_and_merged_and_a_stopped_run_goes_on_bit_for_bit(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = settings(tmp_path, epochs=3)
    undisturbed = tuned(config, model, tmp_path / "undisturbed")
    with monkeypatch.context() as patched:
        signalled(patched, 3, signal.SIGTERM)
        with pytest.raises(Stopped):
            tuned(config, model, tmp_path / "stopped")
    assert not (tmp_path / "stopped" / "final").exists()
    final = tuned(config, model, tmp_path / "stopped")
    assert (final / "model.safetensors").read_bytes() == (undisturbed / "model.safetensors").read_bytes()
    logs = [[without_times(line) for line in read_log(folder.parent / "log.jsonl")] for folder in (final, undisturbed)]
    assert logs[0] == logs[1]
    assert len(logs[0]) == 6
    before, after = (load_file(folder / "model.safetensors") for folder in (model, final))
    moved = {name.split(".")[-2] for name, tensor in before.items() if not torch.equal(tensor, after[name])}
    assert moved == {"q_proj", "k_proj", "v_proj", "o_proj"}


def test_a_model_with_a_template_of_its_own_keeps_it_and_stops_where_its_answers_end(tmp_path: Path) -> None:
    final = tuned(settings(tmp_path, epochs=1), chatty(tmp_path / "llama"), tmp_path / "run")
    reader = AutoTokenizer.from_pretrained(final)
    assert reader.chat_template == CHATML
    ends = AutoModelForCausalLM.from_pretrained(final).generation_config.eos_token_id
    assert sorted(ends) == sorted(reader.convert_tokens_to_ids(["<|endoftext|>", "<|im_end|>"]))


def test_dialogues_lie_side_by_side_and_see_nothing_of_each_other(model: Path) -> None:
    """Losses of the packed rows are those of each dialogue alone, over its answers' tokens."""
    chat = Chat(model)
    dialogues = [chat.encode((Turn("user", name), Turn("assistant", colour * 2))) for name, colour in COLOURS.items()]
    loaded = AutoModelForCausalLM.from_pretrained(model).eval()
    packed = laid_out(dialogues, 120, pad=7, micro=2)
    assert sum(len(one.ids) for one in packed) == 2, "two in a row of 120"
    with torch.inference_mode():
        together = sum(float(forward_masked(loaded, *one[:5])[0].sum()) for one in packed)
        alone = 0.0
        for one in dialogues:
            logits = loaded(input_ids=torch.from_numpy(one.ids)[None]).logits[0, :-1].log_softmax(-1)
            wanted = torch.from_numpy(one.ids)[1:]
            alone -= float(logits.gather(1, wanted[:, None])[torch.from_numpy(one.asked)[1:]].sum())
    assert together == pytest.approx(alone, rel=1e-5)
    labels = sum(int((one.labels != IGNORED).sum()) for one in packed)
    assert labels == sum(int(one.asked[1:].sum()) for one in dialogues)


def test_long_answers_are_cut_and_counted(model: Path, tmp_path: Path) -> None:
    config = settings(tmp_path, {"instruction": "a", "output": "b" * 500}, {"instruction": "a", "output": "b"})
    lesson = lessons(config, Chat(model))
    assert (lesson.cut, lesson.failures, len(lesson.dialogues[0].ids)) == (1, [], 96)
    assert isinstance(lesson.dialogues[0], Encoded)
    assert lesson.dialogues[0].asked[-1]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"instruction": "?"}], r"none of 1 rows can be used, the first: rows\.jsonl:1: no output"),
        ([""], "none of 0 rows can be used"),
    ],
)
def test_rows_of_which_none_can_be_used_are_an_error(model: Path, tmp_path: Path, rows: list[Any], message: str) -> None:
    with pytest.raises(DollmaError, match=message):
        tuned(settings(tmp_path, *rows), model, tmp_path / "run")


def test_an_encoder_can_not_be_tuned(tmp_path: Path) -> None:
    with pytest.raises(DollmaError, match="an encoder, which predicts masked tokens and can't answer: tune a decoder"):
        tuned(settings(tmp_path), saved(workspace(tmp_path / "place"), "bert"), tmp_path / "run")
