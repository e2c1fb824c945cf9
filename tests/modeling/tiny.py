"""A workspace small enough to train in: a version's manifest, a tokenizer of 256 ids, a token store of some documents; and settings for a model of two layers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer
from tokenizers.decoders import WordPiece as WordPieceDecoder
from tokenizers.models import WordPiece
from tokenizers.normalizers import NFC
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

from modeling.config import Pretraining
from modeling.export import TRIAL
from modeling.tokenizer import tokenizer_fingerprint
from modeling.tokens import Part, write_store

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
SIZE = 256
VERSION, TOKENIZER, STORE = "tiny-0123", "wordpiece-256-4567", "tiny-0123-wordpiece-256-4567-89ab"
SOURCES = ("books", "news")


def workspace(folder: Path, documents: int = 60) -> Path:
    """The workspace, without models."""
    _version(folder / "versions" / VERSION)
    _tokenizer(folder / "tokenizers" / TOKENIZER)
    draw = np.random.default_rng(0)
    made_with = {"name": TOKENIZER, "fingerprint": tokenizer_fingerprint(folder / "tokenizers" / TOKENIZER), "size": SIZE}
    facts: dict[str, Any] = {"version": {"name": VERSION, "fingerprint": "0123abcd"}, "tokenizer": made_with}
    splits = {"train": [part(draw, documents)], "validation": [part(draw, 12)]}
    write_store(folder / "tokens" / STORE, splits, SOURCES, **facts)
    return folder


def part(draw: np.random.Generator, documents: int) -> Part:
    """Documents of 2 to 60 ids, in which each id but the first follows from the one before: there is something to learn."""
    lengths = draw.integers(2, 60, documents)
    ids = np.concatenate([5 + (draw.integers(100) + 7 * np.arange(length)) % 100 for length in lengths])
    return Part(ids.astype(np.uint16), lengths, draw.integers(0, 2, documents), draw.integers(1, 3, documents), lengths * 4)


def settings(**changes: Any) -> Pretraining:
    """Two layers of 32, rows of 32 tokens, four of them a step."""
    shape = {"hidden": 32, "heads": 2, "layers": 2, "ffn": 64}
    run = {"micro_batch": 2, "workers": 1, "device": "cpu", "log_every": 1, "checkpoint_every": 4} | changes.pop("run", {})
    model = {"family": "bert", "size": shape} | changes.pop("model", {})
    whole = {
        "name": "tiny",
        "tokens": STORE,
        "length": 32,
        "batch": {"rows": 4},
        "horizon": {"steps": 12},
        "optimiser": {"learning_rate": 3e-3},
    }
    return Pretraining.model_validate(whole | {"model": model, "run": run, "evaluation": {"every": 0, "rows": 8}} | changes)


def _version(folder: Path) -> None:
    source = {"licence": "", "words": 1000, "upsample": 1.5, "final_words": 1500}
    manifest = {
        "format": 1,
        "version": VERSION,
        "name": "tiny",
        "title": "Sınaq",
        "fingerprint": "0123abcd",
        "language": "azj_Latn",
        "licence": "",
        "sources": {name: source | {"title": name} for name in SOURCES},
        "files": {},
    }
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def _tokenizer(folder: Path) -> None:
    letters = sorted({c for c in TRIAL if not c.isspace()})
    pieces = [*SPECIAL, *letters, *(f"##{c}" for c in letters), "Bakı", "gül"]
    pieces += [f"söz{chr(ord('a') + n // 20)}{chr(ord('a') + n % 20)}" for n in range(SIZE - len(pieces))]
    made = Tokenizer(WordPiece({piece: n for n, piece in enumerate(pieces)}, unk_token=SPECIAL[1]))
    made.normalizer, made.pre_tokenizer, made.decoder = NFC(), BertPreTokenizer(), WordPieceDecoder()
    made.post_processor = TemplateProcessing("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", [("[CLS]", 2), ("[SEP]", 3)])
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), SPECIAL, strict=True))
    PreTrainedTokenizerFast(tokenizer_object=made, **names).save_pretrained(folder)
