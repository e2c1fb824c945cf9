"""The benchmark of pre-training compares the same thing, counts what it says, and fails below its floors. How fast anything is, is not tested here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
import zstandard
from transformers import AutoTokenizer, BertConfig, BertForMaskedLM, PreTrainedModel, PreTrainedTokenizerBase

from benchmarks.speed import pretrain, run_mlm, stopwatch
from benchmarks.speed.pretrain_texts import drawn, real_texts, stored, trained
from modeling.tokenizer import vocabulary
from modeling.tokens import batches, pack

GATE = Path(__file__).parents[1] / "gates/pretrain.yaml"
TEXTS = [
    "Səhər tezdən bağa çıxdıq.\n\nAlma ağacları çiçəkləmişdi, quşlar oxuyurdu.\nNənəm çay dəmlədi.",
    "Qatar saat yeddidə yola düşdü. Yolda dağları, çayları və kiçik kəndləri gördük; hər dayanacaqda bir nəfər mindi.",
    "Kitabxana bazar günü bağlıdır.\nBirinci gün isə səhər doqquzdan axşam altıya qədər işləyir.\n   \nGiriş pulsuzdur.",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer of the texts above, with 192 ids."""
    return trained(TEXTS, 192, tmp_path_factory.mktemp("tokenizer"))


@pytest.fixture(scope="module")
def tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(folder)


