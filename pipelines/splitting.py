"""Which files, and which parts of large ones, make a task of stage `extract`."""

from __future__ import annotations

import hashlib

from curation.readers.base import InputFile, Reader, Split

SMALL = 8
"""Files of less than one in SMALL of a task's size share a task."""


def task_splits(files: list[InputFile], readers: dict[str, Reader], target: int) -> list[tuple[Reader, tuple[Split, ...]]]:
    """Splits grouped into tasks, in the order of file names; a task has one reader.

    A file large enough, or of a reader that wants it so, has tasks of its own, of about `target` bytes. Small files are grouped, and where a group ends
    depends on the name and size of its last file alone: so a file that is added, wherever its name sorts, changes the one group that it falls into, and
    the others are not read again.
    """
    groups: list[tuple[Reader, tuple[Split, ...]]] = []
    current: list[InputFile] = []

    def close() -> None:
        if current:
            reader = readers[current[0].name]
            groups.append((reader, tuple(split for file in current for split in reader.splits(file, target))))
            current.clear()

    for file in files:
        reader = readers[file.name]
        if reader.alone or file.size * SMALL >= target:
            close()
            groups.extend((reader, (split,)) for split in reader.splits(file, target))
            continue
        if current and (readers[current[0].name] != reader or sum(f.size for f in current) >= target):
            close()
        current.append(file)
        if _ends(file, target // SMALL):
            close()
    close()
    return groups


def _ends(file: InputFile, size: int) -> bool:
    """Does a group end with this file? So often that groups have `size` bytes on average."""
    draw = int.from_bytes(hashlib.blake2b(file.name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
    return draw * size < file.size << 64
