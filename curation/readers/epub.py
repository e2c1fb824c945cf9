"""E-books: EPUB 2 and 3, a document a book or a chapter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from datatrove.data import Document
from pydantic import Field

from curation.document import Failure
from curation.extractors.archive import Archive, ArchiveError
from curation.extractors.epub import Book, EpubError, Section, open_book
from curation.extractors.flow import Piece
from curation.extractors.layout.kinds import Kind
from curation.extractors.safe_xml import XmlError, read_markup
from curation.extractors.xhtml import Chapter, ChapterHandler
from curation.processors import register
from curation.readers.base import Reader, Split
from curation.readers.book import Per, book_documents, bounded, headed_chapters
from curation.readers.flowing import has_text, page_texts
from curation.readers.streams import open_raw


@register
class EpubReader(Reader):
    """Reads e-books: the text of their files in reading order, with `title`, `author`, `language`, `publisher`, `date` and `identifier` as the book states them.

    Metadata `pages` holds the printed pages where the book marks them, else its files, numbered. Tables of contents, covers and copyright pages are of the kind
    `contents`. Notes stand at the end of their file. Nothing but text and the tables of the book is unpacked, and that in memory alone.

    Failures: `encrypted` (copy protection, passwords), `truncated`, `corrupt`, `empty`, `mismatch` (no EPUB), `bomb`, `too_long`, `malformed` and `entities`
    (XML), `missing`, `outside`, `link`, `compression`, `media`, `image` (a chapter that is a picture) and `images` (a book that is pictures). What is wrong
    with one file of a book, its table of contents too, costs that file alone.
    """

    name: ClassVar[str] = "epub"
    extensions: ClassVar[tuple[str, ...]] = (".epub",)

    per: Per = "book"
    """What is a document: the whole `book`, each `chapter` of its table of contents, or each `page`."""
    max_bytes: int = Field(default=128 << 20, gt=0)
    """Bytes of text and tables that one book may unpack to; what comes after fails as `too_long`."""

    def read(self, split: Split) -> Iterator[Document | Failure]:
        name = split.file.name
        with open_raw(split.file.path) as raw:
            try:
                archive = Archive(raw, self.max_bytes)
                book = open_book(archive)
            except (ArchiveError, EpubError) as error:
                yield Failure(name, error.reason, f"{name}: {error}", name)
                return
            sections: list[tuple[Kind, list[Piece]]] = []
            pictures = failed = 0
            for section in (*book.problems, *book.sections):
                read = _section(archive, book, section, name)
                if isinstance(read, Failure):
                    failed += 1
                    yield read
                    continue
                sections.append((_kind(section, read), _pieces(read, book, section)))
                pictures += read.pictures
        pages = page_texts(sections)
        if not has_text(pages) and (pictures or failed):
            if pictures:
                message = f"{name}: a book of {pictures} pictures without text: take them out of it (it is a zip) and read them with the reader of images"
                yield Failure(name, "images", message, name)
            return
        about = {key: bounded(book.about.get(key)) for key in ("title", "language", "publisher", "date", "identifier")}
        about["author"] = bounded(book.about.get("creator"))
        about["layout"] = "fixed" if book.fixed_layout else None
        yield from book_documents(pages, headed_chapters(pages), self.per, name, name, **about)


def _section(archive: Archive, book: Book, section: Section, name: str) -> Chapter | Failure:
    """One file of the book."""
    place = f"{name}#{section.path}"
    if section.problem:
        reason, message = section.problem
        return Failure(place, reason, f"{place}: {message}", place)
    try:
        return read_markup(archive.read(section.path), lambda: ChapterHandler(book.targets.get(section.path, {})))[0].close()
    except (ArchiveError, XmlError) as error:
        return Failure(place, error.reason, f"{place}: {error}", place)


def _kind(section: Section, chapter: Chapter) -> Kind:
    """What a file is: as the book says, or contents where it is nearly all links."""
    said = chapter.kind if section.kind == "body" else section.kind
    return "contents" if said == "body" and chapter.is_contents else said


def _pieces(chapter: Chapter, book: Book, section: Section) -> list[Piece]:
    """The pieces of a file, the first with what the tables of the book say begins at the file, or at a place in it that it does not have.

    Without a table of contents each file is a chapter, by its first heading.
    """
    pieces = list(chapter.flow.pieces()) or [Piece("", "\n\n", None, None)]
    marks = book.targets.get(section.path, {})
    here = dict(reversed(marks.get("", [])))
    title = here.get("chapter")
    if title is None and not chapter.begun:
        title = next((label for found in marks.values() for kind, label in found if kind == "chapter"), None)
    if title is None and not book.has_chapters and section.kind == "body":
        title = chapter.heading
    first = pieces[0]
    page = here.get("page") if first.page is None else first.page
    pieces[0] = first._replace(page=page, chapter=title if first.chapter is None else first.chapter)
    return pieces
