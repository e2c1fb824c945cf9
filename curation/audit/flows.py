"""Where the documents of every source went, as two charts: a funnel of all, and a bar for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from curation.audit.page import Html
from curation.audit.svg import SMALL, WIDTH, Anchor, Band, box, chart, colour, fitting, hue, legend, line, percent, ribbon, short, words

SHOWN = 12
"""Sources with a band of their own; the rest is one."""
OUTCOMES = ("kept", "duplicate", "rejected", "failed")
LEFT, BAR, TOP, GAP, RIGHT = 214, 12, 46, 4, 104
APART = 16
"""Units between the names of two bands."""
STAGES = (("Read", ""), ("Readable", "failed"), ("Pass the rules", "rejected"), ("Kept", "duplicate"))
"""What is left at each column, and what went before it."""


class Flow(Protocol):
    """What became of a source's documents: read = failed + rejected + duplicate + kept."""

    @property
    def source(self) -> str: ...
    @property
    def read(self) -> int: ...
    @property
    def failed(self) -> int: ...
    @property
    def rejected(self) -> int: ...
    @property
    def duplicate(self) -> int: ...
    @property
    def kept(self) -> int: ...


class SourceFlow(NamedTuple):
    """A `Flow`."""

    source: str
    read: int
    failed: int
    rejected: int
    duplicate: int
    kept: int


def funnel(rows: Sequence[Flow]) -> Html:
    """Documents from the sources to the version, as bands that lose what failed, was rejected, and was a duplicate. The largest sources have bands of their own."""
    flows = _largest(rows)
    total = sum(row.read for row in flows)
    if not total:
        return Html("")
    body = max(230, 18 * len(flows))
    scale = (body - GAP * (len(flows) - 1)) / total
    columns = [LEFT + step * (WIDTH - LEFT - BAR - RIGHT) / 3 for step in range(4)]
    here = [row.read for row in flows]
    bands = first = _stack(here, TOP, scale, GAP)
    parts = []
    lowest = TOP + body
    for x, (title, gone) in zip(columns, STAGES, strict=True):
        if gone:
            out = [getattr(row, gone) for row in flows]
            stay = [count - less for count, less in zip(here, out, strict=True)]
            exits = _stack(out, TOP + body + 30, scale, 0)
            below = _stack(stay, TOP, scale, GAP)
            begin = x - (columns[1] - columns[0]) + BAR
            for number, band in enumerate(bands):
                split = stay[number] * scale
                if stay[number]:
                    parts.append(ribbon(begin, Band(band.y, split), x, below[number], hue(number), 0.4))
                if out[number]:
                    parts.append(ribbon(begin, Band(band.y + split, out[number] * scale), x, exits[number], colour(gone), 0.35))
            here, bands = stay, below
            if lost := sum(out):
                parts.append(box(x, exits[0].y, BAR, max(lost * scale, 1.5), colour(gone), f"{gone}: {lost:,}"))
                end = exits[0].y + max(lost * scale, 1.5)
                parts.append(
                    words(x + BAR, end + 15, f"{short(lost)} {gone}", "end", 12)
                    + words(x + BAR, end + 29, percent(lost, total), "end", fill="faint")
                )
                lowest = max(lowest, end + 32)
        for number, band in enumerate(bands):
            if here[number]:
                parts.append(box(x, band.y, BAR, max(band.height, 0.8), hue(number), f"{flows[number].source}: {here[number]:,}"))
        anchor: Anchor = "end" if gone else "start"
        at = x + BAR if gone else x
        parts.append(words(at, 16, title, anchor, 12, bold=True))
        parts.append(words(at, 31, short(sum(here)) + (f" · {percent(sum(here), total)}" if gone else ""), anchor, fill="faint"))
    for flow, (middle, place) in zip(flows, _spread(first, body), strict=True):
        parts.append(
            line(f"M{LEFT - 4} {middle:.1f}L{LEFT - 14} {place:.1f}")
            + words(LEFT - 17, place + 4, fitting(flow.source, LEFT - 24), "end", 12)
        )
    end = columns[3] + BAR
    for flow, (middle, place) in zip(flows, _spread(bands, body), strict=True):
        parts.append(line(f"M{end + 4:.1f} {middle:.1f}L{end + 14:.1f} {place:.1f}"))
        parts.append(words(end + 17, place + 4, f"{short(flow.kept)} · {percent(flow.kept, flow.read)}"))
    return Html(chart(parts, WIDTH, lowest + 6, f"Funnel: of {total:,} documents read, {sum(here):,} are kept"))


def fates(rows: Sequence[Flow]) -> Html:
    """A bar for each source, all of one length: the shares of its documents that were kept, were duplicates, were rejected, and failed."""
    rows = [row for row in rows if row.read]
    right, step, bar = 110, 26, 16
    parts = [legend([(name, name, 1) for name in OUTCOMES], LEFT)]
    for number, row in enumerate(rows):
        y, x = 28 + number * step, float(LEFT)
        parts.append(words(LEFT - 8, y + 12, fitting(row.source, LEFT - 12), "end", 12))
        for outcome in OUTCOMES:
            count = getattr(row, outcome)
            width = (WIDTH - LEFT - right) * count / row.read
            if count:
                parts.append(box(x, y, width, bar, colour(outcome), f"{row.source}: {count:,} {outcome} ({percent(count, row.read)})"))
            if outcome == "kept" and width > 50:
                parts.append(words(x + 6, y + 12, percent(count, row.read), fill="ground"))
            x += width
        parts.append(words(WIDTH - right + 8, y + 12, f"{short(row.read)} read", fill="faint"))
    return Html(chart(parts, WIDTH, 28 + step * len(rows), "What became of the documents of each source") if rows else "")


def key() -> Html:
    """What the colours of the outcomes mean, for several charts that share them."""
    return Html(chart([legend([(name, name, 1) for name in OUTCOMES], 0)], SMALL, 18, "Colours of what became of a document"))


def _largest(rows: Sequence[Flow]) -> list[SourceFlow]:
    """The sources with the most documents, the most first; beyond `SHOWN` they are one."""
    flows = sorted(
        (SourceFlow(*(getattr(row, name) for name in SourceFlow._fields)) for row in rows if row.read),
        key=lambda row: (-row.read, row.source),
    )
    if len(flows) <= SHOWN:
        return flows
    rest = flows[SHOWN - 1 :]
    return [*flows[: SHOWN - 1], SourceFlow(f"{len(rest):,} others", *(sum(column) for column in list(zip(*rest, strict=True))[1:]))]


def _stack(counts: Sequence[int], top: float, scale: float, gap: float) -> list[Band]:
    bands = []
    for count in counts:
        bands.append(Band(top, count * scale))
        top += count * scale + gap
    return bands


def _spread(bands: Sequence[Band], body: float) -> list[tuple[float, float]]:
    """The middle of each band, and for its name the nearest place that leaves names `APART`."""
    middles = [band.y + band.height / 2 for band in bands]
    places: list[float] = []
    for middle in middles:
        places.append(max(middle, places[-1] + APART if places else TOP + 4))
    limit = TOP + body
    for number in reversed(range(len(places))):
        places[number] = min(places[number], limit)
        limit = places[number] - APART
    return list(zip(middles, places, strict=True))
