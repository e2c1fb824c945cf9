"""Tuning: a decoder is taught to answer, by dialogues in which it is asked for the answers alone.

A step takes the next dialogues, in an order that is computed, lays them side by side in rows in which none sees another, and goes down the gradient of the mean loss
over all answers' tokens of the step, through the forward pass and the sums of pre-training. Killed and run again it goes on from its last checkpoint, on a CPU bit for
bit.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from signal import SIGTERM
from time import monotonic
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel

from curation.errors import DollmaError
from curation.files import checksum, whole_folder
from curation.fingerprint import fingerprint
from modeling import checkpoint, schedule
from modeling.adaptation import lora
from modeling.adaptation.chat import FILE, Chat, ending
from modeling.adaptation.foreign import COPIED, open_model
from modeling.adaptation.lessons import Lesson, laid_out, lessons
from modeling.adaptation.recipe import Instruct
from modeling.adaptation.start import causal, started
from modeling.attention import check_length
from modeling.config import Pretraining
from modeling.cross_entropy import IGNORED
from modeling.export import TOKENIZER_FILES, TOLERANCE
from modeling.logs import open_logs
from modeling.meter import Unread
from modeling.model import Packed
from modeling.optimiser import adamw, update
from modeling.progress import Display
from modeling.quiet import quiet
from modeling.ranks import Ranks, joined
from modeling.step import PLACES, accumulate
from modeling.stopping import Stopped, wishes
from modeling.tokens import row_of

FAILURES, FACTS = "failures.jsonl", "tuning.json"
FINAL = "final"
VERSION = 1
"""Raised when the same settings and rows give another model."""
TOLD = 3
"""Failures that are shown; all are in the folder."""


def tune(settings: Instruct, start: Path, run: Path, display: Display) -> Path:
    """Tune the model of the folder `start`, and give the folder of the tuned one, RUN/final, which keeps the rows that could not be used in `failures.jsonl`.

    Raises DollmaError for an encoder, files that are not there or of which no row can be used, a damaged checkpoint, a loss that is no number; Stopped on a signal.
    """
    if (run / FINAL).is_dir():
        return run / FINAL
    if not causal(start):
        raise DollmaError(f"{start}: an encoder, which predicts masked tokens and can't answer: tune a decoder")
    chat = Chat(start)
    ending(chat)  # a template that can't be used is told before anything is read
    lesson = lessons(settings, chat)
    config = _config(settings, start, len(lesson.dialogues))
    told = ", ".join(f"{count:,} {reason}" for reason, count in sorted(Counter(failure.reason for failure in lesson.failures).items()))
    display.say(
        f"{len(lesson.dialogues):,} dialogues, {lesson.cut:,} of them cut at {settings.length} tokens; rows that can't be used: {told or 'none'}"
    )
    for failure in lesson.failures[:TOLD]:
        display.say(f"  {failure.message}")
    with joined(config.run.device) as ranks:
        if ranks.count > 1:
            raise DollmaError("tuning runs in one process: start it without torchrun")
        with checkpoint.claimed(run, config.deciding(), data_fingerprint(settings)):
            return _tune(config, lesson, chat, run, ranks, display)


def _tune(config: Pretraining, lesson: Lesson, chat: Chat, run: Path, ranks: Ranks, display: Display) -> Path:
    # ---- the model, adapters and optimiser: from the folder, or as the newest checkpoint has them
    model = started(Path(str(config.model.start)), 0.0, "sdpa")
    check_length(model, config.length)
    adapters = lora.adapt(model, config.lora, config.seed) if config.lora else None
    model.to(ranks.device)
    optimiser = adamw(model, config.optimiser)
    state = checkpoint.resume(run, model, optimiser)
    module, unread, losses = Packed(model), Unread(ranks), list(state.losses)
    total, batch, began = config.horizon.steps or 0, config.batch.rows or 0, monotonic() - state.seconds
    with open_logs(config.run.logs, run, run.name, config.model_dump(mode="json"), state.step) as logs, wishes() as wish:
        display.begin(config.name, state.step / total)
        while state.step < total:
            # ---- the step's dialogues, side by side in rows, and a step down
            samples = np.arange(state.sample, state.sample + batch)
            dialogues = [lesson.dialogues[number] for number in row_of(samples, len(lesson.dialogues), config.seed)]
            asked = laid_out(
                dialogues, config.length, int(model.config.pad_token_id or 0), max(1, PLACES[ranks.device.type] // config.length)
            )
            labels = sum(int((one.labels != IGNORED).sum()) for one in asked)
            loss = accumulate(module, model, asked, labels, config, ranks, state.sample)
            learning_rate = config.learning_rate * schedule.rate(config.schedule, (state.step + 0.5) / total)
            norm = update(optimiser, model, learning_rate, config.optimiser.clip)
            unread.add(state.step + 1, range(state.sample, state.sample + batch), loss, norm)
            tokens = sum(len(one.ids) for one in dialogues)
            state = replace(
                state, step=state.step + 1, sample=state.sample + batch, tokens=state.tokens + tokens, seconds=monotonic() - began
            )

            # ---- now and then a line of the log and a checkpoint; at a signal's wish, an end
            if state.step % config.run.log_every == 0 or state.step == total:
                losses += unread.read()
                values: dict[str, Any] = {"loss": sum(losses) / len(losses), "lr": learning_rate, "norm": float(norm), "answers": labels}
                values |= {"epoch": state.sample / len(lesson.dialogues), "time": state.seconds}
                logs.write(state.step, **values)
                display.observe(state.step, state.step / total, values)
                losses = []
            if wish.signal or (state.step % config.run.checkpoint_every == 0 and state.step < total):
                losses += unread.read()
                logs.sync()
                checkpoint.save(run, model, optimiser, replace(state, losses=tuple(losses)), config.run.keep)
            if wish.signal and state.step < total:
                raise Stopped(wish.signal or SIGTERM, state.step)
    lora.merge(adapters)
    return _export(model, chat, lesson, config, state, run / FINAL)


def data_fingerprint(settings: Instruct) -> str:
    """Of the files' content, in their order. Raises DollmaError for one that is not there."""
    try:
        return fingerprint({"files": [checksum(Path(name)) for name in settings.data], "version": VERSION})
    except OSError as error:
        raise DollmaError(f"{error.filename}: can't be read ({error.strerror}): give JSON Lines with instructions") from error


