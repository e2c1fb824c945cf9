"""The first page: what became of everything that was read."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from curation.audit import charts
from pipelines.audit_server.pages import render
from pipelines.audit_server.state import Asked, Audit
from pipelines.differences.latest import build_alarms

HOSTS = 15
MIXES = (("language", "Languages"), ("script", "Scripts"))


def overview(audit: Audit, _: Asked) -> Response:
    """Funnel, words, languages and scripts, rules and their overlap, hosts, alarms."""
    return render(audit, "overview.html", here="/", **counted(audit))


def counted(audit: Audit) -> dict[str, Any]:
    """What the page tells, counted once."""
    return audit.once("overview", lambda: _counted(audit))


def _counted(audit: Audit) -> dict[str, Any]:
    catalog = audit.catalog
    sources, rules = catalog.funnel(), catalog.rules()
    flows = [charts.SourceFlow(row.title, row.read, row.failed, row.rejected, row.duplicate, row.kept) for row in sources]
    mixes = []
    for column, told in MIXES:
        kept, read = ({one.name or "–": one.documents for one in catalog.mix(column, verdict)} for verdict in ("kept", None))
        if read:
            mixes.append((column, told, charts.mix(kept, read, told), kept))
    return {
        "sources": sources,
        "rules": rules,
        "alarms": build_alarms(catalog.folder),
        "funnel": charts.funnel(flows),
        "fates": charts.fates(flows),
        "words": charts.words_by_source([(row.title, row.words, row.final_words) for row in sources]),
        "mixes": mixes,
        "rule_bars": charts.rule_bars(rules, sum(row.read for row in sources)),
        "overlap": charts.overlap(rules, catalog.overlap()),
        "hosts": catalog.hosts(HOSTS),
    }
