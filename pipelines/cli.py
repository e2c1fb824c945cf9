"""The command `dollma`."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from curation.errors import DollmaError
from pipelines.commands import adapt as adapt_commands
from pipelines.commands import audit as audit_commands
from pipelines.commands import bench as bench_commands
from pipelines.commands import dedup as dedup_commands
from pipelines.commands import diacritics as diacritics_commands
from pipelines.commands import diff as diff_commands
from pipelines.commands import lexicon as lexicon_commands
from pipelines.commands import lid as lid_commands
from pipelines.commands import mix as mix_commands
from pipelines.commands import pretrain as pretrain_commands
from pipelines.commands import profile as profile_commands
from pipelines.commands import publish as publish_commands
from pipelines.commands import read as read_commands
from pipelines.commands import rebuild as rebuild_commands
from pipelines.commands import report as report_commands
from pipelines.commands import run as run_commands
from pipelines.commands import sample as sample_commands
from pipelines.commands import tokenizer as tokenizer_commands
from pipelines.commands import tokens as tokens_commands
from pipelines.commands.read import write_json

app = typer.Typer(
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    help="Corpus curation for low-resource languages: from raw files to a versioned, explained, de-duplicated corpus.",
)
app.add_typer(profile_commands.app, name="profile")
app.add_typer(lid_commands.app, name="lid")
app.add_typer(lexicon_commands.app, name="lexicon")
app.add_typer(diacritics_commands.app, name="diacritics")
app.add_typer(tokenizer_commands.app, name="tokenizer")
app.add_typer(bench_commands.app, name="bench")
app.command("diff")(diff_commands.diff)
app.command("dedup")(dedup_commands.dedup)
app.command("mix")(mix_commands.mix)
app.command("read")(read_commands.read)
app.command("rebuild")(rebuild_commands.rebuild)
app.command("tokens")(tokens_commands.tokens)
app.command("pretrain")(pretrain_commands.pretrain)
app.command("adapt")(adapt_commands.adapt)
app.command("audit")(audit_commands.audit)
app.command("run")(run_commands.run)
app.command("sample")(sample_commands.sample)
app.command("report")(report_commands.report)
app.command("push")(publish_commands.push)
app.command("pull")(publish_commands.pull)
out = Console(soft_wrap=False)
err = Console(stderr=True)

Workspace = Annotated[Path, typer.Option("--workspace", "-w", help="Folder that holds stages and versions.", file_okay=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
INTERRUPTED = 130


@app.command()
def build(
    recipe: Annotated[Path, typer.Argument(help="Recipe (YAML).", show_default=False)],
    workspace: Workspace = Path("workspace"),
    workers: Annotated[int | None, typer.Option(min=1, help="Worker processes; by default one per core.")] = None,
    override: Annotated[
        list[str] | None, typer.Option("--set", help="Override a key: sources.news.upsample=2", metavar="KEY=VALUE")
    ] = None,
) -> None:
    """Build a corpus version. What is done is not done again; a killed build goes on where it was."""
    from pipelines.engines.server import start_server

    start_server()
    from pipelines.build import build as run_build
    from pipelines.progress import Display

    signal.signal(signal.SIGTERM, _interrupt)
    with Display(err) as display:
        built = run_build(recipe, workspace, display, workers, override or [])
    _print_version(built.folder)
    out.print(
        f"\n[bold]{built.name}[/] {'is built' if built.new else 'was built before, from the same inputs and recipe'}: {escape(str(built.folder))}",
        soft_wrap=True,
    )


def _interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    raise KeyboardInterrupt


def _print_version(folder: Path) -> None:
    from curation.writers.card import composition_rows, conservation_rows
    from curation.writers.manifest import read_manifest
    from pipelines.differences.latest import build_alarms

    manifest = read_manifest(folder)
    out.print(_table("Documents", ("Data source", "Read", "Kept", "Rejected", "Duplicate", "Failed"), conservation_rows(manifest)))
    out.print(_table("Words", ("Data source", "Words", "Up-sampling", "Final words"), composition_rows(manifest)))
    diff_commands.print_alarms(build_alarms(folder), err)


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(title=title, title_justify="left")
    for place, head in enumerate(heads):
        table.add_column(head, justify="right" if place else "left")
    for place, row in enumerate(rows):
        table.add_row(*map(escape, row), end_section=rows[-1][0] == "Total" and place == len(rows) - 2)
    return table


@app.command()
def versions(workspace: Workspace = Path("workspace"), as_json: Json = False) -> None:
    """List the versions in a workspace."""
    from pipelines.versions import versions as all_versions

    found = all_versions(workspace)
    if as_json:
        out.print_json(data=[{k: m[k] for k in ("version", "fingerprint", "language", "totals", "splits")} for m in found])
        return
    rows = [(m["version"], f"{m['totals']['kept']:,}", f"{m['totals']['words']:,}", f"{m['totals']['final_words']:,}") for m in found]
    heads = ("Version", "Documents", "Words", "Final words")
    out.print(
        _table("Versions", heads, rows)
        if rows
        else f"no versions in {workspace / 'versions'} yet: `dollma build RECIPE --workspace {workspace}` makes one"
    )


@app.command()
def verify(version: str, workspace: Workspace = Path("workspace")) -> None:
    """Re-hash and re-count a version; exit code 1 when anything differs from its manifest."""
    from curation.writers.manifest import read_manifest
    from pipelines.versions import find_version
    from pipelines.versions import verify as differences

    folder = find_version(version, workspace)
    found = list(differences(folder))
    for line in found:
        out.print(line, highlight=False, markup=False, soft_wrap=True)
    if found:
        raise DollmaError(f"{folder.name}: {len(found)} differences from its manifest")
    out.print(f"{folder.name}: {len(read_manifest(folder)['files'])} files are as the manifest says", highlight=False)


@app.command()
def explain(
    version: str, document: Annotated[str, typer.Argument(metavar="ID")], workspace: Workspace = Path("workspace"), as_json: Json = False
) -> None:
    """Print one document's life: where it was read, what was measured, which rules it failed and where, or whose duplicate it is."""
    from rich.text import Text

    from pipelines.explanation import MARKS, add_evidence, describe
    from pipelines.versions import explain as lives
    from pipelines.versions import find_version

    folder = find_version(version, workspace)
    rows = lives(folder, document)
    add_evidence(folder, rows)
    if as_json:
        out.print_json(data=rows)
        return
    for row in rows:
        life = Text(describe(row))
        life.highlight_regex(f"{MARKS[0]}[^{MARKS[1]}]*{MARKS[1]}", "bold red")
        out.print(life, soft_wrap=True)


