"""One run: an encoder fine-tuned from a seed at a learning rate, and the best of its states on validation."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from benchmarks.finetuning.batches import alike, batch, drawn
from benchmarks.finetuning.encoder import opened
from benchmarks.finetuning.kinds import Outputs, kind_of
from benchmarks.finetuning.pieces import Encoded, Example, renumbered, used_ids
from benchmarks.finetuning.probe import fit_head
from benchmarks.finetuning.protocol import Protocol
from benchmarks.finetuning.tuned import Tuned
from benchmarks.scoring.metrics import score
from modeling import schedule
from modeling.config import Optimiser, Schedule
from modeling.optimiser import adamw, update

CLIP = 1.0
"""Norm of a gradient at most."""
LOSSES = 100
"""Means of training losses that are kept, each of as many steps."""
WORST = 1e9
"""What stands for a loss that is no number."""


class Learnt(NamedTuple):
    """What is learnt: the task's kind, the names of its labels, and the metric that decides on validation."""

    kind: str
    names: tuple[str, ...]
    metric: str


class Start(NamedTuple):
    """What a run starts from: a model's folder, with its weights or with fresh ones."""

    folder: Path
    pretrained: bool


class Data(NamedTuple):
    """Items, and the examples made of them."""

    items: Sequence[Any]
    encoded: Encoded


class Evaluation(NamedTuple):
    """On validation, after a share of the steps: the score, and the loss an example. `training` is the mean loss of the steps since the evaluation before."""

    share: float
    score: float
    loss: float
    training: float


class Trained(NamedTuple):
    """The best state of a run, which is that of evaluation `best`: its weights, the ids whose rows of the embedding they hold, its answers on validation.

    `losses` are of all steps. A run whose loss was no number ended there, and that is the last of them.
    """

    history: tuple[Evaluation, ...]
    best: int
    losses: tuple[float, ...]
    weights: dict[str, Tensor]
    used: np.ndarray
    answers: list[dict[str, Any]]


def device() -> torch.device:
    """Where models are trained: the GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def train(start: Start, learnt: Learnt, pad: int, rows: Encoded, held_out: Data, protocol: Protocol, rate: float, seed: int) -> Trained:
    """Fine-tune on `rows`, and keep the state that is best on `held_out`: by the metric, of equal ones by loss, of equal ones the first.

    On a CPU the same arguments and number of threads give the same weights, bit for bit.
    """
    kind, place = kind_of(learnt.kind), device()
    with torch.random.fork_rng():
        # ---- the model; of its embedding, the rows that are used, under new numbers
        torch.manual_seed(seed)
        model = Tuned(opened(start.folder, start.pretrained), kind.outputs(learnt.names), protocol.dropout).train()
        used = used_ids([rows, held_out.encoded], (pad,))
        model.keep_rows(used)
        model.to(place)
        if learnt.kind == "degree":
            standardise(model, [one.target for one in rows.examples])
        pad = int(np.searchsorted(used, pad))
        examples, asked = (renumbered(one.examples, used) for one in (rows, held_out.encoded))

        # ---- the head, to what the encoder says as it is, where steps are too few to learn it
        if protocol.fits_head(len(examples), model.head.out_features):
            fit_head(model, learnt.kind, examples, asked, pad, protocol.strengths, seed)

        # ---- down the loss, evaluated now and then
        optimiser = adamw(model, Optimiser(betas=(0.9, 0.999), weight_decay=protocol.weight_decay))
        falling = Schedule(kind="linear", warmup=protocol.warmup)
        steps = protocol.steps(len(examples))
        due = {round(steps * (n + 1) / protocol.evaluations) for n in range(protocol.evaluations)}
        history: list[Evaluation] = []
        losses: list[float] = []
        since = 0
        best = Trained((), -1, (), {}, used, [])
        for step, chosen in enumerate(islice(drawn(len(examples), protocol.batch, seed), steps), 1):
            torch.manual_seed((seed << 32) + step)  # dropout is a function of seed and step
            taken = [examples[number] for number in chosen]
            loss = loss_of(model, learnt.kind, taken, pad)
            losses.append(float(loss.detach()))
            lost = not isfinite(losses[-1])
            if not lost:
                loss.backward()
                update(optimiser, model, rate * schedule.rate(falling, (step - 0.5) / steps), CLIP)
            if step in due or (lost and not history):
                outputs, loss_then = predict(model, learnt.kind, asked, pad)
                answers = kind.answers(held_out.items, asked, outputs, learnt.names)
                history.append(Evaluation(step / steps, scored(answers, learnt), loss_then, float(np.mean(losses[since:]))))
                since = len(losses)
                if best.best < 0 or merit(history[-1]) > merit(history[best.best]):
                    weights = {name: values.detach().cpu().clone() for name, values in model.state_dict().items()}
                    best = best._replace(best=len(history) - 1, weights=weights, answers=answers)
            if lost:
                break
        return best._replace(history=tuple(history), losses=tuple(losses))


def standardise(model: Tuned, targets: Sequence[float]) -> None:
    """Let a model's outputs of 0 and 1 be the mean of the targets and one standard deviation above it."""
    model.shift.fill_(float(np.mean(targets)))
    model.scale.fill_(float(np.std(targets)) or 1.0)


