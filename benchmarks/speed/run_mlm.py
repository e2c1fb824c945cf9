"""The field's baseline: masked language modelling as transformers' own example script does it (examples/pytorch/language-modeling/run_mlm.py).

The data as the script prepares it (an example is a line of text; `line_by_line` cuts it and pads it to the row's length, `group_texts` strings lines together and cuts
the string into rows), its collator, the library's Trainer with its defaults, and the model's own forward pass, which gives logits at every place. Only what the script
writes and reports meanwhile is off. `accelerate`, which the Trainer needs, is a dependency of this benchmark alone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from itertools import chain
from typing import Any

import torch
from datasets import Dataset, disable_progress_bars
from transformers import (
    DataCollatorForLanguageModeling,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from benchmarks.speed.stopwatch import Stopwatch

disable_progress_bars()
FOR_EVER = 10**6
"""Steps: the stopwatch ends a run."""
Batch = dict[str, torch.Tensor]


def line_by_line(lines: Sequence[str], tokenizer: PreTrainedTokenizerBase, length: int) -> Dataset:
    """Each line is a row: cut to `length` tokens, or padded to it (`--line_by_line --pad_to_max_length`)."""

    def tokenized(examples: dict[str, list[str]]) -> Any:
        return tokenizer(examples["text"], padding="max_length", truncation=True, max_length=length, return_special_tokens_mask=True)

    return _lines(lines).map(tokenized, batched=True, remove_columns=["text"])


def group_texts(lines: Sequence[str], tokenizer: PreTrainedTokenizerBase, length: int) -> Dataset:
    """Lines one after the other, a thousand at a time, cut into rows of `length`; what is left of a thousand is dropped."""

    def tokenized(examples: dict[str, list[str]]) -> Any:
        return tokenizer(examples["text"], return_special_tokens_mask=True)

    def grouped(examples: dict[str, list[list[int]]]) -> dict[str, list[list[int]]]:
        strung = {name: list(chain(*values)) for name, values in examples.items()}
        whole = len(strung["input_ids"]) // length * length
        return {name: [values[first : first + length] for first in range(0, whole, length)] for name, values in strung.items()}

    return _lines(lines).map(tokenized, batched=True, remove_columns=["text"]).map(grouped, batched=True)


def _lines(lines: Sequence[str]) -> Dataset:
    return Dataset.from_dict({"text": [line for line in lines if line and not line.isspace()]})


def collator(tokenizer: PreTrainedTokenizerBase, rate: float) -> DataCollatorForLanguageModeling:
    """Pads and masks, batch by batch."""
    return DataCollatorForLanguageModeling(tokenizer=tokenizer, mlm_probability=rate)


def train(
    model: PreTrainedModel, rows: Dataset, tokenizer: PreTrainedTokenizerBase, size: int, rate: float, cuda: bool, watch: Stopwatch
) -> list[int]:
    """Train until the watch has enough, `size` rows a step. Gives the tokens of text in each batch that was made, padding, [CLS] and [SEP] not counted."""
    counts: list[int] = []
    marks = torch.tensor([tokenizer.pad_token_id, tokenizer.cls_token_id, tokenizer.sep_token_id])
    masked = collator(tokenizer, rate)

    def collated(examples: list[dict[str, Any]]) -> Batch:
        batch: Batch = masked(examples)
        unmasked = torch.where(batch["labels"] == -100, batch["input_ids"], batch["labels"])
        counts.append(int((~torch.isin(unmasked, marks)).sum()))
        return batch

    class Watched(TrainerCallback):
        def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
            control.should_training_stop = watch.step()

    with tempfile.TemporaryDirectory() as folder:
        settings = TrainingArguments(
            output_dir=folder,
            max_steps=FOR_EVER,
            per_device_train_batch_size=size,
            use_cpu=not cuda,
            bf16=cuda,
            report_to="none",
            logging_strategy="no",
            save_strategy="no",
            disable_tqdm=True,
        )
        trainer = Trainer(
            model=model, args=settings, train_dataset=rows, data_collator=collated, callbacks=[Watched()], processing_class=tokenizer
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    model.zero_grad(set_to_none=True)
    return counts
