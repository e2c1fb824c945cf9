"""Fine-tuning: what is compared is what the protocol says, nothing is run twice, and what a cell tells is what was done."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional
from transformers import BertForMaskedLM, LlamaConfig, LlamaForCausalLM

from benchmarks.contamination import path_of
from benchmarks.finetuning import runs, training, tuning
from benchmarks.finetuning.batches import batch, drawn
from benchmarks.finetuning.encoder import configuration, identity, opened, positions
from benchmarks.finetuning.pieces import ENCODE, Encoded, Tokens, used_ids
from benchmarks.finetuning.probe import fit_head
from benchmarks.finetuning.protocol import Protocol, seeds_for
from benchmarks.finetuning.runs import Asked
from benchmarks.finetuning.sets import Sets
from benchmarks.finetuning.training import Data, Learnt, Start
from benchmarks.finetuning.tuned import Tuned
from benchmarks.scoring.answers import read_answers
from benchmarks.scoring.metrics import score
from benchmarks.tasks.catalogue import named
from curation.errors import DollmaError
from modeling import optimiser
from modeling.config import Optimiser
from tests.benchmarks import bench_data
from tests.benchmarks.bench_models import PLACES, write_bert

QUICK = Protocol(rates=(3e-3, 1e-2), batch=8, epochs=1, least_steps=10, evaluations=2, validation=20)
SIB = "sib200-az"


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bert(tmp_path_factory.mktemp("models") / "tiny-0123/final")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return bench_data.write(tmp_path / "data", SIB, "xcopa-tr")


def asked(model: Path, data: Path, *tasks: str, **changes: Any) -> Asked:
    return Asked((model,), tasks or (SIB,), data, None, **{"fresh": True, "seeds": 2, "protocol": QUICK} | changes)


def made(one: Asked, out: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """The cells of the models, by task and way."""
    cells = [json.loads(path.read_text("utf-8")) for path in runs.run(one, out, lambda _: None)]
    return {(cell["task"], cell["way"]): cell for cell in cells if cell["way"] != "classical"}


def results(out: Path) -> dict[str, bytes]:
    """What a table is made of: cells, and what was predicted for the test split."""
    paths = sorted([*out.glob("cells/*/*.json"), *out.glob("runs/*/test.jsonl")])
    return {str(path.relative_to(out)): path.read_bytes() for path in paths}


def answers(out: Path, cell: dict[str, Any], run: int = 0) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "runs" / cell["runs"][run] / "test.jsonl").read_text("utf-8").splitlines()]


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bool, float, int]]:
    """What has been trained: (pretrained, rate, seed)."""
    found: list[tuple[bool, float, int]] = []
    right = tuning.train

    def train(start: Start, *given: Any) -> Any:
        trained = right(start, *given)
        found.append((start.pretrained, *given[-2:]))
        return trained

    monkeypatch.setattr(tuning, "train", train)
    return found


def test_a_cell_keeps_to_the_protocol(model: Path, data: Path, tmp_path: Path, trainings: list[Any]) -> None:
    found = made(asked(model, data), tmp_path / "out")
    assert len(trainings) >= 2 * 3, "two rates at seed 1, and the better one at seed 2 as well"
    for way in ("fine-tuned", "fresh weights"):
        cell = found[SIB, way]
        assert [one["rate"] for one in cell["grid"]] == [3e-3, 1e-2]
        if not cell["left"]:
            assert cell["rate"] == max(cell["grid"], key=lambda one: one["validation"])["rate"]
        assert len(cell["runs"]) == cell["protocol"]["seeds"] == 2
        assert (way == "fine-tuned", cell["rate"], 2) in trainings
        assert cell["model"] == "tiny-0123"
        assert cell["rows"]["validation"]["used"] == 20
        assert cell["data"].keys() == {"train", "validation", "test"}
        assert cell["identity"] == identity(model, way == "fine-tuned")
    assert not list((tmp_path / "out").glob("runs/*/best.safetensors"))


def test_each_item_has_its_prediction(model: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    stored = answers(out, made(asked(model, data, fresh=False), out)[SIB, "fine-tuned"])
    given = {str(row["index_id"]): row["category"] for row in bench_data.rows(SIB, "test")}
    assert {row["id"]: row["label"] for row in stored} == given
    names = Sets(SIB, data, None, None).task.labels
    assert all(row["predicted"] == names[int(np.argmax(row["logits"]))] for row in stored)


def test_the_validation_score_that_chose_is_that_of_the_stored_predictions(model: Path, data: Path, tmp_path: Path) -> None:
    cell = made(asked(model, data, fresh=False), tmp_path)[SIB, "fine-tuned"]
    for one in cell["grid"]:
        stored = read_answers(tmp_path / "runs" / one["run"] / "validation.jsonl")
        assert one["validation"] == pytest.approx(score("accuracy", stored.labels, stored.predicted), abs=1e-6)


def test_run_again_it_runs_nothing_and_says_the_same(model: Path, data: Path, tmp_path: Path, trainings: list[Any]) -> None:
    made(asked(model, data), tmp_path / "one")
    first, count = results(tmp_path / "one"), len(trainings)
    made(asked(model, data), tmp_path / "one")
    assert len(trainings) == count
    assert results(tmp_path / "one") == first
    made(asked(model, data), tmp_path / "other")
    assert results(tmp_path / "other") == first, "the same bytes from the start, on the same number of threads"


@pytest.mark.parametrize(("module", "name", "calls"), [(tuning, "train", 2), (tuning, "predict", 1), (runs, "write_cell", 1)])
def test_killed_anywhere_it_ends_with_the_same(
    module: Any, name: str, calls: int, model: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trainings: list[Any]
) -> None:
    one = asked(model, data, fresh=False)
    with monkeypatch.context() as patch:
        patch.setattr(module, name, failing_after(calls, getattr(module, name)))
        with pytest.raises(KeyboardInterrupt):
            made(one, tmp_path / "out")
    (tmp_path / "out/runs/.tmp-1-x").mkdir()
    made(one, tmp_path / "out")
    assert len(trainings) == len(set(trainings)), "nothing twice"
    assert not list((tmp_path / "out/runs").glob(".tmp-*"))
    made(one, tmp_path / "undisturbed")
    assert results(tmp_path / "out") == results(tmp_path / "undisturbed")


def failing_after(calls: int, right: Callable[..., Any]) -> Callable[..., Any]:
    left = [calls]

    def wrapped(*given: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return right(*given)

    return wrapped


def test_what_is_grown_costs_what_is_new(model: Path, data: Path, tmp_path: Path, trainings: list[Any]) -> None:
    made(asked(model, data, fresh=False, seeds=1), tmp_path)
    before = len(trainings)
    cell = made(asked(model, data, fresh=False, seeds=3), tmp_path)[SIB, "fine-tuned"]
    assert [seed for _, rate, seed in trainings[before:] if rate == cell["rate"]] == [2, 3]
    assert len(list((tmp_path / "cells" / SIB).glob("tiny*"))) == 1, "the cell is the same one, with more seeds"
    before = len(trainings)
    found = made(asked(model, data, SIB, "xcopa-tr", seeds=3), tmp_path)
    assert set(found) == {(task, way) for task in (SIB, "xcopa-tr") for way in ("fine-tuned", "fresh weights")}
    assert not [one for one in trainings[before:] if one[0]][: -3 * 3], "of the model's own weights, the new task alone"


def test_nothing_reads_the_test_split_before_all_is_trained(model: Path, data: Path, tmp_path: Path, trainings: list[Any]) -> None:
    (data / "sib200/azj_Latn.test.jsonl.gz").write_bytes(b"no gzip")
    with pytest.raises(DollmaError, match=r"azj_Latn\.test"):
        made(asked(model, data), tmp_path / "out")
    assert {(True, 2), (False, 2)} <= {(pretrained, seed) for pretrained, _, seed in trainings}


def test_fresh_weights_depend_on_no_weights(model: Path, data: Path, tmp_path: Path, trainings: list[Any]) -> None:
    other = tmp_path / "tiny-0123/final"
    shutil.copytree(model, other)
    changed = BertForMaskedLM.from_pretrained(other)
    with torch.no_grad():
        changed.bert.encoder.layer[0].output.dense.weight.mul_(1.01)
    changed.save_pretrained(other)
    assert identity(model, False) == identity(other, False)
    assert identity(model, True) != identity(other, True)
    for folder in (model, other):
        made(asked(folder, data, seeds=1), tmp_path / "out")
    count = sum(not pretrained for pretrained, *_ in trainings)
    assert count == len({one for one in trainings if not one[0]})


def test_fewer_rows_are_some_of_the_more(model: Path, data: Path, tmp_path: Path) -> None:
    found = made(asked(model, data, fresh=False, seeds=1, limit=15), tmp_path)[SIB, "fine-tuned"]
    assert found["rows"]["train"]["used"] == 15
    few, whole = (Sets(SIB, data, None, limit).train.items for limit in (15, None))
    assert whole[:15] == few
    assert len(whole) == bench_data.SIZES["train"]


def test_rows_that_cannot_be_used_are_counted_in_the_cell(model: Path, data: Path, tmp_path: Path) -> None:
    good = bench_data.rows(SIB, "train")
    bad = [
        {"index_id": 901, "text": "qol vurdu"},
        {"index_id": 902, "text": "  ", "category": "sports"},
        {"index_id": 903, "text": "a" * 10_000, "category": "sports"},
        {"index_id": 904, "text": "yağış", "category": "weather"},
    ]
    bench_data.write_rows(data / "sib200/azj_Latn.train.jsonl.gz", [*bad, *good])
    cell = made(asked(model, data, fresh=False, seeds=1), tmp_path)[SIB, "fine-tuned"]
    told = cell["rows"]["train"]["left out"]
    assert [(line, identity) for _, line, identity, _ in told] == [(1, "901"), (2, "902"), (3, "903"), (4, "904")]
    assert "weather" in told[3][3]
    assert "10,000 characters" in told[2][3]
    assert cell["rows"]["train"]["used"] == len(good)
    classical = json.loads(next((tmp_path / "cells" / SIB).glob("majority*")).read_text("utf-8"))
    assert classical["rows"]["train"]["left out"] == told


def test_texts_that_are_too_long_are_cut_and_counted(model: Path, data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "short-4567"
    shutil.copytree(model, folder)
    card = {"training": {"settings": {"length": 9}}, "corpus": {"version": "demo-1", "fingerprint": "abc", "words": 3}}
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
    assert (positions(folder), positions(model)) == (9, PLACES), "the rows it was trained on, or the table of positions"
    cell = made(asked(folder, data, seeds=1), tmp_path / "out")
    assert cell[SIB, "fine-tuned"]["corpus"] == {"version": "demo-1", "fingerprint": "abc"}
    assert cell[SIB, "fresh weights"]["corpus"] is None
    assert cell[SIB, "fine-tuned"]["contamination"] is None
    looked_up = path_of(tmp_path / "out/contamination", named(SIB), cell[SIB, "fine-tuned"]["data"]["test"], "abc")
    bench_data.write_rows(looked_up, [])
    again = made(asked(folder, data, seeds=1), tmp_path / "out")
    assert again[SIB, "fine-tuned"]["contamination"] == looked_up.name
    assert again[SIB, "fresh weights"]["contamination"] is None
    found = cell[SIB, "fine-tuned"]["rows"]["test"]
    lengths = [len(one.ids) for one in ENCODE["text"](Sets(SIB, data, None, None).test.items, Tokens(model)).examples]
    assert found["cut"] == sum(length > 9 for length in lengths) > 0
    assert found["tokens"] == sum(min(length, 9) for length in lengths)


def test_each_epoch_has_each_example_once() -> None:
    first, second = (np.concatenate(list(islice(drawn(10, 4, seed), 3))) for seed in (1, 2))
    assert sorted(first) == sorted(second) == list(range(10))
    assert list(first) != list(second)
    assert sorted(np.concatenate(list(islice(drawn(10, 4, 1), 3, 6)))) == list(range(10))


def few(data: Path, split: str, tokens: Tokens, many: int) -> Data:
    items = getattr(Sets(SIB, data, None, None), split).items[:many]
    return Data(items, ENCODE["text"](items, tokens))


def learnt(data: Path, metric: str = "accuracy") -> Learnt:
    return Learnt("text", Sets(SIB, data, None, None).task.labels, metric)


def test_training_the_rows_that_are_used_is_training_the_whole_embedding(model: Path, data: Path) -> None:
    """With no weight decay, to the last digits; what no text uses stays as it was."""
    tokens, protocol = Tokens(model), QUICK.model_copy(update={"weight_decay": 0.0, "evaluations": 1})
    rows, held_out = (few(data, split, tokens, 12) for split in ("train", "test"))
    start = Start(model, True)
    found = training.train(start, learnt(data), tokens.vocabulary.pad, rows.encoded, held_out, protocol, 3e-3, 5)
    restored = training.restored(start, learnt(data), found.weights, found.used, 5)

    torch.manual_seed(5)
    whole = Tuned(opened(model, True), 7, protocol.dropout).train()
    fit_head(whole, "text", rows.encoded.examples, held_out.encoded.examples, 0, protocol.strengths, 5)
    adamw = optimiser.adamw(whole, Optimiser(betas=(0.9, 0.999), weight_decay=0.0))
    for step, chosen in enumerate(islice(drawn(12, 8, 5), 10), 1):
        torch.manual_seed((5 << 32) + step)
        taken = [rows.encoded.examples[number] for number in chosen]
        loss = functional.cross_entropy(whole(batch(taken, 0)), torch.tensor([one.target for one in taken]))
        assert float(loss.detach()) == pytest.approx(found.losses[step - 1], abs=1e-5)
        loss.backward()
        share = (step - 0.5) / 10
        optimiser.update(adamw, whole, 3e-3 * (share / 0.1 if share < 0.1 else (1 - share) / 0.9), 1.0)
    examples = few(data, "test", tokens, 30).encoded.examples
    (ours, _), (theirs, _) = (training.predict(one, "text", examples, 0) for one in (restored, whole))
    assert np.allclose(np.concatenate(ours), np.concatenate(theirs), atol=1e-4)
    before, after = opened(model, True).get_input_embeddings().weight, restored.encoder.get_input_embeddings().weight
    unused = np.setdiff1d(np.arange(len(before)), used_ids([rows.encoded, held_out.encoded], (0,)))
    assert len(unused) > 10
    assert torch.equal(before[unused], after[unused])
    assert not torch.allclose(before[found.used], after[found.used], atol=1e-3)


def test_a_rate_at_which_a_seed_collapses_is_left(model: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A seed that answers all alike is planted at the higher rate, which is the better one at seed 1; at the lower one all are right."""
    right = tuning.train

    def train(start: Start, *given: Any) -> Any:
        found, (rate, seed) = right(start, *given), given[-2:]
        good = [one | {"predicted": one["label"]} for one in found.answers]
        bad = [one | {"predicted": "travel"} for one in found.answers]
        history = tuple(one._replace(score=rate * 100) for one in found.history)
        return found._replace(history=history, answers=bad if (rate, seed) == (1e-2, 2) else good, losses=(2.0, 0.1))

    monkeypatch.setattr(tuning, "train", train)
    cell = made(asked(model, data, fresh=False), tmp_path)[SIB, "fine-tuned"]
    assert (cell["rate"], len(cell["grid"]), len(cell["runs"]), cell["collapsed"]) == (3e-3, 2, 2, None)
    (left,) = cell["left"]
    assert (left["rate"], len(left["runs"])) == (1e-2, 2)
    assert left["why"].startswith("1 of 2 seeds: accuracy")
    assert not list(tmp_path.glob("runs/*/best.safetensors"))


