"""From the paths of a recipe to the files of a source."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from glob import has_magic
from pathlib import PurePosixPath
from typing import Any

import fsspec

from curation.errors import DollmaError
from curation.processors import processors
from curation.readers.base import InputFile, Reader
from curation.readers.streams import compression, open_raw

HIDDEN = ("_", ".")
"""Beginnings of names that a folder's reader passes over, as Spark and Hadoop do: `_SUCCESS`, `.cache`."""
HASH_CHUNK = 1 << 20


def find_inputs(patterns: list[str]) -> list[InputFile]:
    """The files that these paths name, sorted by name: files, folders (with all they hold) and patterns (`*`, `?`, `[]`, `**`), on any
    file system of fsspec (`hf://datasets/OWNER/NAME/**/*.parquet` with a network).

    A file's name is its path below the folder, or below the part of the pattern before its first wildcard. In folders and patterns
    what is hidden (`HIDDEN`) is left out, unless the pattern spells it. Raises DollmaError for a path that names no file, and for two
    files of one name.
    """
    found: dict[str, InputFile] = {}
    for pattern in patterns:
        files = list(_matches(pattern))
        if not files:
            raise DollmaError(f"{pattern}: no such file{_nearest(pattern)}")
        for file in files:
            other = found.setdefault(file.name, file)
            if other.path != file.path:
                raise DollmaError(
                    f"two files of one source are called {file.name!r}: {other.path} and {file.path}. "
                    "Name both by one pattern or folder that holds them, or make them two sources"
                )
    return [found[name] for name in sorted(found)]


def _matches(pattern: str) -> Iterator[InputFile]:
    fs, path = _file_system(pattern)
    if fs.isfile(path):
        yield _input_file(fs, fs.info(path), PurePosixPath(path).name)
        return
    if fs.isdir(path):
        root, infos, spelt = path, fs.find(path, detail=True), False
    elif has_magic(path):
        root = _fixed_root(path)
        infos = fs.glob(path, detail=True)
        spelt = any(part.startswith(HIDDEN) for part in PurePosixPath(path[len(root) :].lstrip("/")).parts)
    else:
        return
    for found, info in infos.items():
        name = found[len(root) :].lstrip("/")
        if info["type"] == "file" and (spelt or not any(part.startswith(HIDDEN) for part in PurePosixPath(name).parts)):
            yield _input_file(fs, info, name)


def _file_system(pattern: str) -> tuple[Any, str]:
    try:
        fs, path = fsspec.core.url_to_fs(pattern)
    except (ValueError, ImportError) as error:
        raise DollmaError(f"{pattern}: {error}") from error
    return fs, path.rstrip("/") or "/"


def _fixed_root(path: str) -> str:
    """The folder before the first part with a wildcard."""
    parts = path.split("/")
    return "/".join(parts[: next(i for i, part in enumerate(parts) if has_magic(part))])


def _input_file(fs: Any, info: dict[str, Any], name: str) -> InputFile:
    path = info["name"] if _is_local(fs) else fs.unstrip_protocol(info["name"])
    return InputFile(path, name, info.get("size") or 0)


def _is_local(fs: Any) -> bool:
    return "file" in ((fs.protocol,) if isinstance(fs.protocol, str) else fs.protocol)


def _nearest(pattern: str) -> str:
    """A clause with the folder nearest to the pattern that does exist."""
    fs, path = _file_system(pattern)
    folder = _fixed_root(path) if has_magic(path) else str(PurePosixPath(path).parent)
    if has_magic(path) and fs.isdir(folder or "/"):
        return f" matches in {folder or '/'}. A pattern matches files alone: end it with `/**` to take folders"
    if fs.isdir(path):
        return f" in this folder that is not hidden (names that begin with {' or '.join(HIDDEN)})"
    while folder not in ("", "/", ".") and not fs.exists(folder):
        folder = str(PurePosixPath(folder).parent)
    return f"; the nearest that exists is {folder or '/'}"


def content_identity(file: InputFile, cache: dict[str, str]) -> str:
    """What a fingerprint takes of a file: a hash of its content, or what its remote file system says identifies it (an ETag, mostly).

    `cache` keeps hashes between runs, under path, size, time of change and inode; whoever calls stores it (JSON does).
    """
    fs, path = _file_system(file.path)
    if not _is_local(fs):
        return f"ukey:{fs.ukey(path)}"
    state = os.stat(path)  # noqa: PTH116  (the path is a string of fsspec's)
    key = f"{path}|{state.st_size}|{state.st_mtime_ns}|{state.st_ino}"
    if key not in cache:
        digest = hashlib.blake2b(digest_size=16)
        with open_raw(path) as raw:
            while chunk := raw.read(HASH_CHUNK):
                digest.update(chunk)
        cache[key] = f"blake2b:{digest.hexdigest()}"
    return cache[key]


def reader_for(name: str) -> type[Reader]:
    """The reader for a file name, by its ending before that of a compression. Raises DollmaError where none reads it."""
    base = name.lower().removesuffix(compression(name))
    readers = [cls for cls in processors("reader") if issubclass(cls, Reader)]
    endings = {ending: cls for cls in readers for ending in cls.extensions}
    fitting = [ending for ending in endings if base.endswith(ending)]
    if not fitting:
        raise DollmaError(f"{name}: no reader reads files of this ending; known are {', '.join(sorted(endings))}. Name the reader")
    return endings[max(fitting, key=len)]


def gathered(files: list[InputFile], readers: dict[str, Reader]) -> list[tuple[InputFile, Reader]]:
    """The files and their readers (given by file name), after each reader has put together files that are one document; sorted by name."""
    groups: list[tuple[Reader, list[InputFile]]] = []
    for file in files:
        reader = readers[file.name]
        own = next((own for other, own in groups if other == reader), None)
        if own is None:
            groups.append((reader, [file]))
        else:
            own.append(file)
    found = [(file, reader) for reader, own in groups for file in reader.gathered(own)]
    return sorted(found, key=lambda pair: pair[0].name)
