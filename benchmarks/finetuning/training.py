"""One run: an encoder fine-tuned from a seed at a learning rate, and the best of its states on validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from math import ceil, isfinite
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt
from torch import Tensor
from torch.nn import functional

from benchmarks.finetuning.classifier import Classifier, opened, used_ids
from benchmarks.finetuning.scores import scores
from benchmarks.finetuning.texts import Encoded, batch, drawn
from curation.errors import DollmaError
from modeling import schedule
from modeling.config import Optimiser, Schedule
from modeling.optimiser import adamw, update
from modeling.settings import Strict
from modeling.tokenizer import Vocabulary

CLIP = 1.0
"""Norm of a gradient at most."""
PREDICTED = 64
"""Texts that are told apart at a time."""


class Protocol(Strict):
    """How models are fine-tuned, the same for all.

    `rates` are learning rates, ascending: two in the middle are tried, and on from the better one as long as it gets better. They reach from what large models bear to
    what fresh weights need. So many epochs, but no fewer steps than `least_steps`: of few rows, few epochs leave a model where it was (2006.05987, section 6). The rate
    goes up for a tenth of the steps, then down to 0, which stopping by patience never reaches. `validation` rows at most decide, `evaluations` times, equally far apart.
    """

    version: PositiveInt = 1
    """Raise it when the same settings give another score."""
    rates: tuple[PositiveFloat, ...] = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3)
    batch: PositiveInt = 16
    epochs: PositiveInt = 4
    least_steps: PositiveInt = 150
    evaluations: PositiveInt = 4
    validation: PositiveInt = 250
    warmup: PositiveFloat = 0.1
    weight_decay: NonNegativeFloat = 0.01
    dropout: NonNegativeFloat = 0.1
    """Before the head; in the encoder, as its configuration has it."""

    def steps(self, rows: int) -> int:
        """Steps of a run over so many rows."""
        return max(self.least_steps, self.epochs * ceil(rows / self.batch))

    def next_rate(self, tried: Mapping[float, tuple[float, float]]) -> float | None:
        """The rate to try after these, each with its merit: two in the middle, then the neighbours of the best. None where they are known, or there are none."""
        middle = (len(self.rates) - 1) // 2
        wanted = self.rates[middle : middle + 2]
        if all(rate in tried for rate in wanted):
            best = self.rates.index(best_rate(tried))
            wanted = self.rates[max(0, best - 1) : best + 2]
        return next((rate for rate in wanted if rate not in tried), None)


def best_rate(tried: Mapping[float, tuple[float, float]]) -> float:
    """The rate of the greatest merit; of equal ones the lowest."""
    return max(sorted(tried), key=tried.__getitem__)


class Labelled(NamedTuple):
    """Texts and the numbers of their labels [n]."""

    texts: Encoded
    labels: np.ndarray


class Evaluation(NamedTuple):
    """On validation, after a share of the steps. `loss` is nats an item; `training` is the mean loss of the steps since the evaluation before."""

    share: float
    accuracy: float
    macro_f1: float
    loss: float
    training: float


class Trained(NamedTuple):
    """The best state of a run, which is that of evaluation `best`: its weights, the ids whose rows of the embedding they hold, its logits on validation [n, classes]."""

    history: tuple[Evaluation, ...]
    best: int
    weights: dict[str, Tensor]
    used: np.ndarray
    logits: np.ndarray


class Start(NamedTuple):
    """What a run starts from: a model's folder, with its weights or with fresh ones, and a head for so many classes."""

    folder: Path
    pretrained: bool
    classes: int


