"""Operations counted by the models themselves agree with the published rule, and with pairs counted one by one."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from transformers import (
    BertConfig,
    BertForMaskedLM,
    LlamaConfig,
    LlamaForCausalLM,
    ModernBertConfig,
    ModernBertForMaskedLM,
    PreTrainedModel,
)

from modeling.flops import cost, pairs, peak, piece_lengths, utilisation

IDS = {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3}
ROW = np.zeros((1, 512), np.int32)


def bert(hidden: int, layers: int, heads: int) -> PreTrainedModel:
    with torch.device("meta"):
        shape = {"hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": heads, "intermediate_size": 4 * hidden}
        return BertForMaskedLM(BertConfig(vocab_size=64_000, **shape))


@pytest.mark.parametrize(
    ("hidden", "layers", "heads", "sparse", "dense"), [(512, 4, 8, 0.135, 0.286), (768, 12, 12, 0.628, 0.865), (1024, 24, 16, 2.035, 2.362)]
)
def test_the_papers_shapes_cost_what_the_rule_says(hidden: int, layers: int, heads: int, sparse: float, dense: float) -> None:
    """Gflop a token of a row of 512 that is one piece, with 30 % predicted and with all."""
    model = cost(bert(hidden, layers, heads))
    assert model.of(ROW, 154) / 512e9 == pytest.approx(sparse, abs=6e-4)
    assert model.of(ROW, 512) / 512e9 == pytest.approx(dense, abs=6e-4)
    matrices, width = layers * 12 * hidden**2, hidden
    spared = (512 - 154) / 512 * (6 * 10 * hidden**2 + 12 * width * 512)
    assert model.of(ROW, 512) - model.of(ROW, 154) == pytest.approx(512 * spared + 358 * 6 * (hidden**2 + hidden * 64_000), rel=1e-12)
    rule = 6 * matrices + 12 * layers * width * 512 + 6 * (hidden**2 + hidden * 64_000)
    assert model.of(ROW, 512) / 512 == pytest.approx(rule, rel=1e-12)


def test_padding_and_other_pieces_cost_nothing() -> None:
    model = cost(bert(512, 4, 8))
    packed = np.repeat([0, 1, -1], [200, 200, 112])[None]
    apart = np.full((2, 512), -1)
    apart[:, :200] = 0
    assert model.of(packed, 60) == model.of(apart, 60)
    assert model.of(packed, 60) < model.of(ROW, 60)


def test_a_model_with_local_layers_and_a_decoder() -> None:
    shape = {"vocab_size": 1000, "hidden_size": 64, "num_attention_heads": 4, "intermediate_size": 96}
    with torch.device("meta"):
        modern = cost(
            ModernBertForMaskedLM(ModernBertConfig(**shape, **IDS, num_hidden_layers=6, local_attention=16, cls_token_id=2, sep_token_id=3))
        )
        llama = cost(LlamaForCausalLM(LlamaConfig(**shape, **IDS, num_hidden_layers=6)))
    assert (modern.window, modern.causal) == (8, False)
    assert modern.pair * 2 == modern.near_pair == 12 * 64 * 4, "every third layer sees all, the others 8 places to each side"
    assert modern.prediction == 6 * (64 * 64 + 64 * 1000)
    assert modern.token == 6 * 6 * (64 * 3 * 64 + 64 * 64 + 64 * 2 * 96 + 96 * 64)
    assert (llama.near_pair, llama.causal, llama.prediction) == (0, True, 6 * 64 * 1000)
    assert llama.token == 6 * 6 * (4 * 64 * 64 + 3 * 64 * 96)
    assert llama.of(ROW, 0) - 512 * llama.token == llama.pair * 512 * 513 / 2


def test_pairs_are_those_counted_one_by_one() -> None:
    for length, causal, window in product((1, 2, 7, 20), (False, True), (None, 0, 3, 30)):
        seen = sum(
            (not causal or looked >= other) and (window is None or abs(looked - other) <= window)
            for looked, other in product(range(length), repeat=2)
        )
        assert pairs(np.array([length]), causal, window) == seen


def test_lengths_of_pieces() -> None:
    assert sorted(piece_lengths(np.array([[0, 0, 1, -1], [0, 1, 1, 1], [-1, -1, -1, -1]]))) == [1, 1, 2, 3]


def test_an_unknown_device_has_no_peak_and_no_utilisation() -> None:
    known = {
        "NVIDIA H200": 989e12,
        "NVIDIA H100 PCIe": 756e12,
        "NVIDIA H100 80GB HBM3": 989e12,
        "NVIDIA A100-SXM4-80GB": 312e12,
        "NVIDIA L4": 121e12,
    }
    assert {name: peak(name) for name in known} == known
    assert peak("NVIDIA L40S") == 362e12
    assert [peak(name) for name in ("cpu", "NVIDIA H200 MIG 1g.18gb", "Some GPU 9000")] == [None, None, None]
    assert utilisation(1e12, 1.0, 8, None) is None
    assert utilisation(989e12, 2.0, 1, 989e12) == 0.5
