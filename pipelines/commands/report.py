"""`dollma report`: a version as one page, with charts and samples."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="Path, name, or the beginning of its fingerprint.")],
    workspace: Annotated[Path, typer.Option("--workspace", "-w", help="Folder that holds stages and versions.", file_okay=False)] = Path(
        "workspace"
    ),
    out: Annotated[
        Path | None, typer.Option(help="File to write; by default VERSION-report.html in the workspace's folder `reports`.", dir_okay=False)
    ] = None,
) -> None:
    """Write a version's report: one page with charts, figures and samples of what each rule rejected. A build puts the same page beside the version."""
    from rich.console import Console

    from curation.files import whole_file
    from curation.writers.manifest import read_manifest
    from pipelines.reporting import version_report
    from pipelines.versions import find_version

    folder = find_version(version, workspace)
    path = out or workspace / "reports" / f"{folder.resolve().name}-report.html"
    page = version_report(folder, read_manifest(folder), folder.resolve().parents[1] / "stages")
    with whole_file(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    Console(soft_wrap=True).print(str(path), highlight=False, markup=False)
