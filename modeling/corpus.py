"""A corpus version as a model sees it: its sources and their factors, and its texts split by split."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from curation.errors import DollmaError, nearest
from curation.files import checksum
from curation.tables import row_groups
from curation.writers.manifest import MANIFEST, read_manifest

SPLITS = ("train", "validation", "test")
COLUMNS = ("id", "source", "text", "copy")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
"""What a version may be called: folders are named after it, and a manifest may come from anyone."""
_SHARD = re.compile(r"data/(train|validation|test)-(\d{5})-of-(\d{5})\.parquet")


class Source(NamedTuple):
    """What the manifest says of one source. `factor` is how often each of its documents stands in train; `words` counts each document once, `final_words`
    every copy."""

    title: str
    licence: str
    factor: float
    words: int
    final_words: int


@dataclass(frozen=True)
class Version:
    """A version's folder, and what its manifest says."""

    folder: Path
    manifest: dict[str, Any]
    name: str
    fingerprint: str
    language: str
    sources: dict[str, Source]

    def shards(self, split: str) -> list[Path]:
        """The files of a split, in order; none where the split holds nothing.

        Raises DollmaError for a split that there is none of, and for a file that is missing or not as long as the manifest says. Hashes are what
        `dollma verify` looks at.
        """
        if split not in SPLITS:
            raise DollmaError(f"a version has no split {split!r}: {nearest(split, SPLITS)}")
        found: dict[int, Path] = {}
        total = 0
        for name, stated in self.manifest["files"].items():
            if (match := _SHARD.fullmatch(name)) and match[1] == split:
                total = int(match[3])
                found[int(match[2])] = _checked(self.folder / name, stated)
        if sorted(found) != list(range(total)):
            raise DollmaError(f"{self.folder / MANIFEST}: names {len(found)} of {total} shards of {split}: take it from an undamaged copy")
        return [found[number] for number in range(total)]

    def check_shards(self) -> None:
        """Hash every shard. Raises DollmaError that names the first which is not as the manifest says: every fourth changed bit is another text, and no error."""
        for split in SPLITS:
            for path in self.shards(split):
                if (found := checksum(path)) != (stated := self.manifest["files"][f"data/{path.name}"]["sha256"]):
                    raise DollmaError(
                        f"{path}: SHA-256 is {found}, the manifest says {stated}: take the version from an undamaged copy, or build it again"
                    )


def open_version(folder: Path) -> Version:
    """A version by its folder. Raises DollmaError where its manifest is missing or damaged."""
    manifest = read_manifest(folder)
    if not _NAME.fullmatch(str(manifest["version"])):
        raise DollmaError(f"{folder / MANIFEST}: version {manifest['version']!r} is no name of a version: letters, digits, points, dashes")
    try:
        sources = {
            name: Source(str(of["title"]), str(of.get("licence") or ""), float(of["upsample"]), int(of["words"]), int(of["final_words"]))
            for name, of in sorted(manifest["sources"].items())
        }
        return Version(folder, manifest, manifest["version"], manifest["fingerprint"], manifest["language"], sources)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DollmaError(f"{folder / MANIFEST}: no manifest of a version ({type(error).__name__}: {error})") from error


def texts(version: Version, split: str, columns: Sequence[str] = COLUMNS) -> Iterator[pa.RecordBatch]:
    """The rows of a split in the version's order, a row group at a time (16 MB of text). A document stands in as many rows of train as it has copies;
    `copy == 0` leaves each once.

    Raises DollmaError for a file that is no table of texts.
    """
    for path in version.shards(split):
        try:
            yield from row_groups(path, list(columns))
        except (pa.ArrowException, OSError) as error:
            raise DollmaError(
                f"{path}: not a shard of a version ({type(error).__name__}: {error}); `dollma verify` says what else differs"
            ) from error


def _checked(path: Path, stated: Any) -> Path:
    size = stated.get("bytes") if isinstance(stated, dict) else None
    found = path.stat().st_size if path.is_file() else None
    if found is None or found != size:
        state = "is missing" if found is None else f"has {found:,} bytes, the manifest says {size}"
        raise DollmaError(f"{path} {state}: take the version from an undamaged copy, or build it again")
    return path
