"""The body of a Word document as a stream of tags, and what of it is text.

What Word computes when it shows a document is computed here where text depends on it: numbers of paragraphs, ends of pages, which of two versions of a drawing
is shown, which text is deleted or hidden.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from curation.extractors.docx_styles import LEVELS, Numbering, Styles
from curation.extractors.docx_symbols import shown
from curation.extractors.flow import LINE, PARAGRAPH, Flow, Piece

_DELETED = ("w:del", "w:moveFrom", "w:delText", "w:delInstrText")
_CHANGED = ("w:pPrChange", "w:rPrChange", "w:sectPrChange", "w:tblPrChange", "w:trPrChange", "w:tcPrChange", "w:numberingChange")
_UNSEEN = ("mc:Fallback", "w:instrText", "w:rt", "w:sdtPr", "w:sdtEndPr", "w:tblPr", "w:tblGrid")
DROPPED = frozenset((*_DELETED, *_CHANGED, *_UNSEEN))
"""Elements whose content is no text: second versions of drawings, deleted text, codes of fields, what formats were before a change."""
OFF = frozenset(("0", "false", "off"))
_SIGNS = {"w:tab": "\t", "w:ptab": "\t", "w:cr": "\n", "w:noBreakHyphen": "-"}


@dataclass
class _Paragraph:
    style: str = ""
    numbers: str = ""
    level: int = -1
    outline: int = -1
    page_before: bool = False
    page_after: bool = False
    merged: bool = False  # its mark was deleted: it goes on in the next one
    chapter: int = -1
    boxes: list[str] = field(default_factory=list)


class Body:
    """Hears a document, or a part of one with notes."""

    def __init__(self, styles: Styles, numbering: Numbering, notes: Mapping[str, Mapping[str, str]], pages: bool) -> None:
        self.flow = Flow()
        self.contents: set[str] = set()
        self.languages: Counter[str] = Counter()
        self.embedded = 0
        self._styles, self._numbering, self._notes, self._pages = styles, numbering, notes, pages
        self._page = 1
        self._new_page = False  # nothing stands on the page yet
        self._path: list[str] = []
        self._dropping = 0
        self._paragraphs: list[_Paragraph] = []
        self._chapters: list[tuple[int, int]] = []  # (level of the heading, mark)
        self._alternatives: list[bool] = []
        self._kept: list[bool] = []  # text boxes and cells: whether they are apart
        self._rows: list[list[str] | None] = []
        self._text = self._hidden = False
        self._language = self._font = ""
        self._told: dict[tuple[str, str], int] = {}
        if pages:
            self.flow.mark("page", "1")

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """A tag begins."""
        parent = self._path[-1] if self._path else ""
        self._path.append(tag)
        if self._dropping:
            return
        if tag in DROPPED:
            if parent == "w:rPr" and self._paragraphs:
                self._paragraphs[-1].merged |= "w:pPr" in self._path[-3:] and tag in ("w:del", "w:moveFrom")
            if parent == "w:trPr" and self._rows:
                self._rows[-1] = None
            self._dropping = len(self._path)
        elif tag in ("w:t", "m:t"):
            self._text = True
        elif parent in ("w:rPr", "w:pPr", "w:numPr", "w:sectPr"):
            self._format(tag, parent, attributes)
        elif tag in _STARTS:
            _STARTS[tag](self, attributes)
        elif parent == "w:r" and tag in _SIGNS:
            self.flow.line(_SIGNS[tag])

    def _format(self, tag: str, parent: str, attributes: Mapping[str, str]) -> None:
        """Formats that change the text. Those of a run end with it, those of a paragraph wait for its beginning."""
        value = attributes.get("w:val", "")
        on = value not in OFF
        paragraph = self._paragraphs[-1] if self._paragraphs else _Paragraph()
        if parent == "w:rPr" and "w:pPr" not in self._path[-4:]:
            if tag == "w:vanish":
                self._hidden = on
            elif tag == "w:lang":
                self._language = value
            elif tag == "w:rFonts":
                self._font = attributes.get("w:ascii", "")
        elif tag == "w:pStyle":
            paragraph.style = value
        elif tag == "w:pageBreakBefore":
            paragraph.page_before = on
        elif tag == "w:outlineLvl" and value.isdigit():
            paragraph.outline = int(value)
        elif tag == "w:numId":
            paragraph.numbers = value
        elif tag == "w:ilvl" and value.isdigit():
            paragraph.level = int(value)
        elif tag == "w:sectPr":
            paragraph.page_after = True
        elif tag == "w:type" and parent == "w:sectPr":
            paragraph.page_after = value not in ("continuous", "nextColumn")

    def _start_run(self, _: Mapping[str, str]) -> None:
        self._hidden, self._language, self._font = False, "", ""

    def _start_paragraph(self, _: Mapping[str, str]) -> None:
        self._paragraphs.append(_Paragraph())

    def _begin_text(self) -> None:
        """The formats of a paragraph are known: what stands before its text is written."""
        paragraph = self._paragraphs[-1]
        style = self._styles.get(paragraph.style)
        if paragraph.page_before or style.page_before:
            self._break(rendered=False)
        level = paragraph.outline if paragraph.outline >= 0 else style.outline
        if 0 <= level < LEVELS:
            if level == 0:
                self.flow.notes()
            paragraph.chapter = self.flow.mark("chapter", "")
            self._chapters.append((level, paragraph.chapter))
        number = self._numbering.label(paragraph.numbers or style.numbers, paragraph.level if paragraph.level >= 0 else style.level)
        if number:
            self.flow.lead(number + " ")

    def _end_paragraph(self) -> None:
        paragraph = self._paragraphs.pop()
        if not paragraph.merged:
            style = self._styles.get(paragraph.style)
            listed = paragraph.numbers or style.numbers or style.is_contents
            if not listed:
                self.flow.apart()
            text = self.flow.end(LINE if listed else PARAGRAPH)
            self.flow.label(paragraph.chapter, " ".join(text.split())[:500] or None)
            if text and style.is_contents:
                self.contents.update(text.split("\n"))
            self.flow.lead("")
        for box in paragraph.boxes:
            self.flow.block(box)
        if paragraph.page_after:
            self._break(rendered=False)

    def _break(self, rendered: bool) -> None:
        """A page ends: where Word last put the end of one (`rendered`), or where the author did. Word tells of the latter twice."""
        if not self._pages or (rendered and self._new_page):
            return
        self._page += 1
        self._new_page = not rendered
        self.flow.mark("page", str(self._page))

    def _start_break(self, attributes: Mapping[str, str]) -> None:
        if attributes.get("w:type") == "page":
            self._break(rendered=False)
            if not self._pages:
                self.flow.line()
        else:
            self.flow.line()

    def _start_symbol(self, attributes: Mapping[str, str]) -> None:
        code = attributes.get("w:char", "")
        if re.fullmatch("[0-9A-Fa-f]{1,4}", code) and not self._hidden:
            self._write(chr(int(code, 16)), attributes.get("w:font", ""))

    def _start_note(self, kind: str, attributes: Mapping[str, str]) -> None:
        place = (kind, attributes.get("w:id", ""))
        text = self._notes.get(kind, {}).get(place[1])
        if text is None or self._hidden:
            return
        if place not in self._told:  # a note is told once, however many signs lead to it
            self._told[place] = len(self._told) + 1
            self.flow.note(f"[{self._told[place]}] {text}")
        self.flow.add(f"[{self._told[place]}]")

    def _start_choice(self, _: Mapping[str, str]) -> None:
        """Of several versions of a drawing the first is taken."""
        if self._alternatives and self._alternatives[-1]:
            self._dropping = len(self._path)
        elif self._alternatives:
            self._alternatives[-1] = True

    def _start_embedded(self, _: Mapping[str, str]) -> None:
        self.embedded += 1

    def end(self, tag: str) -> None:
        """A tag ends."""
        depth = len(self._path)
        self._path.pop()
        if self._dropping:
            self._dropping = 0 if depth == self._dropping else self._dropping
        elif tag == "w:pPr" and self._paragraphs:
            self._begin_text()
        elif tag in ("w:t", "m:t"):
            self._text = False
        elif tag == "w:p" and self._paragraphs:
            self._end_paragraph()
        elif tag == "mc:AlternateContent":
            self._alternatives.pop()
        elif tag == "w:txbxContent":
            text = self.flow.pop() if self._kept.pop() else ""
            if self._paragraphs:
                self._paragraphs[-1].boxes.append(text)
        elif tag == "w:tc":
            text = self.flow.pop() if self._kept.pop() else ""
            if self._rows and self._rows[-1] is not None:
                self._rows[-1].append(text)
        elif tag == "w:tr":
            self.flow.row(self._rows.pop() or ())
        elif tag == "w:tbl":
            self.flow.end(PARAGRAPH)

    def data(self, text: str) -> None:
        """Text between tags: only in runs is it the document's."""
        if self._text and not self._dropping and not self._hidden:
            self._write(text, self._font)
            self.languages[self._language or self._styles.language] += len(text)

    def _write(self, text: str, font: str) -> None:
        self._new_page &= not text.strip()
        self.flow.add(shown(text, font))

    def close(self) -> None: ...

    def pieces(self) -> list[Piece]:
        """The text, cut where pages and chapters begin. Chapters are headings of one level (`Flow.keep_chapters`)."""
        self.flow.keep_chapters(self._chapters)
        return list(self.flow.pieces())


def _push(body: Body, note: bool) -> None:
    body._kept.append(body.flow.push(note=note))


_STARTS = {
    "w:p": Body._start_paragraph,
    "w:r": Body._start_run,
    "w:br": Body._start_break,
    "w:lastRenderedPageBreak": lambda body, _: body._break(rendered=True),
    "w:sym": Body._start_symbol,
    "w:footnoteReference": lambda body, attributes: body._start_note("footnote", attributes),
    "w:endnoteReference": lambda body, attributes: body._start_note("endnote", attributes),
    "mc:AlternateContent": lambda body, _: body._alternatives.append(False),
    "mc:Choice": Body._start_choice,
    "w:txbxContent": lambda body, _: _push(body, note=True),
    "w:tr": lambda body, _: body._rows.append([]),
    "w:tc": lambda body, _: _push(body, note=False),
    "w:altChunk": Body._start_embedded,
}
