"""Connected pieces of ink: their boxes and sizes, the height of letters, specks and rules."""

from __future__ import annotations

import numba as nb
import numpy as np

LARGE = 100
"""Pixels that a letter may be high on any page, however short."""
THIN = 0.92
"""Share of a rule that is thin: the feet of letters in a row are joined to their stems."""
BREAK = 3
"""Pixels that a rule may be broken for; it may also step aside by one pixel a row."""


@nb.njit(cache=True)
def _label(ink):  # type: ignore[no-untyped-def]  # noqa: PLR0912
    """Labels of 8-connected pieces, from 1 in the order of their first pixels, and one row (left, top, right, bottom, area) for each."""
    height, width = ink.shape
    labels = np.zeros((height, width), np.int32)
    parent = np.zeros(height * width // 2 + 2, np.int32)
    count = 0
    for y in range(height):
        for x in range(width):
            if not ink[y, x]:
                continue
            best = 0
            for dy, dx in ((0, -1), (-1, -1), (-1, 0), (-1, 1)):
                v, u = y + dy, x + dx
                if v < 0 or u < 0 or u >= width or labels[v, u] == 0:
                    continue
                root = labels[v, u]
                while parent[root] != root:
                    parent[root] = parent[parent[root]]
                    root = parent[root]
                if best == 0:
                    best = root
                elif root < best:
                    parent[best] = root
                    best = root
                elif root > best:
                    parent[root] = best
            if best == 0:
                count += 1
                parent[count] = count
                best = count
            labels[y, x] = best
    number = np.zeros(count + 1, np.int32)
    pieces = 0
    for label in range(1, count + 1):
        root = label
        while parent[root] != root:
            root = parent[root]
        if root == label:
            pieces += 1
            number[label] = pieces
        else:
            number[label] = number[root]
    rows = np.zeros((pieces, 5), np.int32)
    rows[:, 0] = width
    rows[:, 1] = height
    for y in range(height):
        for x in range(width):
            if labels[y, x]:
                piece = number[labels[y, x]]
                labels[y, x] = piece
                row = rows[piece - 1]
                row[0] = min(row[0], x)
                row[1] = min(row[1], y)
                row[2] = max(row[2], x + 1)
                row[3] = max(row[3], y + 1)
                row[4] += 1
    return labels, rows


def components(ink: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The label of each pixel (0 is paper), and a row for each piece: left, top, right, bottom, pixels."""
    labels, rows = _label(ink)
    return labels, rows


def letter_height(rows: np.ndarray, page_height: int) -> float:
    """Height of most letters, about that of an x; 0 on a page without any.

    The median over pieces of ink weighted by their size says what a letter is, whatever specks there are; the plain median of pieces of about that height is the result.
    """
    wide, high = rows[:, 2] - rows[:, 0], rows[:, 3] - rows[:, 1]
    letters = (high >= 3) & (high < max(page_height / 12, LARGE)) & (wide < 4 * high) & (high < 8 * wide) & (rows[:, 4] > 0.1 * wide * high)
    if not letters.any():
        return 0.0
    heights, weights = high[letters], rows[letters, 4]
    order = np.argsort(heights, kind="stable")
    total = np.cumsum(weights[order])
    typical = heights[order][np.searchsorted(total, total[-1] / 2)]
    return max(float(np.median(heights[(heights > 0.45 * typical) & (heights < 2 * typical)])), 0.6 * float(typical))


@nb.njit(cache=True)
def _long_runs(ink, length, thickness):  # type: ignore[no-untyped-def]
    """Ink of upright lines at least `length` pixels long and for the most part no wider than `thickness`."""
    height, width = ink.shape
    found = np.zeros((height, width), np.bool_)
    for x in range(width):
        y = 0
        while y < height:
            if not ink[y, x]:
                y += 1
                continue
            end, last = y, y
            while end < height and end - last <= BREAK:
                if ink[end, x] or (x > 0 and ink[end, x - 1]) or (x + 1 < width and ink[end, x + 1]):
                    last = end
                end += 1
            last += 1
            if last - y >= length:
                thin = 0
                for v in range(y, last):
                    left, right = x, x
                    while left > 0 and ink[v, left - 1] and x - left <= thickness:
                        left -= 1
                    while right + 1 < width and ink[v, right + 1] and right - x <= thickness:
                        right += 1
                    thin += right - left + 1 <= thickness
                if thin >= THIN * (last - y):
                    for v in range(y, last):
                        for u in range(max(x - 1, 0), min(x + 2, width)):
                            found[v, u] = found[v, u] or ink[v, u]
            y = last
    return found


def rules(ink: np.ndarray, x_height: float) -> np.ndarray:
    """Pixels of straight thin lines: upright ones longer than any letter (3.5 heights of x), level ones longer than any dash (6)."""
    thickness = max(round(0.4 * x_height), 2)
    upright = _long_runs(ink, int(3.5 * x_height), thickness)
    level = _long_runs(np.ascontiguousarray(ink.T), int(6 * x_height), thickness).T
    return upright | level
