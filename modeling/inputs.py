"""What a run reads: the token store that its configuration names, in rows; the tokenizer of the store, and the version it was made from."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from curation.errors import DollmaError, nearest
from modeling.config import Pretraining
from modeling.corpus import Version, open_version
from modeling.tokenizer import Vocabulary, tokenizer_fingerprint, vocabulary
from modeling.tokens import Rows, Tokens, open_tokens, pack


class Inputs(NamedTuple):
    """All that a run reads. `held_out` is the validation split, None where the version has none."""

    version: Version
    tokens: Tokens
    tokenizer: Path
    vocabulary: Vocabulary
    train: Rows
    held_out: Rows | None


def opened(config: Pretraining, workspace: Path) -> Inputs:
    """Open it all, and lay it out in rows. Raises DollmaError for what is not there, and for a tokenizer that is not the one which made the store."""
    tokens = open_tokens(_found(config.tokens, workspace / "tokens", "token store", "dollma tokens VERSION TOKENIZER"))
    stated = {name: tokens.manifest[name] for name in ("version", "tokenizer")}
    version = open_version(_found(config.version or stated["version"]["name"], workspace / "versions", "version", "dollma build RECIPE"))
    tokenizer = _found(
        config.tokenizer or stated["tokenizer"]["name"], workspace / "tokenizers", "tokenizer", "dollma tokenizer train VERSION"
    )
    for name, folder, found in (
        ("version", version.folder, version.fingerprint),
        ("tokenizer", tokenizer, tokenizer_fingerprint(tokenizer)),
    ):
        if found != stated[name]["fingerprint"]:
            told = f"fingerprint {found}, but {tokens.folder} was made from {stated[name]['fingerprint']}"
            raise DollmaError(f"{folder}: {told}: set {name} to that one's folder, or run `dollma tokens` again")
    closed = not config.causal
    has_text = any(counts["tokens"] for counts in tokens.manifest["splits"].get("validation", {}).values())
    held_out = pack(tokens, "validation", config.length, closed) if has_text else None
    return Inputs(version, tokens, tokenizer, vocabulary(tokenizer), pack(tokens, "train", config.length, closed), held_out)


def _found(name: str, root: Path, what: str, command: str) -> Path:
    """A folder by path, or by name in the workspace. Raises DollmaError where there is none."""
    for folder in (root / name, Path(name)):
        if folder.is_dir():
            return folder
    known = [path.name for path in root.iterdir() if path.is_dir()] if root.is_dir() else []
    hint = nearest(name, known) if known else "there is none yet"
    raise DollmaError(f"{name}: no such {what} in {root} ({hint}); `{command}` makes one")
