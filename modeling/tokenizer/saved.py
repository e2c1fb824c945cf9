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
ROLES = {
    "[PAD]": ("pad_token",),
    "[UNK]": ("unk_token",),
    "[CLS]": ("cls_token", "bos_token"),
    "[SEP]": ("sep_token", "eos_token"),
    "[MASK]": ("mask_token",),
}
"""Where `tokenizer_config.json` says which tokens of others they are."""
NONE = -1
"""The id of `[MASK]` in a vocabulary that has none, as decoders' have not."""
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
    """The tokenizer of a folder (or of a `tokenizer.json`), with no truncation, no padding, and no dropout of merges; `[MASK]` in a text is text.

    Raises DollmaError where it is missing or damaged.
    """
    path = tokenizer_file(folder)
    try:
        return plain(Tokenizer.from_str(path.read_text(encoding="utf-8")))
    except BaseException as error:
        if not of_the_library(error):
            raise
        raise DollmaError(f"{path}: no tokenizer ({error}); train it again, or take it from an undamaged copy") from error


def plain(tokenizer: Tokenizer) -> Tokenizer:
    """The tokenizer, changed so that it takes any text whole and as text."""
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True
    if getattr(tokenizer.model, "dropout", None):
        tokenizer.model.dropout = None  # a text has other pieces each time with it
    return tokenizer


def of_the_library(error: BaseException) -> bool:
    """Is it what `tokenizers` raises for a file or a text that it can't take: a plain Exception, or a panic of Rust, which is none and can't be imported?"""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


def tokenizer_fingerprint(folder: Path) -> str:
    """A hash of `tokenizer.json`: the same for any folder that encodes the same way."""
    return fingerprint({TOKENIZER: checksum(tokenizer_file(folder))})


def vocabulary(folder: Path) -> Vocabulary:
    """What the ids of a tokenizer stand for. What ends a text stands in where a decoder's has no token to begin one, to pad or for the unknown.

    Raises DollmaError where no token ends a text, and for ids that are no numbers of rows.
    """
    tokenizer = load_tokenizer(folder)
    size = _size(folder, tokenizer)
    pieces = [tokenizer.id_to_token(number) or "" for number in range(size)]
    special = {number for number, token in tokenizer.get_added_tokens_decoder().items() if token.special}
    pad, unk, cls, sep, mask = _specials(folder, tokenizer)
    special |= {pad, unk, cls, sep, mask} - {NONE}
    reserved = {number for number, piece in enumerate(pieces) if RESERVED.fullmatch(piece) or not piece}
    style = _style(tokenizer)
    silent = special | reserved
    continues = np.array([n not in silent and _continues(piece, style) for n, piece in enumerate(pieces)], np.bool_)
    lengths = np.array([0 if n in silent else _bytes(piece, style) for n, piece in enumerate(pieces)], np.int32)
    ordinary = np.array([n for n in range(size) if n not in silent], np.int64)
    return Vocabulary(size, pad, unk, cls, sep, mask, frozenset(special), ordinary, continues, lengths)


def _size(folder: Path, tokenizer: Tokenizer) -> int:
    """One more than the largest id: ids that no piece has are rows too. A file may skip some, but must not ask for arrays that have nothing to do with its length."""
    ids = tokenizer.get_vocab(with_added_tokens=True)
    size = max(ids.values(), default=-1) + 1
    if len(set(ids.values())) < len(ids):
        raise DollmaError(f"{tokenizer_file(folder)}: two tokens have the same id: take it from an undamaged copy")
    if size > 2 * len(ids):
        last = max(ids, key=ids.__getitem__)
        raise DollmaError(f"{tokenizer_file(folder)}: {len(ids):,} tokens, but {last!r} has the id {size - 1:,}: number them from 0 up")
    return size


def _specials(folder: Path, tokenizer: Tokenizer) -> tuple[int, int, int, int, int]:
    roles = _roles(folder)
    pad, unk, cls, sep, mask = (
        _special(tokenizer, (name, *OTHER_NAMES[name], *(roles.get(role) for role in ROLES[name]))) for name in SPECIAL
    )
    if sep is None:
        raise DollmaError(
            f"{tokenizer_file(folder)}: no token [SEP] (or </s>), and {CONFIG} beside it names no sep_token or eos_token: pre-training needs one"
        )
    pad, unk, cls = (sep if number is None else number for number in (pad, unk, cls))
    return pad, unk, cls, sep, NONE if mask is None else mask


def _special(tokenizer: Tokenizer, names: tuple[str | None, ...]) -> int | None:
    numbers = (tokenizer.token_to_id(name) for name in names if name is not None)
    return next((number for number in numbers if number is not None), None)


def _roles(folder: Path) -> dict[str, str]:
    """Tokens by role, as `tokenizer_config.json` beside a tokenizer names them; nothing where there is none or it is none."""
    try:
        stated = json.loads((tokenizer_file(folder).parent / CONFIG).read_text(encoding="utf-8"))
        items = (
            (role, token.get("content") if isinstance(token, dict) else token) for role, token in stated.items() if role.endswith("_token")
        )
        return {role: token for role, token in items if isinstance(token, str)}
    except (OSError, ValueError, AttributeError, RecursionError):
        return {}


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
