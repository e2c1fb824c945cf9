"""The speed of fine-tuning, beside transformers' Trainer as its text-classification example runs it, on a real task: CPU time of whole runs, and what they score.

    python -m benchmarks.speed.finetuning --data FOLDER [--model FOLDER] [--task sib200-az] [--seeds 3] [--least 1.5]

Both start from the same folder (one with fresh weights, and a tokenizer trained on the task's own text, unless given), take the same batch size, steps, learning rate,
schedule, weight decay and clipping, and answer the test split once. Theirs pads each batch to its longest text, trains the whole embedding, and reads [CLS] through a
pooler; ours lays texts into rows, trains the rows of the embedding that are used, reads the mean, and answers validation too; of many classes, it fits the head first.
Runs take turns, seed by seed; CPU time is what a busy machine changes little.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any, NamedTuple

import numpy as np
import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    PrinterCallback,
    Trainer,
    TrainingArguments,
)

from benchmarks.finetuning.encoder import positions
from benchmarks.finetuning.pieces import ENCODE, Tokens
from benchmarks.finetuning.protocol import Protocol
from benchmarks.finetuning.sets import Sets
from benchmarks.finetuning.training import CLIP, Data, Learnt, Start, predict, restored, train
from benchmarks.speed.pretrain_texts import trained
from modeling.model import build, configured
from modeling.quiet import quiet
from modeling.shapes import SHAPES
from modeling.tokenizer import vocabulary

THREADS = 1


class Compared(NamedTuple):
    """What both do: a task, a model's folder, how, and at which learning rate."""

    sets: Sets
    folder: Path
    protocol: Protocol
    rate: float


def ours(of: Compared, seed: int) -> float:
    """Train, with validation to choose by as in any run, and answer the test split; gives the share that is right."""
    tokens = Tokens(of.folder)
    start, learnt = Start(of.folder, True), Learnt("text", of.sets.task.labels, "accuracy")
    validation = of.sets.validation(of.protocol.validation)
    train_rows, held_out, test = (ENCODE["text"](part.items, tokens) for part in (of.sets.train, validation, of.sets.test))
    pad = tokens.vocabulary.pad
    found = train(start, learnt, pad, train_rows, Data(validation.items, held_out), of.protocol, of.rate, seed)
    outputs, _ = predict(restored(start, learnt, found.weights, found.used, seed), "text", test.examples, pad)
    return float(np.mean([one[0].argmax() == item.label for one, item in zip(outputs, of.sets.test.items, strict=True)]))


def theirs(of: Compared, seed: int) -> float:
    """The same by the Trainer."""
    tokenizer, places = AutoTokenizer.from_pretrained(of.folder), positions(of.folder)
    rows = {
        split: [_row(tokenizer, places, item) for item in part.items] for split, part in (("train", of.sets.train), ("test", of.sets.test))
    }
    with quiet(), tempfile.TemporaryDirectory() as folder:
        torch.manual_seed(seed)
        model = AutoModelForSequenceClassification.from_pretrained(of.folder, num_labels=len(of.sets.task.labels), dtype=torch.float32)
        steps = of.protocol.steps(len(rows["train"]))
        settings = TrainingArguments(
            output_dir=folder,
            max_steps=steps,
            per_device_train_batch_size=of.protocol.batch,
            per_device_eval_batch_size=64,
            learning_rate=of.rate,
            warmup_steps=round(of.protocol.warmup * steps),
            weight_decay=of.protocol.weight_decay,
            max_grad_norm=CLIP,
            seed=seed,
            use_cpu=True,
            report_to="none",
            logging_strategy="no",
            save_strategy="no",
            disable_tqdm=True,
        )
        trainer = Trainer(model=model, args=settings, train_dataset=rows["train"], data_collator=DataCollatorWithPadding(tokenizer))
        trainer.remove_callback(PrinterCallback)
        trainer.train()
        logits = trainer.predict(rows["test"]).predictions
    return float(np.mean(np.argmax(logits, 1) == [row["labels"] for row in rows["test"]]))


def _row(tokenizer: Any, places: int, item: Any) -> dict[str, Any]:
    ids = tokenizer(item.text, truncation=True, max_length=places)["input_ids"]
    return {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": item.label}


WAYS: dict[str, Callable[[Compared, int], float]] = {"ours": ours, "Trainer": theirs}


def measured(of: Compared, seeds: int) -> dict[str, Any]:
    """Seconds of CPU time a run and scores, by way; and how many times as fast ours is."""
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    scores: dict[str, list[float]] = {way: [] for way in WAYS}
    for seed in range(1, seeds + 1):
        for way, run in WAYS.items():
            began = process_time()
            scores[way].append(round(run(of, seed), 4))
            seconds[way].append(round(process_time() - began, 2))
    ratio = sum(seconds["Trainer"]) / sum(seconds["ours"])
    steps = of.protocol.steps(len(of.sets.train.items))
    return {"task": of.sets.task.name, "steps": steps, "cpu_seconds": seconds, "accuracy": scores, "ours is faster by": round(ratio, 2)}


def fresh(sets: Sets, shape: str, size: int, folder: Path) -> Path:
    """A BERT with fresh weights, and a tokenizer trained on the texts of the training split."""
    trained([item.text for item in sets.train.items], size, folder)
    known = vocabulary(folder)
    with quiet():
        build(configured("bert", SHAPES["bert"][shape], known, 512, 0.1), 1).save_pretrained(folder)
    return folder


def main(arguments: list[str] | None = None) -> None:
    """Run, print the figures, and hold them against the floor."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, help="a folder that transformers loads; without, fresh weights")
    parser.add_argument("--task", default="sib200-az")
    parser.add_argument("--shape", default="small", help="of fresh weights, by `modeling.shapes`")
    parser.add_argument("--vocab", type=int, default=64_000, help="of fresh weights")
    parser.add_argument("--limit", type=int, help="train on so many texts")
    parser.add_argument("--rate", type=float, default=1e-4)
    parser.add_argument("--steps", type=int, help="make so many; the protocol's number unless given")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--least", type=float, help="exit with an error where ours is not so many times as fast")
    given = parser.parse_args(arguments)
    torch.set_num_threads(THREADS)
    protocol = Protocol(evaluations=1) if given.steps is None else Protocol(evaluations=1, least_steps=given.steps, most_steps=given.steps)
    sets = Sets(given.task, given.data, None, given.limit)
    with tempfile.TemporaryDirectory() as folder:
        model = given.model or fresh(sets, given.shape, given.vocab, Path(folder))
        found = measured(Compared(sets, model, protocol, given.rate), given.seeds)
    print(json.dumps(found, indent=1))
    if given.least and found["ours is faster by"] < given.least:
        sys.exit(f"ours is ×{found['ours is faster by']} as fast as the Trainer, the floor is ×{given.least}")


if __name__ == "__main__":
    main()