def _config(settings: Instruct, start: Path, dialogues: int) -> Pretraining:
    """The run as the loop's parts know runs; a batch's rows are dialogues here. No dropout but the adapters' own."""
    steps = -(-settings.epochs * dialogues // settings.batch)
    return Pretraining(
        name=settings.step,
        tokens=settings.data[0],
        length=settings.length,
        seed=settings.seed,
        model={"start": str(start)},
        lora=settings.lora,
        batch={"rows": settings.batch},
        horizon={"steps": steps},
        schedule={"kind": "linear", "warmup": settings.warmup_share(steps)},
        optimiser={"learning_rate": settings.learning_rate},
        run=settings.run,
    )


def _export(model: PreTrainedModel, chat: Chat, lesson: Lesson, config: Pretraining, state: checkpoint.State, folder: Path) -> Path:
    """The model with its tokenizer and chat template, loaded again and compared; the failures; what was done."""
    facts = {
        "settings": config.deciding(),
        "dialogues": len(lesson.dialogues),
        "cut": lesson.cut,
        "steps": state.step,
        "tokens": state.tokens,
    }
    failures = Counter(failure.reason for failure in lesson.failures)
    if (end := ending(chat)) is not None and model.generation_config is not None:
        model.generation_config.eos_token_id = _ends(model.generation_config.eos_token_id, end)
    with whole_folder(folder) as temporary, quiet():
        model.save_pretrained(temporary)
        for name in (*TOKENIZER_FILES, *COPIED):
            if (chat.folder / name).is_file():
                shutil.copyfile(chat.folder / name, temporary / name)
        if chat.own:
            (temporary / FILE).write_text(chat.template, encoding="utf-8")
        rows = (
            json.dumps({"place": one.locator, "reason": one.reason, "message": one.message}, ensure_ascii=False) for one in lesson.failures
        )
        (temporary / FAILURES).write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
        told = json.dumps(facts | {"failures": failures}, ensure_ascii=False, indent=1, sort_keys=True)
        (temporary / FACTS).write_text(told + "\n", encoding="utf-8")
        ids = torch.from_numpy(lesson.dialogues[0].ids)[None].to(model.device)
        with torch.inference_mode():
            loaded = open_model(temporary).model.to(model.device, model.dtype)
            apart = float((model.eval()(input_ids=ids).logits - loaded(input_ids=ids).logits).abs().max())
        if not apart <= TOLERANCE:
            raise DollmaError(
                f"{folder.name}: the tuned model is loaded with other logits (apart by {apart:g}): report this; nothing was written"
            )
    return folder


def _ends(stated: int | list[int] | None, end: int) -> int | list[int]:
    """Where a model stops: where it did, and at the end of an answer."""
    ends = sorted({end, *([] if stated is None else [stated] if isinstance(stated, int) else stated)})
    return ends[0] if len(ends) == 1 else ends
