"""FictionBook 2, the e-books of Russian-language libraries, much Azerbaijani among them: one XML file, to running text.

By the schema 2.1 of its authors (Gribov, Balabanov). Sections may lie inside one another; chapters are those of the highest level that occurs twice. Notes have
a body of their own behind the text, and stay there, each with its sign.
"""

from __future__ import annotations

from collections.abc import Mapping

from curation.extractors.flow import LINE, PARAGRAPH, Flow, Piece

DROPPED = frozenset(("binary", "stylesheet", "image", "custom-info", "src-title-info", "document-info", "history"))
_PARAGRAPHS = ("p", "subtitle", "text-author", "date", "v", "empty-line")
_GROUPS = ("epigraph", "annotation", "cite", "poem", "stanza", "table", "title", "section")
BLOCKS = frozenset((*_PARAGRAPHS, *_GROUPS))
NOTES = frozenset(("notes", "comments", "footnotes"))
"""Names of bodies that hold notes."""
_ABOUT = {"book-title": "title", "lang": "language", "publisher": "publisher", "year": "date"}
_NAMES = ("first-name", "middle-name", "last-name", "nickname")


class Fb2Handler:
    """Hears a book. `about` is what it says of itself, `pieces` its text."""

    def __init__(self) -> None:
        self.about: dict[str, str] = {}
        self.is_fb2 = False
        self._flow = Flow()
        self._path: list[str] = []
        self._dropping = 0
        self._text: list[str] | None = None  # of a property or of the sign of a note
        self._sections: list[int] = []
        self._chapters: list[tuple[int, int]] = []
        self._title: list[str] | None = None
        self._in_notes = False
        self._note: tuple[int, bool] | None = None  # (depth of its section, whether it is apart)
        self._cells: list[str] = []
        self._apart: list[bool] = []

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """A tag begins."""
        tag = name.rpartition(":")[2]
        self.is_fb2 |= not self._path and tag == "FictionBook"
        self._path.append(tag)
        if self._dropping:
            return
        if tag in DROPPED:
            self._dropping = len(self._path)
        elif "description" in self._path[:2]:
            self._text = [] if tag in _ABOUT or tag in _NAMES else None
        elif tag == "body":
            self._in_notes = attributes.get("name", "") in NOTES
        elif tag == "section":
            self._start_section()
        elif tag == "a" and attributes.get("type") == "note":
            self._text = []
        elif tag == "title":
            self._title = []
        elif tag in ("td", "th"):
            self._apart.append(self._flow.push())
        if tag in BLOCKS and "body" in self._path[:2]:
            self._flow.end(LINE if tag == "v" else PARAGRAPH)

    def _start_section(self) -> None:
        if self._in_notes:
            if self._note is None:
                self._note = (len(self._path), self._flow.push(note=True))
            return
        self._flow.end()
        self._sections.append(self._flow.mark("chapter", ""))
        self._chapters.append((len(self._sections), self._sections[-1]))

    def end(self, name: str) -> None:
        """A tag ends."""
        tag = name.rpartition(":")[2]
        depth = len(self._path)
        self._path.pop()
        if self._dropping:
            self._dropping = 0 if depth == self._dropping else self._dropping
            return
        if self._text is not None:
            self._told(tag, " ".join("".join(self._text).split()))
        elif tag in BLOCKS and "body" in self._path[:2]:
            text = self._flow.end(LINE if tag == "v" else PARAGRAPH)
            if text and self._title is not None:
                self._title.append(" ".join(text.split()))
        if tag == "title" and self._title is not None:
            if self._sections and "section" in self._path[-1:]:
                self._flow.label(self._sections[-1], " ".join(self._title)[:500] or None)
            self._title = None
        elif tag in ("td", "th") and self._apart:
            self._cells.append(self._flow.pop() if self._apart.pop() else "")
        elif tag == "tr":
            self._flow.row(self._cells)
            self._cells = []
        elif tag == "section" and self._note and self._note[0] == depth:
            self._end_note(self._note[1])
            self._note = None
        elif tag == "section" and self._sections:
            self._sections.pop()

    def _end_note(self, apart: bool) -> None:
        """A note: its sign, which is its title, and its paragraphs."""
        sign, _, text = (self._flow.pop() if apart else "").partition("\n\n")
        self._flow.note(f"[{sign.strip('[]. ')}] {text}" if text else sign)

    def _told(self, tag: str, text: str) -> None:
        self._text = None
        if tag in _NAMES and "author" in self._path and "title-info" in self._path:
            self.about["author"] = f"{self.about.get('author', '')} {text}".strip()
        elif tag in _ABOUT and text:
            self.about.setdefault(_ABOUT[tag], text)
        elif tag == "a" and text:
            self._flow.add(f"[{text.strip('[]')}]")

    def data(self, text: str) -> None:
        """Text between tags."""
        if self._text is not None:
            self._text.append(text)
        elif not self._dropping and "body" in self._path[:2]:
            self._flow.add(text)

    def close(self) -> None: ...

    def pieces(self) -> list[Piece]:
        """The text, cut where chapters begin."""
        self._flow.keep_chapters(self._chapters)
        return list(self._flow.pieces())
