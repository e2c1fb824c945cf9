"""What the readers of books in pages (`pdf`, `djvu`, `images`) do alike: pages that cannot be read, a choice between text layer and OCR, outline and notes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import IO

from datatrove.data import Document

from curation.document import Failure
from curation.extractors.layout import layout_stream
from curation.extractors.ocr import OcrError
from curation.extractors.page import Page, PageError
from curation.extractors.pdf import RawPage, page_of
from curation.extractors.pdf.judge import UNSURE, is_better
from curation.readers.base import InputFile
from curation.readers.book import Chapter, Per, book_documents, bounded, headed_chapters
from curation.readers.streams import Damage, chunks
from curation.text.lexicon import Lexicon

DEATHS = 20
"""Pages over which a library or a program may break off before the rest of a file is given up."""


def failure(place: str, error: PageError) -> Failure:
    """The failure of a file or of a page (`book.pdf#page=12`)."""
    return Failure(place, error.reason, f"{place}: {error}", place)


def numbered_pages(read: Callable[[int], Page], count: int, name: str, failures: list[Failure], broken: str) -> Iterator[Page]:
    """Pages 1 to `count` of a file; those that cannot be read go to `failures`. What `broken` names (the library, the programs) broke off over too many, it is let be."""
    deaths = 0
    for number in range(1, count + 1):
        try:
            yield read(number)
        except PageError as error:
            failures.append(failure(f"{name}#page={number}", error))
            deaths += error.reason in ("crash", "timeout", "memory") and not isinstance(error, OcrError)
        if deaths > DEATHS and number < count:
            message = f"{name}: the pages from {number + 1} to {count} were not read, because {deaths} before them broke {broken}"
            failures.append(Failure(f"{name}#page={number + 1}", "crash", message, f"{name}#page={number + 1}"))
            return


def without_ocr(reason: str) -> PageError:
    """The error of a page whose text layer is not good (`judge`), where OCR is switched off."""
    return PageError(reason.split(maxsplit=1)[0], f"its text layer cannot be used ({reason}), and OCR is switched off: see `ocr`")


def likelier(read: Page, layer: RawPage, reason: str, lexicon: Lexicon | None) -> Page:
    """What OCR read of a page whose text layer is not good for this reason, or else the layer, where that is only in doubt and OCR reads no better."""
    words = [word.text for line in read.lines for word in line.words]
    if reason in UNSURE and not is_better(words, [word.text for word in layer.words], reason, lexicon):
        return page_of(layer, read.number, (f"text: {reason}, but OCR reads no better",))
    return replace(read, notes=(*read.notes, f"ocr: {reason}"))


def paged_documents(
    pages: Iterable[Page],
    failures: list[Failure],
    lexicon: Lexicon | None,
    per: Per,
    name: str,
    outline: Iterable[tuple[str, int]] = (),
    title: str | None = None,
    author: str | None = None,
) -> Iterator[Document | Failure]:
    """What came into `failures` while the pages were read, then the documents. Chapters are those of the outline (title, number of the page) where it has
    two or more, else those of the headings."""
    texts = list(layout_stream(pages, lexicon))
    yield from failures
    if not texts:
        return
    chapters: list[Chapter] = []
    if per == "chapter":
        place = {text.number: at for at, text in enumerate(texts)}
        told = [Chapter(heading, place[number]) for heading, number in outline if number in place]
        chapters = told if len(told) > 1 else headed_chapters(texts)
    notes = {str(text.number): list(text.notes) for text in texts if text.notes}
    yield from book_documents(texts, chapters, per, name, name, title=bounded(title), author=bounded(author), notes=notes or None)


def copy_bounded(file: InputFile, copy: IO[bytes], limit: int) -> None:
    """Writes the file's bytes, decompressed. Raises PageError for more than `limit`, and for a broken archive."""
    size = 0
    for piece in chunks(file):
        if isinstance(piece, Damage):
            raise PageError(piece.reason, piece.message)
        size += len(piece)
        if size > limit:
            raise PageError("large", f"it has more than {limit} bytes: see `max_bytes`")
        copy.write(piece)
