"""Encoders of others and ours: the folder of a model, opened with its weights or with fresh ones, and without the head that it was pre-trained with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel

from curation.errors import DollmaError
from curation.fingerprint import fingerprint
from modeling.adaptation.foreign import fingerprint_of, weight_files
from modeling.attention import OFFSET
from modeling.model import HEADS
from modeling.quiet import quiet
from modeling.tokenizer import load_tokenizer, tokenizer_fingerprint

CONFIG, CARD = "config.json", "card.json"
ENCODERS = frozenset(HEADS) - {"llama", "mistral", "qwen2", "qwen3"}
"""Kinds of models with a forward pass of ours in which each token sees the whole text."""
POOLING = frozenset({"bert", "roberta", "xlm-roberta", "camembert"})
"""Those that transformers gives a layer over [CLS], which nothing here uses, unless told not to."""
SHAPELESS = frozenset({"_name_or_path", "architectures", "dtype", "transformers_version"})
"""What a configuration says that changes no weight."""


def opened(folder: Path, pretrained: bool) -> PreTrainedModel:
    """The encoder of a folder, in float32, on the CPU: with the weights in it, or with ones that torch's generator draws now. A head for masked tokens may be there or
    not.

    Raises DollmaError as `modeling.adaptation.foreign.weight_files`, for a model that is no encoder, and where the weights lack a part of it.
    """
    config = configuration(folder)
    more = {"add_pooling_layer": False} if config.model_type in POOLING else {}
    if not pretrained:
        with quiet():
            return AutoModel.from_config(config, dtype=torch.float32, **more)
    weight_files(folder)
    with quiet():
        try:
            model, found = AutoModel.from_pretrained(
                folder,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                dtype=torch.float32,
                output_loading_info=True,
                **more,
            )
        except Exception as error:  # its checks, torch's and safetensors' raise some twenty kinds
            told = (str(error).strip().splitlines() or [""])[0][:200]
            raise DollmaError(f"{folder}: transformers can't load the model ({type(error).__name__}: {told})") from error
    if lacking := sorted(found["missing_keys"]):
        raise DollmaError(f"{folder}: the weights lack {len(lacking)} parts of a {type(model).__name__}, {lacking[0]} the first")
    highest, rows = max(load_tokenizer(folder).get_vocab().values(), default=-1), model.get_input_embeddings().weight.shape[0]
    if highest >= rows:
        raise DollmaError(f"{folder}: the tokenizer has ids up to {highest:,}, but the model has {rows:,} rows: they don't belong together")
    return model


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
        trained = _card(folder)["training"]["settings"]["length"]
    except (KeyError, TypeError):
        return places  # someone else's model, or one whose training had no rows of one length
    return min(places, trained) if isinstance(trained, int) and trained > 2 else places


def corpus_of(folder: Path) -> dict[str, str] | None:
    """The corpus version that a model of ours was trained on, as its card tells: `version` and `fingerprint`. None where no card tells."""
    try:
        return {name: str(_card(folder)["corpus"][name]) for name in ("version", "fingerprint")}
    except (KeyError, TypeError):
        return None


def _card(folder: Path) -> Any:
    try:
        return json.loads((folder / CARD).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def identity(folder: Path, pretrained: bool) -> str:
    """What a fine-tuned model depends on: the folder's files or, with fresh weights, its tokenizer and its configuration."""
    if pretrained:
        return fingerprint_of(folder)
    config = {name: value for name, value in configuration(folder).to_dict().items() if name not in SHAPELESS}
    return fingerprint({"tokenizer": tokenizer_fingerprint(folder), "config": json.loads(json.dumps(config))})
