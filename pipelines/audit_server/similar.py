"""Documents like one of the version, or like a text that was pasted."""

from __future__ import annotations

from starlette.responses import Response

from pipelines.audit import similar as signatures
from pipelines.audit_server.pages import render, row_at
from pipelines.audit_server.state import Asked, Audit


def similar(audit: Audit, asked: Asked) -> Response:
    """A field for a text, and what was found."""
    text, place = asked.form.get("text", ""), asked.get("at")
    row = row_at(audit, place) if place else None
    found = None
    if text.strip():
        found = signatures.similar_to_text(audit.catalog, text)
    elif row is not None:
        found = signatures.similar_to(audit.catalog, row)
    return render(audit, "similar.html", here="/similar", row=row, text=text, found=found)
