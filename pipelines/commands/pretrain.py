"""`dollma pretrain`: a model from a token store, by a configuration."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

SIGNALLED = 128
"""A shell's exit code of a program that a signal ended, less the signal's number."""


def pretrain(
    config: Annotated[Path, typer.Argument(help="Configuration (YAML); modeling/configs has examples.", show_default=False)],
    override: Annotated[
        list[str] | None, typer.Option("--set", help="Override a key: model.size=base, horizon.hours=8", metavar="KEY=VALUE")
    ] = None,
    workspace: Annotated[Path, typer.Option("--workspace", "-w", help="Folder that holds tokens and models.", file_okay=False)] = Path(
        "workspace"
    ),
) -> None:
    """Train a model from scratch, or go on with one that exists (`model.start`).

    The same command again goes on where a run was; Ctrl-C or SIGTERM ends it with a checkpoint.

    On several GPUs: torchrun --nproc-per-node 8 -m pipelines.cli pretrain CONFIG ...
    """
    from rich.console import Console

    from modeling.extras import TRAINING, check_extras

    check_extras(TRAINING)
    from modeling.config import load_config
    from modeling.progress import Display
    from modeling.stopping import Stopped
    from modeling.train import train

    first = os.environ.get("RANK", "0") == "0"
    out, err = Console(soft_wrap=True, quiet=not first), Console(stderr=True, soft_wrap=True, quiet=not first)
    settings = load_config(config, tuple(override or ()))
    try:
        with Display(err) as display:
            folder = train(settings, workspace, display)
    except Stopped as stopped:
        err.print(f"{stopped}; the same command goes on from there", highlight=False, markup=False)
        raise typer.Exit(SIGNALLED + stopped.signal) from stopped
    out.print(f"{settings.name}: {folder}", highlight=False, markup=False)
