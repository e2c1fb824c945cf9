"""From a trained model to a folder that `transformers` loads: weights, tokenizer, card. What does not load to the same logits is an error, not a file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer, PreTrainedModel
from transformers.utils import logging

from curation.errors import DollmaError
from curation.files import whole_folder
from modeling.card import Card, model_card

CARD = "card.json"
README = "README.md"
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
"""The last is written by older versions of transformers alone."""
LOADERS = {"masked": AutoModelForMaskedLM, "causal": AutoModelForCausalLM}
TOLERANCE = 1e-4
"""Between logits before and after: the same weights may be multiplied by another attention kernel."""
TRIAL = "Bakı, İstanbul və Gəncə: IŞIQ şəhəri, ağ gül, ÇİÇƏK, 2024-cü il, öz-özünə; [MASK] «Əsl söz»."
"""Letters and marks that a tokenizer loaded in a wrong way, lower-cased or without its accents, reads otherwise."""


def export(model: PreTrainedModel, tokenizer: Path, card: Card, folder: Path) -> Path:
    """Write weights (in the model's own precision), configuration, tokenizer (the files of its folder), `card.json` and README to `folder`, whole or not at all.

    Loads what it wrote and compares. Raises DollmaError when it does not load, or gives other logits or other ids.
    """
    with whole_folder(folder) as temporary, _quiet():
        model.save_pretrained(temporary)
        for name in TOKENIZER_FILES:
            if (tokenizer / name).exists():
                shutil.copyfile(tokenizer / name, temporary / name)
        facts = card.model_dump(mode="json")
        (temporary / CARD).write_text(json.dumps(facts, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        (temporary / README).write_text(model_card(card), encoding="utf-8")
        _check_tokenizer(temporary, tokenizer, model.config.vocab_size)
        _check_model(temporary, model, card)
    return folder


def read_card(folder: Path) -> Card:
    """The card of an exported model. Raises DollmaError when there is none."""
    try:
        return Card.model_validate_json((folder / CARD).read_bytes())
    except (OSError, ValueError) as error:
        raise DollmaError(f"{folder / CARD}: not the card of an exported model: {error}") from error


def software() -> dict[str, str]:
    """The versions of what trains a model."""
    return {name: version(name) for name in ("dollma", "torch", "transformers", "tokenizers")}


@contextmanager
def _quiet() -> Iterator[None]:
    """Without transformers' bars for each file: a run has its own display."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _check_tokenizer(folder: Path, original: Path, vocabulary: int) -> None:
    loaded = AutoTokenizer.from_pretrained(folder)
    if len(loaded) != vocabulary:
        raise DollmaError(
            f"{original}: {len(loaded):,} ids, but the model has {vocabulary:,} rows: export it with the tokenizer it was trained with"
        )
    wanted, found = Tokenizer.from_file(str(original / "tokenizer.json")).encode(TRIAL).ids, loaded(TRIAL)["input_ids"]
    if found != wanted:
        raise DollmaError(
            f"{original}: AutoTokenizer reads it as {type(loaded).__name__} and gives other ids than the file: {found[:8]}…, not {wanted[:8]}…"
        )


def _check_model(folder: Path, model: PreTrainedModel, card: Card) -> None:
    loaded = LOADERS[card.objective].from_pretrained(folder).to(model.device, model.dtype)
    was_training = model.training
    places = torch.arange(min(64, model.config.max_position_embeddings // 2), device=model.device)
    ids = ((places * 7919 + 5) % model.config.vocab_size)[None]
    with torch.inference_mode():
        wanted, found = model.eval()(input_ids=ids).logits, loaded.eval()(input_ids=ids).logits
    model.train(was_training)
    apart = float((wanted - found).abs().max())
    if not apart <= TOLERANCE:
        raise DollmaError(
            f"{folder.name}: the exported model gives other logits than the trained one (apart by {apart:g}): report this; nothing was written"
        )
