"""DjVu files, read through the programs of DjVuLibre, each run over one page in a process of its own under limits of time, memory and output."""

from __future__ import annotations

import math
import os
import re
import resource
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from curation.errors import DollmaError
from curation.extractors.djvu_text import DjvuError, expression, turned, unquoted, words_of
from curation.extractors.ocr.extras import Image
from curation.extractors.pdf.raw import RawPage, RawWord

PROGRAMS = ("djvused", "ddjvu")
ANSWER = 32 << 20
"""Bytes of the longest answer but for pictures: a page of `WORD_LIMIT` words, each with its box, has 6 million."""
PATIENCE = 4
"""Seconds by the clock for each second of the processor: a program may also wait for what never comes (djvused does, when its memory is used up at the start)."""
PAGE_BYTES = 256 << 20
"""Bytes of the longest file of one page that is searched for the chunk `NDIR`."""
LEAST_INCHES = 2.5
"""Pages that would be narrower than this at the resolution that they claim, claim a wrong one: it is not used to make them smaller."""
MESSAGE = 200
_SIZE = re.compile(rb"width=(\d{1,6}) height=(\d{1,6})(?: rotation=([0-3]))?")
_DPI = re.compile(rb"INFO \[\d+\].*?(\d+) dpi")
_PAGE = re.compile(r"^ *(\d+) P +\d+ +(.*?)(?: T=.*)?$", re.MULTILINE)
_META = re.compile(rb'^(\w+)\t"((?:[^"\\]++|\\.)*+)"$', re.MULTILINE)
_OUT_OF_MEMORY = re.compile(rb"out of memory|bad_alloc|cannot allocate|memory_?(?:full|exhausted)", re.IGNORECASE)


class Entry(NamedTuple):
    """A first-level entry of the outline; its page is counted from 1."""

    title: str
    page: int


@dataclass(frozen=True, slots=True)
class DjvuInfo:
    """What a file says of itself."""

    pages: int
    title: str | None
    author: str | None
    outline: tuple[Entry, ...]


class DjvuPage(NamedTuple):
    """A page's text layer, its size in pixels (those of the upright page), and the resolution that it claims."""

    raw: RawPage
    dpi: int
    fault: DjvuError | None = None
    """Why the text layer cannot be read, where it is broken and the rest of the page may not be."""


