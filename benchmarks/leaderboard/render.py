"""The board as text: Table 4's layout, models by tasks, in Markdown and LaTeX, and each figure on a line of its own as CSV.

What is written is a function of the figures alone. Numbers are percents with one digit behind the point: a second one says nothing beside intervals of points.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

CONSTANT = "best constant answer"
FELL = "†"


class Entry(NamedTuple):
    """A number of the table: as a share of 1, half its interval, its rank, and whether the run behind it collapsed. `key` is the row's and the task's name."""

    mean: float
    half: float | None
    rank: int | None
    fell: bool
    key: tuple[str, str] | None


class Line(NamedTuple):
    """A row: what it is called, its way, its entries by column, None where there is none."""

    name: str
    way: str
    entries: list[Entry | None]


class Grid(NamedTuple):
    """Columns, each with what is counted in it, and lines."""

    heads: list[tuple[str, str]]
    lines: list[Line]


def grid(found: Mapping[str, Any]) -> Grid:
    """The table: tasks, then averages where there are some; models, then what the best constant answer gets."""
    tasks, averages = found["tasks"], found["averages"]
    heads = [(name, of["metric"]) for name, of in tasks.items()]
    if averages:
        many = f"{len(averages['tasks'])} tasks"
        heads += [("average", many), ("above chance", many)]
    lines = []
    for row in found["rows"]:
        entries = [_entry(row["name"], task, row["cells"].get(task)) for task in tasks]
        if averages:
            fell = any(of["collapsed"] is not None for task, of in row["cells"].items() if task in averages["tasks"])
            entries += [_average(averages[kind].get(row["name"]), fell) for kind in ("plain", "corrected")]
        lines.append(Line(row["name"], row["way"], entries))
    constants: list[Entry | None] = [Entry(of["chance"], None, None, False, None) for of in tasks.values()]
    if averages:
        mean = sum(tasks[name]["chance"] for name in averages["tasks"]) / len(averages["tasks"])
        constants += [Entry(mean, None, None, False, None), Entry(0.0, None, None, False, None)]
    return Grid(heads, [*lines, Line(CONSTANT, "", constants)])


def _entry(name: str, task: str, of: Mapping[str, Any] | None) -> Entry | None:
    return None if of is None else Entry(of["mean"], of["half"], of["rank"], of["collapsed"] is not None, (name, task))


def _average(of: Mapping[str, Any] | None, fell: bool) -> Entry | None:
    return None if of is None else Entry(of["mean"], of["half"], of["rank"], fell, None)


def percent(value: float) -> str:
    """A share of 1 in percent."""
    return f"{100 * value:.1f}"


def markdown(found: Mapping[str, Any]) -> str:
    """The table, then what one must know to read it."""
    table = grid(found)
    lines = [
        "| | " + " | ".join(f"{_md(name)}<br>{_md(metric)}" for name, metric in table.heads) + " |",
        "|---|" + "---:|" * len(table.heads),
    ]
    lines += [f"| {_md(line.name)} | " + " | ".join(_md_entry(entry) for entry in line.entries) + " |" for line in table.lines]
    lines += ["", *(f"{_md(note)}\n" for note in notes(found))]
    seen = contaminated(found)
    if seen:
        lines += ["| model | task | corpus | test items in it | score | score without them |", "|---|---|---|---:|---:|---:|"]
        lines += [f"| {' | '.join(map(_md, row))} |" for row in seen]
    return "\n".join(lines).rstrip() + "\n"


def _md(text: str) -> str:
    """Text in a cell of a table: nothing in it is markup."""
    for sign in "\\`*_|<>[]~#":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())


def _md_entry(entry: Entry | None) -> str:
    if entry is None:
        return "–"
    told = plain(entry)
    return f"**{told}**" if entry.rank == 1 else told


def plain(entry: Entry) -> str:
    """The number with half its interval, and its rank or that it collapsed."""
    half = "" if entry.half is None else f" ± {percent(entry.half)}"
    return f"{percent(entry.mean)}{half}" + (f" {FELL}" if entry.fell else f" ({entry.rank})" if entry.rank else "")


def notes(found: Mapping[str, Any]) -> list[str]:
    """What one must know to read the table, a sentence or two each."""
    told = [
        "Percent; means over seeds, ± half of the 95 % interval over seeds and test items (items alone where there is one run). In brackets the rank: one more than "
        "the models that are told to be better, on the same items and seeds, by Holm's correction over all pairs of a task at 5 %. Models of the first rank are ties."
    ]
    told += [
        f"{name}: {of['metric in full']}, {of['items']:,} test items; {_joined([row['name'] for row in found['rows'] if _rank(row, name) == 1])}: "
        "no model is told to be better."
        for name, of in found["tasks"].items()
    ]
    told += [
        f"{task}: {_joined(level)} have different ranks, and yet are not told apart."
        for task in found["tasks"]
        for level in _level(found, task)
    ]
    if found["averages"]:
        told.append(
            f"Averages are over {_joined(found['averages']['tasks'])}, which all models have. Above chance: (score − chance) / (1 − chance), where chance is the score "
            "of the best answer that is the same for all items, and 0 for entities, answers in a text and correlations."
        )
    fell = [
        (row["name"], task, of["collapsed"]) for row in found["rows"] for task, of in row["cells"].items() if of["collapsed"] is not None
    ]
    told += [f"{FELL} {name} on {task} collapsed: {why}. It takes no part in ranks." for name, task, why in fell]
    if found["without collapsed"]:
        without = found["without collapsed"]
        each = ", ".join(f"{name} {percent(of['mean'])} ± {percent(of['half'])}" + _ranked(of) for name, of in without["plain"].items())
        told.append(f"Without the tasks in which a run collapsed, averages over {_joined(without['tasks'])}: {each}.")
    told += [
        f"{row['name']} on {task}: the learning rate {left['rate']:g} was left for a lower one: {left['why']}."
        for row in found["rows"]
        for task, of in row["cells"].items()
        for left in of["left"]
    ]
    return told


def _level(found: Mapping[str, Any], task: str) -> list[list[str]]:
    """Two models of different ranks each that are not told apart: a third one is told to be better than one of them only."""
    ranks = {row["name"]: _rank(row, task) for row in found["rows"]}
    pairs = [pair for pair in found["pairs"][task] if not pair["told apart"]]
    return [[pair["one"], pair["other"]] for pair in pairs if ranks[pair["one"]] != ranks[pair["other"]]]


def _rank(row: Mapping[str, Any], task: str) -> int | None:
    of = row["cells"].get(task)
    return of and of["rank"]


def _ranked(of: Mapping[str, Any]) -> str:
    return f" ({of['rank']})" if of["rank"] else ""


def _joined(names: list[str]) -> str:
    return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else "".join(names) or "none"


def contaminated(found: Mapping[str, Any]) -> list[list[str]]:
    """Of each model whose corpus was looked into: model, task, version, the share of test items that it holds, the score, and that on the others."""
    rows = []
    for row in found["rows"]:
        for task, of in row["cells"].items():
            seen = of["contamination"]
            if seen:
                without = seen["without"]
                clean = f"{percent(without['mean'])} ± {percent(without['half'])} on {seen['items without']:,}" if without else "–"
                share = f"{percent(seen['share'])} % ({seen['found']:,})"
                rows.append([row["name"], task, str(seen["version"]), share, f"{percent(of['mean'])} ± {percent(of['half'])}", clean])
    return rows


HEADS = (
    "model", "way", "identity", "variant", "task", "metric", "mean", "error", "low", "high", "rank", "seeds", "collapsed", "chance", "above chance",
    "items", "in corpus", "mean without", "predictions",
)  # fmt: skip
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings of a text that spreadsheets take for a formula."""


