"""All figures of a leaderboard, from cells and predictions alone, as JSON has them: scores with intervals, ties, averages with and without chance, contamination.

A cell that collapsed is shown and takes no part in ranks; an average that has one in it says so, and takes no part either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.leaderboard.cells import Answered, Row, read_cells
from benchmarks.scoring.answers import Answers, by_piece
from benchmarks.scoring.bootstrap import Replicates, Sampled, average, interval, replicates, sampled
from benchmarks.scoring.comparison import Difference, compared, compared_over_tasks, ranks, scaled
from benchmarks.scoring.metrics import METRICS, PIECES, chance
from benchmarks.tasks.catalogue import named
from benchmarks.tasks.task import Task
from curation.errors import DollmaError

WAYS = ("fine-tuned", "decoder", "fresh weights", "classical")
"""In a table's order; others come last."""
CLASSICAL = "classical"


class Column(NamedTuple):
    """A task's part of the board: what is told, and what averages are made of."""

    told: dict[str, Any]
    chance: float
    sampled: dict[Row, Sampled]
    standing: frozenset[Row]
    """Rows that did not collapse."""


def board(out: Path) -> dict[str, Any]:
    """The figures of all that stands below OUT. Raises DollmaError as `read_cells`, and for a task that isn't in the catalogue."""
    cells = read_cells(out)
    tasks = {name: named(name) for name in cells}
    columns = {name: _column(tasks[name], of, out) for name, of in cells.items()}
    rows = sorted({row for of in cells.values() for row in of}, key=_order)
    names = _names(rows)
    shared = _shared(columns)
    return {
        "tasks": {name: column.told["task"] for name, column in columns.items()},
        "rows": [
            {
                **row._asdict(),
                "name": names[row],
                "cells": {name: column.told["cells"][row] for name, column in columns.items() if row in column.sampled},
            }
            for row in rows
        ],
        "pairs": {name: _pairs(column.told["pairs"], names) for name, column in columns.items()},
        "averages": _averages(columns, shared, rows, names),
        "without collapsed": _averages(columns, [name for name in shared if not _fell(columns[name])], rows, names)
        if any(_fell(columns[name]) for name in shared)
        else None,
    }


def _order(row: Row) -> tuple[int, str, str, str, str]:
    return (WAYS.index(row.way) if row.way in WAYS else len(WAYS), row.model, row.way, row.identity, row.variant)


def _names(rows: Sequence[Row]) -> dict[Row, str]:
    """What a row is called: the model; its way where it is not the fine-tuned one; the beginning of its fingerprint where others are called so too."""
    plain = {row: row.model + ("" if row.way in (WAYS[0], CLASSICAL) else f", {row.way}") for row in rows}
    of: dict[str, set[str]] = {}
    for row, name in plain.items():
        of.setdefault(name, set()).add(row.identity)
    return {
        row: name + (f" {row.identity[:8]}" if len(of[name]) > 1 else "") + (f" ({row.variant})" if row.variant else "")
        for row, name in plain.items()
    }


# ---- a task


def _column(task: Task, cells: Mapping[Row, Answered], out: Path) -> Column:
    names = task.labels if task.kind != "choice" else ()
    labels = next(iter(cells.values())).answers[0].labels
    counted = {name: _counted(name, cells, names) for name in (task.metric, *task.also)}
    own = counted[task.metric]
    main = dict(zip(own, sampled(METRICS[task.metric].score, list(own.values()), task.name), strict=True))
    scores = {name: _alone(name, of) for name, of in counted.items()}
    at_chance = chance(task.metric, labels, names)
    standing = frozenset(row for row, answered in cells.items() if answered.cell.collapsed is None)
    found = compared({row: main[row] for row in cells if row in standing}, task.name) if standing else {}
    rank = ranks({row: _mean(main[row]) for row in standing}, found)
    seen = {row: _contamination(task, answered, names, out) for row, answered in cells.items()}
    told = {
        "task": {
            "title": task.title,
            "kind": task.kind,
            "language": task.language,
            "metric": task.metric,
            "metric in full": METRICS[task.metric].title,
            "also": {name: METRICS[name].title for name in scores if name != task.metric},
            "chance": at_chance,
            "items": len(labels),
            "paper": task.paper,
            "stands in for": task.stands_in,
        },
        "cells": {
            row: {
                "file": str(answered.path.relative_to(out)),
                **_told(main[row], task.name),
                "rank": rank.get(row),
                "corrected": (_mean(main[row]) - at_chance) / (1 - at_chance) if at_chance < 1 else 0.0,
                "seeds": [
                    {"run": run, **{name: of[row][place] for name, of in scores.items() if row in of}}
                    for place, run in enumerate(answered.cell.runs)
                ],
                "also": {name: float(np.mean(of[row])) for name, of in scores.items() if name != task.metric and row in of},
                "collapsed": answered.cell.collapsed,
                "left": [one.model_dump() for one in answered.cell.left],
                "rate": answered.cell.rate,
                "grid": answered.cell.grid,
                "rows": {split: {**of, "left out": len(of.get("left out", ()))} for split, of in answered.cell.rows.items()},
                "left out": [one for of in answered.cell.rows.values() for one in of.get("left out", ())][:_TOLD],
                "data": answered.cell.data,
                "protocol": answered.cell.protocol,
                "corpus": answered.cell.corpus,
                "contamination": seen[row],
            }
            for row, answered in cells.items()
        },
        "pairs": found,
    }
    return Column(told, at_chance, main, standing)


