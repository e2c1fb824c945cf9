"""`dollma adapt`: steps chained from a recipe, measured on the same documents, each made once; and what a recipe may not say."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer

from curation.errors import DollmaError
from modeling.adaptation.measure import documents, measured
from modeling.adaptation.recipe import Measure, load_adaptation
from modeling.adaptation.report import AdaptedCard, StepFact, markdown
from modeling.card import ScoreFact, corpus_fact
from modeling.corpus import Version, open_version
from modeling.tokenizer.training import Settings, train
from tests.modeling.foreign_models import chatty, made
from tests.pipelines.workspace import digest, dollma

pytestmark = pytest.mark.usefixtures("one_thread")

EXAMPLES = sorted((Path(__file__).parents[2] / "modeling" / "configs").glob("adapt-*.yaml"))
SHORT = {"length": 64, "batch": 16, "epochs": 0.5, "learning_rate": 1e-2, "run": {"device": "cpu", "micro_batch": 16, "workers": 0}}
MEASURE = {"bytes": 3000, "length": 64}


@pytest.fixture(scope="module")
def place(modeling_workspace: Path, version: Version, tokenizer_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the version, and beside it a byte-level decoder, an encoder of 3,008 ids, and a donor of bytes' pieces."""
    folder = tmp_path_factory.mktemp("workspace")
    shutil.copytree(version.folder, folder / "versions" / version.folder.name)
    train(open_version(folder / "versions" / version.folder.name), Settings("byte-bpe", 600, 10**6), folder)
    chatty(folder / "others" / "decoder", None)
    made("bert", vocab_size=3008).save_pretrained(folder / "others" / "encoder")
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(tokenizer_folder / file, folder / "others" / "encoder" / file)
    return folder


def adapted(place: Path, name: str, model: str, *steps: dict[str, Any], code: int = 0, **changes: Any) -> Any:
    recipe = place / f"{name}.yaml"
    whole = {"name": name, "model": f"others/{model}", "version": "test", "steps": list(steps), "measure": MEASURE} | changes
    recipe.write_text(yaml.safe_dump(whole, allow_unicode=True), encoding="utf-8")
    return dollma("adapt", recipe, "--workspace", place, "--json", "--workers", "1", code=code)


