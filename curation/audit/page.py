"""A page of HTML with nothing outside of it: no script, no font, no picture from elsewhere, so that it can be mailed and opened anywhere.

All that is shown comes from a crawl or a recipe, so every string passes `text` on its way in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import NewType

Html = NewType("Html", str)
"""Markup that is safe to put into a page: everything in it is ours or escaped."""

STYLE = """
:root{color-scheme:light dark;--ground:#fff;--ink:#1d2127;--faint:#5f6873;--line:#d5d9de;--a:#8a93a0;--b:#2f6db3;--alarm:#a33a1e}
@media screen and (prefers-color-scheme:dark){:root{--ground:#15181c;--ink:#e4e7eb;--faint:#9aa3ad;--line:#353b43;--a:#79828e;--b:#6ba5e6;--alarm:#f0906f}}
body{font:15px/1.5 system-ui,sans-serif;max-width:66em;margin:2em auto;padding:0 1em;background:var(--ground);color:var(--ink)}
table{border-collapse:collapse;margin:.5em 0}td,th{border-bottom:1px solid var(--line);padding:.15em .7em;text-align:right;vertical-align:top}
td.text,th.text{text-align:start}.total td{font-weight:600}.scroll{overflow-x:auto}
article{border-inline-start:3px solid var(--line);padding-inline-start:.8em;margin:.8em 0}article p{margin:.2em 0;overflow-wrap:anywhere}
.faint{color:var(--faint)}.alarm{color:var(--alarm)}code{font-size:.92em;overflow-wrap:anywhere}svg{max-width:100%;height:auto}
"""


_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffc\ufffe\uffff]")


def text(value: object) -> Html:
    """A string, made harmless; nothing for None."""
    return Html("" if value is None else escape(str(value)))


def visible(value: object) -> Html:
    """A string from a crawl, made harmless, in which what can't be seen is shown: control characters, signs that turn the direction of writing, halves of characters.
    Joiners and marks of direction, which Persian and Azerbaijani in Arabic script are written with, stay as they are: they turn no other word around."""
    return text(_UNSEEN.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", "" if value is None else str(value)))


def page(title: str, sections: Sequence[Html], style: str = "") -> str:
    """The whole page. The policy forbids it to load or run anything, should a string slip through after all. `style` is added to `STYLE`."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{text(title)}</title><style>{STYLE}{style}</style></head>\n<body>\n" + "\n".join(sections) + "\n</body></html>\n"
    )


def table(heads: Sequence[str], rows: Sequence[Sequence[object]], texts: int = 1, total: bool = False) -> Html:
    """A table; numbers get separators. The first `texts` columns are words, which run in their own direction; `total` says that the last row is a sum."""
    if not rows:
        return Html("")
    head = "".join(f'<th scope="col"{_words(place < texts)}>{text(name)}</th>' for place, name in enumerate(heads))
    body = []
    for number, row in enumerate(rows):
        last = ' class="total"' if total and number == len(rows) - 1 else ""
        body.append(f"<tr{last}>" + "".join(f"<td{_words(place < texts)}>{_cell(cell)}</td>" for place, cell in enumerate(row)) + "</tr>")
    return Html(f'<div class="scroll"><table><tr>{head}</tr>{"".join(body)}</table></div>')


def _words(is_text: bool) -> str:
    return ' class="text" dir="auto"' if is_text else ""


def _cell(cell: object) -> Html:
    return text(f"{cell:,}") if isinstance(cell, int) else visible(cell)
