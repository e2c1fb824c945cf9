"""`dollma diff`: two versions compared, for the terminal, as JSON, as a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

out = Console(soft_wrap=False)

VALUE = 40
"""Characters of a setting's value that are printed; `--json` has all."""


def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="The earlier version: path, name, or the beginning of its fingerprint.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The later version.")],
    workspace: Annotated[Path, typer.Option("--workspace", "-w", help="Folder that holds stages and versions.", file_okay=False)] = Path(
        "workspace"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a page with everything here too.", dir_okay=False)] = None,
    samples: Annotated[int, typer.Option(min=0, help="Documents shown of each kind of change.")] = 3,
) -> None:
    """Compare two versions: what was added, removed and changed, why, and which settings differ."""
    from pipelines.diff import compare_versions
    from pipelines.versions import find_version

    found = compare_versions(find_version(a, workspace), find_version(b, workspace), samples)
    if html:
        from curation.audit.difference import diff_section
        from curation.audit.page import page
        from curation.files import whole_file

        with whole_file(html) as temporary:
            temporary.write_text(page(f"{found['a']['version']} → {found['b']['version']}", [diff_section(found)]), encoding="utf-8")
    if as_json:
        out.print_json(data=found)
    else:
        _print(found)


def print_alarms(alarms: Iterable[str], console: Console) -> None:
    """One line an alarm."""
    from pipelines.explanation import printable

    for message in alarms:
        console.print(f"[bold yellow]alarm:[/] {escape(printable(message))}", highlight=False, soft_wrap=True)


def _print(found: dict[str, Any]) -> None:
    from curation.audit import difference as told

    _line(f"{found['a']['version']} → {found['b']['version']}")
    if found["equal"]:
        out.print(told.NO_DIFFERENCE, highlight=False)
        return
    print_alarms((alarm["message"] for alarm in found["alarms"]), out)
    _table("Documents", told.SOURCE_HEADS, told.document_rows(found), total=True)
    _table("Words", told.WORD_HEADS, told.word_rows(found), total=True)
    _table("Why: each document once", ("Change", "Cause", "Source", "Documents", "Words"), told.cause_table(found), texts=3)
    _table(
        "Rules: a document counts for each that it fails",
        ("Change", "Rule", "Source", "Documents", "Words"),
        told.rule_table(found),
        texts=3,
    )
    settings = [(where, key, _value(old), _value(new)) for where, key, old, new in told.setting_rows(found)]
    _table("Settings", ("Where", "Key", "Old", "New"), settings, texts=4)
    _table("Inputs", ("Source", "Files", "Names"), told.input_rows(found), texts=3)
    for sample in found["samples"]:
        _print_sample(sample)


def _print_sample(sample: dict[str, Any]) -> None:
    from curation.audit.difference import CHANGES, cause_of, fate

    cause = cause_of(sample["change"], sample["cause"], sample["detail"])
    head = f"\n{CHANGES[sample['change']]}{', ' if cause else ''}{cause}: {sample['id']} {sample['source']} {sample['url'] or sample['locator']}"
    _line(head)
    for name, version in (("before", sample["a"]), ("after", sample["b"])):
        _line(f"  {name}: {fate(version)}")
        if version and version["text"] and not (name == "after" and sample["a"] and sample["a"]["text"] == version["text"]):
            _line(f"    {version['text']}")


def _line(text: str) -> None:
    from pipelines.explanation import printable

    start = len(text) - len(text.lstrip("\n"))
    out.print(text[:start] + printable(text[start:]), highlight=False, markup=False, soft_wrap=True)


def _value(value: Any) -> str:
    text = "–" if value is None else str(value)
    return text if len(text) <= VALUE else text[: VALUE - 1] + "…"


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[Any]], texts: int = 1, total: bool = False) -> None:
    """Nothing where there are no rows. The first `texts` columns are words."""
    from pipelines.explanation import printable

    if not rows:
        return
    table = Table(title=title, title_justify="left")
    for place, head in enumerate(heads):
        table.add_column(head, justify="left" if place < texts else "right", overflow="fold")
    for number, row in enumerate(rows):
        cells = (f"{cell:,}" if isinstance(cell, int) else escape(printable(str(cell))) for cell in row)
        table.add_row(*cells, end_section=total and number == len(rows) - 2)
    out.print(table)
