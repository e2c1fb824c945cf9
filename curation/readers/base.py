"""What a reader is: bytes of one part of one file in, documents and failures out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from datatrove.data import Document

from curation.document import Failure
from curation.processors import Processor


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file of a source. `path` opens it (fsspec); `name` is its path inside the source, which goes into locators and ids,
    so that a corpus does not depend on where it was built."""

    path: str
    name: str
    size: int
    parts: tuple[InputFile, ...] = ()
    """Files that are one document together, in order (the page images of a book); empty for a file of its own."""


@dataclass(frozen=True, slots=True)
class Split:
    """A part of a file that can be read alone. What `start` and `stop` count is the reader's business (bytes, row groups)."""

    file: InputFile
    start: int = 0
    stop: int | None = None


class Reader(Processor):
    """Reads one format. Subclasses implement `read`, and `splits` where one file can be read by several workers.

    The contract: every record of a split gives exactly one `Document` or one `Failure`, in order; a record that is broken costs itself
    alone. `read` may raise only when nothing more of the split can be read, and even then better yields a last Failure.
    """

    kind: ClassVar[str] = "reader"
    extensions: ClassVar[tuple[str, ...]] = ()
    """File name endings (lower case, without compression endings) by which a source without a named reader, and `dollma read`, choose it."""
    alone: ClassVar[bool] = False
    """A file is a task, however small: it may hold hundreds of pages to be read by OCR, at seconds a page."""

    def splits(self, file: InputFile, target: int) -> list[Split]:
        """The file as parts of about `target` bytes. Each record belongs to exactly one part. By default the file is one part."""
        return [Split(file)]

    def needs(self) -> tuple[str, ...]:
        """Packages and programs, beyond those of the core, whose versions may change what is read: they stand in the manifest."""
        return ()

    def gathered(self, files: list[InputFile]) -> list[InputFile]:
        """The files of a source that it reads, sorted by name; those that are one document together as one InputFile with `parts`. By default each is its own."""
        return files

    @abstractmethod
    def read(self, split: Split) -> Iterator[Document | Failure]:
        """The records of one split, in order."""
