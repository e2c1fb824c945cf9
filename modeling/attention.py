"""Who may look at whom in a packed row: tokens of one piece at each other, and at nothing else.

transformers takes a mask that is there already instead of making its own (4 dimensions, or a `BlockMask`), so its modules are used as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, create_block_mask
from transformers import PreTrainedModel

from curation.errors import DollmaError

BLOCK = 128
"""flex_attention skips blocks of so many queries by so many keys; shorter rows have nothing to skip."""
Mask: TypeAlias = Tensor | BlockMask
Visible = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
"""flex_attention's question: batch, head, query, key -> may the query see the key?"""


def masks(model: PreTrainedModel, pieces: Tensor) -> Mask | dict[str, Mask]:
    """The mask of a batch for this model; `pieces` is [B, T], the number of each place's piece in its row, -1 for padding.

    A model with local layers (ModernBERT) takes a mask for each kind of layer. Padding sees padding, so that no place sees nothing, which would give NaN.
    """
    config, causal = model.config, is_causal(model)
    made = block_mask if config._attn_implementation == "flex_attention" else dense_mask
    if "sliding_attention" not in (getattr(config, "layer_types", None) or ()):
        return made(pieces, causal, None)
    return {"full_attention": made(pieces, causal, None), "sliding_attention": made(pieces, causal, config.sliding_window)}


def is_causal(model: PreTrainedModel) -> bool:
    """Does the model predict the next token, and so see none that comes later?"""
    return "CausalLM" in type(model).__name__


def dense_mask(pieces: Tensor, causal: bool, window: int | None) -> Tensor:
    """True where a query may see a key: bool [B, 1, T, T]. `window` is how many places away a local layer looks, to each side."""
    seen = pieces[:, :, None] == pieces[:, None, :]
    place = torch.arange(pieces.shape[1], device=pieces.device)
    apart = place[:, None] - place[None, :]
    if causal:
        seen = seen & (apart >= 0)
    if window is not None:
        seen = seen & (apart.abs() <= window)
    return seen[:, None]


def block_mask(pieces: Tensor, causal: bool, window: int | None) -> BlockMask:
    """The same for flex_attention, which skips blocks where nobody sees anybody."""
    rows, length = pieces.shape
    return create_block_mask(visible(pieces, causal, window), rows, None, length, length, device=str(pieces.device))


def visible(pieces: Tensor, causal: bool, window: int | None) -> Visible:
    """What `dense_mask` says, as a function of places."""

    def see(row: Tensor, _head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        seen = pieces[row, query] == pieces[row, key]
        if causal:
            seen = seen & (query >= key)
        if window is not None:
            seen = seen & ((query - key).abs() <= window)
        return seen

    return see


def implementation(device: torch.device, length: int, dropout: float) -> str:
    """flex_attention on CUDA, where it skips blocks and reads no mask; SDPA elsewhere, for rows of less than a block, and with dropout, which flex_attention has not.

    On a CPU, SDPA with a block-diagonal mask takes its fused kernel, as it does with none: 49 ms a layer for 16 rows of 128 (8 heads of 64, forwards and
    backwards), 162 ms for 4 of 512, where the unfused way takes 62 and 265; bool or float masks make no difference. Attention piece by piece would take 30 and 26
    ms for pieces of 40 tokens, 3 % and 17 % of a layer's time, and nothing for pieces as long as a row: not worth a second way.
    """
    return "flex_attention" if device.type == "cuda" and length % BLOCK == 0 and not dropout else "sdpa"


def check_length(model: PreTrainedModel, length: int) -> None:
    """Raises DollmaError for rows that are longer than the model's table of positions, or than the window of a decoder that looks no further back (Mistral): no mask is
    made for such."""
    places = model.config.max_position_embeddings - position_offset(model)
    if is_causal(model):
        places = min(places, getattr(model.config, "sliding_window", None) or places)
    if length > places:
        raise DollmaError(f"rows of {length} tokens: {model.config.model_type} has {places:,} positions; take shorter rows")


def position_offset(model: PreTrainedModel) -> int:
    """Where a piece's positions start. RoBERTa and XLM-R count from `padding_idx` + 1: counted from 0 they degrade silently (transformers #47496, #47525)."""
    return int(model.config.pad_token_id) + 1 if model.config.model_type in OFFSET else 0


OFFSET = frozenset({"roberta", "xlm-roberta", "camembert", "xlm-roberta-xl"})
