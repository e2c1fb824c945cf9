"""From a trained model to a folder that `transformers` loads: weights, tokenizer, card. What does not load to the same logits is an error, not a file."""

from __future__ import annotations

import json
import shutil
from importlib.metadata import version
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForNextSentencePrediction, AutoTokenizer, PreTrainedModel
from transformers.utils import ModelOutput

from curation.errors import DollmaError
from curation.files import whole_folder
from modeling.card import Card, model_card
from modeling.quiet import quiet

CARD = "card.json"
README = "README.md"
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja")
"""The third is written by older versions of transformers alone; the last is of models that were taught to answer."""
LOADERS = {"masked": AutoModelForMaskedLM, "causal": AutoModelForCausalLM}
TOLERANCE = 1e-4
"""Between logits before and after: the same weights may be multiplied by another attention kernel."""
TRIAL = "Bakı, İstanbul və Gəncə: IŞIQ şəhəri, ağ gül, ÇİÇƏK, 2024-cü il, öz-özünə; [MASK] «Əsl söz»."
"""Letters and marks that a tokenizer loaded in a wrong way, lower-cased or without its accents, reads otherwise."""


def export(model: PreTrainedModel, tokenizer: Path, card: Card, folder: Path) -> Path:
    """Write weights (in the model's own precision), configuration, tokenizer (the files of its folder), `card.json` and README to `folder`, whole or not at all.

    Loads what it wrote and compares. Raises DollmaError when it does not load, or gives other logits or other ids.
    """
    with whole_folder(folder) as temporary, quiet():
        model.save_pretrained(temporary)
        for name in TOKENIZER_FILES:
            if (tokenizer / name).exists():
                shutil.copyfile(tokenizer / name, temporary / name)
        facts = card.model_dump(mode="json")
        (temporary / CARD).write_text(json.dumps(facts, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        (temporary / README).write_text(model_card(card), encoding="utf-8")
        _check_tokenizer(temporary, tokenizer, model.config.vocab_size, own=card.start is None)
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


def _check_tokenizer(folder: Path, original: Path, vocabulary: int, own: bool) -> None:
    """Someone's model may have rows that no token has."""
    loaded = AutoTokenizer.from_pretrained(folder)
    if len(loaded) > vocabulary or (own and len(loaded) < vocabulary):
        raise DollmaError(
            f"{original}: {len(loaded):,} ids, but the model has {vocabulary:,} rows: export it with the tokenizer it was trained with"
        )
    check_reading(folder, original, special=own)


def check_reading(folder: Path, original: Path, special: bool) -> None:
    """Raises DollmaError where AutoTokenizer gives other ids than `tokenizer.json` of `original`, with which tokens are made: of many kinds transformers 5 takes no more
    than the vocabulary from that file. `special`: compare what is put around a text, too."""
    loaded = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    wanted = Tokenizer.from_file(str(original / "tokenizer.json")).encode(TRIAL, add_special_tokens=special).ids
    found = loaded(TRIAL, add_special_tokens=special)["input_ids"]
    if found != wanted:
        raise DollmaError(
            f"{original}: AutoTokenizer reads it as {type(loaded).__name__} and gives other ids than the file: {found[:8]}…, not {wanted[:8]}…; "
            'with "tokenizer_class": "PreTrainedTokenizerFast" in tokenizer_config.json it is read as it stands'
        )


def _check_model(folder: Path, model: PreTrainedModel, card: Card) -> None:
    """Each head, as the class that people load it with."""
    was_training = model.training
    places = torch.arange(min(64, model.config.max_position_embeddings // 2), device=model.device)
    ids = ((places * 7919 + 5) % model.config.vocab_size)[None]
    with torch.inference_mode():
        wanted = _logits(model.eval()(input_ids=ids))
        loaders = (LOADERS[card.objective], AutoModelForNextSentencePrediction)[: len(wanted)]
        found = [_logits(loader.from_pretrained(folder).to(model.device, model.dtype).eval()(input_ids=ids))[0] for loader in loaders]
    model.train(was_training)
    apart = float(torch.stack([(one - other).abs().max() for one, other in zip(wanted, found, strict=True)]).max())  # NaN stays NaN
    if not apart <= TOLERANCE:
        raise DollmaError(
            f"{folder.name}: the exported model gives other logits than the trained one (apart by {apart:g}): report this; nothing was written"
        )


def _logits(output: ModelOutput) -> list[torch.Tensor]:
    """Of one head, or of a model's two."""
    return [output[name] for name in ("logits", "prediction_logits", "seq_relationship_logits") if name in output]
