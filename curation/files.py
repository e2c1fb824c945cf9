"""Files that are whole or absent: written under a temporary name, synced, renamed."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from curation.errors import DollmaError

TEMPORARY = ".tmp-"
CHUNK = 1 << 20


@contextmanager
def alone(folder: Path, busy: str) -> Iterator[None]:
    """Within, a folder is this process's alone among those that ask. The kernel frees the lock when its holder dies, however it dies.

    Raises DollmaError that says `busy` where another one has it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DollmaError(f"{folder}: {busy}") from error
        yield


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Gives a temporary path beside `path`; on success it is synced and renamed to `path`, on any error removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{TEMPORARY}{os.getpid()}-{path.name}")
    try:
        yield temporary
        sync(temporary)
        temporary.replace(path)
        sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Gives a temporary folder beside `path`; on success every file in it is synced and the folder renamed to `path`.

    An existing `path` is replaced: only an incomplete result of an earlier run can stand there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{TEMPORARY}{os.getpid()}-{path.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
        for file in sorted(temporary.rglob("*")):
            sync(file)
        sync(temporary)
        remove_folder(path)
        temporary.rename(path)
        sync(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def sync(path: Path) -> None:
    """Have the kernel put a file's bytes, or a folder's names, on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def checksum(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal: the same that `sha256sum` prints, so anyone can check a version by hand."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def remove_folder(path: Path) -> None:
    """Remove a folder that stands under a final name. It loses that name first, so a kill half-way leaves nothing that looks whole."""
    temporary = path.with_name(f"{TEMPORARY}{os.getpid()}-removed-{path.name}")
    try:
        path.rename(temporary)
    except FileNotFoundError:
        return
    shutil.rmtree(temporary)


def remove_temporary(root: Path) -> None:
    """Clear what a killed run left under temporary names, anywhere below `root`."""
    for path in sorted(root.rglob(f"{TEMPORARY}*")):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def located(place: str, folder: Path) -> str:
    """A path as one that can be opened from anywhere: a relative one starts at the folder."""
    return place if "://" in place or place.startswith("/") else str(folder.resolve() / place)
