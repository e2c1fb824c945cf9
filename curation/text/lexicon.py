"""How common is a word, and how likely is a string to be one? Hashed word frequencies, and for what they do not hold a character model.

Azerbaijani adds endings to endings: of the words of a new page a tenth is in no list, all the same most are well-formed. So `word_cost` mixes the two, and `known`
takes a known stem with an ending that many words have.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numba as nb
import numpy as np

from curation.errors import DollmaError
from curation.text.char_model import STEPS, CharModel, char_codes, word_steps
from curation.text.hashing import SEED_A, SEED_B, step_a
from curation.text.marked import find_slot
from curation.text.unicode import LETTER, MARK, SPACE, TABLE_SIZE, decode, fold_table, kinds

FOLDER = Path(__file__).parents[1] / "languages" / "lexicon" / "model"

WORD_BITS = 19
"""Two to this power is the number of slots for words and endings."""

FREQUENCY_STEPS = 8.0
"""Steps of a stored frequency per doubling: 8 bits from 2^-10 to 2^21 per million."""

UNLISTED = 0.02
"""Share of running words that no list holds, which the character model shares out."""

SHORTEST_STEM, LONGEST_ENDING = 4, 12
"""Letters of a stem that may take an unlisted ending, and of endings."""

STEM_FREQUENCY = 2.0
"""Least occurrences of such a stem per million words."""


class Tables(NamedTuple):
    """What the kernels look up."""

    fold: np.ndarray
    """Lower case per code point (uint32)."""
    codes: np.ndarray
    """Code of the character model per code point, of folded text (uint8)."""
    kinds: np.ndarray
    """`unicode.kinds` (uint8)."""
    marks: np.ndarray
    """Mark of the word per slot (uint16), 0 where empty."""
    frequencies: np.ndarray
    """Frequency of the word per slot, as `packed_frequency` gives it (uint8); 0 for an ending."""
    chars: CharModel


class Measures(NamedTuple):
    """Per text, of its tokens: maximal runs of letters and marks that hold no digit (int64; bits are float64)."""

    tokens: np.ndarray
    unknown: np.ndarray
    """Tokens of two letters or more that are not known."""
    letters: np.ndarray
    """Letters of all tokens."""
    unknown_letters: np.ndarray
    words: np.ndarray
    """What stands between white space."""
    characters: np.ndarray
    """Characters of these words."""
    bits: np.ndarray
    """What the character model says of these words and the boundaries behind them."""


class Lexicon:
    """A shipped or trained lexicon: see `load_lexicon`."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self._costs = lru_cache(maxsize=1 << 17)(lambda word: float(_cost(tables, points(word))))
        self._frequencies = lru_cache(maxsize=1 << 17)(lambda word: _unpacked(int(_frequency(tables, points(word)))))

    def frequency(self, word: str) -> float:
        """Occurrences per million words, 0.0 for a word that is in no list. Case is the language's; signs around the word are not taken off."""
        return self._frequencies(word)

    def known(self, word: str) -> bool:
        """Whether the word is listed, or is a listed stem with a common ending."""
        return bool(_known(self.tables, points(word)))

    def word_cost(self, word: str) -> float:
        """Bits of this string as the next word of a text: of its frequency and of the character model, mixed. Any string has a cost."""
        return self._costs(word)

    def char_cost(self, word: str) -> float:
        """Bits of this string by the character model alone, and of the boundary behind it."""
        return float(_char_cost(self.tables, points(word)))

    def surprise(self, text: str) -> float:
        """Mean bits per character by the character model, over the words of a text with their signs; 0.0 for a text without a word."""
        data = text.encode("utf-8", "replace")
        found = self.measures(np.frombuffer(data, np.uint8), np.array([0, len(data)], np.int32))
        return float(found.bits[0] / (found.characters[0] + found.words[0])) if found.words[0] else 0.0

    def measures(self, data: np.ndarray, offsets: np.ndarray) -> Measures:
        """Of each text of a batch (UTF-8 bytes and offsets, as in `TextBatch`), in one pass over the buffer."""
        counts, bits = _measures(self.tables, data, offsets)
        tokens, unknown, letters, unknown_letters, words, characters = np.ascontiguousarray(counts.T)
        return Measures(tokens, unknown, letters, unknown_letters, words, characters, bits)


def points(text: str) -> np.ndarray:
    """Code points (uint32), those beyond the tables as U+FFFD."""
    found = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    return np.where(found < TABLE_SIZE, found, np.uint32(0xFFFD))


def packed_frequency(per_million: float) -> int:
    """1 to 255, in `FREQUENCY_STEPS` per doubling from 2^-10 on."""
    return int(np.clip(round((np.log2(max(per_million, 1e-9)) + 10) * FREQUENCY_STEPS), 1, 255))


def _unpacked(packed: int) -> float:
    return float(2.0 ** (packed / FREQUENCY_STEPS - 10)) if packed else 0.0


@lru_cache(maxsize=8)
def load_lexicon(profile_code: str) -> Lexicon | None:
    """The lexicon that comes with the toolkit for this language profile (`azj_Latn`); None where there is none."""
    path = FOLDER / f"{profile_code}.npz"
    return read_lexicon(path) if path.is_file() and path.parent == FOLDER else None


