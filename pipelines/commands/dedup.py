"""`dollma dedup`: duplicates among files."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from curation.errors import DollmaError


def dedup(
    files: Annotated[list[str], typer.Argument(help="Files, folders or patterns of any supported format.", show_default=False)],
    threshold: Annotated[float, typer.Option(min=0.01, max=1, help="Smallest Jaccard similarity of near-duplicates.")] = 0.8,
    contained: Annotated[
        float, typer.Option(min=0, max=1, help="Smallest share of a document that its survivor holds; 0: don't look.")
    ] = 0.9,
    shingle: Annotated[int, typer.Option(min=1, max=32, help="Words in a shingle.")] = 5,
    profile: Annotated[str, typer.Option(help="Language profile, for case folding: a label, or the path of a YAML file.")] = "azj_Latn",
    text_field: Annotated[str, typer.Option(help="Field that holds the text.")] = "text",
    id_field: Annotated[str, typer.Option(help="Field that holds the id.")] = "id",
    workers: Annotated[int | None, typer.Option(min=1, help="Worker processes; by default one per core.")] = None,
) -> None:
    """Find duplicates: a JSON object a removal with id, survivor, similarity and kind (exact, near, contained). Nothing is changed."""
    import orjson
    from rich.console import Console

    from pipelines.engines.server import start_server

    start_server()
    from curation.dedup.parameters import Contained, Near
    from pipelines.duplicates import find_duplicates
    from pipelines.explanation import printable
    from pipelines.recipe import Dedup

    asked = Dedup(near=Near(threshold=threshold, shingle=shingle), contained=Contained(threshold=contained) if contained else None)
    faults, err = 0, Console(stderr=True)
    for row in find_duplicates(files, asked, profile, text_field, id_field, workers):
        if isinstance(row, str):
            faults += 1
            err.print(printable(row), highlight=False, markup=False, soft_wrap=True)
        else:
            sys.stdout.buffer.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
    if faults:
        raise DollmaError(f"{faults} records could not be read; the rest is compared")
