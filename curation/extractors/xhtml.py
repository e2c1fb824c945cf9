"""A chapter of an e-book, XHTML, to running text: what a browser would show, without pictures, scripts and the numbers of printed pages in it.

A page of a web site is mostly menus, and `extractors.html` looks for the text in it; a chapter of a book is all text, and nothing is thrown away here but what
is named below.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from curation.extractors.flow import LINE, PARAGRAPH, Flow

Kind = Literal["body", "contents", "index", "empty"]
Target = tuple[Literal["page", "chapter"], str]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


BLOCKS = _words(
    "address article aside blockquote body caption center dd details dialog div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr "
    "html li main menu nav ol p pre section summary table tbody tfoot thead title ul"
)
DROPPED = _words(
    "annotation annotation-xml applet audio canvas embed head iframe map metadata noembed noframes noscript object rp rt script style template video"
)
"""Elements that show no text of the book; `rt` is the reading over East Asian letters."""
LISTED = frozenset(("li", "dd", "dt"))
CLOSE = LISTED | {"tr", "td", "th", "tbody", "thead", "tfoot"}
"""Elements that a newline parts from their like."""
HEADINGS = _words("h1 h2 h3 h4 h5 h6")
KINDS: dict[str, Kind] = {
    **dict.fromkeys(_words("toc landmarks cover copyright-page copyrightpage doc-toc doc-cover loi lot doc-pagelist"), "contents"),
    **dict.fromkeys(("index", "doc-index"), "index"),
}
"""What `epub:type`, `role` and the guide of EPUB 2 call what is no body text."""
PAGE_BREAK = frozenset(("pagebreak", "doc-pagebreak"))
NOTE_REFERENCE = frozenset(("noteref", "doc-noteref", "footnote-ref", "footnoteref"))
NOTE = _words("footnote endnote rearnote doc-footnote doc-endnote")
BACK_LINK = frozenset(("backlink", "doc-backlink", "footnote-back", "footnote-backref"))
_PAGE_CLASS = re.compile(r"\b(?:page-?_?(?:no|num|number)|pgnum)s?\b", re.IGNORECASE)
_VERSE_CLASS = re.compile(r"\b(?:poem|poetry|verse|stanza|z3998:verse|z3998:poem|şeir|стих\w*)\b", re.IGNORECASE)
_PAGE_LABEL = re.compile(r"^\[?\(?(?:pg?|page|s|səh|стр|с)?[\s._:-]*([0-9]{1,5}|[ivxlcdm]{1,8})\)?\]?$", re.IGNORECASE)
_NOTE_SIGN = re.compile(r"^[\[(]?(\d{1,4}|\*{1,4}|[a-z†‡§])[\])]?\.?$")
_SIGNS = {"br": ("\n", ""), "q": ("“", "”")}
_LONGEST_LABEL = 20
LINKED = 0.6
"""Share of letters inside links to other files from which a file is contents. Lists of chapters have 0.8 and more, chapters with many notes under 0.05."""
LINKS = 5


@dataclass
class Chapter:
    """What was found in one file."""

    flow: Flow = field(default_factory=Flow)
    kind: Kind = "body"
    """What the parts that hold most of its letters say they are."""
    heading: str = ""
    pictures: int = 0
    letters: int = 0
    linked: int = 0
    links: int = 0
    begun: int = 0
    """How many chapters of the tables were found in it."""

    @property
    def is_contents(self) -> bool:
        """Whether it is nearly all links to other files, what books without `epub:type` have for a table of contents."""
        return self.links >= LINKS and self.linked >= LINKED * self.letters


class ChapterHandler:
    """Hears a chapter and fills a Chapter. `targets` are the places that the tables of the book point to, by id."""

    def __init__(self, targets: Mapping[str, list[Target]]) -> None:
        self.chapter = Chapter()
        self._targets = targets
        self._flow = self.chapter.flow
        self._depth = 0
        self._dropping = 0  # depth of the element whose content is dropped, 0: none
        self._capture: tuple[int, str, list[str]] | None = None  # (depth, what it is, its text)
        self._links: list[tuple[int, str]] = []
        self._lists: list[list[int | None]] = []
        self._verse: list[int] = []
        self._tight: list[int] = []
        self._pre: list[int] = []
        self._notes: list[tuple[int, str]] = []
        self._rows: list[tuple[list[str], int]] = []
        self._cells: list[tuple[int, bool]] = []
        self._signs: dict[str, str] = {}
        self._nav = False
        self._special: tuple[int, Kind, int] | None = None  # (depth of a part that is no body text, what it is, letters before it)
        self._letters: Counter[Kind] = Counter()
        self._inner = ""  # the place that the last link inside what is captured leads to

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """A tag begins."""
        self._depth += 1
        if self._dropping:
            return
        tag = _local(name)
        about = {_local(key): value for key, value in attributes.items()}
        roles = {*about.get("type", "").split(), *about.get("role", "").split(), *about.get("class", "").lower().split()}
        self._arrive(tag, about)
        if self._capture is not None:
            self._link(tag, about)
            return
        if (
            tag in DROPPED
            or "hidden" in about
            or (tag == "nav" and roles & {"page-list", "landmarks"})
            or (tag == "a" and roles & BACK_LINK)
        ):
            self._dropping = self._depth
            return
        if roles & PAGE_BREAK or (tag != "body" and _PAGE_CLASS.search(about.get("class", ""))):
            self._page(about)
            return
        if self._special is None and tag in BLOCKS and (kind := next((KINDS[role] for role in sorted(roles) if role in KINDS), None)):
            self._special = (self._depth, kind, self.chapter.letters)
        self._link(tag, about)
        if tag == "sup" or (tag == "a" and roles & NOTE_REFERENCE):
            self._capture, self._inner = (self._depth, "sign", []), ""
            return
        self.chapter.pictures += tag in ("img", "image")
        if tag in BLOCKS or tag in ("tr", "td", "th"):
            self._block(tag, about, roles)
        elif tag in _SIGNS:
            self._flow.add(_SIGNS[tag][0], lines=True)

    def _arrive(self, tag: str, about: Mapping[str, str]) -> None:
        """Mark what the tables of the book say begins at this element."""
        place = about.get("id") or (about.get("name", "") if tag == "a" else "")
        for kind, label in self._targets.get(place, ()) if place else ():
            if kind == "chapter":
                self.chapter.begun += 1
                self._flow.end()
            self._flow.mark(kind, label)

    def _block(self, tag: str, about: Mapping[str, str], roles: set[str]) -> None:
        self._flow.end(LINE if tag in CLOSE else self._apart, bool(self._verse))
        if tag == "tr":
            self._rows.append(([], self._depth))
        elif tag in ("td", "th"):
            self._cells.append((self._depth, self._flow.push()))
        elif tag in ("ul", "ol", "menu"):
            start = about.get("start", "")
            self._lists.append([int(start) if start.isascii() and start.isdigit() and len(start) < 6 else 1] if tag == "ol" else [None])
        elif tag == "li" and self._lists:
            number = self._lists[-1][0]
            self._lists[-1][0] = None if number is None else number + 1
            if not roles & NOTE and not self._nav:
                self._flow.lead("- " if number is None else f"{number}. ")
            elif number is not None:
                self._signs.setdefault(about.get("id", ""), str(number))
        elif tag == "nav":
            self._nav = True
        elif tag == "pre":
            self._pre.append(self._depth)
        if tag in LISTED:
            self._tight.append(self._depth)
        if _VERSE_CLASS.search(f"{about.get('class', '')} {about.get('type', '')}"):
            self._verse.append(self._depth)
        if roles & NOTE and not self._notes and self._flow.push(note=True):
            self._notes.append((self._depth, about.get("id", "")))

    def end(self, name: str) -> None:
        """A tag ends."""
        depth, self._depth = self._depth, max(self._depth - 1, 0)
        if self._dropping:
            self._dropping = 0 if depth <= self._dropping else self._dropping
            return
        tag = _local(name)
        if self._capture is not None and depth <= self._capture[0]:
            self._captured()
        elif self._capture is None:
            if tag in BLOCKS or tag in ("tr", "td", "th"):
                self._end_block(tag, depth)
            elif tag in _SIGNS:
                self._flow.add(_SIGNS[tag][1], lines=True)
        if self._links and depth <= self._links[-1][0]:
            self._links.pop()
        if self._special is not None and depth <= self._special[0]:
            self._end_special()

    def _end_special(self) -> None:
        if self._special is not None:
            _, kind, before = self._special
            self._letters[kind] += self.chapter.letters - before
            self._special = None

    def _end_block(self, tag: str, depth: int) -> None:
        if tag in ("td", "th", "tr"):
            self._end_cells(tag, depth)
        elif tag in ("ul", "ol", "menu") and self._lists:
            self._flow.end(LINE if self._tight else PARAGRAPH)
            self._lists.pop()
        text = self._flow.end(LINE if tag in CLOSE else self._apart, bool(self._verse))
        if tag in HEADINGS and text and not self.chapter.heading:
            self.chapter.heading = " ".join(text.split())
        if self._notes and depth <= self._notes[-1][0]:
            self._end_note()
        if tag == "li":
            self._flow.lead("")
        for stack in (self._tight, self._verse, self._pre):
            if stack and depth <= stack[-1]:
                stack.pop()
                if stack is self._verse:
                    self._flow.end(PARAGRAPH)

    def _end_cells(self, tag: str, depth: int) -> None:
        if tag in ("td", "th") and self._cells and self._cells[-1][0] >= depth:
            if self._cells.pop()[1]:
                text = self._flow.pop()
                if self._rows:
                    self._rows[-1][0].append(text)
                else:
                    self._flow.block(text)
        elif tag == "tr" and self._rows and self._rows[-1][1] >= depth:
            self._flow.row(self._rows.pop()[0])

    @property
    def _apart(self) -> int:
        return LINE if self._tight or self._verse else PARAGRAPH

    def _end_note(self) -> None:
        sign = self._signs.get(self._notes.pop()[1], "")
        text = self._flow.pop()
        known = re.match(r"\[?\d|\[|\*", text)
        self._flow.note(f"[{sign}] {text}" if sign and text and not known else text)

    def _page(self, about: Mapping[str, str]) -> None:
        """A printed page begins. Its number, if it stands inside, is no text."""
        own = [about.get(key, "") for key in ("title", "aria-label", "id")]
        self._capture = (self._depth, "page", own)

    def _captured(self) -> None:
        if self._capture is None:
            return
        _, what, texts = self._capture
        self._capture = None
        if what == "page":
            own, text = texts[:3], "".join(texts[3:]).strip()
            labels = [
                found[1]
                for candidate in (own[0], own[1], text, re.sub(r"^\D*?(?=\d+$)", "", own[2]))
                if (found := _PAGE_LABEL.match(candidate.strip()))
            ]
            if len(text) > _LONGEST_LABEL:
                self._flow.add(text)
            elif labels and not any(kind == "page" for kind, _ in self._targets.get(own[2], ())):
                self._flow.mark("page", labels[0])
            return
        text = "".join(texts).strip()
        found = _NOTE_SIGN.match(text)
        link = self._links[-1][1] if self._links else self._inner
        if found and link:
            self._signs[link] = found[1]
            self._flow.add(f"[{found[1]}]")
        else:
            self._flow.add("".join(texts))

    def _link(self, tag: str, about: Mapping[str, str]) -> None:
        if tag == "a" and (address := about.get("href")):
            place, _, fragment = address.partition("#")
            self._links.append((self._depth, fragment))
            self._inner = fragment
            self.chapter.links += bool(place and ":" not in place)

    def data(self, text: str) -> None:
        """Text between tags."""
        if self._dropping:
            return
        if self._capture is not None:
            self._capture[2].append(text)
            return
        size = len(text) - text.count(" ") - text.count("\n")
        self.chapter.letters += size
        self.chapter.linked += size if self._links else 0
        if self._depth:
            self._flow.add(text, lines=bool(self._pre))

    def close(self) -> Chapter:
        """The document ends."""
        if self._capture is not None:
            self._captured()
        self._end_special()
        self.chapter.kind = next((kind for kind, letters in sorted(self._letters.items()) if 2 * letters > self.chapter.letters), "body")
        return self.chapter


def _local(name: str) -> str:
    return name.rpartition(":")[2].lower()
