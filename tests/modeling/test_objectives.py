"""The order of halves: losses are transformers' own, one document changes no other's, a model learns it, and what is exported tells it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console
from torch import Tensor
from torch.nn import functional
from transformers import AutoModel, AutoModelForMaskedLM, AutoModelForNextSentencePrediction, PreTrainedModel

from modeling.cross_entropy import IGNORED
from modeling.export import read_card
from modeling.logs import read_log
from modeling.model import build, configured, forward_masked
from modeling.objectives import evaluate_order, forward_ordered
from modeling.progress import Display
from modeling.ranks import Ranks
from modeling.shapes import Shape, described
from modeling.step import accumulate, asked_of, packed
from modeling.tokens import Part, Rows, batches, open_tokens, pack, write_store
from modeling.tokens.halves import Halving
from modeling.train import train
from tests.modeling.stores import SIZE, VOCABULARY, store
from tests.modeling.tiny import SOURCES, STORE, settings, workspace

NOTHING = np.zeros(1 << 16, np.bool_)
HALVING = Halving(5, 3, NOTHING, NOTHING, NOTHING)
"""Cuts in the middle."""


class Ids:
    """Of the vocabulary of `stores`."""

    size, pad, cls, sep = SIZE, 0, 2, 3


def fresh(spread: float = 0.3) -> PreTrainedModel:
    """Weights large enough that everything matters."""
    config = configured("bert", Shape(hidden=32, heads=2, layers=3, ffn=64), Ids(), 64)
    config.initializer_range = spread
    return build(config, 1, ordered=True).eval()


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    lengths = np.random.default_rng(8).integers(1, 50, 120).tolist()
    return pack(store(tmp_path_factory.mktemp("order") / "s", lengths), "train", 64, halves=True)


def asked(rows: Rows, numbers: np.ndarray) -> list[Tensor]:
    """The arguments of `forward_ordered`: three places of each row are guessed, nothing is masked."""
    laid, halves = HALVING(rows.batch(numbers), numbers, rows.most)
    places = np.tile([1, 4, 9], (len(numbers), 1))
    labels = np.take_along_axis(laid.ids, places, 1)
    return [torch.from_numpy(one) for one in (*laid[:3], places, labels, *halves)]


def test_losses_are_those_of_transformers_for_each_piece_alone(rows: Rows) -> None:
    model, numbers = fresh(), np.arange(6)
    ids, _, pieces, places, labels, segments, begins, swapped = tensors = asked(rows, numbers)
    with torch.inference_mode():
        nll, right, told, order_right = forward_ordered(model, *tensors)
        assert nll.shape == right.shape == (6, 3)
        assert told.shape == order_right.shape == (6, rows.most)
        for row in range(6):
            for piece in range(int(pieces[row].max()) + 1):
                own = pieces[row] == piece
                out = model(input_ids=ids[row, own][None], token_type_ids=segments[row, own][None])
                if swapped[row, piece] == IGNORED:
                    assert told[row, piece] == 0
                    assert not order_right[row, piece]
                else:
                    wanted = functional.cross_entropy(out.seq_relationship_logits, swapped[row, piece][None])
                    assert float(told[row, piece]) == pytest.approx(float(wanted), abs=1e-5)
                    assert order_right[row, piece] == (out.seq_relationship_logits.argmax() == swapped[row, piece])
                for column, place in enumerate(places[row].tolist()):
                    if pieces[row, place] == piece:
                        logits = out.prediction_logits[0, place - int(begins[row, piece])]
                        wanted = functional.cross_entropy(logits[None], labels[row, column][None])
                        assert float(nll[row, column]) == pytest.approx(float(wanted), abs=1e-4)


def test_a_document_changes_no_others_order_and_segments_matter(rows: Rows) -> None:
    model = fresh()
    tensors = asked(rows, np.arange(6))
    ids, pieces, segments = tensors[0], tensors[2], tensors[5]
    here = pieces == 1
    assert here.any(1).sum() > 2
    changed = [torch.where(here & (ids > 4), 5 + (ids + 3) % 900, ids), *tensors[1:]]
    turned = [*tensors[:5], 1 - segments, *tensors[6:]]
    with torch.inference_mode():
        before, after, other = (forward_ordered(model, *one)[2] for one in (tensors, changed, turned))
    assert torch.equal(before[:, 0], after[:, 0])
    assert torch.equal(before[:, 2:], after[:, 2:])
    assert not torch.equal(before[:, 1], after[:, 1])
    assert (before != other)[tensors[7] != IGNORED].all()


def test_both_heads_and_the_pooler_are_trained(rows: Rows) -> None:
    model = fresh().train()
    nll, _, told, _ = forward_ordered(model, *asked(rows, np.arange(4)))
    (nll.sum() + told.sum()).backward()
    assert all(weights.grad is not None and bool((weights.grad != 0).any()) for weights in model.parameters())


def test_a_steps_loss_is_the_mean_over_places_and_the_mean_over_pieces(rows: Rows) -> None:
    """Each over all batches of the step, which have different numbers of both; and the gradient is that of this sum."""
    config, ranks = settings(objective={"sentence_order": True}), Ranks(0, 1, torch.device("cpu"))
    model = fresh(0.02)
    feed = batches(rows, VOCABULARY, seed=1, start=0, size=3, rate=0.3, halving=HALVING, workers=0)
    asked = [asked_of(next(feed), causal=False) for _ in range(3)]
    labels, orders = (sum(counts) for counts in zip(*((int((one.labels >= 0).sum()), one.orders) for one in asked), strict=True))
    assert labels != orders
    wanted = torch.zeros(())
    for one in asked:
        nll, _, told, _ = forward_ordered(model, *one[:5], *one.halves)
        assert one.orders == (one.halves[2] >= 0).sum() > 0
        wanted = wanted + nll.sum() / labels + told.sum() / orders
    gradients = torch.autograd.grad(wanted, list(model.parameters()))
    loss = accumulate(packed(model, config, ranks), model, asked, labels, config, ranks, 0, orders)
    assert float(loss) == pytest.approx(float(wanted.detach()), rel=1e-6)
    for weights, gradient in zip(model.parameters(), gradients, strict=True):
        assert weights.grad is not None
        torch.testing.assert_close(weights.grad.to_dense(), gradient, atol=1e-6, rtol=1e-4)


def test_scores_do_not_depend_on_the_seed_and_a_limit_takes_rows(rows: Rows) -> None:
    model = fresh().train()
    whole = evaluate_order(model, rows, HALVING, size=16, limit=10**6)
    assert model.training
    other = evaluate_order(model, rows, Halving(99, 3, NOTHING, NOTHING, NOTHING), size=16, limit=10**6)
    assert whole == other, "the same halves are turned around, whatever a run's seed"
    assert whole.pieces == (rows.counts > 1).sum()
    few = evaluate_order(model, rows, HALVING, size=16, limit=5)
    assert 0 < few.pieces < whole.pieces
    by_hand = evaluate_order(model, rows, HALVING, size=3, limit=5)
    assert (by_hand.pieces, by_hand.right) == (few.pieces, few.right)
    assert by_hand.nll == pytest.approx(few.nll, rel=1e-5)
    assert set(whole.figures()) == {"loss", "accuracy", "pieces"}
    assert whole.figures()["accuracy"] == whole.right / whole.pieces


def test_masked_losses_of_such_a_model_are_as_ever(rows: Rows) -> None:
    model = fresh()
    tensors = asked(rows, np.arange(4))
    tensors[5] = torch.zeros_like(tensors[5])
    with torch.inference_mode():
        assert torch.allclose(forward_ordered(model, *tensors)[0], forward_masked(model, *tensors[:5])[0], atol=1e-5)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on documents whose first half is of two ids and whose second is of seventy others. (Four seeds of four had learnt it by step 90.)"""
    place = workspace(tmp_path_factory.mktemp("workspace"))
    tokens = open_tokens(place / "tokens" / STORE)
    draw = np.random.default_rng(0)

    def part(documents: int) -> Part:
        lengths = 2 * draw.integers(3, 13, documents)
        ids = np.concatenate([np.concatenate([100 + draw.integers(2, size=n // 2), 180 + draw.integers(70, size=n // 2)]) for n in lengths])
        return Part(ids.astype(np.uint16), lengths, draw.integers(0, 2, documents), np.ones(documents, np.int64), lengths * 4)

    facts: dict[str, Any] = {name: tokens.manifest[name] for name in ("version", "tokenizer")}
    write_store(place / "tokens" / "halves-0123", {"train": [part(300)], "validation": [part(40)]}, SOURCES, **facts)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    changes: dict[str, Any] = {
        "horizon": {"steps": 120},
        "batch": {"rows": 32},
        "optimiser": {"learning_rate": 5e-3},
        "run": {"micro_batch": 16, "log_every": 20, "checkpoint_every": 120},
        "evaluation": {"every": 60, "rows": 8},
        "objective": {"sentence_order": True},
    }
    with Display(Console(quiet=True)) as display:
        final = train(settings(name="order", tokens="halves-0123", **changes), place, display)
    torch.set_num_threads(before)
    return final


def test_a_run_learns_the_order_and_reports_it(trained: Path) -> None:
    log = [line for line in read_log(trained.parent / "log.jsonl") if "validation" in line]
    assert [set(line["order"]) for line in log] == [{"loss", "accuracy", "pieces"}] * 2
    assert log[-1]["order"]["accuracy"] > 0.9
    card = read_card(trained)
    assert card.order is not None
    assert card.order.accuracy == log[-1]["order"]["accuracy"]
    assert f"{card.order.accuracy:.1%} told right of {card.order.pieces} texts" in (trained / "README.md").read_text(encoding="utf-8")


def test_the_folder_loads_as_each_of_its_parts(trained: Path) -> None:
    model = AutoModelForNextSentencePrediction.from_pretrained(trained).eval()
    first, second = [100, 101] * 5, list(range(190, 200))
    found = []
    for a, b in ((first, second), (second, first)):
        ids, segments = torch.tensor([[2, *a, 3, *b, 3]]), torch.tensor([[0] * 12 + [1] * 11])
        found.append(int(model(input_ids=ids, token_type_ids=segments).logits.argmax()))
    assert found == [0, 1]
    pooler = AutoModel.from_pretrained(trained).pooler.dense.weight
    assert torch.equal(pooler, model.bert.pooler.dense.weight)
    assert float(pooler.detach().std()) != pytest.approx(0.02, rel=0.01), "trained, not as it was drawn"
    assert AutoModelForMaskedLM.from_pretrained(trained).config.architectures == ["BertForPreTraining"]


def test_parameters_are_counted_with_the_pooler(trained: Path) -> None:
    (count,) = (
        value for name, value in read_card(trained).parameters.items() if name == "the model as trained, with pooler and both heads"
    )
    shape = configured("bert", Shape(hidden=32, heads=2, layers=2, ffn=64), Ids(), 32)
    shape.vocab_size = 256
    assert count == sum(weights.numel() for weights in build(shape, 1, ordered=True).parameters())
    assert f"{count:,} in the model that is trained (with pooler and both heads)" in described(shape, ordered=True)
