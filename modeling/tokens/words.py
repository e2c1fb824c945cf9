"""Encoding by words: the same ids as the tokenizer gives, several times as fast.

Text is mostly words that were there before. Where a tokenizer looks at nothing across a space, as nearly all do, its ids of a text are those of the text's words one
after the other; so each word goes through the tokenizer once, and then through a table. Whether that holds is read from the tokenizer's parts; one with a part that
is not known here gets whole texts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import chain
from typing import TYPE_CHECKING, Any

import numba as nb
import numpy as np

from modeling.tokenizer.kinds import SPACE
from modeling.tokenizer.words import Letters, spaced_pattern, word_pattern
from modeling.tokens.store import ids_dtype

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Cut = Callable[[str], list[str]]
MAX_WORDS = 1 << 20
MAX_CHARACTERS = 1 << 25
"""What the table may hold, about 200 MB, before it is begun anew."""
AT_ONCE = 512
"""Words, or texts, in one call of the tokenizer."""

_LETTERWISE = {"NFC", "NFD", "Lowercase", "StripAccents"}
"""Normalisers that neither look beyond a space nor make one."""
_DROP_SPACES = {"BertPreTokenizer", "Whitespace", "WhitespaceSplit"}
"""Pre-tokenisers that end a word at every white space and keep none."""
_CLASS = r"(?:\\p\{[LMN][a-z]?\}|[^\[\]\\\s])*"
"""What may stand for a class of letters in one of our patterns."""
_SPACE = re.compile(r"(?<=\S)(?=[ \n]\S)")


class Encoder:
    """Texts to ids, without special tokens; what looks like one in a text is text."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.cut, self.tokenizer = cut_of(tokenizer)
        self.dtype = np.dtype(ids_dtype(max(tokenizer.get_vocab(with_added_tokens=True).values(), default=0) + 1))
        self.tokenizer.encode_special_tokens = True
        self._forget()

    def __call__(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """(ids of all texts one after the other, as many bits as a store has; how many are of each, int64)."""
        if self.cut is None:
            return self._by_tokenizer(texts)
        if len(self.words) > MAX_WORDS or self.characters > MAX_CHARACTERS:
            self._forget()
        words: list[str] = []
        ends = np.empty(len(texts), np.int64)
        for number, text in enumerate(texts):
            words += self.cut(text)
            ends[number] = len(words)
        codes = np.fromiter(map(self.words.__getitem__, words), np.int64, len(words))
        self._learn()
        return _looked_up(codes, ends, self.firsts, self.ids)

    def _forget(self) -> None:
        self.words, self.characters = _Numbers(), 0
        self.firsts, self.ids = np.zeros(1, np.int64), np.empty(0, self.dtype)

    def _learn(self) -> None:
        """Encode the words that were not in the table."""
        new, self.words.new = self.words.new, []
        found = [np.empty(0, self.dtype)]
        lengths = np.empty(len(new), np.int64)
        for first in range(0, len(new), AT_ONCE):
            words = new[first : first + AT_ONCE]
            encoded = self.tokenizer.encode(words, is_pretokenized=True, add_special_tokens=False)
            found.append(np.array(encoded.ids, self.dtype))
            lengths[first : first + len(words)] = np.bincount(np.array(encoded.word_ids, np.int64), minlength=len(words))
        self.firsts = np.concatenate([self.firsts, self.firsts[-1] + np.cumsum(lengths)])
        self.ids = np.concatenate([self.ids, *found])
        self.characters += sum(map(len, new))

    def _by_tokenizer(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        ids, lengths = [np.empty(0, self.dtype)], [np.empty(0, np.int64)]
        for first in range(0, len(texts), AT_ONCE):
            found = [e.ids for e in self.tokenizer.encode_batch_fast(texts[first : first + AT_ONCE], add_special_tokens=False)]
            lengths.append(np.fromiter(map(len, found), np.int64, len(found)))
            ids.append(np.fromiter(chain.from_iterable(found), self.dtype))
        return np.concatenate(ids), np.concatenate(lengths)


class _Numbers(dict[str, int]):
    """Words by number; one that is asked for and new gets the next, and stands in `new`."""

    def __init__(self) -> None:
        self.new: list[str] = []

    def __missing__(self, word: str) -> int:
        self.new.append(word)
        number = self[word] = len(self)
        return number


def cut_of(tokenizer: Tokenizer) -> tuple[Cut | None, Tokenizer]:
    """How texts may be cut so that the ids of the parts are the ids of the whole, and the tokenizer that parts go to; None and the one given where it has parts of
    which this is not known.

    Words may go alone where white space is dropped. Where it is kept, a word goes with the one space before it; the space that the normaliser puts before a text is
    then put there by the cut. Our own patterns look back one character and never over a space.
    """
    stated = json.loads(tokenizer.to_str())
    normaliser, cutter = _parts(stated["normalizer"], "normalizers"), _parts(stated["pre_tokenizer"], "pretokenizers")
    within = [part for part in normaliser if part not in (_PREPEND, _SPACES_TO_MARK)]
    if not all(map(_letterwise, within)) or any(re.search(r"\s", token["content"]) for token in stated["added_tokens"]):
        return None, tokenizer
    if within == normaliser:
        alone = _types(cutter) in [[one] for one in _DROP_SPACES] or _splits(cutter, word_pattern)
        return (_at_spaces if alone else None), tokenizer
    marked = normaliser == [*within, _PREPEND, _SPACES_TO_MARK] and _splits(cutter, lambda letters: spaced_pattern(letters, SPACE))
    spaced = (
        normaliser == [*within, _PREPEND] and _splits(cutter[:1], lambda letters: spaced_pattern(letters, " ")) and cutter[1:] == [_BYTES]
    )
    if not (marked or spaced):
        return None, tokenizer
    stated["normalizer"] = {"type": "Sequence", "normalizers": [part for part in normaliser if part != _PREPEND]}
    return (_before_any_space if marked else _before_spaces), type(tokenizer).from_str(json.dumps(stated))


_PREPEND = {"type": "Prepend", "prepend": " "}
_SPACES_TO_MARK = {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": SPACE}
_BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}


def _parts(part: dict[str, Any] | None, inner: str) -> list[dict[str, Any]]:
    """The parts of a sequence, and of sequences in it."""
    if part is None:
        return []
    return [leaf for child in part[inner] for leaf in _parts(child, inner)] if part["type"] == "Sequence" else [part]


def _types(parts: list[dict[str, Any]]) -> list[str]:
    return [part["type"] for part in parts]


def _letterwise(part: dict[str, Any]) -> bool:
    """Does a normaliser change letters by what stands next to them at most?"""
    if part["type"] != "Replace":
        return part["type"] in _LETTERWISE
    written = "".join(part["pattern"].values())
    return not re.search(r"\s", written + part["content"]) and ("String" in part["pattern"] or re.escape(written) == written)


def _splits(parts: list[dict[str, Any]], pattern: Callable[[Letters], str]) -> bool:
    """Is this one split by a pattern of ours, whatever its letters?"""
    if _types(parts) != ["Split"] or parts[0]["behavior"] != "Removed" or not parts[0]["invert"]:
        return False
    places = Letters(*map(chr, range(0xE000, 0xE004)))
    ours = re.sub("[\ue000-\ue003]", lambda _: _CLASS, re.escape(pattern(places)))
    return bool(re.fullmatch(ours, parts[0]["pattern"].get("Regex", "")))


def _at_spaces(text: str) -> list[str]:
    return text.replace("\n", " ").split(" ")


def _before_spaces(text: str) -> list[str]:
    """One space or line feed goes with what follows it; longer white space stays inside a part."""
    return _SPACE.split(" " + text) if text else []


def _before_any_space(text: str) -> list[str]:
    """The same, where the tokenizer takes all white space for one mark."""
    return _before_spaces(text.replace("\n", " "))


@nb.njit(cache=True, nogil=True)
def _looked_up(codes, ends, firsts, table):  # type: ignore[no-untyped-def]
    total = 0
    for code in codes:
        total += firsts[code + 1] - firsts[code]
    ids, lengths = np.empty(total, table.dtype), np.empty(len(ends), np.int64)
    n = word = 0
    for text in range(len(ends)):
        begin = n
        while word < ends[text]:
            for i in range(firsts[codes[word]], firsts[codes[word] + 1]):
                ids[n] = table[i]
                n += 1
            word += 1
        lengths[text] = n - begin
    return ids, lengths
