"""Packed rows give what single documents give; nothing goes from one document to another; losses are transformers' own."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.attention.flex_attention import create_mask
from transformers import PreTrainedModel, XLMRobertaConfig, XLMRobertaForMaskedLM

from curation.errors import DollmaError
from modeling.attention import check_length, dense_mask, implementation, is_causal, visible
from modeling.cross_entropy import IGNORED, losses
from modeling.model import FAMILIES, HEADS, build, configured, forward_masked, head, hidden_at, next_tokens
from modeling.shapes import Shape

IDS = SimpleNamespace(size=256, pad=0, cls=2, sep=3)
SHAPE = Shape(hidden=32, heads=2, layers=4, ffn=64)
LENGTHS = ((20, 1, 30, 9), (45, 10))
"""Of the pieces of two rows of 64; the rest is padding."""


def fresh(family: str, seed: int = 1) -> PreTrainedModel:
    """In evaluation mode; ModernBERT sees 4 to each side in its local layers, so that its window matters; weights large enough that attention does."""
    config = configured(family, SHAPE, IDS, 64)
    config.initializer_range = 0.2
    if family == "modernbert":
        config.local_attention = 8
    return build(config, seed).eval()


def xlmr() -> PreTrainedModel:
    torch.manual_seed(1)
    shape: dict[str, Any] = {
        "vocab_size": 256,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
    }
    return XLMRobertaForMaskedLM(XLMRobertaConfig(**shape, max_position_embeddings=80, pad_token_id=1, initializer_range=0.2)).eval()


MODELS: dict[str, Callable[[], PreTrainedModel]] = {name: lambda name=name: fresh(name) for name in FAMILIES} | {"xlm-roberta": xlmr}


def packed(seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """ids, positions, pieces of two rows."""
    draw = torch.Generator().manual_seed(seed)
    ids, positions, pieces = (
        torch.zeros(2, 64, dtype=torch.int64),
        torch.zeros(2, 64, dtype=torch.int64),
        torch.full((2, 64), -1, dtype=torch.int32),
    )
    for row, lengths in enumerate(LENGTHS):
        begin = 0
        for piece, length in enumerate(lengths):
            here = slice(begin, begin + length)
            ids[row, here] = torch.randint(5, 256, (length,), generator=draw)
            positions[row, here], pieces[row, here] = torch.arange(length), piece
            begin += length
    return ids, positions, pieces


def everywhere(model: PreTrainedModel, ids: torch.Tensor, positions: torch.Tensor, pieces: torch.Tensor) -> torch.Tensor:
    """The last layer's output, asked for at each place, the last first."""
    places = torch.arange(ids.shape[1]).flip(0).expand(len(ids), -1)
    return hidden_at(model, ids, positions, pieces, places).flip(1)