def read_lexicon(path: Path) -> Lexicon:
    """A lexicon that `dollma lexicon train` wrote. Raises DollmaError for any other file."""
    try:
        with np.load(path, allow_pickle=False) as file:
            own, fold = str(file["own"]), {pair[0]: pair[1] for pair in file["fold"].tolist()}
            marks, frequencies = file["marks"], file["frequencies"]
            chars = CharModel(file["char_marks"], file["char_costs"], file["char_backs"])
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise DollmaError(f"{path}: no lexicon ({error}): `dollma lexicon train` makes one") from error
    wanted = (np.uint16, np.uint8, np.uint16, np.uint8, np.uint8)
    if tuple(part.dtype for part in (marks, frequencies, *chars)) != wanted or len(marks) != 1 << WORD_BITS or not (marks == 0).any():
        raise DollmaError(f"{path}: arrays of another shape than this version's lexicon: train it anew with `dollma lexicon train`")
    table = fold_table(fold)
    return Lexicon(Tables(table, char_codes(own, table), kinds(), marks, frequencies, chars))


@nb.njit(nogil=True)
def _word_hash(fold, word, first, end, seed):  # type: ignore[no-untyped-def]
    h = np.uint64(seed)
    for k in range(first, end):
        h = step_a(h, fold[word[k]])
    return h


@nb.njit(nogil=True)
def ending_hash(fold, word, cut, end):  # type: ignore[no-untyped-def]
    """Hash of the ending word[cut:end] and the two letters before it: an ending follows the sounds of its stem."""
    h = np.uint64(SEED_B)
    for k in range(max(cut - 2, 0), end):
        if k == cut:
            h = step_a(h, np.uint64(1))
        h = step_a(h, fold[word[k]])
    return h


@nb.njit(cache=True, nogil=True)
def _frequency(tables, word):  # type: ignore[no-untyped-def]
    if not len(word):
        return np.int64(0)
    slot = find_slot(tables.marks, _word_hash(tables.fold, word, 0, len(word), SEED_A), WORD_BITS)
    return np.int64(tables.frequencies[slot]) if slot >= 0 else np.int64(0)


@nb.njit(cache=True, nogil=True)
def _known(tables, word):  # type: ignore[no-untyped-def]
    if _frequency(tables, word) > 0:
        return True
    least = np.int64((np.log2(STEM_FREQUENCY) + 10) * FREQUENCY_STEPS)
    for cut in range(len(word) - 1, max(SHORTEST_STEM, len(word) - LONGEST_ENDING) - 1, -1):
        ending = ending_hash(tables.fold, word, cut, len(word))
        if find_slot(tables.marks, ending, WORD_BITS) >= 0 and _frequency(tables, word[:cut]) >= least:
            return True
    return False


@nb.njit(nogil=True)
def _char_steps(tables, word, codes):  # type: ignore[no-untyped-def]
    for k in range(len(word)):
        codes[k] = tables.codes[tables.fold[word[k]]]
    return word_steps(tables.chars, codes, 0, len(word))


@nb.njit(cache=True, nogil=True)
def _char_cost(tables, word):  # type: ignore[no-untyped-def]
    return _char_steps(tables, word, np.empty(len(word), np.uint8)) / STEPS


@nb.njit(cache=True, nogil=True)
def _cost(tables, word):  # type: ignore[no-untyped-def]
    packed = _frequency(tables, word)
    listed = 2.0 ** (packed / FREQUENCY_STEPS - 10) / 1e6 if packed else 0.0
    steps = _char_steps(tables, word, np.empty(len(word), np.uint8))
    if not packed:
        return steps / STEPS - np.log2(UNLISTED)
    return -np.log2((1 - UNLISTED) * listed + UNLISTED * 2.0 ** (-steps / STEPS))


@nb.njit(cache=True, nogil=True)
def _measures(tables, data, offsets):  # type: ignore[no-untyped-def]
    n = len(offsets) - 1
    counts, bits = np.zeros((n, 6), np.int64), np.zeros(n)
    word, codes = np.empty(256, np.uint32), np.empty(256, np.uint8)
    for t in range(n):
        i, end = np.int64(offsets[t]), np.int64(offsets[t + 1])
        size, token, digits = 0, 0, False  # characters of the word so far; letters of the token at its end; did it begin after a digit
        steps = np.int64(0)
        while i <= end:
            point, kind = np.uint32(32), SPACE
            if i < end:
                point, i = decode(data, i, end)
                point = tables.fold[point] if point < TABLE_SIZE else np.uint32(0xFFFD)
                kind = tables.kinds[point]
            else:
                i += 1
            full = size == len(word)
            letter = (kind & (LETTER | MARK)) != 0
            if (not letter or full) and token:
                counts[t, 0] += 1
                counts[t, 2] += token
                if token > 1 and not digits and not _known(tables, word[size - token : size]):
                    counts[t, 1] += 1
                    counts[t, 3] += token
                token = 0
            if kind & SPACE or full:
                if size:
                    counts[t, 4] += 1
                    counts[t, 5] += size
                    steps += word_steps(tables.chars, codes, 0, size)
                    size = 0
                digits = False
                if kind & SPACE:
                    continue
            word[size], codes[size] = point, tables.codes[point]
            size += 1
            token += letter
            digits = not letter and (0x30 <= point <= 0x39) if not letter else digits
        bits[t] = steps / STEPS
    return counts, bits
