"""The scores of a comparison, computed from the predictions that its runs stored and from nothing else: as JSON, as Markdown, and as plots."""

from __future__ import annotations

import json
from collections.abc import Mapping
from glob import escape
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.finetuning.runs import PRETRAINED, SCRATCH, Comparison, Done, Finished
from benchmarks.finetuning.scores import Scores, interval, resampled, scores
from benchmarks.finetuning.stored import TEST, Answers, answers_of, best_evaluation, facts_of, history_of
from benchmarks.finetuning.tasks import Task, named
from curation.audit.plot import lines_svg
from curation.errors import DollmaError
from curation.files import whole_file

METRICS = {"accuracy": "accuracy", "macro_f1": "macro-F1"}
TOLD = 5
"""Rows left out of a split that are told one by one; the JSON has all."""


def report(asked: Comparison, finished: Finished, out: Path) -> dict[str, Any]:
    """Write OUT/results/NAME.json, .md, and plots; gives the figures."""
    found = figures(asked, finished)
    model = next(iter(found["ways"].values()))["model"]
    folder, same = out / "results", f"{asked.task}-{asked.name}-{model[:8]}"
    name = f"{same}-{found['rows']['train']['used']}"
    _write(folder / f"{name}.json", json.dumps(found, ensure_ascii=False, indent=1) + "\n")
    _write(folder / f"{name}.md", markdown(found))
    _write(folder / f"{name}.svg", learning(found))
    sizes = _sizes(folder, same)
    if len(sizes) > 1:
        _write(folder / f"{same}.svg", by_rows(sizes))
    return found


def figures(asked: Comparison, finished: Finished) -> dict[str, Any]:
    """All figures. Raises DollmaError for predictions that are damaged, or of other items than the rest."""
    task = named(asked.task)
    by_way = {way: _answers(done, task) for way, done in finished.done.items()}
    labels = next(iter(by_way.values())).labels
    whole = {way: scores(labels, answers.predicted) for way, answers in by_way.items()}
    draws = {way: resampled(labels, answers.predicted) for way, answers in by_way.items()}
    constant = scores(labels, np.full((1, len(labels)), _commonest(finished.splits["train"].labelled.labels)))
    known = {item.text for item in finished.splits["train"].items}
    found: dict[str, Any] = {
        "task": asked.task,
        "title": task.title,
        "metric": task.metric,
        "model": asked.name,
        "protocol": asked.protocol.model_dump(mode="json"),
        "rows": {
            split: {
                "used": len(rows.items),
                "cut": rows.texts.cut,
                "tokens": int(rows.texts.lengths.sum()),
                "left out": [*map(list, rows.faults)],
            }
            for split, rows in finished.splits.items()
        },
        "test texts that stand in train": sum(item.text in known for item in finished.splits["test"].items),
        "commonest label": {name: float(getattr(constant, name)[0, 0]) for name in METRICS},
        "ways": {way: _way(finished.done[way], task, by_way[way], whole[way], draws[way]) for way in by_way},
    }
    if len(by_way) > 1:
        found["difference"] = {
            name: interval(*(getattr(of[PRETRAINED], name) - getattr(of[SCRATCH], name) for of in (_firsts(whole), draws)))._asdict()
            for name in METRICS
        }
    return found


def _firsts(whole: Mapping[str, Scores]) -> dict[str, Scores]:
    return {way: Scores(*(values[0] for values in of)) for way, of in whole.items()}


def _answers(done: Done, task: Task) -> Answers:
    """Those of all seeds: `predicted` is [seeds, n]."""
    each = [answers_of(folder, TEST, task) for folder in done.seeds]
    for folder, one in zip(done.seeds, each, strict=True):
        if one.ids != each[0].ids or not np.array_equal(one.labels, each[0].labels):
            raise DollmaError(
                f"{folder / TEST}: predictions for other items than {done.seeds[0] / TEST}: remove the folder, and the run is made again"
            )
    return Answers(each[0].ids, each[0].labels, np.stack([one.predicted for one in each]))


def _commonest(labels: np.ndarray) -> int:
    return int(np.bincount(labels).argmax())


