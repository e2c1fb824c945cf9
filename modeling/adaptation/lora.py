"""Adapters of low rank through `peft`, put into a model and, when it is trained, added to its weights: what is exported is a plain model.

The model stays the object that it was, so the loop, the packed forward pass and the evaluation know nothing of adapters.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from curation.errors import DollmaError
from modeling.config import Lora
from modeling.extras import ADAPTERS, check_extras

_BERT = r".*\.attention\.(self\.(query|key|value)|output\.dense)"
_LLAMA = r".*\.self_attn\.[qkvo]_proj"
TARGETS = {
    "bert": _BERT,
    "roberta": _BERT,
    "xlm-roberta": _BERT,
    "camembert": _BERT,
    "modernbert": r".*\.attn\.(Wqkv|Wo)",
    "llama": _LLAMA,
    "mistral": _LLAMA,
    "qwen2": _LLAMA,
    "qwen3": _LLAMA,
}
"""Where each kind of model has query, key, value and output of its attentions: a pattern of the modules' whole names."""


def adapt(model: PreTrainedModel, settings: Lora, seed: int) -> Any:
    """Freeze a model and put adapters into it; gives what `merge` takes. Adapters begin at nothing: the model answers as before.

    The first matrix of each is drawn by `seed` alone, whatever the number of threads. Raises DollmaError for a kind of model whose attentions are not known, and where
    peft is not installed.
    """
    check_extras(ADAPTERS)
    from peft import LoraConfig  # noqa: PLC0415 - an extra
    from peft.tuners.lora import LoraModel  # noqa: PLC0415

    kind = model.config.model_type
    if kind not in TARGETS:
        raise DollmaError(f"{kind}: where this kind of model has its attentions is not known; LoRA knows {', '.join(sorted(TARGETS))}")
    config = LoraConfig(r=settings.rank, lora_alpha=settings.alpha, lora_dropout=settings.dropout, target_modules=TARGETS[kind])
    training = model.training
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        adapters = LoraModel(model, config, "default")
    if settings.embeddings:
        for weights in rows(model):
            weights.requires_grad_(True)
    model.train(training)
    return adapters


def merge(adapters: Any) -> None:
    """Add adapters to the weights of the model that they were put into, and take them out of it; nothing where there are none (None)."""
    if adapters is not None:
        adapters.merge_and_unload()


def rows(model: PreTrainedModel) -> list[nn.Parameter]:
    """What a model has a row of for each token: the input matrix, the output matrix where it is another, and its bias."""
    matrices = (model.get_input_embeddings(), model.get_output_embeddings())
    found = [weights for matrix in matrices for weights in (matrix.weight, getattr(matrix, "bias", None)) if weights is not None]
    return list({id(weights): weights for weights in found}.values())
