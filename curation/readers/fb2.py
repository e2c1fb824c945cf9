"""FictionBook e-books, alone or zipped: a document a book or a chapter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from datatrove.data import Document
from pydantic import Field

from curation.document import Failure
from curation.extractors.archive import Archive, ArchiveError
from curation.extractors.fb2 import Fb2Handler
from curation.extractors.safe_xml import XmlError, read_xml
from curation.processors import register
from curation.readers.base import Reader, Split
from curation.readers.book import Per, book_documents, bounded, headed_chapters
from curation.readers.flowing import page_texts
from curation.readers.streams import Damage, chunks, open_raw


@register
class Fb2Reader(Reader):
    """Reads FictionBook 2 files, and zips of them: their text with `title`, `author`, `language`, `publisher` and `date` as they state them. Notes stand at the end.

    The format knows no pages; metadata `pages` holds the chapters in their place. Failures: `empty`, `mismatch` (no FictionBook), `malformed` and `entities`
    (XML), `too_long`, and for zips those of `EpubReader`.
    """

    name: ClassVar[str] = "fb2"
    extensions: ClassVar[tuple[str, ...]] = (".fb2", ".fb2.zip", ".fbz")

    per: Per = "book"
    """What is a document: the whole `book`, each `chapter`, or each `page` (which is a chapter)."""
    max_bytes: int = Field(default=64 << 20, gt=0)
    """Bytes of XML, pictures included, that one file may have."""

    def read(self, split: Split) -> Iterator[Document | Failure]:
        name = split.file.name
        with open_raw(split.file.path) as raw:
            if raw.read(2) != b"PK":
                yield from self._plain(split)
                return
            try:
                archive = Archive(raw, self.max_bytes)
            except ArchiveError as error:
                yield Failure(name, error.reason, f"{name}: {error}", name)
                return
            books = [path for path in archive.names if path.lower().endswith(".fb2")]
            if not books:
                yield Failure(name, "mismatch", f"{name}: a zip without a .fb2 file in it", name)
            for path in books:
                place = name if len(books) == 1 else f"{name}#{path}"
                try:
                    xml = archive.read(path)
                except ArchiveError as error:
                    yield Failure(place, error.reason, f"{place}: {error}", place)
                    continue
                yield from self._book(xml, place)

    def _plain(self, split: Split) -> Iterator[Document | Failure]:
        name = split.file.name
        xml = bytearray()
        for piece in chunks(split.file):
            if isinstance(piece, Damage):
                yield Failure(f"{name}@{piece.offset}", piece.reason, piece.message, name)
                return
            xml += piece
            if len(xml) > self.max_bytes:
                yield Failure(name, "too_long", f"{name}: over {self.max_bytes} bytes of XML (max_bytes)", name)
                return
        yield from self._book(bytes(xml), name)

    def _book(self, xml: bytes, name: str) -> Iterator[Document | Failure]:
        if not xml:
            yield Failure(name, "empty", f"{name}: the file is empty", name)
            return
        try:
            book = read_xml(xml, Fb2Handler())
        except XmlError as error:
            yield Failure(name, error.reason, f"{name}: {error}", name)
            return
        if not book.is_fb2:
            yield Failure(name, "mismatch", f"{name}: XML, but no FictionBook", name)
            return
        pages = page_texts([("body", book.pieces())])
        about = {key: bounded(value) for key, value in book.about.items()}
        yield from book_documents(pages, headed_chapters(pages), self.per, name, name, **about)
