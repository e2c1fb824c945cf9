"""A PDF file, read through a process that may die.

To start Python and import a library takes 0.2 seconds of CPU time, as long as ten pages. So the process of a short book is kept for the next one; where a
page breaks in such a process it is read again in a fresh one, so that what was read before changes nothing.
"""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from types import TracebackType
from typing import Any, NamedTuple

import orjson

from curation.errors import DollmaError
from curation.extractors.pdf.raw import BACKENDS, Backend, PdfError, RawPage, RawWord

ENDINGS = {signal.SIGPROF: "timeout", signal.SIGALRM: "timeout", signal.SIGKILL: "memory"}
"""Why a process ended, by the signal that ended it: its own clocks, or the system when memory ran out. Any other is a crash."""
REPLY_LIMIT = 256 << 20
"""Bytes of the longest answer: a page of a million words, some thousand times a full one."""


KEPT_PAGES = 200
"""Pages after which a process is not kept: libraries lose memory over the pages."""
_idle: dict[tuple[int, int], tuple[subprocess.Popen[bytes], int]] = {}
"""A process without a book, and the pages that it has read, by the process that started it and its memory limit."""


class Chapter(NamedTuple):
    """An entry of a PDF's outline; its page is counted from 0."""

    level: int
    title: str
    page: int


@dataclass(frozen=True, slots=True)
class PdfInfo:
    """What a PDF says of itself."""

    pages: int
    title: str | None
    author: str | None
    outline: tuple[Chapter, ...]


class PdfFile:
    """An open PDF. `info` raises PdfError where it cannot be read at all; `page` and `render` raise it for one page, and the next can be asked.

    `timeout` is in seconds of CPU time a page, `memory` in bytes. Raises DollmaError where the backend's package is not installed.
    """

    def __init__(self, path: str, backend: Backend = "pymupdf", timeout: float = 30.0, memory: int = 2 << 30) -> None:
        package = BACKENDS[backend]
        if find_spec(package) is None:
            other = "pypdfium2" if package == "pymupdf" else "pymupdf"
            raise DollmaError(
                f"the reader pdf needs the Python package {package} for its backend {backend}: pip install 'dollma[books]'"
                f" (or {other} and its backend: {'pdfium' if other == 'pypdfium2' else 'pymupdf'})"
            )
        self._path, self._backend, self._timeout, self._memory = path, backend, timeout, memory
        self._child: subprocess.Popen[bytes] | None = None
        self._used = False
        self._pages = 0

    def __enter__(self) -> PdfFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file, and ends its process or leaves it to the next file."""
        child, self._child = self._child, None
        key = (os.getpid(), self._memory)
        if child is None:
            return
        if self._pages < KEPT_PAGES and key not in _idle:
            _idle[key] = child, self._pages
        else:
            _end(child)

    def info(self) -> PdfInfo:
        """Opens the file."""
        reply = self._ask({"do": "info"})
        outline = tuple(Chapter(level, title, page) for level, title, page in reply["outline"])
        return PdfInfo(reply["pages"], reply["title"], reply["author"], outline)

    def page(self, number: int) -> RawPage:
        """The text layer of a page, counted from 1."""
        width, height, words, *rest = self._ask({"do": "page", "number": number - 1})["page"]
        return RawPage(width, height, [RawWord(*word) for word in words], *rest)

    def render(self, number: int, dpi: float) -> tuple[int, int, bytes]:
        """Width, height and grey bytes of a page, counted from 1."""
        reply = self._ask({"do": "render", "number": number - 1, "dpi": dpi})
        return reply["width"], reply["height"], reply["data"]

    def _ask(self, request: dict[str, Any]) -> Any:
        """The answer. Where the process ends over it, one that had other books before is replaced and asked again."""
        try:
            return self._asked(request)
        except PdfError:
            if not self._used:
                raise
        if self._child is not None:
            _end(self._child)
            self._child = None
        return self._asked(request)

    def _asked(self, request: dict[str, Any]) -> Any:
        if self._child is None:
            self._child, self._pages = _idle.pop((os.getpid(), self._memory), (None, 0))
            self._used = self._child is not None
            if self._child is None:
                self._child = self._started()
            self._send({"do": "open", "path": self._path, "backend": self._backend})
        self._pages += 1
        return self._send(request)

    def _started(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "curation.extractors.pdf.child", str(self._memory)]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # noqa: S603

    def _send(self, request: dict[str, Any]) -> Any:
        child = self._child
        if child is None or child.stdin is None or child.stdout is None:
            raise PdfError("crash", "the process that reads it is gone")
        try:
            child.stdin.write(orjson.dumps({**request, "seconds": self._timeout}) + b"\n")
            child.stdin.flush()
            line = child.stdout.readline(REPLY_LIMIT)
            reply = orjson.loads(line) if line.endswith(b"\n") else None
            if reply and "bytes" in reply:
                reply["data"] = child.stdout.read(reply["bytes"])
        except (BrokenPipeError, orjson.JSONDecodeError):
            reply = None
        if reply is None:
            raise self._death(child)
        if "reason" in reply:
            raise PdfError(reply["reason"], reply["message"])
        return reply

    def _death(self, child: subprocess.Popen[bytes]) -> PdfError:
        _end(child)
        self._child = None
        code = -(child.returncode or 0)
        reason = ENDINGS.get(signal.Signals(code), "crash") if code in signal.valid_signals() else "crash"
        messages = {
            "timeout": f"it takes more than {self._timeout:g} seconds of CPU time; raise `timeout` if it is worth it",
            "memory": f"it takes more than {self._memory >> 20} MiB; raise `memory` if it is worth it",
            "crash": f"{BACKENDS[self._backend]} broke off over it (exit status {child.returncode}); try the other backend",
        }
        return PdfError(reason, messages[reason])


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.communicate()


@atexit.register
def end_idle() -> None:
    """Ends the processes that wait for a next book."""
    for key in [key for key in _idle if key[0] == os.getpid()]:
        _end(_idle.pop(key)[0])