@pytest.fixture
def model() -> PreTrainedModel:
    torch.manual_seed(0)
    shape = {"vocab_size": 192, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    dropouts = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    return BertForMaskedLM(BertConfig(**shape, **dropouts, max_position_embeddings=64, initializer_range=0.3))


def lines() -> list[str]:
    return [line for text in TEXTS for line in text.splitlines()]


def test_lines_are_cut_and_padded(tokenizer: PreTrainedTokenizerBase) -> None:
    rows = run_mlm.line_by_line(lines(), tokenizer, 16)
    kept = [line for line in lines() if line.strip()]
    assert len(rows) == len(kept) == 7
    for row, line in zip(rows, kept, strict=True):
        whole = tokenizer(line)["input_ids"]
        cut = whole if len(whole) <= 16 else [*whole[:15], tokenizer.sep_token_id]
        assert row["input_ids"] == cut + [0] * (16 - len(cut))
        assert row["attention_mask"] == [1] * len(cut) + [0] * (16 - len(cut))


def test_lines_are_strung_together(tokenizer: PreTrainedTokenizerBase) -> None:
    rows = run_mlm.group_texts(lines(), tokenizer, 16)
    strung = [token for line in lines() if line.strip() for token in tokenizer(line)["input_ids"]]
    assert [token for row in rows for token in row["input_ids"]] == strung[: len(strung) // 16 * 16]
    assert {len(row["input_ids"]) for row in rows} == {16}


@pytest.mark.parametrize("way", [run_mlm.line_by_line, run_mlm.group_texts])
def test_the_trainer_trains_and_tokens_are_counted(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, way: Any) -> None:
    rows = way(lines(), tokenizer, 16)
    before = model.bert.encoder.layer[0].output.dense.weight.detach().clone()
    watch = stopwatch.Stopwatch(1, 0.0)
    counts = run_mlm.train(model, rows, tokenizer, len(rows), 0.15, False, watch)
    assert (watch.steps, watch.measured) == (2, 1)
    real = sum(token not in (0, 2, 3) for row in rows for token in row["input_ids"])
    assert set(counts) == {real}, "a step is all rows, in another order: the same tokens each time, whatever is masked"
    assert watch.counted(counts) == real
    assert not torch.equal(before, model.bert.encoder.layer[0].output.dense.weight)


def test_our_tokens_are_counted_alike(folder: Path, tmp_path: Path) -> None:
    tokens = stored(TEXTS, folder, tmp_path / "store-x")
    rows = pack(tokens, "train", 16)
    batch = next(batches(rows, vocabulary(folder), seed=1, start=0, size=len(rows), rate=0.15, workers=0))
    assert batch.text == len(tokens.split("train").ids)


@pytest.mark.parametrize("way", [run_mlm.line_by_line, run_mlm.group_texts])
def test_losses_for_the_same_places_agree(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, way: Any) -> None:
    rows = way(lines(), tokenizer, 32)
    examples = [rows[n] for n in range(len(rows))]
    assert pretrain.losses_apart(model.eval(), tokenizer, examples, 0.3) < pretrain.SAME


def test_a_whole_run_gives_figures(tmp_path: Path) -> None:
    found = pretrain.run(pretrain.parsed([*small(tmp_path), "--seconds", "0", "--rounds", "2"]))
    assert list(found["ways"]) == ["lines", "documents", "grouped", "ours"]
    assert all(way["steps"] == 2 and way["tokens/s"] > 0 for way in found["ways"].values())
    assert found["ways"]["lines"]["filled"] < found["ways"]["ours"]["filled"] <= 1
    assert 0 <= found["losses apart"] <= pretrain.SAME
    table = pretrain.markdown(json.loads(json.dumps(found)))
    assert "| run_mlm, `group_texts` |" in table


def test_a_run_that_compares_different_losses_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = pretrain.forward_masked
    monkeypatch.setattr(pretrain, "forward_masked", lambda *tensors: (right(*tensors)[0] * 1.0001, None))
    with pytest.raises(RuntimeError, match="apart for the same masked places"):
        pretrain.run(pretrain.parsed([*small(tmp_path), "--ways", "lines"]))


def small(folder: Path) -> list[str]:
    """Arguments for a run of moments, on text that is packed as the real one is."""
    rows = "\n".join(json.dumps({"text": text}) for text in TEXTS * 40)
    (folder / "text_az").mkdir()
    (folder / "text_az/made.jsonl.zst").write_bytes(zstandard.ZstdCompressor().compress(rows.encode()))
    given = {"data": folder, "vocab": 192, "megabytes": 0.02, "length": 16, "rows": 2, "warm-up": 1}
    return [part for name, value in given.items() for part in (f"--{name}", str(value))]


def test_the_gate_names_what_is_slow() -> None:
    found = {"ways": {"lines": {"ours is faster by": 5.5}, "grouped": {"ours is faster by": 2.5}}}
    floors = yaml.safe_load(GATE.read_text("utf-8"))["floors"]
    assert pretrain.below(found, floors) == ["grouped: ours is ×2.50 as fast, the floor is ×2.8"]
    assert floors["lines"]["least"] >= 5
    arguments = pretrain.parsed(["--gate", str(GATE)])
    assert (arguments.shape, arguments.vocab, set(arguments.ways)) == ("small", 64_000, {"lines", "grouped", "ours"})
    assert pretrain.parsed(["--gate", str(GATE), "--rows", "8"]).rows == 8, "what is given goes before the gate"


def test_a_gate_without_the_real_text_says_that_it_is_not_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["pretrain", "--gate", str(GATE), "--data", str(tmp_path / "none")])
    pretrain.main()
    assert "not held: no real text in" in capsys.readouterr().out


def test_the_watch_times_what_follows_the_warm_up() -> None:
    now = iter([10.0, 14.0, 19.0])
    waited: list[int] = []
    watch = stopwatch.Stopwatch(2, 8.0, every=3, synchronise=lambda: waited.append(watch.steps), clock=lambda: next(now))
    assert [watch.step() for _ in range(8)] == [False] * 7 + [True]
    assert (watch.measured, watch.elapsed, waited) == (6, 9.0, [2, 5, 8])
    assert watch.counted([100, 100, 1, 2, 3, 4, 5, 6, 100]) == 21
    with pytest.raises(ValueError, match="warm_up is 0"):
        stopwatch.Stopwatch(0, 1.0)


def test_documents_are_drawn_up_to_a_size() -> None:
    texts = ["a" * 1000] * 50 + ["b" * 5000]
    found = drawn(texts, 0.02)
    assert len(found) == 20
    assert set(found) == {"a" * 1000}, "one that is a tenth of all and more would be all there is"


def test_real_texts_name_the_folder_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="--data"):
        real_texts(tmp_path)