_TOLD = 20
"""Items left out that are told one by one."""


def _counted(metric: str, cells: Mapping[Row, Answered], names: Sequence[str]) -> dict[Row, list[np.ndarray]]:
    """Statistics of all rows by run; those that the metric can't be told of, for want of pieces, are absent."""
    statistics = {}
    for row, answered in cells.items():
        runs = [by_piece(one) if metric in PIECES else one for one in answered.answers]
        if all(one is not None for one in runs):
            statistics[row] = [_statistics(metric, one, names, answered) for one in runs if one is not None]
    return statistics


def _alone(metric: str, statistics: Mapping[Row, Sequence[np.ndarray]]) -> dict[Row, list[float]]:
    """Scores by run, of metrics beside the main one, which get no intervals."""
    return {row: [float(METRICS[metric].score(run.sum(0))) for run in runs] for row, runs in statistics.items()}


def _statistics(metric: str, answers: Answers, names: Sequence[str], answered: Answered) -> np.ndarray:
    try:
        return METRICS[metric].statistics(answers.labels, answers.predicted, names)
    except (DollmaError, TypeError, ValueError) as error:
        raise DollmaError(f"{answered.path}: its predictions are not of the kind that {metric} counts: {error}") from error


def _told(of: Sampled, key: str) -> dict[str, float]:
    found = interval(replicates(of, key))
    return {**found._asdict(), "half": (found.high - found.low) / 2}


def _mean(of: Sampled) -> float:
    return float(of.whole.mean())


def _contamination(task: Task, answered: Answered, names: Sequence[str], out: Path) -> dict[str, Any] | None:
    """The share of test items that the model's corpus holds, and the score on the others; None where nobody looked, or no corpus is known."""
    corpus, test = answered.cell.corpus, answered.cell.data.get("test")
    folder = out / "contamination"
    if corpus is None or test is None or not folder.is_dir():
        return None
    from benchmarks.contamination import path_of, read_contamination  # noqa: PLC0415 - kernels, that nothing else here needs

    path = path_of(folder, task, test, str(corpus.get("fingerprint")))
    if not path.is_file():
        return None
    found = read_contamination(path)
    known, ids = found.known(), answered.answers[0].ids
    clean = np.array([one not in known for one in ids])
    told: dict[str, Any] = {
        "version": corpus.get("version"),
        "file": str(path.relative_to(out)),
        **{name: found.head.get(name) for name in ("share", "found", "too short", "in train")},
        "items without": int(clean.sum()),
        "without": None,
    }
    if clean.any():
        runs = [_statistics(task.metric, one, names, answered)[clean] for one in answered.answers]
        told["without"] = _told(sampled(METRICS[task.metric].score, [runs], task.name)[0], task.name)
    return told


# ---- over tasks


def _shared(columns: Mapping[str, Column]) -> list[str]:
    """Tasks that all rows have but the classical ones, few of which can answer all kinds."""
    rows = {row for column in columns.values() for row in column.sampled if row.way != CLASSICAL}
    return [name for name, column in columns.items() if rows <= set(column.sampled)]


def _fell(column: Column) -> bool:
    return len(column.standing) < len(column.sampled)


def _averages(columns: Mapping[str, Column], shared: Sequence[str], rows: Sequence[Row], names: Mapping[Row, str]) -> dict[str, Any] | None:
    """Means over the shared tasks, plain and corrected for chance, with ranks; None where there are no two such tasks."""
    if len(shared) < 2:
        return None
    whole = [row for row in rows if all(row in columns[name].sampled for name in shared)]
    standing = [row for row in whole if all(row in columns[name].standing for name in shared)]
    found: dict[str, Any] = {"tasks": list(shared)}
    for kind, times in (("plain", dict.fromkeys(shared, 1.0)), ("corrected", {name: _reach(columns[name].chance) for name in shared})):
        means = {row: _over_tasks({name: columns[name] for name in shared}, row, times, kind == "corrected") for row in whole}
        pairs = compared_over_tasks({name: {row: columns[name].sampled[row] for row in standing} for name in shared}, times)
        rank = ranks({row: means[row].mean for row in standing}, pairs)
        found[kind] = {
            names[row]: {
                **interval(means[row])._asdict(),
                "half": (interval(means[row]).high - interval(means[row]).low) / 2,
                "rank": rank.get(row),
            }
            for row in whole
        }
        found[f"{kind} pairs"] = _pairs(pairs, names)
    return found


def _reach(at_chance: float) -> float:
    return 1 / (1 - at_chance) if at_chance < 1 else 0.0


def _over_tasks(columns: Mapping[str, Column], row: Row, times: Mapping[str, float], from_chance: bool) -> Replicates:
    return average(
        [
            scaled(replicates(column.sampled[row], name), times[name], -column.chance * times[name] if from_chance else 0.0)
            for name, column in columns.items()
        ]
    )


def _pairs(pairs: Mapping[Any, Difference], names: Mapping[Row, str]) -> list[dict[str, Any]]:
    return [
        {
            "one": names[one],
            "other": names[other],
            **found.interval._asdict(),
            "p": found.p,
            "corrected": found.corrected,
            "told apart": found.told_apart,
        }
        for (one, other), found in _sorted(pairs.items(), names)
    ]


def _sorted(pairs: Iterable[tuple[Any, Difference]], names: Mapping[Row, str]) -> list[tuple[Any, Difference]]:
    return sorted(pairs, key=lambda one: (names[one[0][0]], names[one[0][1]]))