def test_a_decoder_goes_through_all_steps_and_each_is_made_once(place: Path) -> None:
    rows = [{"instruction": "Salam", "output": "Sağ ol."}] * 4 + [{"instruction": "Salam"}]
    (place / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    tuning = {"batch": 4, "epochs": 1, "length": 128, "run": {"device": "cpu"}}
    steps = (
        {"step": "extend", "tokenizer": "byte-bpe", "rows": "focus"},
        {"step": "continue", **SHORT},
        {"step": "task", "data": ["rows.jsonl"], "prompt": "{instruction}!", "response": "{output}", **tuning},
    )
    told = adapted(place, "decoder", "decoder", *steps)
    card = json.loads(told.stdout)
    final = Path(card["folder"])
    assert [one["step"] for one in card["steps"]] == ["as it came", "extend", "continue", "task"]
    extend, going_on, task = (one["facts"] for one in card["steps"][1:])
    assert extend["added"] > 200
    assert extend["ids_after"] == card["steps"][1]["ids"] == extend["ids_before"] + extend["added"]
    assert (task["dialogues"], task["failures"]) == (4, {"fields": 1})
    assert going_on["steps"] > 1

    bits = [sum(s["bits_per_byte"] * s["bytes"] for s in one["validation"].values()) for one in card["steps"]]
    sizes = [{name: s["bytes"] for name, s in one["validation"].items()} for one in card["steps"]]
    assert sizes[0] == sizes[1] == sizes[2] == sizes[3], "the same text whatever the tokenizer"
    assert bits[2] < 0.9 * min(bits[:2]), "training helps"
    assert "rows.jsonl:5: no field output" in told.stderr

    models = {path.name for path in (place / "models").iterdir()}
    trained = json.loads((next((place / "models").glob("decoder-2-continue-*")) / "run.json").read_text(encoding="utf-8"))
    assert trained["settings"]["lora"]["embeddings"], "rows of new pieces are trained"
    tuned = json.loads((next((place / "models").glob("decoder-3-task-*")) / "run.json").read_text(encoding="utf-8"))
    assert not tuned["settings"]["lora"]["embeddings"]
    model, reader = AutoModelForCausalLM.from_pretrained(final), AutoTokenizer.from_pretrained(final)
    assert len(reader) <= model.config.vocab_size == extend["ids_after"]
    assert reader.chat_template
    assert len(reader("Azərbaycan dili")["input_ids"]) < len("Azərbaycan dili".encode())
    before = digest(place / "models")
    (
        next((place / "models").glob("decoder-1-extend-*")) / "step.json"
    ).unlink()  # as after a kill just before the end: that step is made again
    again = adapted(place, "decoder", "decoder", *steps)
    assert json.loads(again.stdout) == card
    assert digest(place / "models") == before
    assert {path.name for path in (place / "models").iterdir()} == models

    changed = json.loads(adapted(place, "decoder", "decoder", *steps[:2]).stdout)
    assert changed["steps"] == card["steps"][:3], "steps that stay the same are found, another end has another name"
    assert changed["folder"] != card["folder"]


def test_an_encoder_is_trimmed_without_loss_and_trained_on(place: Path) -> None:
    steps = ({"step": "trim"}, {"step": "continue", **SHORT, "lora": None, "masking": {"whole_words": True}})
    card = json.loads(adapted(place, "encoder", "encoder", *steps).stdout)
    came, trimmed, trained = card["steps"]
    assert trimmed["facts"]["share_of_tokens_kept"] == 1.0
    assert trimmed["ids"] < came["ids"] == 3008
    losses = [sum(s["loss"] * s["tokens"] for s in one["validation"].values()) for one in (came, trimmed, trained)]
    predicted = [sum(s["tokens"] for s in one["validation"].values()) for one in (came, trimmed, trained)]
    assert losses[2] / predicted[2] < 0.95 * losses[1] / predicted[1], "training helps"
    assert AutoModelForMaskedLM.from_pretrained(card["folder"]).config.vocab_size >= trimmed["ids"]
    readme = (Path(card["folder"]) / "README.md").read_text(encoding="utf-8")
    assert "| trim |" in readme
    assert yaml.safe_load(readme.split("---")[1])["pipeline_tag"] == "fill-mask"


def test_an_encoder_can_not_be_taught_to_answer_and_that_is_said_first(place: Path) -> None:
    told = adapted(place, "wrong", "encoder", {"step": "trim"}, {"step": "instruct", "data": ["rows.jsonl"]}, code=1)
    assert "an encoder, which predicts masked tokens and can't answer: take the step instruct out" in told.stderr.replace("\n", " ")
    assert not list((place / "models").glob("wrong-*"))


def test_models_are_measured_on_the_same_documents(place: Path, version: Version) -> None:
    few, all_of_them = documents(version, 3000), documents(version, 10**9)
    assert few == [one for one in all_of_them if one in few]
    assert {source for source, _ in few} == {source for source, _ in all_of_them}
    for source in {source for source, _ in few}:
        sizes = [len(text.encode()) for of, text in few if of == source]
        assert sum(sizes[:-1]) < 3000, "no document more than needed"
    scores = measured(place / "others" / "decoder", version, Measure(**MEASURE), place / "models")
    total = sum(score.bits_per_byte * score.bytes for score in scores.values()) / sum(score.bytes for score in scores.values())
    assert total == pytest.approx(np.log2(320), rel=0.02), "an untrained decoder of bytes knows nothing but the number of its rows"
    kept = sorted((place / "models" / "scores").iterdir())
    assert measured(place / "others" / "decoder", version, Measure(**MEASURE), place / "models") == scores
    damaged = next(path for path in kept if json.loads(path.read_bytes()) == {name: score.model_dump() for name, score in scores.items()})
    damaged.write_text("{", encoding="utf-8")
    with pytest.raises(DollmaError, match=r"damaged .*: remove it, and it is measured again"):
        measured(place / "others" / "decoder", version, Measure(**MEASURE), place / "models")
    damaged.unlink()


LINES = "name: a\nmodel: b\nversion: c\nsteps:\n"


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ("  - {step: trimm}\n", r"line 5: steps\.0: .*'trim', 'extend', 'continue', 'instruct', 'task'"),
        ("  - {step: trim}\n  - step: trim\n    kep: 5\n", r"line 7: steps\.1\.trim\.kep: unknown key"),
        ("  - {step: task, data: [a]}\n", r"a task has the templates prompt and response"),
        ("  - {step: instruct, data: [a], prompt: '{a}', response: '{b}'}\n", "instructions have none"),
        ("  - {step: instruct, data: []}\n", r"steps\.0\.instruct\.data"),
        ("  - {step: continue, epochs: 0}\n", r"steps\.0\.continue\.epochs: Input should be greater than 0"),
        ("  []\n", r"steps: Tuple should have at least 1 item"),
    ],
)
def test_a_recipes_mistakes_are_named(tmp_path: Path, steps: str, message: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(LINES + steps, encoding="utf-8")
    with pytest.raises(DollmaError, match=message):
        load_adaptation(path)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_the_papers_values(path: Path) -> None:
    recipe = load_adaptation(path, ("model=b", "version=c"))
    assert recipe.name == f"adapted-{path.stem.removeprefix('adapt-')}"
    for step in recipe.steps:
        if step.step == "continue" and step.lora:
            assert (step.lora.rank, step.lora.alpha, step.lora.dropout) == (8, 16, 0.05)
            assert (step.learning_rate, step.batch, step.warmup, step.epochs, step.length) == (3e-4, 128, 100, 1, 512)
    taught = load_adaptation(path, ("model=b", "version=c", "steps=[{step: instruct, data: [a]}]")).steps[0]
    assert (taught.epochs, taught.length, taught.batch) == (2, 256, 128)  # type: ignore[union-attr]


def test_a_card_shows_what_it_is_given_as_text(version: Version) -> None:
    score = {"news": ScoreFact(loss=1, accuracy=0.5, bits_per_byte=2.5, tokens=10, bytes=20)}
    step = StepFact(step="as it came", settings={}, facts={}, folder="[x](http://y)", fingerprint="00", ids=5, validation=score)
    about: dict[str, Any] = {"kind": "llama", "objective": "causal", "measured": MEASURE, "software": {"torch": "2"}}
    told = markdown(AdaptedCard(name="<b>", corpus=corpus_fact(version.manifest), steps=(step,), **about))
    assert "<b>" not in told
    assert "[x]" not in told
    assert "| as it came | 5 | 2.500 | 2.500 |" in told
