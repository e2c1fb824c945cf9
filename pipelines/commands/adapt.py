"""`dollma adapt`: a model of others adapted to a version, by a recipe."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated

import typer


def adapt(
    recipe: Annotated[Path, typer.Argument(help="Recipe (YAML); modeling/configs/adapt-*.yaml are examples.", show_default=False)],
    override: Annotated[
        list[str] | None, typer.Option("--set", help="Override a key: model=FOLDER, version=VERSION", metavar="KEY=VALUE")
    ] = None,
    workspace: Annotated[
        Path, typer.Option("--workspace", "-w", help="Folder that holds versions, tokenizers and models.", file_okay=False)
    ] = Path("workspace"),
    workers: Annotated[int | None, typer.Option(min=1, help="Worker processes of tokenising; by default one per core.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the card as JSON instead of a table.")] = False,
) -> None:
    """Adapt a model to a version: trim and extend its vocabulary, go on with its training, teach it to answer. Bits per byte are measured before and after each step.

    What is done is not done again; a run that was stopped or killed goes on where it was.
    """
    from rich.console import Console

    from modeling.extras import TRAINING, check_extras
    from pipelines.engines.server import start_server

    check_extras(TRAINING)
    start_server()
    from rich.markup import escape
    from rich.table import Table

    from modeling.adaptation.recipe import load_adaptation
    from modeling.adaptation.report import rows
    from modeling.stopping import Stopped
    from pipelines.adapting import adapt as run_adapt
    from pipelines.commands.pretrain import SIGNALLED

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    out, err = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)
    settings = load_adaptation(recipe, tuple(override or ()))
    try:
        folder, card = run_adapt(settings, recipe.parent, workspace, err, workers)
    except Stopped as stopped:
        err.print(f"{stopped}; the same command goes on from there", highlight=False, markup=False)
        raise typer.Exit(SIGNALLED + stopped.signal) from stopped
    if as_json:
        out.print_json(data=card.model_dump(mode="json") | {"folder": str(folder)})
        return
    heads, cells = rows(card)
    table = Table(*map(escape, heads))
    for row in cells:
        table.add_row(*map(escape, row))
    out.print(table)
    out.print(f"{settings.name}: {folder}", highlight=False, markup=False)
