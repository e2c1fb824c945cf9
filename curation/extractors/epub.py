"""What an EPUB says of itself: its files in reading order, its table of contents, its pages, what is encrypted. EPUB 2 and 3.

Read by hand from EPUB 3.3 (W3C 2023) and OPF 2.0.1: the one Python library with users, EbookLib, is AGPL, reads everything into memory, and trusts sizes. Real
books break every rule, so whatever can be guessed safely is: a package without its container, addresses in the wrong case, chapters that are no XML.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from curation.errors import DollmaError
from curation.extractors.archive import Archive, ArchiveError, resolve
from curation.extractors.epub_parts import MAX_SPINE, Attributes, Contents, Package
from curation.extractors.safe_xml import XmlError, read_markup
from curation.extractors.xhtml import KINDS, Kind, Target

CONTAINER, ENCRYPTION = "META-INF/container.xml", "META-INF/encryption.xml"
FONTS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
"""Ways of encryption that only hide fonts from copying; all others hide text."""
TEXT = frozenset(("application/xhtml+xml", "text/html", "application/x-dtbook+xml", "text/x-oeb1-document"))


class EpubError(DollmaError):
    """A book that cannot be read at all. `reason`: `malformed`, `encrypted`, `too_long`, or one of `ArchiveError` and `XmlError`."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Section(NamedTuple):
    """A file of the book, in reading order. `problem` (reason, message) says why it is not read."""

    path: str
    kind: Kind
    problem: tuple[str, str] | None = None


@dataclass(frozen=True)
class Book:
    """An EPUB without the text of its chapters."""

    about: dict[str, str]
    sections: tuple[Section, ...]
    targets: Mapping[str, Mapping[str, list[Target]]]
    """By path and id in it (`` is its beginning): the chapters and pages that the book's own tables say begin there."""
    fixed_layout: bool = False
    problems: tuple[Section, ...] = ()
    """Tables of contents that cannot be read. The text is read without them."""

    @property
    def has_chapters(self) -> bool:
        """Whether its table of contents leads to any."""
        return any(kind == "chapter" for marks in self.targets.values() for found in marks.values() for kind, _ in found)


def open_book(archive: Archive) -> Book:
    """What an archive says of its book. Raises EpubError."""
    try:
        package_path = _package_path(archive)
        package = read_markup(archive.read(package_path), Package)[0]
        hidden = _encrypted(archive)
    except (ArchiveError, XmlError) as error:
        raise EpubError(error.reason, str(error)) from error
    folder = posixpath.dirname(package_path)
    if not package.spine:
        raise EpubError("malformed", f"{package_path}: it has no reading order (spine)")
    if len(package.spine) > MAX_SPINE:
        raise EpubError("too_long", f"{package_path}: {len(package.spine)} files in reading order, more than {MAX_SPINE}")
    sections = tuple(_sections(package, folder, hidden))
    if sections and all(section.problem and section.problem[0] == "encrypted" for section in sections):
        raise EpubError("encrypted", "its text is under copy protection (DRM): only whoever sold it can open it")
    targets, problems = _targets(archive, package, folder)
    known = {section.path for section in sections}
    return Book(package.about, sections, targets, package.fixed_layout, tuple(problem for problem in problems if problem.path not in known))


def _package_path(archive: Archive) -> str:
    """Where the package document is: where the container says, or else the first file that is called one."""
    if CONTAINER in archive:
        for tag, attributes in read_markup(archive.read(CONTAINER), Attributes)[0].found:
            path = resolve("", attributes.get("full-path", ""))[0] if tag == "rootfile" else ""
            if path and path in archive:
                return path
    found = sorted((name for name in archive.names if name.lower().endswith(".opf")), key=lambda name: (name.count("/"), name))
    if not found:
        raise EpubError("mismatch", "a zip, but no EPUB: it has no package document (.opf)")
    return found[0]


def _encrypted(archive: Archive) -> set[str]:
    """Files whose text is encrypted."""
    if ENCRYPTION not in archive:
        return set()
    hidden, method = set(), ""
    for tag, attributes in read_markup(archive.read(ENCRYPTION), Attributes)[0].found:
        if tag == "encrypteddata":
            method = ""
        elif tag == "encryptionmethod":
            method = method or attributes.get("Algorithm", attributes.get("algorithm", "?"))
        elif tag == "cipherreference" and method not in FONTS:
            hidden.add(resolve("", attributes.get("URI", attributes.get("uri", "")))[0].casefold())
    return hidden


def _sections(package: Package, folder: str, hidden: set[str]) -> list[Section]:
    guide = {_path(folder, address): KINDS.get(kind, "body") for address, kind in package.guide.items()}
    sections: dict[str, Section] = {}
    for number, name in enumerate(package.spine, 1):
        address, media, properties = package.items.get(name, ("", "", ""))
        if not address:
            sections[f"#{number}"] = Section(
                f"spine-{number}", "body", ("missing", f"the reading order names {name!r}, which the list of files does not have")
            )
            continue
        try:
            path = resolve(folder, address)[0]
        except ArchiveError as error:
            sections[f"#{number}"] = Section(f"spine-{number}", "body", (error.reason, str(error)))
            continue
        kind = "contents" if "nav" in properties.split() else guide.get(path, "body")
        problem = None
        if path.casefold() in hidden:
            problem = ("encrypted", "it is under copy protection (DRM): only whoever sold it can open it")
        elif media.startswith("image/") and not media.endswith("svg+xml"):
            problem = ("image", "it is a picture: take it out of the book and read it with the reader of images")
        elif media and media not in TEXT and not media.endswith(("xml", "html")):
            problem = ("media", f"it is {media}, no text")
        sections.setdefault(path, Section(path, kind, problem))  # a file that is listed twice is read once
    return list(sections.values())


def _path(folder: str, address: str) -> str:
    try:
        return resolve(folder, address)[0]
    except ArchiveError:
        return ""


def _targets(archive: Archive, package: Package, folder: str) -> tuple[dict[str, dict[str, list[Target]]], list[Section]]:
    """(Where chapters and pages begin, tables that cannot be read). Of a book without a table of contents, nowhere: then each file is a chapter."""
    navs = [item for item in package.items.values() if "nav" in item[2].split()]
    ncx = package.items.get(package.ncx) or next((item for item in package.items.values() if item[1] == "application/x-dtbncx+xml"), None)
    found: dict[str, dict[str, list[Target]]] = {}
    told: set[str] = set()
    begun: set[str] = set()
    problems: list[Section] = []
    for address, _, _ in [*navs[:1], *([ncx] if ncx else [])]:
        try:
            path = resolve(folder, address)[0]
            entries = read_markup(archive.read(path), Contents)[0].entries
        except (ArchiveError, XmlError) as error:
            problems.append(
                Section(_path(folder, address) or "contents", "contents", (error.reason, f"{error}; the text was read without it"))
            )
            continue
        base = posixpath.dirname(path)
        new = {what for what, *_ in entries} - told
        for what, level, title, target in entries:
            file, _, fragment = target.partition("#")
            place = _path(base, file) if file else path
            if what not in new or not place or not title or (what == "chapter" and level > 1 and fragment and place in begun):
                continue
            marks = found.setdefault(place, {}).setdefault(fragment, [])
            if not any(kind == what for kind, _ in marks):
                marks.append(("page", title[:100]) if what == "page" else ("chapter", title[:500]))
            if what == "chapter":
                begun.add(place)
        told |= new
    return found, problems