@pytest.mark.parametrize("name", MODELS)
def test_packed_logits_are_unpacked_logits(name: str) -> None:
    """The unpacked ones as transformers computes them for one document without any mask of ours."""
    model = MODELS[name]()
    ids, positions, pieces = packed()
    with torch.inference_mode():
        together = head(model, everywhere(model, ids, positions, pieces))
        assert together.isfinite().all(), "padding sees padding"
        for row, lengths in enumerate(LENGTHS):
            for piece in range(len(lengths)):
                own = pieces[row] == piece
                alone = model(input_ids=ids[row, own][None]).logits[0]
                torch.testing.assert_close(together[row, own], alone, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", MODELS)
def test_a_document_changes_no_other(name: str) -> None:
    """To the bit; and it does change itself, or this would test nothing."""
    model = MODELS[name]()
    ids, positions, pieces = packed()
    changed = ids.clone()
    second = pieces == 2
    changed[second] = 5 + (changed[second] + 3) % 251
    with torch.inference_mode():
        before, after = (everywhere(model, one, positions, pieces) for one in (ids, changed))
    assert torch.equal(before[~second], after[~second])
    assert not torch.equal(before[second], after[second])


@pytest.mark.parametrize("name", ["bert", "modernbert", "xlm-roberta"])
def test_masked_losses_are_the_dense_ones_of_transformers(name: str) -> None:
    """And so are the gradients: a whole row that is one document, so that transformers needs no mask."""
    model = MODELS[name]()
    ids = torch.randint(5, 256, (3, 64), generator=torch.Generator().manual_seed(2))
    positions, pieces = torch.arange(64).expand(3, -1), torch.zeros(3, 64, dtype=torch.int32)
    places = torch.tensor([[3, 9, 40], [0, 63, 0], [7, 8, 9]])
    labels = torch.tensor([[17, 30, 200], [99, 100, IGNORED], [5, 6, 7]])
    dense = torch.full((3, 64), IGNORED).scatter(1, places, labels)
    dense[1, 0] = 99
    theirs = model(input_ids=ids, labels=dense)
    gradients = torch.autograd.grad(theirs.loss, list(model.parameters()))
    nll, right = forward_masked(model, ids, positions, pieces, places, labels)
    assert nll[1, 2] == 0
    assert not right[1, 2]
    loss = nll.sum() / 8
    assert float(loss.detach()) == pytest.approx(float(theirs.loss.detach()), abs=1e-5)
    assert right.sum() == (theirs.logits.argmax(-1) == dense).sum()
    for mine, wanted in zip(torch.autograd.grad(loss, list(model.parameters())), gradients, strict=True):
        torch.testing.assert_close(mine, wanted, atol=1e-5, rtol=1e-4)


def test_a_decoder_predicts_the_next_token_of_the_same_piece() -> None:
    model = fresh("llama")
    ids, positions, pieces = packed()
    places, labels = next_tokens(ids, pieces)
    assert (labels != IGNORED).sum() == sum(length - 1 for lengths in LENGTHS for length in lengths)
    nll, _ = forward_masked(model, ids, positions, pieces, places, labels)
    with torch.inference_mode():
        wanted = 0.0
        for row, lengths in enumerate(LENGTHS):
            for piece, length in enumerate(lengths):
                alone = ids[row, pieces[row] == piece][None]
                if length > 1:
                    wanted += float(model(input_ids=alone, labels=alone).loss) * (length - 1)
    assert float(nll.detach().sum()) == pytest.approx(wanted, rel=1e-5)


def test_a_decoder_sees_nothing_that_comes_later() -> None:
    model = fresh("llama")
    ids, positions, pieces = packed()
    changed = ids.clone()
    changed[1, 30] = 5 + (changed[1, 30] + 1) % 251
    with torch.inference_mode():
        before, after = (everywhere(model, one, positions, pieces) for one in (ids, changed))
    assert torch.equal(before[1, :30], after[1, :30])
    assert not torch.equal(before[1, 30:45], after[1, 30:45])


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("window", [None, 3])
def test_the_mask_of_a_gpu_is_that_of_a_cpu(causal: bool, window: int | None) -> None:
    _, _, pieces = packed()
    theirs = create_mask(visible(pieces, causal, window), 2, None, 64, 64, device="cpu")
    assert torch.equal(theirs, dense_mask(pieces, causal, window))


def test_the_kind_of_attention_follows_the_device() -> None:
    cuda, cpu = torch.device("cuda"), torch.device("cpu")
    found = [implementation(*case) for case in ((cuda, 512, 0.0), (cuda, 512, 0.1), (cuda, 96, 0.0), (cpu, 512, 0.0))]
    assert found == ["flex_attention", "sdpa", "sdpa", "sdpa"]


def test_cross_entropy_in_place_is_torchs() -> None:
    draw = torch.Generator().manual_seed(3)
    logits = (torch.randn(7, 50, generator=draw) * 9).requires_grad_()
    labels = torch.tensor([0, 49, IGNORED, 7, 7, 12, 30])
    weights = torch.rand(7, generator=draw)
    wanted = functional.cross_entropy(logits, labels, ignore_index=IGNORED, reduction="none")
    (slope,) = torch.autograd.grad((wanted * weights).sum(), logits)
    likeliest = logits.argmax(-1) == labels
    copy = logits.detach().clone().requires_grad_()
    nll, right = losses(copy * 1, labels)
    torch.testing.assert_close(nll, wanted)
    assert torch.equal(right, likeliest)
    torch.testing.assert_close(torch.autograd.grad((nll * weights).sum(), copy)[0], slope)
    shifted, _ = losses(logits.detach() + 3e4, labels)
    assert shifted.isfinite().all(), "large logits don't overflow"


def test_weights_depend_on_the_seed_and_not_on_threads() -> None:
    threads = torch.get_num_threads()
    try:
        found = []
        for seed, number in ((1, 1), (1, 3), (2, 1)):
            torch.set_num_threads(number)
            torch.manual_seed(number)  # what was drawn before must not matter either
            found.append(build(configured("bert", Shape(hidden=64, heads=2, layers=1, ffn=64), IDS, 64), seed).state_dict())
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(value, found[1][name]) for name, value in found[0].items())
    word = "bert.embeddings.word_embeddings.weight"
    assert not torch.equal(found[0][word], found[2][word])
    assert float(found[0][word][5:].std()) == pytest.approx(0.02, rel=0.05)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_a_model_is_told_of_a_vocabulary(family: str) -> None:
    config = configured(family, SHAPE, IDS, 64)
    assert (config.vocab_size, config.pad_token_id) == (256, 0)
    if family != "bert":
        assert (config.bos_token_id, config.eos_token_id) == (2, 3)
    model = build(config, 1)
    assert is_causal(model) == (family == "llama")
    tied = model.get_input_embeddings().weight is model.get_output_embeddings().weight
    assert tied
    assert config.model_type in HEADS


def test_two_models_of_one_configuration_have_their_own_attention() -> None:
    config = configured("bert", SHAPE, IDS, 64)
    first, second = build(config, 1), build(config, 1, "flex_attention")
    assert [model.config._attn_implementation for model in (first, second)] == ["sdpa", "flex_attention"]


def test_errors_name_what_is_known() -> None:
    with pytest.raises(DollmaError, match="did you mean 'bert'"):
        configured("berta", SHAPE, IDS, 64)
    with pytest.raises(DollmaError, match=r"rows of 79 tokens: xlm-roberta has 78 positions"):
        check_length(xlmr(), 79)
    check_length(xlmr(), 78)
    with pytest.raises(DollmaError, match="electra: no packed forward pass is known"):
        head(SimpleNamespace(config=SimpleNamespace(model_type="electra")), torch.zeros(1))
