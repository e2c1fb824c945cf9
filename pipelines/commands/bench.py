"""`dollma bench`: models fine-tuned on tasks, and what is told of them. Each command imports what it needs when it runs: listing tasks takes no second."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands import bench_board, bench_corpus, bench_decode, bench_own, bench_tasks

app = typer.Typer(no_args_is_help=True, help="Models on labelled tasks: runs, tables with intervals, contamination.")

CACHE = Path.home() / ".cache" / "dollma" / "benchmarks"


@app.command()
def run(
    model: Annotated[
        list[Path], typer.Option(help="Folder of an encoder that transformers loads; give it several times.", show_default=False)
    ],
    task: Annotated[
        list[str], typer.Option(help="Name of a task, as `dollma bench tasks` lists them; give it several times.", show_default=False)
    ],
    out: Annotated[
        Path, typer.Option(help="Folder for runs and cells; what is there is not made again.", file_okay=False, show_default=False)
    ],
    data: Annotated[
        Path | None, typer.Option(help="Folder with the tasks' files, each in its own folder or all in one.", show_default=False)
    ] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="Runs of each model; by default 5, and 10 for fewer than 2,000 items.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="The same architecture with fresh weights too.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Train on so many items, always the same ones.")] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Fetch what is not in --data from the Hugging Face Hub, at its pinned revision.")
    ] = False,
) -> None:
    """Fine-tune models on tasks and store what they predict. Some learning rates are tried on validation; the test split is read when all is trained."""
    from benchmarks.finetuning.runs import Asked
    from benchmarks.finetuning.runs import run as made

    asked = Asked(tuple(model), tuple(task), data, CACHE if download else None, fresh, seeds, limit)
    cells = made(asked, out, typer.echo)
    typer.echo(f"{len(cells)} cells in {out / 'cells'}; `dollma bench table {out}` makes a table of them")


for _command in (
    bench_tasks.tasks,
    bench_board.rescore,
    bench_board.table,
    bench_board.plot,
    bench_board.export,
    bench_tasks.pairs,
    bench_own.own,
    bench_corpus.corpus,
    bench_decode.decode,
    bench_decode.bytes,
    bench_tasks.contamination,
):
    app.command()(_command)
