"""Whether a page's text layer can be trusted, told from the layer itself, page by page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from curation.extractors.pdf.raw import HIDDEN, HIDDEN_IMAGE_SHARE, RawPage

ODD = 0.05
"""Share of characters without meaning (U+FFFD, private use, control, `(cid:12)`) from which a layer is garbage. Bullets of symbol fonts
stay under 0.01 on every page of the 26 real files; fonts without a map give nearly 1."""
WRONG = 0.1
"""Share of words in Latin letters with a letter that does not belong to them: those of other alphabets or code pages (`Azÿrbaycan`, `þəhər`), signs (`Az?rbaycan`)."""
SURPRISE = 5.0
"""Bits per character, by the Azerbaijani character model, from which Latin text is strange. Of 802 real pages in Latin letters all had 1.5 to 3.7; with their
letters exchanged for others, as wrong font maps do, they had 5.9 to 7.5. Other languages: Turkish and English 2.9 to 3.8, Uzbek 3.3 to 4.8, but Kurdish
4.7 to 6.2: so a strange page is read by OCR, and what is less strange by `CLEARER` bits is kept."""
CLEARER = 1.0
HIDDEN_SURPRISE = 2.6
"""The same for a layer that OCR laid over a scan: from here on it is read again, and the better reading is kept. Laws have 1.7 to 2.1, stories 2.4, old poetry
3.0; prose in which `rn` stands for `m` and `e` for `ə` in three words of ten has 2.9."""
FEW_WORDS = 25
"""Words of a layer over a page-wide image that may be a stamp or a watermark and not the text."""
JUDGED_WORDS = 12
"""Least words for a judgement by a lexicon."""
SAMPLE = 300
"""Words that are looked at: half of a full page."""

_ODD = re.compile(r"\(cid:\d+\)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd\ufffe\uffff\ud800-\udfff\ue000-\uf8ff\U000f0000-\U0010ffff]+")
_LATIN = re.compile(r"[A-Za-zƏəĞğİıÖöÜüŞşÇç]")
_WRONG = re.compile(
    r"[A-Za-zƏəĞğİıÖöÜüŞşÇç][þðýÞÐÝÿ¿@#$¶§¤¦?\u0400-\u04ff]|[þðýÞÐÝÿ¿@#$¶§¤¦\u0400-\u04ff][A-Za-zƏəĞğİıÖöÜüŞşÇç]|[a-zəğıöüşç][?][a-zəğıöüşç]"
)


UNSURE = ("few words", "strange", "hidden layer")
"""Reasons that do not rule the layer out: what OCR reads is compared with it."""


class Surprise(Protocol):
    """What is asked of a lexicon."""

    def surprise(self, text: str) -> float:
        """Mean bits per character."""


class Verdict(NamedTuple):
    """Whether the text layer is used, and why not: `image` (it has none), `few words`, `garbage`, `encoding`, `strange`, `hidden layer`; `blank` for a page
    without anything."""

    use: bool
    reason: str = ""


def judge(raw: RawPage, lexicon: Surprise | None) -> Verdict:
    """What to do with a page. A lexicon helps where the page is in its script."""
    if not raw.words:
        return Verdict(not raw.ink, "image" if raw.ink else "blank")
    words = [word.text for word in raw.words]
    text = " ".join(words[:SAMPLE])
    if odd_share(text) > ODD:
        return Verdict(False, "garbage")
    if wrong_share(words) > WRONG:
        return Verdict(False, "encoding")
    surprise = _surprise(words, text, lexicon)
    if surprise > SURPRISE:
        return Verdict(False, "strange")
    if raw.image_share >= HIDDEN_IMAGE_SHARE:
        if raw.hidden_share > HIDDEN and surprise > HIDDEN_SURPRISE:
            return Verdict(False, "hidden layer")
        if len(words) < FEW_WORDS:
            return Verdict(False, "few words")
    return Verdict(True)


def odd_share(text: str) -> float:
    """Share of characters that stand for nothing."""
    return sum(len(found[0]) for found in _ODD.finditer(text)) / max(len(text), 1)


def wrong_share(words: Sequence[str]) -> float:
    """Share of words in Latin letters that hold one which does not belong there."""
    latin = [word for word in words[:SAMPLE] if _LATIN.search(word)]
    wrong = sum(bool(_WRONG.search(word)) and "://" not in word and "@" not in word[1:-1] for word in latin)
    return wrong / max(len(latin), len(words[:SAMPLE]) / 2, JUDGED_WORDS)


def _surprise(words: Sequence[str], text: str, lexicon: Surprise | None) -> float:
    letters = sum(char.isalpha() for char in text)
    latin = len(_LATIN.findall(text))
    if lexicon is None or sum(len(word) > 2 and word.isalpha() for word in words) < JUDGED_WORDS or latin < 0.8 * letters:
        return 0.0
    return lexicon.surprise(" ".join(word for word in words[:SAMPLE] if word.isalpha()))


def is_better(read: Sequence[str], layer: Sequence[str], reason: str, lexicon: Surprise | None) -> bool:
    """Whether the words that OCR read are to be taken for those of a layer that is in doubt for this reason: they are twice as many as a stamp has, or likelier."""
    if reason == "few words":
        return len(read) >= 2 * len(layer)
    if lexicon is None or not read:
        return False
    return lexicon.surprise(" ".join(read)) + (CLEARER if reason == "strange" else 0.0) < lexicon.surprise(" ".join(layer))
