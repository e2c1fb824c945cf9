"""What a run reads: the token store that its configuration names, in rows; the tokenizer of the store, and the version it was made from."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from curation.errors import DollmaError
from modeling.config import Pretraining
from modeling.corpus import Version, open_version
from modeling.places import find
from modeling.tokenizer import Vocabulary, load_tokenizer, tokenizer_fingerprint, vocabulary
from modeling.tokens import Rows, Tokens, open_tokens, pack
from modeling.tokens.halves import Halving, halving


class Inputs(NamedTuple):
    """All that a run reads. `held_out` is the validation split, None where the version has none. Where the order of halves is learnt, `halving` cuts pieces in two, and
    `halved` is the validation split with room for it; `held_out` is as ever, so that models with and without that objective are asked for the same."""

    version: Version
    tokens: Tokens
    tokenizer: Path
    vocabulary: Vocabulary
    train: Rows
    held_out: Rows | None
    halving: Halving | None = None
    halved: Rows | None = None


def opened(config: Pretraining, workspace: Path) -> Inputs:
    """Open it all, and lay it out in rows. Raises DollmaError for what is not there, and for a tokenizer that is not the one which made the store."""
    tokens = open_tokens(find(config.tokens, workspace, "tokens"))
    stated = {name: tokens.manifest[name] for name in ("version", "tokenizer")}
    version = open_version(find(config.version or stated["version"]["name"], workspace, "versions"))
    own = config.model.start if config.tokenizer is None else None
    tokenizer = Path(own) if own else find(config.tokenizer or stated["tokenizer"]["name"], workspace, "tokenizers")
    for name, folder, found in (
        ("version", version.folder, version.fingerprint),
        ("tokenizer", tokenizer, tokenizer_fingerprint(tokenizer)),
    ):
        if found != stated[name]["fingerprint"]:
            told = f"fingerprint {found}, but {tokens.folder} was made from {stated[name]['fingerprint']}"
            raise DollmaError(f"{folder}: {told}: set {name} to that one's folder, or run `dollma tokens` again")
    closed, halves = not config.causal, config.objective.sentence_order
    words = vocabulary(tokenizer)
    has_text = any(counts["tokens"] for counts in tokens.manifest["splits"].get("validation", {}).values())
    held_out = pack(tokens, "validation", config.length, closed) if has_text else None
    train = pack(tokens, "train", config.length, closed, halves)
    if not halves:
        return Inputs(version, tokens, tokenizer, words, train, held_out)
    halved = pack(tokens, "validation", config.length, halves=True) if has_text else None
    return Inputs(version, tokens, tokenizer, words, train, held_out, halving(load_tokenizer(tokenizer), words, config.seed), halved)