@app.command()
def judge(
    file: Annotated[Path, typer.Argument(help="Documents: JSONL, plain, .gz or .zst.", show_default=False)],
    profile: Annotated[str, typer.Option(help="Language profile: a label, or the path of a YAML file.")],
    text_field: Annotated[str, typer.Option(help="Field that holds the text.")] = "text",
    id_field: Annotated[str, typer.Option(help="Field that holds the id.")] = "id",
    recipe: Annotated[Path | None, typer.Option(help="Take filters and formatters from this recipe.")] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="With each failed rule the spans of the text behind it, and the edits made.")
    ] = False,
) -> None:
    """Judge documents by a profile's filters: a JSON object a line with id, verdict, failed rules and measures."""
    from pipelines.explanation import printable
    from pipelines.judge import judge_file

    failures = 0
    for row in judge_file(file, profile, text_field, id_field, recipe, explain):
        if isinstance(row, str):
            failures += 1
            err.print(printable(row), highlight=False, markup=False, soft_wrap=True)
        else:
            write_json(row)
    if failures:
        raise DollmaError(f"{file}: {failures} records could not be read; the rest is judged")


@app.command()
def processors(name: Annotated[str | None, typer.Argument(help="One of them, in full.")] = None, as_json: Json = False) -> None:
    """What can go into a recipe: readers, formatters, filters, identifiers, with parameters, types, defaults."""
    from pipelines.catalogue import catalogue, describe_processor

    entries = catalogue(name)
    if as_json:
        out.print_json(data=entries)
    elif name:
        for entry in entries:
            out.print(describe_processor(entry), highlight=False, markup=False, soft_wrap=True)
    else:
        table = Table("Kind", "Name", "What it does")
        for entry in entries:
            table.add_row(entry["kind"], entry["name"], escape(entry["doc"].split("\n\n")[0].replace("\n", " ")))
        out.print(table)


@app.command()
def schema() -> None:
    """Print the JSON Schema of recipes, for editors."""
    from pipelines.catalogue import recipe_schema

    write_json(recipe_schema())


def main() -> None:
    """Entry point. Exit codes: 0 done, 1 an error of the input or a failed task, 2 a mistyped command, 130 an interrupt."""
    try:
        code = app(standalone_mode=False) or 0
    except DollmaError as error:
        err.print(f"[bold red]error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(1)
    except typer.TyperException as error:
        err.print(error.format_message(), highlight=False, markup=False, soft_wrap=True)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except BrokenPipeError:  # the reader of our output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        err.print(
            f"[bold red]error:[/] the disk is full ({escape(str(error))}): free some space and run the same command again", soft_wrap=True
        )
        sys.exit(1)
    if code == INTERRUPTED:
        err.print("interrupted; what is done is kept, the same command goes on from there", highlight=False)
    sys.exit(code)


if __name__ == "__main__":
    main()
