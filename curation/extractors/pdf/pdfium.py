"""PDFium's view of a PDF."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as c

from curation.extractors.pdf.raw import HIDDEN_IMAGE_SHARE, WORD_LIMIT, PdfError, RawPage, RawWord

HYPHENS = (2, 0xFFFE)
"""What PDFium makes of a hyphen at the end of a line."""
OUTLINE_LIMIT = 10_000
"""Entries of an outline that are read."""
OUTLINE_DEPTH = 8
OBJECT_LIMIT, FORM_LIMIT = 20_000, 100
"""Objects of a page, and of each form on it, among which images are looked for."""
INK_DPI = 24
SPACE = frozenset((9, 10, 12, 13, 32, 0xA0, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200A, 0x202F))
LINE_END = frozenset((10, 13))


class Pdfium:
    """A PDF opened by PDFium. Raises PdfError `encrypted` or `corrupt`."""

    def __init__(self, path: str) -> None:
        try:
            self._document = pdfium.PdfDocument(path)
        except pdfium.PdfiumError as error:
            if c.FPDF_GetLastError() == c.FPDF_ERR_PASSWORD or "assword" in str(error):
                raise PdfError("encrypted", "it can be opened by a password only") from error
            raise PdfError("corrupt", f"it is no PDF that can be opened: {error}") from error

    def info(self) -> dict[str, Any]:
        """Number of pages, title, author and outline as (level, title, page from 0)."""
        about = self._document.get_metadata_dict()
        outline = list(self._outline())
        return {"pages": len(self._document), "title": about.get("Title"), "author": about.get("Author"), "outline": outline}

    def _outline(self) -> Iterator[tuple[int, str, int]]:
        for count, entry in enumerate(self._document.get_toc(max_depth=OUTLINE_DEPTH)):
            if count >= OUTLINE_LIMIT:
                return
            target = entry.get_dest()
            page = target.get_index() if target is not None else None
            if page is not None and 0 <= page < len(self._document):
                yield entry.level + 1, entry.get_title(), page

    def page(self, number: int) -> RawPage:
        """The text layer of one page."""
        page = self._document[number]
        try:
            width, height = page.get_size()
            words = _words(page, width, height)
            image = _image_share(page, width * height)
            hidden = _hidden_share(page) if words and image >= HIDDEN_IMAGE_SHARE else 0.0
            ink = bool(words) or _ink(page)
        finally:
            page.close()
        return RawPage(width, height, words, image, hidden, ink)

    def render(self, number: int, dpi: float) -> tuple[int, int, bytes]:
        """The page as it is shown, in grey."""
        page = self._document[number]
        try:
            image = page.render(scale=dpi / 72, grayscale=True, may_draw_forms=False).to_pil().convert("L")
        finally:
            page.close()
        return image.width, image.height, image.tobytes()


def _words(page: Any, width: float, height: float) -> list[RawWord]:
    text = page.get_textpage()
    try:
        points = [c.FPDFText_GetUnicode(text.raw, at) for at in range(c.FPDFText_CountChars(text.raw))]
        box_of = _boxes(text.raw, page)
        words: list[RawWord] = []
        for start, stop, line in _spans(points):
            box = box_of(start, stop - 1)
            if box is None or not (box[2] > 0 and box[0] < width and box[3] > 0 and box[1] < height):
                continue  # off the page
            words.append(RawWord(_text(points[start:stop]), *box, 0, line))
            if len(words) > WORD_LIMIT:
                raise PdfError("large", f"it has more than {WORD_LIMIT} words")
    finally:
        text.close()
    return words


def _spans(points: list[int]) -> Iterator[tuple[int, int, int]]:
    """(first character, end, line) of each word."""
    start = line = 0
    for at, point in enumerate(points):
        if point in SPACE:
            if at > start:
                yield start, at, line
            start = at + 1
            line += point in LINE_END
        elif point in HYPHENS:  # PDFium writes no line end behind it
            yield start, at + 1, line
            start, line = at + 1, line + 1
    if len(points) > start:
        yield start, len(points), line


def _text(points: list[int]) -> str:
    text = "".join("-" if point in HYPHENS else chr(point) for point in points)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _boxes(text: Any, page: Any) -> Callable[[int, int], tuple[float, float, float, float] | None]:
    """A function that gives the box around two characters of a text page, of their font's height, y downwards, as the page is shown."""
    box = c.FS_RECTF()
    reference = ctypes.byref(box)
    left, bottom, right, top = page.get_cropbox()
    turns = page.get_rotation() // 90

    def box_of(first: int, last: int) -> tuple[float, float, float, float] | None:
        if not c.FPDFText_GetLooseCharBox(text, first, reference):
            return None
        x0, x1, y0, y1 = box.left, box.right, box.bottom, box.top
        if last != first and c.FPDFText_GetLooseCharBox(text, last, reference):
            x0, x1, y0, y1 = min(x0, box.left), max(x1, box.right), min(y0, box.bottom), max(y1, box.top)
        return _turned(x0 - left, top - y1, x1 - left, top - y0, turns, right - left, top - bottom)

    return box_of


def _turned(x0: float, y0: float, x1: float, y1: float, turn: int, width: float, height: float) -> tuple[float, float, float, float]:
    """A box of a page of this size after so many quarter turns clockwise."""
    for _ in range(turn):
        x0, y0, x1, y1 = height - y1, x0, height - y0, x1
        width, height = height, width
    return x0, y0, x1, y1


def _image_share(page: Any, area: float) -> float:
    shares = (abs((x1 - x0) * (y1 - y0)) / (area or 1.0) for x0, y0, x1, y1 in _images(page))
    return min(max(shares, default=0.0), 1.0)


def _images(page: Any) -> Iterator[tuple[float, ...]]:
    """Boxes of the images of a page, and of the forms that may hold one: those inside forms count as their form.

    pypdfium2's own `get_objects` takes 30 ms for a page of a law code, longer than all else.
    """
    edges = [ctypes.c_float() for _ in range(4)]
    for at in range(min(c.FPDFPage_CountObjects(page.raw), OBJECT_LIMIT)):
        item = c.FPDFPage_GetObject(page.raw, at)
        if c.FPDFPageObj_GetType(item) == c.FPDF_PAGEOBJ_FORM:
            inner = (c.FPDFFormObj_GetObject(item, i) for i in range(min(c.FPDFFormObj_CountObjects(item), FORM_LIMIT)))
            if not any(c.FPDFPageObj_GetType(part) == c.FPDF_PAGEOBJ_IMAGE for part in inner):
                continue
        elif c.FPDFPageObj_GetType(item) != c.FPDF_PAGEOBJ_IMAGE:
            continue
        if c.FPDFPageObj_GetBounds(item, *(ctypes.byref(edge) for edge in edges)):
            yield tuple(edge.value for edge in edges)


def _hidden_share(page: Any) -> float:
    modes = [c.FPDFTextObj_GetTextRenderMode(item.raw) for item in page.get_objects(filter=[c.FPDF_PAGEOBJ_TEXT], max_depth=3)]
    return sum(mode == c.FPDF_TEXTRENDERMODE_INVISIBLE for mode in modes) / max(len(modes), 1)


def _ink(page: Any) -> bool:
    grey = page.render(scale=INK_DPI / 72, grayscale=True).to_pil().convert("L")
    darkest, lightest = grey.getextrema()
    return bool(darkest != lightest)
