"""Pre-training, from scratch or from a model that exists, as one loop that reads from top to bottom.

A step takes the next samples (rows, in an order that is computed), asks the model for what is masked in them (or for each next token), and goes down the gradient of
the mean loss over *all* that was asked in the step, on all ranks: a mean of means would weigh a row with few labels as much as one with many (transformers did until
4.46; finnish-modernberts sums labels over the whole step too). Nothing is random but the seed: order, masks and dropout are functions of it and of the sample's number,
so a run that was killed goes on exactly where its last checkpoint was. On a CPU that holds bit for bit, for the same number of torch's threads.
"""

from __future__ import annotations

import gc
import signal
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

import torch
from transformers import PreTrainedModel

from modeling import checkpoint, cooccurrence, schedule
from modeling.adaptation import lora
from modeling.adaptation.start import before, started
from modeling.attention import check_length, implementation
from modeling.config import Pretraining
from modeling.cross_entropy import IGNORED
from modeling.evaluation import Scores, evaluate, total
from modeling.finish import finish
from modeling.inputs import Inputs, opened
from modeling.logs import Logs, open_logs
from modeling.meter import Meter, Unread
from modeling.model import build, configured
from modeling.objectives import OrderScores, order_scores
from modeling.optimiser import adamw, update
from modeling.progress import Display
from modeling.ranks import Ranks, joined
from modeling.shapes import described
from modeling.step import accumulate, asked_of, micro_batch, packed
from modeling.stopping import Stopped, wishes
from modeling.tokens import batches, verify_tokens

MODELS, FINAL = "models", "final"


def train(config: Pretraining, workspace: Path, display: Display) -> Path:
    """Train a model, or go on where a run of the same settings was, and give the folder of the exported one: WORKSPACE/models/NAME-FINGERPRINT/final.

    Raises DollmaError for inputs that are not there or damaged, a damaged checkpoint, settings that can't work, a loss that is no number; Stopped when a signal asked for
    an end.
    """
    with joined(config.run.device) as ranks:
        inputs = opened(config, workspace)
        run = workspace / MODELS / f"{config.name}-{config.fingerprint(inputs.tokens.fingerprint)}"
        if (run / FINAL).is_dir():
            return run / FINAL
        with checkpoint.claimed(run, config.deciding(), inputs.tokens.fingerprint) if ranks.first else nullcontext():
            if ranks.first:
                verify_tokens(inputs.tokens)  # a second for each gigabyte: a changed id would be learnt in silence
            ranks.sum([0])  # the others look into the folder when it is claimed
            return _train(config, inputs, run, ranks, display)


