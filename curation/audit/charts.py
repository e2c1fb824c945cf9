"""Charts of a version as SVG: pure functions of numbers, so the same numbers give the same bytes. `svg.COLOURS` is the style sheet that they go by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import ceil, log10
from typing import NamedTuple, Protocol

from curation.audit.flows import OUTCOMES, Flow, SourceFlow, fates, funnel, key
from curation.audit.page import Html, visible
from curation.audit.svg import (
    COLOURS,
    LETTER,
    SMALL,
    WIDTH,
    box,
    chart,
    colour,
    digits,
    fitting,
    fitting_rule,
    legend,
    line,
    percent,
    short,
    ticks,
    words,
)

__all__ = [
    "COLOURS", "OUTCOMES", "Fired", "Flow", "Line", "SourceFlow",
    "fates", "funnel", "histogram", "key", "mix", "overlap", "rule_bars", "words_by_source",
]  # fmt: skip

LABELS = 12
"""Labels and rules of a chart; the rest is one entry, or is left to a table."""


class Fired(Protocol):
    """A rule, the documents that fail it, and those of them that fail no other."""

    @property
    def rule(self) -> str: ...
    @property
    def documents(self) -> int: ...
    @property
    def alone(self) -> int: ...


class Line(NamedTuple):
    """A threshold in a histogram. `bound` says what is kept: from a `min` on what is greater, up to a `max` what is less."""

    rule: str
    value: float
    bound: str


def words_by_source(rows: Sequence[tuple[str, int, int]]) -> Html:
    """Words of each source (name, in its texts, with their copies): a bar for before up-sampling and one for after, on one scale from 0."""
    left, right, step, bar = 214, 110, 36, 12
    scale = (WIDTH - left - right) / (max((max(row[1:]) for row in rows), default=0) or 1)
    final = sum(after for _, _, after in rows)
    parts = [legend([("in the texts", "duplicate", 1), ("with copies", "kept", 1)], left)]
    for number, (name, before, after) in enumerate(rows):
        y = 28 + number * step
        parts.append(words(left - 8, y + 16, fitting(name, left - 12), "end", 12))
        for value, fill, told in ((before, "duplicate", ""), (after, "kept", f" · {percent(after, final)}")):
            parts.append(box(left, y, max(value * scale, 0.8 if value else 0), bar, colour(fill), f"{name}: {value:,} words"))
            parts.append(words(left + value * scale + 5, y + bar - 2, short(value) + told))
            y += bar + 1
    return Html(chart(parts, WIDTH, 28 + step * len(rows), "Words by source before and after up-sampling") if rows else "")


def mix(kept: Mapping[str, int], read: Mapping[str, int] | None = None, told: str = "Languages") -> Html:
    """Documents by label, the commonest first, as bars with their share; `read` puts a paler bar behind each, of all that had the label, and tells their number."""
    behind = read or {}
    names = sorted({*kept, *behind}, key=lambda name: (-max(kept.get(name, 0), behind.get(name, 0)), name))
    rows = [(name, kept.get(name, 0), behind.get(name, 0)) for name in names[:LABELS]]
    if rest := names[LABELS:]:
        others = [sum(counts.get(name, 0) for name in rest) for counts in (kept, behind)]
        rows.append((f"{len(rest):,} others", others[0], others[1]))
    left, right, step, bar, top = 92, 104, 22, 14, 26 if behind else 4
    scale = (SMALL - left - right) / (max((max(row[1:]) for row in rows), default=0) or 1)
    total = sum(kept.values())
    parts = [legend([("kept", "kept", 1), ("read", "grid", 1)], left)] if behind else []
    for number, (name, own, whole) in enumerate(rows):
        y = top + number * step
        parts.append(words(left - 6, y + 11, fitting(name, left - 8), "end", 12))
        if whole:
            parts.append(box(left, y, whole * scale, bar, colour("grid"), f"{name}: {whole:,} read"))
        parts.append(box(left, y + 2, max(own * scale, 0.8 if own else 0), bar - 4, colour("kept"), f"{name}: {own:,} kept"))
        parts.append(
            words(
                left + max(own, whole) * scale + 5,
                y + 11,
                f"{short(own)} of {short(whole)}" if behind else f"{short(own)} · {percent(own, total)}",
            )
        )
    return Html(chart(parts, SMALL, top + step * len(rows), told) if rows else "")


def rule_bars(rules: Sequence[Fired], read: int = 0) -> Html:
    """Documents that fail each rule, the most first. The darker part fails no other rule. With the documents `read`, their share is told too."""
    rows = sorted((rule for rule in rules if rule.documents), key=lambda rule: (-rule.documents, rule.rule))
    left, right, step, bar = 264, 130, 24, 15
    scale = (WIDTH - left - right) / max((rule.documents for rule in rows), default=1)
    parts = [legend([("fail this rule alone", "rejected", 1), ("fail others too", "rejected", 0.45)], left)]
    for number, rule in enumerate(rows):
        y, alone, others = 28 + number * step, rule.alone * scale, rule.documents - rule.alone
        parts.append(words(left - 8, y + 12, fitting_rule(rule.rule, left - 12), "end", 12))
        if rule.alone:
            parts.append(box(left, y, alone, bar, colour("rejected"), f"{rule.rule}: {rule.alone:,} fail no other rule"))
        if others:
            parts.append(box(left + alone, y, others * scale, bar, colour("rejected"), f"{rule.rule}: {others:,} fail others too", 0.45))
        share = f" · {percent(rule.documents, read)}" if read else ""
        parts.append(words(left + rule.documents * scale + 5, y + 12, f"{rule.documents:,}{share}"))
    return Html(chart(parts, WIDTH, 28 + step * len(rows), "Documents by rule that rejects them") if rows else "")


def overlap(rules: Sequence[Fired], pairs: Iterable[tuple[str, str, int]]) -> Html:
    """Which rules fail together: in the row of a rule the share of its documents that fail the rule of the column too. `pairs` are (rule, other rule, documents
    that fail both), in either order. Of the rules that have a pair, those with the most documents are shown."""
    own = {rule.rule: rule.documents for rule in rules if rule.documents}
    both = {pair: count for one, other, count in pairs if count for pair in ((one, other), (other, one))}
    names = sorted({one for one, _ in both} & own.keys(), key=lambda name: (-own[name], name))[:LABELS]
    if len(names) < 2:
        return Html("")
    cell, left, longest = 34, 256, 32
    slant = min(max(map(len, names)), longest) * LETTER * 0.72
    top = slant + 16
    parts = []
    for row, name in enumerate(names):
        x, y = left + (row + 0.5) * cell, top + row * cell
        parts.append(
            f'<text transform="translate({x + 3:.1f} {top - 6:.1f}) rotate(-45)" font-size="11">{visible(fitting_rule(name, longest * LETTER))}</text>'
        )
        parts.append(words(left - 8, y + cell / 2 + 4, f"{fitting_rule(name, left - 60)} · {short(own[name])}", "end", 12))
        for column, other in enumerate(names):
            x, count = left + column * cell, both.get((name, other), 0)
            if row == column:
                parts.append(box(x + 1, y + 1, cell - 2, cell - 2, colour("grid"), f"{name}: {own[name]:,} documents", 0.5))
                continue
            told = f"{count:,} of the {own[name]:,} documents that fail {name} fail {other} too"
            parts.append(box(x + 1, y + 1, cell - 2, cell - 2, colour("kept"), told, round(0.05 + 0.5 * count / own[name], 3)))
            if count:
                parts.append(words(x + cell / 2, y + cell / 2 + 4, percent(count, own[name]).removesuffix("%"), "middle"))
    return Html(
        chart(parts, max(WIDTH, left + cell * len(names) + slant), top + cell * len(names) + 4, "Rules that fail together, in per cent")
    )


def histogram(
    name: str, edges: Sequence[float], counts: Mapping[str, Sequence[int]], lines: Sequence[Line] = (), log: bool = False
) -> Html:
    """Documents by value of a measure: bars divided by what became of them (`counts` by outcome), thresholds as lines with what they exclude shaded.

    Heights are logarithmic, so that the few documents near a threshold are seen beside the many far from it; inside of a bar, the parts are in proportion.
    The bins lie between `edges`, of which there is one more; the first and the last hold what lies beyond as well. With `log` the axis is logarithmic.
    """
    shown = [outcome for outcome in OUTCOMES if any(counts.get(outcome, ()))]
    sums = [sum(counts[outcome][place] for outcome in shown) for place in range(len(edges) - 1)]
    if not any(sums):
        return Html("")
    left, end, top, ground, height = 40, SMALL - 10, 26, 156, 186
    low, high = (log10(edge) if log else edge for edge in (edges[0], edges[-1]))

    def across(value: float) -> float:
        at = low if log and value <= 0 else log10(value) if log else value
        return left + min(max((at - low) / (high - low), 0), 1) * (end - left)

    def up(count: float) -> float:
        return (ground - top) * log10(1 + count) / log10(1 + max(sums))

    parts = [words(0, 13, name, size=12, bold=True)]
    for rule, value, bound in lines:
        first, last = (left, across(value)) if bound == "min" else (across(value), end)
        parts.append(box(first, top, last - first, ground - top, colour("rejected"), f"{rule} excludes this side", 0.12))
    for power in range(0, ceil(log10(max(sums) + 1)), 1 if max(sums) < 1e5 else 2):
        parts.append(line(f"M{left} {ground - up(10**power):.1f}H{end}"))
        parts.append(words(left - 5, ground - up(10**power) + 4, short(10**power), "end", 10, "faint"))
    for place, count in enumerate(sums):
        x, y = across(edges[place]), float(ground)
        for outcome in (outcome for outcome in shown if counts[outcome][place]):
            tall = up(count) * counts[outcome][place] / count
            y -= tall
            told = f"{digits(edges[place])} to {digits(edges[place + 1])}: {counts[outcome][place]:,} of {count:,} {outcome}"
            parts.append(box(x, y, max(across(edges[place + 1]) - x - 0.6, 0.6), tall, colour(outcome), told))
    parts.append(line(f"M{left} {ground}.5H{end}", "faint"))
    for value in ticks(edges[0], edges[-1], log):
        parts.append(
            line(f"M{across(value):.1f} {ground}v4", "faint") + words(across(value), ground + 16, digits(value), "middle", 10, "faint")
        )
    for place, (_, value, bound) in enumerate(lines):
        x, right = across(value), across(value) > SMALL - 70
        parts.append(line(f"M{x:.1f} {top - 4}V{ground}", "failed", ' stroke-width="1.4" stroke-dasharray="4 2.5"'))
        told = f"{'≥' if bound == 'min' else '≤'} {digits(value)}"
        parts.append(words(x + (-4 if right else 4), top + 6 + 12 * place, told, "end" if right else "start", 10, "failed"))
    return Html(chart(parts, SMALL, height, f"Documents by {name}"))
