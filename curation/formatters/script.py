"""Words whose letters come from two scripts, and other letters that only look right: repaired before any rule counts scripts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.formatters.base import Edit, EditingFormatter
from curation.languages.profile import Profile
from curation.processors import register
from curation.text.buffers import views
from curation.text.homoglyphs import DOT, MARKS, MIXED, SCHWA, TURNED, UMLAUT, script_flags
from curation.text.mixed_words import WORD, noted, one_script
from curation.text.scripts import SCRIPTS, script_letters

ROUNDS = 4
"""Times that a text is repaired while that changes something: a repaired word may be the evidence for another."""

OWN_SCRIPT = 0.2
"""Share of a text's letters in the profile's script from which on it is repaired."""

ONLY_AZERBAIJANI = "[ҝҹҜҸ]"
"""Cyrillic letters of no other living alphabet: such a text is repaired for the sake of `transliteration`."""

EXAMPLES = 5
"""Words that an edit in the ledger shows."""

OLD_SCHWA_WORDS, OLD_SCHWA_SHARE = 3, 0.02
"""Stop words with ə, different ones and their share of all words, that a text must have in its spelling with ä to be taken for Azerbaijani of 1991.

Measured with every ə of shared reference text put back to ä, and on Turkmen, Gagauz, Tatar, German: see tests/gates/script.yaml."""

_DOTTED = re.compile(f"([iıİI])\u0307(?![{MARKS}])")
_FOREIGN_TO_OLD_SCHWA = re.compile("[ñňýžßõåâêțţŋéèáàwŵæøœ]", re.IGNORECASE)


@register
class Script(EditingFormatter):
    """Gives every word back its one script: Cyrillic look-alikes inside Latin words and the reverse, wrong ә and ǝ for ə, dots left by lower-casing İ.

    A word is repaired when all its letters fit the script of those that fit no other; where every letter fits both, the script of the text decides, and
    where letters of both remain (`CNNның`, two words run together) it stays. Only words with both scripts are touched, and in their lines words made
    of look-alikes alone, so a Russian word in an Azerbaijani text is safe. Words in addresses and formulas stay. The ledger gets an edit per kind
    and document, not per word: a book typed on two keyboards would fill it.
    """

    name: ClassVar[str] = "script"
    facts: ClassVar[tuple[str, ...]] = ("code", "alphabet", "fold", "stop_words")

    def suspects_in(self, texts: pa.StringArray, profile: Profile) -> np.ndarray:
        """True for texts in which a word may mix scripts, or a letter of the profile may be a wrong one."""
        flags = script_flags(*views(texts))
        wrong = MIXED | (DOT if "İ" in profile.fold else 0) | (TURNED if "ə" in profile.alphabet else 0)
        suspect = np.asarray((flags & wrong) != 0)
        if _had_umlaut(profile):
            suspect |= (flags & (UMLAUT | SCHWA)) == UMLAUT
        rows = np.flatnonzero(suspect)
        suspect[rows[~_concerns(texts.take(pa.array(rows)), profile)]] = False
        return suspect

    def edit(self, text: str, profile: Profile) -> tuple[str, list[Edit]]:
        """The text with its words repaired; edits `script.homoglyph`, `script.dot` and `script.schwa`, each with the first different words."""
        found: dict[str, Counter[str]] = {}
        for _ in range(ROUNDS):
            before = text
            for rule, repair in _REPAIRS.items():
                text = repair(text, profile, found.setdefault(rule, Counter()))
            if text == before:
                break
        return text, [Edit(f"script.{rule}", 0, _examples(words)) for rule, words in found.items() if words]


def _concerns(texts: pa.StringArray, profile: Profile) -> np.ndarray:
    """Is the text in the profile's script, or in Cyrillic letters that only Azerbaijani has? Pages in other letters are the filters' business (bool)."""
    letters = script_letters(*views(texts))
    own = letters[:, SCRIPTS.index(profile.script)] >= OWN_SCRIPT * np.maximum(letters.sum(axis=1), 1)
    if profile.code == "azj_Latn":
        own |= pc.match_substring_regex(texts, ONLY_AZERBAIJANI).to_numpy(zero_copy_only=False)
    return np.asarray(own)


def _examples(words: Counter[str]) -> str:
    shown = " ".join(list(words)[:EXAMPLES])
    return shown if len(words) <= EXAMPLES else f"{shown} … ({words.total()} words)"


def _dots(text: str, profile: Profile, seen: Counter[str]) -> str:
    """İ lower-cased by Unicode's rules is i and a dot above it: the dot goes."""
    if "\u0307" not in text or "İ" not in profile.fold:
        return text
    return WORD.sub(lambda match: noted(match[0], _DOTTED.sub(_undotted, match[0]), seen), text)


def _undotted(match: re.Match[str]) -> str:
    return "i" if match[1] in "iı" else "İ"


def _homoglyphs(text: str, profile: Profile, seen: Counter[str]) -> str:
    return one_script(text, profile.alphabet, seen)


def _had_umlaut(profile: Profile) -> bool:
    return "ə" in profile.alphabet and "ä" not in profile.alphabet


def _schwas(text: str, profile: Profile, seen: Counter[str]) -> str:
    """Other letters that stand for ə: ǝ, and the ä of 1991 in a text that has no ə but Azerbaijani words spelt so."""
    if "ə" not in profile.alphabet:
        return text
    if "ǝ" in text or "Ǝ" in text:
        text = WORD.sub(lambda match: noted(match[0], match[0].replace("ǝ", "ə").replace("Ǝ", "Ə"), seen), text)
    if _had_umlaut(profile) and _of_1991(text, profile):
        text = WORD.sub(lambda match: noted(match[0], match[0].replace("ä", "ə").replace("Ä", "Ə"), seen), text)
    return text


def _of_1991(text: str, profile: Profile) -> bool:
    if "ä" not in text or "ə" in text or "Ə" in text:
        return False
    spelt = {word.replace("ə", "ä") for word in profile.stop_words if "ə" in word}
    words = Counter(word.lower() for word in WORD.findall(text))
    hits = {word: n for word, n in words.items() if word in spelt}
    foreign = sum(n for word, n in words.items() if _FOREIGN_TO_OLD_SCHWA.search(word))
    return len(hits) >= OLD_SCHWA_WORDS and sum(hits.values()) >= max(OLD_SCHWA_SHARE * words.total(), foreign)


_REPAIRS: dict[str, Callable[[str, Profile, Counter[str]], str]] = {"dot": _dots, "homoglyph": _homoglyphs, "schwa": _schwas}
