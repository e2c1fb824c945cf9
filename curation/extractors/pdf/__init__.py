"""PDF files as pages of words: two libraries behind one interface, each run in a process of its own.

`pymupdf` (AGPL) is the faster and the more exact one; `pdfium` (through pypdfium2: Apache 2.0 and BSD) is the permissive alternative.
"""

from curation.extractors.pdf.judge import Verdict, judge
from curation.extractors.pdf.process import PdfFile, PdfInfo
from curation.extractors.pdf.raw import BACKENDS, Backend, PdfError, RawPage, RawWord, page_of

__all__ = ["BACKENDS", "Backend", "PdfError", "PdfFile", "PdfInfo", "RawPage", "RawWord", "Verdict", "judge", "page_of"]