def check_programs() -> None:
    """Raises DollmaError, naming the Debian package, where a program of DjVuLibre is missing."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        raise DollmaError(
            f"the reader djvu needs the program {' and '.join(missing)}, which is not on the PATH. Debian and Ubuntu: apt-get install djvulibre-bin"
        )


@dataclass(frozen=True, slots=True)
class DjvuFile:
    """A DjVu file in a folder of its own, so that what it names beside itself is not there. `timeout` is in whole seconds of CPU time a run, `memory` in bytes.

    Making one raises DjvuError `empty`, `corrupt`, `truncated`, or `outside` for an index whose pages are files of their own.
    """

    path: Path
    timeout: int = 30
    memory: int = 1 << 30
    cut: bool = field(init=False, default=False)
    """Whether the file ends before the place that its header tells."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "cut", _checked(self.path))

    def info(self) -> DjvuInfo:
        """Number of pages, title, author and outline; the last three are left out where they cannot be read."""
        count = self._djvused("n").strip()
        if not count.isdigit():
            raise self._broken("it does not tell how many pages it has")
        pages = int(count[:9])
        if not pages:
            raise DjvuError("empty", "it has no pages")
        about = self._about("print-meta") or self._about("select 1; print-meta")
        return DjvuInfo(pages, about.get("title"), about.get("author"), tuple(self._outline(pages)))

    def page(self, number: int) -> DjvuPage:
        """The text layer of a page, counted from 1. Whether there is anything on a page without words is not looked at: `ink` is true."""
        said = self._djvused(f"select {number:d}; size; dump")
        size = _SIZE.match(said)
        if size is None:
            raise self._broken("its size is not told")
        width, height, turns = (int(part or 0) for part in size.groups())
        if not width * height:
            raise self._broken(f"it has {width} × {height} pixels")
        dpi = _DPI.search(said)
        words: list[RawWord] = []
        fault = None
        try:
            words = words_of(expression(self._djvused(f"select {number:d}; print-txt")))
        except DjvuError as error:
            if error.reason not in ("corrupt", "truncated"):
                raise
            fault = error
        words = [turned(word, width, height, turns) for word in words]
        if turns % 2:
            width, height = height, width
        return DjvuPage(RawPage(width, height, words, 1.0, 1.0), int(dpi[1]) if dpi else 300, fault)

    def render(self, number: int, page: DjvuPage, dpi: float, max_pixels: int) -> Image.Image:
        """The page in grey, upright, at no more than this resolution, never enlarged, with no more than `max_pixels`."""
        width, height = page.raw.width, page.raw.height
        scale = min(
            1.0, dpi / page.dpi if min(width, height) / page.dpi >= LEAST_INCHES else 1.0, math.sqrt(0.98 * max_pixels / (width * height))
        )
        wide, high = max(int(width * scale), 1), max(int(height * scale), 1)
        command = ["ddjvu", "-format=pgm", f"-page={number:d}", f"-size={wide}x{high}", str(self.path), "-"]
        data = self._run(command, wide * high + 4096)
        head = re.match(rb"P5\s+(\d{1,6})\s+(\d{1,6})\s+255\s", data)
        if head is None or len(data) - head.end() != int(head[1]) * int(head[2]) or int(head[1]) * int(head[2]) == 0:
            raise self._broken("its picture cannot be decoded")
        return Image.frombytes("L", (int(head[1]), int(head[2])), data[head.end() :])

    def _about(self, command: str) -> dict[str, str]:
        try:
            said = self._djvused(command)
        except DjvuError:
            return {}  # a title is no reason to give up a book
        return {key.decode("ascii", "replace").lower(): unquoted(value) for key, value in _META.findall(said)}

    def _outline(self, pages: int) -> Iterator[Entry]:
        try:
            outline = expression(self._djvused("print-outline"))
            names = {name: int(number) for number, name in _PAGE.findall(self._djvused("ls").decode("utf-8", "replace"))}
        except DjvuError:
            return  # nor is an outline: chapters are then found by their headings
        for entry in outline[1:]:
            match entry:
                case [str(title), str(target), *_] if target.startswith("#"):
                    name = target[1:]
                    page = int(name) if re.fullmatch("[0-9]{1,6}", name) else names.get(name, 0)
                    if 0 < page <= pages:
                        yield Entry(title, page)

    def _djvused(self, command: str) -> bytes:
        return self._run(["djvused", "-n", str(self.path), "-e", command], ANSWER)

    def _run(self, command: list[str], limit: int) -> bytes:
        """Standard output of a program. It goes through a file, whose size the kernel limits."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            with subprocess.Popen(  # noqa: S603
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=self.path.parent, env=os.environ | {"LC_ALL": "C.UTF-8"}
            ) as process:
                try:
                    _limit(process.pid, self.timeout, self.memory, limit)
                    status = process.wait(PATIENCE * self.timeout)
                except subprocess.TimeoutExpired:
                    process.kill()
                    status = -signal.SIGXCPU
                except BaseException:
                    process.kill()
                    raise
            out.seek(0)
            err.seek(0)
            if status:
                raise self._fault(command[0], status, err.read(64 << 10))
            return out.read(limit + 1)

    def _fault(self, program: str, status: int, said: bytes) -> DjvuError:
        if status == -signal.SIGXCPU:
            return DjvuError("timeout", f"{program} takes more than {self.timeout} seconds; raise `timeout` if it is worth it")
        if status == -signal.SIGXFSZ:
            return DjvuError("large", f"{program} writes more than a page can have")
        if status == -signal.SIGKILL or _OUT_OF_MEMORY.search(said):
            return DjvuError("memory", f"{program} needs more than {self.memory >> 20} MiB; raise `memory` if it is worth it")
        if status < 0:
            return DjvuError("crash", f"{program} was ended by signal {-status}")
        return self._broken(f"{program} says: {_told(said)}")

    def _broken(self, message: str) -> DjvuError:
        return DjvuError("truncated", f"the file is cut off; {message}") if self.cut else DjvuError("corrupt", message)


def _checked(path: Path) -> bool:
    """Whether the file is cut off. DjVuLibre opens other files for an index (`DIRM` without its first bit) and for pages with a directory of 1998 (`NDIR`)."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(25)
        if not size:
            raise DjvuError("empty", "it has no bytes")
        if not head.startswith(b"AT&TFORM"):
            raise DjvuError("corrupt", "it does not begin as a DjVu file does")
        kind, chunk = head[12:16], head[16:20]
        cut = len(head) < 25 or size < int.from_bytes(head[8:12]) + 12
        if not cut and kind not in (b"DJVU", b"DJVM"):
            raise DjvuError("corrupt", "it is no DjVu document")
        if kind == b"DJVM" and len(head) == 25 and (chunk != b"DIRM" or not head[24] & 0x80):
            raise DjvuError("outside", "its pages are in other files: make one file of them with `djvmcvt -b`")
        file.seek(12)
        if kind == b"DJVU" and b"NDIR" in _chunks(file.read(PAGE_BYTES)):
            raise DjvuError("outside", "it is a page of a book in several files: make one file of them with `djvmcvt -b`")
    return cut


def _chunks(form: bytes) -> set[bytes]:
    """The kinds of the chunks of a form (its kind, then kind, size, data and a byte to make it even)."""
    found, at = set(), 4
    while at + 8 <= len(form):
        found.add(form[at : at + 4])
        size = int.from_bytes(form[at + 4 : at + 8])
        at += 8 + size + size % 2
    return found


def _limit(pid: int, seconds: int, memory: int, output: int) -> None:
    """Limits of the kernel on a program that has only just started."""
    if not hasattr(resource, "prlimit"):
        return
    limits = ((resource.RLIMIT_AS, memory), (resource.RLIMIT_FSIZE, output), (resource.RLIMIT_CORE, 0))
    with suppress(ProcessLookupError):  # it has ended: its exit status says why
        resource.prlimit(pid, resource.RLIMIT_CPU, (seconds, seconds + 1))
        for kind, value in limits:
            resource.prlimit(pid, kind, (value, value))


def _told(said: bytes) -> str:
    """The first line of a program's message."""
    lines = [line.strip(b"* \t") for line in said.splitlines()]
    return re.sub(r"^\[\S+\] ", "", next((line for line in lines if line), b"nothing").decode("utf-8", "replace"))[:MESSAGE]
