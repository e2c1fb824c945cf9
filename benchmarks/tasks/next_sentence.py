"""A next-sentence set of one's own books, of the kind of the paper's AZE-NSP: two sentences, and whether the second follows the first in the book.

A wrong second sentence is one that follows another first sentence of the same book, so that neither what a book is about nor how second sentences look tells
the answer. A sentence stands in one pair at most, a book in one split, and what stands in two books is used in one of them.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from curation.errors import DollmaError, nearest
from curation.files import checksum, whole_folder
from curation.languages.profile import Profile, load_profile
from curation.text.sentences import sentence_spans
from modeling.corpus import SPLITS, Version, open_version, texts

LEAST, MOST, LEAST_WORDS = 20, 400, 4
"""Characters of a sentence, and its words: shorter ones ("Bəli.") follow anything, longer ones are lists or lost full stops."""
APART = 500
"""Characters between a first sentence and a wrong second one, at least: what stands nearer may follow as well."""
PARAGRAPHS = 4
"""Looked at for each pair that is wanted of a book: splitting all of a long one into sentences would take a hundred times as long."""
LEAST_PAIRS = 4
"""Of a book; those that give fewer are left out."""
SHARES = {"test": 0.2, "validation": 0.1}


class Followed(NamedTuple):
    """A sentence and the one that follows it in the same paragraph, with the places of their first characters in the book."""

    place: int
    next_place: int
    first: str
    second: str


class Pair(NamedTuple):
    """A row of the set."""

    id: str
    first: str
    second: str
    label: int
    document: str


def build(folder: Path, sources: tuple[str, ...], out: Path, per_book: int, seed: int) -> dict[str, Any]:
    """Write the set of a version's books to `out`: JSON lines by split, `card.json`, `documents.jsonl`, and `withdrawn.txt` for a recipe. Gives the card.

    Raises DollmaError for a source that the version has not, for fewer than three books with enough sentences, and where `out` exists.
    """
    version = open_version(folder)
    for source in sources:
        if source not in version.sources:
            raise DollmaError(f"{version.name} has no source {source!r}: {nearest(source, version.sources)}")
    if out.exists():
        raise DollmaError(f"{out} exists: remove it, or write to another folder")
    profile = load_profile(version.language)
    read = {document: _pairs(document, text, profile, per_book, seed) for document, text in _books(version, sources)}
    books = {document: pairs for document, pairs in read.items() if len(pairs) >= LEAST_PAIRS}
    if len(books) < 3:
        raise DollmaError(
            f"{version.name}: {len(books)} of {len(read)} books have {LEAST_PAIRS} pairs of sentences, 3 are needed: name other sources"
        )
    split_of = _splits(sorted(books), seed)
    found, repeated = _apart(books, split_of, profile)
    card = _card(version, sources, per_book, seed) | {
        "left out": {"books": len(read) - len(books), "pairs that repeat a sentence": repeated}
    }
    with whole_folder(out) as made:
        card["splits"] = {split: _write(made / f"{split}.jsonl", found[split]) for split in SPLITS}
        used = [{"document": document, "split": split} for document, split in sorted(split_of.items())]
        _lines(made / "documents.jsonl", used)
        kept_out = [one["document"] for one in used if one["split"] != "train"]
        told = f"# Books of validation and test of a next-sentence set of {version.name}: no model that is scored on it should read them."
        (made / "withdrawn.txt").write_text("\n".join([told, *kept_out]) + "\n", encoding="utf-8")
        (made / "card.json").write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return card


def _books(version: Version, sources: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """(id, text) of each document of the sources, once."""
    for split in SPLITS:
        for batch in texts(version, split):
            wanted = pc.and_(pc.is_in(batch["source"], pa.array(sources)), pc.equal(batch["copy"], 0))
            for row in batch.filter(wanted).select(["id", "text"]).to_pylist():
                yield row["id"], row["text"]


def _followed(document: str, text: str, profile: Profile, most: int, seed: int) -> Iterator[Followed]:
    """Sentences that another one follows in the same paragraph, both of them fit, of so many paragraphs that are drawn."""
    ends = [*(match.start() for match in re.finditer("\n", text)), len(text)]
    paragraphs = [(first, end) for first, end in zip([0, *(end + 1 for end in ends)], ends, strict=False) if end - first > 2 * LEAST]
    for begin, end in sorted(paragraphs, key=lambda one: _hash(seed, document, f"paragraph {one[0]}"))[:most]:
        paragraph = text[begin:end]
        for (first, first_end), (second, second_end) in pairwise(sentence_spans(paragraph, profile.sentence_abbreviations)):
            one, other = paragraph[first:first_end], paragraph[second:second_end]
            if _fit(one) and _fit(other):
                yield Followed(begin + first, begin + second, " ".join(one.split()), " ".join(other.split()))


def _fit(sentence: str) -> bool:
    letters = sum(map(str.isalpha, sentence))
    return LEAST <= len(sentence) <= MOST and len(sentence.split()) >= LEAST_WORDS and letters > 0.6 * len(sentence)


def _pairs(document: str, text: str, profile: Profile, most: int, seed: int) -> list[Pair]:
    """A book's pairs, as many that follow as that do not."""
    followed = _followed(document, text, profile, PARAGRAPHS * most, seed)
    chosen: list[Followed] = []
    taken: set[int] = set()
    for one in sorted(followed, key=lambda one: _hash(seed, document, str(one.place))):
        if len(chosen) == most:
            break
        if not taken & {one.place, one.next_place}:
            taken |= {one.place, one.next_place}
            chosen.append(one)
    half = len(chosen) // 2
    true, others = chosen[:half], chosen[half:]
    wrong = [
        Pair(f"{document}-{one.place}", one.first, other.second, 0, document)
        for one, other in zip(others, others[1:] + others[:1], strict=True)
        if abs(one.place - other.next_place) > APART and one.second != other.second
    ]
    right = [Pair(f"{document}-{one.place}", one.first, one.second, 1, document) for one in true]
    each = min(len(right), len(wrong))
    return right[:each] + wrong[:each]


