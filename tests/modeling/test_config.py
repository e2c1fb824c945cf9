"""Configurations: errors point at line and key; what decides makes the fingerprint; the examples are what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from curation.errors import DollmaError
from modeling.config import Pretraining, load_config
from modeling.model import FAMILIES
from modeling.shapes import SHAPES

EXAMPLES = sorted(
    path
    for path in (Path(__file__).parents[2] / "modeling" / "configs").glob("*.yaml")
    if path.stem != "demo" and not path.stem.startswith("adapt-")
)
"""Of models that one would publish; tests/docs/test_modeling.py trains the demo's."""
LINES = "name: a\ntokens: b\nbatch: {rows: 4}\nhorizon:\n  steps: 10\n"


def load(folder: Path, text: str, *overrides: str) -> Pretraining:
    path = folder / "run.yaml"
    path.write_text(text, encoding="utf-8")
    return load_config(path, overrides)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LINES + "lenght: 5\n", r"line 6: lenght: unknown key: did you mean 'length'\?"),
        (LINES + "model:\n  famly: bert\n", r"line 7: model.famly: unknown key: did you mean 'family'\?"),
        (LINES + "model:\n  size: tiny\n", r"line 6: model: no size is called 'tiny'; known: small, base, large"),
        (
            LINES + "model:\n  size: {hidden: 30, heads: 4, layers: 1, ffn: 1}\n",
            r"line 7: model.size: hidden 30 can't be shared among 4 heads",
        ),
        (
            LINES + "model:\n  size: {hidden: 32, heads: 4, layers: 1, ffn: 1}\n",
            "no learning rate in the table: set optimiser.learning_rate",
        ),
        (LINES + "schedule: {warmup: 2}\n", r"line 6: schedule.warmup: Input should be less than or equal to 1 \(got 2\)"),
        (LINES + "seed: 1\nseed: 2\n", "line 7: the key 'seed' stands twice"),
        (LINES.replace("name: a\n", ""), "top level: the key 'name' is missing"),
        (LINES.replace("steps: 10", "steps: 10\n  hours: 1"), r"line 4: horizon: give one of steps, tokens and hours"),
        (LINES.replace("{rows: 4}", "{tokens: 100}"), "a batch of 100 tokens holds no row of 512"),
        (LINES.replace("name: a", "name: ../a"), r"line 1: name: String should match pattern"),
        ("- 1\n", "a configuration is a mapping"),
        ("a: [\n", "not YAML"),
        ("!!python/object/apply:os.system [ls]\n", "a configuration is a mapping"),
        (LINES + "seed: !!python/name:os.system\n", "not YAML"),
    ],
)
def test_errors_name_line_key_and_remedy(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DollmaError, match=message):
        load(tmp_path, text)


def test_overrides_stand_on_top(tmp_path: Path) -> None:
    config = load(tmp_path, LINES, "model.size=base", "horizon.steps=20", "batch={rows: 8}", "run.logs=[jsonl, tensorboard]")
    assert (config.model.size, config.horizon.steps, config.batch.rows, config.run.logs) == ("base", 20, 8, ("jsonl", "tensorboard"))
    with pytest.raises(DollmaError, match=r"--set model\.size: write key\.path=value"):
        load(tmp_path, LINES, "model.size")
    with pytest.raises(DollmaError, match="modle: unknown key"):
        load(tmp_path, LINES, "modle.size=base")


def test_only_a_bert_from_scratch_puts_halves_into_order(tmp_path: Path) -> None:
    assert load(tmp_path, LINES, "objective.sentence_order=true").objective.sentence_order
    for other in (("model.family=llama",), ("model.family=modernbert",), ("model={start: .}", "optimiser.learning_rate=0.001")):
        with pytest.raises(DollmaError, match=r"only a bert from scratch has a head for objective\.sentence_order: set it to false"):
            load(tmp_path, LINES, "objective.sentence_order=true", *other)


def test_what_decides_makes_the_fingerprint(tmp_path: Path) -> None:
    base = load(tmp_path, LINES).fingerprint("0123")
    for same in ("run.workers=7", "run.micro_batch=2", "tokens=elsewhere"):
        assert load(tmp_path, LINES, same).fingerprint("0123") == base
    for other in (
        "objective.sentence_order=true",
        "seed=2",
        "masking.rate=0.15",
        "model.size=base",
        "horizon.steps=11",
        "schedule.decay=0.1",
        "model.dropout=0.1",
    ):
        assert load(tmp_path, LINES, other).fingerprint("0123") != base
    assert load(tmp_path, LINES).fingerprint("4567") != base


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_load(path: Path) -> None:
    config = load_config(path, ("tokens=some-store",))
    assert config.model.family in FAMILIES
    assert config.model.size in SHAPES[config.model.family] or config.optimiser.learning_rate, "a shape of its own"
    assert config.name.endswith(path.stem)
    if config.model.family == "bert":
        assert (config.masking.rate, config.length) == (0.15, 512), "as the paper"
    with pytest.raises(DollmaError, match="the key 'tokens' is missing"):
        load_config(path)


def test_there_are_examples() -> None:
    assert {path.stem for path in EXAMPLES} >= {"small", "base", "large", "modern"}
