"""What OCR misread is put right, word by word, where the evidence is strong: `rnəktəb` is məktəb, `kltab` kitab, and a name that no list holds stays.

A reading costs the bits of the confusions that it supposes (`curation/text/confusions.py`) and of its words (`curation/text/lexicon.py`). What the cheapest reading saves
is the logarithm of how many times likelier it is than what stands there; `odds` weighs it against how strange the page is, how common the reading's words are, and
whether this looks like a name. Cyrillic words are read in Latin letters and written back, so that the formatter stands before `transliteration`.
"""

from __future__ import annotations

import math
import re
from bisect import bisect
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pyarrow as pa
import yaml

from curation.fingerprint import fingerprint
from curation.formatters.base import Edit, EditingFormatter
from curation.languages import lexicon as lexicons
from curation.languages.profile import Profile
from curation.processors import register
from curation.text.confusions import LONGEST, Arcs, arcs, ordered, readings
from curation.text.lexicon import Lexicon, load_lexicon, points
from curation.text.lost_quotes import restored_quotes
from curation.text.stray_marks import stray_marks
from curation.text.transliteration import to_cyrillic, to_latin

CONFUSIONS = Path(lexicons.__file__).with_name("confusions.yaml")

COMMON = 0.3
"""Occurrences per million from which on a word is taken as it stands."""

ODDS = 0.5
"""Least odds, as a natural logarithm, of a reading that is taken."""

BIAS, WEIGHTS = (
    -2.8,
    {
        **{"saved": 0.309, "frequency": 0.173, "unlisted": 2.33, "capital": -0.515},
        **{"length": -0.14, "confusions": 0.87, "strange": 8.28, "surprise": -0.409, "narrow": 2.0},
    },
)
"""Logistic regression over the cheapest readings of the strange words of 250 rendered pages, and of clean sites, verses and sentences that the lexicon has not seen: a
reading is right where the word comes nearer to what is printed. With odds of 0.5 it is right 20 times for each time that it is wrong, and clean text keeps 99.94 % of
its words or more (tests/gates/repair.yaml), verse of the 16th century 98.6 %. `narrow` was chosen by hand on 38 pages of `benchmarks.ocr.narrow`, of a quarter of the
documents that the lexicon had not seen: with the shares of the table for m, 12 of 51 errors stay there instead of 27, and on 41 others 19 of 30 instead of 21. Clean text
keeps as many words."""

MARKER, WINDOW, MARKER_SHARE = "əƏәӘ", 8, 0.02
"""The letter that no neighbour writes, words to either side, and the least share of it among their characters: nothing is changed in a quotation in another language."""

MOST_EDITS = 10_000
"""Changes of one document that the ledger lists."""

_TOKEN = re.compile(r"\S+")
_OUTER = "«»“”„\"'‘’‚()[]{}<>*•·"
_KEPT = re.compile(
    r"://|www\.|[@\\_/{}<>=#~^$+`]|\w\.\w{2,}|^[^\w]*[IVXLCDMivxlcdm]+[^\w]*(?:$|[-–])|\d.*\d|^\W*[^\W\d_a-zəğıöüçş]{2,5}(?:\W|$)"
)
"""Addresses, code, Roman numerals, numbers, and short words in capitals."""
_PARTS = re.compile(r"[^\W\d_]+")
_CYRILLIC = re.compile("[\u0400-\u04ff]")
_LIGATURES = {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}


class _Table(NamedTuple):
    confusions: list[tuple[str, str, float]]
    arcs: Arcs


class _Word(NamedTuple):
    start: int
    end: int
    text: str
    cyrillic: bool


class _Reading(NamedTuple):
    text: str
    bits: float
    """Of the lexicon and of its confusions."""
    confusions: tuple[int, ...]
    places: tuple[int, ...]
    """Where in the string each of them is."""


