"""`dollma bench decode | bytes`: decoders on tasks, untaught or after a few examples, and on held-out text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.bench_tasks import Data, Version, Workspace

Models = Annotated[
    list[Path], typer.Option("--model", help="Folder of a decoder that transformers loads; give it several times.", show_default=False)
]


def decode(
    model: Models,
    task: Annotated[
        list[str],
        typer.Option(help="tumlu-az, xcopa-tr, belebele-az, sentiment-az or cb-mcq; give it several times.", show_default=False),
    ],
    out: Annotated[
        Path, typer.Option(help="Folder for runs and cells; what is there is not made again.", file_okay=False, show_default=False)
    ],
    data: Data = None,
    shots: Annotated[int, typer.Option(min=0, help="Items of train or validation shown with their answers before each question.")] = 0,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Ask so many test items, the first ones: for a trial, in a folder of its own.")
    ] = None,
) -> None:
    r"""Put tasks to decoders through lm-eval (pip install 'dollma\[decoders]') and store what they answer. Nothing is trained."""
    from benchmarks.decoders.extra import check_extra

    check_extra()
    from benchmarks.decoders.runs import Asked, run

    cells = run(Asked(tuple(model), tuple(task), data, None, shots, limit), out, typer.echo)
    typer.echo(f"{len(cells)} cells in {out / 'cells'}; `dollma bench table {out}` makes a table of them")


def bytes(  # noqa: A001 - the command's name
    version: Version,
    model: Models,
    out: Annotated[
        Path, typer.Option(help="Folder for results, in OUT/bytes; what is there is not made again.", file_okay=False, show_default=False)
    ],
    most: Annotated[
        int, typer.Option("--bytes", min=1, help="Of each source, the first documents until there are so many bytes.")
    ] = 1_000_000,
    window: Annotated[int, typer.Option(min=16, max=32_768, help="Tokens that a decoder reads at a time, fewer where it can't.")] = 512,
    workspace: Workspace = Path("workspace"),
) -> None:
    r"""Tell how many bits decoders need for each byte of a version's validation documents, by source, with intervals (pip install 'dollma\[decoders]')."""
    from benchmarks.decoders.extra import check_extra

    check_extra()
    from benchmarks.decoders.held_out import measured, table
    from modeling.corpus import open_version
    from pipelines.versions import find_version

    found = measured(tuple(model), open_version(find_version(version, workspace)), most, window, out, typer.echo)
    typer.echo(table(found), nl=False)
