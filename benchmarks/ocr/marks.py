"""Guillemets and rn/m in a reading of a page, counted against its truth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from benchmarks.ocr.scores import aligned

NARROW = set("rnıilut1")
"""Two of these side by side look like an m."""


class Marks(NamedTuple):
    """Pairs of guillemets in the truth, those that the reading has round the same letters, its marks that the truth has not, and its words."""

    pairs: int
    right: int
    false: int
    words: int


class Confusions(NamedTuple):
    """Places where m was read as two narrow letters or these as m, rn most of all, and places where m stands for one other letter or the reverse (m and n)."""

    rn_m: int
    m: int


class Directions(NamedTuple):
    """Places where m was read as two narrow letters, and places where two narrow letters were read as m."""

    parted: int
    joined: int


def marks(truth: str, reading: str) -> Marks:
    """A mark is right when it stands between the same two letters or figures as in the truth, whatever else stands there."""
    true, read = _bare(truth), _bare(reading)
    place = {i: j for i, j in aligned(true.text, read.text).pairs if i >= 0 and j >= 0}
    expected = {(mark, _mapped(at, place)) for mark, at in true.marks}
    right = sum({("«", _mapped(opening, place)), ("»", _mapped(closing, place))} <= read.marks for opening, closing in true.pairs)
    return Marks(len(true.pairs), right, len(read.marks - expected), len(reading.split()))


class _Bare(NamedTuple):
    """Letters and figures alone, and where the guillemets stand among them: before the letter at this place."""

    text: str
    marks: set[tuple[str, int]]
    pairs: set[tuple[int, int]]


def _bare(text: str) -> _Bare:
    bare: list[str] = []
    found: set[tuple[str, int]] = set()
    pairs: set[tuple[int, int]] = set()
    opened = -1
    for character in text:
        if character in "«»":
            found.add((character, len(bare)))
            if character == "«":
                opened = len(bare)
            elif opened >= 0:
                pairs.add((opened, len(bare)))
                opened = -1
        elif character.isalnum():
            bare.append(character)
    return _Bare("".join(bare), found, pairs)


def _mapped(at: int, place: dict[int, int]) -> int:
    """The place in the reading for one in the truth: that of the letter behind it, or one after that of the letter before it."""
    if at in place:
        return place[at]
    if at - 1 in place:
        return place[at - 1] + 1
    return -1


def confusions(truth: str, reading: str) -> Confusions:
    """Counted in the stretches in which a shortest alignment differs."""
    found = list(_stretches(truth, reading))
    alone = sum(len(true) == len(read) == 1 and "m" in (true, read) for true, read in found)
    return Confusions(sum(_narrow(true, read) or _narrow(read, true) for true, read in found), alone)


def directions(truth: str, reading: str) -> Directions:
    """The first figure of `confusions`, by what stood on the page."""
    found = list(_stretches(truth, reading))
    return Directions(sum(_narrow(true, read) for true, read in found), sum(_narrow(read, true) for true, read in found))


def _narrow(wide: str, pair: str) -> bool:
    return wide == "m" and len(pair) == 2 and set(pair) <= NARROW


def _stretches(truth: str, reading: str) -> Iterator[tuple[str, str]]:
    true_part = read_part = ""
    for i, j in [*aligned(truth, reading).pairs, (-2, -2)]:
        if i == -2 or (i >= 0 and j >= 0 and truth[i] == reading[j]):
            if true_part or read_part:
                yield true_part, read_part
            true_part = read_part = ""
        else:
            true_part += truth[i] if i >= 0 else ""
            read_part += reading[j] if j >= 0 else ""
