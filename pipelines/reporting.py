"""The report of a version, with samples whose texts come from the workspace, written beside it by a build and anew by `dollma report`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import ValidationError

from curation.audit.report import Sample, report
from curation.audit.summary import Drawn, Manifest, Summary, summarise
from curation.errors import DollmaError
from curation.filters.base import Filter
from curation.filters.choice import Overrides, make_filters
from curation.languages.profile import Profile, load_profile
from curation.processors import processors
from curation.tables import opened
from curation.writers.card import WITHDRAWN
from curation.writers.manifest import PROFILE
from pipelines.evidence import spans

EXCERPT = 320
"""Characters of a text that are shown."""
LEAD = 80
"""Characters before the first place that a rule points at."""
JUDGED = 50_000
"""Characters of a text in which a rule is asked for the places it points at: a book has a million, and a page shows a few hundred."""
PRIVATE = "pii"
"""The filter that rejects documents for what they say of people."""
LEDGER = ["id", "source", "locator", "url", "rules"]


def version_report(folder: Path, manifest: Manifest, stages: Path) -> str:
    """The page of a version in `folder`; the texts of its samples are those of the workspace's `stages`, and are said to be elsewhere where these are not.

    Raises DollmaError for a ledger or measures that can't be read.
    """
    try:
        summary = summarise(folder, manifest)
        return report(summary, _samples(summary, folder, stages))
    except (OSError, KeyError, pa.ArrowException) as error:
        raise DollmaError(
            f"{folder}: no report can be made of it ({type(error).__name__}: {error}): `dollma verify {folder}` says what is damaged; "
            "a version of an older release has to be built again"
        ) from error


def _samples(summary: Summary, folder: Path, stages: Path) -> Iterator[Sample]:
    manifest = summary.manifest
    ledgers = [folder / name for name in sorted(name for name in manifest["files"] if name.startswith("ledger/"))]
    places = sorted({(drawn.part, drawn.row) for drawn in summary.drawn})
    rows: dict[tuple[int, int], dict[str, Any]] = {}
    for part in sorted({part for part, _ in places}):
        own = [row for number, row in places if number == part]
        told = _rows(ledgers[part], own, LEDGER)
        path = _documents(manifest, stages, told[own[0]]["source"], ledgers[part])
        texts = _rows(path, own, ["id", "text"]) if path.is_file() else {}
        rows |= {(part, row): told[row] | {"text": _text(told[row], texts.get(row))} for row in own}
    judges: dict[str, tuple[list[Filter], Profile]] = {}
    for drawn in summary.drawn:
        row = rows[drawn.part, drawn.row]
        if row["source"] not in judges:
            judges[row["source"]] = _judges(folder, manifest, row["source"])
        yield _sample(drawn, row, *judges[row["source"]])


def _rows(path: Path, wanted: list[int], columns: list[str]) -> dict[int, dict[str, Any]]:
    """Rows of a table by their numbers, of which those it hasn't are left out. One row group is in memory at a time."""
    found: dict[int, dict[str, Any]] = {}
    first = 0
    with opened(path) as file:
        for group in range(file.num_row_groups):
            last = first + file.metadata.row_group(group).num_rows
            if own := [row for row in wanted if first <= row < last]:
                table = file.read_row_group(group, columns=columns, use_threads=False).take(pa.array([row - first for row in own]))
                found |= zip(own, table.to_pylist(), strict=True)
            first = last
    return found


def _documents(manifest: Manifest, stages: Path, source: str, ledger: Path) -> Path:
    """Where the extract task of a ledger file left its documents, row for row with it."""
    key = manifest["stages"]["extract"][source][int(ledger.stem.rpartition("-")[2])]
    return stages / "extract" / source / key / "documents.parquet"


def _text(row: dict[str, Any], document: dict[str, Any] | None) -> str | None:
    return document["text"] if document and document["id"] == row["id"] else None


def _judges(folder: Path, manifest: Manifest, source: str) -> tuple[list[Filter], Profile]:
    """The filters that judged a source and can be asked where. None where those of today can't be made of its recipe; and never one that reads files of the user's, for
    where these are differs between machines, and a version's bytes must not."""
    profile = load_profile(str(folder / PROFILE))
    recipe = manifest["recipe"]
    elsewhere: Overrides = {kind.name: False for kind in processors("filter") if kind.paths}
    try:
        return make_filters(profile.thresholds(), recipe.get("filters"), recipe["sources"][source].get("filters"), elsewhere), profile
    except (DollmaError, ValidationError):
        return [], profile


def _sample(drawn: Drawn, row: dict[str, Any], filters: list[Filter], profile: Profile) -> Sample:
    failed = {rule["rule"].partition(": ")[0]: rule for rule in row["rules"]}
    value, threshold = (failed[drawn.rule][name] for name in ("value", "threshold"))
    others = [name for name in failed if name != drawn.rule]
    hidden = _hidden([drawn.rule, *others])
    pieces = () if hidden or not row["text"] else excerpt(row["text"], _places(filters, drawn.rule, row["text"], profile))
    unseen = hidden or ("without text" if row["text"] == "" else "its text is in the workspace that built the version")
    return Sample(
        drawn.rule, drawn.nearest, row["id"], row["source"], row["url"] or row["locator"], value, threshold, tuple(others), pieces, unseen
    )


def _hidden(rules: list[str]) -> str:
    """Why a document's text is shown to nobody, if so: a version is published with its report."""
    if WITHDRAWN in rules:
        return "withdrawn: its text is not shown"
    return "it says too much of people: its text is not shown" if any(rule.partition(".")[0] == PRIVATE for rule in rules) else ""


def _places(filters: list[Filter], rule: str, text: str, profile: Profile) -> list[tuple[int, int]]:
    try:
        return [(span.first, span.end) for span in spans(filters, rule, text[:JUDGED], profile)]
    except Exception:  # any package may bring a filter, and a build is not lost for a mark
        return []


def excerpt(text: str, places: list[tuple[int, int]]) -> tuple[tuple[str, bool], ...]:
    """A part of a text in pieces, those at one of the places (first, end) with True: from a little before the first place on. Lines are parted by ⏎."""
    first = max(0, places[0][0] - LEAD) if places else 0
    last = min(len(text), first + EXCERPT)
    ends = [first]
    for begin, end in places:
        ends += [max(begin, ends[-1]), min(end, last)] if begin < last else []
    pieces = []
    marked = False
    for begin, end in zip(ends, [*ends[1:], last], strict=True):
        pieces.append((re.sub(r"[^\S\n]+", " ", re.sub(r"\s*\n\s*", " ⏎ ", text[begin:end])), marked))
        marked = not marked
    return (*(("… ", False),) * (first > 0), *(piece for piece in pieces if piece[0]), *((" …", False),) * (last < len(text)))