def _train(config: Pretraining, inputs: Inputs, run: Path, ranks: Ranks, display: Display) -> Path:
    # ---- the model and its optimiser: fresh, or as the newest checkpoint has them
    model, adapters = _fresh(config, inputs, ranks, counting=not checkpoint.checkpoints(run))
    optimiser = adamw(model, config.optimiser)
    state = checkpoint.resume(run, model, optimiser)
    module = ranks.wrapped(packed(model, config, ranks))
    display.say(described(model.config, config.objective.sentence_order))
    display.say(
        f"{inputs.train.counts.sum():,} tokens of text in {len(inputs.train):,} rows an epoch, {inputs.train.fill:.2%} of the places filled; {run}"
    )

    # ---- what it is fed: rows from the first sample that it has not seen, `micro` at a time, made by threads ahead of it
    micro = micro_batch(config, ranks)
    feed = batches(
        inputs.train,
        inputs.vocabulary,
        seed=config.seed,
        start=state.sample,
        size=micro,
        rank=ranks.rank,
        ranks=ranks.count,
        rate=None if config.causal else config.masking.rate,
        whole_words=config.masking.whole_words,
        halving=inputs.halving,
        workers=config.run.workers,
    )
    start = before(run, config, lambda: _evaluate(model, inputs, config, ranks, micro), ranks) if config.model.start else None
    losses, unread, meter = list(state.losses), Unread(ranks), Meter(model, ranks)
    scores: dict[str, Scores] = {}
    began = monotonic() - state.seconds
    gc.freeze()  # what is there stays: else Python looks through all of torch again and again (nanochat, base_train.py)
    with _logs(config, run, state, ranks) as logs, wishes() as wish:
        share = schedule.done(config.horizon, state.step, state.tokens, state.seconds)
        display.begin(config.name, share)
        while share < 1:
            # ---- the step's rows, and what ranks must agree on: labels to divide by, tokens seen, the first one's clock, a wish to stop
            rows = schedule.rows(config.batch, config.length, share)
            fed = [next(feed) for _ in range(rows // (micro * ranks.count))]
            asked = [asked_of(batch, config.causal) for batch in fed]
            clock = monotonic() - began if ranks.first else 0.0
            labels, orders, tokens, seconds, stop, operations = ranks.sum(
                (
                    sum(int((one.labels != IGNORED).sum()) for one in asked),
                    sum(one.orders for one in asked),
                    sum(batch.text for batch in fed),
                    clock,
                    bool(wish.signal),
                    sum(meter.operations(one.pieces, one.labels) for one in asked),
                )
            )
            if stop:
                _save(run, model, optimiser, replace(state, losses=tuple(losses + unread.read())), logs, config, ranks)
                raise Stopped(wish.signal or signal.SIGTERM, state.step)

            # ---- forwards, backwards, down. The learning rate is that of the middle of the step: neither the first nor the last is wasted
            loss = accumulate(module, model, asked, labels, config, ranks, state.sample, orders)
            middle = schedule.done(config.horizon, state.step + 0.5, state.tokens + tokens / 2, seconds)
            learning_rate = config.learning_rate * schedule.rate(config.schedule, middle)
            norm = update(optimiser, model, learning_rate, config.optimiser.clip)
            unread.add(state.step + 1, range(state.sample, state.sample + rows), loss, norm)
            meter.add(tokens, operations)
            state = replace(state, step=state.step + 1, sample=state.sample + rows, tokens=state.tokens + round(tokens), seconds=seconds)
            share = schedule.done(config.horizon, state.step, state.tokens, state.seconds)

            # ---- now and then a line of the log, an evaluation, a checkpoint. Only here does the CPU wait for a GPU
            if _due(state.step, config.run.log_every, share):
                losses += unread.read()
                values: dict[str, Any] = {
                    "loss": sum(losses) / len(losses),
                    "lr": learning_rate,
                    "norm": float(norm),
                    "batch": rows,
                    "tokens": state.tokens,
                }
                values |= {"epoch": state.sample / len(inputs.train), "time": state.seconds} | meter.read()
                logs.write(state.step, **values)
                display.observe(state.step, share, values)
                losses = []
            if _due(state.step, config.evaluation.every, share):
                scores = _evaluate(model, inputs, config, ranks, micro)
                _tell(scores, order_scores(model, inputs, config, ranks), state.step, logs, display)
                meter.restart()
            if _due(state.step, config.run.checkpoint_every, share):
                losses += unread.read()
                _save(run, model, optimiser, replace(state, losses=tuple(losses)), logs, config, ranks)
                meter.restart()

    # ---- the end: a folder that transformers loads, with its card
    scores = scores or _evaluate(model, inputs, config, ranks, micro)
    lora.merge(adapters)
    return finish(run / FINAL, model, inputs, config, state, scores, start, ranks)


def _fresh(config: Pretraining, inputs: Inputs, ranks: Ranks, counting: bool) -> tuple[PreTrainedModel, Any]:
    """The model before its first step, and the adapters in it, if it is trained through such. Not `counting` leaves out what a checkpoint has anyway."""
    attention = implementation(ranks.device, config.length, config.model.dropout)
    if config.model.start:
        model = started(Path(config.model.start), config.model.dropout, attention)
    else:
        shape = configured(config.model.family, config.model.shape, inputs.vocabulary, config.length, config.model.dropout)
        model = build(shape, config.seed, attention, config.objective.sentence_order)
        if counting and config.model.embeddings == "cooccurrence":
            cooccurrence.begin(model, inputs.tokens.split("train"), config.seed)
    model.get_input_embeddings().requires_grad_(config.optimiser.embeddings)
    check_length(model, config.length)
    adapters = lora.adapt(model, config.lora, config.seed) if config.lora else None
    return model.to(ranks.device), adapters


def _due(step: int, every: int, share: float) -> bool:
    """Every so many steps, and at the end."""
    return share >= 1 or bool(every and step % every == 0)


def _logs(config: Pretraining, run: Path, state: checkpoint.State, ranks: Ranks) -> Logs:
    return open_logs(config.run.logs if ranks.first else (), run, run.name, config.model_dump(mode="json"), state.step)


def _evaluate(model: PreTrainedModel, inputs: Inputs, config: Pretraining, ranks: Ranks, size: int) -> dict[str, Scores]:
    if inputs.held_out is None:
        return {}
    return evaluate(
        model,
        inputs.held_out,
        inputs.vocabulary,
        inputs.tokens.sources,
        size=size,
        limit=config.evaluation.rows,
        autocast=torch.bfloat16 if ranks.device.type == "cuda" else None,
        rank=ranks.rank,
        ranks=ranks.count,
    )


def _tell(scores: dict[str, Scores], order: OrderScores | None, step: int, logs: Logs, display: Display) -> None:
    if not scores:
        return
    whole, more = total(scores), {"order": order.figures()} if order else {}
    logs.write(step, validation=whole.figures(), sources={name: score.figures() for name, score in scores.items()}, **more)
    told = f"loss {whole.loss:.3f}, accuracy {whole.accuracy:.1%}, {whole.bits_per_byte:.3f} bits per byte"
    told += f", order of halves {order.accuracy:.1%}" if order else ""
    display.say(f"step {step:,}, validation: {told}")


def _save(
    run: Path, model: PreTrainedModel, optimiser: torch.optim.AdamW, state: checkpoint.State, logs: Logs, config: Pretraining, ranks: Ranks
) -> None:
    """The log first: a checkpoint must not know of a step that the log has lost."""
    if ranks.first and state.step:
        logs.sync()
        checkpoint.save(run, model, optimiser, state, config.run.keep)
