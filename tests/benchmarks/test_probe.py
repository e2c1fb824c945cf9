"""The head that training starts from: what scikit-learn fits to the same states, for every kind of task, and nothing where there is nothing to fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression, Ridge

from benchmarks.finetuning import probe
from benchmarks.finetuning.batches import batch
from benchmarks.finetuning.encoder import opened
from benchmarks.finetuning.kinds import KINDS
from benchmarks.finetuning.pieces import ENCODE, Example, Tokens
from benchmarks.finetuning.probe import fit_head, some
from benchmarks.finetuning.sets import Sets
from benchmarks.finetuning.training import loss_of, standardise
from benchmarks.finetuning.tuned import Tuned
from tests.benchmarks import bench_data
from tests.benchmarks.bench_models import write_bert

STRENGTH = 0.1
TASKS = {
    "text": "sib200-az",
    "pair": "books-nsp",
    "degree": "stsb-tr",
    "words": "massive-slots-az",
    "span": "enelpi-qa-tr",
    "choice": "xcopa-tr",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bert(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bench_data.write(tmp_path_factory.mktemp("data"), *TASKS.values())


def made(kind: str, folder: Path, data: Path) -> tuple[Tuned, list[Example]]:
    """A model with a drawn head in training mode, and what it is to learn."""
    sets = Sets(TASKS[kind], data, None, 40)
    examples = list(ENCODE[kind](sets.train.items, Tokens(folder)).examples)
    torch.manual_seed(3)
    model = Tuned(opened(folder, True), KINDS[kind].outputs(sets.task.labels), 0.1).train()
    if kind == "degree":
        standardise(model, [one.target for one in examples])
    return model, examples


def given(model: Tuned, examples: list[Example]) -> np.ndarray:
    """What the head is given for each thing asked, as predictions are made, one example at a time."""
    model.eval()
    with torch.no_grad():
        states = torch.cat([model.asked(batch([one], 0)) for one in examples]).numpy()
    model.train()
    return states


def fitted(kind: str, folder: Path, data: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights and offsets for standard states, and those states."""
    model, examples = made(kind, folder, data)
    states = given(model, examples)
    fit_head(model, kind, examples, examples, 0, (STRENGTH,), 1)
    assert model.training
    centred = states - states.mean(0)
    spread = np.sqrt(np.square(centred).mean())
    weights = model.head.weight.detach().numpy()
    return weights * spread, model.head.bias.detach().numpy() + weights @ states.mean(0), centred / spread


@pytest.mark.parametrize("kind", ["text", "pair", "words"])
def test_classes_are_fitted_as_by_logistic_regression(kind: str, folder: Path, data: Path) -> None:
    _, examples = made(kind, folder, data)
    weights, offsets, states = fitted(kind, folder, data)
    targets = np.concatenate([np.atleast_1d(one.target) for one in examples])
    known = np.unique(targets)  # scikit-learn has no class that stands nowhere
    penalty = (
        STRENGTH * len(targets) / (2 if len(weights) == 2 else 1)
    )  # and of two classes one row of weights, where we have two of half of it
    oracle = LogisticRegression(C=1 / penalty, tol=1e-8, max_iter=5_000).fit(states, targets)
    ours = torch.from_numpy(states @ weights.T + offsets).softmax(1).numpy()
    theirs = np.zeros_like(ours)
    theirs[:, known] = oracle.predict_proba(states)
    assert len(known) > 1
    assert np.allclose(ours, theirs, atol=0.01)


def test_degrees_are_fitted_as_by_ridge_regression(folder: Path, data: Path) -> None:
    _, examples = made("degree", folder, data)
    weights, offsets, states = fitted("degree", folder, data)
    targets = np.array([one.target for one in examples])
    oracle = Ridge(alpha=STRENGTH / 2 * len(targets)).fit(states, (targets - targets.mean()) / targets.std())
    assert np.allclose(weights[0], oracle.coef_, atol=1e-3)
    assert offsets[0] == pytest.approx(oracle.intercept_, abs=1e-3)


@pytest.mark.parametrize("kind", TASKS)
def test_no_step_from_it_is_better(kind: str, folder: Path, data: Path) -> None:
    """The loss with its penalty is the least there is about it, and lower than the drawn head's."""
    model, examples = made(kind, folder, data)
    states = torch.from_numpy(given(model, examples))

    def penalised() -> float:
        model.eval()
        with torch.no_grad():
            spread = (states - states.mean(0)).square().mean().sqrt()
            return float(loss_of(model, kind, examples, 0) + STRENGTH / 2 * (model.head.weight * spread).square().sum())

    drawn = penalised()
    fit_head(model, kind, examples, examples, 0, (STRENGTH,), 1)
    least, best = penalised(), model.head.weight.detach().clone()
    assert least < drawn
    for seed in range(5):
        step = torch.randn(best.shape, generator=torch.Generator().manual_seed(seed))
        with torch.no_grad():
            model.head.weight.copy_(best + 0.05 * best.norm() * step / step.norm())
        assert penalised() > least


def test_the_strength_is_the_best_one_on_what_is_held_out(folder: Path, data: Path) -> None:
    """Of the rows themselves the least penalty is best, of rows whose labels went to their neighbours the greatest."""
    model, examples = made("text", folder, data)
    turned = [one._replace(target=other.target) for one, other in zip(examples, examples[1:] + examples[:1], strict=True)]
    found = []
    for held_out, strengths in [(examples, (1.0, 0.01, 0.1)), (examples, (0.01,)), (turned, (1.0, 0.01, 0.1)), (turned, (1.0,))]:
        fit_head(model, "text", examples, held_out, 0, strengths, 1)
        found.append(model.head.weight.detach().clone())
    assert torch.allclose(found[0], found[1], rtol=0.05, atol=0.02)
    assert torch.equal(found[2], found[3])
    assert found[0].norm() > 2 * found[2].norm()


def test_of_many_examples_some_are_taken_by_the_seed(folder: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, examples = made("words", folder, data)
    words = [len(one.target) for one in examples]
    assert sorted(map(id, some(examples, 1))) == sorted(map(id, examples))
    monkeypatch.setattr(probe, "EXAMPLES", 6)
    few = [[id(one) for one in some(examples, seed)] for seed in (1, 1, 2)]
    assert few[0] == few[1] != few[2]
    assert len(few[0]) == 6
    monkeypatch.setattr(probe, "PLACES", max(words) * 2)
    assert 2 <= len(some(examples, 1)) < 6
    monkeypatch.setattr(probe, "PLACES", 1)
    assert len(some(examples, 1)) == 1


@pytest.mark.parametrize("state", [0.0, float("nan"), float("inf")])
def test_states_that_tell_nothing_leave_the_head_as_it_was(state: float, folder: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, examples = made("text", folder, data)
    before = model.head.weight.detach().clone()
    right = Tuned.asked
    monkeypatch.setattr(Tuned, "asked", lambda *arguments: torch.full_like(right(*arguments), state))
    fit_head(model, "text", examples, examples, 0, (STRENGTH,), 1)
    assert torch.equal(model.head.weight, before)
