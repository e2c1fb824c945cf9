"""`dollma run`: corpus, tokenizer, tokens, models and what these score, in one command."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated

import typer


def run(
    pipeline: Annotated[
        Path,
        typer.Argument(
            help="What to make (YAML); pipelines/allma.yaml is an example, pipelines/demo-bench.yaml another.", show_default=False
        ),
    ],
    override: Annotated[
        list[str] | None,
        typer.Option("--set", help="Override a key: tokenizer.vocab=32000, models.base.set.horizon.hours=2", metavar="KEY=VALUE"),
    ] = None,
    workspace: Annotated[Path, typer.Option("--workspace", "-w", help="Folder that all of it is made in.", file_okay=False)] = Path(
        "workspace"
    ),
    workers: Annotated[int | None, typer.Option(min=1, help="Worker processes; by default one per core.")] = None,
) -> None:
    """From a recipe to models and a leaderboard of them: corpus, tokenizer, tokens, models, bench. What is done is not done again; a run that was stopped or killed
    goes on where it was."""
    from rich.console import Console

    from modeling.extras import TRAINING, check_extras
    from pipelines.engines.server import start_server

    check_extras(TRAINING)
    start_server()
    from modeling.stopping import Stopped
    from pipelines.benching import TABLE
    from pipelines.commands.diff import print_alarms
    from pipelines.commands.pretrain import SIGNALLED
    from pipelines.differences.latest import build_alarms
    from pipelines.running import BENCH
    from pipelines.running import run as steps

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    out, err = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)
    try:
        for made in steps(pipeline, workspace, err, workers, tuple(override or ())):
            out.print(f"{made.step}: {'made' if made.new else 'made before'}: {made.folder}", highlight=False, markup=False)
            if made.step == "corpus" and made.new:
                print_alarms(build_alarms(made.folder), err)
            if made.step == BENCH:
                out.print((made.folder / TABLE).read_text(encoding="utf-8"), end="", highlight=False, markup=False)
    except Stopped as stopped:
        err.print(f"{stopped}; the same command goes on from there", highlight=False, markup=False)
        raise typer.Exit(SIGNALLED + stopped.signal) from stopped
