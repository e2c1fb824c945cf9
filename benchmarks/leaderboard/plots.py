"""Models on tasks as SVG, drawn by hand: the same figures give the same bytes.

A panel for each task, a point for each model with its 95 % interval, and a line where the best constant answer is. An average bar, as the paper's Figure 2 has it, hides
that a panel's points overlap.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, floor
from typing import Any

from benchmarks.leaderboard.render import FELL, percent
from curation.audit.page import Html, text

PANEL, ROW, TOP, LEFT, RIGHT, GAP = 200, 19, 62, 220, 16, 42
COLUMNS = 4
"""Panels side by side."""
COLOURS = {"fine-tuned": "#2f6db3", "decoder": "#8172b2", "fresh weights": "#c98a1b", "classical": "#8a93a0"}
LETTERS = 34
"""Of a name, as many as fit."""


def figure(found: Mapping[str, Any]) -> Html:
    """The plot: ways by colour, collapsed runs hollow."""
    rows, tasks = found["rows"], list(found["tasks"])
    across = min(COLUMNS, len(tasks))
    deep = -(-len(tasks) // COLUMNS)
    tall = TOP + ROW * len(rows) + GAP
    width, height = LEFT + across * (PANEL + GAP) + RIGHT, deep * tall + 24
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="11" fill="currentColor"><title>Models on tasks, with 95 % intervals</title>'
    ]
    for number, task in enumerate(tasks):
        place, line = number % COLUMNS, number // COLUMNS
        parts.append(_panel(found, task, LEFT + place * (PANEL + GAP), line * tall + TOP))
        if place == 0:
            parts += [_name(row["name"], line * tall + TOP + ROW * at + ROW / 2) for at, row in enumerate(rows)]
    parts.append(_legend([way for way in COLOURS if any(row["way"] == way for row in rows)], height - 10))
    return Html("\n".join(parts) + "</svg>\n")


def _name(name: str, y: float) -> str:
    short = name if len(name) <= LETTERS else name[: LETTERS - 1] + "…"
    return f'<text x="{LEFT - 12}" y="{y + 4:.1f}" text-anchor="end">{text(short)}</text>'


def _panel(found: Mapping[str, Any], task: str, x: float, y: float) -> str:
    about, rows = found["tasks"][task], found["rows"]
    cells = [row["cells"].get(task) for row in rows]
    low, high, step = _bounds([about["chance"], *(value for of in cells if of for value in (of["low"], of["high"]))])

    def across(value: float) -> float:
        return x + PANEL * (value - low) / (high - low)

    bottom = y + ROW * len(rows)
    parts = [
        f'<text x="{x}" y="{y - 36}" font-size="13" font-weight="600">{text(task)}</text>',
        f'<text x="{x}" y="{y - 22}" fill-opacity=".7">{text(about["metric"])}, %</text>',
    ]
    for tick in range(round((high - low) / step) + 1):
        value = low + tick * step
        parts.append(f'<path d="M{across(value):.1f} {y}V{bottom}" stroke="currentColor" stroke-opacity=".15"/>')
        parts.append(
            f'<text x="{across(value):.1f}" y="{y - 6}" text-anchor="middle" font-size="10" fill-opacity=".7">{100 * value:.0f}</text>'
        )
    parts.append(f'<path d="M{across(about["chance"]):.1f} {y}V{bottom}" stroke="#a33a1e" stroke-dasharray="4 3"/>')
    for number, (row, of) in enumerate(zip(rows, cells, strict=True)):
        if of:
            parts.append(_point(row, task, of, across(of["low"]), across(of["mean"]), across(of["high"]), y + ROW * number + ROW / 2))
    return "\n".join(parts)


def _point(row: Mapping[str, Any], task: str, of: Mapping[str, Any], low: float, mean: float, high: float, y: float) -> str:
    colour = COLOURS.get(row["way"], "currentColor")
    fell = of["collapsed"] is not None
    inside = f'fill="none" stroke="{colour}" stroke-width="1.6"' if fell else f'fill="{colour}"'
    told = f"{row['name']}, {task}: {percent(of['mean'])} ({percent(of['low'])} to {percent(of['high'])})"
    return (
        f"<g><title>{text(told + (f' {FELL} collapsed' if fell else ''))}</title>"
        f'<path d="M{low:.1f} {y:.1f}H{high:.1f}" stroke="{colour}" stroke-width="2"/><circle cx="{mean:.1f}" cy="{y:.1f}" r="4" {inside}/></g>'
    )


def _bounds(values: list[float]) -> tuple[float, float, float]:
    """An axis from and to multiples of its step, of which it has 6 at most."""
    least, most = min(values), max(values)
    step = next((one for one in (0.01, 0.02, 0.05, 0.1, 0.2) if most - least <= 4 * one), 0.5)
    low, high = floor(least / step + 1e-9) * step, ceil(most / step - 1e-9) * step
    return low, max(high, low + step), step


def _legend(ways: list[str], y: float) -> str:
    parts, x = [], LEFT
    for way in ways:
        parts.append(f'<circle cx="{x}" cy="{y - 4}" r="4" fill="{COLOURS[way]}"/><text x="{x + 9}" y="{y}">{text(way)}</text>')
        x += 24 + 7 * len(way)
    parts.append(
        f'<path d="M{x} {y - 4}h18" stroke="#a33a1e" stroke-dasharray="4 3"/><text x="{x + 24}" y="{y}">best constant answer</text>'
    )
    parts.append(
        f'<circle cx="{x + 160}" cy="{y - 4}" r="4" fill="none" stroke="currentColor"/><text x="{x + 169}" y="{y}">collapsed</text>'
    )
    return "".join(parts)
