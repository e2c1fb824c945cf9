"""All scores computed anew from predictions, and what differs from what was told before."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.leaderboard.board import board
from benchmarks.leaderboard.page import FIGURES, as_json
from benchmarks.leaderboard.render import percent
from curation.errors import DollmaError
from curation.files import whole_file

NEAR = 1e-9
"""Scores nearer than this are the same: sums in another order."""


def rescore(out: Path) -> list[str]:
    """Compute OUT/board.json anew and write it; gives what changed, a line each, nothing where there was none before. Raises DollmaError as `board`."""
    path = out / FIGURES
    found = board(out)
    before = _read(path)
    with whole_file(path) as temporary:
        temporary.write_text(as_json(found), encoding="utf-8")
    return [] if before is None else changes(before, found)


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What differs in scores, intervals, ranks and collapses, by model and task."""
    old, new = _cells(before), _cells(after)
    told = [f"{name}, {task}: new, {_told(new[name, task])}" for name, task in sorted(new.keys() - old.keys())]
    told += [f"{name}, {task}: gone, was {_told(old[name, task])}" for name, task in sorted(old.keys() - new.keys())]
    for key in sorted(old.keys() & new.keys()):
        one, other = old[key], new[key]
        same = all(abs(one[part] - other[part]) < NEAR for part in ("mean", "low", "high"))
        if not same or (one["rank"], one["collapsed"]) != (other["rank"], other["collapsed"]):
            told.append(f"{key[0]}, {key[1]}: {_told(other)}, was {_told(one)}")
    return told


def _cells(found: Mapping[str, Any]) -> dict[tuple[str, str], Mapping[str, Any]]:
    return {(row["name"], task): of for row in found["rows"] for task, of in row["cells"].items()}


def _told(of: Mapping[str, Any]) -> str:
    rank = f", rank {of['rank']}" if of["rank"] else ""
    return f"{percent(of['mean'])} ({percent(of['low'])} to {percent(of['high'])}){rank}" + (
        ", collapsed" if of["collapsed"] is not None else ""
    )


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        _cells(found)
        [_told(of) for of in _cells(found).values()]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DollmaError(f"{path}: damaged ({type(error).__name__}: {error}): remove it; the same command writes it again") from error
    return dict(found)
