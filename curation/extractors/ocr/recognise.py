"""From a picture of a page to its words."""

from __future__ import annotations

from functools import partial
from statistics import median

import numpy as np

from curation.extractors.ocr.cache import cached, page_key
from curation.extractors.ocr.extras import Image, check_extras
from curation.extractors.ocr.formulas import reread_formulas
from curation.extractors.ocr.gaps import with_gaps
from curation.extractors.ocr.hocr import ReadLine
from curation.extractors.ocr.images import Prepared, prepare, to_grey
from curation.extractors.ocr.marks import restore_marks
from curation.extractors.ocr.minus import with_minus
from curation.extractors.ocr.narrow import lexicon_of, with_narrow_letters
from curation.extractors.ocr.options import OcrOptions
from curation.extractors.ocr.rows import with_whole_rows
from curation.extractors.ocr.scripts import read_best_script
from curation.extractors.ocr.tesseract import run_tesseract
from curation.extractors.page import Line, Page, Word


def recognise(image: Image.Image, options: OcrOptions, number: int = 1) -> Page:
    """The words of a page, in Tesseract's reading order, with boxes in pixels of the image.

    A crooked page is straightened about its middle first: boxes are then those of the straight page, so that lines are level; a note of the page says by how much.

    A page that was read before, with the same options and the same Tesseract, comes from the cache (`page_cache`).
    Raises OcrError for a page that can't be read, and DollmaError, naming the Debian package, where Tesseract or a language is missing.
    """
    check_extras()
    grey = to_grey(image, options.max_pixels)
    return cached(page_key(grey, options), number, lambda: _read(grey, options))


def _read(grey: np.ndarray, options: OcrOptions) -> Page:
    page = prepare(grey, deskew=options.deskew)
    run = partial(run_tesseract, binarise=options.binarise, timeout=options.timeout, memory=options.memory)
    script, lines = read_best_script(page.grey, options.languages, run)
    lines = with_whole_rows(lines)
    if options.formulas and lines:
        lines = reread_formulas(page.grey, lines, partial(run, languages=options.formulas, mode=6))
    if options.marks and lines:
        lines = restore_marks(page.grey, lines, partial(run, languages=options.languages[script], mode=6))
        lexicon = lexicon_of(options.languages[script])
        lines = with_narrow_letters(page.grey, lines, lexicon) if lexicon else lines
    lines = [with_gaps(with_minus(line)) for line in lines]
    height, width = grey.shape
    notes = (f"straightened by {page.angle:.2f} degrees",) if page.angle else ()
    return Page(0, width, height, tuple(_line(line, page) for line in lines), "ocr" if lines else "none", script=script, notes=notes)


def _line(line: ReadLine, page: Prepared) -> Line:
    words = []
    for word in line.words:
        (x0, y0), (x1, y1) = page.back(*word.box[:2]), page.back(*word.box[2:])
        words.append(Word(word.text, x0, y0, x1, y1, word.confidence))
    return Line(tuple(words), float(median(word.y1 - word.y0 for word in words)), line.block)
