"""The text of a Word document (Office Open XML, ECMA-376, transitional and strict) as its reader sees it on paper.

Not by python-docx: it passes over text boxes, notes, numbers of lists, fields and tracked changes, which is most of what is asked here, and builds trees. Law
codes have the numbers of their articles (`Maddə 12.`) nowhere but in the numbering of paragraphs.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import ClassVar, NamedTuple, TypeVar

from curation.extractors.archive import Archive, ArchiveError, resolve
from curation.extractors.docx_body import Body
from curation.extractors.docx_styles import Numbering, Styles
from curation.extractors.flow import Piece
from curation.extractors.safe_xml import Handler, XmlError, read_xml

NAMESPACES = {
    **dict.fromkeys(
        ("http://schemas.openxmlformats.org/wordprocessingml/2006/main", "http://purl.oclc.org/ooxml/wordprocessingml/main"), "w"
    ),
    **dict.fromkeys(("http://schemas.openxmlformats.org/officeDocument/2006/math", "http://purl.oclc.org/ooxml/officeDocument/math"), "m"),
    "http://schemas.openxmlformats.org/markup-compatibility/2006": "mc",
}
H = TypeVar("H", bound=Handler)


class Docx(NamedTuple):
    """What was found in a document."""

    pieces: list[Piece]
    about: dict[str, str]
    contents: frozenset[str]
    """The lines of its tables of contents."""
    problems: list[tuple[str, str, str]]
    """What of it was not read: (part, reason, message)."""


def read_docx(archive: Archive) -> Docx:
    """The text of a document. Raises ArchiveError and XmlError where there is none."""
    parts = _Parts(archive)
    main = parts.links("").get("officeDocument", "word/document.xml")
    if main not in archive:
        raise ArchiveError("mismatch", f"a zip, but no Word document: {main} is not in it")
    links = parts.links(main)
    styles = parts.read(links.get("styles"), Styles(), NAMESPACES)
    numbering = parts.read(links.get("numbering"), Numbering(), NAMESPACES)
    notes = {kind: parts.read(links.get(f"{kind}s"), _Notes(kind, styles), NAMESPACES).found for kind in ("footnote", "endnote")}
    raw = archive.read(main)
    body = read_xml(raw, Body(styles, numbering, notes, pages=b"lastRenderedPageBreak" in raw), NAMESPACES)
    about = parts.read("docProps/core.xml", _Properties()).found
    if body.languages:
        about["language"] = min(body.languages, key=lambda tag: (-body.languages[tag], tag))
    if body.embedded:
        message = (
            f"{body.embedded} documents of another format are embedded in it, which only Word unpacks: open it there and save it again"
        )
        parts.problems.append((main, "embedded", message))
    return Docx(body.pieces(), about, frozenset(body.contents), parts.problems)


class _Notes:
    """Hears footnotes or endnotes. `found`: the text of each, by its id."""

    def __init__(self, kind: str, styles: Styles) -> None:
        self.found: dict[str, str] = {}
        self._kind, self._styles = kind, styles
        self._id = ""
        self._body: Body | None = None

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == f"w:{self._kind}":
            self._id = attributes.get("w:id", "")
            self._body = None if attributes.get("w:type", "normal") != "normal" else Body(self._styles, Numbering(), {}, pages=False)
        elif self._body is not None:
            self._body.start(tag, attributes)

    def end(self, tag: str) -> None:
        if tag == f"w:{self._kind}":
            if self._body is not None:
                self.found[self._id] = "\n".join(piece.text for piece in self._body.flow.pieces()).strip()
            self._body = None
        elif self._body is not None:
            self._body.end(tag)

    def data(self, text: str) -> None:
        if self._body is not None:
            self._body.data(text)

    def close(self) -> None: ...


class _Links:
    """Hears relationships: which file has which part in a document."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if attributes.get("TargetMode") != "External":
            self.found.setdefault(attributes.get("Type", "").rpartition("/")[2], attributes.get("Target", ""))

    def end(self, tag: str) -> None: ...
    def data(self, text: str) -> None: ...
    def close(self) -> None: ...


class _Properties:
    """Hears what a document says of itself."""

    _wanted: ClassVar[dict[str, str]] = {"title": "title", "creator": "author", "language": "language", "created": "date"}

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        self._open = ""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._open = self._wanted.get(tag.rpartition(":")[2], "")

    def end(self, tag: str) -> None:
        self._open = ""

    def data(self, text: str) -> None:
        if self._open and len(self.found.get(self._open, "")) < 10_000:
            self.found[self._open] = self.found.get(self._open, "") + text

    def close(self) -> None: ...


class _Parts:
    """The parts of a document beside its text. One that is broken is told of in `problems`, and the text read without it."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.problems: list[tuple[str, str, str]] = []

    def read(self, path: str | None, handler: H, namespaces: Mapping[str, str] | None = None) -> H:
        """Tell a handler of a part, if there is one."""
        if path and path in self.archive:
            try:
                read_xml(self.archive.read(path), handler, namespaces)
            except (ArchiveError, XmlError) as error:
                self.problems.append((path, error.reason, f"{error}; the text was read without it"))
        return handler

    def links(self, path: str) -> dict[str, str]:
        """The parts that a part (`` is the whole) names, by what they are."""
        folder, name = posixpath.split(path)
        found = {}
        for kind, target in self.read(posixpath.join(folder, "_rels", f"{name}.rels"), _Links()).found.items():
            try:
                found[kind] = resolve("" if target.startswith("/") else folder, target)[0]
            except ArchiveError as error:
                self.problems.append((path, error.reason, str(error)))
        return found
