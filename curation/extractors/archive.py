"""Files inside a zip that a stranger made, read without unpacking anything to disk, in bounded time and memory.

Python's zipfile does the format; what is added is what it trusts: the size of the directory (one object an entry, so a file of nothing but directory fills the
memory), sizes and ratios of entries, entries that lie over one another (the 42 kB that unpack to 5 GB of David Fifield's "A better zip bomb", 2019;
Python 3.11.7 unpacks them), links, and names that lead out of the archive.
"""

from __future__ import annotations

import contextlib
import posixpath
import re
import stat
import struct
import zipfile
import zlib
from typing import IO
from urllib.parse import unquote

from curation.errors import DollmaError

MAX_DIRECTORY = 8 << 20
"""Bytes of a zip's directory: some 90,000 entries. A book of 10,000 chapters has 1 MB of it."""
MAX_ENTRIES = 65_535
"""Entries of a zip, what the format counts to without its 64-bit extension; with the directory's limit, 60 MB of memory."""
MAX_PART = 64 << 20
"""Bytes of one file of a book. The longest chapter known here has 3 MB, the document.xml of a thesis of 1,000 pages 30 MB."""
MAX_RATIO = 200
"""Bytes out per byte in. Text gives 3 to 5, Office XML 10 to 40, deflate at most 1,032."""
RATIO_FROM = 1 << 20
"""Bytes below which a ratio proves nothing: a megabyte of spaces hurts nobody."""
_PIECE = 1 << 18
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_ESCAPES = re.compile(r"[/\\]|[A-Za-z]:|\.\.(?:[/\\]|$)")
_BAD = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    ValueError,
    RuntimeError,
    OverflowError,
    KeyError,
)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_KINDS = (
    (b"PK\x03\x04", "a zip"),
    (b"PK\x05\x06", "a zip"),
    (b"%PDF-", "a PDF"),
    (OLE, "an Office file of before 2007, or one under a password"),
    (b"{\\rtf", "an RTF"),
    (b"AT&TFORM", "a DjVu"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"<", "XML or HTML"),
)


class ArchiveError(DollmaError):
    """A zip, or one file of it, that cannot be read.

    `reason`: of the whole, `empty`, `mismatch` (no zip), `truncated`, `corrupt`, `bomb`, `too_long`; of one file also `missing`, `encrypted`, `link`,
    `compression` (neither stored nor deflated) and `outside` (an address that leads out of the archive).
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Archive:
    """A zip open for reading. `max_bytes` bounds what is unpacked of it in all. Raises ArchiveError; the file stays the caller's to close."""

    def __init__(self, raw: IO[bytes], max_bytes: int) -> None:
        self.left = self.max_bytes = max_bytes
        raw.seek(0)
        head = raw.read(8)
        if what := mismatch(head, "a zip"):
            raise ArchiveError("empty" if not head else "mismatch", what)
        size = raw.seek(0, 2)
        try:
            self._zip = zipfile.ZipFile(_Guarded(raw))
        except _BAD as error:
            reason = "truncated" if "not a zip file" in str(error) else "corrupt"
            raise ArchiveError(reason, f"its directory, which ends a zip, cannot be read ({error}): get the file again") from error
        entries = self._zip.infolist()
        if len(entries) > MAX_ENTRIES:
            raise ArchiveError("bomb", f"{len(entries)} files in one zip, more than {MAX_ENTRIES}")
        if sum(entry.compress_size + 30 for entry in entries) > size:
            raise ArchiveError(
                "bomb", f"its {len(entries)} files lie over one another: together they claim more than the {size} bytes there are"
            )
        self._entries = {
            _spelt(entry): entry for entry in entries if not entry.is_dir() and not _ESCAPES.match(posixpath.normpath(entry.filename))
        }
        self._folded = {name.casefold(): entry for name, entry in self._entries.items()}

    @property
    def names(self) -> list[str]:
        """Its files, as they are spelt inside, in the order of the directory."""
        return list(self._entries)

    def __contains__(self, path: str) -> bool:
        return self._find(path) is not None

    def _find(self, path: str) -> zipfile.ZipInfo | None:
        return self._entries.get(path) or self._folded.get(path.casefold()) or self._folded.get(unquote(path).casefold())

    def read(self, path: str) -> bytes:
        """One file of it. Of two of one name the later counts, as for other programs; case is looked past where it leads nowhere else."""
        entry = self._find(path)
        if entry is None:
            raise ArchiveError("missing", f"{path} is not in the archive")
        if fault := _fault(entry):
            raise ArchiveError(*fault)
        if entry.file_size > self.left:
            raise ArchiveError("too_long", f"{path}: with it over {self.max_bytes} bytes would be unpacked (max_bytes)")
        self.left -= entry.file_size
        try:
            with self._zip.open(entry) as file:
                pieces = []
                while piece := file.read(_PIECE):  # never more than the directory says, and it checks the sum at the end
                    pieces.append(piece)
        except _BAD as error:
            reason = "truncated" if isinstance(error, EOFError) else "corrupt"
            raise ArchiveError(reason, f"{path}: {error or 'ends too early'}: get the file again") from error
        return b"".join(pieces)


