"""Pages from templates, and what all of them share."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from curation.errors import DollmaError
from pipelines.audit.filters import Row, row_of
from pipelines.audit_server.showing import address, breaking, harmless, number, shown
from pipelines.audit_server.state import Audit

ANNOTATOR = "annotator"
"""The cookie with the name under which the person labels."""
AGAIN = 1
"""Seconds after which a page asks again for an answer that is still being made."""
VERDICTS = {
    "kept": "in the version", "rejected": "fails a rule", "duplicate": "like a better document", "failed": "could not be read",
}  # fmt: skip


def render(audit: Audit, template: str, code: int = 200, again: bool = False, **values: Any) -> HTMLResponse:
    """A page; with `again` the browser asks for it once more in a moment."""
    made = _templates().get_template(template).render(audit=audit, manifest=audit.catalog.manifest, again=again, **values)
    return HTMLResponse(made.encode("utf-8", "replace"), code, {"refresh": str(AGAIN)} if again else None)


def error_page(audit: Audit, told: str, code: int) -> HTMLResponse:
    """A page that says what went wrong."""
    return render(audit, "error.html", code, told=told, here="")


def link(path: str, *parameters: Mapping[str, Any], **more: Any) -> str:
    """An address with its parameters; what is None or empty is left out, a list is given item for item."""
    together = {key: value for some in (*parameters, more) for key, value in some.items()}
    given = {key: value for key, value in together.items() if value not in (None, "", [])}
    return path + (f"?{urlencode(given, doseq=True, errors='replace')}" if given else "")


def at(row: Any) -> str:
    """A document's place as one word: source, part, number."""
    return f"{row.source}:{row.part}:{row.number}"


def row_at(audit: Audit, place: str | None) -> Row:
    """The document at such a place. Raises DollmaError for what is none."""
    parts = (place or "").rsplit(":", 2)
    row = None
    if (
        len(parts) == 3
        and all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts[1:])
        and parts[0] in audit.catalog.sources
    ):
        row = row_of(audit.catalog, parts[0], int(parts[1]), int(parts[2]))
    if row is None:
        raise DollmaError(f"{audit.version} has no document at {place!r}: a place is SOURCE:PART:NUMBER, as the explorer's links have it")
    return row


@cache
def _templates() -> Environment:
    made = Environment(
        loader=PackageLoader("pipelines.audit_server"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=harmless,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"link": link, "at": at, "VERDICTS": VERDICTS}
    made.filters |= {"number": number, "address": address, "breaking": breaking, "shown": shown, "drawn": Markup}
    return made
