"""Useful arithmetic: the floating-point operations that training a token needs, and the share of a GPU's peak that a run makes of them.

The rule counts what the model's mathematics needs and nothing else: no padding, no logits of places that are not predicted, no pair of tokens that may not see
each other, no recomputation. A matrix of n weights costs 2n operations a token forwards and 4n backwards; attention costs 4h forwards and 8h backwards for each
pair of tokens in which one sees the other, in each layer, h being the width of all heads together (scores and weighted sum). So a run that pads more is not
"busier", it is slower. For rows that are one whole piece of T tokens and predicted throughout this is the usual 6·(matrices and head) + 12·L·h·T a token; where fewer are
predicted, the head, and what of the last layer is run at those places alone (`modeling.last_layer`), count for these.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from torch import nn
from transformers import PreTrainedModel

from modeling import last_layer
from modeling.attention import is_causal

FORWARD_AND_BACKWARD = 3
"""A backward pass costs two forward ones: a product for the gradient of the input, one for that of the weights."""
PEAKS: tuple[tuple[frozenset[str], float], ...] = tuple(
    (frozenset(words.split()), peak * 1e12)
    for words, peak in (
        ("gb200", 2500),
        ("b200", 2250),
        ("b100", 1750),
        ("h200 nvl", 836),
        ("h200", 989),
        ("gh200", 989),
        ("h100 nvl", 835),
        ("h100 pcie", 756),
        ("h100", 989),
        ("h800", 989),
        ("a100", 312),
        ("a800", 312),
        ("a40", 149.7),
        ("a30", 165),
        ("a10", 125),
        ("l40s", 362),
        ("l40", 181),
        ("l4", 121),
        ("5090", 209.5),
        ("4090", 165.2),
        ("3090", 71),
        ("mi300x", 1307.4),
        ("mi325x", 1307.4),
        ("mi250x", 383),
    )
)
"""Words of a GPU's name, and its bf16 operations a second, dense, with fp32 sums, as its maker's data sheet says. The first row whose words all occur counts."""


@dataclass(frozen=True)
class Cost:
    """Operations of one forward and backward pass, by what they grow with."""

    token: float
    """A token that is no padding, through the layers' matrices."""
    prediction: float
    """A place that is predicted, through the head's matrices, and those that the last layer has for it alone."""
    pair: float
    """A pair of tokens in which one sees the other, in all layers that see their whole piece."""
    predicted_pair: float
    """A token that a place which is predicted sees, where the last layer is run at those places alone."""
    near_pair: float
    """A pair of tokens at most `window` apart, in all layers that look no further."""
    window: int
    causal: bool

    def of(self, pieces: np.ndarray, predictions: int) -> float:
        """Operations of a batch: `pieces` is [B, T], the number of each place's piece in its row, -1 for padding; `predictions` the places predicted."""
        lengths = piece_lengths(pieces)
        near = pairs(lengths, self.causal, self.window) if self.near_pair else 0
        far = pairs(lengths, self.causal)
        seen = far / max(int(lengths.sum()), 1) * predictions  # a place sees its piece, whose length is taken for that of any token
        return (
            float(lengths.sum()) * self.token
            + far * self.pair
            + near * self.near_pair
            + predictions * self.prediction
            + seen * self.predicted_pair
        )


def cost(model: PreTrainedModel) -> Cost:
    """What a token, a prediction and a pair cost in this model: its linear layers are counted as they stand, so any encoder or decoder will do.

    What belongs to `model.base_model` is done for each token, all but the most of a last layer that is run where something is predicted, as is the head, which stands
    outside. Embeddings are looked up, not multiplied; a pooler is not run in pre-training.
    """
    inner = {id(module): name.split(".") for name, module in model.base_model.named_modules()}
    pooler = {module for module, name in inner.items() if "pooler" in name}
    asked = set(last_layer.at_places_alone(model)) | ({id(module) for module in model.modules()} - inner.keys())
    counted = [(id(module), weights) for module, weights in _matrices(model) if id(module) not in pooler]
    inside, outside = (sum(weights for module, weights in counted if (module in asked) == wanted) for wanted in (False, True))
    config = model.config
    width = config.num_attention_heads * (getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)
    layers = config.num_hidden_layers
    near = sum(kind == "sliding_attention" for kind in getattr(config, "layer_types", None) or ())
    narrow = int(last_layer.known(model))
    return Cost(
        token=2 * FORWARD_AND_BACKWARD * inside,
        prediction=2 * FORWARD_AND_BACKWARD * outside,
        pair=4 * FORWARD_AND_BACKWARD * width * (layers - near - narrow),
        predicted_pair=4 * FORWARD_AND_BACKWARD * width * narrow,
        near_pair=4 * FORWARD_AND_BACKWARD * width * near,
        window=config.sliding_window if near else 0,
        causal=is_causal(model),
    )


def _matrices(model: PreTrainedModel) -> Iterator[tuple[nn.Module, int]]:
    return ((module, module.weight.numel()) for module in model.modules() if isinstance(module, nn.Linear))


def piece_lengths(pieces: np.ndarray) -> np.ndarray:
    """Tokens of each piece of a batch, int64; `pieces` is [B, T] with -1 for padding."""
    rows, places = pieces.shape
    row, _ = np.nonzero(pieces >= 0)
    counted = np.bincount(row * places + pieces[pieces >= 0], minlength=rows * places)
    return counted[counted > 0]


def pairs(lengths: np.ndarray, causal: bool, window: int | None = None) -> int:
    """Pairs (looking, seen) inside pieces of these lengths, a token and itself included; at most `window` places apart where one is given."""
    n = np.asarray(lengths, dtype=np.int64)
    reach = np.maximum(n - 1, 0) if window is None else np.clip(n - 1, 0, window)
    before = reach * n - reach * (reach + 1) // 2
    return int((n + before).sum() if causal else (n + 2 * before).sum())


def peak(device_name: str) -> float | None:
    """bf16 operations a second of a GPU at its best, or None for one that the table does not know, or that is a slice of one (MIG)."""
    words = set(re.split(r"[^a-z0-9]+", device_name.lower()))
    if "mig" in words:
        return None
    return next((speed for needed, speed in PEAKS if needed <= words), None)


def utilisation(operations: float, seconds: float, devices: int, speed: float | None) -> float | None:
    """MFU: the share of `devices` times the peak `speed` that so many useful operations in so many seconds are. None where the peak is unknown: no guess is better."""
    return operations / (seconds * devices * speed) if speed and seconds > 0 else None
