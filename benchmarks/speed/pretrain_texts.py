"""Text and tokenizer for `benchmarks.speed.pretrain`."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import orjson
import zstandard
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from modeling.corpus import open_version, texts
from modeling.tokenizer import load_tokenizer
from modeling.tokens import Part, Tokens, open_tokens, write_store
from modeling.tokens.words import Encoder

FOLDERS = ("text_az", "web_az")
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def real_texts(folder: Path) -> list[str]:
    """Documents of the files `text_az/*.jsonl.zst` and `web_az/*.jsonl.zst` below a folder. Raises FileNotFoundError when there are none."""
    paths = [path for name in FOLDERS for path in sorted((folder / name).glob("*.jsonl.zst"))]
    if not paths:
        raise FileNotFoundError(f"no text_az/*.jsonl.zst below {folder}: name the folder of the real text with --data")
    found = []
    for path in paths:
        with path.open("rb") as file:
            data = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True).read()
        found += [orjson.loads(line)["text"] for line in data.split(b"\n") if line]
    return found


def version_texts(folder: Path) -> list[str]:
    """The documents of a version's training split, each once."""
    columns = ("text", "copy")
    return [row["text"] for batch in texts(open_version(folder), "train", columns) for row in batch.to_pylist() if row["copy"] == 0]


def drawn(documents: Sequence[str], megabytes: float, seed: int = 0) -> list[str]:
    """Documents in an order that is drawn, until they have so many megabytes; one that alone is larger than a tenth of that is passed over."""
    order = list(documents)
    random.Random(seed).shuffle(order)  # noqa: S311
    found, size, most = [], 0, megabytes * 1e6
    for text in order:
        held = len(text.encode())
        if held <= most / 10 and size < most:
            found.append(text)
            size += held
    return found


def trained(documents: Sequence[str], size: int, folder: Path) -> Path:
    """A cased WordPiece tokenizer of these documents, with reserved ids up to `size`, in a folder as `dollma tokenizer train` writes it."""
    made = Tokenizer(models.WordPiece(unk_token=SPECIAL[1]))
    made.normalizer, made.pre_tokenizer = normalizers.NFC(), pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=size, special_tokens=list(SPECIAL), show_progress=False)
    made.train_from_iterator(documents, trainer)
    made.add_tokens([f"[unused{number}]" for number in range(size - made.get_vocab_size())])
    marks = [(name, SPECIAL.index(name)) for name in ("[CLS]", "[SEP]")]
    made.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", marks)
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), SPECIAL, strict=True))
    PreTrainedTokenizerFast(tokenizer_object=made, **names).save_pretrained(folder)
    return folder


def stored(documents: Sequence[str], tokenizer: Path, folder: Path) -> Tokens:
    """The documents as a token store."""
    ids, lengths = Encoder(load_tokenizer(tokenizer))(list(documents))
    each = np.ones(len(lengths), np.int64)
    part = Part(ids, lengths, 0 * each, each, np.array([len(text.encode()) for text in documents]))
    write_store(folder, {"train": [part]}, ["text"])
    return open_tokens(folder)
