"""`dollma sample`: some documents of a version, to be read or labelled elsewhere."""

from __future__ import annotations

import csv
import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from curation.errors import DollmaError

if TYPE_CHECKING:
    from pipelines.audit.catalog import Catalog
    from pipelines.audit.filters import Row
    from pipelines.audit.texts import DocumentText

out = Console(soft_wrap=False)

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet takes a cell for a formula by, at its beginning: such a cell gets an apostrophe (OWASP, "CSV injection")."""
SHOWN = 240
"""Characters of a text on the terminal."""
CONTROL = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127), "\ufffd")
"""No control character goes to a spreadsheet but tabs and line ends: some refuse the file."""


class Form(str, Enum):  # noqa: UP042 - typer shows the values of such a class
    """How the documents are written."""

    table = "table"
    jsonl = "jsonl"
    csv = "csv"


def sample(
    version: str,
    workspace: Annotated[Path, typer.Option("--workspace", "-w", help="Folder that holds stages and versions.", file_okay=False)] = Path(
        "workspace"
    ),
    rule: Annotated[
        str | None, typer.Option(help="Documents that fail this rule: filter.parameter. By default of the whole version.")
    ] = None,
    n: Annotated[int, typer.Option("--n", "-n", min=1, max=100_000, help="How many.")] = 50,
    borderline: Annotated[
        bool, typer.Option("--borderline", help="Those nearest to the rule's threshold, half on either side; without a rule, to flipping.")
    ] = False,
    stratified: Annotated[bool, typer.Option("--stratified", help="In turn from each source and verdict.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Another seed draws other documents.")] = 0,
    form: Annotated[Form, typer.Option("--format", help="For the terminal, for scripts, or for a spreadsheet.")] = Form.table,
    length: Annotated[int, typer.Option(min=0, max=32_000, help="Characters of each text, around what a rule found in it.")] = 2000,
) -> None:
    """Print a sample of a version's documents, the same one each time: random, or near a rule's threshold, where rules are wrong most often.

    JSONL and CSV hold id, source, verdict, rules, the rule's measure and threshold, url, locator, words and the text, cut to --length characters.
    """
    from pipelines.audit.catalog import open_catalog
    from pipelines.audit.samples import sample as drawn
    from pipelines.audit.texts import text_of

    if borderline and stratified:
        raise DollmaError("--borderline and --stratified can't both be asked for: take one sample of each")
    with open_catalog(version, workspace) as catalog:
        rows = drawn(catalog, rule, n, "borderline" if borderline else "stratified" if stratified else "random", seed)
        found = (_record(catalog, row, text_of(catalog, row), rule, SHOWN if form is Form.table else length) for row in rows)
        if form is Form.jsonl:
            from pipelines.commands.read import write_json

            for record in found:
                write_json(record)
        elif form is Form.csv:
            _write_csv(found)
        else:
            for number, record in enumerate(found, 1):
                out.print(_described(number, record), soft_wrap=True)


def _record(catalog: Catalog, row: Row, text: DocumentText | None, rule: str | None, length: int) -> dict[str, Any]:
    asked = rule or row.margin_rule
    judged = catalog.judged_by(asked) if asked else None
    piece, first = _cut(text, asked, length) if text else (None, None)
    return {
        "id": row.id,
        "source": row.source,
        "verdict": row.verdict,
        "rules": [one.rule for one in row.rules],
        "rule": asked,
        "measure": judged[0] if judged else None,
        "value": row.measures.get(judged[0]) if judged else None,
        "threshold": judged[2].get(row.source) if judged else None,
        "survivor": row.survivor,
        "error": row.error,
        "url": row.url,
        "locator": row.locator,
        "words": row.words,
        "text": piece,
        "text_from": first,
        "text_length": len(text.text) if text else None,
    }


def _cut(text: DocumentText, rule: str | None, length: int) -> tuple[str, int]:
    """(a piece of the text, the character at which it begins): around the first place that a rule found, the asked one before others."""
    spans = sorted(text.spans, key=lambda span: (span.rule != rule, span.start))
    first = max(0, min(spans[0].start - length // 4, len(text.text) - length)) if spans else 0
    return text.text[first : first + length], first


def _write_csv(records: Any) -> None:
    """With a byte order mark, by which spreadsheets know UTF-8, and CRLF (RFC 4180)."""
    sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
    sys.stdout.write("\ufeff")
    writer: Any = None
    for record in records:
        if writer is None:
            writer = csv.DictWriter(sys.stdout, list(record), lineterminator="\r\n")
            writer.writeheader()
        writer.writerow({name: _cell(value) for name, value in record.items()})


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        value = "; ".join(value)
    if not isinstance(value, str):
        return value
    plain = value.translate(CONTROL)
    return f"'{plain}" if plain.startswith(FORMULA) else plain


def _described(number: int, record: dict[str, Any]) -> Text:
    from pipelines.explanation import printable

    rules = ", ".join(record["rules"]) or record["error"] or (f"of {record['survivor']}" if record["survivor"] else "")
    told = Text(printable(f"{number}. {record['id']}  {record['source']}  {record['verdict']}  {rules}"), style="bold")
    if record["measure"] and record["value"] is not None:
        value = f"{record['value']:.4g}" if isinstance(record["value"], float) else str(record["value"])
        told.append(
            "\n   " + printable(f"{record['rule']}: {record['measure']} is {value}, the threshold {record['threshold']:g}"),
            style="not bold",
        )
    told.append("\n   " + printable(record["url"] or record["locator"]), style="not bold dim")
    if record["text"] is None:
        return told.append("\n   its text is not here", style="not bold")
    begun, ended = record["text_from"] > 0, record["text_from"] + len(record["text"]) < record["text_length"]
    piece = printable(" ".join(record["text"].split()))
    return told.append(f"\n   {'… ' if begun else ''}{piece}{' …' if ended else ''}", style="not bold")
