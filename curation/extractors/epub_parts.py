"""What hears the parts of an EPUB that are no text: the package document, the container, the tables of contents."""

from __future__ import annotations

from collections.abc import Mapping

MAX_SPINE = 20_000
"""Files in reading order that are read of one book; a longer list is an error (`too_long`)."""
_ABOUT = ("title", "creator", "language", "publisher", "date", "identifier")


class Package:
    """Hears the package document."""

    def __init__(self) -> None:
        self.about: dict[str, str] = {}
        self.items: dict[str, tuple[str, str, str]] = {}  # address, type, properties
        self.spine: list[str] = []
        self.ncx = ""
        self.guide: dict[str, str] = {}
        self.fixed_layout = False
        self._open: tuple[str, list[str]] | None = None

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        tag = name.rpartition(":")[2].lower()
        if tag == "item":
            self.items.setdefault(
                attributes.get("id", ""),
                (attributes.get("href", ""), attributes.get("media-type", "").lower(), attributes.get("properties", "")),
            )
        elif tag == "itemref":
            self.spine.append(attributes.get("idref", ""))
        elif tag == "spine":
            self.ncx = attributes.get("toc", "")
        elif tag == "reference":
            self.guide.setdefault(attributes.get("href", ""), attributes.get("type", "").lower())
        elif tag == "meta":
            self._open = ("layout", []) if attributes.get("property") == "rendition:layout" else None
            self.fixed_layout |= attributes.get("name") == "fixed-layout" and attributes.get("content") == "true"
        elif tag in _ABOUT and tag not in self.about:
            self._open = (tag, [])

    def end(self, name: str) -> None:
        if self._open is None:
            return
        (tag, texts), self._open = self._open, None
        text = " ".join("".join(texts).split())
        if tag == "layout":
            self.fixed_layout |= text == "pre-paginated"
        elif text:
            self.about[tag] = text

    def data(self, text: str) -> None:
        if self._open is not None:
            self._open[1].append(text)

    def close(self) -> None: ...


class Attributes:
    """Hears the attributes of all elements of some names."""

    def __init__(self) -> None:
        self.found: list[tuple[str, Mapping[str, str]]] = []

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if len(self.found) < 4 * MAX_SPINE:
            self.found.append((name.rpartition(":")[2].lower(), dict(attributes)))

    def end(self, name: str) -> None: ...
    def data(self, text: str) -> None: ...
    def close(self) -> None: ...


class Contents:
    """Hears a table of contents: the nav document of EPUB 3 or the NCX of EPUB 2. `entries`: (chapter or page, level, title, address)."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, int, str, str]] = []
        self._what = ""
        self._level = 0
        self._title: list[str] = []
        self._address = ""
        self._naming = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        tag = name.rpartition(":")[2].lower()
        kinds = {*attributes.get("epub:type", attributes.get("type", "")).split(), *attributes.get("role", "").split()}
        if tag == "nav":
            self._what = "chapter" if kinds & {"toc", "doc-toc"} else "page" if kinds & {"page-list", "doc-pagelist"} else ""
            self._level = 0
        elif tag in ("navmap", "pagelist"):
            self._what, self._level = "chapter" if tag == "navmap" else "page", 0
        elif tag in ("ol", "navpoint", "pagetarget"):
            self._level += 1
            if tag != "ol":
                self._title = []
        elif tag == "a":
            self._title, self._address, self._naming = [], attributes.get("href", ""), True
        elif tag == "text":
            self._naming = True
        elif tag == "content" and self._what:
            self._tell(attributes.get("src", ""))

    def _tell(self, address: str) -> None:
        if len(self.entries) < MAX_SPINE:
            self.entries.append((self._what, self._level, " ".join("".join(self._title).split()), address))

    def end(self, name: str) -> None:
        tag = name.rpartition(":")[2].lower()
        if tag in ("ol", "navpoint", "pagetarget"):
            self._level -= 1
        elif tag in ("nav", "navmap", "pagelist"):
            self._what = ""
        elif tag == "text":
            self._naming = False
        elif tag == "a":
            self._naming = False
            if self._what and self._address:
                self._tell(self._address)

    def data(self, text: str) -> None:
        if self._naming:
            self._title.append(text)

    def close(self) -> None: ...
