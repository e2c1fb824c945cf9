"""Word documents: DOCX and DOCM, a document a file or a chapter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, ClassVar

from datatrove.data import Document
from pydantic import Field

from curation.document import Failure
from curation.extractors.archive import OLE, Archive, ArchiveError
from curation.extractors.docx import read_docx
from curation.extractors.flow import Piece
from curation.extractors.layout.kinds import Kind
from curation.extractors.safe_xml import XmlError
from curation.processors import register
from curation.readers.base import Reader, Split
from curation.readers.book import Per, book_documents, bounded, headed_chapters
from curation.readers.flowing import page_texts
from curation.readers.streams import open_raw

_PASSWORD = "EncryptedPackage".encode("utf-16-le")
_SEARCHED = 64 << 20


@register
class DocxReader(Reader):
    """Reads Word documents as they look on paper: inserted text but no deleted text, numbers of lists and headings, tables as lines with tabs, text boxes, notes
    at the end of their chapter; no running heads, comments and macros. With `title`, `author`, `date`, and `language` as most of the text is marked.

    Metadata `pages` holds pages where Word last put their ends; a document that Word never showed has its chapters in their place.

    Failures: `legacy` (.doc and .rtf), `encrypted` (a password), `embedded` (a document inside it), and for what is wrong with the zip or the XML those of
    `EpubReader`. A broken part beside the text (styles, notes) costs that part alone.
    """

    name: ClassVar[str] = "docx"
    extensions: ClassVar[tuple[str, ...]] = (".docx", ".docm", ".dotx", ".doc", ".rtf")

    per: Per = "book"
    """What is a document: the whole file (`book`), each `chapter` (headings of the highest level), or each `page`."""
    max_bytes: int = Field(default=128 << 20, gt=0)
    """Bytes that the parts of one document may unpack to."""

    def read(self, split: Split) -> Iterator[Document | Failure]:
        name = split.file.name
        with open_raw(split.file.path) as raw:
            if old := _legacy(raw):
                reason, message = old
                yield Failure(name, reason, f"{name}: {message}", name)
                return
            try:
                found = read_docx(Archive(raw, self.max_bytes))
            except (ArchiveError, XmlError) as error:
                yield Failure(name, error.reason, f"{name}: {error}", name)
                return
        for part, reason, message in found.problems:
            place = f"{name}#{part}"
            yield Failure(place, reason, f"{place}: {message}", place)
        sections: list[tuple[Kind, list[Piece]]] = [(_kind(piece, found.contents), [piece]) for piece in found.pieces]
        pages = page_texts(sections)
        about = {key: bounded(found.about.get(key)) for key in ("title", "author", "language", "date")}
        yield from book_documents(pages, headed_chapters(pages), self.per, name, name, **about)


def _kind(piece: Piece, contents: frozenset[str]) -> Kind:
    """Contents where most of it is lines of a table of contents."""
    listed = sum(len(line) for line in piece.text.split("\n") if line in contents)
    return "contents" if 2 * listed > len(piece.text) else "body"


def _legacy(raw: IO[bytes]) -> tuple[str, str] | None:
    """Why a file of another format of Word's is not read: (reason, message)."""
    head = raw.read(8)
    if head.startswith(b"{\\rtf"):
        return "legacy", "the file is RTF: save it as .docx (`soffice --headless --convert-to docx FILE` does it for whole folders)"
    if head != OLE:
        return None
    seen, tail = len(head), b""
    while (data := raw.read(1 << 20)) and seen < _SEARCHED:
        seen += len(data)
        if _PASSWORD in tail + data:
            return "encrypted", "it is under a password: open it in Word, take the password off, and save it"
        tail = data[-len(_PASSWORD) :]
    return (
        "legacy",
        "the file is of Word 97 to 2003: save it as .docx (`soffice --headless --convert-to docx FILE` does it for whole folders)",
    )