def loss_of(model: Tuned, kind: str, examples: Sequence[Example], pad: int) -> Tensor:
    """The mean loss of a batch of examples: squared deviations of degrees are in their variance."""
    laid = batch(examples, pad).to(model.head.weight.device)
    return kind_of(kind).loss(model(laid), laid.of, [one.target for one in examples]) / model.scale**2


def restored(start: Start, learnt: Learnt, weights: dict[str, Tensor], used: np.ndarray, seed: int) -> Tuned:
    """The model in the state that `train` kept with this seed, with all rows of its embedding: those that no text used are as they were, with
    fresh weights as the seed drew them."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = Tuned(opened(start.folder, start.pretrained), kind_of(learnt.kind).outputs(learnt.names), 0.0)
    whole = model.encoder.get_input_embeddings()
    model.keep_rows(used)
    model.load_state_dict(weights)
    rows = model.encoder.get_input_embeddings().weight.detach()
    with torch.no_grad():
        whole.weight[torch.from_numpy(used)] = rows
    model.encoder.set_input_embeddings(whole)
    return model.to(device())


def predict(model: Tuned, kind: str, examples: Sequence[Example], pad: int) -> tuple[Outputs, float]:
    """Outputs [asked, outputs] of each example, in their order, and the mean loss. The model is left in the mode that it was in."""
    training = model.training
    model.eval()
    found: Outputs = [np.empty((0, 0))] * len(examples)
    total = 0.0
    with torch.inference_mode():
        for chosen in alike(examples):
            taken = [examples[number] for number in chosen]
            laid = batch(taken, pad).to(model.head.weight.device)
            outputs = model(laid)
            loss = kind_of(kind).loss(outputs, laid.of, [one.target for one in taken]) / model.scale**2
            total += float(loss) * len(taken)
            counts = np.bincount(laid.of.cpu().numpy(), minlength=len(taken))
            for number, one in zip(chosen, np.split(np.nan_to_num(outputs.float().cpu().numpy()), np.cumsum(counts)[:-1]), strict=True):
                found[number] = one
    model.train(training)
    loss_mean = total / len(examples)
    return found, loss_mean if isfinite(loss_mean) else WORST


def scored(answers: Sequence[dict[str, Any]], learnt: Learnt) -> float:
    """The metric that decides."""
    return score(learnt.metric, [one["label"] for one in answers], [one["predicted"] for one in answers], learnt.names)


def merit(found: Evaluation) -> tuple[float, float]:
    """What is compared: the metric first, then the loss."""
    return found.score, -found.loss
