"""`dollma bench corpus`: the same tiny model trained on two versions, and which of them it was better for."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.bench_tasks import Data, Version, Workspace


def corpus(
    a: Version,
    b: Version,
    out: Annotated[Path, typer.Option(help="Folder for losses, predictions and the report.", file_okay=False, show_default=False)],
    seeds: Annotated[int, typer.Option(min=1, help="Runs on each version.")] = 3,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Steps of each run; by default what the configuration says.", show_default=False)
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Configuration of `dollma pretrain`; by default modeling/configs/ablation.yaml.", show_default=False)
    ] = None,
    tokenizer: Annotated[
        str | None,
        typer.Option(help="A tokenizer of the workspace, or its folder; by default one is learnt from both versions.", show_default=False),
    ] = None,
    vocab: Annotated[int, typer.Option(help="Ids of the tokenizer that is learnt.")] = 4000,
    text: Annotated[
        list[Path] | None,
        typer.Option(help="Text to ask besides: plain, or JSON lines with a field `text`; give it several times.", show_default=False),
    ] = None,
    task: Annotated[
        list[str] | None, typer.Option(help="Fine-tune the models on a task too; give it several times.", show_default=False)
    ] = None,
    data: Data = None,
    workspace: Workspace = Path("workspace"),
    workers: Annotated[int | None, typer.Option(min=1, help="Worker processes; by default one per core.")] = None,
) -> None:
    """Compare two versions by what they teach: one tokenizer, one small model, as many tokens of each, several seeds; bits per byte on text that neither trains on.

    What is done is not done again: killed, or asked for more seeds, it makes what is missing.
    """
    from rich.console import Console

    from modeling.extras import TRAINING, check_extras
    from pipelines.engines.server import start_server

    check_extras(TRAINING)
    start_server()
    from modeling.places import find
    from modeling.stopping import Stopped
    from pipelines.ablating import CONFIG, Asked, ablate
    from pipelines.commands.pretrain import SIGNALLED
    from pipelines.versions import find_version

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    printed, err = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)
    asked = Asked(
        (find_version(a, workspace), find_version(b, workspace)),
        seeds,
        config or CONFIG,
        steps,
        None if tokenizer is None else find(tokenizer, workspace, "tokenizers"),
        vocab,
        tuple(text or ()),
        tuple(task or ()),
        data,
    )
    try:
        table = ablate(asked, workspace, out, err, workers)
    except Stopped as stopped:
        err.print(f"{stopped}; the same command goes on from there", highlight=False, markup=False)
        raise typer.Exit(SIGNALLED + stopped.signal) from stopped
    printed.print(table.read_text(encoding="utf-8"), end="", highlight=False, markup=False)