@register
class Ocr(EditingFormatter):
    """Repairs the text of one page that OCR read; of books, those pages alone.

    The ledger gets an edit for each change, with what stood there: `ocr.confusion` a word, `ocr.quotes` a word beside a lost quotation mark, `ocr.stray` a lone
    sign, `ocr.ligature`.
    """

    name: ClassVar[str] = "ocr"
    version: ClassVar[int] = 3
    facts: ClassVar[tuple[str, ...]] = ("code", "fold")
    origins: ClassVar[tuple[str, ...]] = ("ocr",)

    def identity(self) -> dict[str, Any]:
        """With a hash of the confusions."""
        return super().identity() | {"confusions": _digest()}

    def suspects_in(self, texts: pa.StringArray, profile: Profile) -> np.ndarray:
        """Every text, where there is a lexicon and a table of confusions for the language."""
        return np.full(len(texts), load_lexicon(profile.code) is not None and _table(profile.code) is not None)

    def edit(self, text: str, profile: Profile) -> tuple[str, list[Edit]]:
        """The better text."""
        return self._edited(text, profile, _STEPS)

    def edit_page(self, text: str, profile: Profile, origin: str) -> tuple[str, list[Edit]]:
        """The better text of a page that our OCR read: of m and the narrow letters that look like it, the pixels were asked (`curation.extractors.ocr.narrow`)."""
        return self._edited(text, profile, _STEPS_BEHIND_PIXELS)

    def _edited(self, text: str, profile: Profile, steps: Mapping[str, Step]) -> tuple[str, list[Edit]]:
        lexicon = load_lexicon(profile.code)
        if lexicon is None or _table(profile.code) is None:
            return text, []
        edits: list[tuple[int, Edit]] = []
        for rule, step in steps.items():
            changes = sorted(step(text, lexicon))
            breaks = [match.start() for match in re.finditer("\n", text)] if changes else []
            edits += [(start, Edit(f"ocr.{rule}", bisect(breaks, start - 1) + 1, text[start:end])) for start, end, _ in changes]
            text = _changed(text, changes)
        made = [edit for _, edit in sorted(edits, key=lambda found: (found[1].line, found[0]))]
        return text, made if len(made) <= MOST_EDITS else [*made[:MOST_EDITS], Edit("ocr.more", made[MOST_EDITS].line, None)]


def odds(
    saved: float, frequency: float, capital: bool, length: int, confusions: int, strange: float, surprise: float, narrow: bool
) -> float:
    """Natural logarithm of the odds that a reading is right.

    `saved` bits; `frequency` per million of its rarest word; whether what stands there has a capital, its length; number of `confusions`; share of `strange` words on the
    page; `surprise`: bits per character of what stands there; `narrow`: whether nothing but m and two narrow letters is confused, and the lexicon lists the reading.
    """
    values = {
        "saved": min(max(saved, -10), 40),
        "frequency": math.log2(frequency + 0.05),
        "unlisted": float(frequency == 0),
        "capital": float(capital),
        "length": min(length, 15),
        "confusions": confusions,
        "strange": strange,
        "surprise": surprise,
        "narrow": float(narrow),
    }
    return BIAS + sum(weight * values[name] for name, weight in WEIGHTS.items())


def _changed(text: str, changes: list[tuple[int, int, str]]) -> str:
    parts, place = [], 0
    for start, end, better in changes:
        parts += [text[place:start], better]
        place = end
    return "".join([*parts, text[place:]])


def _ligatures(text: str, _: Lexicon) -> Iterator[tuple[int, int, str]]:
    return ((match.start(), match.end(), _LIGATURES[match[0]]) for match in re.finditer("[ﬀ-ﬆ]", text))


def _misread(text: str, lexicon: Lexicon, narrow: bool = True) -> Iterator[tuple[int, int, str]]:
    """(start, end, better) of the words that are read anew; without `narrow` Latin m and narrow letters stay."""
    words = list(_strange_words(text, lexicon))
    share = len(words) / max(1, len(text.split()))
    found: dict[tuple[str, bool], str | None] = {}
    for word in words:
        own = word.text, word.cyrillic
        if own not in found:
            found[own] = _better(word, share, lexicon, narrow or word.cyrillic)
        better = found[own]
        if better is not None:
            yield word.start, word.end, better


def _strange_words(text: str, lexicon: Lexicon) -> Iterator[_Word]:
    """The words that are not common, without the marks around them, and no parts of hyphenated ones, where the text is of the language."""
    tokens = list(_TOKEN.finditer(text))
    letters = np.cumsum([0, *(len(token[0]) for token in tokens)])
    markers = np.cumsum([0, *(sum(c in MARKER for c in token[0]) for token in tokens)])
    for k, token in enumerate(tokens):
        first, last = max(0, k - WINDOW), min(len(tokens), k + WINDOW + 1)
        if markers[last] - markers[first] < MARKER_SHARE * (letters[last] - letters[first]):
            continue
        string = token[0].strip(_OUTER)
        torn = string.endswith(("-", "\u00ad")) or (k > 0 and tokens[k - 1][0].endswith(("-", "\u00ad")))
        if torn or not 2 <= len(string) <= LONGEST:
            continue
        cyrillic = _CYRILLIC.search(string) is not None
        latin = to_latin(string, "1958") if cyrillic else string
        if _KEPT.search(latin) or not _is_strange(latin, lexicon) or (cyrillic and to_cyrillic(latin) != string):
            continue
        start = token.start() + len(token[0]) - len(token[0].lstrip(_OUTER))
        yield _Word(start, start + len(string), latin, cyrillic)


