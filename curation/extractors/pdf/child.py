"""The process that opens a PDF: whatever the library does in it, crash, hang or take all memory, costs one page and not the book.

It reads one JSON request a line, and answers with a line of JSON; an image's bytes follow their line. Its limits are its own: memory by
RLIMIT_AS, and for each page CPU time (ITIMER_PROF) and time (ITIMER_REAL) by signals whose default action ends the process, even inside
a library's loop.
"""

from __future__ import annotations

import resource
import signal
import sys
from collections.abc import Callable
from typing import Any

import orjson

from curation.extractors.pdf.raw import Library, PdfError

PATIENCE = 20
"""Times the CPU limit that a page may take by the clock: so busy a machine is broken."""


def library_of(backend: str) -> Callable[[str], Library]:
    """What opens a file by this backend. Loading it takes a second on a busy machine, for which no book is to pay."""
    if backend == "pymupdf":
        from curation.extractors.pdf.pymupdf import PyMuPdf  # noqa: PLC0415  (only the library that is asked for need be installed)

        return PyMuPdf
    from curation.extractors.pdf.pdfium import Pdfium  # noqa: PLC0415

    return Pdfium


def limit_memory(size: int) -> None:
    """No more address space than this from now on."""
    if hasattr(resource, "RLIMIT_AS"):
        resource.setrlimit(resource.RLIMIT_AS, (size, size))


def limit_time(seconds: float) -> None:
    """Ends this process after so much CPU time; 0 takes the limit back."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, seconds * PATIENCE)


def answer(library: Library, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """What a request asks, and the bytes that follow it."""
    if request["do"] == "info":
        return library.info(), b""
    if request["do"] == "page":
        return {"page": library.page(request["number"])}, b""
    width, height, grey = library.render(request["number"], request["dpi"])
    return {"width": width, "height": height, "bytes": len(grey)}, grey


def main() -> None:
    """Serves requests until its input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-C is the parent's business
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    limit_memory(int(sys.argv[1]))
    library: Library | None = None
    for line in sys.stdin.buffer:
        request = orjson.loads(line)
        opened = library_of(request["backend"]) if request["do"] == "open" else None
        limit_time(request["seconds"])
        reply: dict[str, Any] = {}
        data = b""
        try:
            if opened:
                library = None  # two books at a time are more than the memory limit is for
                library = opened(request["path"])
            elif library is not None:
                reply, data = answer(library, request)
            else:
                reply = {"reason": "corrupt", "message": "it could not be opened"}
        except PdfError as error:
            reply = {"reason": error.reason, "message": str(error)}
        except MemoryError:
            reply = {"reason": "memory", "message": "it takes more memory than is allowed"}
        except Exception as error:  # a library raises what it likes; the parent is told
            reply = {"reason": "memory" if "malloc" in str(error) else "page", "message": f"{type(error).__name__}: {error}"[:300]}
        finally:
            limit_time(0)
        sys.stdout.buffer.write(orjson.dumps(reply, default=list) + b"\n")
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
