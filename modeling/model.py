"""Models: transformers' own modules, from the first step in the format that they are published in; and the forward pass over packed rows.

What is ours is what stands around the modules: a mask by pieces, positions that start anew in each piece, and a head that is run only where something is predicted.
With 64,000 tokens the head is most of a small model's work: run at 15 % of the places instead of all, BERT-small needs 105 instead of 272 Mflop a token.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForPreTraining,
    LlamaConfig,
    LlamaForCausalLM,
    ModernBertConfig,
    ModernBertForMaskedLM,
    PretrainedConfig,
    PreTrainedModel,
)

from curation.errors import DollmaError, nearest
from modeling import last_layer
from modeling.attention import Mask, is_causal, masks, position_offset
from modeling.cross_entropy import IGNORED, losses
from modeling.shapes import POSITIONS, Shape


class Specials(Protocol):
    """What a model's configuration needs of a vocabulary (`modeling.tokenizer.Vocabulary` has it): its size, and ids."""

    @property
    def size(self) -> int: ...
    @property
    def pad(self) -> int: ...
    @property
    def cls(self) -> int: ...
    @property
    def sep(self) -> int: ...


class Family(NamedTuple):
    """A kind of model that is trained from scratch: its classes in transformers, and how a shape is written in its configuration."""

    model: type[PreTrainedModel]
    config: type[PretrainedConfig]
    dropouts: tuple[str, ...]
    specials: dict[str, str]
    """Keys for ids of special tokens, and what a vocabulary calls these."""


_ENDS = {"bos_token_id": "cls", "eos_token_id": "sep"}
FAMILIES: dict[str, Family] = {
    "bert": Family(BertForMaskedLM, BertConfig, ("hidden_dropout_prob", "attention_probs_dropout_prob"), {}),
    "modernbert": Family(
        ModernBertForMaskedLM,
        ModernBertConfig,
        ("embedding_dropout", "mlp_dropout", "attention_dropout"),
        {**_ENDS, "cls_token_id": "cls", "sep_token_id": "sep"},
    ),
    "llama": Family(LlamaForCausalLM, LlamaConfig, ("attention_dropout",), _ENDS),
}
"""By the name that a configuration gives, which is transformers' `model_type`."""

HEADS: dict[str, Callable[[Any, Tensor], Tensor]] = {
    "bert": lambda model, hidden: model.cls.predictions(hidden),
    "roberta": lambda model, hidden: model.lm_head(hidden),
    "xlm-roberta": lambda model, hidden: model.lm_head(hidden),
    "camembert": lambda model, hidden: model.lm_head(hidden),
    "modernbert": lambda model, hidden: model.decoder(model.head(hidden)),
    "llama": lambda model, hidden: model.lm_head(hidden),
    "mistral": lambda model, hidden: model.lm_head(hidden),
    "qwen2": lambda model, hidden: model.lm_head(hidden),
    "qwen3": lambda model, hidden: model.lm_head(hidden),
}
"""From hidden states to logits: where each kind of model keeps its head."""


def configured(family: str, shape: Shape, vocabulary: Specials, length: int, dropout: float = 0.0) -> PretrainedConfig:
    """The configuration of a model for rows of `length` tokens. The number of tokens, and the ids of the special ones, are the tokenizer's."""
    if family not in FAMILIES:
        raise DollmaError(f"no family is called {family!r}: {nearest(family, FAMILIES)}")
    kind = FAMILIES[family]
    settings: dict[str, Any] = {
        "vocab_size": vocabulary.size,
        "hidden_size": shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "intermediate_size": shape.ffn,
        "max_position_embeddings": max(POSITIONS, length),
        "initializer_range": 0.02,
        "pad_token_id": vocabulary.pad,
        "tie_word_embeddings": True,
    }
    dropouts: dict[str, Any] = dict.fromkeys(kind.dropouts, dropout)
    specials = {key: getattr(vocabulary, name) for key, name in kind.specials.items()}
    return kind.config(**settings, **specials, **dropouts)


