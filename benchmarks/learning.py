"""How far a run of `dollma pretrain` has learnt: bits per byte of the validation split over the tokens seen, beside what token frequencies alone give.

    python -m benchmarks.learning WORKSPACE/models/NAME [--svg FILE]

prints a table from the run's log and the card of its exported model, and draws it. Nothing is computed anew.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from math import log
from pathlib import Path

import numpy as np

from curation.audit.plot import lines_svg
from curation.errors import DollmaError
from curation.files import whole_file
from modeling.card import ScoreFact
from modeling.export import read_card
from modeling.logs import read_log

Points = list[tuple[float, float]]


def curve(run: Path) -> Points:
    """(Million tokens of text seen, bits per byte of validation) at each evaluation."""
    lines = read_log(run / "log.jsonl")
    steps, tokens = zip((0, 0), *((line["step"], line["tokens"]) for line in lines if "tokens" in line), strict=True)
    told = [(line["step"], line["validation"]["bits_per_byte"]) for line in lines if "validation" in line]
    return [(round(float(np.interp(step, steps, tokens)) / 1e6, 2), bits) for step, bits in told]


def together(scores: Iterable[ScoreFact]) -> float:
    """Bits per byte of all sources, each byte once."""
    held = list(scores)
    return sum(one.loss * one.tokens for one in held) / log(2) / sum(one.bytes for one in held)


def main(arguments: list[str] | None = None) -> None:
    """Print the table, and draw it where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--svg", type=Path)
    given = parser.parse_args(arguments)
    try:
        points, card = curve(given.run), read_card(given.run / "final")
    except DollmaError as error:
        sys.exit(f"error: {error}")
    unigram = together(card.unigram.values())
    print("| million tokens seen | bits per byte | of the frequencies' |\n|---:|---:|---:|")
    for seen, bits in points:
        print(f"| {seen:.2f} | {bits:.3f} | {bits / unigram:.0%} |")
    print(f"\nToken frequencies alone: {unigram:.3f} bits per byte. {card.shape}, {card.training.steps:,} steps, {card.training.device}.")
    if given.svg:
        series = {card.name: points, "token frequencies alone": [(points[0][0], unigram), (points[-1][0], unigram)]}
        drawn = lines_svg(
            f"{card.corpus.title}: {card.shape}",
            "million tokens of text seen",
            "bits per byte, validation",
            series,
            ("token frequencies alone",),
        )
        with whole_file(given.svg) as temporary:
            temporary.write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    main()
