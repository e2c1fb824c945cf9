"""Labelled sets out of one's own corpus version, whose labels stand in the text already: the source a paragraph is from, and the marks between its words.

Rows to learn from are of the documents that models are trained on; those of validation and test are of documents that the version holds out, so that no model of it has
read them. A paragraph stands in one split.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.compute as pc

from benchmarks.tasks.own import MARKS, NONE
from curation.errors import DollmaError
from curation.files import checksum, whole_folder
from curation.languages.profile import Profile, load_profile
from modeling.corpus import Version, open_version, texts

METHOD = 1
"""Goes up when the same version would give other rows."""
LEAST, MOST = 8, 40
"""Words of a row: of a longer paragraph the first ones. Shorter ones are headings."""
OF_DOCUMENT = 8
"""Most rows of one document, drawn."""
OF_SPLIT = {"train": 4000, "validation": 500, "test": 1000}
"""Most rows, drawn: an interval of 1,000 is three points wide to each side."""
VALIDATION = 3
"""One held-out document in so many is for validation, the others are for the test."""


class Paragraph(NamedTuple):
    """A row to be: where it is from, and its words as they stand there."""

    id: str
    document: str
    source: str
    words: tuple[str, ...]


def build(folder: Path, out: Path) -> dict[str, Any]:
    """Write `own_sources` and `own_marks` of a version below `out`: JSON lines by split, and `card.json`. Gives the card.

    Raises DollmaError where the version holds nothing out, or has no paragraphs that fit, and where `out` exists.
    """
    version = open_version(folder)
    if out.exists():
        raise DollmaError(f"{out} exists: remove it, or write to another folder")
    profile = load_profile(version.language)
    found = _splits(version, profile)
    if lacking := [split for split, rows in found.items() if not rows]:
        raise DollmaError(
            f"{version.name}: no paragraph of {LEAST} words for {', '.join(lacking)}: rows of validation and test are of documents that the version holds out; "
            "build it with a larger mixture.validation"
        )
    card: dict[str, Any] = {
        "tasks": ["own-sources", "own-marks"],
        "version": version.name,
        "fingerprint": version.fingerprint,
        "language": version.language,
        "sources": {name: {"title": of.title, "licence": of.licence} for name, of in version.sources.items()},
        "method": METHOD,
    }
    with whole_folder(out) as made:
        card["splits"] = {split: _write(made, split, rows, profile) for split, rows in found.items()}
        (made / "card.json").write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return card


def _splits(version: Version, profile: Profile) -> dict[str, list[Paragraph]]:
    """Rows by split, in an order that is drawn; what stands in the test split stands nowhere else."""
    drawn: dict[str, list[Paragraph]] = {split: [] for split in OF_SPLIT}
    for of in ("train", "validation", "test"):
        for document, source, text in _documents(version, of):
            aside = "validation" if _hash(document, "held out")[0] % VALIDATION == 0 else "test"
            drawn["train" if of == "train" else aside] += _paragraphs(document, source, text)
    seen: set[str] = set()
    found: dict[str, list[Paragraph]] = {}
    for split in ("test", "validation", "train"):
        rows: list[Paragraph] = []
        for row in sorted(drawn[split], key=lambda row: (_hash(row.id, "row"), row.id)):
            key = " ".join(_bare(word, profile) for word in row.words)
            if key not in seen and len(rows) < OF_SPLIT[split]:
                seen.add(key)
                rows.append(row)
        found[split] = rows
    return {split: found[split] for split in OF_SPLIT}


def _documents(version: Version, split: str) -> Iterator[tuple[str, str, str]]:
    """(id, source, text) of each document, once."""
    for batch in texts(version, split):
        for row in batch.filter(pc.equal(batch["copy"], 0)).select(["id", "source", "text"]).to_pylist():
            yield row["id"], row["source"], row["text"]


def _paragraphs(document: str, source: str, text: str) -> list[Paragraph]:
    """So many of a document's paragraphs, drawn."""
    found = []
    for number, line in enumerate(text.split("\n")):
        words = tuple(word for word in line.split(maxsplit=MOST)[:MOST] if any(map(str.isalnum, word)))
        if len(words) >= LEAST:
            found.append(Paragraph(f"{document}-{number}", document, source, words))
    return sorted(found, key=lambda row: (_hash(row.id, "paragraph"), row.id))[:OF_DOCUMENT]


def _bare(word: str, profile: Profile) -> str:
    """A word in small letters, without the marks around it."""
    small = profile.folded(word)
    kept = [place for place, letter in enumerate(small) if letter.isalnum()]
    return small[kept[0] : kept[-1] + 1] if kept else small


def _mark(word: str) -> str:
    """What follows a word: its last mark that is asked, with quotes and brackets after it."""
    end = len(word.rstrip("".join(MARKS) + "\"'»”’)]"))
    return next((MARKS[letter] for letter in reversed(word[end:]) if letter in MARKS), NONE)


def _write(folder: Path, split: str, rows: list[Paragraph], profile: Profile) -> dict[str, Any]:
    """Both sets' rows of a split, and what the card says of them."""
    marks = [[_mark(word) for word in row.words] for row in rows]
    sources = folder / "own_sources" / f"{split}.jsonl"
    _lines(sources, [{"id": row.id, "text": " ".join(row.words), "source": row.source} for row in rows])
    words = folder / "own_marks" / f"{split}.jsonl"
    _lines(
        words,
        [{"id": row.id, "words": [_bare(word, profile) for word in row.words], "marks": of} for row, of in zip(rows, marks, strict=True)],
    )
    return {
        "documents": len({row.document for row in rows}),
        "paragraphs": len(rows),
        "sources": dict(sorted(Counter(row.source for row in rows).items())),
        "marks": dict(sorted(Counter(mark for of in marks for mark in of).items())),
        "sha256": {"own_sources": checksum(sources), "own_marks": checksum(words)},
    }


def _lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows), encoding="utf-8")


def _hash(*parts: str) -> bytes:
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=16).digest()
