"""Headings of chapters, by what they say and by how large they are printed."""

from __future__ import annotations

import re

CHAPTER_LENGTH = 120
"""Characters of the longest heading."""
LARGER = 1.25
"""Letter height of a heading at the top of a page, as a multiple of the page's usual one."""
_WORDS = r"f[əe]s[iİ]l|bölm[əe]|b[əe]hs|hiss[əe]|фәсил|бөлмә|глава|раздел|часть|chapter|part|bölüm|kısım"
_ORDINALS = r"birinci|ikinci|üçüncü|dördüncü|beşinci|altıncı|yeddinci|səkkizinci|doqquzuncu|onuncu|on \w+"
_CHAPTER = re.compile(
    rf"^(?:(?:[IVXLC]+|\d+(?:-\w+)?|{_ORDINALS})\s*[.]?\s+(?:{_WORDS})\b|(?:{_WORDS})\s+(?:[IVXLC]+|\d+|{_ORDINALS})\b)[.:]?(?P<rest>.*)$",
    re.IGNORECASE,
)


def chapter_heading(text: str) -> bool:
    """Whether the text is a chapter's heading by its words: `II FƏSİL`, `Fəsil 3. Torpaqlar`, `1-ci bölmə`, `Глава 2`."""
    if len(text) > CHAPTER_LENGTH:
        return False
    found = _CHAPTER.match(text.replace("İ", "i").replace("I", "I"))
    if not found:
        return False
    rest = found["rest"].strip()
    return not rest or not rest[0].islower()
