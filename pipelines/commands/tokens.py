"""`dollma tokens`: a version's texts as a tokenizer's ids, ready for training."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated

import typer


def tokens(
    version: Annotated[str, typer.Argument(help="A version: its folder, name, or the beginning of either.", show_default=False)],
    tokenizer: Annotated[
        str, typer.Argument(help="A tokenizer: its folder, or the beginning of its name in the workspace.", show_default=False)
    ],
    workspace: Annotated[Path, typer.Option("--workspace", "-w", help="Folder that holds stages and versions.", file_okay=False)] = Path(
        "workspace"
    ),
    workers: Annotated[int | None, typer.Option(min=1, help="Worker processes; by default one per core.")] = None,
) -> None:
    """Encode a version for training: each document once, as 16-bit ids (32 for more than 65,536). What is done is not done again; a killed run goes on where it was."""
    from rich.console import Console

    from modeling.extras import TOKENS, check_extras
    from pipelines.engines.server import start_server

    check_extras(TOKENS)
    start_server()
    from modeling.places import find
    from modeling.tokens import open_tokens
    from pipelines.progress import Display
    from pipelines.tokenising import tokenise
    from pipelines.versions import find_version

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    out, err = Console(soft_wrap=True), Console(stderr=True)
    with Display(err) as display:
        made = tokenise(find_version(version, workspace), find(tokenizer, workspace, "tokenizers"), workspace, display, workers)
    for split, sources in open_tokens(made.folder).manifest["splits"].items():
        total = {
            name: sum(counts[name] for counts in sources.values()) for name in ("documents", "empty", "tokens", "final_tokens", "bytes")
        }
        out.print(
            f"{split}: {total['documents']:,} documents, {total['tokens']:,} tokens ({total['final_tokens']:,} with copies), "
            f"{total['bytes'] / max(total['tokens'], 1):.2f} bytes a token"
            + (f", {total['empty']:,} documents without tokens" if total["empty"] else ""),
            highlight=False,
        )
    out.print(f"{'made' if made.new else 'made before'}: {made.folder}", highlight=False, markup=False)
