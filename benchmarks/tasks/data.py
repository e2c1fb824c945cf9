"""Where a task's files are: in a folder of one's own, or downloaded from the Hugging Face Hub, on demand alone, at a pinned revision, into a folder of this machine.

Files are known by their SHA-256: those of a download must be the pinned ones where a task pins any, and are the same ones ever after.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.tasks.task import HubData, Task
from curation.errors import DollmaError
from curation.files import CHUNK, checksum, whole_folder

if TYPE_CHECKING:
    from huggingface_hub import HfFileSystem

MAX_BYTES = 2 << 30
"""Of a file that is downloaded."""
SUMS = "sha256.json"
AS_PINNED, NEVER_SEEN = "as pinned", "not pinned: never seen by us"


def locate(task: Task, data: Path | None, cache: Path | None) -> Path:
    """The folder that holds a task's files: below `data`, or `data` itself; else in the cache, to which they are downloaded where there is one.

    Raises DollmaError where they are in none of these, and for a download that is not what was pinned.
    """
    names = sorted(set(task.files.values()))
    for folder in (data / task.folder, data) if data is not None else ():
        if any((folder / name).is_file() for name in names):
            return folder
    where = "" if data is None else f"; neither {data} nor {task.folder}/ in it holds any of them"
    wanted = f"{task.name} is read from {', '.join(names)} ({task.source}){where}"
    if cache is None:
        raise DollmaError(f"{wanted}: give the folder that holds them with --data" + (", or allow --download" if _fetched(task) else ""))
    if task.hub is None or task.hub.revision is None:
        known = "no repository of it is known to us" if task.hub is None else f"no revision of {task.hub.id} was checked by us"
        raise DollmaError(f"{wanted}: it is not downloaded, since {known}; get them yourself, and give their folder with --data")
    folder = cache / f"{task.folder}-{task.hub.revision[:12]}"
    if not folder.is_dir():
        _download(task, task.hub, task.hub.revision, folder)
    _check(folder)
    return folder


def _fetched(task: Task) -> bool:
    return task.hub is not None and task.hub.revision is not None


def hashes(task: Task, folder: Path) -> dict[str, str]:
    """SHA-256 of each split's file that is there."""
    return {split: checksum(folder / name) for split, name in task.files.items() if (folder / name).is_file()}


def pinned(task: Task, found: Mapping[str, str]) -> str:
    """Whether these are the files that we have seen, in words."""
    if task.hashes is None:
        return NEVER_SEEN
    other = [split for split, hash_ in found.items() if task.hashes.get(split) != hash_]
    return f"other files than the pinned ones: {', '.join(other)}" if other else AS_PINNED


def _download(task: Task, hub: HubData, revision: str, target: Path) -> None:
    """Bring a task's files here: whole and as pinned, or not at all."""
    with _hub(hub) as remote, whole_folder(target) as folder:
        sums: dict[str, str] = {}
        for split, name in task.files.items():
            if name not in sums:
                sums[name] = _stream(remote, hub, revision, hub.files[split], folder / name)
            if task.hashes is not None and task.hashes[split] != sums[name]:
                raise DollmaError(
                    f"{hub.id}@{revision}: {hub.files[split]} has SHA-256 {sums[name]}, pinned is {task.hashes[split]}: nothing was kept"
                )
        (folder / SUMS).write_text(json.dumps(sums, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _stream(remote: HfFileSystem, hub: HubData, revision: str, name: str, path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with remote.open(f"datasets/{hub.id}@{revision}/{name}", "rb", block_size=0) as source, path.open("wb") as file:
        while chunk := source.read(CHUNK):
            size += len(chunk)
            if size > MAX_BYTES:
                raise DollmaError(f"{hub.id}: {name} has more than {MAX_BYTES:,} bytes: not such a set")
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()


def _check(folder: Path) -> None:
    """Raises DollmaError for a file that is no longer what was downloaded."""
    try:
        sums = json.loads((folder / SUMS).read_text("utf-8"))
        changed = [name for name, stated in sums.items() if checksum(folder / name) != stated]
    except (OSError, ValueError, AttributeError) as error:
        raise DollmaError(f"{folder}: not what was downloaded ({error}): remove the folder, and download it again") from error
    if changed:
        raise DollmaError(f"{folder / changed[0]} is not what was downloaded: remove the folder, and download it again")


@contextmanager
def _hub(hub: HubData) -> Iterator[HfFileSystem]:
    """The Hub's files, with the address and the token of huggingface_hub; what it refuses is a DollmaError."""
    try:
        from huggingface_hub import HfFileSystem  # noqa: PLC0415 - optional
        from huggingface_hub.errors import HTTPError  # noqa: PLC0415
    except ImportError as error:
        raise DollmaError(
            "--download needs the package huggingface_hub: `pip install 'dollma[hub]'`; or give the files with --data"
        ) from error
    try:
        yield HfFileSystem()
    except (HTTPError, ConnectionError, RuntimeError, ValueError, OSError) as error:
        told = "".join(letter if letter.isprintable() else " " for letter in str(error))
        raise DollmaError(f"{hub.id}: the Hub refused or failed: {' '.join(told.split()) or type(error).__name__}") from error
