"""Decoders through lm-eval: the same items, the likelihoods that the model gives, and scores like all others."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Sequence
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing
from transformers import LlamaConfig, LlamaForCausalLM
from typer.testing import CliRunner

pytest.importorskip("lm_eval", reason="the extra `decoders` is not installed")

from benchmarks.decoders import runs
from benchmarks.decoders.held_out import measured, table
from benchmarks.decoders.prompts import asked, documents, prompt, shown
from benchmarks.decoders.runs import Asked, run
from benchmarks.decoders.scorer import Scorer, opened
from benchmarks.finetuning.sets import Sets
from benchmarks.finetuning.stored import facts_of
from benchmarks.leaderboard.board import board
from benchmarks.leaderboard.cells import read_cells
from benchmarks.scoring.answers import read_answers
from benchmarks.scoring.metrics import score
from benchmarks.tasks.task import listed
from curation.errors import DollmaError
from modeling.corpus import open_version
from pipelines.commands.bench import app
from tests.benchmarks import bench_data
from tests.benchmarks.bench_models import write_bert, write_tokenizer

PLACES = 64
TASKS = ("tumlu-az", "xcopa-tr", "sentiment-az")


def write_llama(folder: Path, seed: int = 0, **changes: Any) -> Path:
    """A Llama of two layers that knows the words of `bench_data`; its tokenizer ends a text with [SEP], as ours do, and begins it with [CLS]."""
    torch.manual_seed(seed)
    size = write_tokenizer(folder, [*bench_data.words(), *listed("Sual Cavab Rəy rəy müsbətdir yoxsa mənfi müsbət")])
    made = Tokenizer.from_file(str(folder / "tokenizer.json"))
    made.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    made.save(str(folder / "tokenizer.json"))
    shape: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    shape |= {"max_position_embeddings": PLACES, "initializer_range": 0.2}
    names = {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3}
    LlamaForCausalLM(LlamaConfig(vocab_size=size, **shape | names | changes)).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_llama(tmp_path_factory.mktemp("models") / "tiny" / "final")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sets as they are, those of CB-MCQ and Belebele too, with what could go wrong between a row and a prompt."""
    folder = bench_data.write(tmp_path_factory.mktemp("data"), *TASKS)
    rows = [
        {"question": row["question"], "choices": row["choices"], "answer": row["answer"]} for row in bench_data.rows("tumlu-az", "test")
    ]
    rows[0]["question"] = "{{ 7 * 7 }} [SEP] </s>"
    rows[1]["choices"] = ["1918-05-28", "1920-04-28", "1991-10-18", "1991-08-30"]
    rows[2]["choices"] = ["7", "49", "\u200b", "qırmızı " * 100]
    for split, some in {"train": rows[:9], "validation": rows[9:18], "test": rows}.items():
        (folder / "cb_mcq").mkdir(exist_ok=True)
        pq.write_table(pa.Table.from_pylist(some), folder / "cb_mcq" / f"{split}.parquet")
    passages = [
        {
            "link": "ev",
            "question_number": number,
            "flores_passage": " ".join(row["choices"]) + ".",
            "question": row["question"],
            **{f"mc_answer{place}": choice for place, choice in enumerate(row["choices"], 1)},
            "correct_answer_num": str(1 + "ABCD".index(row["answer"])),
        }
        for number, row in enumerate(bench_data.rows("tumlu-az", "test"))
    ]
    bench_data.write_rows(
        folder / "belebele/azj_Latn.jsonl", [*passages, {**passages[0], "question_number": 99, "correct_answer_num": "5"}]
    )
    return folder


