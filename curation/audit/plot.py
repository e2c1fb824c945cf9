"""Lines over one another as SVG, drawn by hand: the same numbers give the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import ceil, floor, log10
from xml.sax.saxutils import escape

WIDTH, HEIGHT, MARGIN = 560, 340, 56
COLOURS = ("#c44e52", "#4c72b0", "#55a868", "#8172b2", "#ccb974", "#64b5cd")
Points = Sequence[tuple[float, float]]


def lines_svg(title: str, x_name: str, y_name: str, series: Mapping[str, Points], dashed: Sequence[str] = ()) -> str:
    """An SVG with a line for each of the series, by name; both axes begin at 0 or at the least value, whichever is the nearer to the data."""
    xs, ys = ([point[axis] for points in series.values() for point in points] for axis in (0, 1))
    across = _scale(min(xs) if min(xs) > max(xs) / 4 else 0, max(xs), MARGIN, WIDTH - MARGIN / 2)
    top = _above(max(ys))
    up = _scale(0, top, HEIGHT - MARGIN, MARGIN)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" '
        f'font-family="sans-serif" font-size="11">',
        f'<rect width="100%" height="100%" fill="white"/><text x="{MARGIN}" y="20" font-size="13">{escape(title)}</text>',
        f'<path d="M{MARGIN} {MARGIN}V{HEIGHT - MARGIN}H{WIDTH - MARGIN / 2:g}" fill="none" stroke="#333"/>',
        f'<text x="{WIDTH / 2:g}" y="{HEIGHT - 14}" text-anchor="middle">{escape(x_name)}</text>',
        f'<text transform="translate(14 {HEIGHT / 2:g}) rotate(-90)" text-anchor="middle">{escape(y_name)}</text>',
    ]
    for value in sorted(set(xs)):
        parts.append(f'<text x="{across(value):.1f}" y="{HEIGHT - MARGIN + 16}" text-anchor="middle">{value:.4g}</text>')
    for fifth in range(6):
        value = top * fifth / 5
        parts.append(f'<text x="{MARGIN - 6}" y="{up(value) + 4:.1f}" text-anchor="end">{value:.4g}</text>')
    for number, (name, points) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        dots = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in points)
        stroke = ' stroke-dasharray="5 4"' if name in dashed else ""
        parts.append(f'<polyline points="{dots}" fill="none" stroke="{colour}" stroke-width="2"{stroke}/>')
        parts.append(f'<text x="{MARGIN + number % 3 * 165}" y="{36 + number // 3 * 14}" fill="{colour}">{escape(name)}</text>')
    return "\n".join(parts) + "</svg>\n"


def _above(value: float) -> float:
    """The next number of one digit and a half, 1, 1.5, 2, 2.5 … times a power of ten: its fifths are short."""
    power = 10.0 ** floor(log10(value or 1))
    return ceil(2 * value / power - 1e-9) / 2 * power


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    return lambda value: start + (value - low) / ((high - low) or 1) * (end - start)