def _way(done: Done, task: Task, answers: Answers, whole: Scores, draws: Scores) -> dict[str, Any]:
    history = np.array([[getattr(one, task.metric) for one in history_of(folder)] for folder in done.seeds])
    return {
        "model": facts_of(done.seeds[0])["model"],
        "grid": [{"rate": facts_of(folder)["rate"], **best_evaluation(folder)._asdict()} for folder in done.grid],
        "rate": done.rate,
        "left": [folder.name for folder in done.left],
        "seeds": [
            {
                "run": folder.name,
                "validation": getattr(best_evaluation(folder), task.metric),
                **{name: float(getattr(whole, name)[0, number]) for name in METRICS},
                "constant": len(np.unique(answers.predicted[number])) == 1,
            }
            for number, folder in enumerate(done.seeds)
        ],
        **{name: interval(getattr(whole, name)[0], getattr(draws, name))._asdict() for name in METRICS},
        "learning": [[one.share, float(mean)] for one, mean in zip(history_of(done.seeds[0]), history.mean(0), strict=True)],
    }


def markdown(found: Mapping[str, Any]) -> str:
    """The figures as tables: means with 95 % intervals, the grid, each seed; and what of the data was left out or cut."""
    lines = [
        f"# {found['title']}: {found['model']}",
        "",
        "| | " + " | ".join(METRICS.values()) + " | rate | by seed |",
        "|---|---|---|---|---|",
    ]
    for way, of in found["ways"].items():
        seeds = ", ".join(_percent(one[found["metric"]]) + (" (collapsed)" if one["constant"] else "") for one in of["seeds"])
        lines.append(f"| {way} | {' | '.join(_cell(of[name]) for name in METRICS)} | {of['rate']:g} | {seeds} |")
    if "difference" in found:
        lines.append(f"| difference | {' | '.join(_cell(found['difference'][name]) for name in METRICS)} | | |")
    lines.append(f"| the commonest label | {' | '.join(_percent(found['commonest label'][name]) for name in METRICS)} | | |")
    note = "Means over seeds, and 95 % intervals over seeds and test items, in percent; differences are paired by item and seed."
    lines += ["", f"{note} A seed that gives one answer to all has collapsed."]
    lines += ["", f"| rate, seed 1, validation | {' | '.join(found['ways'])} |", "|---" * (1 + len(found["ways"])) + "|"]
    tried = {way: {one["rate"]: one for one in of["grid"]} for way, of in found["ways"].items()}
    for rate in sorted(set().union(*tried.values())):
        ones = [of.get(rate) for of in tried.values()]
        cells = [f"{_percent(one[found['metric']])}, loss {one['loss']:.3f}" if one else "" for one in ones]
        lines.append(f"| {rate:g} | {' | '.join(cells)} |")
    for way, of in found["ways"].items():
        if of["left"]:
            lines += ["", f"{way}: left for a lower rate, as a seed collapsed: {', '.join(of['left'])}."]
    lines += ["", "| split | texts | longer than the model's positions, and cut | left out |", "|---|---|---|---|"]
    for split, rows in found["rows"].items():
        lines.append(f"| {split} | {rows['used']:,} | {rows['cut']:,} | {len(rows['left out']):,} |")
    lines += ["", f"Test texts that stand in the training split too: {found['test texts that stand in train']:,}."]
    lines += [f"Left out: {file}, line {line}: {why}" for rows in found["rows"].values() for file, line, why in rows["left out"][:TOLD]]
    return "\n".join(lines) + "\n"


def learning(found: Mapping[str, Any]) -> str:
    """The metric on validation over a run's epochs, mean over seeds."""
    series = {way: [(share, 100 * value) for share, value in of["learning"]] for way, of in found["ways"].items()}
    return lines_svg(f"{found['task']}: {found['model']}", "share of the steps", f"{METRICS[found['metric']]} on validation, %", series)


def by_rows(found: list[dict[str, Any]]) -> str:
    """The metric on the test split over training texts."""
    ways = [way for way in (PRETRAINED, SCRATCH) if any(way in one["ways"] for one in found)]
    series = {
        way: [(one["rows"]["train"]["used"], 100 * one["ways"][way][one["metric"]]["mean"]) for one in found if way in one["ways"]]
        for way in ways
    }
    first = found[0]
    return lines_svg(f"{first['task']}: {first['model']}", "texts for training", f"{METRICS[first['metric']]} on the test split, %", series)


def _sizes(folder: Path, name: str) -> list[dict[str, Any]]:
    """The results of one model on all numbers of rows, ascending."""
    found = []
    for path in sorted(folder.glob(f"{escape(name)}-*.json")):
        try:
            found.append(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise DollmaError(f"{path}: damaged ({error}): remove it; the same command writes it again") from error
    return sorted(found, key=lambda one: one["rows"]["train"]["used"])


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _cell(of: Mapping[str, float]) -> str:
    return f"{_percent(of['mean'])} ({_percent(of['low'])} to {_percent(of['high'])})"


def _write(path: Path, text: str) -> None:
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
