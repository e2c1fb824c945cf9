"""Tiny encoders that know the words of `bench_data`."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import BertPreTokenizer
from transformers import BertConfig, BertForMaskedLM, BertModel, XLMRobertaConfig, XLMRobertaForMaskedLM

from modeling.tokenizer.saved import SPECIAL
from tests.benchmarks.bench_data import words

PLACES = 64


def write_tokenizer(folder: Path, known: list[str]) -> int:
    """Letters, and half of the words whole, so that the others are several pieces: how many ids."""
    letters = sorted({letter for word in known for letter in word})
    pieces = [*SPECIAL, *letters, *(f"##{letter}" for letter in letters), *(word for word in known[::2] if len(word) > 1)]
    made = Tokenizer(WordPiece({piece: number for number, piece in enumerate(pieces)}, unk_token=SPECIAL[1]))
    made.pre_tokenizer = BertPreTokenizer()
    folder.mkdir(parents=True, exist_ok=True)
    made.save(str(folder / "tokenizer.json"))
    return len(pieces)


def write_bert(folder: Path, headless: bool = False) -> Path:
    """A BERT of two layers; `headless`, as those are that were tuned for embeddings: no head for masked tokens, a pooler instead."""
    torch.manual_seed(0)
    shape = {
        "vocab_size": write_tokenizer(folder, words()),
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
    }
    config = BertConfig(**shape, max_position_embeddings=PLACES, hidden_dropout_prob=0.1, initializer_range=0.2)
    (BertModel if headless else BertForMaskedLM)(config).save_pretrained(folder)
    return folder


def write_xlmr(folder: Path) -> Path:
    """An XLM-R of one layer: positions from 2, one segment, two marks between texts."""
    torch.manual_seed(0)
    shape = {
        "vocab_size": write_tokenizer(folder, words()),
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 64,
    }
    config = XLMRobertaConfig(**shape, max_position_embeddings=PLACES + 2, type_vocab_size=1, pad_token_id=0, initializer_range=0.2)
    XLMRobertaForMaskedLM(config).save_pretrained(folder)
    return folder
