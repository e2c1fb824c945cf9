"""Where versions, tokenizers, token stores and models stand in a workspace, and how people name them."""

from __future__ import annotations

from pathlib import Path

from curation.errors import DollmaError, nearest

MADE_BY = {
    "versions": ("version", "dollma build RECIPE"),
    "tokenizers": ("tokenizer", "dollma tokenizer train VERSION"),
    "tokens": ("token store", "dollma tokens VERSION TOKENIZER"),
}
"""By folder of the workspace: what is in it, and the command that makes one."""


def find(name: str, workspace: Path, kind: str) -> Path:
    """A folder of a kind of `MADE_BY`: by its name in the workspace, by path, or by the beginning of its name if only one fits.

    Raises DollmaError where there is none, or more than one.
    """
    what, command = MADE_BY[kind]
    known = {folder.name: folder for folder in sorted((workspace / kind).glob("[!.]*")) if folder.is_dir()}
    if name in known:
        return known[name]
    if name and Path(name).exists():
        return Path(name)
    fitting = [folder for key, folder in known.items() if name and key.startswith(name)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise DollmaError(f"{name!r} fits several in {workspace / kind}: {', '.join(folder.name for folder in fitting)}")
    hint = nearest(name, known) if known else "there is none yet"
    raise DollmaError(f"no {what} {name!r} in {workspace / kind} ({hint}); `{command}` makes one")
