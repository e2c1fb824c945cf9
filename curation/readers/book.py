"""From a book's pages to documents: one a book, one a chapter or one a page, with the place where each page begins."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

from datatrove.data import Document

from curation.document import EXCLUDED, PAGES, new_document
from curation.extractors.layout import PageText

Per = Literal["book", "chapter", "page"]
"""What one document is."""
TITLE_LENGTH = 300
"""Characters of a title or an author that are kept: catalogues' longest titles are shorter."""
NEAR = 150
"""Characters between two headings of one chapter, at most: the title of the part stands there."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u200e\u200f\u202a-\u202e\u2066-\u2069]+")


class Chapter(NamedTuple):
    """Where a chapter begins: the place of its page in the list of pages, from 0, and the character of that page's text."""

    title: str
    page: int
    start: int = 0


def bounded(value: object) -> str | None:
    """What a file says of itself, as one line without control characters and of bounded length; None where nothing is left."""
    if not isinstance(value, str):
        return None
    line = " ".join(_CONTROL.sub(" ", value[: 10 * TITLE_LENGTH]).split())
    return line[:TITLE_LENGTH].rstrip() or None


def headed_chapters(pages: Sequence[PageText]) -> list[Chapter]:
    """Chapters by the headings that the layout found in the pages' text. Of headings with next to nothing between (`II BÖLMƏ`, its title, `III FƏSİL`) the
    first begins the chapter, and all of them name it."""
    found: list[Chapter] = []
    place = end = 0
    for at, page in enumerate(pages):
        for heading in page.headings if page.kind == "body" else ():
            if found and at == place and heading.start < end:
                found[-1] = found[-1]._replace(title=f"{found[-1].title} · {heading.title}")
            else:
                found.append(Chapter(heading.title, at, heading.start))
            place, end = at, heading.start + len(heading.title) + NEAR
    return found


def book_documents(
    pages: Sequence[PageText], chapters: Sequence[Chapter], per: Per, locator: str, id: str, **metadata: Any
) -> Iterator[Document]:
    """The documents of a book, in order. What stands before the first chapter is a document of its own, `#chapter=0`.

    Ids and locators are those given, with `#chapter=N` (from 1, in order) or `#page=N` (the number in the file) behind them. Metadata `pages` holds for each
    page its label as `page`, where it begins as `start`, `origin`, `kind`, and `confidence` where OCR read it. A page's text ends before the white space
    that joins it to the next one. A document without text is excluded as `no_text`.
    """
    about = {key: value for key, value in metadata.items() if value is not None}
    if per == "page":
        for page in pages:
            yield _document([(page, 0, len(page.text))], f"{locator}#page={page.number}", f"{id}#page={page.number}", about)
        return
    if per == "book" or not chapters:
        yield _document([(page, 0, len(page.text)) for page in pages], locator, id, about)
        return
    starts = sorted({(chapter.page, chapter.start): chapter.title for chapter in reversed(chapters)}.items())
    cuts = [((0, 0), ""), *starts] if starts[0][0] != (0, 0) else starts
    ends = [*cuts[1:], ((len(pages), 0), "")]
    first = 0 if starts[0][0] != (0, 0) else 1
    for number, (((at, start), title), ((last, stop), _)) in enumerate(zip(cuts, ends, strict=True), first):
        parts = _parts(pages, at, start, last, stop)
        if number == 0 and not any(part.text[begin:end].strip() for part, begin, end in parts):
            continue
        about_it = {**about, "chapter": bounded(title)} if title else about
        yield _document(parts, f"{locator}#chapter={number}", f"{id}#chapter={number}", about_it)


def _parts(pages: Sequence[PageText], page: int, start: int, last: int, stop: int) -> list[tuple[PageText, int, int]]:
    """The parts of pages from one place to another, as (page, first character, end)."""
    parts = []
    for at in range(page, min(last + 1, len(pages))):
        begin = start if at == page else 0
        end = stop if at == last else len(pages[at].text)
        if at == last and end <= begin:
            continue
        parts.append((pages[at], begin, end))
    return parts


def _document(parts: Sequence[tuple[PageText, int, int]], locator: str, id: str, about: dict[str, Any]) -> Document:
    pieces: list[str] = []
    table = []
    size = 0
    joint = ""
    for page, begin, end in parts:
        body = page.text[begin:end]
        body = (body.lstrip() if begin else body).rstrip()
        if body:
            if size:
                pieces.append(joint)
                size += len(joint)
            joint = page.join if end == len(page.text) else "\n\n"
        elif size:
            joint = max(joint, page.join, key=len)
        table.append(_entry(page, size if body or not size else size + len(joint)))
        pieces.append(body)
        size += len(body)
    for entry in table:
        entry["start"] = min(entry["start"], size)
    made = new_document("".join(pieces), locator, id, **{**about, PAGES: table})
    if not size:
        made.metadata[EXCLUDED] = "no_text"
    return made


def _entry(page: PageText, start: int) -> dict[str, Any]:
    entry: dict[str, Any] = {"page": page.label or str(page.number), "start": start, "origin": page.origin, "kind": page.kind}
    if page.confidence is not None:
        entry["confidence"] = round(page.confidence, 2)
    return entry
