"""What two models can be asked in fairness: documents that neither was trained on.

A document that one version holds out and the other trains on would be known by heart, and so would its near-duplicates, which a version without deduplication spreads
over its splits. So whatever stands in the training part of either version is left out: by its id, and by its words, as `benchmarks.contamination` looks for test items.

What is left is told apart by who holds it out. What both do is neutral. What one alone does, the other's rules may have rejected, or it was never there: a model of spam
predicts spam better. Files of one's own (`--text`) are the most neutral of all.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks import overlaps
from benchmarks.contamination import SHARE
from curation.errors import DollmaError
from curation.fingerprint import fingerprint
from curation.languages.profile import Profile, load_profile
from modeling.corpus import Version, texts
from modeling.tokenizer.held_out import in_files

METHOD = 1
"""Goes up when the same versions would give other documents."""
SIDES = ("A", "B")
GIVEN, BOTH = "files", "both"
"""Who holds a document out, where it is not one side alone."""
MOST, CHARACTERS = 300, 4096
"""Documents of each source and holder, drawn, and what of each is asked: its beginning, so that one book is not all that is heard of."""
ALL = 32_000
"""Documents in all: rows number them in 15 bits."""


class Document(NamedTuple):
    """A document, and the texts of it that are asked: two, where the versions made its marks or spaces differently."""

    key: str
    holder: str
    source: str
    texts: tuple[str, ...]


class HeldOut(NamedTuple):
    """The documents; how many were left out, by why; and a hash of what is asked."""

    documents: tuple[Document, ...]
    left_out: dict[str, int]
    fingerprint: str


class _Found:
    """A text on its way: who holds it out, under which ids, in which spellings."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.holders: set[str] = set()
        self.ids: set[str] = set()
        self.texts: list[str] = []

    @property
    def holder(self) -> str:
        if GIVEN in self.holders:
            return GIVEN
        return BOTH if len(self.holders) > 1 else min(self.holders)


def held_out(a: Version, b: Version, files: Sequence[Path] = ()) -> HeldOut:
    """Documents of both versions' validation splits, and of files, that neither version trains on, the same for any order of files and shards.

    Raises DollmaError where none are left.
    """
    profile = load_profile(a.language)
    versions = dict(zip(SIDES, (a, b), strict=True))

    # ---- by id, all of them; by words, those that are drawn
    found = _found(versions, files, profile)
    ids = pa.array(sorted({one for of in found.values() for one in of.ids}), pa.string())
    known = {side: _trained_on(version, ids) for side, version in versions.items()}
    why = {key: _told(side for side in SIDES if of.ids & known[side]) for key, of in found.items()}
    drawn = _drawn({key: of for key, of in found.items() if not why[key]})
    shares = {side: list(_shares([of.texts[0] for of in drawn.values()], version, profile)) for side, version in versions.items()}
    for place, key in enumerate(drawn):
        why[key] = _told(side for side in SIDES if (shares[side][place] or 0) >= SHARE)
        if shares[SIDES[0]][place] is None:
            why[key] = f"of fewer than {overlaps.SHORTEST} words"

    kept = tuple(Document(key, of.holder, of.source, tuple(of.texts)) for key, of in drawn.items() if not why[key])
    left_out = dict(sorted(Counter(filter(None, why.values())).items()))
    if not kept:
        told = ", ".join(f"{count:,} {reason}" for reason, count in left_out.items()) or "there were none"
        raise DollmaError(
            f"{a.name} and {b.name}: no held-out document is left that neither trains on ({told}): build both with one mixture.seed and "
            "a larger mixture.validation, or give files with --text"
        )
    return HeldOut(kept, left_out, fingerprint([METHOD, [list(document) for document in kept]]))


def _told(sides: Iterable[str]) -> str:
    named = " and ".join(sides)
    return f"in the training part of {named}" if named else ""


def _found(versions: Mapping[str, Version], files: Sequence[Path], profile: Profile) -> dict[str, _Found]:
    """All that is held out, by its letters and digits: a text that both versions hold is one document, whatever it is called there."""
    found: dict[str, _Found] = {}
    for holder, id_, source, text in _read(versions, files):
        one = found.setdefault(_key(text, profile), _Found(source))
        one.holders.add(holder)
        one.ids |= {id_} - {""}
        if (asked := text[:CHARACTERS]) not in one.texts:
            one.texts.append(asked)
    return found


def _read(versions: Mapping[str, Version], files: Sequence[Path]) -> Iterator[tuple[str, str, str, str]]:
    """(holder, id, source, text). Of files, each so many characters are a document."""
    for side, version in versions.items():
        for batch in texts(version, "validation", ("id", "source", "text")):
            for row in batch.to_pylist():
                yield side, row["id"], row["source"], row["text"]
    for name, text in in_files(files):
        for first in range(0, len(text), CHARACTERS):
            yield GIVEN, "", name, text[first : first + CHARACTERS]


def _key(text: str, profile: Profile) -> str:
    letters = "".join(filter(str.isalnum, profile.folded(unicodedata.normalize("NFC", text))))
    return hashlib.blake2b(letters.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _trained_on(version: Version, ids: pa.StringArray) -> set[str]:
    """Which of these ids stand in the training part."""
    return {one for batch in texts(version, "train", ("id",)) for one in batch["id"].filter(pc.is_in(batch["id"], ids)).to_pylist()}


def _drawn(found: Mapping[str, _Found]) -> dict[str, _Found]:
    """So many documents of each source and holder; keys are hashes, so their order is a draw."""
    cells: dict[tuple[str, str], list[str]] = defaultdict(list)
    for key in sorted(found):
        cells[found[key].holder, found[key].source].append(key)
    most = min(MOST, ALL // max(len(cells), 1))
    return {key: found[key] for _, keys in sorted(cells.items()) for key in keys[:most]}


def _shares(asked: list[str], version: Version, profile: Profile) -> Iterator[float | None]:
    """Of each text, the share of its runs of words that stand in the training part; None for one too short to tell."""
    corpus = (
        pc.utf8_normalize(batch["text"].filter(pc.equal(batch["copy"], 0)), "NFC") for batch in texts(version, "train", ("text", "copy"))
    )
    return overlaps.shares([unicodedata.normalize("NFC", text) for text in asked], corpus, profile.fold_table)
