"""PDFs made for tests, with text of our own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pymupdf

PAGES = (
    "Dənizin sahilində kiçik bir kənd vardı. Balıqçılar hər səhər qayıqlarla açığa çıxır, axşam isə torlarını qurutmaq üçün geri qayıdırdılar.",
    "Dağın ətəyində isə bağlar uzanırdı. Payızda hamı üzüm yığmağa gedir, uşaqlar səbətləri daşıyır, qocalar kölgədə oturub nağıl danışırdı.",
    "Çayın o tayında köhnə dəyirman dururdu. Onu kimin tikdiyini heç kim bilmirdi, amma daşları hələ də fırlanır, un ələnir, çörək bişirdi.",
    "Qışda yollar bağlanırdı və kənd dünyadan ayrı düşürdü. Onda qonşular bir-birinə yığışar, uzun gecələri söhbətlə, işlə, mahnı ilə keçirərdilər.",
)
LIMITED = 3.0
"""Seconds a page that the tests of endless pages wait at most."""


def book(pages: int = 4, texts: Sequence[str] = PAGES) -> pymupdf.Document:
    """A book whose pages differ, a text on each."""
    document = pymupdf.open()
    for at in range(pages):
        page = document.new_page(width=420, height=595)
        page.insert_htmlbox(pymupdf.Rect(50, 150, 370, 500), f'<p style="font-size:11pt">{texts[at % len(texts)]}</p>')
    return document


def saved(document: pymupdf.Document, path: Path, **options: object) -> Path:
    """The document as a file."""
    document.save(str(path), **options)
    return path


def endless(path: Path) -> Path:
    """A book whose second page draws a form that draws another ten times, and so on: 10^12 lines."""
    document = book(3)
    inner = document.get_new_xref()
    document.update_object(inner, "<</Type/XObject/Subtype/Form/BBox[0 0 420 595]>>")
    document.update_stream(inner, b"0 0 m 5 5 l S " * 10)
    for _ in range(11):
        outer = document.get_new_xref()
        document.update_object(outer, f"<</Type/XObject/Subtype/Form/BBox[0 0 420 595]/Resources<</XObject<</X {inner} 0 R>>>>>>")
        document.update_stream(outer, b"/X Do " * 10)
        inner = outer
    page = document[1].xref
    content = document.get_new_xref()
    document.update_object(content, "<<>>")
    document.update_stream(content, b"/X Do")
    document.xref_set_key(page, "Resources", f"<</XObject<</X {inner} 0 R>>>>")
    document.xref_set_key(page, "Contents", f"{content} 0 R")
    return saved(document, path)


def scan(path: Path, hidden: str = "") -> Path:
    """A page that is a picture, with a hidden text layer where one is given."""
    pixels = book(1)[0].get_pixmap(dpi=150)
    document = pymupdf.open()
    page = document.new_page(width=420, height=595)
    page.insert_image(page.rect, pixmap=pixels)
    for at, row in enumerate(hidden.splitlines()):
        page.insert_text((50, 160 + 14 * at), row, fontsize=11, render_mode=3)
    return saved(document, path)