def build(config: PretrainedConfig, seed: int, attention: str = "sdpa", ordered: bool = False) -> PreTrainedModel:
    """A model with fresh weights, on the CPU, in float32: normal with deviation 0.02 as BERT's (ModernBERT: cut at two deviations, less in deep layers). An `ordered`
    BERT has a pooler and a head for the order of halves (`modeling.objectives`).

    They depend on the seed and the library alone: torch draws them one after the other on one thread, whatever the number of threads.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        kind = BertForPreTraining if ordered else FAMILIES[config.model_type].model
        model = kind._from_config(deepcopy(config), attn_implementation=attention)  # it writes into its argument
    return model.train()


def forward_masked(
    model: PreTrainedModel,
    ids: Tensor,
    positions: Tensor,
    pieces: Tensor,
    places: Tensor,
    labels: Tensor,
    mask: Mask | dict[str, Mask] | None = None,
) -> tuple[Tensor, Tensor]:
    """Losses of a packed batch where something is asked: negative log-likelihoods [B, K], float32, 0 where the label is -100; and was the label the likeliest, [B, K].

    `ids`, `positions` (from 0 in each piece) and `pieces` (-1 for padding) are [B, T]; `places` [B, K] are the columns to predict at, `labels` [B, K] what stands there.
    `mask` is `masks(model, pieces)`, made here unless given. Nothing that one piece holds can change another's losses.
    """
    hidden = hidden_at(model, ids, positions, pieces, places, mask)
    nll, right = losses(head(model, hidden.flatten(0, 1)), labels.flatten())
    return nll.view_as(labels), right.view_as(labels)


def hidden_at(
    model: PreTrainedModel,
    ids: Tensor,
    positions: Tensor,
    pieces: Tensor,
    places: Tensor,
    mask: Mask | dict[str, Mask] | None = None,
    segments: Tensor | None = None,
) -> Tensor:
    """The last layer's output [B, K, hidden] at `places` [B, K] of a packed batch; where the kind of model allows it, that layer is run there alone. `segments` [B, T]
    are a BERT's: 0 in the first half of a piece and 1 in the second; 0 everywhere unless given."""
    if not last_layer.known(model):
        return last_layer.chosen(hidden_states(model, ids, positions, pieces, mask), places)
    if mask is None:
        mask = masks(model, pieces)
    *layers, last = model.base_model.encoder.layer
    hidden = model.base_model.embeddings(input_ids=ids, token_type_ids=segments, position_ids=positions + position_offset(model))
    for layer in layers:
        hidden = layer(hidden, mask)
    return last_layer.at_places(last, hidden, pieces, places)


def hidden_states(
    model: PreTrainedModel, ids: Tensor, positions: Tensor, pieces: Tensor, mask: Mask | dict[str, Mask] | None = None
) -> Tensor:
    """The last layer's output [B, T, hidden] for a packed batch."""
    if mask is None:
        mask = masks(model, pieces)
    more = {"use_cache": False} if is_causal(model) else {}  # a decoder would copy keys and values for tokens that never come
    output = model.base_model(input_ids=ids, attention_mask=mask, position_ids=positions + position_offset(model), **more)
    return output.last_hidden_state


def head(model: PreTrainedModel, hidden: Tensor) -> Tensor:
    """Logits [..., V] of hidden states [..., hidden]."""
    kind = model.config.model_type
    if kind not in HEADS:
        raise DollmaError(f"{kind}: no packed forward pass is known for this kind of model; known: {', '.join(sorted(HEADS))}")
    return HEADS[kind](model, hidden)


def next_tokens(ids: Tensor, pieces: Tensor) -> tuple[Tensor, Tensor]:
    """What a decoder predicts: (places, labels), both [B, T - 1]. At each place the next token of the same piece; -100 at a piece's end and in padding."""
    places = torch.arange(ids.shape[1] - 1, device=ids.device).expand(len(ids), -1)
    inside = (pieces[:, 1:] == pieces[:, :-1]) & (pieces[:, 1:] >= 0)
    return places, torch.where(inside, ids[:, 1:], IGNORED)


class Packed(nn.Module):
    """`forward_masked` as a module: what torch.compile and DDP wrap."""

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: Tensor, positions: Tensor, pieces: Tensor, places: Tensor, labels: Tensor, mask: Any) -> tuple[Tensor, Tensor]:
        """See `forward_masked`."""
        return forward_masked(self.model, ids, positions, pieces, places, labels, mask)