class _Guarded:
    """A file that gives no more at once than a zip's directory may hold: zipfile reads the directory in one piece."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw, self.tell = raw, raw.tell

    def seek(self, offset: int, whence: int = 0) -> int:
        if whence == 0 and offset < 0:
            raise zipfile.BadZipFile("an address before the beginning of the file")
        return self._raw.seek(offset, whence)

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._raw.read(MAX_DIRECTORY + 1 if size < 0 else size) if size <= MAX_DIRECTORY else b""
        if size > MAX_DIRECTORY or len(data) > MAX_DIRECTORY:
            raise ArchiveError("bomb", f"the zip's directory has over {MAX_DIRECTORY} bytes")
        return data


def mismatch(head: bytes, wanted: str) -> str:
    """What a file that begins so is instead of `wanted`, in words for a person; `` where it is that."""
    if not head:
        return "the file is empty"
    kind = next((kind for magic, kind in _KINDS if head.startswith(magic)), "")
    return "" if kind == wanted else f"the file is {kind or 'of an unknown kind'}, not {wanted}: rename it by what it is, or get it again"


def resolve(folder: str, address: str) -> tuple[str, str]:
    """(path in the archive, fragment) of an address that stands in a file of `folder`. Raises ArchiveError `outside`."""
    place, _, fragment = address.strip().partition("#")
    if _SCHEME.match(place) or place.startswith(("//", "\\\\")):
        raise ArchiveError("outside", f"{address[:200]} is not in the archive, and nothing outside of it is read")
    path = posixpath.normpath(posixpath.join("/", folder, unquote(place).replace("\\", "/")))
    depth = 0
    for part in posixpath.join(folder, unquote(place).replace("\\", "/")).split("/"):
        depth += {"": 0, ".": 0, "..": -1}.get(part, 1)
        if depth < 0:
            raise ArchiveError("outside", f"{address[:200]} leads out of the archive, and nothing outside of it is read")
    return path.lstrip("/"), unquote(fragment)


def _spelt(entry: zipfile.ZipInfo) -> str:
    """Its name. Many programs write UTF-8 and do not say so, and zipfile then takes it for the letters of MS-DOS."""
    name = entry.filename
    if not entry.flag_bits & 0x800 and not name.isascii():
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return posixpath.normpath(name.replace("\\", "/"))


def _fault(entry: zipfile.ZipInfo) -> tuple[str, str] | None:
    """Why one entry is not read: (reason, message)."""
    name, size = entry.filename, entry.file_size
    if entry.flag_bits & 0x41:
        return "encrypted", f"{name} is under a password: take it off and try again"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "link", f"{name} is a link, and links in archives are not followed"
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "compression", f"{name} is packed by method {entry.compress_type}; books use 0 (stored) and 8 (deflate)"
    if size > RATIO_FROM and size > MAX_RATIO * entry.compress_size:
        return "bomb", f"{name} unpacks to {size} bytes, over {MAX_RATIO} times what it takes"
    if size > MAX_PART:
        return "too_long", f"{name} unpacks to {size} bytes, more than the {MAX_PART} that one file of a book may have"
    return None
