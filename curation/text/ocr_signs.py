"""Signs of OCR errors, counted page by page over Arrow buffers: unknown words by how odd their letters are, and letters, figures and marks where none belong.

Words in another script than the profile's, and passages of English, German or French, are counted apart: a lexicon can't judge them.
"""

from __future__ import annotations

from functools import lru_cache

import numba as nb
import numpy as np

from curation.languages.profile import Profile
from curation.text.char_model import STEPS, CharModel, next_cost
from curation.text.hashing import SEED_A
from curation.text.lexicon import Lexicon, Tables, _known, _word_hash, points
from curation.text.unicode import DIGIT, LETTER, MARK, SCRIPTS, SPACE, TABLE_SIZE, UPPER, decode, kinds, scripts

SIGNS = (
    *("characters", "letters", "tokens", "words", "foreign", "steps", "unknown"),
    *("odd_0", "odd_1", "odd_2", "odd_3", "name_0", "name_1", "name_2", "name_3"),
    *("fixable", "short", "rare", "single", "flips", "digit_mix", "symbols", "placed", "scripts_mixed", "figures"),
)
"""Columns of `Judge.signs`. Visible characters, letters, tokens (runs of two letters or more) and words that were judged; letters that were not, in another script
or language; cost of the judged words under the character model, in its steps; tokens that the lexicon doesn't know. Then signs: unknown tokens by the bits of their
least likely letter (below 7, 10, 13, or more), in lower case, and with a capital; unknown tokens that one confused letter parts from a known word, and those of two or
three letters; unlikely letters anywhere; single letters that are no word, numeral or initial; capitals behind a small letter; figures beside letters; signs that prose
does not use; marks where none belong; words of two scripts. Last, words with a figure, = or +: what tells a table or formulas."""

CHARACTERS, LETTERS, TOKENS, WORDS, FOREIGN, STEP_SUM, UNKNOWN = range(7)
ODD, NAME = 7, 11
FIXABLE, SHORT, RARE, SINGLE, FLIPS, DIGIT_MIX, SYMBOLS, PLACED, SCRIPTS_MIXED, FIGURES = range(15, 25)

CONFUSED = "aəo əaeö eəcö iılştü ıil litıd tlşi uün üuin oöa öoi sşz şs cçe çc gğqk qğg ğg rğv vyr yşv hb bh mn nmüu pş zsx xrz kg "
"""By letter in Tesseract's reading, what stood there: of 3,582 errors in Latin and 4,725 in Cyrillic letters (transliterated) on rendered pages."""
BINS = (7.0, 10.0, 13.0)
"""Bits of the least likely letter, between the bins of unknown tokens."""
RARE_BITS = 9.0
"""Bits from which on a letter of another word is unlikely."""
WINDOW = 24
"""Words after which a line is judged anew: it may change its language inside."""
FOREIGN_WORDS, FOREIGN_SHARE, UNKNOWN_SHARE, SURE_SHARE = 2, 0.1, 0.25, 0.25
"""A window is in another language when so many of its tokens, and such a share of them, are that language's commonest words, and so many are unknown; or such a
share are commonest words, unknown or not."""
FIGURES_SHARE = 0.25
"""Share of a window's words with figures from which on it is a table or formulas: lone letters and signs are no errors there."""

FUNCTION_WORDS = (
    "or we he she one more also other than when these such some most after first two about between during only many could where "
    "the of and to that was for with be by are from have this they his were their been would there which what who its into der die "
    "und von mit dem auf für ist nicht eine als auch nach werden aus wird bei einer durch les des est que dans une pour qui avec sont "
    "ces cette mais nous plus leur "
)
"""English, German and French; those that Azerbaijani has too (de, en, un, et, in, on, can, not, par, had) are left out."""

_COMMON = " .,:;!?()[]-–—«»“”„\"'’‘…%№§/+=&"
_ODD, _MARK_OPEN, _MARK_STOP, _MARK_INNER = 1, 2, 4, 8


