"""Texts that tokenizers are measured on: what a version holds out, or files of one's own."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import orjson
import zstandard

from curation.errors import DollmaError
from modeling.corpus import Version, texts

LINES = 1000
"""Lines of plain text that make one text."""
LONGEST_LINE = 64 << 20


def held_out(version: Version) -> Iterator[tuple[str, str]]:
    """(source, text) of the documents in test and validation. Raises DollmaError where the version holds out nothing."""
    found = False
    for split in ("test", "validation"):
        for batch in texts(version, split, ("source", "text")):
            for row in batch.to_pylist():
                found = True
                yield row["source"], row["text"]
    if not found:
        raise DollmaError(f"{version.folder}: holds out no test or validation split: build it with mixture.validation, or give --text FILE")


def in_files(files: Sequence[Path]) -> Iterator[tuple[str, str]]:
    """(file, text) of plain text or of the field `text` of JSON lines (`.jsonl`), either of them plain, `.gz` or `.zst`."""
    for path in files:
        rows = ".jsonl" in path.suffixes
        part: list[str] = []
        try:
            with _opened(path) as stream:
                for number, line in enumerate(iter(lambda s=stream: s.readline(LONGEST_LINE), b""), 1):  # type: ignore[misc]
                    if rows:
                        yield path.name, _text_of(line, path, number)
                        continue
                    part.append(line.decode("utf-8"))
                    if len(part) == LINES:
                        yield path.name, "".join(part)
                        part = []
        except (OSError, EOFError, UnicodeDecodeError, zstandard.ZstdError) as error:
            raise DollmaError(f"{path}: no text to read ({type(error).__name__}: {error})") from error
        if part:
            yield path.name, "".join(part)


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as file:
        if path.suffix == ".gz":
            yield io.BufferedReader(gzip.GzipFile(fileobj=file))
        elif path.suffix == ".zst":
            yield io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True))
        else:
            yield file


def _text_of(line: bytes, path: Path, number: int) -> str:
    try:
        text = orjson.loads(line)["text"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise DollmaError(f"{path}, line {number}: no JSON object with a field `text` ({error})") from error
    if not isinstance(text, str):
        raise DollmaError(f"{path}, line {number}: `text` is a {type(text).__name__}, not a string")
    return text
