"""The embedding of a model whose head has the same matrix, with a gradient in one pass instead of four.

At 64,000 tokens and 512 columns that matrix is 131 MB. torch makes its gradient as the head's, dense, plus another one of that size that is zero but for the rows of
the batch's tokens: zeros, rows, sum and copy. Here the rows are added to the head's where it stands: 0.57 instead of 0.81 s of CPU time for head and embedding of
BERT-small backwards, in a step of 8 rows of 128 that takes 2.1 s (19 places of each row asked for).
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel


def adding_rows(model: PreTrainedModel) -> PreTrainedModel:
    """The model, whose embedding does so from now on where it is the head's matrix too, and trained.

    Not for use under DDP, which would send the head's gradient without the rows, nor with torch.compile, which would have to trace the hook.
    """
    embedding, output = model.get_input_embeddings(), model.get_output_embeddings()
    if isinstance(embedding, nn.Embedding) and embedding.weight.requires_grad and getattr(output, "weight", None) is embedding.weight:
        embedding.forward = partial(_rows, embedding.weight)
    return model


def _rows(matrix: nn.Parameter, ids: Tensor) -> Tensor:
    rows = functional.embedding(ids, matrix.detach())
    if torch.is_grad_enabled():
        rows.requires_grad_().register_hook(partial(_add, matrix, ids))
    return rows


def _add(matrix: nn.Parameter, ids: Tensor, gradient: Tensor) -> None:
    if matrix.grad is None:  # the head's comes first, but nothing says that it must
        matrix.grad = torch.zeros_like(matrix)
    matrix.grad.index_add_(0, ids.flatten(), gradient.flatten(0, -2))
