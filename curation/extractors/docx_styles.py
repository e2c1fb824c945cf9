"""Styles and numbering of a Word document: what they say about text (levels of headings, numbers of paragraphs), nothing about looks.

Numbers follow ECMA-376 part 1, 17.9: a list (`num`) refers to a definition (`abstractNum`) of nine levels, each with a format and a text such as `%1.%2.`;
lists of one definition count on together, unless a list says where it starts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

LEVELS = 9
"""Levels of lists and of headings."""
LONGEST_LABEL = 100
"""Characters of the number of a paragraph; what is longer is cut."""
_ROMAN = tuple(
    zip(
        (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1),
        ("m", "cm", "d", "cd", "c", "xc", "l", "xl", "x", "ix", "v", "iv", "i"),
        strict=True,
    )
)
_RUSSIAN = "абвгдежзиклмнопрстуфхцчшщэюя"


def _letters(alphabet: str) -> Callable[[int], str]:
    """1 is a, 26 is z, 27 is aa: how Word goes on after the last letter."""
    return lambda number: alphabet[(number - 1) % len(alphabet)] * min((number - 1) // len(alphabet) + 1, 20) if number > 0 else ""


def _roman(number: int) -> str:
    text = ""
    for value, letters in _ROMAN:
        text += letters * min(number // value, 20)
        number %= value
    return text


FORMATS: dict[str, Callable[[int], str]] = {
    "decimalZero": lambda number: f"{number:02d}",
    "lowerLetter": _letters("abcdefghijklmnopqrstuvwxyz"),
    "upperLetter": _letters("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    "lowerRoman": _roman,
    "upperRoman": lambda number: _roman(number).upper(),
    "russianLower": _letters(_RUSSIAN),
    "russianUpper": _letters(_RUSSIAN.upper()),
    "none": lambda _: "",
}
"""Formats of numbers by their names in 17.18.59; those not named here are shown in digits."""


@dataclass(frozen=True)
class Style:
    """A style of paragraphs. `outline` is the level of a heading from 0, -1 for other text; `numbers` is the id of its list."""

    name: str = ""
    based_on: str = ""
    outline: int = -1
    numbers: str = ""
    level: int = 0
    page_before: bool = False

    @property
    def is_contents(self) -> bool:
        """Whether paragraphs of a table of contents have it: Word calls these `toc 1` to `toc 9` in every language."""
        return self.name.lower().startswith("toc ")


class Styles:
    """Hears the part `styles`; then `get` gives a style with what it takes from those it is based on."""

    def __init__(self) -> None:
        self.language = ""
        self._styles: dict[str, Style] = {}
        self._found: dict[str, Style] = {}
        self._id: str | None = None
        self._path: list[str] = []

    def get(self, name: str) -> Style:
        """The style of this id; one without properties where there is none."""
        if name not in self._found:
            chain: list[Style] = []
            at = name
            while at in self._styles and len(chain) < 20:  # they may be based on one another
                chain.append(self._styles[at])
                at = chain[-1].based_on
            self._found[name] = Style(
                name=chain[0].name if chain else "",
                outline=next((style.outline for style in chain if style.outline >= 0), -1),
                numbers=next((style.numbers for style in chain if style.numbers), ""),
                level=next((style.level for style in chain if style.numbers), 0),
                page_before=any(style.page_before for style in chain[:1]),
            )
        return self._found[name]

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._path.append(tag)
        value = attributes.get("w:val", "")
        if tag == "w:style":
            self._id = attributes.get("w:styleId", "") if attributes.get("w:type", "paragraph") == "paragraph" else None
            if self._id is not None:
                self._styles[self._id] = Style()
        elif tag == "w:lang" and "w:docDefaults" in self._path[:3]:
            self.language = value
        elif self._id is not None and "w:style" in self._path:
            style = self._styles[self._id]
            number = int(value) if value.isascii() and value.isdigit() and len(value) < 4 else None
            if tag == "w:name":
                heading = value.lower().removeprefix("heading ")
                outline = int(heading) - 1 if heading in tuple("123456789") and value.lower() != heading else style.outline
                style = replace(style, name=value, outline=outline)
            elif tag == "w:basedOn":
                style = replace(style, based_on=value)
            elif tag == "w:outlineLvl" and number is not None:
                style = replace(style, outline=number if number < LEVELS else -1)
            elif tag == "w:numId":
                style = replace(style, numbers=value)
            elif tag == "w:ilvl" and number is not None:
                style = replace(style, level=number)
            elif tag == "w:pageBreakBefore":
                style = replace(style, page_before=value not in ("0", "false", "off"))
            self._styles[self._id] = style

    def end(self, tag: str) -> None:
        self._path.pop()
        if tag == "w:style":
            self._id = None

    def data(self, text: str) -> None: ...
    def close(self) -> None: ...


@dataclass
class _Level:
    start: int = 1
    format: str = "decimal"
    text: str = ""


@dataclass
class _List:
    definition: str = ""
    starts: dict[int, int] = field(default_factory=dict)
    begun: set[int] = field(default_factory=set)


class Numbering:
    """Hears the part `numbering`; then `label` counts."""

    def __init__(self) -> None:
        self._definitions: dict[str, dict[int, _Level]] = {}
        self._lists: dict[str, _List] = {}
        self._counts: dict[str, list[int | None]] = {}
        self._definition: dict[int, _Level] | None = None
        self._list: _List | None = None
        self._level = 0

    def label(self, name: str, level: int) -> str:
        """The number of the next paragraph of a list: `12.`, `a)`, `-` for a bullet, `` without a list."""
        of = self._lists.get(name)
        levels = self._definitions.get(of.definition, {}) if of else {}
        if of is None or level not in levels:
            return ""
        counts = self._counts.setdefault(of.definition, [None] * LEVELS)
        if level in of.starts and level not in of.begun:
            of.begun.add(level)
            counts[level] = None
        before = counts[level]
        counts[level] = before + 1 if before is not None else of.starts.get(level, levels[level].start)
        for deeper in range(level + 1, LEVELS):
            counts[deeper] = None
        if levels[level].format == "bullet":
            return "-"
        text = levels[level].text[:LONGEST_LABEL]
        for at in range(LEVELS):
            if f"%{at + 1}" in text:
                of_level = levels.get(at, _Level())
                count = counts[at]
                text = text.replace(f"%{at + 1}", FORMATS.get(of_level.format, str)(of_level.start if count is None else count))
        return text.strip()[:LONGEST_LABEL]

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        value = attributes.get("w:val", "")
        number = int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None
        place = attributes.get("w:ilvl", "")
        if tag == "w:abstractNum":
            self._definition = self._definitions.setdefault(attributes.get("w:abstractNumId", ""), {})
        elif tag == "w:num":
            self._list = self._lists.setdefault(attributes.get("w:numId", ""), _List())
        elif tag in ("w:lvl", "w:lvlOverride") and place in tuple("012345678"):
            self._level = int(place)
            if self._definition is not None:
                self._definition[self._level] = _Level()
        elif self._list is not None:
            if tag == "w:abstractNumId":
                self._list.definition = value
            elif tag == "w:startOverride" and number is not None:
                self._list.starts[self._level] = number
        elif self._definition is not None and self._level in self._definition:
            level = self._definition[self._level]
            if tag == "w:start" and number is not None:
                level.start = number
            elif tag == "w:numFmt":
                level.format = value
            elif tag == "w:lvlText":
                level.text = value

    def end(self, tag: str) -> None:
        if tag == "w:abstractNum":
            self._definition = None
        elif tag == "w:num":
            self._list = None

    def data(self, text: str) -> None: ...
    def close(self) -> None: ...
