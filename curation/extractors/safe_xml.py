"""XML from strangers as a stream of events: no entity is expanded, nothing is fetched, no tree is built.

Expat calls one of three methods for each tag and run of text, so that memory is what the handler keeps. A general entity is looked up among HTML's names or the
document's own *plain* ones (`<!ENTITY nbsp "&#160;">`, which real books have); one whose value holds markup or other entities, or lies elsewhere, is refused:
billion laughs and external entities are both that. What is not well-formed can be read as HTML, by the rules of browsers.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from pyexpat import ExpatError, ParserCreate
from typing import Any, Protocol, TypeVar

from lxml import etree

from curation.errors import DollmaError
from curation.extractors.html import HtmlError, decode_page

MAX_ENTITY = 16
"""Characters of the longest value of an entity that a document may declare for itself: a letter, mostly. Bounds the text at five times its file."""
MAX_TAGS = 4_000_000
"""Tags of one file: 10 s or so. A document.xml of 64 MiB has about 2 million."""
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_SPACE = " "


class XmlError(DollmaError):
    """Markup that cannot be read. `reason` is `entities`, `malformed`, `binary` or `too_long`."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Handler(Protocol):
    """What is told of a document: `start` with a tag and its attributes, `end` with a tag, `data` with text (in pieces of any size)."""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None: ...
    def end(self, tag: str) -> None: ...
    def data(self, text: str) -> None: ...
    def close(self) -> Any: ...


H = TypeVar("H", bound=Handler)


def read_xml(raw: bytes, handler: H, namespaces: Mapping[str, str] | None = None) -> H:
    """Tell the handler of an XML document, and give it back. Raises XmlError.

    Tags and attributes come as they are written (`dc:title`); with `namespaces`, from addresses to prefixes, they come with these prefixes whatever
    the document calls them, and with `?:` where the address is unknown.
    """
    text = _text(raw)
    parser = ParserCreate(None, _SPACE if namespaces is not None else None)
    parser.buffer_text = True
    parser.UseForeignDTD(True)  # else a name that is not declared ends the document
    entities: dict[str, str] = {}
    refused: list[str] = []

    def declare(name: str, parameter: bool, value: str | None, *_: str | None) -> None:
        if parameter or value is None or len(value) > MAX_ENTITY or "&" in value or "<" in value or "%" in value:
            refused.append(name)
        else:
            entities.setdefault(name, value)

    def other(piece: str) -> None:
        """Expat expands no entity where this handler stands, and gives the reference to it."""
        if piece.startswith("&") and not refused:
            handler.data(entities.get(piece[1:-1]) or html.unescape(piece))

    parser.EntityDeclHandler = declare
    parser.DefaultHandler = other
    parser.CharacterDataHandler = handler.data
    if namespaces is None:
        parser.StartElementHandler, parser.EndElementHandler = handler.start, handler.end
    else:
        named = _named(namespaces)
        parser.StartElementHandler = lambda tag, attributes: handler.start(
            named(tag), {named(key): value for key, value in attributes.items()}
        )
        parser.EndElementHandler = lambda tag: handler.end(named(tag))
    try:
        parser.Parse(text, True)
    except ExpatError as error:
        if not refused:
            raise XmlError("malformed", f"not well-formed XML: {error}") from error
    if refused:
        raise XmlError(
            "entities", f"it declares the entity {refused[0]!r} with a value that holds markup or lies elsewhere: such are not read"
        )
    return handler


def read_markup(raw: bytes, new: Callable[[], H]) -> tuple[H, bool]:
    """(A handler told of a document, whether it had to be read as HTML because it is no well-formed XML). Raises XmlError."""
    try:
        return read_xml(raw, new()), False
    except XmlError as error:
        if error.reason != "malformed":
            raise
    handler = new()
    parser = etree.HTMLParser(target=handler, huge_tree=False, no_network=True, remove_comments=True, remove_pis=True)
    try:
        parser.feed(_DECLARATION.sub("", _NOT_XML.sub(" ", _text(raw))))
        parser.close()
    except etree.LxmlError as error:
        raise XmlError("malformed", f"neither XML nor HTML: {error}") from error
    return handler, True


def _text(raw: bytes) -> str:
    try:
        text = decode_page(raw)
    except HtmlError as error:
        raise XmlError("binary", str(error)) from error
    if (tags := text.count("<")) > MAX_TAGS:
        raise XmlError("too_long", f"{tags} tags, more than {MAX_TAGS}")
    return text


def _named(namespaces: Mapping[str, str]) -> Callable[[str], str]:
    known: dict[str, str] = {}

    def named(name: str) -> str:
        if name not in known:
            address, space, local = name.rpartition(_SPACE)
            known[name] = f"{namespaces.get(address, '?')}:{local}" if space else local
            if len(known) > 10_000:
                raise XmlError("too_long", "over 10,000 names of tags and attributes")
        return known[name]

    return named
