"""MuPDF's view of a PDF."""

from __future__ import annotations

from typing import Any

import pymupdf

from curation.extractors.pdf.raw import HIDDEN_IMAGE_SHARE, WORD_LIMIT, PdfError, RawPage, RawWord

FLAGS = pymupdf.TEXT_MEDIABOX_CLIP | pymupdf.TEXT_PRESERVE_WHITESPACE | pymupdf.TEXT_PRESERVE_IMAGES
"""Text off the page is left out, ligatures are spelt out, and a glyph of unknown meaning is U+FFFD, which tells of a bad font map."""
INVISIBLE = 3
"""PDF text render mode 3: neither fill nor stroke (ISO 32000-1, table 106)."""
INK_DPI = 24


class PyMuPdf:
    """A PDF opened by MuPDF. Raises PdfError `encrypted` or `corrupt`."""

    def __init__(self, path: str) -> None:
        pymupdf.TOOLS.mupdf_display_errors(False)
        pymupdf.TOOLS.mupdf_display_warnings(False)
        pymupdf.TOOLS.set_small_glyph_heights(True)
        try:
            self._document = pymupdf.open(path, filetype="pdf")
        except Exception as error:
            raise PdfError("corrupt", f"it is no PDF that can be opened: {error}") from error
        if self._document.needs_pass:
            raise PdfError("encrypted", "it can be opened by a password only")

    def info(self) -> dict[str, Any]:
        """Number of pages, title, author, outline as (level, title, page from 0) and labels of pages."""
        document = self._document
        count = document.page_count
        about = document.metadata or {}
        outline = [(level, title, page - 1) for level, title, page, *_ in document.get_toc(simple=True) if 0 < page <= count]
        return {"pages": count, "title": about.get("title"), "author": about.get("author"), "outline": outline}

    def page(self, number: int) -> RawPage:
        """The text layer of one page."""
        page = self._document.load_page(number)
        box = page.rect
        text = page.get_textpage(flags=FLAGS)
        turn = page.rotation_matrix if page.rotation else None
        words = [RawWord(word, x0, y0, x1, y1, block, line) for x0, y0, x1, y1, word, block, line, _ in text.extractWORDS()]
        if len(words) > WORD_LIMIT:
            raise PdfError("large", f"it has more than {WORD_LIMIT} words")
        if turn is not None:
            words = [_turned(word, turn) for word in words]
        image = _image_share(text.extractIMGINFO(), box.width * box.height)
        hidden = _hidden_share(page) if words and image >= HIDDEN_IMAGE_SHARE else 0.0
        ink = bool(words) or _ink(page)
        return RawPage(box.width, box.height, words, image, hidden, ink)

    def render(self, number: int, dpi: float) -> tuple[int, int, bytes]:
        """The page as it is shown, in grey."""
        page = self._document.load_page(number)
        pixels = page.get_pixmap(matrix=pymupdf.Matrix(dpi / 72, dpi / 72), colorspace=pymupdf.csGRAY, alpha=False, annots=False)
        return pixels.width, pixels.height, bytes(pixels.samples)


def _turned(word: RawWord, turn: Any) -> RawWord:
    box = pymupdf.Rect(word[1:5]) * turn
    return RawWord(word.text, box.x0, box.y0, box.x1, box.y1, word.block, word.line)


def _image_share(images: list[dict[str, Any]], area: float) -> float:
    boxes = (pymupdf.Rect(image["bbox"]) for image in images)
    return min(float(max((box.width * box.height for box in boxes if not box.is_empty), default=0.0) / (area or 1.0)), 1.0)


def _hidden_share(page: Any) -> float:
    spans = [(span["type"], len(span["chars"])) for span in page.get_texttrace()]
    return sum(size for kind, size in spans if kind == INVISIBLE) / max(sum(size for _, size in spans), 1)


def _ink(page: Any) -> bool:
    pixels = page.get_pixmap(dpi=INK_DPI, colorspace=pymupdf.csGRAY, alpha=False)
    return not pixels.is_unicolor
