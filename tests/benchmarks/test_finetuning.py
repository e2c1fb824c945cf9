"""Fine-tuning: what is compared is what the protocol says, nothing is run twice, and every score comes from stored predictions."""

from __future__ import annotations

import gzip
import json
import random
import shutil
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import BertPreTokenizer
from torch.nn import functional
from transformers import BertConfig, BertForMaskedLM, LlamaConfig, LlamaForCausalLM

from benchmarks.finetuning import __main__, runs, training
from benchmarks.finetuning.classifier import Classifier, configuration, identity, opened, positions, used_ids
from benchmarks.finetuning.report import markdown, report
from benchmarks.finetuning.runs import PRETRAINED, SCRATCH, Comparison
from benchmarks.finetuning.tasks import SPLITS, file_of, named, read
from benchmarks.finetuning.texts import Encoder, batch, drawn
from benchmarks.finetuning.training import Labelled, Protocol, Start
from curation.errors import DollmaError
from modeling import optimiser
from modeling.config import Optimiser
from modeling.tokenizer.saved import SPECIAL

WORDS = {
    "sports": "oyunçu qol vurdu komanda qələbə qazandı stadion azarkeş məşqçi",
    "health": "həkim xəstə dərman verdi xəstəxana müalicə sağlam qızdırma",
    "travel": "qatar yola düşdü otel bilet dağ dəniz sahil bələdçi",
}
QUICK = Protocol(rates=(3e-3, 1e-2), batch=8, epochs=1, least_steps=10, evaluations=2, validation=20)
SIZES = {"train": 40, "dev": 24, "test": 30}


def rows(split: str) -> list[dict[str, Any]]:
    """Sentences of a few words of a topic, in an order that is drawn."""
    draw = random.Random(split)
    topics = [draw.choice(sorted(WORDS)) for _ in range(SIZES[split])]
    return [
        {"index_id": 100 + n, "category": topic, "text": " ".join(draw.choices(WORDS[topic].split(), k=draw.randint(2, 9)))}
        for n, topic in enumerate(topics)
    ]


def write(folder: Path, split: str, lines: list[str]) -> Path:
    path = folder / f"azj_Latn.{split}.jsonl.gz"
    path.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode(), mtime=0))
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    for split in SIZES:
        write(folder, split, [json.dumps(row, ensure_ascii=False) for row in rows(split)])
    return folder


