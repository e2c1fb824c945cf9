"""An encoder with a head that tells classes apart: the folder of a model, opened with its weights or with fresh ones.

The head is a linear layer over the mean of the last layer's states, for predicting masked tokens teaches [CLS] nothing. Of the embedding, the rows that the task's texts
use are trained: Adam leaves a row that never had a gradient where it is, so the others would be moved by weight decay alone, and each step would read and write 64,000
rows for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForMaskedLM, PretrainedConfig, PreTrainedModel

from benchmarks.finetuning.texts import Batch
from curation.errors import DollmaError
from curation.fingerprint import fingerprint
from modeling.adaptation.foreign import fingerprint_of, open_model
from modeling.attention import OFFSET
from modeling.model import HEADS, hidden_states
from modeling.quiet import quiet
from modeling.tokenizer import tokenizer_fingerprint

CONFIG, CARD = "config.json", "card.json"
ENCODERS = frozenset(HEADS) - {"llama"}
"""Kinds of models with a forward pass of ours in which each token sees the whole text."""
SHAPELESS = frozenset({"_name_or_path", "architectures", "dtype", "transformers_version"})
"""What a configuration says that changes no weight."""


class Classifier(nn.Module):
    """Logits [texts, classes]. The head's weights are drawn by torch's generator, as BERT draws its own."""

    def __init__(self, encoder: PreTrainedModel, classes: int, dropout: float) -> None:
        super().__init__()
        self.encoder, self.dropout = encoder, nn.Dropout(dropout)
        self.head = nn.Linear(encoder.config.hidden_size, classes)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(self, batch: Batch) -> Tensor:
        """See `texts.Batch`."""
        hidden = hidden_states(self.encoder, *batch)
        inside = batch.pieces >= 0
        text = batch.pieces[inside].long()
        lengths = torch.bincount(text)
        sums = hidden.new_zeros(len(lengths), hidden.shape[-1]).index_add(0, text, hidden[inside])
        return self.head(self.dropout(sums / lengths[:, None]))

    def keep_rows(self, used: np.ndarray) -> None:
        """Leave the embedding the rows of these ids alone: row n is then that of used[n]."""
        rows = self.encoder.get_input_embeddings().weight.detach()[torch.from_numpy(used)]
        self.encoder.set_input_embeddings(nn.Embedding.from_pretrained(rows.clone(), freeze=False))


def used_ids(texts: Iterable[np.ndarray], more: Iterable[int]) -> np.ndarray:
    """The ids that stand in texts, and some more: each once, ascending."""
    return np.unique(np.concatenate([np.array(list(more), np.int64), *texts]))


def opened(folder: Path, pretrained: bool) -> PreTrainedModel:
    """The encoder of a folder, in float32, without its head: with the weights in it, or with ones that torch's generator draws now.

    Raises DollmaError as `modeling.adaptation.foreign.open_model`, and for a model that is no encoder.
    """
    config = configuration(folder)
    if pretrained:
        return open_model(folder).model.float().base_model
    with quiet():
        return AutoModelForMaskedLM.from_config(config, dtype=torch.float32).base_model


def configuration(folder: Path) -> PretrainedConfig:
    """A model's configuration. Raises DollmaError where there is none, and for a kind of model that is no encoder of ours."""
    path = folder / CONFIG
    try:
        kind = json.loads(path.read_text(encoding="utf-8"))["model_type"]
        if kind in ENCODERS:
            return AutoConfig.from_pretrained(folder, local_files_only=True)
    except FileNotFoundError as error:
        raise DollmaError(
            f"{path}: no such file: --model is a folder that transformers loads, such as WORKSPACE/models/NAME/final"
        ) from error
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DollmaError(
            f"{path}: not a model's configuration ({type(error).__name__}: {error}): take it from an undamaged copy"
        ) from error
    raise DollmaError(f"{path}: {kind!r} is no encoder that can be fine-tuned here; known: {', '.join(sorted(ENCODERS))}")


def positions(folder: Path) -> int:
    """Tokens of the longest text: the rows that the model was trained on, where its card tells, for positions beyond were never trained; else the table of positions."""
    config = configuration(folder)
    offset = int(config.pad_token_id) + 1 if config.model_type in OFFSET else 0
    places = int(config.max_position_embeddings) - offset
    try:
        trained = json.loads((folder / CARD).read_text(encoding="utf-8"))["training"]["settings"]["length"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return places  # someone else's model, or one whose training had no rows of one length
    return min(places, trained) if isinstance(trained, int) and trained > 2 else places


def identity(folder: Path, pretrained: bool) -> str:
    """What a fine-tuned model depends on: the folder's files or, with fresh weights, its tokenizer and its configuration."""
    if pretrained:
        return fingerprint_of(folder)
    config = {name: value for name, value in configuration(folder).to_dict().items() if name not in SHAPELESS}
    return fingerprint({"tokenizer": tokenizer_fingerprint(folder), "config": json.loads(json.dumps(config))})