class Judge:
    """What a page's text is judged by: the profile's letters, and its lexicon where there is one."""

    def __init__(self, profile: Profile, lexicon: Lexicon | None) -> None:
        self.lexicon = lexicon
        self.script = np.uint8(SCRIPTS.index(profile.script) if lexicon is None else 1)
        blank = Tables(profile.fold_table, np.zeros(1, np.uint8), kinds(), np.zeros(1, np.uint16), np.zeros(1, np.uint8), _no_model())
        self.tables = lexicon.tables if lexicon else blank
        hashes = [_word_hash(self.tables.fold, points(word), 0, len(word), SEED_A) for word in FUNCTION_WORDS.split()]
        self.foreign = np.sort(np.array(hashes, np.uint64))
        self.confused = _confused()

    def signs(self, data: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """int64 per page and sign (`SIGNS`); page p is the UTF-8 bytes data[starts[p] : ends[p]]."""
        return _pages(
            self.tables, self.lexicon is not None, self.script, self.foreign, self.confused, scripts(), sign_kinds(), data, starts, ends
        )


def _no_model() -> CharModel:
    return CharModel(np.zeros(1, np.uint16), np.zeros(1, np.uint8), np.zeros(1, np.uint8))


@lru_cache(maxsize=1)
def sign_kinds() -> np.ndarray:
    """uint8 per code point: is it a sign that prose does not use, an opening mark, one that ends a clause."""
    table = np.where(kinds() & (LETTER | MARK | DIGIT | SPACE) == 0, _ODD, 0).astype(np.uint8)
    table[[ord(c) for c in _COMMON]] = 0
    table[[ord(c) for c in "«“„([‘"]] |= _MARK_OPEN
    table[[ord(c) for c in ".,:;!?"]] |= _MARK_STOP
    table[[ord(c) for c in "!?,;"]] |= _MARK_INNER
    return table


@lru_cache(maxsize=1)
def _confused() -> np.ndarray:
    """uint32 per small letter and place: `CONFUSED`, 0 where the list ends."""
    table = np.zeros((0x260, 6), np.uint32)
    for letters in CONFUSED.split():
        table[ord(letters[0]), : len(letters) - 1] = [ord(c) for c in letters[1:]]
    return table


@nb.njit(cache=True, nogil=True)
def _pages(tables, judged, script, foreign, confused, scripts, signs, data, starts, ends):  # type: ignore[no-untyped-def]
    counts = np.zeros((len(starts), len(SIGNS)), np.int64)
    window = np.zeros(len(SIGNS), np.int64)
    word = np.empty(128, np.uint32)
    for page in range(len(starts)):
        i, end = np.int64(starts[page]), np.int64(ends[page])
        size, words, theirs, asks = 0, 0, 0, False
        while i <= end:
            point = np.uint32(10)
            if i < end:
                point, i = decode(data, i, end)
                point = point if point < TABLE_SIZE else np.uint32(0xFFFD)
            else:
                i += 1
            space = tables.kinds[point] & SPACE != 0
            if not space:
                word[size] = point
                size += 1
            if size and (space or size == len(word)):
                if asks and tables.kinds[word[0]] & LETTER and not tables.kinds[word[0]] & UPPER:
                    window[PLACED] += 1
                asks = word[size - 1] == 0x3F or word[size - 1] == 0x21
                theirs += _word(tables, judged, script, foreign, confused, scripts, signs, word, size, window)
                words += 1
                size = 0
            if words and (point == 10 or words == WINDOW):
                if window[FIGURES] >= FIGURES_SHARE * words:
                    window[SINGLE] = window[SYMBOLS] = window[DIGIT_MIX] = window[RARE] = 0
                tokens, unknown = window[TOKENS], window[UNKNOWN]
                other = theirs >= FOREIGN_SHARE * tokens and unknown >= UNKNOWN_SHARE * tokens
                if theirs >= FOREIGN_WORDS and (other or theirs >= SURE_SHARE * tokens):
                    counts[page, FOREIGN] += window[LETTERS] + window[FOREIGN]
                else:
                    for sign in range(len(window)):
                        counts[page, sign] += window[sign]
                for sign in range(len(window)):
                    window[sign] = 0
                words = theirs = 0
    return counts


@nb.njit(nogil=True)
def _word(tables, judged, script, foreign, confused, scripts, signs, word, size, window):  # type: ignore[no-untyped-def]
    """Counts the signs of one word (what stands between white space) into the window; how many commonest words of other languages it holds."""
    own = other = digits = 0
    figured = False
    for k in range(size):
        figured = figured or word[k] == 0x3D or word[k] == 0x2B
        kind = tables.kinds[word[k]]
        if kind & LETTER:
            own += scripts[word[k]] == script
            other += scripts[word[k]] != script
        digits += kind & DIGIT != 0
    if other > own:
        window[FOREIGN] += own + other
        window[SCRIPTS_MIXED] += own > 0
        return 0
    figured = figured or (digits > 0 and own <= 2 * digits + 1)
    window[FIGURES] += figured
    window[WORDS] += 1
    window[CHARACTERS] += size
    window[LETTERS] += own
    window[SCRIPTS_MIXED] += other > 0
    _placing(tables.kinds, signs, word, size, own, digits, window)
    theirs, k = 0, 0
    history, rare = np.uint64(0), 0
    worst = np.int64(0)
    first = -1
    while k <= size:
        letter = k < size and tables.kinds[word[k]] & (LETTER | MARK) != 0
        if judged:
            code = tables.codes[tables.fold[word[k]]] if k < size else np.uint8(0)
            cost = next_cost(tables.chars, history, k + 1, code)
            history = (history << np.uint64(6)) | np.uint64(code)
            window[STEP_SUM] += cost
        else:
            cost = np.int64(0)
        if letter and first < 0:
            first, worst = k, np.int64(0)
        if first >= 0:
            worst = max(worst, cost)
        if cost >= RARE_BITS * STEPS:
            rare += 1
        if first >= 0 and not letter:
            if k - first >= 2:
                theirs += _token(tables, judged, foreign, confused, word, first, k, worst, digits, window)
            first = -1
        k += 1
    window[RARE] += 0 if figured else rare
    return theirs


@nb.njit(nogil=True)
def _token(tables, judged, foreign, confused, word, first, end, worst, digits, window):  # type: ignore[no-untyped-def]
    window[TOKENS] += 1
    flips = 0
    for k in range(first + 1, end):
        flips += tables.kinds[word[k]] & UPPER != 0 and tables.kinds[word[k - 1]] & UPPER == 0
    window[FLIPS] += flips
    if not judged:
        return 0
    h = _word_hash(tables.fold, word, first, end, SEED_A)
    low, high = 0, len(foreign)
    while low < high:
        middle = (low + high) // 2
        if foreign[middle] < h:
            low = middle + 1
        else:
            high = middle
    theirs = low < len(foreign) and foreign[low] == h
    if not digits and not _known(tables, word[first:end]):
        window[UNKNOWN] += 1
        bits = worst / STEPS
        level = (bits >= BINS[0]) + (bits >= BINS[1]) + (bits >= BINS[2])
        window[(NAME if tables.kinds[word[first]] & UPPER else ODD) + level] += 1
        window[SHORT] += end - first <= 3
        window[FIXABLE] += _fixable(tables, confused, word[first:end])
    return np.int64(theirs)


@nb.njit(nogil=True)
def _fixable(tables, confused, token):  # type: ignore[no-untyped-def]
    """Whether another letter in one place makes a known word of the token."""
    if len(token) < 4:
        return False
    for k in range(len(token)):
        own = token[k]
        seen = tables.fold[own]
        if seen >= len(confused):
            continue
        found = False
        for other in confused[seen]:
            if other == 0:
                break
            token[k] = other
            found = found or _known(tables, token)
        token[k] = own
        if found:
            return True
    return False


@nb.njit(nogil=True)
def _placing(kinds, signs, word, size, letters, digits, window):  # type: ignore[no-untyped-def]
    """Signs that need no lexicon: where letters, figures and marks stand in a word."""
    stops = 0
    for k in range(size):
        point = word[k]
        before = kinds[word[k - 1]] if k else np.uint8(0)
        after = kinds[word[k + 1]] if k + 1 < size else np.uint8(0)
        window[SYMBOLS] += signs[point] & _ODD != 0
        if kinds[point] & LETTER:
            window[DIGIT_MIX] += (before & DIGIT != 0) + (after & DIGIT != 0)
        if signs[point] & _MARK_STOP:
            stops += 1
            window[PLACED] += (before & LETTER != 0 and after & LETTER != 0 and signs[point] & _MARK_INNER != 0) or (
                k == 0 and size > 1 and after & LETTER != 0
            )
            window[PLACED] += (
                k > 0 and signs[word[k - 1]] & _MARK_STOP != 0 and not (point == 0x2E and word[k - 1] == 0x2E) and point != word[k - 1]
            )
        elif signs[point] & _MARK_OPEN:
            window[PLACED] += before & LETTER != 0 or (k + 1 == size and size > 1)
    if letters == 0 and digits == 0 and size <= 2:
        window[PLACED] += stops == size or word[0] in (0x22, 0x27, 0x2019, 0x2018, 0x60, 0x7C, 0x5F)
    if letters == 1 and digits == 0 and kinds[word[0]] & LETTER:
        numeral = word[0] in (0x49, 0x56, 0x58, 0x6F, 0x4F)  # I V X o O
        initial = size > 1 and (word[1] in (0x2E, 0x29) or signs[word[1]] & _MARK_STOP != 0)
        window[SINGLE] += not numeral and not initial
