"""`dollma bench tasks | pairs | contamination`: what can be asked of models, sets made of one's own books, and test items that a corpus holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from benchmarks.tasks.task import Task

Workspace = Annotated[Path, typer.Option("--workspace", "-w", help="Folder that holds stages and versions.", file_okay=False)]
Version = Annotated[str, typer.Argument(help="A version: its folder, name, or the beginning of either.", show_default=False)]
Data = Annotated[Path | None, typer.Option(help="Folder with the tasks' files, each in its own folder or all in one.", show_default=False)]


def tasks(
    name: Annotated[str | None, typer.Argument(help="A task: all that is known of it.", show_default=False)] = None,
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """List the tasks, or tell all of one. With --data the files are read: hashes against the pinned ones, items, and rows that can't be used."""
    from benchmarks.tasks.catalogue import TASKS, named
    from benchmarks.tasks.task import told

    chosen = [named(name)] if name is not None else list(TASKS.values())
    found = [told(task) | ({"files here": _read(task, data)} if data is not None else {}) for task in chosen]
    if as_json:
        import json

        typer.echo(json.dumps(found, ensure_ascii=False, indent=1))
    elif name is not None:
        for line in _card(found[0]):
            typer.echo(line)
    else:
        for line in _listed(chosen):
            typer.echo(line)
        for task in found if data is not None else ():
            typer.echo(f"\n{task['name']}")
            for line in _told_here(task["files here"]):
                typer.echo(f"  {line}")


def pairs(
    version: Version,
    out: Annotated[Path, typer.Option(help="Folder to write: train, validation, test, the card.", file_okay=False, show_default=False)],
    source: Annotated[list[str], typer.Option(help="A source of books; give it several times.", show_default=False)],
    per_book: Annotated[int, typer.Option(min=2, help="Most pairs of one book.")] = 50,
    seed: Annotated[int, typer.Option(help="Draws the books' splits and the pairs.")] = 1,
    workspace: Workspace = Path("workspace"),
) -> None:
    """Make a next-sentence set from a version's books: distractors from the same book, splits apart by book, and the ids that a recipe leaves out."""
    from benchmarks.tasks.next_sentence import build
    from pipelines.versions import find_version

    card = build(find_version(version, workspace), tuple(source), out, per_book, seed)
    told = ", ".join(f"{of['pairs']:,} pairs of {of['books']:,} books in {split}" for split, of in card["splits"].items())
    typer.echo(f"{out}: {told}; a recipe with `withdrawn: [{out / 'withdrawn.txt'}]` leaves the books of validation and test out")


def contamination(
    version: Version,
    task: Annotated[list[str], typer.Option(help="Name of a task; give it several times.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder of the results: in OUT/contamination.", file_okay=False, show_default=False)],
    data: Data = None,
    workspace: Workspace = Path("workspace"),
) -> None:
    """Look up which test items a version holds: question and answer, or the context. What was looked up is not looked up again."""
    from benchmarks.contamination import look_up
    from benchmarks.tasks.catalogue import named
    from pipelines.versions import find_version

    for found in look_up([named(one) for one in task], data, find_version(version, workspace), out / "contamination"):
        head = found.head
        typer.echo(
            f"{head['task']}: {head['found']:,} of {head['items'] - head['too short']:,} test items ({head['share']:.1%}) stand in {head['version']}; "
            f"{head['too short']:,} too short to tell; {head['in train']:,} stand in the task's own train or validation: {found.path}"
        )


def _listed(chosen: list[Task]) -> list[str]:
    from benchmarks.tasks.data import AS_PINNED, NEVER_SEEN

    rows = [("task", "kind", "language", "metric", "splits", "files", "like the paper's", "licence")]
    rows += [
        (
            task.name,
            task.kind,
            task.language,
            task.metric,
            "+".join(split for split in task.files) + (f" (learns {task.train_on})" if task.train_on else ""),
            NEVER_SEEN if task.hashes is None else AS_PINNED.removeprefix("as "),
            task.paper or (f"as {task.stands_in}" if task.stands_in else "-"),
            task.licence,
        )
        for task in chosen
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _card(task: dict[str, Any]) -> list[str]:
    lines = []
    for key, value in task.items():
        if key == "files here":
            lines += [f"{key}:", *(f"  {line}" for line in _told_here(value))]
        elif isinstance(value, dict):
            lines += [f"{key}:", *(f"  {name}: {of}" for name, of in value.items())]
        elif isinstance(value, list):
            lines.append(f"{key}: {', '.join(map(str, value)) or '-'}")
        else:
            lines.append(f"{key}: {'-' if value is None else value}")
    return lines


def _read(task: Task, data: Path) -> dict[str, Any]:
    """What a task's files hold: items and faults by split, or why they can't be read."""
    from benchmarks.tasks.data import hashes, locate, pinned
    from benchmarks.tasks.reading import read
    from curation.errors import DollmaError

    try:
        folder = locate(task, data, None)
    except DollmaError as error:
        return {"missing": str(error)}
    sums = hashes(task, folder)
    found: dict[str, Any] = {"folder": str(folder), "files": pinned(task, sums), "sha256": sums, "splits": {}}
    for split in sums:
        try:
            of = read(task, folder, split)
        except DollmaError as error:
            found["splits"][split] = {"unreadable": str(error)}
            continue
        found["splits"][split] = {"items": len(of.items), "left out": [list(fault) for fault in of.faults], "notes": of.counts()}
    return found


def _told_here(found: dict[str, Any]) -> list[str]:
    if "missing" in found:
        return [found["missing"]]
    lines = [f"{found['folder']}: {found['files']}"]
    for split, of in found["splits"].items():
        if "unreadable" in of:
            lines.append(f"{split}: {of['unreadable']}")
            continue
        notes = "".join(f"; {count:,} × {what}" for what, count in of["notes"].items())
        lines.append(f"{split}: {of['items']:,} items, {len(of['left out']):,} left out{notes}")
        lines += [f"  {file}:{line}: {identity}: {why}" for file, line, identity, why in of["left out"][:20]]
        lines += [f"  … and {len(of['left out']) - 20:,} more (--json tells all)"] if len(of["left out"]) > 20 else []
    return lines
