"""`dollma push` and `dollma pull`: versions to and from the Hugging Face Hub."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Workspace = Annotated[Path, typer.Option("--workspace", "-w", help="Folder that holds stages and versions.", file_okay=False)]
Repository = Annotated[str, typer.Argument(metavar="OWNER/NAME", help="Dataset repository on the Hub.", show_default=False)]


def push(
    version: str,
    repository: Repository,
    workspace: Workspace = Path("workspace"),
    private: Annotated[bool, typer.Option("--private", help="Make the repository private if it is new.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Publish although sources state no licence or origin.")] = False,
) -> None:
    """Publish a version on the Hugging Face Hub under a tag with its name; a published version is never changed."""
    from pipelines.publishing import push as run_push
    from pipelines.versions import find_version

    done = run_push(find_version(version, workspace), repository, private, yes)
    state = "is published" if done.new else "was published before, with the same content"
    typer.echo(f"{done.version} {state}: {repository}, {done.files} files, {done.size:,} bytes")


def pull(
    repository: Repository,
    revision: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Version to download; by default the newest of the default branch.")
    ] = None,
    workspace: Workspace = Path("workspace"),
) -> None:
    """Download a version from the Hugging Face Hub into WORKSPACE/versions, every file checked against its manifest."""
    from pipelines.publishing import pull as run_pull

    done = run_pull(repository, revision, workspace)
    state = "is pulled" if done.new else "is here already, equal"
    typer.echo(f"{done.version} {state}: {done.folder}, {done.files} files, {done.size:,} bytes")
