"""An encoder with a head for a task: a linear layer over the mean of a piece's states, or over the states of the places that are asked.

The mean, for predicting masked tokens teaches [CLS] nothing. Of the embedding, the rows that the task's texts use are trained: Adam leaves a row that never had a
gradient where it is, so the others would be moved by weight decay alone, and each step would read and write 64,000 rows for it.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from benchmarks.finetuning.batches import Batch
from modeling.attention import masks, position_offset


class Tuned(nn.Module):
    """So many outputs for each thing asked, in the order of `Batch.of`. The head's weights are drawn by torch's generator, as BERT draws its own.

    Outputs are scaled and shifted last, by numbers that are no parameters: values between 0 and 5 are learnt as values about 0.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, encoder: PreTrainedModel, outputs: int, dropout: float) -> None:
        super().__init__()
        self.encoder, self.dropout = encoder, nn.Dropout(dropout)
        self.head = nn.Linear(encoder.config.hidden_size, outputs)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)
        self.register_buffer("shift", torch.zeros(()))
        self.register_buffer("scale", torch.ones(()))

    def forward(self, batch: Batch) -> Tensor:
        """Outputs [asked, outputs]; see `batches.Batch`."""
        outputs: Tensor = self.head(self.dropout(self.asked(batch))) * self.scale + self.shift
        return outputs

    def asked(self, batch: Batch) -> Tensor:
        """What the head is given for each thing asked [asked, hidden]."""
        hidden = self._states(batch)
        if batch.at is not None:
            return hidden.flatten(0, 1)[batch.at]
        inside = batch.pieces >= 0
        piece = batch.pieces[inside].long()
        lengths = torch.bincount(piece)
        return hidden.new_zeros(len(lengths), hidden.shape[-1]).index_add(0, piece, hidden[inside]) / lengths[:, None]

    def _states(self, batch: Batch) -> Tensor:
        """The last layer's output [R, T, hidden]. The second text of a piece is told by its own embedding where the model has one."""
        encoder = self.encoder
        more = {"token_type_ids": batch.halves} if getattr(encoder.config, "type_vocab_size", 0) > 1 else {}
        positions = batch.positions + position_offset(encoder)
        states: Tensor = encoder(
            input_ids=batch.ids, attention_mask=masks(encoder, batch.pieces), position_ids=positions, **more
        ).last_hidden_state
        return states

    def keep_rows(self, used: np.ndarray) -> None:
        """Leave the embedding the rows of these ids alone: row n is then that of used[n]."""
        rows = self.encoder.get_input_embeddings().weight.detach()[torch.from_numpy(used)]
        self.encoder.set_input_embeddings(nn.Embedding.from_pretrained(rows.clone(), freeze=False))
