"""The board as pages that need nothing from elsewhere: the table and the plot, a card for each task, the figures as JSON, and the predictions behind each number.

Names of models and reasons come from files that others may have written: every string passes `text`, and links are made of our own names for files.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmarks.leaderboard.cells import file_of
from benchmarks.leaderboard.plots import figure
from benchmarks.leaderboard.render import Entry, contaminated, grid, notes, percent, plain
from benchmarks.tasks.catalogue import named
from benchmarks.tasks.task import told as card_of
from curation.audit.page import Html, page, table, text
from curation.errors import DollmaError
from curation.files import whole_folder

PREDICTIONS, TASKS, FIGURES = "predictions", "tasks", "board.json"
Link = Callable[[Entry], str | None]


def table_page(found: Mapping[str, Any]) -> str:
    """The table and what one must know to read it, on one page."""
    return page("Leaderboard", [Html("<h1>Leaderboard</h1>"), _board(found, lambda _: None), _notes(found)])


def export(found: Mapping[str, Any], out: Path, folder: Path) -> Path:
    """Write the pages, the figures and the predictions to `folder`, whole or not at all; gives the first page's path.

    An earlier export is replaced. Raises DollmaError for a folder with something else in it.
    """
    if folder.exists() and not (folder.is_dir() and ((folder / FIGURES).is_file() or not any(folder.iterdir()))):
        raise DollmaError(f"{folder}: has other things in it, which an export would replace: give another folder")
    numbers = {row["name"]: number for number, row in enumerate(found["rows"])}
    with whole_folder(folder) as temporary:
        for run in sorted({seed["run"] for row in found["rows"] for of in row["cells"].values() for seed in of["seeds"]}):
            (temporary / PREDICTIONS).mkdir(exist_ok=True)
            shutil.copyfile(file_of(out, run), temporary / PREDICTIONS / f"{run}.jsonl")
        (temporary / FIGURES).write_text(as_json(found), encoding="utf-8")
        (temporary / "index.html").write_text(_index(found, numbers), encoding="utf-8")
        (temporary / TASKS).mkdir()
        for task in found["tasks"]:
            (temporary / TASKS / f"{task}.html").write_text(_card(found, task, numbers), encoding="utf-8")
    return folder / "index.html"


def as_json(found: Mapping[str, Any]) -> str:
    """All figures, the same bytes for the same figures."""
    return json.dumps(found, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _index(found: Mapping[str, Any], numbers: Mapping[str, int]) -> str:
    def link(entry: Entry) -> str | None:
        return f"{TASKS}/{quote(entry.key[1])}.html#row-{numbers[entry.key[0]]}" if entry.key else None

    rows = contaminated(found)
    heads = ("model", "task", "corpus", "test items in it", "score", "score without them")
    seen = [Html("<h2>Test items in the training corpus</h2>"), table(heads, rows, texts=3)] if rows else []
    sections = [
        Html("<h1>Leaderboard</h1>"),
        _board(found, link),
        Html("<p class=\"faint\">Each number leads to its runs and their predictions; a column's name to the task's card.</p>"),
        Html(f'<div class="scroll">{figure(found)}</div>'),
        *seen,
        _notes(found),
        Html(f'<p><a href="{FIGURES}">All figures as JSON</a></p>'),
    ]
    return page("Leaderboard", sections)


def _board(found: Mapping[str, Any], link: Link) -> Html:
    """The table; without links where there is nothing to link to."""
    laid = grid(found)
    linked = link(Entry(0, None, None, False, (found["rows"][0]["name"], next(iter(found["tasks"])))))
    heads = "".join(
        f'<th scope="col">{_anchor(name, f"{TASKS}/{quote(name)}.html" if linked and name in found["tasks"] else None)}<br>'
        f'<span class="faint">{text(metric)}</span></th>'
        for name, metric in laid.heads
    )
    body = []
    for line in laid.lines:
        cells = "".join(f"<td>{_number(entry, link)}</td>" for entry in line.entries)
        body.append(f'<tr><th scope="row" class="text" dir="auto">{text(line.name)}</th>{cells}</tr>')
    return Html(f'<div class="scroll"><table><tr><td></td>{heads}</tr>{"".join(body)}</table></div>')


def _number(entry: Entry | None, link: Link) -> Html:
    if entry is None:
        return Html("–")
    told = _anchor(plain(entry).replace(" ", "\u00a0"), link(entry))
    return Html(f"<b>{told}</b>") if entry.rank == 1 else Html(f'<span class="alarm">{told}</span>') if entry.fell else told


def _anchor(told: str, address: str | None) -> Html:
    return Html(f'<a href="{text(address)}">{text(told)}</a>') if address else text(told)


def _notes(found: Mapping[str, Any]) -> Html:
    return Html("<ul>" + "".join(f"<li>{text(note)}</li>" for note in notes(found)) + "</ul>")


# ---- a task's card


def _card(found: Mapping[str, Any], task: str, numbers: Mapping[str, int]) -> str:
    about = found["tasks"][task]
    rows = [row for row in found["rows"] if task in row["cells"]]
    head = (
        f"<h1>{text(task)}</h1><p>{text(about['title'])}</p><p>{text(about['metric in full'])}; {about['items']:,} test items; the best constant "
        f'answer gets {percent(about["chance"])} %.</p><p><a href="../index.html">Leaderboard</a></p>'
    )
    sections = [
        Html(head),
        *(_row(row, row["cells"][task], numbers[row["name"]]) for row in rows),
        Html("<h2>Which are told apart</h2>"),
        _pairs(found["pairs"][task]),
        Html("<h2>The task</h2>"),
        table(("", ""), [(key, _short(value)) for key, value in card_of(named(task)).items() if value not in (None, "", {}, [])], texts=2),
    ]
    return page(task, sections)


def _row(row: Mapping[str, Any], of: Mapping[str, Any], number: int) -> Html:
    """A model: its score and what is behind it."""
    metrics = [name for name in of["seeds"][0] if name != "run"]
    seeds = "".join(
        f'<tr><td class="text">{place}</td>'
        + "".join(f"<td>{percent(seed[name])}</td>" for name in metrics)
        + f'<td class="text">{_anchor(seed["run"], f"../{PREDICTIONS}/" + quote(seed["run"]) + ".jsonl")}</td></tr>'
        for place, seed in enumerate(of["seeds"], 1)
    )
    heads = "".join(f'<th scope="col">{text(name)}</th>' for name in metrics)
    parts = [
        f'<h2 id="row-{number}">{text(row["name"])}</h2>',
        f"<p>{percent(of['mean'])} ({percent(of['low'])} to {percent(of['high'])})"
        + "".join(f"; {text(name)} {percent(one)}" for name, one in of["also"].items())
        + (f"; above chance {percent(of['corrected'])}" if of["corrected"] is not None else "")
        + "</p>",
        f'<p class="alarm">Collapsed: {text(of["collapsed"])}</p>' if of["collapsed"] is not None else "",
        *(f'<p class="alarm">Rate {left["rate"]:g} was left for a lower one: {text(left["why"])}</p>' for left in of["left"]),
        f'<div class="scroll"><table><tr><th scope="col" class="text">run</th>{heads}<th scope="col" class="text">predictions</th></tr>{seeds}</table></div>',
        f"<p>{text(row['way'])}; {text(row['identity'])}"
        + (f"; learning rate {of['rate']:g}, of {_tried(of['grid'])} on validation" if of["rate"] is not None else "")
        + "</p>",
        _rows_of(of),
    ]
    return Html("\n".join(part for part in parts if part))


def _tried(tried: Sequence[Mapping[str, Any]]) -> str:
    return text(", ".join(f"{one['rate']:g} ({percent(one['validation'])})" for one in tried))


def _rows_of(of: Mapping[str, Any]) -> Html:
    rows = [
        (
            split,
            one.get("used"),
            one.get("cut"),
            one.get("left out"),
            ", ".join(f"{count:,} {what}" for what, count in (one.get("notes") or {}).items()),
        )
        for split, one in of["rows"].items()
    ]
    heads = ("split", "items used", "cut to the model's length", "left out", "notes")
    told = "".join(f"<li>{text(': '.join(map(str, one)))}</li>" for one in of["left out"])
    return Html(table(heads, rows) + (f"<p>Left out, the first:</p><ul>{told}</ul>" if told else ""))


def _pairs(pairs: Sequence[Mapping[str, Any]]) -> Html:
    rows = [
        (
            one["one"],
            one["other"],
            f"{100 * one['mean']:+.1f} ({100 * one['low']:+.1f} to {100 * one['high']:+.1f})",
            f"{one['p']:.2g}",
            f"{one['corrected']:.2g}",
            "told apart" if one["told apart"] else "tie",
        )
        for one in pairs
    ]
    return table(("model", "other", "difference, points", "p", "p after Holm", ""), rows, texts=2)


def _short(value: Any) -> str:
    told = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return told if len(told) <= 600 else told[:599] + "…"
