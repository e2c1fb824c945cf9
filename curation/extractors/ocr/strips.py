"""Lines of a page as strips of one scale, and a small network that finds quotation marks in them.

A strip is a line resampled so that its letters without ascenders are `X_HEIGHT` pixels high and stand on row `BASE`; ink is 1, paper 0. The network looks at
windows of `WIDTH` columns: two convolutions and two dense layers, run over the whole strip at once, a step of two columns at a time.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from curation.extractors.ocr.extras import Image

MODEL = Path(__file__).with_name("model") / "marks.npz"
HEIGHT, WIDTH, BASE, X_HEIGHT = 32, 40, 23, 12
STEP = 2
"""Columns from one window to the next."""
CLASSES = ("", "«", "»", "“", "”", "„", '"', "’", ";", ":", "=", "+", "–", "—", "№", "ү", "у", "ө", "ә", "ғ", "г", "ч", "ҹ")
"""What stands in the middle of a window; "" is everything else. Of letters, small and capital are one class."""
LETTERS = 15
"""The first class that is a letter."""
Weights = dict[str, np.ndarray]


class PageImage:
    """A grey page, and smaller copies of it for lines of large letters, so that resampling skips no pixel."""

    def __init__(self, grey: np.ndarray) -> None:
        self._full = Image.fromarray(grey)
        self._reduced: dict[int, Image.Image] = {1: self._full}

    def strip(self, left: float, right: float, base: float, slope: float, x_height: float) -> np.ndarray:
        """The strip from `left` to `right` of a line whose base line is at height `base` where x is 0 and falls by `slope` a pixel."""
        factor = max(int(x_height / X_HEIGHT), 1)
        if factor not in self._reduced:
            self._reduced[factor] = self._full.reduce(factor)
        step = x_height / X_HEIGHT
        width = max(int((right - left) / step), WIDTH)
        # pixel centres: Pillow maps the centre of each output pixel
        a, e = step / factor, step / factor
        c = left / factor
        d = slope * step / factor
        f = (base + slope * left - BASE * step) / factor
        cut = self._reduced[factor].transform(
            (width, HEIGHT), Image.Transform.AFFINE, (a, 0.0, c, d, e, f), Image.Resampling.BILINEAR, fillcolor=255
        )
        return normalised(np.asarray(cut, dtype=np.float32))


def normalised(cut: np.ndarray) -> np.ndarray:
    """Grey to ink: the paper of the strip is 0, its ink 1, whatever the light."""
    paper, ink = np.percentile(cut, (80, 2))
    return np.clip((paper - cut) / max(paper - ink, 24.0), 0.0, 1.25).astype(np.float32)


@cache
def load_weights(path: Path = MODEL) -> Weights:
    """The shipped weights, as float32."""
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name].astype(np.float32) for name in file.files}


def first_layers(x: np.ndarray, w: Weights) -> np.ndarray:
    """Both convolutions over images (n, height, width): the first by steps of two, the second by two down and one across."""
    return convolved(convolved(x[..., None], w["conv1"], w["bias1"], 2, 2), w["conv2"], w["bias2"], 2, 1)


def convolved(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, down: int, across: int) -> np.ndarray:
    """A convolution over images (n, height, width, channels) by steps so many rows down and columns across, with a rectifier."""
    rows, columns, channels, out = kernel.shape
    windows = sliding_window_view(x, (rows, columns), axis=(1, 2))[:, ::down, ::across]
    n, h, v = windows.shape[:3]
    flat = windows.transpose(0, 1, 2, 4, 5, 3).reshape(n * h * v, rows * columns * channels)
    return np.maximum(flat @ kernel.reshape(-1, out) + bias, 0).reshape(n, h, v, out)


def mark_scores(strip: np.ndarray, weights: Weights) -> np.ndarray:
    """Probabilities of `CLASSES` for the windows of a strip; that of row `i` has its middle at column `WIDTH / 2 + STEP * i`."""
    maps = first_layers(strip[None], weights)[0]
    windows = sliding_window_view(maps, 15, axis=1)[:, :, :, ::2]
    rows, count, channels, taps = windows.shape
    flat = windows.transpose(1, 0, 3, 2).reshape(count, rows * taps * channels)
    hidden = np.maximum(flat @ weights["dense1"] + weights["bias3"], 0)
    logits = hidden @ weights["dense2"] + weights["bias4"]
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)
