"""Letters that Word keeps as codes of a font without Unicode: U+F000 and the place in the font."""

from __future__ import annotations

import re

_GREEK = dict(
    zip(
        (*range(0x41, 0x5B), *range(0x61, 0x7B)),
        "ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖαβχδεφγηιϕκλμνοπθρστυϖωξψζ",
        strict=True,
    )
)
_SAME = (*range(0x20, 0x22), *range(0x28, 0x2A), *range(0x2B, 0x2D), *range(0x2E, 0x40), 0xB0, 0xB1)
_OTHERS = dict(
    zip(
        (0x2D, 0xA3, 0xA5, 0xAB, 0xAC, 0xAE, 0xB3, 0xB4, 0xB6, 0xB7, 0xB8, 0xB9, 0xBA, 0xBB, 0xCE, 0xD5, 0xD6, 0xE5, 0xF2),
        "\u2212≤∞↔←→≥×∂•÷≠≡≈∈∏√∑∫",
        strict=True,
    )
)
SYMBOL = {code: chr(code) for code in _SAME} | _GREEK | _OTHERS
"""Letters and commonest signs of the font Symbol (Adobe's encoding) by Unicode."""
_PRIVATE = re.compile("[\uf000-\uf0ff]")


def shown(text: str, font: str) -> str:
    """Text as its font shows it. Codes of other fonts than Symbol have no meaning outside them, and go."""
    symbol = font.startswith("Symbol")
    return _PRIVATE.sub(lambda found: SYMBOL.get(ord(found[0]) - 0xF000, " ") if symbol else "", text)
