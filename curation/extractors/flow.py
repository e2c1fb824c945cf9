"""Running text in the making: what readers of marked-up books write into, whatever the format calls its paragraphs.

A paragraph ends with an empty line; a line of verse, an item of a list and a row of a table with a newline; cells stand apart by tabs. Notes are kept back until
`notes`, so that they interrupt no sentence. Pages and chapters that begin in the text are marks in it, and `pieces` cuts there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

LINE, PARAGRAPH = 1, 2
"""How far two blocks stand apart: a newline, an empty line."""
MAX_FRAMES = 50
"""Cells and notes inside one another that are still kept apart; text deeper down joins the one around it."""
MAX_MARKS = 20_000
"""Pages and chapters of one file; later ones are not marked."""
_MARK = "\ufdd0"
_EDGES = f" \n\t{_MARK}"
_DROPPED = dict.fromkeys(map(ord, "\u00ad\ufeff\ufdd0"))
_SPACES = re.compile(r"[ \t\r\n\f\xa0]+")
_AROUND = re.compile(" ?([\n\t]) ?")


class Piece(NamedTuple):
    """Text between two marks. `joint` is the white space between it and the next piece."""

    text: str
    joint: str
    page: str | None
    """The label of the page that begins with it; None where none does."""
    chapter: str | None
    """The title of the chapter that begins with it; None where none does."""


@dataclass
class _Frame:
    blocks: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    carried: int = 0
    """Marks that stood alone: they go before the next block."""
    pending: int = 0
    lead: str = ""


class Flow:
    """Text that grows at its end."""

    def __init__(self) -> None:
        self._frames = [_Frame()]
        self._marks: list[tuple[Literal["page", "chapter"], str | None]] = []
        self._notes: list[str] = []
        self._in_notes = 0

    def add(self, text: str, lines: bool = False) -> None:
        """Text of the open paragraph. White space in it is one space; with `lines`, newlines stay."""
        text = text.translate(_DROPPED)
        parts = text.split("\n") if lines else [text]
        self._frames[-1].open.append("\n".join(_SPACES.sub(" ", part) for part in parts))

    def lead(self, sign: str) -> None:
        """What the next paragraph begins with, if one comes: the sign or number of an item."""
        self._frames[-1].lead = sign

    def line(self, mark: str = "\n") -> None:
        """A new line in the open paragraph, or a tab."""
        self._frames[-1].open.append(mark)

    def mark(self, kind: Literal["page", "chapter"], label: str) -> int:
        """A page or a chapter begins here; the number of the mark is for `label`. Those in notes are passed over (-1): notes are told elsewhere."""
        if self._in_notes or len(self._marks) >= MAX_MARKS:
            return -1
        self._marks.append((kind, label))
        self._frames[-1].open.append(_MARK)
        return len(self._marks) - 1

    def label(self, mark: int, label: str | None) -> None:
        """Give a mark another label; None takes it back."""
        if mark >= 0:
            self._marks[mark] = (self._marks[mark][0], label)

    def keep_chapters(self, chapters: Sequence[tuple[int, int]]) -> None:
        """Of chapters inside one another, (level, mark) each, those of the highest level that occurs twice stay, or else of the highest; the others are taken back."""
        levels = Counter(level for level, _ in chapters)
        top = min((level for level in levels if levels[level] > 1), default=min(levels, default=0))
        for level, mark in chapters:
            if level > top:
                self.label(mark, None)

    def apart(self) -> None:
        """The open paragraph stands an empty line from the block before it."""
        self._frames[-1].pending = PARAGRAPH

    def end(self, apart: int = PARAGRAPH, verse: bool = False) -> str:
        """The open paragraph, if any, ends, and is given back; the next block stands at least so far apart. Of verse, one line is no paragraph, several are."""
        frame = self._frames[-1]
        text = "".join(frame.open)
        frame.open = []
        body = text.strip(_EDGES)
        if not body:
            frame.carried += text.count(_MARK)
            frame.pending = max(frame.pending, apart)
            return ""
        start = text.index(body[0])
        leading = text.count(_MARK, 0, start)
        trailing = text.count(_MARK) - leading - body.count(_MARK)
        body = _AROUND.sub(r"\1", re.sub(" {2,}", " ", body))
        stanza = verse and "\n" in body
        if frame.blocks:
            frame.blocks.append("\n" if frame.pending == LINE and not stanza else "\n\n")
        frame.blocks.append(_MARK * (frame.carried + leading) + frame.lead + body)
        frame.lead = ""
        frame.carried, frame.pending = trailing, PARAGRAPH if stanza else LINE if verse else apart
        return body.replace(_MARK, "")

    def push(self, note: bool = False) -> bool:
        """Text from here on is kept apart, until `pop`. False where too much is already: it joins what is around it."""
        if len(self._frames) > MAX_FRAMES:
            return False
        self._in_notes += note or self._in_notes > 0
        self._frames.append(_Frame())
        return True

    def pop(self) -> str:
        """What was written since the last `push`."""
        self.end()
        frame = self._frames.pop()
        self._in_notes -= self._in_notes > 0
        return "".join(frame.blocks) + _MARK * frame.carried

    def row(self, cells: Sequence[str]) -> None:
        """A row of a table: its cells on one line, with tabs between. A row of one cell is no row but a way to place a block."""
        filled = [cell for cell in cells if cell]
        if len(filled) == 1:
            self.block(filled[0])
        elif filled:
            self.block("\t".join(" ".join(cell.split()) for cell in cells).rstrip("\t"), LINE)

    def note(self, text: str) -> None:
        """A note, for the place where notes are told."""
        if text:
            self._notes.append(text)

    def notes(self) -> None:
        """The notes that were kept back, each a paragraph."""
        self.end()
        for note in self._notes:
            self.block(note)
        self._notes = []

    def block(self, text: str, apart: int = PARAGRAPH) -> None:
        """A block that is ready."""
        self.end(apart)
        self._frames[-1].open.append(text)
        self.end(apart)

    def pieces(self) -> Iterator[Piece]:
        """The text, cut where pages and chapters begin. A piece without text is a page without text."""
        while len(self._frames) > 1:
            self.block(self.pop())
        self.notes()
        frame = self._frames[0]
        held, *others = ("".join(frame.blocks) + "\n\n" + _MARK * frame.carried).split(_MARK)
        page = chapter = None
        for (kind, label), text in zip(self._marks, others, strict=True):
            if label is None:
                held += text
                continue
            if held.strip() or (kind == "page" and page is not None):
                yield Piece(held.strip(), _joint(held, text), page, chapter)
                page = chapter = None
                held = text
            else:
                held += text
            page = label if kind == "page" else page
            chapter = label if kind == "chapter" and chapter is None else chapter
        if held.strip() or page is not None or chapter is not None:
            yield Piece(held.strip(), "\n\n", page, chapter)


def _joint(before: str, after: str) -> str:
    """The white space between two pieces, as one of none, a space, a newline, an empty line."""
    between = before[len(before.rstrip()) :] + after[: len(after) - len(after.lstrip())]
    return min(between.count("\n"), 2) * "\n" or between[:1]
