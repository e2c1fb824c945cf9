"""Pages for the bench: each a passage, a style and a degradation, drawn from lists in turn so that every level meets every kind; and Tesseract on them."""

from __future__ import annotations

import json
import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from benchmarks.ocr.degrade import DEGRADATIONS, LEVELS, angle, degrade
from benchmarks.ocr.render import DPI, Style, fonts, render
from benchmarks.ocr.texts import TEST, cyrillic, passages
from curation.files import whole_file

SIZES = (8.0, 9.0, 10.0, 11.0, 12.0, 14.0)
LANGUAGES = {"Latn": "aze", "Cyrl": "aze_cyrl"}
CYRILLIC_EVERY, COLUMNS_EVERY = 4, 5


class BenchPage(NamedTuple):
    """A page image with its truth: printed lines, "" between paragraphs. `facts`: font, size, degradation, level, script, columns, kind, document …"""

    number: int
    image: Image.Image
    lines: tuple[str, ...]
    facts: dict[str, Any]


def bench_pages(
    data: Path | None, quarters: frozenset[int], count: int, seed: int = 0, words: tuple[int, int] = (100, 180)
) -> Iterator[BenchPage]:
    """`count` pages: levels clean to severe in turn; one in four in Cyrillic letters, one in five in two columns."""
    by_script = {script: fonts(script) for script in LANGUAGES}
    names = list(DEGRADATIONS)
    for number, passage in enumerate(passages(data, quarters, count, seed, words)):
        pick = random.Random(f"{seed} {quarters >= TEST} {number}")  # noqa: S311
        script = "Cyrl" if pick.randrange(CYRILLIC_EVERY) == 0 else "Latn"
        columns = 2 if pick.randrange(COLUMNS_EVERY) == 0 else 1
        level = number % len(LEVELS)
        name = names[(number // len(LEVELS) * 3 + level) % len(names)]
        style = Style(
            pick.choice(by_script[script]), pick.choice(SIZES), columns, pick.randint(32, 44) if columns == 2 else pick.randint(54, 76)
        )
        text = cyrillic(passage) if script == "Cyrl" else passage
        printed = render(text.paragraphs, style)
        facts = {
            **style._asdict(),
            "script": script,
            "level": LEVELS[level],
            "degradation": name if level else "none",
            "kind": passage.kind,
            "document": passage.document,
            "gutter": printed.gutter,
            "pitch": printed.pitch,
            "size_px": printed.image.size,
            "width": printed.image.width,
            "angle": angle(name, level, seed + number),
        }
        yield BenchPage(number, degrade(printed.image, name, level, style.size, seed + number), printed.lines, facts)


def tesseract_tsv(image: Path, script: str) -> str:
    """What plain Tesseract reads in a file, with boxes and confidences, as its TSV."""
    command = ["tesseract", str(image), "-", "-l", LANGUAGES[script], "--dpi", str(DPI), "tsv"]
    done = subprocess.run(command, capture_output=True, check=True, env={**os.environ, "OMP_THREAD_LIMIT": "1"})
    return done.stdout.decode("utf-8")


def write_page(folder: Path, page: BenchPage) -> Path:
    """NNNN.png, NNNN.txt and NNNN.json in a folder, and NNNN.tsv as Tesseract reads it; the image's path. What is there already stays."""
    path = folder / f"{page.number:04d}.png"
    if not path.with_suffix(".tsv").exists():
        folder.mkdir(parents=True, exist_ok=True)
        page.image.save(path, dpi=(DPI, DPI))
        path.with_suffix(".txt").write_text("\n".join(page.lines) + "\n", encoding="utf-8")
        path.with_suffix(".json").write_text(json.dumps(page.facts, ensure_ascii=False) + "\n", encoding="utf-8")
        with whole_file(path.with_suffix(".tsv")) as temporary:
            temporary.write_text(tesseract_tsv(path, page.facts["script"]), encoding="utf-8")
    return path
