"""Strangers' text made harmless and visible: what a crawl wrote is shown letter by letter, and does nothing.

Jinja escapes markup. What it lets through are characters that act on the page around them or on its encoding: control characters, null bytes, halves of surrogate
pairs, which no UTF-8 has, and marks of direction that make a text read otherwise than it is written. Each is shown as its code point.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple
from urllib.parse import urlsplit

import regex
from markupsafe import Markup, escape

UNSEEN = regex.compile(r"[\p{Cc}\p{Cs}\p{Cf}\p{Zl}\p{Zp}--\n\t\u200c\u200d\u200e\u200f\u061c]", flags=regex.V1)
"""Characters that are shown by their number. Joiners and weak marks of direction stay: Persian spelling needs them, and they turn no word around."""
PIECE = 20_000
"""Characters of a text that are shown at once."""
WEB = ("http", "https")
RUN = 200
"""Consecutive unseen characters that are shown one by one; of more, the number is told."""


class Mark(NamedTuple):
    """Characters [first, end) of a text, and the rule that they are evidence of."""

    first: int
    end: int
    rule: str


def plain(value: object) -> str:
    """A value for the middle of a sentence or an attribute: unseen characters as ⟨U+202E⟩."""
    return UNSEEN.sub(lambda found: f"⟨{_point(found[0])}⟩", str(value))


def harmless(value: object) -> object:
    """What every value passes on its way into a template (jinja's `finalize`); markup is ours."""
    return "" if value is None else value if isinstance(value, Markup) else plain(value) if isinstance(value, str) else value


def shown(text: str) -> Markup:
    """A piece of text with its unseen characters as small labels."""
    parts: list[Markup] = []
    place = 0
    for run in regex.finditer(rf"(?:{UNSEEN.pattern})+", text, flags=regex.V1):
        parts.append(escape(text[place : run.start()]))
        parts += [Markup('<span class="unseen">{}</span>').format(_point(letter)) for letter in run[0][:RUN]]
        if len(run[0]) > RUN:
            parts.append(Markup('<span class="unseen">and {} more</span>').format(f"{len(run[0]) - RUN:,}"))
        place = run.end()
    return Markup("").join([*parts, escape(text[place:])])


def marked(text: str, marks: Iterable[Mark], start: int, end: int) -> Markup:
    """Characters [start, end) of a text with its marks; where marks overlap, each piece names all rules behind it."""
    inside = [mark for mark in marks if mark.first < end and mark.end > start and mark.first < mark.end]
    cuts = sorted({start, end, *(max(start, mark.first) for mark in inside), *(min(end, mark.end) for mark in inside)})
    parts = []
    for first, last in pairwise(cuts):
        rules = sorted({mark.rule for mark in inside if mark.first <= first and mark.end >= last})
        piece = shown(text[first:last])
        parts.append(Markup('<mark id="span-{}" title="{}">{}</mark>').format(first, plain(", ".join(rules)), piece) if rules else piece)
    return Markup("").join(parts)


def address(url: str | None) -> Markup:
    """An address in full; a link if it leads to the web and nowhere else. The page that it leads to learns nothing of ours."""
    if not url:
        return Markup("")
    told = Markup('<bdi dir="ltr">{}</bdi>').format(plain(url))
    return (
        Markup('<a href="{}" rel="noopener noreferrer external" target="_blank">{}</a>').format(url, told) if _leads_to_web(url) else told
    )


def _leads_to_web(url: str) -> bool:
    if UNSEEN.search(url) or re.search(r"[\s\\]", url):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in WEB and bool(parts.netloc)


def breaking(name: str) -> Markup:
    """A name that may go on in another line behind its dots and underscores."""
    return Markup("").join(Markup("{}<wbr>").format(plain(part)) for part in re.split(r"(?<=[._])", name))


def number(value: object) -> str:
    """A number as people read it: separators, or four figures; a list of pages as its first five."""
    match value:
        case None:
            return "–"
        case bool() | str():
            return str(value)
        case int():
            return f"{value:,}"
        case float():
            return f"{value:.4g}"
    if isinstance(value, Sequence):
        return ", ".join(map(number, value[:5])) + (f", … ({len(value):,} pages)" if len(value) > 5 else "")
    return str(value)


def _point(letter: str) -> str:
    return f"U+{ord(letter):04X}"
