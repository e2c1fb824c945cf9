"""`dollma bench rescore | table | plot | export`: what stored predictions come to."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

Out = Annotated[
    Path,
    typer.Argument(metavar="OUT", help="The folder of `dollma bench run --out`.", exists=True, file_okay=False, show_default=False),
]


class Format(StrEnum):
    """How a table is written."""

    markdown, html, csv, latex = "markdown", "html", "csv", "latex"


def rescore(out: Out) -> None:
    """Compute all scores anew from the stored predictions, write them to OUT/board.json, and say what changed."""
    from benchmarks.leaderboard.changes import rescore as again

    new = not (out / "board.json").exists()
    told = again(out)
    for line in told:
        typer.echo(line)
    typer.echo(f"{out / 'board.json'}: " + ("written" if new else f"{len(told)} scores changed" if told else "nothing changed"))


def table(out: Out, layout: Annotated[Format, typer.Option("--format", help="What to write on stdout.")] = Format.markdown) -> None:
    """Print the table: models by tasks, with intervals, ties, collapsed runs, and averages with and without chance."""
    from benchmarks.leaderboard.board import board
    from benchmarks.leaderboard.page import table_page
    from benchmarks.leaderboard.render import TEXTS

    found = board(out)
    typer.echo(table_page(found) if layout is Format.html else TEXTS[layout.value](found), nl=False)


def plot(
    out: Out, to: Annotated[Path | None, typer.Option(help="File to write, by default OUT/board.svg.", dir_okay=False)] = None
) -> None:
    """Draw models on tasks as SVG, with 95 % intervals."""
    from benchmarks.leaderboard.board import board
    from benchmarks.leaderboard.plots import figure
    from curation.files import whole_file

    path = to or out / "board.svg"
    drawn = figure(board(out))
    with whole_file(path) as temporary:
        temporary.write_text(drawn, encoding="utf-8")
    typer.echo(str(path))


def export(
    out: Out, to: Annotated[Path | None, typer.Option(help="Folder to write, by default OUT/board.", file_okay=False)] = None
) -> None:
    """Write the leaderboard as pages that open anywhere: the table, a card for each task, the figures as JSON, the predictions behind each number."""
    from benchmarks.leaderboard.board import board
    from benchmarks.leaderboard.page import export as written

    typer.echo(str(written(board(out), out, to or out / "board")))
