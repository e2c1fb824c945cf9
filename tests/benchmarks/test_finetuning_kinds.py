"""Tasks of every kind: what a model is shown, what it is asked, and what its outputs mean, beside transformers' own models and by definition."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional
from transformers import AutoModel

from benchmarks.finetuning.batches import batch
from benchmarks.finetuning.encoder import opened
from benchmarks.finetuning.kinds import KINDS, best_span, grid
from benchmarks.finetuning.pieces import ENCODE, Tokens, fitted
from benchmarks.finetuning.sets import Sets
from benchmarks.finetuning.training import predict, standardise
from benchmarks.finetuning.tuned import Tuned
from benchmarks.tasks.items import Answer, Degree, Pair, Span, Words
from tests.benchmarks import bench_data
from tests.benchmarks.bench_models import write_bert, write_xlmr

CONTEXT = "Aytən yazır. Kamran oxuyur. Nigar əkir. Orxan bişirir. " * 8


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {"bert": write_bert(folder / "bert"), "headless": write_bert(folder / "e5", headless=True), "xlmr": write_xlmr(folder / "xlmr")}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bench_data.write(tmp_path_factory.mktemp("data"))


def items(data: Path, kind: str, many: int = 12) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    sets = Sets(bench_data.KIND[kind], data, None, None)
    return sets.train.items[:many], sets.task.labels


@pytest.mark.parametrize(("kind", "name"), [*product(KINDS, ("bert", "xlmr"))])
def test_examples_beside_one_another_do_not_see_each_other(kind: str, name: str, models: dict[str, Path], data: Path) -> None:
    """And each gets the outputs that transformers' own model gives, fed one piece at a time."""
    found, names = items(data, kind)
    tokens = Tokens(models[name])
    examples = ENCODE[kind](found, tokens).examples
    torch.manual_seed(3)
    model = Tuned(opened(models[name], True), KINDS[kind].outputs(names), 0.0).eval()
    together, _ = predict(model, kind, examples, tokens.vocabulary.pad)
    theirs = AutoModel.from_pretrained(models[name]).eval()
    for one, outputs in zip(examples, together, strict=True):
        states = []
        for piece in one.pieces:
            halves = (np.arange(len(piece.ids)) >= piece.second).astype(int)
            more = {"token_type_ids": torch.from_numpy(halves)[None]} if name == "bert" else {}
            with torch.inference_mode():
                hidden = theirs(input_ids=torch.from_numpy(piece.ids)[None], **more).last_hidden_state[0]
            states.append(hidden[torch.from_numpy(one.places)] if one.places is not None else hidden.mean(0, keepdim=True))
        with torch.inference_mode():
            assert np.allclose(model.head(torch.cat(states)).numpy(), outputs, atol=1e-5)


def test_a_model_without_a_head_for_masked_tokens_opens(models: dict[str, Path]) -> None:
    whole, headless = (opened(models[name], True) for name in ("bert", "headless"))
    assert [name for name, _ in whole.named_parameters()] == [name for name, _ in headless.named_parameters()]
    stored = AutoModel.from_pretrained(models["headless"]).state_dict()
    assert all(torch.equal(values, stored[name]) for name, values in headless.state_dict().items())


@pytest.mark.parametrize(("name", "marks"), [("bert", 1), ("xlmr", 2)])
def test_two_texts_are_joined_as_the_model_knows_it(name: str, marks: int, models: dict[str, Path]) -> None:
    tokens = Tokens(models[name])
    known = tokens.vocabulary
    (one,) = ENCODE["pair"]([Pair("1", "qol vurdu", "komanda", 1)], tokens).examples
    first, second = tokens.ids(["qol vurdu", "komanda"])
    assert one.pieces[0].ids.tolist() == [known.cls, *first, *[known.sep] * marks, *second, known.sep]
    assert one.pieces[0].second == 1 + len(first) + marks
    long = ENCODE["pair"]([Degree("1", "qol " * 90, "həkim " * 5, 2.5)], tokens)
    assert (long.cut, len(long.examples[0].pieces[0].ids), long.examples[0].target) == (1, tokens.places, 2.5)


