"""Listening: on 127.0.0.1 and nowhere else."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import uvicorn

from curation.errors import DollmaError
from pipelines.audit.catalog import open_catalog
from pipelines.audit.labels import open_labels
from pipelines.audit_server.app import make_app
from pipelines.audit_server.overview import counted
from pipelines.audit_server.state import Audit

HERE = "127.0.0.1"
MOST_AT_ONCE = 64
"""Requests; more are told to wait."""


def serve(version: str, workspace: Path, port: int, ready: Callable[[str], None]) -> None:
    """Serve a version until an interrupt; `ready` is told the address. Raises DollmaError for a version that is none and a port that is taken."""
    with suppress(KeyboardInterrupt), open_catalog(version, workspace) as catalog, _listening(port) as listener:
        audit = Audit(catalog, open_labels(catalog.workspace, str(catalog.manifest["version"])))
        port = listener.getsockname()[1]
        config = uvicorn.Config(
            make_app(audit, port),
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="off",
            limit_concurrency=MOST_AT_ONCE,
            timeout_graceful_shutdown=1,
            ws="none",
        )
        counted(audit)  # the first page before the index, for which a large version is read whole
        audit.warm()
        _Server(config, lambda: ready(f"http://{HERE}:{port}/")).run(sockets=[listener])


class _Server(uvicorn.Server):
    """One that tells when it answers, and interrupts are its own to handle."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


def _listening(port: int) -> socket.socket:
    listener = socket.socket(
        socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP
    )  # unnamed, asyncio leaves Nagle's delay on: 40 ms a page
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HERE, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise DollmaError(f"--port {port}: can't be listened on ({error.strerror}); without --port a free one is taken") from error
    return listener