def _splits(documents: list[str], seed: int) -> dict[str, str]:
    """The split of each book: a draw, with one book in each at least."""
    drawn = sorted(documents, key=lambda document: _hash(seed, document, "split"))
    test = max(1, round(SHARES["test"] * len(drawn)))
    validation = max(1, round(SHARES["validation"] * len(drawn)))
    return {
        document: "test" if place < test else "validation" if place < test + validation else "train" for place, document in enumerate(drawn)
    }


def _apart(books: dict[str, list[Pair]], split_of: dict[str, str], profile: Profile) -> tuple[dict[str, list[Pair]], int]:
    """Pairs by split, test first, without those one of whose sentences was used before; and how many those are."""
    seen: set[bytes] = set()
    found: dict[str, list[Pair]] = {split: [] for split in SPLITS}
    repeated = 0
    for split in reversed(SPLITS):
        for document in sorted(document for document, of in split_of.items() if of == split):
            for pair in books[document]:
                keys = {_sentence(pair.first, profile), _sentence(pair.second, profile)}
                if keys & seen:
                    repeated += 1
                    continue
                seen |= keys
                found[split].append(pair)
    return found, repeated


def _sentence(text: str, profile: Profile) -> bytes:
    """A sentence by its letters and digits alone."""
    letters = "".join(filter(str.isalnum, profile.folded(text)))
    return hashlib.blake2b(letters.encode(), digest_size=16).digest()


def _hash(seed: int, document: str, what: str) -> bytes:
    return hashlib.blake2b(f"{seed}\n{document}\n{what}".encode(), digest_size=16).digest()


def _card(version: Version, sources: tuple[str, ...], per_book: int, seed: int) -> dict[str, Any]:
    return {
        "task": "books-nsp",
        "version": version.name,
        "fingerprint": version.fingerprint,
        "language": version.language,
        "sources": {
            source: {"title": version.sources[source].title, "licence": version.sources[source].licence} for source in sorted(sources)
        },
        "method": "the second sentence follows in the same paragraph (1), or follows another first sentence of the same book (0)",
        "per book": per_book,
        "seed": seed,
    }


def _write(path: Path, pairs: list[Pair]) -> dict[str, Any]:
    """A split's rows, and what the card says of it."""
    _lines(path, [pair._asdict() for pair in sorted(pairs, key=lambda pair: _hash(0, pair.id, "order"))])
    labels = [pair.label for pair in pairs]
    return {
        "books": len({pair.document for pair in pairs}),
        "pairs": len(pairs),
        "next": sum(labels),
        "other": len(labels) - sum(labels),
        "sha256": checksum(path),
    }


def _lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows), encoding="utf-8")