@pytest.mark.parametrize(("first", "second", "kept"), [(3, 4, (3, 4)), (30, 4, (6, 4)), (4, 30, (4, 6)), (30, 30, (5, 5)), (9, 6, (5, 5))])
def test_of_two_texts_the_longer_one_is_shortened(first: int, second: int, kept: tuple[int, int]) -> None:
    assert tuple(len(part) for part in fitted(np.arange(first), np.arange(second), 10)) == kept


@pytest.mark.parametrize("long", [1, 30])
def test_each_word_is_asked_once_at_its_first_piece(long: int, models: dict[str, Path]) -> None:
    tokens = Tokens(models["bert"])
    words = ("Bakı", "gəldi", "oyunçu", ".", "\u200b", "Aytən") * long
    item = Words("1", words, tuple(n % 3 for n in range(len(words))))
    found = ENCODE["words"]([item], tokens).examples
    assert (len(found) > 1) == (long > 1)
    assert np.concatenate([one.target for one in found]).tolist() == list(item.labels)
    asked = [one.pieces[0].ids[place] for one in found for place in one.places if place]
    firsts = [ids[0] for ids in tokens.ids(words) if len(ids)]
    assert [int(one) for one in asked if one != tokens.vocabulary.unk][: len(firsts)] == [
        int(one) for one in firsts if one != tokens.vocabulary.unk
    ]
    assert sum(int(one.sizes.sum()) for one in found) == len(tokens.ids([" ".join(words)])[0])
    rows = KINDS["words"].answers([item], found, [np.eye(3)[one.target] for one in found], ("O", "B-X", "I-X"))
    assert rows[0]["predicted"] == rows[0]["label"]
    assert len(rows[0]["pieces"]) == len(words)


def spans() -> list[Span]:
    return [
        Span("near", CONTEXT, "kim oxuyur ?", (Answer(CONTEXT.index("Kamran"), "Kamran"),)),
        Span("far", CONTEXT, "kim bişirir ?", (Answer(CONTEXT.rindex("Orxan"), "Orxan bişirir"),)),
        Span("long", CONTEXT, "kim " * 200, (Answer(CONTEXT.index("Nigar"), "Nigar"),)),
    ]


def outputs_for(examples: Any) -> list[np.ndarray]:
    """Of a model that is sure of the target: where the answer stands, or [CLS] where it does not."""
    made = []
    for one in examples:
        found = np.zeros((len(one.places), 2))
        found[one.target[0], 0] = found[one.target[1], 1] = 5.0
        made.append(found)
    return made


@pytest.mark.parametrize("name", ["bert", "xlmr"])
def test_answers_are_found_in_windows_of_long_contexts(name: str, models: dict[str, Path]) -> None:
    tokens = Tokens(models[name])
    encoded = ENCODE["span"](spans(), tokens)
    assert encoded.cut == 1, "the long question"
    assert all(len(one.pieces[0].ids) <= tokens.places for one in encoded.examples)
    assert sum(one.item == 1 for one in encoded.examples) > 3
    for number in range(3):
        letters = {tuple(row) for one in encoded.examples if one.item == number for row in one.offsets[1:]}
        assert len(letters) == len(tokens.ids([CONTEXT])[0]), "each token of the context stands in a window"
    rows = KINDS["span"].answers(spans(), encoded.examples, outputs_for(encoded.examples), ())
    assert [row["predicted"] for row in rows] == ["Kamran", "Orxan bişirir", "Nigar"]
    assert rows[1]["label"] == ["Orxan bişirir"]