def as_csv(found: Mapping[str, Any]) -> str:
    """A line for each model on each task with its score in full, one for each other metric, without an interval; and averages."""
    made = io.StringIO()
    write = csv.writer(made, lineterminator="\n")
    write.writerow(HEADS)
    for row in found["rows"]:
        own = [_harmless(row[key]) for key in ("name", "way", "identity", "variant")]
        for task, of in row["cells"].items():
            seen = of["contamination"] or {}
            clean = (seen.get("without") or {}).get("mean")
            runs = " ".join(f"runs/{seed['run']}/test.jsonl" for seed in of["seeds"])
            about = found["tasks"][task]
            last = [_digits(about["chance"]), _digits(of["corrected"]), about["items"], _digits(seen.get("share")), _digits(clean), runs]
            middle = [of["rank"], len(of["seeds"]), _harmless(of["collapsed"] or "")]
            write.writerow([*own, task, about["metric"], *_interval(of), *middle, *last])
            for name, other in of["also"].items():
                write.writerow(
                    [*own, task, name, _digits(other), "", "", "", "", len(of["seeds"]), middle[-1], "", "", about["items"], "", "", runs]
                )
        for kind in ("plain", "corrected") if found["averages"] else ():
            average = found["averages"][kind].get(row["name"])
            if average:
                name = {"plain": "average", "corrected": "average above chance"}[kind]
                write.writerow([*own, name, "", *_interval(average), average["rank"], *[""] * 8])
    return made.getvalue()


def _interval(of: Mapping[str, float]) -> list[str]:
    return [_digits(of[key]) for key in ("mean", "error", "low", "high")]


def _digits(value: float | None) -> str:
    return "" if value is None else f"{value:.6f}"


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(DANGEROUS) else text


_TEX = {
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "−": "$-$",
    FELL: r"$^{\dagger}$",
}


def _tex(text: str) -> str:
    return "".join(_TEX.get(sign, sign) for sign in text)


def latex(found: Mapping[str, Any]) -> str:
    """A table of booktabs; with letters such as ə in names, for LuaLaTeX or XeLaTeX."""
    table = grid(found)
    before = ""
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\begin{{tabular}}{{l{'r' * len(table.heads)}}}",
        r"\toprule",
        " & ".join(["", *(_tex(name) for name, _ in table.heads)]) + r" \\",
        " & ".join(["", *(rf"\small {_tex(metric)}" for _, metric in table.heads)]) + r" \\",
    ]
    for line in table.lines:
        if line.way != before:
            lines.append(r"\midrule")
        before = line.way
        lines.append(" & ".join([_tex(line.name), *(_tex_entry(entry) for entry in line.entries)]) + r" \\")
    caption = " ".join(_tex(note) for note in notes(found))
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", rf"\caption{{{caption}}}", r"\end{table}"]) + "\n"


def _tex_entry(entry: Entry | None) -> str:
    if entry is None:
        return "--"
    told = _tex(plain(entry))
    return rf"\textbf{{{told}}}" if entry.rank == 1 else told


TEXTS: dict[str, Callable[[Mapping[str, Any]], str]] = {"markdown": markdown, "csv": as_csv, "latex": latex}
"""By format; HTML is `page.table_page`."""
