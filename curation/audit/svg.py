"""What charts are drawn of: colours, boxes, words, bands, axes, as pieces of SVG. Every string in them is escaped.

Colours are presentation attributes with a variable and a value to fall back on (`fill="var(--kept,#2f6db3)"`). A page sets the variables for its light and its dark form
by `COLOURS`; a strict content policy finds no inline style to refuse; and a chart that is taken out of its page has colours still. Other text takes the page's colour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, floor, log10
from typing import Literal, NamedTuple

from curation.audit.page import visible

WIDTH = 760
"""Units of a chart that takes the width of a page; a unit is a pixel where there is room."""
SMALL = 360
"""Units of a chart of which several stand beside one another."""
LETTER = 6.6
"""Width of a letter of 12 units, about; names are cut to fit by it."""
HUES = 8

_LIGHT = {
    "kept": "#2f6db3", "duplicate": "#9a8fb5", "rejected": "#d98a2b", "failed": "#a33a1e", "grid": "#d5d9de", "faint": "#5f6873", "ground": "#ffffff",
    "s0": "#4477aa", "s1": "#66a3a8", "s2": "#b5892f", "s3": "#b0557a", "s4": "#4f8f4f", "s5": "#8067a8", "s6": "#c2694c", "s7": "#77808c",
}  # fmt: skip
_DARK = {
    "kept": "#6ba5e6", "duplicate": "#9b90bd", "rejected": "#e0a04d", "failed": "#e2644e", "grid": "#353b43", "faint": "#9aa3ad", "ground": "#15181c",
    "s0": "#6f9fd0", "s1": "#79bcc1", "s2": "#cfa953", "s3": "#d07c9e", "s4": "#7ab87a", "s5": "#a48fcb", "s6": "#dd8d72", "s7": "#99a2ad",
}  # fmt: skip


def _variables(colours: Mapping[str, str]) -> str:
    return ";".join(f"--{name}:{value}" for name, value in colours.items())


COLOURS = (
    f":root{{{_variables(_LIGHT)}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{_variables(_DARK)}}}}}\n"
    "svg.chart{max-width:100%;height:auto}\n"
)
"""The style sheet of the charts. On paper they are light."""

Anchor = Literal["start", "middle", "end"]


class Band(NamedTuple):
    """A piece of a column: its upper edge, and how tall it is."""

    y: float
    height: float


def chart(parts: Sequence[str], width: float, height: float, told: str) -> str:
    """The whole picture; `told` is what a screen reader says of it. It shrinks with its page and grows over its size nowhere."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}" role="img" '
        f'font-family="system-ui,sans-serif" font-size="12" fill="currentColor"><title>{visible(told)}</title>{"".join(parts)}</svg>'
    )


def colour(name: str) -> str:
    """A colour of the style sheet, for an attribute."""
    return f"var(--{name},{_LIGHT[name]})"


def hue(number: int) -> str:
    """The colour of one of several things of a kind; they begin anew after `HUES`."""
    return colour(f"s{number % HUES}")


def box(x: float, y: float, width: float, height: float, fill: str, told: str, opacity: float = 1) -> str:
    """A rectangle that tells what it is when it is pointed at."""
    pale = "" if opacity == 1 else f' fill-opacity="{opacity:g}"'
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}"{pale}><title>{visible(told)}</title></rect>'
    )


def ribbon(x: float, start: Band, end_x: float, end: Band, fill: str, opacity: float) -> str:
    """A band that flows from one column to another."""
    middle = (x + end_x) / 2
    return (
        f'<path d="M{x:.1f} {start.y:.1f}C{middle:.1f} {start.y:.1f} {middle:.1f} {end.y:.1f} {end_x:.1f} {end.y:.1f}v{end.height:.1f}'
        f"C{middle:.1f} {end.y + end.height:.1f} {middle:.1f} {start.y + start.height:.1f} {x:.1f} {start.y + start.height:.1f}z"
        f'" fill="{fill}" fill-opacity="{opacity:g}"/>'
    )


def line(path: str, stroke: str = "grid", more: str = "") -> str:
    """A line along a path, in a colour of the style sheet."""
    return f'<path d="{path}" stroke="{colour(stroke)}" fill="none"{more}/>'


def words(x: float, y: float, told: str, anchor: Anchor = "start", size: int = 11, fill: str = "", bold: bool = False) -> str:
    """A line of text whose base line is at `y`; `fill` is a colour of the style sheet, that of the page by default."""
    style = (f' fill="{colour(fill)}"' if fill else "") + (' font-weight="600"' if bold else "")
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"{style}>{visible(told)}</text>'


def legend(entries: Sequence[tuple[str, str, float]], x: float) -> str:
    """What the colours mean, side by side from `x` on: (words, colour of the style sheet, opacity)."""
    parts = []
    for told, fill, opacity in entries:
        parts.append(box(x, 4, 10, 10, colour(fill), told, opacity) + words(x + 15, 13, told, fill="faint"))
        x += 34 + len(told) * LETTER
    return "".join(parts)


def fitting(name: str, room: float) -> str:
    """A name, cut to what fits into so many units."""
    letters = max(int(room / LETTER), 4)
    return name if len(name) <= letters else name[: letters - 1] + "…"


def fitting_rule(name: str, room: float) -> str:
    """A rule's name, cut to what fits: the filter's name first, for the others of a filter begin with it too."""
    asked, dot, parameter = name.partition(".")
    over = len(name) + 1 - int(room / LETTER)
    return fitting(name, room) if over <= 1 or len(asked) - over < 3 else f"{asked[:-over]}…{dot}{parameter}"


def percent(part: float, whole: float = 1) -> str:
    """A share as a percentage, which is 0 or 100 only where it is exactly that."""
    share = part / whole if whole else 0
    if share in (0, 1):
        return f"{share:.0%}"
    if not 0.001 <= share <= 0.999:
        return "<0.1%" if share < 0.001 else ">99.9%"
    return f"{share:.0%}" if 0.1 <= share <= 0.99 else f"{share:.1%}"


def short(count: float) -> str:
    """A count in five characters or so: 950, 12.3k, 4.57M."""
    for limit, unit, letter in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if count >= limit:
            return f"{count / unit:.4g}{letter}" if count / unit >= 1000 else f"{count / unit:.3g}{letter}"
    return f"{count:,}"


def digits(value: float) -> str:
    """A value of a measure, with as many digits as it needs: 0.65, 3, 1,200."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def ticks(low: float, high: float, log: bool) -> list[float]:
    """Round numbers for an axis, some three to seven of them: on a logarithmic one powers of ten, or 1, 2 and 5 times those where it is short."""
    if log:
        powers = [10.0**power for power in range(floor(log10(low)), floor(log10(high)) + 1)]
        wholes = [power for power in powers if low <= power <= high]
        return wholes if len(wholes) > 2 else [base * power for power in powers for base in (1, 2, 5) if low <= base * power <= high]
    power = 10.0 ** floor(log10(high - low))
    step = next(power * part for part in (0.1, 0.2, 0.25, 0.5, 1, 2) if (high - low) / (power * part) <= 6)
    return [round(step * place, 12) for place in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]
