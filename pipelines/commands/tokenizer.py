"""`dollma tokenizer`: train one on a version, and measure several side by side."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from curation.errors import DollmaError

if TYPE_CHECKING:
    from modeling.tokenizer.evaluation import Scores

app = typer.Typer(no_args_is_help=True, help="Tokenizers: trained on a version's mixture, and measured on text they have not seen.")
out = Console(soft_wrap=True)
err = Console(stderr=True)

Workspace = Annotated[Path, typer.Option("--workspace", "-w", help="Folder that holds versions and tokenizers.", file_okay=False)]
_SIZE = re.compile(r"(\d+(?:\.\d+)?)([KMG]?)B?", re.IGNORECASE)
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9}


@app.command()
def train(
    version: Annotated[str, typer.Argument(help="A version's name, the beginning of it, or its folder.", show_default=False)],
    kind: Annotated[str, typer.Option("--type", help="wordpiece, bpe, byte-bpe, or unigram, which takes twice as long.")] = "wordpiece",
    vocab: Annotated[int, typer.Option(help="Ids in all, rounded up to a multiple of 64; 65,536 at most.")] = 64000,
    sample_bytes: Annotated[str, typer.Option(help="Text to train on, by mixture weight: 300M, 1G.")] = "1G",
    uncased: Annotated[bool, typer.Option("--uncased", help="Lower case, as the version's language has it.")] = False,
    workspace: Workspace = Path("workspace"),
) -> None:
    """Train a tokenizer on a version. The same command again finds it and makes nothing."""
    from modeling.extras import TOKENS, check_extras

    check_extras(TOKENS)
    from modeling.corpus import open_version
    from modeling.tokenizer.saved import CARD
    from modeling.tokenizer.training import Settings
    from modeling.tokenizer.training import train as run
    from pipelines.locking import locked
    from pipelines.versions import find_version

    opened = open_version(find_version(version, workspace))
    settings = Settings(kind, vocab, _bytes(sample_bytes), uncased)
    with locked(workspace), err.status("reading the sample") as status:
        read = 0

        def told(size: int) -> None:
            nonlocal read
            read += size
            status.update(
                f"{read / 1e6:,.0f} MB of text read; then pieces are learnt" + (", which takes long" if kind == "unigram" else "")
            )

        made = run(opened, settings, workspace, told)
    state = "is trained" if made.new else "was trained before, on the same version with the same settings"
    out.print(f"[bold]{made.folder.name}[/] {state}: {escape(str(made.folder))} ({CARD} says on what)")


@app.command("eval")
def evaluate(
    tokenizers: Annotated[
        list[str], typer.Argument(help="Tokenizers of the workspace, folders, or tokenizer.json files.", show_default=False)
    ],
    version: Annotated[str, typer.Option(help="Measure on what this version holds out.")] = "",
    text: Annotated[list[Path] | None, typer.Option(help="Measure on files: plain text, or JSON lines with a field `text`.")] = None,
    language: Annotated[str, typer.Option(help="Language profile of the text.")] = "azj_Latn",
    plot: Annotated[Path | None, typer.Option(help="Write fertility over vocabulary size as SVG.", dir_okay=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    workspace: Workspace = Path("workspace"),
) -> None:
    """Measure tokenizers on text that they were not trained on: fertility by source, unknown and unused ids, case, morphemes, speed on one core."""
    import os

    from modeling.extras import TOKENS, check_extras

    check_extras(TOKENS)
    from curation.languages.profile import load_profile
    from modeling.corpus import open_version
    from modeling.places import find
    from modeling.tokenizer.evaluation import evaluate as run
    from modeling.tokenizer.held_out import held_out, in_files
    from pipelines.versions import find_version

    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    if bool(version) == bool(text):
        raise DollmaError("give either --version VERSION, whose held-out text is measured on, or --text FILE")
    opened = open_version(find_version(version, workspace)) if version else None
    profile = load_profile(opened.language if opened else language)
    places = [find(name, workspace, "tokenizers") for name in tokenizers]

    def texts() -> Iterable[tuple[str, str]]:
        return held_out(opened) if opened else in_files(text or [])

    scores = [run(place, texts(), profile, _name(place)) for place in places]
    if plot:
        from curation.files import whole_file

        with whole_file(plot) as path:
            path.write_text(_plot(scores), encoding="utf-8")
    if as_json:
        out.print_json(data=[_as_json(one) for one in scores])
        return
    _print(scores)


def _bytes(text: str) -> int:
    """A size as a recipe writes it. Raises DollmaError for what is none."""
    match = _SIZE.fullmatch(text.strip())
    if not match:
        raise DollmaError(f"--sample-bytes {text!r}: give a size such as 300M or 1G")
    return int(float(match[1]) * _UNITS[match[2].upper()])


def _name(place: Path) -> str:
    return (place if place.is_dir() else place.parent).resolve().name


def _as_json(scores: Scores) -> dict[str, Any]:
    row = scores._asdict() | {"morphemes": scores.morphemes and {**scores.morphemes._asdict(), "f": scores.morphemes.f}}
    return {key: None if isinstance(value, float) and math.isnan(value) else value for key, value in row.items()}


def _print(scores: list[Scores]) -> None:
    rows = {
        "ids": [f"{one.size:,}" for one in scores],
        "tokens a word": [f"{one.fertility:.3f}" for one in scores],
        "characters a token": [f"{one.characters_per_token:.2f}" for one in scores],
        "unknown tokens, per million": [f"{1e6 * one.unknown:,.0f}" for one in scores],
        "ids not used here": [f"{100 * one.dead:.1f} %" for one in scores],
        "Rényi efficiency": [f"{one.efficiency:.3f}" for one in scores],
        "cut alike with a capital": [f"{100 * one.case_pairs:.1f} %" for one in scores],
        "morphemes: precision": [f"{one.morphemes.precision:.3f}" if one.morphemes else "" for one in scores],
        "morphemes: recall": [f"{one.morphemes.recall:.3f}" if one.morphemes else "" for one in scores],
        "MB a second on one core": [f"{one.speed:.1f}" for one in scores],
    }
    words = scores[0].words
    table = Table("", *(escape(one.name) for one in scores), title=f"On {words:,} words", title_justify="left")
    for name, cells in rows.items():
        table.add_row(name, *cells, end_section=name.startswith("MB"))
    for source in scores[0].by_source:
        table.add_row(f"tokens a word, {escape(source)}", *(f"{one.by_source[source]:.3f}" for one in scores))
    out.print(table)


def _plot(scores: list[Scores]) -> str:
    """A line for each type over its sizes; what stands alone is a dashed line across."""
    from curation.audit.plot import lines_svg

    kinds: dict[str, list[tuple[float, float]]] = {}
    for one in scores:
        kinds.setdefault(re.sub(r"-\d+-[0-9a-f]{8}$", "", one.name), []).append((one.size, one.fertility))
    across = [min(one.size for one in scores), max(one.size for one in scores)]
    alone = [name for name, points in kinds.items() if len(points) == 1]
    series = {name: sorted(points) if name not in alone else [(x, points[0][1]) for x in across] for name, points in kinds.items()}
    return lines_svg("Tokens a word, by size of the vocabulary", "ids", "tokens a word", series, dashed=alone)