def write_tokenizer(folder: Path) -> int:
    """Letters and the words of all topics: how many ids."""
    letters = sorted({letter for words in WORDS.values() for letter in words if letter != " "})
    words = sorted({word for words in WORDS.values() for word in words.split()})
    pieces = [*SPECIAL, *letters, *(f"##{letter}" for letter in letters), *words]
    made = Tokenizer(WordPiece({piece: number for number, piece in enumerate(pieces)}, unk_token=SPECIAL[1]))
    made.pre_tokenizer = BertPreTokenizer()
    made.save(str(folder / "tokenizer.json"))
    return len(pieces)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of two layers, in the folder of a run."""
    folder = tmp_path_factory.mktemp("models") / "tiny-0123/final"
    folder.mkdir(parents=True)
    torch.manual_seed(0)
    shape = {
        "vocab_size": write_tokenizer(folder),
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
    }
    BertForMaskedLM(BertConfig(**shape, max_position_embeddings=64, hidden_dropout_prob=0.1, initializer_range=0.2)).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def asked(model: Path, data: Path, **changes: Any) -> Comparison:
    whole = {"task": "sib200-az", "ways": (PRETRAINED, SCRATCH), "seeds": 2, "protocol": QUICK}
    return Comparison(model, data=data, **whole | changes)


def compared(comparison: Comparison, out: Path) -> dict[str, Any]:
    return report(comparison, runs.run(comparison, out, lambda _: None), out)


def results(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((out / "results").iterdir())}


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bool, float, int]]:
    """What has been trained: (pretrained, rate, seed)."""
    made: list[tuple[bool, float, int]] = []
    right = runs.train

    def train(start: Start, *given: Any) -> Any:
        found = right(start, *given)
        made.append((start.pretrained, *given[-2:]))
        return found

    monkeypatch.setattr(runs, "train", train)
    return made


def test_a_comparison_keeps_to_the_protocol(model: Path, data: Path, tmp_path: Path, trainings: list[Any]) -> None:
    found = compared(asked(model, data), tmp_path / "out")
    assert len(trainings) == 2 * 3, "two rates at seed 1, and the better one at seed 2 as well"
    for way in (PRETRAINED, SCRATCH):
        of = found["ways"][way]
        best = max(of["grid"], key=lambda one: (one["accuracy"], -one["loss"]))
        assert of["rate"] == best["rate"]
        assert (way == PRETRAINED, of["rate"], 2) in trainings
        assert of["accuracy"]["mean"] == pytest.approx(np.mean([one["accuracy"] for one in of["seeds"]]))
        assert of["accuracy"]["low"] <= of["accuracy"]["mean"] <= of["accuracy"]["high"]
    apart = found["ways"][PRETRAINED]["macro_f1"]["mean"] - found["ways"][SCRATCH]["macro_f1"]["mean"]
    assert found["difference"]["macro_f1"]["mean"] == pytest.approx(apart)
    assert (found["model"], found["rows"]["validation"]["used"]) == ("tiny-0123", 20)
    name = f"sib200-az-tiny-0123-{identity(model, True)[:8]}-40"
    assert sorted(results(tmp_path / "out")) == [f"{name}.{kind}" for kind in ("json", "md", "svg")]
    assert "| difference |" in markdown(json.loads(json.dumps(found)))


def test_each_item_has_its_prediction_and_scores_come_from_them(model: Path, data: Path, tmp_path: Path) -> None:
    out, one = tmp_path / "out", asked(model, data, ways=(SCRATCH,))
    finished = runs.run(one, out, lambda _: None)
    before = report(one, finished, out)["ways"][SCRATCH]["seeds"][0]
    path = finished.done[SCRATCH].seeds[0] / "test.jsonl"
    stored = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    given = {str(row["index_id"]): row["category"] for row in rows("test")}
    assert {row["id"]: row["label"] for row in stored} == given
    names = list(named("sib200-az").labels)
    assert all(row["predicted"] == names[int(np.argmax(row["logits"]))] for row in stored)
    assert before["accuracy"] == pytest.approx(np.mean([row["label"] == row["predicted"] for row in stored]))
    path.write_text("".join(json.dumps(row | {"predicted": row["label"]}) + "\n" for row in stored), encoding="utf-8")
    after = report(one, runs.run(one, out, lambda _: None), out)["ways"][SCRATCH]["seeds"][0]
    assert (after["accuracy"], after["macro_f1"], after["constant"]) == (1, 1, False)
    path.write_text("".join(json.dumps(row | {"predicted": "travel"}) + "\n" for row in stored), encoding="utf-8")
    assert " (collapsed)" in markdown(report(one, runs.run(one, out, lambda _: None), out))
    path.write_text("".join(json.dumps(row) + "\n" for row in stored[1:]), encoding="utf-8")
    with pytest.raises(DollmaError, match="other items"):
        report(one, runs.run(one, out, lambda _: None), out)
    assert not list(out.glob("runs/*/best.safetensors"))


def test_run_again_it_runs_nothing_and_says_the_same(model: Path, data: Path, tmp_path: Path, trainings: list[Any]) -> None:
    compared(asked(model, data), tmp_path / "one")
    first, made = results(tmp_path / "one"), len(trainings)
    compared(asked(model, data), tmp_path / "one")
    assert len(trainings) == made
    assert results(tmp_path / "one") == first
    compared(asked(model, data), tmp_path / "other")
    assert results(tmp_path / "other") == first, "the same bytes from the start, on the same number of threads"


def test_killed_it_goes_on(model: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trainings: list[Any]) -> None:
    counting = runs.train

    def killed(*given: Any) -> Any:
        if len(trainings) == 2:
            raise KeyboardInterrupt
        return counting(*given)

    one = asked(model, data, ways=(PRETRAINED,))
    with monkeypatch.context() as patch:
        patch.setattr(runs, "train", killed)
        with pytest.raises(KeyboardInterrupt):
            compared(one, tmp_path / "out")
    with monkeypatch.context() as patch:  # all trained, the first test predictions written, killed
        patch.setattr(runs, "predict", failing_after(1, runs.predict))
        with pytest.raises(KeyboardInterrupt):
            compared(one, tmp_path / "out")
    (tmp_path / "out/runs/.tmp-1-x").mkdir()
    compared(one, tmp_path / "out")
    assert len(trainings) == len(set(trainings)) == 3
    assert not list((tmp_path / "out/runs").glob(".tmp-*"))
    compared(one, tmp_path / "undisturbed")
    assert results(tmp_path / "out") == results(tmp_path / "undisturbed")


def failing_after(calls: int, right: Callable[..., Any]) -> Callable[..., Any]:
    left = [calls]

    def wrapped(*given: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return right(*given)

    return wrapped


def test_more_seeds_cost_the_new_ones_alone(model: Path, data: Path, tmp_path: Path, trainings: list[Any]) -> None:
    compared(asked(model, data, ways=(PRETRAINED,), seeds=1), tmp_path)
    compared(asked(model, data, ways=(PRETRAINED,), seeds=3), tmp_path)
    assert sorted(seed for _, _, seed in trainings) == [1, 1, 2, 3]


def test_nothing_reads_the_test_split_before_all_is_trained(model: Path, data: Path, tmp_path: Path, trainings: list[Any]) -> None:
    (data / "azj_Latn.test.jsonl.gz").write_bytes(b"no gzip")
    with pytest.raises(DollmaError, match=r"azj_Latn\.test.*undamaged"):
        compared(asked(model, data), tmp_path / "out")
    assert len(trainings) == 6


def test_from_scratch_depends_on_no_weights(model: Path, data: Path, tmp_path: Path, trainings: list[Any]) -> None:
    other = tmp_path / "tiny-0123/final"
    shutil.copytree(model, other)
    changed = BertForMaskedLM.from_pretrained(other)
    with torch.no_grad():
        changed.bert.encoder.layer[0].output.dense.weight.mul_(1.01)
    changed.save_pretrained(other)
    assert identity(model, False) == identity(other, False)
    assert identity(model, True) != identity(other, True)
    compared(asked(model, data, ways=(SCRATCH,), seeds=1), tmp_path / "out")
    compared(asked(other, data, ways=(SCRATCH,), seeds=1), tmp_path / "out")
    assert len(trainings) == 2


def test_fewer_rows_are_some_of_the_more_and_make_a_curve(model: Path, data: Path, tmp_path: Path) -> None:
    for limit in (10, 25):
        found = compared(asked(model, data, ways=(SCRATCH,), seeds=1, limit=limit), tmp_path)
        assert found["rows"]["train"]["used"] == limit
    assert ">25</text>" in (tmp_path / f"results/sib200-az-tiny-0123-{identity(model, False)[:8]}.svg").read_text("utf-8")
    whole = read(named("sib200-az"), data, "train").items
    lines = gzip.decompress(file_of(named("sib200-az"), data, "train").read_bytes()).decode().splitlines()
    write(data, "train", lines[::-1])
    assert read(named("sib200-az"), data, "train").items == whole, "no matter in which order they stand"


def test_rows_that_cannot_be_used_are_told(model: Path, data: Path, tmp_path: Path) -> None:
    bad = ['{"text": ', "[1]", '{"category": "sports", "text": "  "}', '{"category": "weather", "text": "yağış"}', '{"text": "gün"}']
    bad += ['{"category": ["sports"], "text": "qol"}', "[" * 5000, "", '{"category": "sports", "text": 5}']
    good = [json.dumps(row) for row in rows("train")]
    write(data, "train", [*bad, *good])
    found = compared(asked(model, data, ways=(SCRATCH,), seeds=1), tmp_path / "out")
    left_out = found["rows"]["train"]["left out"]
    assert [line for _, line, _ in left_out] == [1, 2, 3, 4, 5, 6, 7, 9]
    assert "weather" in left_out[3][2]
    assert found["rows"]["train"]["used"] == len(good)
    assert "line 1: not JSON" in markdown(found)
    write(data, "train", bad)
    with pytest.raises(DollmaError, match=r"no row that can be used; the first: line 1"):
        read(named("sib200-az"), data, "train")
    write(data, "train", ["x" * (1 << 20)])
    with pytest.raises(DollmaError, match="line 1: more than"):
        read(named("sib200-az"), data, "train")


def test_texts_that_are_too_long_are_cut_and_counted(model: Path, data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "short-4567"
    shutil.copytree(model, folder)
    (folder / "card.json").write_text(json.dumps({"training": {"settings": {"length": 7}}}), encoding="utf-8")
    assert (positions(folder), positions(model)) == (7, 64), "the rows it was trained on, or the table of positions"
    found = compared(asked(folder, data, ways=(SCRATCH,), seeds=1), tmp_path / "out")["rows"]["test"]
    whole = Encoder(model, 64)([row["text"] for row in rows("test")])
    assert found["cut"] == sum(whole.lengths > 7) > 0
    assert found["tokens"] == sum(min(length, 7) for length in whole.lengths)
    assert all(ids[-1] == Encoder(model, 64).vocabulary.sep for ids in Encoder(folder, 7)(["qol " * 9]).ids)


def test_texts_beside_one_another_do_not_see_each_other(model: Path) -> None:
    encoder = Encoder(model, 64)
    texts = encoder([row["text"] * 3 for row in rows("train")]).ids
    classifier = Classifier(opened(model, True), 3, 0.0).eval()
    laid = batch(texts, encoder.vocabulary.pad)
    assert len(laid.ids) > 2
    with torch.inference_mode():
        together = classifier(laid)
        alone = torch.cat([classifier(batch([text], encoder.vocabulary.pad)) for text in texts])
        state = BertForMaskedLM.from_pretrained(model).bert.eval()(torch.from_numpy(texts[0])[None]).last_hidden_state
        assert torch.allclose(classifier.head(state.mean(1)), together[:1], atol=1e-5)
    assert torch.allclose(together, alone, atol=1e-5)


def test_each_epoch_has_each_text_once() -> None:
    first, second = (np.concatenate(list(islice(drawn(10, 4, seed), 3))) for seed in (1, 2))
    assert sorted(first) == sorted(second) == list(range(10))
    assert list(first) != list(second)
    assert sorted(np.concatenate(list(islice(drawn(10, 4, 1), 3, 6)))) == list(range(10))


def test_training_the_rows_that_are_used_is_training_the_whole_embedding(model: Path, data: Path) -> None:
    """With no weight decay, to the last digits; what no text uses stays as it was."""
    task, encoder, protocol = named("sib200-az"), Encoder(model, 64), QUICK.model_copy(update={"weight_decay": 0.0, "evaluations": 1})
    held_out, test = (labelled(read(task, data, split).items[:12], encoder) for split in ("validation", "test"))
    few = labelled(read(task, data, "train").items[:12], encoder)
    start = Start(model, True, 7)
    found = training.train(start, encoder.vocabulary, few, held_out, "accuracy", protocol, 3e-3, 5)
    restored = training.restored(start, found.weights, found.used)

    torch.manual_seed(5)
    whole = Classifier(opened(model, True), 7, protocol.dropout).train()
    adamw = optimiser.adamw(whole, Optimiser(betas=(0.9, 0.999), weight_decay=0.0))
    for step, chosen in enumerate(islice(drawn(12, 8, 5), 10), 1):
        torch.manual_seed((5 << 32) + step)
        loss = functional.cross_entropy(whole(batch([few.texts.ids[n] for n in chosen], 0)), torch.from_numpy(few.labels[chosen]))
        loss.backward()
        share = (step - 0.5) / 10
        optimiser.update(adamw, whole, 3e-3 * (share / 0.1 if share < 0.1 else (1 - share) / 0.9), 1.0)
    ids = test.texts.ids
    assert np.allclose(training.predict(restored, ids, 0), training.predict(whole, ids, 0), atol=1e-4)
    before = opened(model, True).get_input_embeddings().weight
    after = restored.encoder.get_input_embeddings().weight
    unused = np.setdiff1d(np.arange(len(before)), used_ids([*few.texts.ids, *held_out.texts.ids], (0,)))
    assert len(unused) > 10
    assert torch.equal(before[unused], after[unused])
    assert not torch.allclose(before[found.used], after[found.used], atol=1e-3)


def labelled(items: Any, encoder: Encoder) -> Labelled:
    return Labelled(encoder([item.text for item in items]), np.array([item.label for item in items]))


def test_a_rate_at_which_a_seed_collapses_is_left(model: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A seed that answers all alike is planted at the higher rate."""
    right = runs.train

    def train(start: Start, *given: Any) -> Any:
        found, (rate, seed) = right(start, *given), given[-2:]
        constant = np.zeros_like(found.logits) + np.arange(7)
        better = found._replace(history=tuple(one._replace(accuracy=1.0) for one in found.history)) if rate == 1e-2 else found
        return better._replace(logits=constant) if (rate, seed) == (1e-2, 2) else better

    monkeypatch.setattr(runs, "train", train)
    found = compared(asked(model, data, ways=(SCRATCH,)), tmp_path)
    of = found["ways"][SCRATCH]
    assert (of["rate"], len(of["grid"]), len(of["seeds"]), len(of["left"])) == (3e-3, 2, 2, 2)
    assert "left for a lower rate" in markdown(found)
    assert not list(tmp_path.glob("runs/*/best.safetensors"))


