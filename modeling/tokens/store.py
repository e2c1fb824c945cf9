"""The token store: each document of a version once, as ids of 16 bits (32 where a vocabulary needs them) in memory-mapped files.

A store is a folder: `manifest.json`, and for every split a folder of plain little-endian arrays. Nothing is compressed, so opening one costs nothing and any row of
any document is one read; what many processes read stands once in memory. How often a document stands in the corpus is a number beside it, not copies of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from curation.errors import DollmaError, nearest
from curation.files import checksum, whole_folder
from curation.fingerprint import canonical

MANIFEST = "manifest.json"
FORMAT = 1
DTYPES = {"ids": "<u2", "offsets": "<i8", "source": "<u2", "copies": "<u2", "bytes": "<i4"}
"""Arrays of a split: `ids` of all documents one after the other, without special tokens; `offsets`, n + 1, where each begins in `ids`; per document the number of
its `source` in the manifest, its `copies` in the corpus, and the UTF-8 `bytes` of its text."""
NARROW = 1 << 16
"""A vocabulary of more ids, as those of others may be, is stored with 32 bits an id."""
MAX_COPIES = (1 << 16) - 1
IDS = ("<u2", "<u4")
PER_DOCUMENT = ("source", "copies", "bytes")


class Specials(NamedTuple):
    """Ids of the special tokens that rows are made with."""

    pad: int = 0
    cls: int = 2
    sep: int = 3


BERT = Specials()
"""Where our tokenizers have them."""


class Part(NamedTuple):
    """Some documents on their way into a store: `ids` one after the other, and per document its `lengths` in ids, `source`, `copies`, `bytes`."""

    ids: np.ndarray
    lengths: np.ndarray
    source: np.ndarray
    copies: np.ndarray
    bytes: np.ndarray


@dataclass(frozen=True)
class Split:
    """The documents of one split, memory-mapped."""

    ids: np.ndarray
    offsets: np.ndarray
    source: np.ndarray
    copies: np.ndarray
    bytes: np.ndarray

    def __len__(self) -> int:
        return len(self.source)

    def lengths(self) -> np.ndarray:
        """Ids of each document (int64)."""
        return np.diff(self.offsets)

    def document(self, number: int) -> np.ndarray:
        """The ids of one document."""
        return self.ids[self.offsets[number] : self.offsets[number + 1]]


@dataclass(frozen=True)
class Tokens:
    """An open store."""

    folder: Path
    manifest: dict[str, Any]
    sources: tuple[str, ...]
    specials: Specials
    splits: dict[str, Split]

    @property
    def fingerprint(self) -> str:
        """The name of what is in it: a hash of the version and the tokenizer."""
        return str(self.manifest["fingerprint"])

    def split(self, name: str) -> Split:
        """A split by name. Raises DollmaError where the store has none of that name."""
        if name not in self.splits:
            raise DollmaError(f"{self.folder}: no split {name!r}: {nearest(name, self.splits)}")
        return self.splits[name]


def ids_dtype(size: int) -> str:
    """How the ids of a vocabulary of this size are stored."""
    return IDS[size > NARROW]


def write_store(
    folder: Path,
    splits: Mapping[str, Iterable[Part]],
    sources: Sequence[str],
    specials: Specials = BERT,
    *,
    size: int = NARROW,
    **facts: Any,
) -> None:
    """Write a store; the folder appears whole or not at all. `size` is the vocabulary's; `facts` go into the manifest (fingerprint, version, tokenizer).

    The manifest counts documents, those that gave no tokens, copies, tokens, tokens with copies, and bytes of text, by split and source.
    """
    dtypes = DTYPES | {"ids": ids_dtype(size)}
    with whole_folder(folder) as temporary:
        counts = {split: _write_split(temporary / split, parts, sources, dtypes) for split, parts in splits.items()}
        files = {
            str(path.relative_to(temporary)): {"bytes": path.stat().st_size, "sha256": checksum(path)}
            for path in sorted(temporary.rglob("*"))
            if path.is_file()
        }
        manifest = {
            "format": FORMAT,
            "fingerprint": folder.name.rpartition("-")[2],
            "dtypes": dtypes,
            "sources": list(sources),
            "specials": specials._asdict(),
            "splits": counts,
            "files": files,
        } | facts
        (temporary / MANIFEST).write_text(json.dumps(canonical(manifest), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        for path in temporary.rglob("*"):
            if path.is_file():
                path.chmod(0o444)


def _write_split(folder: Path, parts: Iterable[Part], sources: Sequence[str], dtypes: dict[str, str]) -> dict[str, dict[str, int]]:
    folder.mkdir(parents=True)
    sums = np.zeros((len(sources), len(COUNTED)), np.int64)
    end = 0
    with ExitStack() as stack:
        files = {name: stack.enter_context((folder / f"{name}.bin").open("wb")) for name in dtypes}
        files["offsets"].write(np.zeros(1, dtypes["offsets"]).tobytes())
        for part in parts:
            offsets = end + np.cumsum(part.lengths, dtype=np.int64)
            for name, column in (("ids", part.ids), ("offsets", offsets), *((name, getattr(part, name)) for name in PER_DOCUMENT)):
                files[name].write(np.ascontiguousarray(column, dtypes[name]).data)
            end = int(offsets[-1]) if len(offsets) else end
            _count(sums, part)
    return {source: dict(zip(COUNTED, map(int, row), strict=True)) for source, row in zip(sources, sums, strict=True) if row.any()}


COUNTED = ("documents", "empty", "copies", "tokens", "final_tokens", "bytes")
"""What the manifest counts by split and source; `empty` are documents that gave no tokens, `final_tokens` counts copies."""


def _count(sums: np.ndarray, part: Part) -> None:
    copies, lengths = part.copies.astype(np.int64), part.lengths.astype(np.int64)
    for column, values in enumerate((np.ones_like(lengths), lengths == 0, copies, lengths, lengths * copies, part.bytes)):
        np.add.at(sums[:, column], part.source, values.astype(np.int64))


def open_tokens(folder: Path) -> Tokens:
    """Open a store. Raises DollmaError where it is no store, a file is not as long as the manifest says, or its arrays don't fit together, which compiled loops trust.

    Hashes are what `verify_tokens` looks at.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if manifest["format"] != FORMAT:
            raise DollmaError(f"{folder / MANIFEST}: format {manifest['format']!r}, this DOLLMA reads {FORMAT}: run `dollma tokens` again")
        splits = {split: _open_split(folder, split, manifest["files"], manifest["dtypes"]["ids"]) for split in sorted(manifest["splits"])}
        for split, held in splits.items():
            _check_arrays(folder / split, held, len(manifest["sources"]))
        return Tokens(folder, manifest, tuple(manifest["sources"]), Specials(**manifest["specials"]), splits)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DollmaError(
            f"{folder}: no token store ({type(error).__name__}: {error}); `dollma tokens VERSION TOKENIZER` makes one"
        ) from error


