"""What the programs of DjVuLibre say as nested lists: outlines, and text layers such as `(line 100 330 1200 400 (word 90 330 300 385 "Bir"))`, in pixels with
the origin in the lower left corner."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from curation.extractors.page import PageError
from curation.extractors.pdf.raw import WORD_LIMIT, RawWord

DEPTH = 16
"""Lists inside lists: text layers have seven kinds (page, column, region, paragraph, line, word, character), outlines seldom four levels."""
HIGH, LEADING = 2.0, 2.4
"""Height of lines of which only the box around all is known, and from one to the next at most, in widths of their characters: as type is set."""
_TOKEN = re.compile(rb'[\s]+|([()])|"((?:[^"\\]++|\\.)*+)"|([^\s()"]+)', re.DOTALL)
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)
_ESCAPED = {b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r"}
_BREAKS = re.compile(r"[\n\r\v\f\x1d\x1f]+")
_TEXT = {b"page", b"column", b"region", b"para", b"line", b"word", b"char"}

Value = int | bytes | str | list["Value"]
"""A string is a str, a symbol is bytes."""


class DjvuError(PageError):
    """A file or page that cannot be read. `reason` is one word: corrupt, truncated, empty, outside, timeout, memory, crash, large."""


def expression(data: bytes) -> list[Value]:
    """The first list of a text; an empty one where there is none. Raises DjvuError (`corrupt`, `large`)."""
    stack: list[list[Value]] = []
    for token in _TOKEN.finditer(data):
        bracket, string, other = token.groups()
        if bracket == b"(":
            if len(stack) == DEPTH:
                raise DjvuError("large", f"it has lists more than {DEPTH} deep")
            stack.append([])
        elif bracket and stack:
            done = stack.pop()
            if not stack:
                return done
            stack[-1].append(done)
        elif string is not None and stack:
            stack[-1].append(unquoted(string))
        elif other and stack:
            stack[-1].append(int(other) if re.fullmatch(rb"-?\d{1,9}", other) else other)
    if stack:
        raise DjvuError("corrupt", "its text layer or outline has a list without an end")
    return []


def unquoted(quoted: bytes) -> str:
    """The text of a quoted string: bytes of UTF-8, those that are not printable ASCII by their octal numbers."""
    plain = _ESCAPE.sub(lambda found: bytes([int(found[1], 8) & 0xFF]) if found[1].isdigit() else _ESCAPED.get(found[1], found[1]), quoted)
    return plain.decode("utf-8", "replace")


class _Zone(NamedTuple):
    kind: bytes
    box: tuple[int, int, int, int]
    parts: list[Value]


def _zone(value: Value) -> _Zone | None:
    match value:
        case [bytes(kind), int(x0), int(y0), int(x1), int(y1), *parts] if kind in _TEXT:
            return _Zone(kind, (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)), parts)
    return None


def words_of(page: list[Value]) -> list[RawWord]:
    """The words of a text layer, y still upwards. Where it stops at lines or above, boxes of words are shared out by their characters."""
    words: list[RawWord] = []
    block = line = 0
    todo: list[Value] = [page]
    while todo:
        zone = _zone(todo.pop())
        if zone is None:
            continue
        inner = [part for part in zone.parts if isinstance(part, list)]
        block += zone.kind not in (b"line", b"word", b"char")
        line += zone.kind not in (b"word", b"char")
        if zone.kind in (b"word", b"char") or not inner:
            for text, box, row in _shared(zone):
                line += row > 0 or (zone.kind == b"word" and _is_below(words, box, block))
                words.append(RawWord(text, *box, block, line))
        else:
            todo.extend(reversed(inner))
        if len(words) > WORD_LIMIT:
            raise DjvuError("large", f"it has more than {WORD_LIMIT} words")
    return words


def _is_below(words: list[RawWord], box: tuple[float, float, float, float], block: int) -> bool:
    """Whether a word begins a line that the text layer does not mark: it stands lower than the whole word before it."""
    return bool(words) and words[-1].block == block and (box[1] + box[3]) / 2 < words[-1].y0


def _shared(zone: _Zone) -> Iterator[tuple[str, tuple[float, float, float, float], int]]:
    """The words of a zone without smaller ones, with boxes; the third is 1 where a line begins that is not the first."""
    x0, y0, x1, y1 = zone.box
    rows = [row.rstrip() for row in _BREAKS.split(_text(zone)) if row.strip()]
    step = (x1 - x0) / max((len(row) for row in rows), default=1)
    pitch = min((y1 - y0) / len(rows), LEADING * step) if len(rows) > 1 else y1 - y0
    for number, row in enumerate(rows):
        high = y1 - number * pitch
        low = high - (pitch if len(rows) == 1 else min(pitch, HIGH * step))
        for place, found in enumerate(re.finditer(r"\S+", row)):
            box = (x0 + found.start() * step, low, x0 + found.end() * step, high)
            yield found[0], box, int(number > 0 and place == 0)


def _text(zone: _Zone) -> str:
    """The text of a zone: its own string, or those of its characters."""
    strings = [part for part in zone.parts if isinstance(part, str)]
    inner = [found for part in zone.parts if (found := _zone(part)) is not None]
    return "".join(strings) + "".join(_text(found) for found in inner)


def turned(word: RawWord, width: float, height: float, turns: int) -> RawWord:
    """A word with y downwards, on the page turned by so many quarters against the clock."""
    x0, y0, x1, y1 = word[1:5]
    for _ in range(turns):
        x0, y0, x1, y1 = height - y1, x0, height - y0, x1
        width, height = height, width
    return word._replace(x0=x0, y0=height - y1, x1=x1, y1=height - y0)
