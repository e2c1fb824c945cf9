"""Trains the network that finds quotation marks on page images: `python -m benchmarks.ocr.fit_marks --data DATA --out curation/extractors/ocr/model/marks.npz`.

Examples are lines of text with marks put around some words, set in every installed font that has the letters, at many sizes, and spoilt as the bench spoils its pages.
The text is that of documents that no figure is measured on (`TRAIN`); fonts whose name begins as one of `HELD_OUT` are never trained on and tell how well it works on
type it has not seen.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.ocr.mark_lines import NEAR, Sample, examples, sample, usable_fonts
from benchmarks.ocr.mark_net import Net
from benchmarks.ocr.texts import TRAIN, documents
from curation.extractors.ocr.strips import CLASSES, LETTERS, WIDTH, Weights, mark_scores

HELD_OUT = ("LinBiolinum", "C059", "URWGothic", "NotoMono")
ROUNDS = 3
"""After each, windows that the network takes for a mark become examples of none."""
BATCH = 128


def found_marks(scores: np.ndarray, bar: float) -> list[tuple[float, int, float]]:
    """Peaks: (column, class, probability)."""
    best = scores[:, 1:].max(axis=1)
    kinds = scores[:, 1:].argmax(axis=1) + 1
    peaks = []
    for i in np.flatnonzero(best >= bar).tolist():
        if best[i] >= best[max(i - 3, 0) : i + 4].max():
            peaks.append((WIDTH / 2 + 2.0 * i, int(kinds[i]), float(best[i])))
    return peaks


def report(samples: list[Sample], weights: Weights, bar: float = 0.5) -> str:
    """Shares of marks found with their class, and false ones a strip."""
    hit = total = letters = letters_right = false = guillemets = right = 0
    for found in samples:
        for number, strip in enumerate(found.strips):
            peaks = found_marks(mark_scores(strip, weights), bar)
            marks = [(x, kind) for row, x, kind in found.marks if row == number]
            used: set[int] = set()
            for x, kind in marks:
                match = [i for i, (y, k, _) in enumerate(peaks) if abs(y - x) <= NEAR and k == kind]
                used |= {i for i, (y, _, _) in enumerate(peaks) if abs(y - x) <= NEAR}
                if kind >= LETTERS:
                    letters += 1
                    letters_right += bool(match)
                    continue
                total += 1
                hit += bool(match)
                if kind in (1, 2):
                    guillemets += 1
                    right += bool(match)
            false += len(peaks) - len(used)
    strips = sum(len(s.strips) for s in samples)
    shares = f"guillemets {right / guillemets:.4f} of {guillemets}, marks {hit / total:.4f} of {total}"
    return f"{shares}, letters {letters_right / letters:.4f} of {letters}, false {false} in {strips} lines"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pages", type=int, default=2500)
    parser.add_argument("--epochs", type=int, default=6)
    asked = parser.parse_args()
    texts = [text for docs in documents(asked.data, TRAIN).values() for _, body in docs for text in body if len(text.split()) >= 6]
    fonts = usable_fonts()
    seen = {s: [p for p in paths if not p.name.startswith(HELD_OUT)] for s, paths in fonts.items()}
    unseen = {s: [p for p in paths if p.name.startswith(HELD_OUT)] for s, paths in fonts.items()}
    say(f"{len(texts)} paragraphs; fonts seen {[len(v) for v in seen.values()]} unseen {[len(v) for v in unseen.values()]}")
    checks = {
        "seen fonts": [sample(texts, seen, 10**6 + n) for n in range(60)],
        "unseen fonts": [sample(texts, unseen, 2 * 10**6 + n) for n in range(60)],
    }
    pick = random.Random(0)  # noqa: S311
    net = Net(0, len(CLASSES))
    windows: list[np.ndarray] = []
    kinds: list[int] = []
    for turn in range(ROUNDS):
        for seed in range(turn * asked.pages // ROUNDS, (turn + 1) * asked.pages // ROUNDS):
            more, their = examples(sample(texts, seen, seed), pick, net.w if turn else None)
            windows += more
            kinds += their
        say(f"round {turn}: {len(windows)} windows, {time.process_time():.0f} s")
        last = turn == ROUNDS - 1
        train(net, np.stack(windows), np.array(kinds), asked.epochs if last else 2, turn, falling=last)
        for name, check in checks.items():
            say(f"  {name}: {report(check, net.w)}; bar 0.9: {report(check, net.w, 0.9)}")
        np.savez_compressed(asked.out, **{name: value.astype(np.float16) for name, value in net.w.items()})  # type: ignore[arg-type]


def train(net: Net, windows: np.ndarray, kinds: np.ndarray, epochs: int, seed: int, falling: bool) -> None:
    """So many times over all windows, in more or less ink than they have; with `falling`, the rate falls to nearly 0 along half a cosine."""
    draw = np.random.default_rng(seed)
    steps = epochs * (len(windows) // BATCH)
    at = 0
    for epoch in range(epochs):
        losses = []
        order = draw.permutation(len(windows))
        for begin in range(0, len(windows) - BATCH + 1, BATCH):
            rows = order[begin : begin + BATCH]
            ink = windows[rows].astype(np.float32) / 200 * draw.uniform(0.8, 1.2, (BATCH, 1, 1)).astype(np.float32)
            grads, loss = net.gradients(np.minimum(ink, 1.25), kinds[rows])
            net.step(grads, 1.5e-3 * (0.5 * (1 + np.cos(np.pi * at / steps)) if falling else 1) + 1e-5)
            losses.append(loss)
            at += 1
        say(f"  epoch {epoch}: loss {np.mean(losses):.4f}, {time.process_time():.0f} s")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
