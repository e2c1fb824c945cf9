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
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image, ImageDraw, ImageFont

from benchmarks.ocr.degrade import DEGRADATIONS, degrade
from benchmarks.ocr.render import ALIKE, CYRILLIC, FOLDER, LATIN
from benchmarks.ocr.texts import TRAIN, documents
from curation.extractors.ocr.strips import CLASSES, LETTERS, WIDTH, X_HEIGHT, PageImage, Weights, mark_scores
from curation.text.transliteration import to_cyrillic

HELD_OUT = ("LinBiolinum", "C059", "URWGothic", "NotoMono")
LINES = 10
PAIRS = (("«", "»"),) * 6 + (("“", "”"),) * 2 + (("„", "“"), ("„", "”"), ('"', '"'))
NEAR = 5
"""Columns from the middle of a mark within which a window is neither an example of it nor of anything else."""
CHANNELS = (14, 24, 96)
FEW = 2
"""Letters of one kind of one line that are taken as examples: there are many more of them than marks."""
SIGNS = (
    "<",
    ">",
    "<<",
    ">>",
    "≤",
    "≥",
    "-",
    "%",
    "*",
    "(",
    ")",
    "[",
    "]",
    "/",
    "x",
    "×",
    "'",
    "‘",
    ",",
    ",,",
    "''",
    "…",
    "z",
    "k",
    "К",
    "х",
    "ж",
    "4",
    "E",
    "t",
)
"""Signs that might be taken for a mark."""
ALONE = ("=", "=", "+", "+", "–", "—", "–", "№")
BEHIND = (";", ";", ";", ":", ":", "’", "’ın", "’da", "+1", "=2", "–3", ",", ".")
FORMULAS = ("y = {}x + {}", "{}x – {}y = {}", "({}; {})", "a + b = {}", "x={}+{}", "{}+{}={}", "{}:{}", "{} : {} = {}", "[{}; {}]")


def usable_fonts() -> dict[str, list[Path]]:
    """Font files that have the letters of a script and all marks."""
    found: dict[str, list[Path]] = {"Latn": [], "Cyrl": []}
    for path in sorted(p for p in FOLDER.rglob("*") if p.suffix in (".ttf", ".otf")):
        face = ImageFont.truetype(str(path), 40, layout_engine=ImageFont.Layout.BASIC)
        missing = bytes(face.getmask("\uffff"))

        def has(letters: str, face: ImageFont.FreeTypeFont = face, missing: bytes = missing) -> bool:
            return all(bytes(face.getmask(c)) not in (missing, b"") for c in letters)

        if has("«»“”„"):
            if has(LATIN) or has(LATIN.translate(ALIKE)):
                found["Latn"].append(path)
            if has(CYRILLIC):
                found["Cyrl"].append(path)
    return found


def line_text(words: list[str], pick: random.Random) -> str:
    """Words with marks around some runs of them, with endings and signs behind as in print, and things that look alike in between."""
    out: list[str] = []
    at = 0
    while at < len(words):
        draw = pick.random()
        if draw < 0.22:
            size = pick.choice((1, 1, 2, 3))
            run = " ".join(words[at : at + size]).strip('«»“”„".,;:!?')
            opening, closing = pick.choice(PAIRS)
            tail = pick.choice(("", "", "", "", ".", ",", ";", "?", "nın", "da", "ın", "-dən", ")", "!", ":"))
            gap = pick.choice(("",) * 12 + (" ",))
            out.append(f"{pick.choice(('', '', '', '', '', '('))}{opening}{gap}{run}{gap}{closing}{tail}")
            at += size
        elif draw < 0.27:
            out.append(pick.choice(SIGNS) + pick.choice(("", words[at])))
            at += 1
        elif draw < 0.32:
            out.append(pick.choice(ALONE))
        elif draw < 0.42:
            out.append(words[at].rstrip(".,;:") + pick.choice(BEHIND))
            at += 1
        elif draw < 0.45:
            form = pick.choice(FORMULAS)
            out.append(form.format(*(pick.choice(("", "", "–")) + str(pick.randrange(1, 50)) for _ in range(form.count("{}")))))
        else:
            out.append(words[at])
            at += 1
    return " ".join(out)


class Sample:
    """Strips of one spoilt page, and where the marks are: (strip, column, class)."""

    def __init__(self, strips: list[np.ndarray], marks: list[tuple[int, float, int]]) -> None:
        self.strips, self.marks = strips, marks