def test_only_where_some_questions_have_no_answer_may_none_be_given(models: dict[str, Path]) -> None:
    some = [*spans(), Span("none", CONTEXT, "kim gedir ?", ())]
    examples = ENCODE["span"](some, Tokens(models["bert"])).examples
    rows = KINDS["span"].answers(some, examples, outputs_for(examples), ())
    assert [row["predicted"] for row in rows] == ["Kamran", "Orxan bişirir", "Nigar", ""]
    nowhere = [np.eye(len(one.places))[[0, 0]].T for one in examples if one.item < 3]
    assert all(row["predicted"] for row in KINDS["span"].answers(spans(), [one for one in examples if one.item < 3], nowhere, ()))


def test_the_best_span_is_the_best_of_all() -> None:
    draw = np.random.default_rng(1)
    for length in (1, 2, 7, 60):
        starts, ends = draw.normal(size=(2, length))
        sums = {(a, b): starts[a] + ends[b] for a in range(length) for b in range(a, min(length, a + 48))}
        best = max(sums, key=sums.__getitem__)
        assert best_span(starts, ends) == (pytest.approx(sums[best]), *best)


def test_losses_are_those_of_their_definitions() -> None:
    torch.manual_seed(2)
    outputs, of = torch.randn(7, 2), torch.tensor([0, 0, 0, 1, 1, 2, 2])
    right = [2, 0, 1]
    chosen = [outputs[of == number, 0].log_softmax(0)[place] for number, place in enumerate(right)]
    assert float(KINDS["choice"].loss(outputs[:, :1], of, right)) == pytest.approx(-float(torch.stack(chosen).mean()))
    ends = [[0, 2], [1, 1], [0, 1]]
    both = [outputs[of == number, end].log_softmax(0)[places[end]] for number, places in enumerate(ends) for end in (0, 1)]
    assert float(KINDS["span"].loss(outputs, of, [np.array(one) for one in ends])) == pytest.approx(-float(torch.stack(both).mean()))
    tags = [np.array([0, 1, 1]), np.array([1, 0]), np.array([0, 0])]
    expected = functional.cross_entropy(outputs, torch.from_numpy(np.concatenate(tags)))
    assert float(KINDS["words"].loss(outputs, of, tags)) == pytest.approx(float(expected))
    assert torch.isinf(grid(outputs[:, 0], of)[1:, 2]).all()


def test_degrees_are_learnt_as_deviations_and_told_as_degrees(models: dict[str, Path], data: Path) -> None:
    found, names = items(data, "degree", 40)
    tokens = Tokens(models["bert"])
    examples = ENCODE["degree"](found, tokens).examples
    model = Tuned(opened(models["bert"], True), 1, 0.0)
    with torch.no_grad():
        model.head.weight.zero_()
    values = [item.value for item in found]
    standardise(model, values)
    outputs, loss = predict(model, "degree", examples, tokens.vocabulary.pad)
    assert [row["predicted"] for row in KINDS["degree"].answers(found, examples, outputs, names)] == pytest.approx(
        [np.mean(values)] * 40, abs=1e-3
    )
    assert loss == pytest.approx(1, abs=1e-4), "the mean for all has a loss of 1, whatever the degrees"


def test_batches_hold_each_piece_once(models: dict[str, Path], data: Path) -> None:
    found, _ = items(data, "choice", 6)
    tokens = Tokens(models["bert"])
    examples = ENCODE["choice"](found, tokens).examples
    laid = batch(examples, tokens.vocabulary.pad)
    pieces = [piece for one in examples for piece in one.pieces]
    for number, piece in enumerate(pieces):
        assert laid.ids[laid.pieces == number].tolist() == piece.ids.tolist()
        assert laid.positions[laid.pieces == number].tolist() == list(range(len(piece.ids)))
        assert int(laid.halves[laid.pieces == number].sum()) == len(piece.ids) - piece.second
    assert laid.of.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert set(laid.ids[laid.pieces < 0].tolist()) <= {tokens.vocabulary.pad}
