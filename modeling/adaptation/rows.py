"""Rows of a vocabulary in a model: what it has one of for each token, changed in place wherever it stands.

That is the input matrix, the output matrix (mostly the same object), and the output's bias, which BERT and RoBERTa hold under two names.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from curation.errors import DollmaError


def vocabulary_weights(model: PreTrainedModel) -> list[nn.Parameter]:
    """The weights with a row for each token, each once. Raises DollmaError where input and output differ in their number."""
    inputs, outputs = model.get_input_embeddings(), model.get_output_embeddings()
    found = [inputs.weight, outputs.weight, getattr(outputs, "bias", None)]
    weights = list({id(weight): weight for weight in found if weight is not None}.values())
    if len({len(weight) for weight in weights}) > 1:
        raise DollmaError(
            f"{type(model).__name__}: {len(inputs.weight):,} rows of input, but {len(outputs.weight):,} of output: not known how to change both"
        )
    return weights


@torch.no_grad()
def change_rows(model: PreTrainedModel, change: Callable[[Tensor], Tensor], padding: int | None) -> None:
    """Put `change(rows)` in the place of all rows of input and output; `padding` is the id of the padding token afterwards. What was tied stays tied."""
    made = {id(weight): nn.Parameter(change(weight.detach()), requires_grad=weight.requires_grad) for weight in vocabulary_weights(model)}
    for module in model.modules():
        for name, weight in module.named_parameters(recurse=False):
            if id(weight) in made:
                setattr(module, name, made[id(weight)])
    inputs, outputs = model.get_input_embeddings(), model.get_output_embeddings()
    size = len(inputs.weight)
    inputs.num_embeddings, inputs.padding_idx, outputs.out_features = size, padding, size
    model.config.vocab_size = size
    for module in model.modules():
        if isinstance(getattr(module, "vocab_size", None), int):
            module.vocab_size = size


def select_rows(model: PreTrainedModel, ids: Tensor, padding: int | None) -> None:
    """Keep the rows of these old ids (int64), in this order."""
    change_rows(model, lambda rows: rows.index_select(0, ids).clone(), padding)


def add_rows(model: PreTrainedModel, first: int, added: Callable[[Tensor], Tensor]) -> None:
    """Have `added(rows)` stand from row `first` on; rows before it stay as they are, bit for bit. What stood there, beyond the tokenizer's ids, is gone."""

    def change(rows: Tensor) -> Tensor:
        new = added(rows[:first]).to(rows.dtype)
        return torch.cat([rows[:first], new, rows[first + len(new) :]])

    change_rows(model, change, model.get_input_embeddings().padding_idx)
