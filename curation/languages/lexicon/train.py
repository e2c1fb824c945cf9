"""`dollma lexicon train`: from texts and word lists to hashed word frequencies and a character model.

The steps: read rows, without the held-out quarter that the bench of OCR is measured on; count words by source, and mix their frequencies by the shares of `sources.yaml`;
drop words that are typed without their marks; find the endings that many words have; train the character model on every form once or a few times.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numba as nb
import numpy as np
import yaml
import zstandard

from curation.errors import DollmaError, nearest
from curation.files import whole_file
from curation.languages.profile import Profile
from curation.text.char_model import CharModel, char_codes
from curation.text.char_model import train as train_chars
from curation.text.diacritics import to_ascii
from curation.text.hashing import SEED_A
from curation.text.lexicon import (
    LONGEST_ENDING,
    SHORTEST_STEM,
    WORD_BITS,
    _word_hash,
    ending_hash,
    packed_frequency,
    points,
)
from curation.text.marked import first_slot
from curation.text.transliteration import to_latin

SOURCES = Path(__file__).with_name("sources.yaml")

SIGNS = ".,:;!?-–—'’\"«»“”()/%"
"""Signs that the character model tells apart, beside the letters of the alphabet and w."""

ZIPF_SHIFT, ZIPF_PER_MILLION = 2.7, 60_000.0
"""Of the word at rank r of a list, occurrences per million: `ZIPF_PER_MILLION` / (r + `ZIPF_SHIFT`)."""

MARKED_RATIO = 15.0
"""A word all in ASCII is dropped when one that differs from it in marks alone is this many times as frequent: `seher` beside şəhər."""

TOGETHER_RATIO, TOGETHER_LEAST, TOGETHER_LETTERS = 50.0, 20.0, 4
"""A word is dropped as two run together when each part is so many times as frequent as it, has so many occurrences per million, and so many letters."""

ENDING_STEMS = 12
"""Stems that an ending must follow to be one, of those with the same last two letters."""

MOST_FORMS = 330_000
"""Words kept, the most frequent: so that the table has gaps."""

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_LIGATURES = re.compile("[\ufb00-\ufb06]")
_RUN = re.compile(r"(.)\1\1")


@dataclass(frozen=True)
class Source:
    """An entry of `sources.yaml`."""

    licence: str
    share: float
    rows: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()
    list: bool = False
    cyrillic: bool = False
    trusted: bool = False


@dataclass(frozen=True)
class Counted:
    """What training counted, for the card."""

    words: dict[str, int]
    """Running words, or entries of a list, by source."""
    forms: int
    endings: int


def held_out(row: dict[str, Any]) -> bool:
    """Whether a row is of the quarter that OCR and its repair are measured on: by its law, or else its id."""
    key = row["metadata"].get("law") or row["id"]
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big") % 4 == 0


def train(files: list[Path], profile: Profile, out: Path) -> Counted:
    """Trains a lexicon and writes it (.npz): the same bytes for the same files. Raises DollmaError for a file that `sources.yaml` does not name."""
    sources = {name: Source(**entry) for name, entry in yaml.safe_load(SOURCES.read_text(encoding="utf-8")).items()}
    frequencies: dict[str, float] = defaultdict(float)
    strings: Counter[str] = Counter()
    trusted: set[str] = set()
    total, read = 0.0, {}
    for file in sorted(files, key=lambda file: file.name):
        name = file.name.partition(".")[0]
        if name not in sources:
            raise DollmaError(f"{file}: {SOURCES.name} has no entry {name!r}, so its licence is not known: {nearest(name, sources)}")
        source = sources[name]
        counts = _listed(file, source, profile) if source.list else _running(file, source, profile)
        words: Counter[str] = Counter()
        for string, count in counts.items():
            for word in _WORD.findall(string):
                words[word] += count
        amount = sum(words.values())
        total += source.share
        read[name] = len(counts) if source.list else int(amount)
        for word, count in words.items():
            if source.list or source.trusted or count > 1:
                frequencies[word] += source.share * 1e6 * count / amount
        for string, count in counts.items():
            strings[string] += 1 if source.list else min(int(count), 8)
        trusted.update(words if source.trusted else ())
    kept = _kept({word: value / total for word, value in frequencies.items()}, trusted)
    endings = _endings(kept, profile)
    marks, packed = _tables(kept, endings, profile)
    chars = _char_model({string: count for string, count in strings.items() if _fits(string, kept)}, profile)
    own = own_characters(profile)
    fold = np.array([[upper, lower] for upper, lower in profile.fold.items()], dtype="U1").reshape(-1, 2)
    with whole_file(out) as path, path.open("wb") as target:
        np.savez_compressed(
            target,
            own=np.array(own),
            fold=fold,
            marks=marks,
            frequencies=packed,
            char_marks=chars.marks,
            char_costs=chars.costs,
            char_backs=chars.backs,
        )
    return Counted(read, len(kept), len(endings))


def own_characters(profile: Profile) -> str:
    """The characters that the character model tells apart."""
    return profile.alphabet + "".join(c for c in "w" if c not in profile.alphabet) + SIGNS


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    with file.open("rb") as packed, zstandard.ZstdDecompressor().stream_reader(packed) as plain:
        for line in io.TextIOWrapper(plain, encoding="utf-8", newline="\n"):
            yield json.loads(line)


def _running(file: Path, source: Source, profile: Profile) -> Counter[str]:
    """What stands between white space in the rows that may be trained on, in lower case, with its count."""
    counts: Counter[str] = Counter()
    for row in _rows(file):
        metadata = row["metadata"]
        if metadata["language"] not in source.rows or metadata.get("script") not in (None, profile.script) or held_out(row):
            continue
        if source.licences and metadata.get("licence") not in source.licences:
            continue
        counts.update(profile.folded(unicodedata.normalize("NFC", row["text"])).split())
    return counts


def _listed(file: Path, source: Source, profile: Profile) -> Counter[str]:
    """The entries of a word list with frequencies by their rank, scaled to whole numbers; those with typographic ligatures are copies of others."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        entries = [unicodedata.normalize("NFC", line.strip()) for line in lines]
    if source.cyrillic:
        entries = to_latin("\n".join(entries)).split("\n")
    counts: Counter[str] = Counter()
    for rank, entry in enumerate(entries):
        if entry and not _LIGATURES.search(entry):
            for string in profile.folded(entry).split():
                counts[string] += max(round(1000 * ZIPF_PER_MILLION / (rank + ZIPF_SHIFT)), 1)
    return counts


