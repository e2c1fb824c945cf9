"""The pages of a book inside its text: apart, so that each is formatted alone; together again; and without those that a rule rejects.

A page is text[start of it : start of the next]. White space at its end is what joins it to the next one: none inside a word that goes on, a space inside a
paragraph, an empty line else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise


def split_pages(text: str, starts: Sequence[int]) -> list[tuple[str, str]]:
    """(text, white space behind it) of each page; what stands before the first start belongs to the first page."""
    ends = [0, *starts[1:], len(text)] if starts else [0, len(text)]
    pieces = [text[first:end] for first, end in pairwise(ends)]
    return [(body := piece.rstrip(), piece[len(body) :]) for piece in pieces]


def join_pages(pages: Iterable[tuple[str, str]]) -> tuple[str, list[int]]:
    """(text, where each page begins in it). A page without text adds nothing, and joins its neighbours as it was joined to the one before."""
    text, starts, joint = "", [], ""
    for body, behind in pages:
        if not body:
            starts.append(len(text) + len(joint) if text else 0)
            joint = max(joint, behind, key=len)
            continue
        text += joint if text else ""
        starts.append(len(text))
        text, joint = text + body, behind
    return text, [min(start, len(text)) for start in starts]


def cut(text: str, starts: Sequence[int], lines: set[int], pages: set[int]) -> tuple[str, list[int]]:
    """(the text without these lines (numbered from 1) and these pages (from 0), where each page that is left begins in it).

    At most one empty line stays between two others, and none at either end. A line that runs over two pages keeps its part on the page that stays, and
    where a page was cut out a new paragraph begins.
    """
    kept: list[str] = []
    starting: dict[int, int] = {}
    size, blank = 0, False
    for number, parts in enumerate(_lines(text, starts), 1):
        if number in lines:
            continue
        for gone, run in groupby(parts, key=lambda part: part[0] in pages):
            own = list(run)
            if gone or not any(part for _, part in own):
                blank = bool(kept)
                continue
            if len(own) < len(parts):
                own[-1] = (own[-1][0], own[-1][1].rstrip())
            size += (1 + blank) if kept else 0
            kept += [""] * blank
            for page, part in own:
                starting.setdefault(page, size)
                size += len(part)
            kept.append("".join(part for _, part in own))
            blank = False
    after = size
    for page in range(len(starts) - 1, -1, -1):
        after = starting.setdefault(page, after)
    return "\n".join(kept), [starting[page] for page in range(len(starts)) if page not in pages]


def _lines(text: str, starts: Sequence[int]) -> Iterator[list[tuple[int, str]]]:
    """The lines of a text, each as (page, what of the line stands on it)."""
    line: list[tuple[int, str]] = []
    for page, (first, end) in enumerate(pairwise([0, *starts[1:], len(text)])):
        pieces = text[first:end].split("\n")
        for piece in pieces[:-1]:
            yield [*line, (page, piece)]
            line = []
        if pieces[-1] or end == len(text):
            line.append((page, pieces[-1]))
    yield line