def _open_split(folder: Path, split: str, files: dict[str, Any], ids: str) -> Split:
    if ids not in IDS:
        raise DollmaError(f"{folder / MANIFEST}: ids of type {ids!r}, this DOLLMA reads {' and '.join(IDS)}: run `dollma tokens` again")
    arrays = {}
    for name, dtype in (DTYPES | {"ids": ids}).items():
        stated, path = files[f"{split}/{name}.bin"]["bytes"], folder / split / f"{name}.bin"
        found = path.stat().st_size
        if found != stated:
            raise DollmaError(f"{path}: {found:,} bytes, the manifest says {stated:,}: remove {folder} and run `dollma tokens` again")
        arrays[name] = np.memmap(path, dtype, mode="r") if found else np.empty(0, dtype)
    return Split(**arrays)


def _check_arrays(folder: Path, split: Split, sources: int) -> None:
    """Of the numbers that others are found by: one of each for every document, offsets that climb from 0 to the last id, sources that the manifest has."""
    documents, offsets = len(split), split.offsets
    fits = {
        "offsets": len(offsets) == documents + 1
        and offsets[0] == 0
        and offsets[-1] == len(split.ids)
        and bool((split.lengths() >= 0).all()),
        "copies": len(split.copies) == documents,
        "bytes": len(split.bytes) == documents,
        "source": not documents or int(split.source.max()) < sources,
    }
    for name, fit in fits.items():
        if not fit:
            path = folder / f"{name}.bin"
            raise DollmaError(f"{path}: doesn't fit the other files of {folder}: remove {folder.parent} and run `dollma tokens` again")


def verify_tokens(tokens: Tokens) -> None:
    """Hash every file. Raises DollmaError that names the first which is not as the manifest says."""
    for name, stated in tokens.manifest["files"].items():
        if (found := checksum(tokens.folder / name)) != stated["sha256"]:
            raise DollmaError(
                f"{tokens.folder / name}: SHA-256 is {found}, the manifest says {stated['sha256']}: remove the folder and run `dollma tokens` again"
            )