@pytest.mark.parametrize("rates", [(1.0,), (1e4,)])
def test_a_model_that_learns_nothing_at_any_rate_is_told_to_have_collapsed(rates: Any, model: Path, data: Path, tmp_path: Path) -> None:
    cell = made(asked(model, data, fresh=False, protocol=QUICK.model_copy(update={"rates": rates})), tmp_path)[SIB, "fine-tuned"]
    assert cell["collapsed"].startswith("2 of 2 seeds: ")
    assert len(answers(tmp_path, cell)) == bench_data.SIZES["test"]


def test_a_loss_that_is_no_number_ends_the_run_and_is_told(
    model: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right, steps = training.loss_of, iter(range(1000))
    monkeypatch.setattr(training, "loss_of", lambda *given: right(*given) * (torch.inf if next(steps) % 4 == 2 else 1))
    cell = made(asked(model, data, fresh=False, seeds=1), tmp_path)[SIB, "fine-tuned"]
    assert "loss inf" in cell["collapsed"]
    facts = json.loads((tmp_path / "runs" / cell["runs"][0] / "run.json").read_text("utf-8"))
    assert facts["losses"][-1] is None
    assert facts["steps"] < 10


@pytest.mark.parametrize(
    ("merits", "tried"),
    [
        ([1, 2, 3, 4, 5, 6], [1e-4, 3e-4, 1e-3, 3e-3]),
        ([1, 2, 3, 4, 5, 2], [1e-4, 3e-4, 1e-3, 3e-3]),
        ([1, 2, 3, 4, 2, 1], [1e-4, 3e-4, 1e-3]),
        ([1, 5, 4, 3, 2, 1], [1e-4, 3e-4, 3e-5, 1e-5]),
        ([1, 2, 4, 3, 2, 1], [1e-4, 3e-4, 3e-5]),
        ([5, 5, 5, 5, 5, 5], [1e-4, 3e-4, 3e-5, 1e-5]),
    ],
)
def test_rates_are_tried_on_from_the_better_one(merits: list[int], tried: list[float]) -> None:
    protocol = Protocol()
    known = dict(zip(protocol.rates, [(float(one), 0.0) for one in merits], strict=True))
    found: dict[float, tuple[float, float]] = {}
    while (rate := protocol.next_rate(found)) is not None:
        found[rate] = known[rate]
    assert list(found) == tried


def test_steps_and_seeds_follow_the_size_of_a_set() -> None:
    protocol = Protocol()
    assert [protocol.steps(rows) for rows in (10, 701, 19_600, 10**6)] == [150, 176, 4900, 5000]
    assert [seeds_for(rows) for rows in (701, 1999, 2000)] == [10, 10, 5]


def test_a_head_is_fitted_where_steps_are_few_for_its_outputs(model: Path, data: Path) -> None:
    """176 steps are few for MASSIVE's 60 intents and not for SIB-200's 7 topics. A head that was not fitted begins at the loss of a guess, ln 7."""
    protocol = Protocol()
    assert [protocol.fits_head(701, outputs) for outputs in (1, 2, 7, 8, 9, 60)] == [False, False, False, False, True, True]
    assert not protocol.fits_head(11_514, 60)
    tokens = Tokens(model)
    rows, held_out = (few(data, split, tokens, 40) for split in ("train", "test"))
    begun = [
        training.train(
            Start(model, True),
            learnt(data),
            tokens.vocabulary.pad,
            rows.encoded,
            held_out,
            QUICK.model_copy(update={"fit_below": steps}),
            1e-5,
            1,
        ).losses[0]
        for steps in (1, 2)  # of the 10 for 7 outputs
    ]
    assert begun[0] == pytest.approx(np.log(7), abs=0.1)
    assert begun[1] < begun[0] - 0.15


def test_the_state_that_is_kept_is_the_best_on_validation(model: Path, data: Path) -> None:
    tokens = Tokens(model)
    rows, held_out = few(data, "train", tokens, 40), few(data, "test", tokens, 20)
    known = sorted({item.label for item in rows.items})
    other = dict(zip(known, [*known[1:], known[0]], strict=True))
    items = [item._replace(label=other[item.label]) for item in held_out.items]
    wrong = Data(items, Encoded(tuple(one._replace(target=other[one.target]) for one in held_out.encoded.examples), 0))
    protocol = QUICK.model_copy(update={"least_steps": 24, "evaluations": 12})
    found = training.train(Start(model, True), learnt(data, "macro_f1"), 0, rows.encoded, wrong, protocol, 2e-2, 1)
    merits = [(one.score, -one.loss) for one in found.history]
    assert found.best == merits.index(max(merits)) < 11, "wrong labels, which are hit ever less often"
    model_again = training.restored(Start(model, True), learnt(data), found.weights, found.used, 1)
    outputs, loss = training.predict(model_again, "text", wrong.encoded.examples, 0)
    assert np.allclose([one["logits"] for one in found.answers], np.concatenate(outputs), atol=1e-3)
    assert loss == pytest.approx(found.history[found.best].loss, abs=1e-4)


def test_fresh_rows_that_no_text_used_are_those_that_the_seed_drew(model: Path, data: Path) -> None:
    """Whatever was drawn before: the test split holds pieces that nothing was trained on, and two runs must answer it alike."""
    tokens = Tokens(model)
    rows = few(data, "train", tokens, 8)
    start = Start(model, False)
    found = training.train(start, learnt(data), tokens.vocabulary.pad, rows.encoded, rows, QUICK, 3e-3, 4)
    torch.manual_seed(4)
    drawn_rows = opened(model, False).get_input_embeddings().weight.detach()
    unused = np.setdiff1d(np.arange(len(drawn_rows)), found.used)
    for before in (1, 2):
        torch.manual_seed(before)
        again = training.restored(start, learnt(data), found.weights, found.used, 4).encoder.get_input_embeddings().weight
        assert torch.equal(again[unused], drawn_rows[unused])
    assert len(unused) > 10


def test_folders_that_hold_no_such_model(model: Path, tmp_path: Path) -> None:
    with pytest.raises(DollmaError, match=r"config\.json: no such file"):
        opened(tmp_path, True)
    broken = tmp_path / "broken"
    shutil.copytree(model, broken)
    weights = (broken / "model.safetensors").read_bytes()
    (broken / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    with pytest.raises(DollmaError, match="can't load the model"):
        opened(broken, True)
    (broken / "model.safetensors").rename(broken / "pytorch_model.bin")
    with pytest.raises(DollmaError, match="could run anything"):
        opened(broken, True)
    (broken / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(DollmaError, match="not a model's configuration"):
        configuration(broken)
    deeper = tmp_path / "deeper"
    shutil.copytree(model, deeper)
    config = json.loads((deeper / "config.json").read_text("utf-8"))
    (deeper / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}), encoding="utf-8")
    with pytest.raises(DollmaError, match=r"weights lack .*encoder\.layer\.2"):
        opened(deeper, True)
    decoder = tmp_path / "decoder"
    LlamaForCausalLM(
        LlamaConfig(vocab_size=32, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2)
    ).save_pretrained(decoder)
    with pytest.raises(DollmaError, match="'llama' is no encoder"):
        opened(decoder, True)


def test_runs_that_are_damaged_are_named(model: Path, data: Path, tmp_path: Path) -> None:
    cell = made(asked(model, data, fresh=False, seeds=1), tmp_path)[SIB, "fine-tuned"]
    path = tmp_path / "runs" / cell["runs"][0] / "run.json"
    path.write_text("{", encoding="utf-8")
    with pytest.raises(DollmaError, match=r"run\.json: damaged .* remove the folder"):
        made(asked(model, data, fresh=False, seeds=1), tmp_path)
