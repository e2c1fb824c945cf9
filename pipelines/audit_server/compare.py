"""Two versions of the workspace, compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from markupsafe import Markup
from starlette.responses import Response

from curation.audit.difference import diff_section
from curation.errors import DollmaError, nearest
from curation.writers.manifest import MANIFEST
from pipelines.audit_server.pages import render
from pipelines.audit_server.state import Asked, Audit

SAMPLES = 3
"""Documents shown of each kind of change."""


def compare(audit: Audit, asked: Asked) -> Response:
    """The choice of two versions, and what differs. A name is looked up among the workspace's versions: it is never taken for a path."""
    folder = audit.catalog.workspace / "versions"
    known = sorted(path.name for path in folder.glob("[!.]*") if (path / MANIFEST).is_file())
    a, b = asked.get("a"), asked.get("b") or audit.catalog.folder.resolve().name
    values: dict[str, Any] = {"here": "/compare", "known": known, "a": a, "b": b}
    if a is None:
        return render(audit, "compare.html", section=None, **values)
    for name in (a, b):
        if name not in known:
            raise DollmaError(f"no version {name!r} in the workspace: {nearest(name, known)}")
    section = audit.long(("compare", a, b), lambda: _section(folder / a, folder / b))
    return render(audit, "compare.html", again=section is None, section=section, **values)


def _section(a: Path, b: Path) -> Markup:
    from pipelines.diff import compare_versions  # noqa: PLC0415 - it brings pandas: the first page shall not wait for it

    return Markup(diff_section(compare_versions(a, b, SAMPLES)))  # noqa: S704 - everything in it is ours or escaped
