"""Pages of words to pages of text: reading order, running heads and page numbers, footnotes, hyphens, paragraphs, contents and indexes.

The same for text layers and for OCR. Pages are worked on as a stream: each needs its neighbours (`margins.REACH`), never the whole book.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from curation.extractors.layout.columns import reading_order
from curation.extractors.layout.headings import CHAPTER_LENGTH, LARGER, chapter_heading
from curation.extractors.layout.hyphens import Words, divided, join, run_on
from curation.extractors.layout.kinds import Kind, kind_of
from curation.extractors.layout.margins import REACH, Margin, margins, running
from curation.extractors.layout.notes import footnotes
from curation.extractors.layout.paragraphs import SIZES, Paragraph, ended, entries, paragraphs, starts_list, starts_small
from curation.extractors.layout.rows import Row, fragments
from curation.extractors.layout.spacing import text_of
from curation.extractors.page import Origin, Page

__all__ = ["Heading", "PageText", "layout", "layout_stream"]


class Heading(NamedTuple):
    """A line that a chapter may begin with, and where it stands in its page's text."""

    start: int
    title: str


@dataclass(frozen=True, slots=True)
class PageText:
    """The text of a page of a book. `label` is what is printed on it, or its number in the file."""

    number: int
    label: str
    text: str
    kind: Kind
    origin: Origin
    confidence: float | None
    join: str
    """White space between it and the next page: none inside a word, a space inside a paragraph, an empty line else."""
    headings: tuple[Heading, ...] = ()
    notes: tuple[str, ...] = field(default=())


class _Seen(NamedTuple):
    page: Page
    rows: list[Row]
    margins: list[Margin]


class _Draft(NamedTuple):
    page: PageText
    first: Paragraph | None
    last: Paragraph | None


def layout(pages: Sequence[Page], lexicon: Words | None) -> list[PageText]:
    """The text of each page, in order."""
    return list(layout_stream(pages, lexicon))


def layout_stream(pages: Iterable[Page], lexicon: Words | None) -> Iterator[PageText]:
    """The same, a page at a time: memory holds the pages near the one that is worked on, and no more."""
    before: _Draft | None = None
    for page, rows, label in _with_neighbours(pages):
        draft = _draft(page, rows, label, lexicon)
        if before is not None:
            yield _joined(before, draft, lexicon)
        before = draft
    if before is not None:
        yield replace(before.page, join="")


def _with_neighbours(pages: Iterable[Page]) -> Iterator[tuple[Page, list[Row], str]]:
    """Each page with the lines that are part of its text, and its printed number: both take the pages around it to find."""
    window: deque[_Seen] = deque()
    at = 0
    for page in pages:
        rows = fragments(page)
        window.append(_Seen(page, rows, margins(rows, page.height)))
        if len(window) - at > REACH:
            yield _settled(window, at)
            at += 1
            if at > REACH:
                window.popleft()
                at -= 1
    while at < len(window):
        yield _settled(window, at)
        at += 1


def _settled(window: Sequence[_Seen], at: int) -> tuple[Page, list[Row], str]:
    page, rows, _ = window[at]
    margin, label = running([(seen.page.number, seen.margins) for seen in window], at)
    outside = {row.words[0] for row in margin}
    text = [row for row in rows if row.words[0] not in outside]
    return page, text or [row for row in rows if any(char.isalpha() for word in row.words for char in word.text)], label


def _draft(page: Page, rows: list[Row], label: str, lexicon: Words | None) -> _Draft:
    size = _usual_size(rows)
    body: list[Paragraph] = []
    notes: list[Paragraph] = []
    columns = [(column, [text_of(row, lexicon) for row in column]) for column in reading_order(rows)]
    kind = kind_of([text for _, texts in columns for text in texts])
    for column, texts in columns:
        if kind != "body":
            body += entries(column, texts, lexicon)
            continue
        at = footnotes(column, size)
        body += paragraphs(column[:at], texts[:at], lexicon)
        notes += paragraphs(column[at:], texts[at:], lexicon)
    body = _across_columns(body, lexicon) if kind == "body" else body
    if body and notes and _goes_on(body[-1]) and len(body) > 1:
        text, headings = _text([*body[:-1], *notes, body[-1]], size, page.height)
    else:
        text, headings = _text([*body, *notes], size, page.height)
    origin: Origin = page.origin if text else "none"
    made = PageText(page.number, label or page.label or str(page.number), text, kind, origin, page.confidence, "\n\n", headings, page.notes)
    return _Draft(made, body[0] if body else None, body[-1] if body else None)


def _usual_size(rows: Sequence[Row]) -> float:
    """The letter height of most letters."""
    sizes: dict[float, int] = {}
    for row in rows:
        key = round(row.size * 2) / 2
        sizes[key] = sizes.get(key, 0) + sum(len(word.text) for word in row.words)
    return max(sizes, key=lambda key: (sizes[key], key)) if sizes else 1.0


def _goes_on(paragraph: Paragraph) -> bool:
    return paragraph.full and not ended(paragraph.text)


def _continues(above: Paragraph, below: Paragraph) -> bool:
    """Whether one paragraph runs on from the foot of a column or page to the top of the next."""
    small = starts_small(below.text)
    if small and divided(above.text):
        return True
    if ended(above.text) or starts_list(below.text) or max(above.size, below.size) > SIZES * min(above.size, below.size):
        return False
    return small or (above.full and above.lines > 1 and not _indented(below))


def _indented(paragraph: Paragraph) -> bool:
    return paragraph.lines > 1 and paragraph.first.x0 - paragraph.last.x0 > 0.8 * paragraph.size


def _across_columns(found: list[Paragraph], lexicon: Words | None) -> list[Paragraph]:
    whole: list[Paragraph] = []
    for paragraph in found:
        above = whole[-1] if whole else None
        if above is not None and paragraph.first.middle < above.last.middle and _continues(above, paragraph):
            text = run_on(above.text, paragraph.text, lexicon)
            whole[-1] = above._replace(text=text, last=paragraph.last, full=paragraph.full, lines=above.lines + paragraph.lines)
        else:
            whole.append(paragraph)
    return whole


def _text(found: Sequence[Paragraph], size: float, height: float) -> tuple[str, tuple[Heading, ...]]:
    text = ""
    headings = []
    for paragraph in found:
        if text:
            text += "\n\n" if paragraph.apart else "\n"
        large = paragraph.size >= LARGER * size and paragraph.first.middle < height / 3 and len(paragraph.text) <= CHAPTER_LENGTH
        if chapter_heading(paragraph.text) or (large and not text and len(found) > 1):
            headings.append(Heading(len(text), paragraph.text))
        text += paragraph.text
    return text, tuple(headings)


def _joined(before: _Draft, after: _Draft, lexicon: Words | None) -> PageText:
    page = before.page
    if before.last is None or after.first is None or not page.text.endswith(before.last.text):
        return page
    if not _continues(before.last, after.first) or {page.kind, after.page.kind} != {"body"}:
        return page
    if divided(page.text):
        return replace(page, text=join(page.text, after.first.text, lexicon), join="")
    return replace(page, join=" ")