def _kept(frequencies: dict[str, float], trusted: set[str]) -> dict[str, float]:
    """Without what is typed without marks, is two words run together, or has a letter three times in a row; the most frequent of the rest."""
    best: dict[str, float] = defaultdict(float)
    for word, value in frequencies.items():
        if not word.isascii():
            key = to_ascii(word)
            best[key] = max(best[key], value)
    kept = {
        word: value
        for word, value in frequencies.items()
        if word in trusted or not ((word.isascii() and best.get(word, 0.0) > MARKED_RATIO * value) or _RUN.search(word))
    }
    whole = {word: value for word, value in kept.items() if not _run_together(word, value, kept)}
    return dict(sorted(whole.items(), key=lambda item: (-item[1], item[0]))[:MOST_FORMS])


def _run_together(word: str, value: float, kept: dict[str, float]) -> bool:
    """Whether a rare word is two common ones without their space."""
    least = max(value * TOGETHER_RATIO, TOGETHER_LEAST)
    return any(
        min(kept.get(word[:cut], 0.0), kept.get(word[cut:], 0.0)) > least
        for cut in range(TOGETHER_LETTERS, len(word) - TOGETHER_LETTERS + 1)
    )


def _fits(string: str, kept: dict[str, float]) -> bool:
    return all(word in kept for word in _WORD.findall(string))


def _endings(kept: dict[str, float], profile: Profile) -> list[str]:
    """Two letters of a stem, a bar, and an ending that many stems take behind them."""
    letters = set(profile.alphabet)
    stems = {word for word in kept if len(word) >= SHORTEST_STEM and set(word) <= letters}
    found: Counter[str] = Counter()
    for word in stems:
        for cut in range(max(SHORTEST_STEM, len(word) - LONGEST_ENDING), len(word)):
            if word[:cut] in stems:
                found[f"{word[cut - 2 : cut]}|{word[cut:]}"] += 1
    return sorted(ending for ending, count in found.items() if count >= ENDING_STEMS)


def _tables(kept: dict[str, float], endings: list[str], profile: Profile) -> tuple[np.ndarray, np.ndarray]:
    fold = profile.fold_table
    marks, packed = np.zeros(1 << WORD_BITS, np.uint16), np.zeros(1 << WORD_BITS, np.uint8)
    for word, value in kept.items():
        _put(marks, packed, np.uint64(_word_hash(fold, points(word), 0, len(word), SEED_A)), packed_frequency(value))
    for entry in endings:
        stem, _, ending = entry.partition("|")
        _put(marks, packed, np.uint64(ending_hash(fold, points(stem + ending), len(stem), len(stem + ending))), 0)
    return marks, packed


@nb.njit(nogil=True)
def _put(marks, packed, h, value):  # type: ignore[no-untyped-def]
    slot, mark = first_slot(h, WORD_BITS)
    while marks[slot] and marks[slot] != mark:
        slot = (slot + 1) & (len(marks) - 1)
    marks[slot] = mark
    packed[slot] = max(packed[slot], value)


def _char_model(strings: dict[str, int], profile: Profile) -> CharModel:
    codes = char_codes(own_characters(profile), profile.fold_table)
    forms: Counter[bytes] = Counter()
    for string, count in strings.items():
        forms[codes[points(string)].tobytes()] += count
    ordered = sorted(form for form in forms if form)
    return train_chars([np.frombuffer(form, np.uint8) for form in ordered], np.array([forms[form] for form in ordered], np.int64))
