"""A document's life in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ValidationError

from curation.errors import DollmaError
from curation.filters.base import Filter
from curation.filters.choice import Overrides, make_filters
from curation.languages.profile import Profile, load_profile
from curation.tables import opened
from curation.writers.manifest import PROFILE, read_manifest
from pipelines.evidence import MOST, excerpt, spans
from pipelines.withdrawn import RULE as WITHDRAWN

SHOWN = 5
"""Spans of a rule that are printed; `--json` has more."""
MARKS = "⟦", "⟧"
"""What stands around a span, where its colour can't be seen too."""
NO_TEXT = "the workspace's stage `extract`, which had the text, is gone: build the recipe again to see where"


def add_evidence(version: Path, rows: list[dict[str, Any]]) -> None:
    """Give every failed rule of these ledger rows its `spans`, and each span the `excerpt` around it; `unseen` says why there are none."""
    manifest = read_manifest(version)
    for row in rows:
        judged = [rule for rule in row["rules"] if rule["value"] is not None]
        if not judged:
            continue
        text = _formatted_text(version, manifest, row)
        if text is None:
            row["unseen"] = NO_TEXT
            continue
        try:
            filters, profile = _filters(version, manifest, row["source"])
        except (DollmaError, ValidationError) as error:  # made by another release, or with a package that is not here
            row["unseen"] = f"its filters can't be asked where: {error}"
            continue
        for rule in judged:
            try:
                found = spans(filters, rule["rule"], text, profile)
            except DollmaError as error:  # a file that the filter reads has gone, or lies elsewhere for this machine
                row["unseen"] = str(error)
                continue
            rule["spans"] = [span._asdict() | {"excerpt": excerpt(span, text)} for span in found]


def _filters(version: Path, manifest: dict[str, Any], source: str) -> tuple[list[Filter], Profile]:
    """The filters that judged a source of a version, from the recipe in its manifest and the language profile beside it.

    Raises DollmaError, or pydantic's ValidationError, for a profile or a recipe that today's filters can't take.
    """
    kept = version / PROFILE
    if not kept.is_file():
        raise DollmaError(f"{kept}: no language profile: the version has lost the one it was judged by, and today's would show other spans")
    profile = load_profile(str(kept))
    recipe: dict[str, Any] = manifest["recipe"]
    layers: list[Overrides | None] = [recipe.get("filters"), recipe["sources"][source].get("filters")]
    return make_filters(profile.thresholds(), *layers), profile


def _formatted_text(version: Path, manifest: dict[str, Any], row: dict[str, Any]) -> str | None:
    """The text of a ledger row as it was judged, from the workspace's stage `extract`; None when the stage was removed or the version moved away."""
    key = manifest["stages"]["extract"][row["source"]][row["part"]]
    path = version.resolve().parents[1] / "stages" / "extract" / row["source"] / key / "documents.parquet"
    if not path.is_file():
        return None
    with opened(path) as file:
        for group in range(file.num_row_groups):
            names = file.read_row_group(group, columns=["id", "locator"])
            wanted = pc.and_(pc.equal(names["id"], row["id"]), pc.equal(names["locator"], row["locator"]))
            place = pc.index(wanted, pa.scalar(True)).as_py()
            if place >= 0:
                return str(file.read_row_group(group, columns=["text"])["text"][place].as_py())
    return None


def describe(row: dict[str, Any]) -> str:
    """One ledger row, with its measures and shards (`pipelines.versions.explain`), as lines for a terminal."""
    lines = [
        f"document  {row['id']}",
        f"source    {row['source']}",
        f"read from {row['locator']}" + (f"  ({row['url']})" if row["url"] else ""),
        f"verdict   {row['verdict']}",
    ]
    for rule in row["rules"]:
        lines += [f"  failed  {_rule(rule)}", *_spans(rule.get("spans", []))]
    if "unseen" in row:
        lines += [f"          {line}" for line in row["unseen"].split("\n")]
    if any(rule.get("spans") for rule in row["rules"]):
        lines.append("          lines and characters are those of the formatted text")
    for page in row.get("rejected_pages", []):
        lines.append(
            f"  cut     page {page['page']} by {page['rule']}: {_number(page['value'])}, the threshold {_number(page['threshold'])}"
        )
    lines += [f"  edited  {_edit(edit)}" for edit in row["edits"]]
    if row["error"]:
        lines.append(f"  error   {row['error']}")
    if row["survivor"]:
        lines.append(f"  {row['kind']} duplicate of {row['survivor']}, similarity {row['similarity']:.4f}")
    if row["cluster"]:
        lines.append(f"cluster   {row['cluster']}")
    if row["repeated_words"]:
        lines.append(f"repeated  {row['repeated_words']} words stand in paragraphs that a better document, or the text further up, has too")
    if row["stands_in"]:
        lines.append(f"copies    {row['copies']} in split {row['split']}: {', '.join(row['stands_in'])}")
    elif row["verdict"] == "kept":
        lines.append("copies    0: sampled out by the source's up-sampling factor")
    width = max(map(len, row["measures"]), default=0)
    lines += [f"  {name:<{width}} {_numbers(value)}" for name, value in row["measures"].items() if value is not None]
    return "\n".join(map(printable, lines)) + "\n"


def printable(line: str) -> str:
    """Texts, ids, addresses and locators come from the crawl: no control character of theirs may reach a terminal."""
    return "".join(c if c.isprintable() else "\ufffd" for c in line)


def _edit(edit: dict[str, Any]) -> str:
    place = f" in line {edit['line']}" if edit["line"] else ""
    place += f" of page {edit['page']}" if edit.get("page") else ""
    return f"{edit['rule']}{place}" + (f": {edit['text']}" if edit["text"] is not None else "")


def _rule(rule: dict[str, Any]) -> str:
    if rule["rule"] == WITHDRAWN:
        return f"{rule['rule']}: the recipe takes this document back"
    if rule["value"] is None:
        return f"{rule['rule']}: the reader says that this is no document"
    return f"{rule['rule']}: {rule['measure']} is {_number(rule['value'])}, the threshold {_number(rule['threshold'])}"


def _spans(found: list[dict[str, Any]]) -> list[str]:
    lines = []
    for span in found[:SHOWN]:
        before, inner, behind = span["excerpt"]
        lines.append(
            f"          line {span['line']}, characters {span['first']}-{span['end']}: {before}{MARKS[0]}{inner}{MARKS[1]}{behind}"
        )
    if len(found) > SHOWN:
        lines.append(f"          … and {'at least ' if len(found) == MOST else ''}{len(found) - SHOWN} more")
    return lines


def _numbers(value: Any) -> str:
    """A measure: a number, or those of a book's pages, of which the first `SHOWN` are told."""
    if not isinstance(value, list):
        return _number(value)
    return ", ".join(map(_number, value[:SHOWN])) + (f", … ({len(value)} pages)" if len(value) > SHOWN else "")


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
