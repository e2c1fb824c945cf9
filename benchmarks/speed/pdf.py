"""Pages a second of PDFs with a text layer, on one core: our reader, layout included, beside the plain text of the two libraries.

    OMP_THREAD_LIMIT=1 python -m benchmarks.speed.pdf FOLDER

CPU time (user and system) counts, that of the process that opens the files included. Files without a text layer are left out: their time is OCR's.
"""

from __future__ import annotations

import argparse
import resource
from collections.abc import Callable
from pathlib import Path

import pymupdf
import pypdfium2

from curation.document import PAGES, Failure
from curation.extractors.pdf import Backend
from curation.extractors.pdf.process import end_idle
from curation.readers.base import InputFile, Split
from curation.readers.pdf import PdfReader


def cpu_seconds() -> float:
    """User and system time of this process and of those it started that have ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def by_reader(backend: Backend) -> Callable[[Path], int]:
    """Our reader, without OCR."""
    reader = PdfReader(backend=backend, ocr=None)

    def pages(path: Path) -> int:
        items = list(reader.read(Split(InputFile(str(path), path.name, path.stat().st_size))))
        return sum(len(item.metadata[PAGES]) for item in items if not isinstance(item, Failure))

    return pages


def by_pymupdf(path: Path) -> int:
    """MuPDF's plain text."""
    with pymupdf.open(path) as document:
        return sum(1 for page in document if page.get_text() is not None)


def by_pdfium(path: Path) -> int:
    """PDFium's plain text."""
    document = pypdfium2.PdfDocument(path)
    count = sum(1 for page in document if page.get_textpage().get_text_range() is not None)
    document.close()
    return count


WAYS: dict[str, Callable[[Path], int]] = {
    "reader, pymupdf": by_reader("pymupdf"),
    "reader, pdfium": by_reader("pdfium"),
    "pymupdf, plain text": by_pymupdf,
    "pdfium, plain text": by_pdfium,
}


def measured(way: Callable[[Path], int], paths: list[Path]) -> tuple[int, float]:
    """(pages, CPU seconds)."""
    end_idle()
    before = cpu_seconds()
    pages = sum(way(path) for path in paths)
    end_idle()
    return pages, cpu_seconds() - before


def main() -> None:
    """Prints a table of the ways, and our reader's pages a second for each file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder of PDF files")
    folder = parser.parse_args().folder
    found = sorted(folder.rglob("*.pdf"))
    if not found:
        parser.error(f"{folder}: no PDF files below it")
    reader = by_reader("pymupdf")
    reader(min(found, key=lambda path: path.stat().st_size))  # compiles the lexicon's kernels
    paths = [path for path in found if reader(path)]
    print(f"{len(paths)} files with a text layer, {len(found) - len(paths)} without")
    for name, way in WAYS.items():
        pages, seconds = measured(way, paths)
        print(f"{name:20} {pages:6} pages {seconds:7.1f} s {pages / seconds:7.1f} pages/s")
    slowest = sorted((pages / seconds, path.name) for path in paths for pages, seconds in [measured(reader, [path])])
    print("slowest files (each with a process of its own):", ", ".join(f"{name} {speed:.0f}" for speed, name in slowest[:8]))


if __name__ == "__main__":
    main()