def train(
    start: Start, vocabulary: Vocabulary, rows: Labelled, held_out: Labelled, metric: str, protocol: Protocol, rate: float, seed: int
) -> Trained:
    """Fine-tune on `rows`, and keep the state that is best on `held_out`: by `metric`, of equal ones by loss, of equal ones the first.

    On a CPU the same arguments and number of threads give the same weights, bit for bit. Raises DollmaError for a loss that is no number.
    """
    with torch.random.fork_rng(devices=[]):
        # ---- the model; of its embedding, the rows that are used, under new numbers
        torch.manual_seed(seed)
        model = Classifier(opened(start.folder, start.pretrained), start.classes, protocol.dropout).train()
        used = used_ids([*rows.texts.ids, *held_out.texts.ids], (vocabulary.pad,))
        model.keep_rows(used)
        pad = int(np.searchsorted(used, vocabulary.pad))
        ids, asked = ([np.searchsorted(used, text) for text in one.texts.ids] for one in (rows, held_out))
        labels = torch.from_numpy(rows.labels)

        # ---- down the loss, evaluated now and then
        optimiser = adamw(model, Optimiser(betas=(0.9, 0.999), weight_decay=protocol.weight_decay))
        falling = Schedule(kind="linear", warmup=protocol.warmup)
        steps = protocol.steps(len(ids))
        due = {round(steps * (n + 1) / protocol.evaluations) for n in range(protocol.evaluations)}
        history: list[Evaluation] = []
        losses: list[float] = []
        best = Trained((), -1, {}, used, np.empty((0, start.classes)))
        for step, chosen in enumerate(islice(drawn(len(ids), protocol.batch, seed), steps), 1):
            torch.manual_seed((seed << 32) + step)  # dropout is a function of seed and step
            loss = functional.cross_entropy(model(batch([ids[row] for row in chosen], pad)), labels[chosen])
            loss.backward()
            update(optimiser, model, rate * schedule.rate(falling, (step - 0.5) / steps), CLIP)
            losses.append(float(loss.detach()))
            if not isfinite(losses[-1]):
                raise DollmaError(
                    f"{start.folder}: the loss of step {step} is {losses[-1]} at learning rate {rate:g}, seed {seed}: take lower rates"
                )
            if step in due:
                logits = predict(model, asked, pad)
                history.append(_evaluation(step / steps, logits, held_out.labels, losses))
                losses = []
                if best.best < 0 or merit(history[-1], metric) > merit(history[best.best], metric):
                    weights = {name: values.detach().clone() for name, values in model.state_dict().items()}
                    best = best._replace(best=len(history) - 1, weights=weights, logits=logits)
        return best._replace(history=tuple(history))


def restored(start: Start, weights: dict[str, Tensor], used: np.ndarray) -> Classifier:
    """The model in the state that `train` kept, with all rows of its embedding: those that no text used are as they were."""
    model = Classifier(opened(start.folder, start.pretrained), start.classes, 0.0)
    whole = model.encoder.get_input_embeddings()
    model.keep_rows(used)
    model.load_state_dict(weights)
    rows = model.encoder.get_input_embeddings().weight.detach()
    with torch.no_grad():
        whole.weight[torch.from_numpy(used)] = rows
    model.encoder.set_input_embeddings(whole)
    return model


def predict(model: Classifier, texts: Sequence[np.ndarray], pad: int) -> np.ndarray:
    """Logits [n, classes] of texts, in their order. The model is left in the mode that it was in."""
    training = model.training
    model.eval()
    found = np.empty((len(texts), model.head.out_features), np.float32)
    with torch.inference_mode():
        for first in range(0, len(texts), PREDICTED):
            found[first : first + PREDICTED] = model(batch(texts[first : first + PREDICTED], pad)).numpy()
    model.train(training)
    return found


def merit(found: Evaluation, metric: str) -> tuple[float, float]:
    """What is compared: the metric first, then the loss."""
    return getattr(found, metric), -found.loss


def _evaluation(share: float, logits: np.ndarray, labels: np.ndarray, losses: list[float]) -> Evaluation:
    found = scores(labels, logits.argmax(1)[None])
    logarithms = logits.astype(np.float64) - logits.max(1, keepdims=True)
    likely = logarithms[np.arange(len(labels)), labels] - np.log(np.exp(logarithms).sum(1))
    return Evaluation(share, float(found.accuracy[0, 0]), float(found.macro_f1[0, 0]), float(-likely.mean()), sum(losses) / len(losses))
