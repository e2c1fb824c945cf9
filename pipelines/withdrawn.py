"""Documents that a recipe takes back: on request of whoever wrote them, or because they should never have been read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.errors import DollmaError
from curation.verdicts import REJECTED

RULE = "recipe.withdrawn"
_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Withdrawn:
    """What is taken back, by id and by URL, sorted."""

    ids: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()


def read_withdrawn(named: tuple[str, ...], recipe: Path) -> Withdrawn:
    """The ids and URLs that a recipe names, or that stand in the files it names: one a line, `#` begins a comment.

    Raises DollmaError for what is no id, no URL and no file.
    """
    found: set[str] = set()
    for entry in named:
        if _ID.fullmatch(entry) or "://" in entry:
            found.add(entry)
            continue
        path = recipe.resolve().parent / entry
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise DollmaError(
                f"{recipe}: withdrawn: {entry!r} is no id (32 hexadecimal digits), no URL, and no file that can be read: {error}"
            ) from error
        for number, line in enumerate(lines, 1):
            asked = line.strip()
            if asked and not asked.startswith("#"):
                if not (_ID.fullmatch(asked) or "://" in asked):
                    raise DollmaError(f"{path}: line {number}: {asked!r} is no id (32 hexadecimal digits) and no URL")
                found.add(asked)
    return Withdrawn(tuple(sorted(e for e in found if "://" not in e)), tuple(sorted(e for e in found if "://" in e)))


def not_found(withdrawn: Withdrawn, found: Iterable[str]) -> list[str]:
    """What is taken back and is no document, of all that were found."""
    return sorted({*withdrawn.ids, *withdrawn.urls}.difference(found))


def withdraw(decided: pa.RecordBatch, urls: pa.Array | None, withdrawn: Withdrawn) -> tuple[dict[int, dict[str, Any]], set[str]]:
    """(changes, names): what changes in a batch of verdicts, {row: {column: value}}, and which ids and URLs were met.

    The rule joins those that failed already; what failed to be read stays failed.
    """
    concerned = pc.is_in(decided["id"], pa.array(withdrawn.ids, pa.string()))
    if urls is not None:
        concerned = pc.or_(concerned, pc.is_in(urls, pa.array(withdrawn.urls, pa.string())))
    met = [
        column.filter(pc.is_in(column, pa.array(asked, pa.string())))
        for column, asked in ((decided["id"], withdrawn.ids), (urls, withdrawn.urls))
        if column is not None
    ]
    rows = np.flatnonzero(pc.and_(concerned, pc.is_null(decided["error"])).to_numpy(zero_copy_only=False))
    rule = {"rule": RULE, "measure": "withdrawn", "value": None, "threshold": None}
    changes = {int(row): {"verdict": REJECTED, "rules": [*decided["rules"][int(row)].as_py(), rule]} for row in rows}
    return changes, {name for names in met for name in names.to_pylist()}
