"""`dollma audit`: a version in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def audit(
    version: Annotated[str, typer.Argument(help="A version: path, name, or the beginning of its name or fingerprint.")],
    workspace: Annotated[Path, typer.Option("--workspace", "-w", help="Folder that holds stages and versions.", file_okay=False)] = Path(
        "workspace"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 0,
) -> None:
    """Look at a version in the browser: what was filtered and why, what another threshold would do, labels, comparisons. Nobody but this machine can reach it."""
    try:
        from pipelines.audit_server.serving import serve
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("duckdb", "jinja2", "starlette", "uvicorn"):
            raise
        from curation.errors import DollmaError

        raise DollmaError(f"`dollma audit` needs {error.name}: pip install 'dollma[audit]'") from error
    serve(version, workspace, port, lambda address: typer.echo(f"{address}  (Ctrl-C ends it)"))