def _is_strange(string: str, lexicon: Lexicon) -> bool:
    parts = _PARTS.findall(string)
    return bool(parts) and not (all(lexicon.frequency(part) >= COMMON for part in parts) and not _INNER.search(string))


_INNER = re.compile(r"\w[!|?]\w|[^\W\d_]\d|\d[^\W\d_]{2}|\?$")
"""A sign or a digit inside a word, and the question mark, which i is read as."""


def _better(word: _Word, strange: float, lexicon: Lexicon, narrow_too: bool) -> str | None:
    """The reading to put in place of a word; None where it stays."""
    string, table = word.text, _table("azj_Cyrl" if word.cyrillic else "azj_Latn")
    assert table is not None  # noqa: S101 - both are in the file
    own, *others = _readings(string, lexicon, table)
    if not narrow_too:
        others = [reading for reading in others if not any(_is_narrow(*table.confusions[arc][:2]) for arc in reading.confusions)]
    if not others:
        return None
    best = min(others, key=lambda reading: reading.bits)
    frequency = min((lexicon.frequency(part) for part in _PARTS.findall(best.text)), default=0.0)
    parts = _PARTS.findall(own.text)
    surprise = sum(map(lexicon.char_cost, parts)) / max(1, sum(len(part) + 1 for part in parts))
    capital = string[0].isupper() and not string.isupper()
    narrow = frequency > 0 and all(_is_narrow(*table.confusions[arc][:2]) for arc in best.confusions)
    if odds(own.bits - best.bits, frequency, capital, len(string), len(best.confusions), strange, surprise, narrow) < ODDS:
        return None
    better = _cased(string, best, table)
    return to_cyrillic(better) if word.cyrillic else better


def _is_narrow(true: str, seen: str) -> bool:
    """Whether an m was read as two letters, or two as an m."""
    return (true == "m" and len(seen) == 2) or (seen == "m" and len(true) == 2)


def _readings(string: str, lexicon: Lexicon, table: _Table) -> list[_Reading]:
    count, sizes, texts, used, places, bits = readings(lexicon.tables, table.arcs, lexicon.tables.fold[points(string)])
    found = []
    for k in range(count):
        own = tuple(arc for arc in used[k].tolist() if arc >= 0)
        cost = float(bits[k]) + sum(table.confusions[arc][2] for arc in own)
        found.append(_Reading("".join(map(chr, texts[k, : sizes[k]].tolist())), cost, own, tuple(places[k, : len(own)].tolist())))
    return found


def _cased(string: str, reading: _Reading, table: _Table) -> str:
    """A reading, in the case of the string that it is of."""
    used = {place: table.confusions[arc] for place, arc in zip(reading.places, reading.confusions, strict=True)}
    capitals = sum(c.isupper() for c in string) >= 2 and not any(c.islower() for c in string)
    out, place = [], 0
    while place <= len(string):
        true, seen, _ = used.get(place, ("", "", 0.0))
        own = string[place : place + 1]
        if not seen:
            out.append((_upper(true) if capitals else true) + own)
            place += 1
        else:
            out.append(_upper(true) if capitals else _upper(true[:1]) + true[1:] if own.isupper() else true)
            place += len(seen)
    return "".join(out)


def _upper(text: str) -> str:
    return text.replace("i", "İ").replace("ı", "I").upper()


Step = Callable[[str, Lexicon], Iterable[tuple[int, int, str]]]
_STEPS: dict[str, Step] = {
    "ligature": _ligatures,
    "stray": stray_marks,
    "quotes": restored_quotes,
    "confusion": _misread,
}
"""Rules in the order of their steps: (start, end, better) of what each changes."""
_STEPS_BEHIND_PIXELS = _STEPS | {"confusion": partial(_misread, narrow=False)}
"""What the pixels said of m and narrow letters is not undone: on 121 pages of `benchmarks.ocr.narrow` 23 errors are left instead of 34."""


@lru_cache(maxsize=8)
def _table(code: str) -> _Table | None:
    """The confusions of a language, None where there are none."""
    if code not in (tables := yaml.safe_load(CONFUSIONS.read_text(encoding="utf-8"))):
        return None
    shares: dict[str, dict[str, float]] = tables[code]["confusions"]
    rows = ordered([(true, seen, -math.log2(share / 1e5)) for true, others in shares.items() for seen, share in others.items()])
    return _Table(rows, arcs(rows))


@lru_cache(maxsize=1)
def _digest() -> str:
    return fingerprint(yaml.safe_load(CONFUSIONS.read_text(encoding="utf-8")))