@pytest.mark.parametrize(
    ("merits", "tried"),
    [
        ([1, 2, 3, 4, 5], [1e-4, 3e-4, 1e-3]),
        ([1, 2, 3, 4, 2], [1e-4, 3e-4, 1e-3]),
        ([1, 5, 4, 3, 2], [1e-4, 3e-4, 3e-5, 1e-5]),
        ([1, 2, 4, 3, 2], [1e-4, 3e-4, 3e-5]),
        ([5, 5, 5, 5, 5], [1e-4, 3e-4, 3e-5, 1e-5]),
    ],
)
def test_rates_are_tried_on_from_the_better_one(merits: list[int], tried: list[float]) -> None:
    protocol = Protocol()
    known = dict(zip(protocol.rates, [(float(one), 0.0) for one in merits], strict=True))
    made: dict[float, tuple[float, float]] = {}
    while (rate := protocol.next_rate(made)) is not None:
        made[rate] = known[rate]
    assert list(made) == tried


def test_the_state_that_is_kept_is_the_best_on_validation(model: Path, data: Path) -> None:
    encoder, task = Encoder(model, 64), named("sib200-az")
    few, held_out = (labelled(read(task, data, split).items, encoder) for split in ("train", "validation"))
    other = dict(zip(np.unique(few.labels), np.roll(np.unique(few.labels), 1), strict=True))
    held_out = held_out._replace(labels=np.array([other[label] for label in held_out.labels]))
    protocol = QUICK.model_copy(update={"least_steps": 24, "evaluations": 12})
    found = training.train(Start(model, True, 7), encoder.vocabulary, few, held_out, "macro_f1", protocol, 2e-2, 1)
    merits = [(one.macro_f1, -one.loss) for one in found.history]
    assert found.best == merits.index(max(merits)) < 11, "wrong labels, which are hit ever less often"
    again = training.predict(training.restored(Start(model, True, 7), found.weights, found.used), held_out.texts.ids, 0)
    assert np.allclose(again, found.logits, atol=1e-4)


