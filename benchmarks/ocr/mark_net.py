"""The networks that find quotation marks and that tell m from narrow letters (`curation.extractors.ocr.strips`, `narrow`), with what it takes to train them."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from curation.extractors.ocr.strips import Weights

CHANNELS = (14, 24, 96)
"""Of both convolutions and the first dense layer, in the network of marks."""


class Net:
    """The network of `strips`, on windows, with its gradients; Adam (Kingma and Ba, ICLR 2015)."""

    def __init__(self, seed: int, classes: int, channels: tuple[int, int, int] = CHANNELS) -> None:
        draw = np.random.default_rng(seed)
        self.channels = one, two, three = channels

        def scaled(*shape: int) -> np.ndarray:
            return (draw.normal(0, 1, shape) * np.sqrt(2 / np.prod(shape[:-1]))).astype(np.float32)

        self.w: Weights = {
            "conv1": scaled(5, 5, 1, one), "bias1": np.zeros(one, np.float32),
            "conv2": scaled(3, 3, one, two), "bias2": np.zeros(two, np.float32),
            "dense1": scaled(6 * 8 * two, three), "bias3": np.zeros(three, np.float32),
            "dense2": scaled(three, classes), "bias4": np.zeros(classes, np.float32),
        }  # fmt: skip
        self.m = {k: np.zeros_like(v) for k, v in self.w.items()}
        self.v = {k: np.zeros_like(v) for k, v in self.w.items()}
        self.t = 0

    def gradients(self, x: np.ndarray, kinds: np.ndarray) -> tuple[Weights, float]:
        """Of the mean cross-entropy of windows (n, height, width) with these classes, and that mean in nats."""
        w, n = self.w, len(x)
        one, two, _ = self.channels
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
        loss = float(-np.log(p[np.arange(n), kinds] + 1e-9).mean())
        dz = p
        dz[np.arange(n), kinds] -= 1
        dz /= n
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
        """One step of Adam, with a decay of 1e-4."""
        self.t += 1
        for k, grad in g.items():
            self.m[k] = 0.9 * self.m[k] + 0.1 * grad
            self.v[k] = 0.999 * self.v[k] + 0.001 * grad * grad
            m, v = self.m[k] / (1 - 0.9**self.t), self.v[k] / (1 - 0.999**self.t)
            self.w[k] -= (rate * (m / (np.sqrt(v) + 1e-8) + 1e-4 * self.w[k])).astype(np.float32)
