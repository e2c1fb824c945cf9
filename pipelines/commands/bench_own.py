"""`dollma bench own`: labelled sets out of one's own version, whose labels stand in the text already."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.bench_tasks import Version, Workspace


def own(
    version: Version,
    out: Annotated[Path, typer.Option(help="Folder to write: own_sources, own_marks, the card.", file_okay=False, show_default=False)],
    workspace: Workspace = Path("workspace"),
) -> None:
    """Make two sets of a version: which source a paragraph is from, and which mark follows each word. Rows to test by are of documents that the version holds out."""
    from benchmarks.tasks.own_sets import build
    from pipelines.versions import find_version

    card = build(find_version(version, workspace), out)
    told = ", ".join(f"{of['paragraphs']:,} paragraphs of {of['documents']:,} documents in {split}" for split, of in card["splits"].items())
    typer.echo(f"{out}: {told}; `dollma bench run --task own-sources --task own-marks --data {out}` reads them")