def sample(texts: list[str], fonts: dict[str, list[Path]], seed: int) -> Sample:
    """A page of `LINES` lines: drawn, spoilt and cut to strips as `marks` will cut them, a little off as Tesseract's lines are."""
    pick = random.Random(seed)  # noqa: S311
    script = "Cyrl" if pick.random() < 0.3 else "Latn"
    path = pick.choice(fonts[script])
    size = pick.choice((8, 9, 10, 11, 12, 14, 16))
    pixels = round(size * 300 / 72)
    face = ImageFont.truetype(str(path), pixels, layout_engine=ImageFont.Layout.BASIC)
    missing = bytes(face.getmask("\uffff"))
    alike = bytes(face.getmask("ə")) in (missing, b"")
    leading = round(pixels * pick.uniform(1.1, 1.5))
    rows, marks = [], []
    for number in range(LINES):
        text = pick.choice(texts)
        words = text.split()
        begin = pick.randrange(max(len(words) - 8, 1))
        line = line_text(words[begin : begin + 10], pick)
        line = to_cyrillic(line) if script == "Cyrl" else line.translate(ALIKE) if alike else line
        line = "".join(c for c in line if bytes(face.getmask(c)) != missing or c == " ")
        rows.append(line)
        for place, letter in enumerate(line):
            kind = letter.lower()
            if kind in CLASSES[1:]:
                start = face.getlength(line[:place])
                box = face.getbbox(letter)
                marks.append((number, 60 + start + (box[0] + box[2]) / 2, CLASSES.index(kind)))
    width = 120 + round(max(face.getlength(row) for row in rows))
    image = Image.new("L", (width, 60 + leading * (LINES + 1)), 255)
    draw = ImageDraw.Draw(image)
    ascent = face.getmetrics()[0]
    for number, row in enumerate(rows):
        draw.text((60, 30 + number * leading), row, 0, face)
    name = pick.choice([name for name in DEGRADATIONS if name not in ("skew", "mixed")])
    level = pick.choice((0, 1, 1, 2, 2, 2, 3, 3, 4))
    image = degrade(image, name, level, size, seed)
    if pick.random() < 0.25:
        image = degrade(image, pick.choice(("noise", "jpeg", "uneven light", "blur")), 1, size, seed + 1)
    top, bottom = face.getbbox("x", anchor="ls")[1::2]
    x_height = float(bottom - top)
    page = PageImage(np.asarray(image))
    strips, places = [], []
    for number in range(LINES):
        wrong = pick.uniform(0.86, 1.16)
        slope = pick.gauss(0, 0.003)
        base = 30 + number * leading + ascent + pick.gauss(0, 0.05) * x_height - slope * width / 2
        strips.append(page.strip(0, width, base, slope, x_height * wrong))
        places += [(number, x / (x_height * wrong / X_HEIGHT), kind) for row, x, kind in marks if row == number]
    return Sample(strips, places)


def examples(found: Sample, pick: random.Random, weights: Weights | None) -> tuple[list[np.ndarray], list[int]]:
    """Windows as bytes, and their classes: each mark at jittered places, and as many windows without one; once there are weights, those that are wrong."""
    windows, kinds = [], []
    for number, strip in enumerate(found.strips):
        marks = [(x, kind) for row, x, kind in found.marks if row == number]
        width = strip.shape[1]

        def cut(left: int, kind: int, strip: np.ndarray = strip, width: int = width) -> None:
            if 0 <= left <= width - WIDTH:
                windows.append(np.round(strip[:, left : left + WIDTH] * 200).astype(np.uint8))
                kinds.append(kind)

        chosen = [mark for mark in marks if mark[1] < LETTERS]
        for letter in range(LETTERS, len(CLASSES)):
            some = [mark for mark in marks if mark[1] == letter]
            chosen += pick.sample(some, min(FEW, len(some)))
        for x, kind in chosen:
            for _ in range(3 if kind < LETTERS else 2):
                cut(round(x - WIDTH / 2 + pick.uniform(-2, 2)), kind)
            for _ in range(3 if kind < LETTERS else 1):
                left = round(x - WIDTH / 2 + pick.choice((-1, 1)) * pick.uniform(NEAR + 1, 14))
                cut(left, 0 if _clear(left + WIDTH / 2, marks) else -1)
        for _ in range(10):
            left = pick.randrange(max(width - WIDTH, 1))
            cut(left, 0 if _clear(left + WIDTH / 2, marks) else -1)
        if weights is not None:
            scores = mark_scores(strip, weights)
            for place in np.flatnonzero(scores[:, 1:].max(axis=1) > 0.2):
                middle = WIDTH / 2 + 2 * place
                if _clear(middle, marks):
                    cut(2 * int(place), 0)
        # a window of the class "none" that has a mark near its middle is none of both
        for at in range(len(windows) - 1, -1, -1):
            if kinds[at] == -1:
                del windows[at], kinds[at]
    return windows, kinds


def _clear(x: float, marks: list[tuple[float, int]]) -> bool:
    return all(abs(other - x) > NEAR for other, _ in marks)


