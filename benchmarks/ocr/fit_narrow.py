"""Trains the network that tells m from narrow letters: `python -m benchmarks.ocr.fit_narrow --data DATA --out curation/extractors/ocr/model/narrow.npz`.

Examples are windows of `narrow_windows`, in text of documents that neither figures are measured on nor the step's odds were fitted to. `--without` leaves the six faces
out that `benchmarks.ocr.narrow` sets pages in, and tells how well it works on type it has not seen: m is told from pairs in 97.6 % of their windows and pairs from m in
94.1 %, instead of 98.2 and 94.8 % (4,000 pages, twenty minutes of one core).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from benchmarks.ocr.fit import QUARTER
from benchmarks.ocr.fit_marks import say, train
from benchmarks.ocr.mark_net import Net
from benchmarks.ocr.narrow_windows import faces, sample
from benchmarks.ocr.texts import TRAIN, documents
from curation.extractors.ocr.narrow import CLASSES, letter_scores
from curation.extractors.ocr.strips import Weights
from curation.files import whole_file

CHANNELS = (20, 36, 128)
"""Of its layers; with (14, 24, 96) and 1,500 pages, pairs of unseen faces are told from m in 90.8 % of windows."""
CHECK = 30
"""Pages that tell how well it works."""


def windows(texts: list[str], fonts: list[Path], seeds: range) -> tuple[np.ndarray, np.ndarray]:
    """Windows of one page for each seed, and their classes."""
    found = [sample(texts, fonts, seed) for seed in seeds]
    return np.stack([window for page in found for window in page.pixels]), np.array([kind for page in found for kind in page.kinds])


def report(pixels: np.ndarray, kinds: np.ndarray, weights: Weights) -> str:
    """Shares of windows with their class, of m that are likelier m than any pair, and of pairs that are likelier themselves than m."""
    scores = np.concatenate(
        [letter_scores(part.astype(np.float32) / 200, weights) for part in np.array_split(pixels, len(pixels) // 500 + 1)]
    )
    own = scores[np.arange(len(kinds)), kinds]
    wide, pair = kinds == 1, kinds > 1
    right = (scores.argmax(axis=1) == kinds).mean()
    return (
        f"class {right:.4f}, m {(own[wide] > scores[wide, 2:].max(axis=1)).mean():.4f} of {wide.sum()}, "
        f"pairs {(own[pair] > scores[pair, 1]).mean():.4f} of {pair.sum()}"
    )


def main() -> None:
    """Draw pages, train, report, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pages", type=int, default=4000)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--without", action="store_true", help="leave out the faces of benchmarks.ocr.narrow")
    asked = parser.parse_args()
    kept = TRAIN - {QUARTER}
    texts = [text for docs in documents(asked.data, kept).values() for _, body in docs for text in body if len(text.split()) >= 6]
    checks = {
        name: windows(texts, faces(held_out), range(10**6, 10**6 + CHECK))
        for name, held_out in (("other faces", False), ("faces of benchmarks.ocr.narrow", True))
    }
    known = faces() if asked.without else [*faces(), *faces(held_out=True)]
    pixels, kinds = windows(texts, known, range(asked.pages))
    say(f"{len(pixels)} windows")
    net = Net(0, len(CLASSES), CHANNELS)
    train(net, pixels, kinds, asked.epochs, 0, falling=True)
    for name, (seen, true) in checks.items():
        say(f"{name}: {report(seen, true, net.w)}")
    with whole_file(asked.out) as path, path.open("wb") as file:
        np.savez_compressed(file, **{name: value.astype(np.float16) for name, value in net.w.items()})  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
