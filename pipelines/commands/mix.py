"""`dollma mix`: what another mixture would make of a version."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from curation.errors import DollmaError

if TYPE_CHECKING:
    from pipelines.mixing import Mixed
    from pipelines.recipe import Recipe

out = Console(soft_wrap=False)

MET = 0.999
"""A budget counts as met from this share on: factors are rounded."""


def mix(
    version: str,
    workspace: Annotated[Path, typer.Option("--workspace", "-w", help="Folder that holds stages and versions.", file_okay=False)] = Path(
        "workspace"
    ),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the mix that results, and build nothing.")] = False,
    override: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Another mixture: mixture.method=unimax, mixture.budget=2.1B, sources.news.upsample=2", metavar="KEY=VALUE"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Print what another mixture would make of a version's documents: factors, words and shares by source. Without --dry-run, the command that builds it."""
    from curation.writers.manifest import MANIFEST, read_manifest
    from pipelines.mixing import kept_in_version
    from pipelines.mixing import mix as mixed_by
    from pipelines.recipe_file import stored_recipe
    from pipelines.versions import find_version

    for one in override or []:
        _only_the_mixture(one)
    folder = find_version(version, workspace)
    manifest = read_manifest(folder)
    recipe = stored_recipe(manifest, folder / MANIFEST, override or [])
    if not dry_run:
        _print_command(manifest, workspace, override or [], as_json)
        return
    mixed = mixed_by(recipe, kept_in_version(folder, rehydrate=recipe.mixture.rehydrate is not None))
    if as_json:
        out.print_json(data={"version": manifest["version"]} | _as_json(recipe, mixed))
    else:
        _print(manifest["version"], recipe, mixed)


def _print_command(manifest: dict[str, Any], workspace: Path, overrides: list[str], as_json: bool) -> None:
    from pipelines.explanation import printable

    settings = [word for one in [*manifest["overrides"], *overrides] for word in ("--set", one)]
    command = printable(shlex.join(["dollma", "build", "RECIPE", "--workspace", str(workspace), *settings]))
    if as_json:
        out.print_json(data={"version": manifest["version"], "command": command})
        return
    out.print(command, highlight=False, markup=False, soft_wrap=True)
    told = f"RECIPE is the file that {printable(manifest['version'])} was built from. What is read and measured in that workspace is not done again."
    out.print(told, highlight=False, markup=False, soft_wrap=True)


def _only_the_mixture(override: str) -> None:
    """Other keys decide which documents are kept, and that is not seen without building."""
    steps = override.partition("=")[0].split(".")
    if steps[0] != "mixture" and not (steps[0] == "sources" and steps[2:] in (["upsample"], ["domain"])):
        raise DollmaError(
            f"--set {override}: only mixture.* and sources.NAME.upsample or .domain change the mix alone; for anything else, `dollma build`"
        )


def _as_json(recipe: Recipe, mixed: Mixed) -> dict[str, Any]:
    rows, mixture = mixed.rows.values(), recipe.mixture
    total = sum(row.final_words for row in rows)
    words = sum(row.words for row in rows)
    return {
        "mixture": mixture.model_dump(mode="json"),
        "weights": [list(step) for step in mixed.weights],
        "sources": {
            name: {
                "domain": row.domain,
                "words": row.words,
                "weight": round(row.weight, 6),
                "factor": row.factor,
                "final_words": round(row.final_words),
                "share": round(row.final_words / total, 6) if total else 0.0,
                "tokens": None if row.tokens is None else round(row.tokens),
            }
            for name, row in mixed.rows.items()
        },
        "total": {"words": words, "final_words": round(total), "tokens": _tokens(mixed)},
        "held_out": {split: {"share": share, "words": round(words * share)} for split, share in _held_out(recipe).items()},
        "budget_met": mixture.budget is None or (_tokens(mixed) or total) >= MET * mixture.budget,
    }


def _held_out(recipe: Recipe) -> dict[str, float]:
    return {"validation": recipe.mixture.validation, "test": recipe.mixture.test}


def _tokens(mixed: Mixed) -> int | None:
    counted = [row.tokens for row in mixed.rows.values() if row.tokens is not None]
    return round(sum(counted)) if counted else None


def _print(version: str, recipe: Recipe, mixed: Mixed) -> None:
    from pipelines.explanation import printable

    found = _as_json(recipe, mixed)
    optional = {"weight": bool(mixed.weights), "tokens": found["total"]["tokens"] is not None}
    heads = ("Source", "Domain", "Words", "Weight", "Factor", "Final words", "Share", "Tokens")
    shown = [head for head in heads if optional.get(head.lower(), True)]
    table = Table(title=Text(printable(f"{version}, mixture {recipe.mixture.method}")), title_justify="left")
    for place, head in enumerate(shown):
        table.add_column(head, justify="right" if place > 1 else "left")
    for name, row in found["sources"].items():
        cells = (
            name,
            printable(row["domain"]),
            f"{row['words']:,}",
            f"×{row['weight']:.2f}",
            f"×{row['factor']:g}",
            f"{row['final_words']:,}",
            f"{100 * row['share']:.1f} %",
            f"{row['tokens'] or 0:,}",
        )
        table.add_row(
            *(Text(cell) for head, cell in zip(heads, cells, strict=True) if head in shown), end_section=name == list(mixed.rows)[-1]
        )
    total = found["total"]
    share = "100.0 %" if total["final_words"] else ""
    cells = ("Total", "", f"{total['words']:,}", "", "", f"{total['final_words']:,}", share, f"{total['tokens'] or 0:,}")
    table.add_row(*(Text(cell) for head, cell in zip(heads, cells, strict=True) if head in shown))
    out.print(table)
    held_out = [
        f"{100 * one['share']:g} % {split}, about {one['words']:,} words" for split, one in found["held_out"].items() if one["share"]
    ]
    out.print(f"Held out: {'; '.join(held_out) or 'nothing'}.", highlight=False, soft_wrap=True)
    if mixed.weights:
        out.print(f"Weights from cluster size on: {', '.join(f'{n}: {w:g}' for n, w in mixed.weights)}.", highlight=False, soft_wrap=True)
    if not found["budget_met"]:
        reached = f"{total['tokens'] or total['final_words']:,} of {recipe.mixture.budget:,}"
        out.print(f"The budget is not met: {reached}, with every source at max_repeats.", highlight=False, soft_wrap=True)
