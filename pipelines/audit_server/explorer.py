"""The explorer: the documents that a person asks for, a page at a time."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import QueryParams
from starlette.responses import Response

from pipelines.audit.filters import Query, find
from pipelines.audit_server.pages import render
from pipelines.audit_server.state import Asked, Audit

SHOWN = 50
HOSTS = 200
"""Hosts that the field for one suggests."""
LABELS = ("language", "script")


def explore(audit: Audit, asked: Asked) -> Response:
    """Filters and what they find."""
    query = query_of(asked.query)
    page = find(audit.catalog, query)
    values = audit.once("choices", lambda: _choices(audit))
    return render(audit, "explore.html", here="/explore", query=query, chosen=chosen(query), page=page, **values)


def query_of(parameters: QueryParams) -> Query:
    """The query in an address. Raises pydantic's ValidationError for values that can't be."""
    given = {key: value.strip() for key, value in parameters.items() if key in Query.model_fields and value.strip()}
    return Query.model_validate({"limit": SHOWN} | given)


def chosen(query: Query) -> dict[str, Any]:
    """A query as the parameters of an address, without the place in its results."""
    return query.model_dump(exclude_defaults=True, exclude={"offset", "limit"})


def _choices(audit: Audit) -> dict[str, Any]:
    """What can be chosen in the fields."""
    catalog = audit.catalog
    return {
        "rules": catalog.rules(),
        "mixes": {column: [one.name for one in catalog.mix(column, None) if one.name] for column in LABELS},
        "hosts": [one.host for one in catalog.hosts(HOSTS)],
    }
