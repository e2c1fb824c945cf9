"""What people say of documents: lines of JSON, only ever added to."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from curation.errors import DollmaError
from curation.files import sync

FOLDER = "labels"


class Label(BaseModel):
    """One word of one annotator on one document. `rule` is one that it fails, for which it was looked at. `nth` counts the annotator's words on this document,
    from 1: the latest counts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[0-9a-f]{32}$")
    source: str
    verdict: str
    rule: str | None = None
    label: Literal["keep", "drop", "unsure"]
    reason: str = Field("", max_length=2000)
    annotator: str = Field(min_length=1, max_length=100)
    nth: int = Field(1, ge=1)


class Labels:
    """The labels of one version, a file of lines. Any number of processes may add at once. `repaired` says what was mended on opening, if anything was; `faults` are
    the lines that are no labels, which a hand put there: they are left out and stay in the file."""

    def __init__(self, path: Path) -> None:
        """Mends what a killed program, or a full disk, left of its last line. Raises DollmaError for a folder that can't be written."""
        self.path = path
        self.repaired: str | None = None
        self.faults: dict[int, str] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._locked() as file:
                self.repaired = _mend(file, path)
            sync(path.parent)
        except OSError as error:
            raise DollmaError(f"{path}: labels can't be kept here: {error}") from error

    def add(self, label: Label) -> Label:
        """Write a label down: on the disk when this returns. Gives it back with its `nth`. Raises DollmaError where the disk takes no more."""
        with self._locked() as file:
            _mend(file, self.path)
            named = label.id.encode()
            earlier = self._parsed((number, line) for number, line in self._lines() if named in line)
            said = sum((one.id, one.annotator) == (label.id, label.annotator) for one in earlier)
            numbered = label.model_copy(update={"nth": said + 1})
            line = orjson.dumps(numbered.model_dump(), option=orjson.OPT_APPEND_NEWLINE)
            try:
                if os.write(file, line) != len(line):
                    _mend(file, self.path)
                    raise DollmaError(f"{self.path}: the disk took part of the label; it is not written: free some space and give it again")
                os.fsync(file)
            except OSError as error:
                raise DollmaError(f"{self.path}: the label can't be written: {error}") from error
        return numbered

    def all(self) -> list[Label]:
        """Every label, in order; lines that are none are told in `faults`."""
        self.faults = {}
        return list(self._parsed(self._lines()))

    def latest(self) -> list[Label]:
        """The latest label of each annotator for each document, in order."""
        return latest(self.all())

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        """Lines with their numbers; what stands behind the last line's end is being written."""
        return enumerate(self.path.read_bytes().split(b"\n")[:-1], 1)

    def _parsed(self, lines: Iterable[tuple[int, bytes]]) -> Iterator[Label]:
        for number, line in lines:
            try:
                yield Label.model_validate(orjson.loads(line))
            except (orjson.JSONDecodeError, ValidationError) as error:
                why = str(error).splitlines()[0][:200]
                self.faults[number] = f"{self.path}: line {number}: no label ({why}): left out; take the line out"

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """The file, open to add to, and this process's alone. The kernel frees the lock when its holder dies."""
        file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
        finally:
            os.close(file)


def latest(labels: list[Label]) -> list[Label]:
    """The latest label of each annotator for each document."""
    last = {(label.id, label.annotator): label for label in labels}
    return [label for label in labels if last[label.id, label.annotator] is label]


def open_labels(workspace: Path, version: str) -> Labels:
    """The labels of a version, in WORKSPACE/labels/VERSION.jsonl; `version` is the manifest's name of it.

    They stand beside the version and not in it: a version's files are those of its manifest. Mends a torn last line.
    """
    if not version or version.startswith(".") or "/" in version or "\\" in version or "\0" in version:
        raise DollmaError(f"{version!r} is no name of a version")
    return Labels(workspace / FOLDER / f"{version}.jsonl")


def _mend(file: int, path: Path) -> str | None:
    """Cut off what stands behind the last line's end: a label of which its writer never heard that it was written. Says what was cut."""
    size = os.fstat(file).st_size
    if not size or os.pread(file, 1, size - 1) == b"\n":
        return None
    end = size
    while end and b"\n" not in (piece := os.pread(file, min(4096, end), max(end - 4096, 0))):
        end = max(end - 4096, 0)
    whole = max(end - 4096, 0) + piece.rfind(b"\n") + 1 if end else 0
    torn = os.pread(file, min(size - whole, 200), whole).decode("utf-8", "replace")
    os.ftruncate(file, whole)
    os.fsync(file)
    return f"{path}: the last line was torn and is cut off ({size - whole} bytes, begun {torn[:60]!r}): give that label again"
