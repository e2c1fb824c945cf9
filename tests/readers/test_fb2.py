"""FictionBook e-books."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from datatrove.data import Document

from curation.document import Failure
from curation.processors import processor
from curation.readers.fb2 import Fb2Reader
from curation.readers.inputs import reader_for
from tests.readers.samples import put, texts, whole
from tests.readers.zips import pack

BOOK = """<?xml version="1.0" encoding="{encoding}"?>
<FictionBook xmlns="http://www.gribuser.ru/xml/fictionbook/2.0" xmlns:l="http://www.w3.org/1999/xlink"><stylesheet>p {{}}</stylesheet>
<description><title-info><genre>prose</genre><author><first-name>Anar</first-name><last-name>Dağlı</last-name></author><book-title>Çay kənarında</book-title>
<lang>az</lang><translator><first-name>Heç</first-name></translator></title-info><document-info><author><nickname>skaner</nickname></author></document-info>
<publish-info><publisher>Nəşriyyat</publisher><year>1998</year></publish-info></description>
<body><title><p>Çay kənarında</p></title>
<section><title><p>Birinci</p><p>fəsil</p></title><epigraph><p>Su axar.</p><text-author>El sözü</text-author></epigraph>
<p>Kənd <emphasis>yuxuda</emphasis> idi<a l:href="#n1" type="note">[1]</a>.</p><empty-line/><image l:href="#a.jpg"/>
<poem><stanza><v>Dağlar başı</v><v>duman oldu</v></stanza><stanza><v>yol bağlandı</v></stanza></poem><p>Səhər açıldı.</p></section>
<section><title><p>İkinci fəsil</p></title><section><title><p>Alt</p></title><p>Mətn.</p></section>
<table><tr><th>Ad</th><th>Yaş</th></tr><tr><td>Əli</td><td>7</td></tr></table></section></body>
<body name="notes"><title><p>Qeydlər</p></title><section id="n1"><title><p>1</p></title><p>Yəni sakit.</p></section></body>
<binary id="a.jpg" content-type="image/jpeg">AAAA</binary></FictionBook>"""

FIRST = "Birinci\n\nfəsil\n\nSu axar.\n\nEl sözü\n\nKənd yuxuda idi[1].\n\nDağlar başı\nduman oldu\n\nyol bağlandı\n\nSəhər açıldı."
SECOND = "İkinci fəsil\n\nAlt\n\nMətn.\n\nAd\tYaş\nƏli\t7\n\nQeydlər\n\n[1] Yəni sakit."


def utf8() -> bytes:
    return BOOK.format(encoding="utf-8").encode()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.fb2", utf8()),
        ("a.fb2.gz", gzip.compress(utf8())),
        ("a.fb2.zip", pack({"x/kitab.fb2": utf8(), "readme.txt": "salam"})),
        ("a.fb2", BOOK.format(encoding="utf-16").encode("utf-16")),
    ],
)
def test_a_book(tmp_path: Path, name: str, data: bytes) -> None:
    assert reader_for(name) is Fb2Reader
    (document,) = whole(Fb2Reader(), put(tmp_path, name, data))
    assert isinstance(document, Document)
    assert document.text == f"Çay kənarında\n\n{FIRST}\n\n{SECOND}"
    about = {key: value for key, value in document.metadata.items() if key != "pages"}
    assert about == {
        "locator": name,
        "title": "Çay kənarında",
        "author": "Anar Dağlı",
        "language": "az",
        "publisher": "Nəşriyyat",
        "date": "1998",
    }


def test_chapters(tmp_path: Path) -> None:
    records = whole(Fb2Reader(per="chapter"), put(tmp_path, "a.fb2", utf8()))
    assert texts(records) == ["Çay kənarında", FIRST, SECOND]
    assert [record.metadata.get("chapter") for record in records if isinstance(record, Document)] == [None, "Birinci fəsil", "İkinci fəsil"]


def test_a_zip_of_books(tmp_path: Path) -> None:
    records = whole(Fb2Reader(), put(tmp_path, "a.fb2.zip", pack({"bir.fb2": utf8(), "iki.fb2": "<FictionBook>", "uc.fb2": utf8()})))
    assert [record.id for record in records] == ["a.fb2.zip#bir.fb2", "a.fb2.zip#iki.fb2", "a.fb2.zip#uc.fb2"]
    assert isinstance(records[1], Failure)
    assert records[1].reason == "malformed"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"<html>salam</html>", "mismatch"),
        (utf8()[:-300], "malformed"),
        (b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><FictionBook>&a;</FictionBook>', "entities"),
        (b"%PDF-1.7", "binary"),
        (pack({"a.txt": "x"}), "mismatch"),
        (pack({"a.fb2": utf8()})[:-20], "truncated"),
        (b"<FictionBook>" + b" " * 20_000, "too_long"),
    ],
)
def test_what_fails(tmp_path: Path, data: bytes, reason: str) -> None:
    (failure,) = whole(Fb2Reader(max_bytes=10_000), put(tmp_path, "a.fb2", data))
    assert isinstance(failure, Failure)
    assert failure.reason == reason
    assert failure.message.startswith("a.fb2: ")


@pytest.mark.parametrize("tag", ["section", "title", "td", "poem"])
def test_a_hundred_thousand_levels(tmp_path: Path, tag: str) -> None:
    xml = "<FictionBook><body>" + f"<{tag}>" * 100_000 + "<p>Salam</p>" + f"</{tag}>" * 100_000 + "</body></FictionBook>"
    (document,) = whole(Fb2Reader(), put(tmp_path, "a.fb2", xml.encode()))
    assert isinstance(document, Document)


def test_is_registered() -> None:
    assert processor("reader", "fb2") is Fb2Reader
