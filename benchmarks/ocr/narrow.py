"""Pages on which real Tesseract reads m as rn, in or nı, or these as m: how many of these errors our OCR and our repair leave.

    python -m benchmarks.ocr.narrow --out FOLDER [--data FOLDER] [--pages 81] [--seed 0]

Text as in `python -m benchmarks.ocr`, Latin letters, levels clean to moderate. On its pages the error is rare, so that these are set and spoilt as old print is that
shows it: faces whose hairlines a light scan loses, and italics, in which nı is as wide as m. `--out` gets pages.jsonl, figures.json and figures.md.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from PIL import Image

from benchmarks.ocr import degrade
from benchmarks.ocr.marks import directions
from benchmarks.ocr.pages import BenchPage, write_page
from benchmarks.ocr.readings import READINGS, measured
from benchmarks.ocr.render import Style, render
from benchmarks.ocr.scores import flow
from benchmarks.ocr.texts import TEST, passages
from curation.errors import DollmaError
from curation.extractors.ocr import page_cache
from curation.files import whole_file

SETTINGS: dict[str, tuple[str, Callable[[Image.Image, int, float, degrade.Random], Image.Image]]] = {
    "Computer Modern, faint": ("Computer Modern", degrade.faint),
    "Computer Modern, coarse": ("Computer Modern", degrade.coarse),
    "Old Standard, faint": ("Old Standard", degrade.faint),
    "Old Standard, coarse": ("Old Standard", degrade.coarse),
    "Free Serif, broken": ("Free Serif", degrade.broken),
    "Linux Libertine, broken": ("Linux Libertine", degrade.broken),
    "Computer Modern Italic, thick": ("Computer Modern Italic", degrade.thick),
    "Old Standard Italic, thick": ("Old Standard Italic", degrade.thick),
    "Old Standard Italic, faint": ("Old Standard Italic", degrade.faint),
}
"""Typefaces, and what befell the page. Of 17 faces and five kinds of damage tried on other text these are those with the error on pages that are read well otherwise."""
LEVELS = degrade.LEVELS[:3]
SIZES = (9.0, 10.0, 11.0)
WORDS = (170, 200)
FIGURES = ("parted", "joined", "edits", "characters", "word_edits", "words")


def narrow_pages(data: Path | None, quarters: frozenset[int], count: int, seed: int = 0) -> Iterator[BenchPage]:
    """`count` pages: settings in turn, and levels after each round of settings."""
    names = list(SETTINGS)
    for number, passage in enumerate(passages(data, quarters, count, seed, WORDS)):
        pick = random.Random(f"narrow {seed} {number}")  # noqa: S311
        setting, level = names[number % len(names)], number // len(names) % len(LEVELS)
        face, change = SETTINGS[setting]
        style = Style(face, pick.choice(SIZES), 1, pick.randint(54, 76))
        printed = render(passage.paragraphs, style)
        image = change(printed.image, level, style.size / 10, np.random.default_rng(seed + number)) if level else printed.image
        facts = {
            **{**style._asdict(), "script": "Latn", "setting": setting, "level": LEVELS[level], "kind": passage.kind},
            **{"document": passage.document, "size_px": printed.image.size, "width": printed.image.width},
            **{"gutter": 0, "pitch": printed.pitch, "angle": 0.0},
        }
        yield BenchPage(number, image, printed.lines, facts)


def counted(page: BenchPage, path: Path) -> dict[str, Any]:
    """What `measured` says of a page, with both directions of the error apart."""
    row = measured(page, path)
    for reading in row["readings"].values():
        reading.update(directions(flow(page.lines), reading["text"])._asdict())
    return row


def sums(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """By reading: errors of both directions, wrong characters and words, of all."""
    kept = list(rows)
    return {name: {figure: sum(row["readings"][name][figure] for row in kept) for figure in FIGURES} for name in READINGS}


def report(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Sums by setting, by level, and in all, with the numbers of pages."""
    groups = {
        **{setting: [row for row in rows if row["setting"] == setting] for setting in SETTINGS},
        **{level: [row for row in rows if row["level"] == level] for level in LEVELS},
        "all": rows,
    }
    return {name: {"pages": len(found), "readings": sums(found)} for name, found in groups.items()}


def cut(found: Mapping[str, Any], reading: str) -> float | None:
    """Share of plain Tesseract's errors that another reading has fewer; None where there are none."""
    before, after = (sum(found["readings"][name][way] for way in ("parted", "joined")) for name in (READINGS[0], reading))
    return 1 - after / before if before else None


def markdown(found: Mapping[str, Any]) -> str:
    """A table: pages by reading, m read as two letters, two letters as m, how many fewer than plain Tesseract has, wrong characters and words."""
    lines = ["| pages | reading | m read as two | two read as m | cut | CER | WER |", "|---|---|---:|---:|---:|---:|---:|"]
    for group, part in found.items():
        for name, values in part["readings"].items() if part["pages"] else ():
            share = cut(part, name)
            lines.append(
                f"| {group} ({part['pages']}) | {name} | {values['parted']} | {values['joined']} | {'–' if share is None else f'{share:.0%}'} "
                f"| {values['edits'] / values['characters']:.2%} | {values['word_edits'] / values['words']:.2%} |"
            )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Make the pages, read them, write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--pages", type=int, default=81)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    page_cache.set(arguments.out / "cache")
    rows = []
    try:
        for page in narrow_pages(arguments.data, TEST, arguments.pages, arguments.seed):
            rows.append(counted(page, write_page(arguments.out / "pages", page)))
            print(f"\r{len(rows)} of {arguments.pages} pages", end="", flush=True)
    except DollmaError as error:
        parser.error(str(error))
    found = report(rows)
    print("\n" + markdown(found))
    for name, text in {
        "pages.jsonl": "".join(orjson.dumps(row).decode() + "\n" for row in rows),
        "figures.json": orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n",
        "figures.md": markdown(found),
    }.items():
        with whole_file(arguments.out / name) as temporary:
            temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
