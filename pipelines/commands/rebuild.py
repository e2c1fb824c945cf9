"""`dollma rebuild`: a version made again, and compared with itself."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated

import typer

from curation.errors import DollmaError


def rebuild(
    version: str,
    workspace: Annotated[Path, typer.Option("--workspace", "-w", help="Folder that holds stages and versions.", file_okay=False)] = Path(
        "workspace"
    ),
    inputs: Annotated[
        Path | None,
        typer.Option(help="Folder that the recipe's relative paths start from; by default where the recipe stood.", file_okay=False),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Worker processes; by default one per core.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave what was made in WORKSPACE/rebuilds, also where nothing differs.")] = False,
) -> None:
    """Build a version again from its manifest, recipe and profile, and compare every file by checksum; exit code 1 when anything differs."""
    from rich.console import Console

    from pipelines.engines.server import start_server

    start_server()
    from pipelines.progress import Display
    from pipelines.rebuild import rebuild as run_rebuild
    from pipelines.versions import find_version

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    out, err = Console(soft_wrap=True), Console(stderr=True)
    folder = find_version(version, workspace)

    def warn(line: str) -> None:
        err.print(line, highlight=False, markup=False, soft_wrap=True)

    with Display(err) as display:
        found = run_rebuild(folder, workspace, inputs, display, warn, workers, keep)
    for line in found.differences:
        out.print(line, highlight=False, markup=False)
    if found.differences:
        raise DollmaError(
            f"{folder.name}: {len(found.differences)} of {found.files} files differ from the version; what was made: {found.folder}"
        )
    out.print(f"{folder.name}: {found.files} files, {found.size:,} bytes, made again: identical", highlight=False, markup=False)
