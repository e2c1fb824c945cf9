"""Two numbers a name as SVG, drawn by hand: a bar for before, one for after. The same numbers give the same bytes."""

from __future__ import annotations

from collections.abc import Sequence

from curation.audit.page import Html, text

WIDTH, NAMES, NUMBERS, ROW, BAR = 720, 170, 90, 34, 12
LONGEST = 24
"""Letters of a name that fit beside its bars."""


def paired_bars(rows: Sequence[tuple[str, int, int]], label: str) -> Html:
    """Bars of (name, before, after), all on one scale from 0. Colours are the page's, of its light or dark form."""
    most = max((max(before, after) for _, before, after in rows), default=0) or 1
    scale = (WIDTH - NAMES - NUMBERS) / most
    height = ROW * len(rows) + 4
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" '
        f'font-family="inherit" font-size="12" fill="currentColor"><title>{text(label)}</title>'
    ]
    for number, (name, *values) in enumerate(rows):
        top = number * ROW + 4
        short = name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"
        parts.append(f'<text x="{NAMES - 8}" y="{top + BAR + 4}" text-anchor="end">{text(short)}</text>')
        for place, (value, colour) in enumerate(zip(values, ("--a", "--b"), strict=True)):
            y = top + place * (BAR + 1)
            parts.append(f'<rect x="{NAMES}" y="{y}" width="{value * scale:.1f}" height="{BAR}" fill="var({colour})"/>')
            parts.append(f'<text x="{NAMES + value * scale + 5:.1f}" y="{y + BAR - 2}" font-size="10">{value:,}</text>')
    return Html("".join(parts) + "</svg>")
