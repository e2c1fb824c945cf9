"""A tokenizer's folder: `tokenizer.json` loaded, and what a vocabulary's ids stand for. Works for any tokenizer of Hugging Face, not only ours."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tokenizers import Tokenizer

from curation.errors import DollmaError
from curation.files import checksum
from curation.fingerprint import fingerprint
from modeling.tokenizer.letters import BYTE_OF

TOKENIZER = "tokenizer.json"
CONFIG = "tokenizer_config.json"
CARD = "card.json"
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
"""Ids 0 to 4 of our tokenizers."""
OTHER_NAMES = {"[PAD]": ("<pad>",), "[UNK]": ("<unk>",), "[CLS]": ("<s>",), "[SEP]": ("</s>",), "[MASK]": ("<mask>",)}
"""What others call them."""
RESERVED = re.compile(r"\[unused\d+\]")
MAX_BYTES = 256 << 20
"""The largest tokenizer.json read: ten times XLM-R's."""

SPACE_MARKS = ("▁", "Ġ")
"""How Metaspace and byte-level pieces write the space before a word."""
_BYTE = re.compile(r"<0x[0-9A-F]{2}>")


class Vocabulary(NamedTuple):
    """What ids stand for. `size` is the number of rows of an embedding; arrays are indexed by id.

    `ordinary` are the ids that are neither special nor reserved. `continues` says that a piece goes on with the word before it: it has the prefix `##`, or no
    space mark before a letter or digit, or is a suffix after a hyphen or apostrophe. `byte_lengths` are UTF-8 bytes of the text that a piece stands for, without
    the space before it, so that tokenizers that keep spaces and those that do not compare; specials and reserved ids have 0.
    """

    size: int
    pad: int
    unk: int
    cls: int
    sep: int
    mask: int
    special: frozenset[int]
    ordinary: np.ndarray
    continues: np.ndarray
    byte_lengths: np.ndarray


def tokenizer_file(place: Path) -> Path:
    """`tokenizer.json` of a folder, or the file itself. Raises DollmaError where there is none."""
    path = place / TOKENIZER if place.is_dir() else place
    if not path.is_file():
        raise DollmaError(f"{path}: no such tokenizer; give a folder that holds {TOKENIZER}, or such a file")
    if path.stat().st_size > MAX_BYTES:
        raise DollmaError(f"{path}: {path.stat().st_size:,} bytes are more than any {TOKENIZER} has ({MAX_BYTES:,} at most)")
    return path


def load_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer of a folder (or of a `tokenizer.json`), with no truncation and no padding; `[MASK]` in a text is text.

    Raises DollmaError where it is missing or damaged.
    """
    path = tokenizer_file(folder)
    try:
        tokenizer = Tokenizer.from_str(path.read_text(encoding="utf-8"))
    except Exception as error:  # tokenizers raises plain Exception, and a panic of its own for some damage
        raise DollmaError(f"{path}: no tokenizer ({error}); train it again, or take it from an undamaged copy") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True
    return tokenizer


def tokenizer_fingerprint(folder: Path) -> str:
    """A hash of `tokenizer.json`: the same for any folder that encodes the same way."""
    return fingerprint({TOKENIZER: checksum(tokenizer_file(folder))})


def vocabulary(folder: Path) -> Vocabulary:
    """What the ids of a tokenizer stand for. Raises DollmaError where one of the five special tokens is missing."""
    tokenizer = load_tokenizer(folder)
    size = tokenizer.get_vocab_size(with_added_tokens=True)
    pieces = [tokenizer.id_to_token(number) or "" for number in range(size)]
    special = {number for number, token in tokenizer.get_added_tokens_decoder().items() if token.special}
    pad, unk, cls, sep, mask = (_special(folder, tokenizer, name) for name in SPECIAL)
    special |= {pad, unk, cls, sep, mask}
    reserved = {number for number, piece in enumerate(pieces) if RESERVED.fullmatch(piece) or not piece}
    style = _style(tokenizer)
    silent = special | reserved
    continues = np.array([n not in silent and _continues(piece, style) for n, piece in enumerate(pieces)], np.bool_)
    lengths = np.array([0 if n in silent else _bytes(piece, style) for n, piece in enumerate(pieces)], np.int32)
    ordinary = np.array([n for n in range(size) if n not in silent], np.int64)
    return Vocabulary(size, pad, unk, cls, sep, mask, frozenset(special), ordinary, continues, lengths)


def _special(folder: Path, tokenizer: Tokenizer, name: str) -> int:
    for one in (name, *OTHER_NAMES[name]):
        if (number := tokenizer.token_to_id(one)) is not None:
            return number
    raise DollmaError(f"{tokenizer_file(folder)}: no token {name} (or {', '.join(OTHER_NAMES[name])}): pre-training needs one")


def _style(tokenizer: Tokenizer) -> str:
    """How pieces are written: with a prefix where they go on ("##"), or a mark where a word begins ("▁", or "Ġ" in bytes that stand as letters)."""
    stated: dict[str, Any] = json.loads(tokenizer.to_str())
    if prefix := stated["model"].get("continuing_subword_prefix"):
        return str(prefix)
    return "Ġ" if '"ByteLevel"' in json.dumps([stated["pre_tokenizer"], stated["decoder"]]) else "▁"


def _continues(piece: str, style: str) -> bool:
    if style not in SPACE_MARKS:
        return piece.startswith(style)
    if piece.startswith(style) or _BYTE.fullmatch(piece):
        return False
    text = _text(piece, style)
    return any(c.isalnum() or c == "\ufffd" for c in text[:2])


def _bytes(piece: str, style: str) -> int:
    if _BYTE.fullmatch(piece):
        return 1
    if style == "Ġ":
        return len(piece.removeprefix(style))  # one letter stands for one byte
    return len(_text(piece, style).encode())


def _text(piece: str, style: str) -> str:
    """The text that a piece stands for, without the space before it; half a letter is U+FFFD."""
    rest = piece.removeprefix(style)
    if style != "Ġ":
        return rest
    return bytes(BYTE_OF.get(c, 0) for c in rest).decode("utf-8", "replace")
