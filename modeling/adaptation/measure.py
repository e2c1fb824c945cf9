"""How well any model predicts the language, in bits per byte of the same documents, so that models with other tokenizers, and before and after a step, compare.

The documents are the first of the version's validation split, some of each source; each model reads them with its own tokenizer, in rows of the same length.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch

from curation.errors import DollmaError
from curation.files import whole_file
from curation.fingerprint import fingerprint
from modeling.adaptation.foreign import fingerprint_of, open_model
from modeling.adaptation.recipe import Measure
from modeling.attention import position_offset
from modeling.card import ScoreFact
from modeling.corpus import Version, texts
from modeling.evaluation import evaluate
from modeling.step import PLACES
from modeling.tokenizer import Vocabulary, load_tokenizer, vocabulary
from modeling.tokens import Rows, Specials, Split, Tokens, pack
from modeling.tokens.words import Encoder

FOLDER = "scores"
SPLIT = "validation"
VERSION = 1
"""Raised when the same model on the same documents gets other scores."""


def measured(folder: Path, version: Version, settings: Measure, models: Path) -> dict[str, ScoreFact]:
    """Scores by source of the model in `folder`, empty where the version has no validation split. Kept in MODELS/scores by the fingerprint of model, version, settings.

    Raises DollmaError as `open_model`, and for a damaged file of scores.
    """
    about = {"model": fingerprint_of(folder), "version": version.fingerprint, "settings": settings, "measure": VERSION}
    path = models / FOLDER / f"{fingerprint(about)}.json"
    if not path.exists():
        scores = _measured(folder, version, settings)
        with whole_file(path) as temporary:
            told = {name: score.model_dump() for name, score in scores.items()}
            temporary.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    try:
        return {name: ScoreFact.model_validate(score) for name, score in json.loads(path.read_bytes()).items()}
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise DollmaError(f"{path}: damaged ({error}): remove it, and it is measured again") from error


def _measured(folder: Path, version: Version, settings: Measure) -> dict[str, ScoreFact]:
    chosen = documents(version, settings.bytes)
    if not chosen:
        return {}
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    opened = open_model(folder)
    model = opened.model.float().to(device)
    length = min(settings.length, model.config.max_position_embeddings - position_offset(model))
    rows, words = _rows(chosen, tuple(version.sources), folder, length, closed=not opened.causal)
    autocast = torch.bfloat16 if device.type == "cuda" else None
    scores = evaluate(model, rows, words, tuple(version.sources), size=max(1, PLACES[device.type] // length), autocast=autocast)
    return {name: ScoreFact(**score.figures()) for name, score in scores.items()}


def documents(version: Version, most: int) -> list[tuple[str, str]]:
    """(source, text) of the first documents of the validation split, each once, of each source until it has `most` bytes."""
    taken: dict[str, int] = defaultdict(int)
    found = []
    for batch in texts(version, SPLIT, ("source", "text", "copy")):
        for source, text, copy in zip(*(batch[name].to_pylist() for name in ("source", "text", "copy")), strict=True):
            if copy == 0 and taken[source] < most:
                taken[source] += len(text.encode())
                found.append((source, text))
    return found


def _rows(chosen: list[tuple[str, str]], sources: tuple[str, ...], folder: Path, length: int, closed: bool) -> tuple[Rows, Vocabulary]:
    words = vocabulary(folder)
    ids, lengths = Encoder(load_tokenizer(folder))([text for _, text in chosen])
    held = Split(
        ids=ids,
        offsets=np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]),
        source=np.array([sources.index(source) for source, _ in chosen], np.uint16),
        copies=np.ones(len(chosen), np.uint16),
        bytes=np.array([len(text.encode()) for _, text in chosen], np.int32),
    )
    tokens = Tokens(folder, {}, sources, Specials(words.pad, words.cls, words.sep), {SPLIT: held})
    return pack(tokens, SPLIT, length, closed), words


def bits_per_byte(scores: dict[str, ScoreFact]) -> float | None:
    """Of all sources together, each byte once; None where there is nothing."""
    size = sum(score.bytes for score in scores.values())
    return sum(score.bits_per_byte * score.bytes for score in scores.values()) / size if size else None
