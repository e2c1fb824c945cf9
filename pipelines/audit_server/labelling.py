"""Labels: a sample is gone through document by document, and what that says of the rule."""

from __future__ import annotations

from typing import Any, Literal, cast, get_args
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import QueryParams
from starlette.responses import RedirectResponse, Response

from curation.errors import DollmaError
from pipelines.audit.agreement import agreement, precisions, suggest
from pipelines.audit.filters import Row
from pipelines.audit.labels import Label
from pipelines.audit.samples import Kind, sample
from pipelines.audit_server.document import about
from pipelines.audit_server.pages import ANNOTATOR, link, render, row_at
from pipelines.audit_server.state import Asked, Audit

LATEST = 50
"""Labels that are listed, the newest first."""
WISHED = 0.95
YEAR = 31_536_000
KINDS = get_args(Kind)


class Task(BaseModel):
    """A sample to be labelled: the same documents for everybody who asks for it."""

    model_config = ConfigDict(frozen=True)

    rule: str | None = None
    kind: Kind = "random"
    n: int = Field(50, ge=1, le=1000)
    seed: int = Field(0, ge=0, lt=2**63)

    def chosen(self) -> dict[str, Any]:
        """As parameters of an address."""
        return self.model_dump(exclude_none=True)


def labels_page(audit: Audit, asked: Asked) -> Response:
    """How right each rule is, how far annotators agree, which threshold would do."""
    latest = audit.labels.latest()
    rule, suggestion = asked.get("suggest"), None
    wished = _share(asked.get("wished"))
    if rule:
        audit.catalog.check_rule(rule)
        suggestion = suggest(audit.catalog, latest, rule, wished)
    return render(
        audit,
        "labels.html",
        here="/labels",
        precisions={one.rule: one for one in precisions(latest)},
        rules=audit.once("rules", audit.catalog.rules),
        kappas=agreement(latest),
        latest=list(reversed(audit.labels.all()[-LATEST:])),
        annotators=sorted({label.annotator for label in latest}),
        count=len(latest),
        suggestion=suggestion,
        wished=wished,
        kinds=KINDS,
    )


def label_page(audit: Audit, asked: Asked) -> Response:
    """One document of a sample."""
    task = _task(asked.query)
    rows = _rows(audit, task)
    told = asked.get("place") or "0"
    place = min(int(told) if told.isascii() and told.isdigit() and len(told) < 10 else 0, max(0, len(rows) - 1))
    if not rows:
        raise DollmaError("there is no document to label: the rule rejects none")
    said = {label.id: label for label in audit.labels.latest() if label.annotator == asked.annotator and label.rule == task.rule}
    return render(
        audit,
        "label.html",
        here="/labels",
        task=task.chosen(),
        rows=rows,
        place=place,
        mine=said,
        done=sum(one.id in said for one in rows),
        **about(audit, asked, rows[place]),
    )


def add_label(audit: Audit, asked: Asked) -> Response:
    """Write a label down, and go on to the next document. It is on the disk when the answer is given."""
    row = row_at(audit, asked.form.get("at"))
    task = _task(asked.query)
    annotator = asked.form.get("annotator", "").strip()
    if not annotator:
        raise DollmaError("a label needs its annotator's name: type it into the field beside the buttons")
    label = Label(
        id=row.id,
        source=row.source,
        verdict=row.verdict,
        rule=task.rule,
        label=cast(Literal["keep", "drop", "unsure"], asked.form.get("label")),
        reason=asked.form.get("reason", "").strip(),
        annotator=annotator,
    )
    audit.labels.add(label)
    told = asked.form.get("place", "")
    if told.isascii() and told.isdigit() and len(told) < 10:
        after = int(told) + 1
        there = link("/label", task.chosen(), place=after) if after < len(_rows(audit, task)) else link("/labels", done="1")
    else:
        there = link("/document", dict(asked.query))
    answer = RedirectResponse(there, 303)
    answer.set_cookie(ANNOTATOR, quote(annotator), max_age=YEAR, httponly=True, samesite="strict")
    return answer


def _task(parameters: QueryParams) -> Task:
    return Task.model_validate({key: value for key, value in parameters.items() if key in Task.model_fields and value})


def _rows(audit: Audit, task: Task) -> list[Row]:
    if task.rule:
        audit.catalog.check_rule(task.rule)
    return audit.once(("task", task), lambda: sample(audit.catalog, task.rule, task.n, task.kind, task.seed))


def _share(told: str | None) -> float:
    try:
        wished = float(told or WISHED)
    except ValueError:
        wished = -1
    if not 0 < wished < 1:
        raise DollmaError(f"wished precision {told!r}: give a share between 0 and 1, such as 0.95")
    return wished