@pytest.fixture(scope="module")
def answered(llama: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """OUT, made without a connection to anywhere."""

    def refused(*_: Any) -> None:
        raise AssertionError("something asked the network")

    out = tmp_path_factory.mktemp("out")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", refused)
        patch.setattr(socket, "getaddrinfo", refused)
        run(Asked((llama,), tuple(asked()), data), out, lambda _: None)
    return out


def rows_of(out: Path, task: str) -> list[dict[str, Any]]:
    """The decoder's predictions, as they stand in the file."""
    (folder,) = (out / "runs").glob(f"{task}-*-decoder-*")
    return [json.loads(line) for line in (folder / "test.jsonl").read_text("utf-8").splitlines()]


def cell_of(out: Path, task: str) -> dict[str, Any]:
    (path,) = (out / "cells" / task).glob("*-decoder-*")
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def likelihood(folder: Path, context: str, continuation: str) -> float:
    """By transformers alone: [CLS], the tokens of both, no [SEP]; what doesn't fit is left out at the beginning."""
    made = Tokenizer.from_file(str(folder / "tokenizer.json"))
    made.encode_special_tokens = True
    before, whole = (made.encode(text, add_special_tokens=False).ids for text in (context, context + continuation))
    ids, asked_for = [2, *whole], len(whole) - len(before)
    ids = ids[-PLACES - 1 :]
    with torch.inference_mode():
        logits = LlamaForCausalLM.from_pretrained(folder).eval()(torch.tensor([ids[:-1]])).logits[0].log_softmax(-1)
    return float(logits.gather(1, torch.tensor(ids[1:])[:, None])[-asked_for:].sum())


def test_there_is_a_prompt_for_each_of_the_five() -> None:
    assert asked() == ["belebele-az", "cb-mcq", "sentiment-az", "tumlu-az", "xcopa-tr"]
    for task in asked():
        assert prompt(task)["task"] == task


@pytest.mark.parametrize("task", ["belebele-az", "cb-mcq", "sentiment-az", "tumlu-az", "xcopa-tr"])
def test_our_accuracy_is_lm_evals(answered: Path, data: Path, task: str) -> None:
    cell, names = cell_of(answered, task), Sets(task, data, None, None)
    answers = read_answers(answered / "runs" / cell["runs"][0] / "test.jsonl")
    theirs = facts_of(answered / "runs" / cell["runs"][0])["scores of lm-eval"]
    assert score("accuracy", answers.labels, answers.predicted, names.names) == pytest.approx(theirs["acc"], abs=1e-6)
    rows = rows_of(answered, task)
    assert np.mean([row["by byte"] == row["label"] for row in rows]) == pytest.approx(theirs["acc_bytes"], abs=1e-6)
    assert [row["id"] for row in rows] == [item.id for item in names.test.items]
    assert [row["label"] for row in rows] == names.labels(names.test)
    assert len({row["predicted"] for row in rows}) > 1 or task == "sentiment-az"


@pytest.mark.parametrize("task", ["tumlu-az", "cb-mcq", "sentiment-az"])
def test_likelihoods_are_those_of_the_words_asked_and_nothing_after_them(answered: Path, data: Path, llama: Path, task: str) -> None:
    sets = Sets(task, data, None, None)
    stored = dict(zip((item.id for item in sets.test.items), rows_of(answered, task), strict=True))
    for item in sets.test.items[:4]:
        context = (
            f"Rəy: {item.text}\nSual: bu rəy müsbətdir, yoxsa mənfi?\nCavab:"
            if task == "sentiment-az"
            else f"Sual: {item.question}\nCavab:"
        )
        choices = ("mənfi", "müsbət") if task == "sentiment-az" else item.choices
        wanted = [likelihood(llama, context, f" {choice}") for choice in choices if choice != "\u200b" and len(choice) < 100]
        found = [
            value for value, choice in zip(stored[item.id]["logits"], choices, strict=True) if choice != "\u200b" and len(choice) < 100
        ]
        assert found == pytest.approx(wanted, abs=2e-4)


def test_what_is_cut_or_left_out_is_counted(answered: Path, data: Path) -> None:
    assert cell_of(answered, "tumlu-az")["rows"]["test"]["cut"] == 0
    assert cell_of(answered, "cb-mcq")["rows"]["test"]["cut"] == 1  # the choice of a hundred words
    found = cell_of(answered, "belebele-az")["rows"]["test"]
    assert (found["used"], len(found["left out"])) == (30, 1)
    assert found["left out"][0][2] == "ev-99"


def test_the_board_has_the_row_and_says_that_it_guesses(answered: Path, llama: Path) -> None:
    found = board(answered)
    (row,) = (row for row in found["rows"] if row["way"] == "decoder")
    assert row["name"] == "tiny, decoder"
    assert set(row["cells"]) == set(asked())
    for cell in row["cells"].values():
        assert cell["low"] <= cell["mean"] <= cell["high"]
        assert "within noise" in cell["collapsed"]
        assert cell["protocol"]["lm-eval"]
    assert CliRunner().invoke(app, ["table", str(answered)]).output.count("tiny, decoder") >= 1
    assert {row.way for row in read_cells(answered)["tumlu-az"]} == {"decoder", "classical"}


def test_what_is_there_is_not_asked_again(answered: Path, llama: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right, times = runs.put, []

    def counted(scorer: Scorer, of: Any, *rest: Any) -> Any:
        times.append(of["task"])
        if len(times) == 2:
            raise KeyboardInterrupt
        return right(scorer, of, *rest)

    monkeypatch.setattr(runs, "put", counted)
    before = {path: path.read_bytes() for path in answered.rglob("*.json*")}
    run(Asked((llama,), tuple(asked()), data), answered, lambda _: None)
    assert times == []
    assert {path: path.read_bytes() for path in answered.rglob("*.json*")} == before
    asked_for = Asked((llama,), ("tumlu-az", "sentiment-az"), data)
    with pytest.raises(KeyboardInterrupt):
        run(asked_for, tmp_path, lambda _: None)
    run(asked_for, tmp_path, lambda _: None)
    assert times == ["tumlu-az", "sentiment-az", "sentiment-az"]
    for task in asked_for.tasks:
        assert rows_of(tmp_path, task) == rows_of(answered, task)
        assert cell_of(tmp_path, task) == cell_of(answered, task)


def test_items_are_shown_with_their_answers(data: Path, llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right, contexts = runs.put, []

    def noted(*rest: Any) -> Any:
        found = right(*rest)
        contexts.extend(one[0][0] for one in found.asked)
        return found

    monkeypatch.setattr(runs, "put", noted)
    run(Asked((llama,), ("sentiment-az",), data, shots=2, limit=5), tmp_path, lambda _: None)
    sets = Sets("sentiment-az", data, None, None)
    first, second = shown(sets, 2)
    assert {first.label, second.label} == {0, 1}
    assert {first.id, second.id} <= {item.id for item in sets.train.items}
    ask = "Rəy: {}\nSual: bu rəy müsbətdir, yoxsa mənfi?\nCavab:"
    before = "".join(f"{ask.format(item.text)} {('mənfi', 'müsbət')[item.label]}\n\n" for item in (first, second))
    assert contexts == [before + ask.format(item.text) for item in sets.test.items[:5]]
    cell = cell_of(tmp_path, "sentiment-az")
    assert (cell["model"], cell["protocol"]["shots"], cell["rows"]["test"]["used"]) == ("tiny, 2-shot", 2, 5)
    assert cell["rows"]["test"]["cut"] > 0
    with pytest.raises(DollmaError, match=r"--shots 4: belebele-az has no rows but those of test to show; ask for --shots 0"):
        run(Asked((llama,), ("belebele-az",), data, shots=4), tmp_path, lambda _: None)


def taught(folder: Path, texts: Sequence[str]) -> Path:
    """The decoder of a folder, after some rounds over these texts."""
    model, made = LlamaForCausalLM.from_pretrained(folder), Tokenizer.from_file(str(folder / "tokenizer.json"))
    rows = [[2, *made.encode(text, add_special_tokens=False).ids] for text in texts]
    longest = max(map(len, rows))
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(40):
        optimiser.zero_grad()
        model(input_ids=ids, labels=ids.masked_fill(ids == 0, -100)).loss.backward()
        optimiser.step()
    model.save_pretrained(folder)
    return folder


def test_a_decoder_that_knows_is_found_to_know(data: Path, tmp_path: Path) -> None:
    sets = Sets("sentiment-az", data, None, None)
    ask = "Rəy: {}\nSual: bu rəy müsbətdir, yoxsa mənfi?\nCavab: {}"
    texts = [ask.format(item.text, ("mənfi", "müsbət")[item.label]) for item in sets.train.items]
    run(Asked((taught(write_llama(tmp_path / "knows"), texts),), ("sentiment-az",), data), tmp_path / "out", lambda _: None)
    assert cell_of(tmp_path / "out", "sentiment-az")["collapsed"] is None
    (row,) = (row for row in board(tmp_path / "out")["rows"] if row["way"] == "decoder")
    assert row["cells"]["sentiment-az"]["mean"] > 0.75


def test_what_can_not_be_asked_is_told_before_anything_is(data: Path, llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bert = write_bert(tmp_path / "bert")
    pickled = write_llama(tmp_path / "pickled")
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    base = ["decode", "--data", str(data), "--out", str(tmp_path / "out")]
    for model, task, told in (
        (bert, "tumlu-az", r"'bert' is no decoder that transformers has; encoders are fine-tuned: `dollma bench run`"),
        (pickled, "tumlu-az", "could run anything"),
        (llama, "sib200-az", "sib200-az is read from"),
        (llama, "tumlu", "no task is called 'tumlu'"),
    ):
        with pytest.raises(DollmaError, match=told):
            CliRunner().invoke(app, [*base, "--model", str(model), "--task", task], catch_exceptions=False)
    bench_data.write(tmp_path / "more", "sib200-az")
    with pytest.raises(DollmaError, match="decoders are not asked 'sib200-az'"):
        run(Asked((llama,), ("sib200-az",), tmp_path / "more"), tmp_path / "out", lambda _: None)
    monkeypatch.setitem(sys.modules, "lm_eval", None)
    with pytest.raises(DollmaError, match=r"pip install 'dollma\[decoders\]'"):
        CliRunner().invoke(app, [*base, "--model", str(llama), "--task", "tumlu-az"], catch_exceptions=False)
    assert not (tmp_path / "out").exists()


def test_weights_that_are_no_numbers_are_an_error(data: Path, tmp_path: Path) -> None:
    folder = write_llama(tmp_path / "broken")
    model = LlamaForCausalLM.from_pretrained(folder)
    with torch.no_grad():
        model.model.norm.weight[0] = torch.nan
    model.save_pretrained(folder)
    with pytest.raises(DollmaError, match=r"tumlu-az: .*: its weights are no numbers"):
        run(Asked((folder,), ("tumlu-az",), data, limit=3), tmp_path / "out", lambda _: None)
    assert not list((tmp_path / "out/runs").glob("*"))


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version that holds out 12 documents of two sources: short ones, and one of several windows."""
    folder = bench_data.version(tmp_path_factory.mktemp("versions") / "small", [("books", "ev"), ("news", "ev")])
    texts = [row["text"] for row in bench_data.rows("sib200-az", "test", 12)]
    texts[3] = " ".join(texts) + " ©"
    rows = [{"id": f"{number:032x}", "source": ("books", "news")[number % 2], "text": text, "copy": 0} for number, text in enumerate(texts)]
    path = folder / "data/validation-00000-of-00001.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    manifest["files"]["data/validation-00000-of-00001.parquet"] = {"bytes": path.stat().st_size, "sha256": "0" * 64}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def test_bits_for_each_byte_of_whole_documents(held: Path, llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version = open_version(held)
    (found,) = measured([llama], version, 10**6, 32, tmp_path, lambda _: None)
    rows = [json.loads(line) for path in tmp_path.glob("bytes/*/documents.jsonl") for line in path.read_text("utf-8").splitlines()]
    table_of = pq.read_table(held / "data/validation-00000-of-00001.parquet").to_pylist()
    scorer = Scorer(opened(llama), 32)
    model = LlamaForCausalLM.from_pretrained(llama).eval()
    for row, document in zip(rows, table_of, strict=True):
        ids, nats, done = scorer.tok_encode(document["text"]), 0.0, 0
        while done < len(ids):
            asked_for = ids[done : done + 32]
            end = done + len(asked_for)
            read = [2, *ids][max(0, end - 32) if done else 0 : end]
            with torch.inference_mode():
                logits = model(torch.tensor([read])).logits[0].log_softmax(-1)[-len(asked_for) :]
            nats -= float(logits.gather(1, torch.tensor(asked_for)[:, None]).sum())
            done = end
        assert row["nats"] == pytest.approx(nats, rel=1e-4)
        assert row["bytes"] == len(document["text"].encode())
    assert [row["unknown"] for row in rows] == [int(number == 3) for number in range(12)]
    whole = sum(row["nats"] for row in rows) / log(2) / sum(row["bytes"] for row in rows)
    assert found.bits["all"].mean == pytest.approx(whole)
    assert found.facts["scores of lm-eval"]["bits_per_byte"] == pytest.approx(whole, abs=1e-6)
    assert set(found.bits) == {"all", "books", "news"}
    assert all(one.low < one.mean < one.high for one in found.bits.values())

    monkeypatch.setattr("benchmarks.decoders.held_out.put", None)  # what is there is not measured again
    told = CliRunner().invoke(
        app, ["bytes", str(held), "--model", str(llama), "--out", str(tmp_path), "--window", "32"], catch_exceptions=False
    )
    assert told.output == table([found])
    assert f"| tiny | {whole:.3f} ± " in told.output
    train_only = bench_data.version(tmp_path / "none", [("books", "ev")])
    with pytest.raises(DollmaError, match="no documents in validation"):
        measured([llama], open_version(train_only), 10**6, 32, tmp_path, lambda _: None)


@pytest.mark.realdata
def test_real_sets(shared: Path, llama: Path, tmp_path: Path) -> None:
    run(Asked((llama,), TASKS, shared / "benchmarks", shots=1, limit=6), tmp_path, lambda _: None)
    for task in TASKS:
        cell, rows = cell_of(tmp_path, task), rows_of(tmp_path, task)
        sets = Sets(task, shared / "benchmarks", None, None)
        assert [row["id"] for row in rows] == [item.id for item in sets.test.items[:6]]
        assert documents(sets.task, sets.test.items[:1])[0]["label"] == sets.test.items[0].label
        assert (cell["model"], cell["data"]) == ("tiny, 1-shot", sets.hashes)