def test_folders_that_hold_no_such_model(model: Path, tmp_path: Path) -> None:
    with pytest.raises(DollmaError, match=r"config\.json: no such file"):
        opened(tmp_path, True)
    broken = tmp_path / "broken"
    shutil.copytree(model, broken)
    weights = (broken / "model.safetensors").read_bytes()
    (broken / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    with pytest.raises(DollmaError, match="can't load the model"):
        opened(broken, True)
    (broken / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(DollmaError, match="not a model's configuration"):
        configuration(broken)
    deeper = tmp_path / "deeper"
    shutil.copytree(model, deeper)
    config = json.loads((deeper / "config.json").read_text("utf-8"))
    (deeper / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}), encoding="utf-8")
    with pytest.raises(DollmaError, match=r"weights lack .*bert\.encoder\.layer\.2"):
        opened(deeper, True)
    decoder = tmp_path / "decoder"
    LlamaForCausalLM(
        LlamaConfig(vocab_size=32, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2)
    ).save_pretrained(decoder)
    with pytest.raises(DollmaError, match="'llama' is no encoder"):
        opened(decoder, True)


def test_the_command_tells_what_is_missing(model: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--model", str(model), "--data", str(data), "--out", str(tmp_path / "out")]
    with pytest.raises(SystemExit, match=r"train\.jsonl\.gz: no such file: --data"):
        __main__.main([*given, "--task", "sentiment-az"])
    with pytest.raises(SystemExit):
        __main__.main([*given, "--task", "sib200-az", "--seeds", "0"])
    with pytest.raises(DollmaError, match="did you mean 'sib200-az'"):
        named("sib200-a")


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("task", "folder", "sizes"),
    [
        ("sib200-az", "sib200", [701, 99, 204]),
        ("sib200-tr", "sib200", [701, 99, 204]),
        ("sentiment-az", "sentiment_az", [19600, 4200, 4200]),
    ],
)
def test_real_sets_are_read_whole(shared: Path, task: str, folder: str, sizes: list[int]) -> None:
    splits = [read(named(task), shared / "benchmarks" / folder, split) for split in SPLITS]
    assert [len(split.items) for split in splits] == sizes
    assert not any(split.faults for split in splits)
    assert {item.label for item in splits[0].items} == set(range(len(named(task).labels)))