class Net:
    """The network of `strips`, on windows, with its gradients; Adam (Kingma and Ba, ICLR 2015)."""

    def __init__(self, seed: int) -> None:
        draw = np.random.default_rng(seed)
        one, two, three = CHANNELS

        def scaled(*shape: int) -> np.ndarray:
            return (draw.normal(0, 1, shape) * np.sqrt(2 / np.prod(shape[:-1]))).astype(np.float32)

        self.w: Weights = {
            "conv1": scaled(5, 5, 1, one), "bias1": np.zeros(one, np.float32),
            "conv2": scaled(3, 3, one, two), "bias2": np.zeros(two, np.float32),
            "dense1": scaled(6 * 8 * two, three), "bias3": np.zeros(three, np.float32),
            "dense2": scaled(three, len(CLASSES)), "bias4": np.zeros(len(CLASSES), np.float32),
        }  # fmt: skip
        self.m = {k: np.zeros_like(v) for k, v in self.w.items()}
        self.v = {k: np.zeros_like(v) for k, v in self.w.items()}
        self.t = 0

    def gradients(self, x: np.ndarray, kinds: np.ndarray, cost: np.ndarray) -> tuple[Weights, float]:
        w, n = self.w, len(x)
        one, two, _ = CHANNELS
        f1 = sliding_window_view(x, (5, 5), axis=(1, 2))[:, ::2, ::2].reshape(n * 14 * 18, 25)
        a1 = np.maximum(f1 @ w["conv1"].reshape(25, one) + w["bias1"], 0).reshape(n, 14, 18, one)
        v2 = sliding_window_view(a1, (3, 3), axis=(1, 2))[:, ::2, ::2]
        f2 = v2.transpose(0, 1, 2, 4, 5, 3).reshape(n * 48, 9 * one)
        a2 = np.maximum(f2 @ w["conv2"].reshape(9 * one, two) + w["bias2"], 0)
        f3 = a2.reshape(n, 6 * 8 * two)
        a3 = np.maximum(f3 @ w["dense1"] + w["bias3"], 0)
        z = a3 @ w["dense2"] + w["bias4"]
        p = np.exp(z - z.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        loss = float(-(cost * np.log(p[np.arange(n), kinds] + 1e-9)).mean())
        dz = p
        dz[np.arange(n), kinds] -= 1
        dz *= (cost / n)[:, None]
        g: Weights = {"dense2": a3.T @ dz, "bias4": dz.sum(0)}
        d3 = (dz @ w["dense2"].T) * (a3 > 0)
        g["dense1"], g["bias3"] = f3.T @ d3, d3.sum(0)
        d2 = (d3 @ w["dense1"].T).reshape(n * 48, two) * (a2 > 0)
        g["conv2"], g["bias2"] = (f2.T @ d2).reshape(3, 3, one, two), d2.sum(0)
        df2 = (d2 @ w["conv2"].reshape(9 * one, two).T).reshape(n, 6, 8, 3, 3, one)
        d1 = np.zeros_like(a1)
        for i in range(3):
            for j in range(3):
                d1[:, i : i + 12 : 2, j : j + 16 : 2] += df2[:, :, :, i, j]
        d1 = (d1 * (a1 > 0)).reshape(n * 14 * 18, one)
        g["conv1"], g["bias1"] = (f1.T @ d1).reshape(5, 5, 1, one), d1.sum(0)
        return g, loss

    def step(self, g: Weights, rate: float) -> None:
        self.t += 1
        for k, grad in g.items():
            self.m[k] = 0.9 * self.m[k] + 0.1 * grad
            self.v[k] = 0.999 * self.v[k] + 0.001 * grad * grad
            m, v = self.m[k] / (1 - 0.9**self.t), self.v[k] / (1 - 0.999**self.t)
            self.w[k] -= (rate * (m / (np.sqrt(v) + 1e-8) + 1e-4 * self.w[k])).astype(np.float32)


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
    net = Net(0)
    windows: list[np.ndarray] = []
    kinds: list[int] = []
    rounds = 3
    for turn in range(rounds):
        begun = time.process_time()
        for seed in range(turn * asked.pages // rounds, (turn + 1) * asked.pages // rounds):
            more, their = examples(sample(texts, seen, seed), pick, net.w if turn else None)
            windows += more
            kinds += their
        say(f"round {turn}: {len(windows)} windows, {time.process_time() - begun:.0f} s")
        x, y = np.stack(windows), np.array(kinds)
        cost = np.where(y == 0, 1.0, 1.0).astype(np.float32)
        epochs = asked.epochs if turn == rounds - 1 else 2
        draw = np.random.default_rng(turn)
        steps = epochs * (len(x) // 128)
        at = 0
        for epoch in range(epochs):
            losses = []
            order = draw.permutation(len(x))
            for begin in range(0, len(x) - 127, 128):
                rows = order[begin : begin + 128]
                batch = x[rows].astype(np.float32) / 200
                gain = draw.uniform(0.8, 1.2, (128, 1, 1)).astype(np.float32)
                grads, loss = net.gradients(np.minimum(batch * gain, 1.25), y[rows], cost[rows])
                rate = 1.5e-3 * (0.5 * (1 + np.cos(np.pi * at / steps)) if turn == rounds - 1 else 1) + 1e-5
                net.step(grads, rate)
                losses.append(loss)
                at += 1
            say(f"  epoch {epoch}: loss {np.mean(losses):.4f}, {time.process_time() - begun:.0f} s")
        for name, check in checks.items():
            say(f"  {name}: {report(check, net.w)}; bar 0.9: {report(check, net.w, 0.9)}")
        np.savez_compressed(asked.out, **{name: value.astype(np.float16) for name, value in net.w.items()})  # type: ignore[arg-type]


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
