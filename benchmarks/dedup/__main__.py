"""Precision and recall of near-duplicates on real text with planted copies, ours beside datasketch, rensa and datatrove over the same shingles.

    python -m benchmarks.dedup [--pages FOLDER] [--documents 20000] [--out FOLDER] [--seed 0]

FOLDER is the shared data folder. Half of the documents are real texts that are no duplicates of each other, half are copies: edited words, OCR errors, or the
text inside a longer one. The truth is exact, over all pairs. Installs the others into .venv-bench the first time (needs the package index).
`--out` gets scores.csv, similarity.svg and noise.svg.
"""

from __future__ import annotations

import argparse
import csv
import os
from pathlib import Path

from benchmarks.dedup.corpus import make_corpus
from benchmarks.dedup.scores import Score, scores, truth_of
from benchmarks.dedup.tools import OTHERS, OURS, other, ours
from benchmarks.environment import environment
from curation.audit.plot import lines_svg
from curation.files import whole_file


def main() -> None:
    """Make the corpus, ask every tool, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=Path, default=Path(os.environ.get("DOLLMA_SHARED", "../shared")) / "data")
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--out", type=Path, help="write the scores and two plots here")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    try:
        corpus = make_corpus(arguments.pages, arguments.documents, arguments.seed)
    except ValueError as error:
        parser.error(str(error))
    python = environment()
    truth = truth_of(corpus)
    print(
        f"{len(corpus.texts):,} documents, {len(corpus.planted):,} planted pairs, {len(truth.pairs):,} pairs of Jaccard 0.5 or more",
        flush=True,
    )
    table = {name: scores(corpus, truth, ours(corpus, contained)) for name, contained in OURS.items()}
    table |= {name: scores(corpus, truth, other(python, name, corpus.sets)) for name in OTHERS}
    print("\n".join(tables(table)))
    if arguments.out:
        write(arguments.out, table)


def tables(found: dict[str, list[Score]]) -> list[str]:
    """Three tables in Markdown: the whole, by similarity, by noise; a column a tool."""
    lines = []
    for groups in (("precision", "precision, contained", "recall", "contained"), ("similarity",), ("noise", "noise, similar")):
        lines += ["", f"| | pairs | {' | '.join(found)} |", "|---" * (len(found) + 2) + "|"]
        for number, first in enumerate(next(iter(found.values()))):
            if first.group in groups:
                of = "" if first.group.startswith("precision") else f"{first.of:,}"
                lines.append(f"| {_name(first)} | {of} | {' | '.join(_cell(rows[number]) for rows in found.values())} |")
    return lines


def _name(score: Score) -> str:
    if score.group.startswith("noise"):
        return f"{score.group}, {score.low:.1%} of characters"
    return f"{score.group}, {score.low:g} to {score.high:g}"


def _cell(score: Score) -> str:
    if score.share is None:
        return "-"
    return f"{score.share:.4f} of {score.of:,}" if score.group.startswith("precision") else f"{score.share:.4f}"


def write(folder: Path, found: dict[str, list[Score]]) -> None:
    """scores.csv, similarity.svg, noise.svg."""
    with whole_file(folder / "scores.csv") as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("tool", *Score._fields, "share"))
        rows.writerows((name, *score, "" if score.share is None else f"{score.share:.6f}") for name, of in found.items() for score in of)
    for group, title, scale, unit in (
        ("similarity", "Pairs found, by their similarity", 1, "true Jaccard similarity"),
        ("noise", "Copies found, by OCR errors", 100, "characters that are wrong, %"),
    ):
        curves = {
            name: [(scale * (score.low + score.high) / 2, score.share) for score in of if score.group == group and score.share is not None]
            for name, of in found.items()
            if OURS.get(name) is None  # contained documents are not found by their similarity
        }
        with whole_file(folder / f"{group}.svg") as temporary:
            temporary.write_text(lines_svg(title, unit, "share found", curves), encoding="utf-8")


if __name__ == "__main__":
    main()
