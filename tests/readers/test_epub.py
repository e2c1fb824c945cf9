"""E-books: text, chapters, pages, notes, and what fails."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from datatrove.data import Document

from curation.document import Failure
from curation.processors import processor
from curation.readers.base import InputFile
from curation.readers.epub import EpubReader
from tests.readers.samples import failures, put, texts, whole
from tests.readers.zips import epub, epub_parts, pack, xhtml

ONE = "<h1>Birinci fəsil</h1><p>Kəndin   üstündən\n  keçən yol dağa qalxırdı.</p>"
TWO = "<h1>İkinci fəsil</h1><p>Axşam düşəndə çay səssizləşdi.</p>"
NAV = (
    '<nav epub:type="toc"><ol><li><a href="bir.xhtml">Yol</a></li><li><a href="iki.xhtml">Çay</a></li></ol></nav>'
    '<nav epub:type="page-list"><ol><li><a href="bir.xhtml#s7">7</a></li><li><a href="iki.xhtml#s8">8</a></li></ol></nav>'
)
NAV_ITEM = '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
NCX_ITEM = '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>'


def text_of(folder: Path, body: str) -> str:
    """The text of a book of one chapter."""
    (text,) = texts(whole(EpubReader(), epub(folder, {"a.xhtml": body})))
    return text


def book(
    folder: Path, chapters: dict[str, Any], others: dict[str, Any] | None = None, per: str = "book", **about: str
) -> list[Document | Failure]:
    return whole(EpubReader.model_validate({"per": per}), epub(folder, chapters, others, **about))


def pages(document: Document | Failure) -> list[tuple[str, str, str]]:
    """(label, kind, text) of each page, cut where `start` says."""
    assert isinstance(document, Document)
    table = document.metadata["pages"]
    ends = [*(entry["start"] for entry in table[1:]), len(document.text)]
    assert all(a["start"] <= b["start"] for a, b in pairwise(table))
    return [(entry["page"], entry["kind"], document.text[entry["start"] : end]) for entry, end in zip(table, ends, strict=True)]


def test_a_book_is_a_document(tmp_path: Path) -> None:
    metadata = (
        "<dc:title>Dağ  yolu</dc:title><dc:title>Alt başlıq</dc:title><dc:creator>A. Müəllif</dc:creator><dc:language>az</dc:language>"
        '<dc:publisher>Nəşriyyat</dc:publisher><dc:date>2019</dc:date><dc:identifier id="x">isbn:1</dc:identifier>'
    )
    (document,) = book(tmp_path, {"bir.xhtml": ONE, "iki.xhtml": TWO}, metadata=metadata)
    assert isinstance(document, Document)
    assert document.text == ("Birinci fəsil\n\nKəndin üstündən keçən yol dağa qalxırdı.\n\nİkinci fəsil\n\nAxşam düşəndə çay səssizləşdi.")
    about = {key: value for key, value in document.metadata.items() if key != "pages"}
    assert about == {
        "locator": "kitab.epub",
        "title": "Dağ yolu",
        "author": "A. Müəllif",
        "language": "az",
        "publisher": "Nəşriyyat",
        "date": "2019",
        "identifier": "isbn:1",
    }
    assert document.id == "kitab.epub"
    assert [(label, kind) for label, kind, _ in pages(document)] == [("1", "body"), ("2", "body")]


def test_the_reading_order_is_the_spines(tmp_path: Path) -> None:
    parts = epub_parts({"iki.xhtml": TWO, "bir.xhtml": ONE})
    (text,) = texts(whole(EpubReader(), put(tmp_path, "a.epub", pack(dict(reversed(parts.items()))))))
    assert text.startswith("İkinci fəsil")


@pytest.mark.parametrize("version", ["nav", "ncx"])
def test_chapters_and_printed_pages_by_the_tables(tmp_path: Path, version: str) -> None:
    """EPUB 3 has them in a nav document, EPUB 2 in an NCX."""
    ncx = (
        '<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap><navPoint><navLabel><text>Yol</text></navLabel><content src="bir.xhtml"/></navPoint>'
        '<navPoint><navLabel><text>Çay</text></navLabel><content src="iki.xhtml"/></navPoint></navMap><pageList>'
        '<pageTarget><navLabel><text>7</text></navLabel><content src="bir.xhtml#s7"/></pageTarget>'
        '<pageTarget><navLabel><text>8</text></navLabel><content src="iki.xhtml#s8"/></pageTarget></pageList></ncx>'
    )
    others = {"OPS/nav.xhtml": xhtml(NAV)} if version == "nav" else {"OPS/toc.ncx": ncx}
    items = {"items": NAV_ITEM} if version == "nav" else {"items": NCX_ITEM, "attributes": 'toc="ncx"'}
    chapters = {"bir.xhtml": ONE + '<p id="s7">Yeddinci səhifə.</p>', "iki.xhtml": TWO + '<p>Söz yarı<a id="s8"/>mçıq.</p>'}
    first, second = book(tmp_path, chapters, others, per="chapter", **items)
    assert isinstance(first, Document)
    assert isinstance(second, Document)
    assert (first.metadata["chapter"], second.metadata["chapter"]) == ("Yol", "Çay")
    assert (first.id, second.metadata["locator"]) == ("kitab.epub#chapter=1", "kitab.epub#chapter=2")
    assert [label for label, _, _ in pages(first)] == ["[1]", "7"]
    assert pages(second)[-1] == ("8", "body", "mçıq.")
    assert second.text.endswith("Söz yarımçıq.")


def test_chapters_inside_one_file(tmp_path: Path) -> None:
    body = '<p>Ön söz.</p><h2 id="c1">Bir</h2><p>Mətn.</p><h2 id="c2">İki</h2><p>Başqa mətn.</p>'
    toc = '<nav epub:type="toc"><ol><li><a href="a.xhtml#c1">Bir</a></li><li><a href="a.xhtml#c2">İki</a></li></ol></nav>'
    documents = book(tmp_path, {"a.xhtml": body}, {"OPS/nav.xhtml": xhtml(toc)}, per="chapter", items=NAV_ITEM)
    assert texts(documents) == ["Ön söz.", "Bir\n\nMətn.", "İki\n\nBaşqa mətn."]


def test_a_chapter_goes_on_in_the_next_file(tmp_path: Path) -> None:
    toc = '<nav epub:type="toc"><ol><li><a href="a.xhtml">Bir</a></li><li><a href="c.xhtml#yox">İki</a></li></ol></nav>'
    chapters = {"a.xhtml": "<p>A.</p>", "b.xhtml": "<p>B.</p>", "c.xhtml": "<p>C.</p>"}
    documents = book(tmp_path, chapters, {"OPS/nav.xhtml": xhtml(toc)}, per="chapter", items=NAV_ITEM)
    assert texts(documents) == ["A.\n\nB.", "C."]  # a place that is not in its file is the file's beginning


def test_without_a_table_each_file_is_a_chapter(tmp_path: Path) -> None:
    documents = book(tmp_path, {"bir.xhtml": ONE, "iki.xhtml": TWO}, per="chapter")
    assert [document.metadata["chapter"] for document in documents if isinstance(document, Document)] == ["Birinci fəsil", "İkinci fəsil"]


@pytest.mark.parametrize(
    "mark",
    [
        '<span epub:type="pagebreak" title="12"/>',
        '<span role="doc-pagebreak" aria-label="12"></span>',
        '<span epub:type="pagebreak" id="page12">12</span>',
        '<a id="Page_12" class="pageno" title="[Pg 12]"></a>',
        '<span class="pagenum"><a name="Page_12">[Pg 12]</a></span>',
    ],
)
def test_printed_pages_by_their_marks(tmp_path: Path, mark: str) -> None:
    (document,) = book(tmp_path, {"a.xhtml": f"<p>Yol uzun idi, {mark} amma gözəl.</p>"})
    assert pages(document) == [("[1]", "body", "Yol uzun idi, "), ("12", "body", "amma gözəl.")]


def test_an_element_called_page_with_text_in_it_stays(tmp_path: Path) -> None:
    assert (
        text_of(tmp_path, '<p class="page-number">Bu, səhifə nömrəsi deyil, adi cümlədir.</p>') == "Bu, səhifə nömrəsi deyil, adi cümlədir."
    )


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<p>Bir<br/>iki <b>üç</b>dörd</p>", "Bir\niki üçdörd"),
        ("<div>Açıq mətn<p>abzas</p>davamı</div>", "Açıq mətn\n\nabzas\n\ndavamı"),
        ("<p>Alma:</p><ul><li>qırmızı</li><li><p>sarı</p></li></ul><p>Son.</p>", "Alma:\n\n- qırmızı\n- sarı\n\nSon."),
        ('<ol start="3"><li>üç</li><li>dörd</li></ol>', "3. üç\n4. dörd"),
        (
            "<table><tr><th>Ad</th><th>Yaş</th></tr><tr><td>Əli<br/>Vəli</td><td>7</td></tr></table><p>Son.</p>",
            "Ad\tYaş\nƏli Vəli\t7\n\nSon.",
        ),
        ("<table><tr><td><p>Bir.</p><p>İki.</p></td></tr></table>", "Bir.\n\nİki."),
        ('<div class="poem"><p>Dağlar başı</p><p>Duman oldu</p></div><p>Nəsr.</p>', "Dağlar başı\nDuman oldu\n\nNəsr."),
        ('<div class="poem"><p>a<br/>b</p><p>c<br/>d</p></div>', "a\nb\n\nc\nd"),
        ('<div class="poem"><div class="stanza"><div>a</div><div>b</div></div><div class="stanza"><div>c</div></div></div>', "a\nb\n\nc"),
        ("<pre>birinci\n  ikinci</pre>", "birinci\nikinci"),
        ("<p>ko&#173;mək &amp; a&nbsp;b &mdash; &lt;c&gt; &foo;</p>", "komək & a b — <c> &foo;"),
        ("<p>Mətn<script>alert('x')</script><style>p {}</style></p><noscript>o</noscript>", "Mətn"),
        ("<p>x</p><p hidden=''>gizli</p>", "x"),
        ("<p>O dedi: <q>gəl</q></p>", "O dedi: “gəl”"),
        ("<p><ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp></ruby>字</p>", "漢字"),
    ],
)
def test_text_as_a_browser_shows_it(tmp_path: Path, body: str, text: str) -> None:
    (found,) = texts(book(tmp_path, {"a.xhtml": body}))
    assert found == text


@pytest.mark.parametrize(
    ("sign", "note"),
    [
        ('<a epub:type="noteref" href="#q1">1</a>', '<aside epub:type="footnote" id="q1"><p>Qeydin mətni.</p></aside>'),
        ('<sup><a href="#q1">1</a></sup>', '<div role="doc-footnote" id="q1"><p>1. Qeydin mətni.</p></div>'),
        (
            '<a href="#q1" class="footnote-ref" role="doc-noteref"><sup>1</sup></a>',
            '<ol><li role="doc-endnote" id="q1"><p>Qeydin mətni.<a role="doc-backlink">↩</a></p></li></ol>',
        ),
    ],
)
def test_notes_interrupt_no_sentence(tmp_path: Path, sign: str, note: str) -> None:
    text = text_of(tmp_path, f"<p>Şəhər{sign} böyük idi.</p>{note}<p>Küçələr dar.</p>")
    assert text.startswith("Şəhər[1] böyük idi.\n\nKüçələr dar.\n\n")
    assert text.endswith("Qeydin mətni.")
    assert text.count("1") == 2


def test_a_raised_number_is_no_note(tmp_path: Path) -> None:
    assert text_of(tmp_path, "<p>10 m<sup>2</sup> sahə</p>") == "10 m2 sahə"


def test_what_is_no_body_text_is_marked(tmp_path: Path) -> None:
    links = "".join(f'<p><a href="f{n}.xhtml">{n}-ci fəslin adı</a> {n}</p>' for n in range(8))
    chapters = {
        "cover.xhtml": '<section epub:type="cover"><p>Üz qabığı</p></section>',
        "c.xhtml": '<section epub:type="copyright-page"><p>Hüquqlar</p></section>',
        "t.xhtml": links,
        "guide.xhtml": "<p>Mündəricat</p>",
        "a.xhtml": ONE,
        "i.xhtml": '<section epub:type="index"><p>Ad, 5</p></section>',
    }
    (document,) = book(tmp_path, chapters, after='<guide><reference type="toc" href="guide.xhtml"/></guide>')
    assert [kind for _, kind, _ in pages(document)] == ["contents", "contents", "contents", "contents", "body", "index"]


def test_a_chapter_with_a_list_of_its_parts_is_body(tmp_path: Path) -> None:
    (document,) = book(tmp_path, {"a.xhtml": '<nav role="doc-toc"><ol><li>Bir</li></ol></nav><p>Uzun bir mətn, fəslin özüdür.</p>'})
    assert [kind for _, kind, _ in pages(document)] == ["body"]


def test_broken_xhtml_is_read_as_a_browser_would(tmp_path: Path) -> None:
    body = b"<html><body><p>Birinci<br>s\xc9\x99tir<p>ikinci & <b>qalin</p><script>var a = '<p>x</p>'</script></body>"
    (text,) = texts(book(tmp_path, {"a.xhtml": body}))
    assert text == "Birinci\nsətir\n\nikinci & qalin"


@pytest.mark.parametrize(
    ("encoding", "declared"), [("utf-16", "utf-16"), ("cp1251", "windows-1251"), ("utf-8", "windows-1251"), ("utf-8-sig", "utf-8")]
)
def test_encodings_said_and_meant(tmp_path: Path, encoding: str, declared: str) -> None:
    letters = "Дағлар арасында бир кәнд" if encoding == "utf-16" else "Дом стоял над рекой"
    body = xhtml(f"<p>{letters}</p>").replace("UTF-8", declared).encode(encoding, "replace").replace("ə".encode(), b"e")
    assert texts(book(tmp_path, {"a.xhtml": body})) == [letters]


def test_plain_entities_of_a_book_are_its_own(tmp_path: Path) -> None:
    chapter = xhtml(
        "<p>a&b1;b&ndash;c</p>", doctype='<!DOCTYPE html [<!ENTITY b1 "&#38;#171;"><!ENTITY ndash "-">]>'.replace("&#38;#171;", "«")
    )
    assert texts(book(tmp_path, {"a.xhtml": chapter})) == ["a«b-c"]


def test_names_in_other_case_and_code_pages_are_found(tmp_path: Path) -> None:
    parts = epub_parts({"F%C9%99sil%201.xhtml": ONE, "IKI.xhtml": TWO})
    parts["OPS/fəsil 1.XHTML"] = parts.pop("OPS/F%C9%99sil%201.xhtml")
    parts["OPS\\iki.xhtml"] = parts.pop("OPS/IKI.xhtml")
    data = pack(parts).replace("fəsil 1".encode(), "FƏsil 1".encode().replace("Ə".encode(), "ə".encode()))
    (document,) = whole(EpubReader(), put(tmp_path, "a.epub", data))
    assert isinstance(document, Document)
    assert "Birinci fəsil" in document.text
    assert "İkinci fəsil" in document.text


def test_a_package_without_its_container(tmp_path: Path) -> None:
    parts = epub_parts({"bir.xhtml": ONE})
    del parts["META-INF/container.xml"]
    assert len(texts(whole(EpubReader(), put(tmp_path, "a.epub", pack(parts))))) == 1


def test_pictures_without_text(tmp_path: Path) -> None:
    (failure,) = book(tmp_path, {"a.xhtml": '<img src="1.jpg" alt="x"/>', "b.xhtml": '<svg><image href="2.jpg"/></svg>'})
    assert isinstance(failure, Failure)
    assert failure.reason == "images"
    first, second = book(tmp_path, {"a.xhtml": '<img src="1.jpg"/>', "b.xhtml": ONE})[0], None
    assert second is None
    assert [kind for _, kind, _ in pages(first)] == ["empty", "body"]


def test_fixed_layout_is_said(tmp_path: Path) -> None:
    (document,) = book(tmp_path, {"a.xhtml": ONE}, metadata='<meta property="rendition:layout">pre-paginated</meta>')
    assert isinstance(document, Document)
    assert document.metadata["layout"] == "fixed"


def test_a_book_without_text_is_excluded(tmp_path: Path) -> None:
    (document,) = book(tmp_path, {"a.xhtml": "<p> </p>"})
    assert isinstance(document, Document)
    assert document.metadata["excluded"] == "no_text"


def protection(*chapters: str, method: str = "http://www.w3.org/2001/04/xmlenc#aes128-cbc") -> dict[str, str]:
    entries = "".join(
        f'<EncryptedData><EncryptionMethod Algorithm="{method}"/><CipherData><CipherReference URI="OPS/{name}"/></CipherData></EncryptedData>'
        for name in chapters
    )
    return {"META-INF/encryption.xml": f"<encryption>{entries}</encryption>"}


def test_copy_protection(tmp_path: Path) -> None:
    chapters = {"bir.xhtml": ONE, "iki.xhtml": TWO}
    (failure,) = failures(book(tmp_path, chapters, protection("bir.xhtml", "iki.xhtml")))
    assert (failure.reason, failure.locator) == ("encrypted", "kitab.epub")
    one, document = book(tmp_path, chapters, protection("iki.xhtml"))
    assert isinstance(one, Failure)
    assert (one.reason, one.locator) == ("encrypted", "kitab.epub#OPS/iki.xhtml")
    assert isinstance(document, Document)
    fonts = protection("font.otf", method="http://www.idpf.org/2008/embedding")
    assert failures(book(tmp_path, chapters, fonts)) == []


def test_one_bad_chapter_costs_itself_alone(tmp_path: Path) -> None:
    parts = epub_parts({"bir.xhtml": ONE, "iki.xhtml": TWO, "yox.xhtml": ONE})
    del parts["OPS/yox.xhtml"]
    data = bytearray(pack(parts, stored=True))
    data[data.index("Axşam".encode())] = 0x21  # the sum of this file is wrong now
    corrupt, missing, document = whole(EpubReader(), put(tmp_path, "a.epub", bytes(data)))
    assert isinstance(corrupt, Failure)
    assert isinstance(missing, Failure)
    assert isinstance(document, Document)
    assert (corrupt.reason, corrupt.locator) == ("corrupt", "a.epub#OPS/iki.xhtml")
    assert (missing.reason, missing.locator) == ("missing", "a.epub#OPS/yox.xhtml")
    assert "Birinci" in document.text


def test_a_broken_table_of_contents_costs_itself_alone(tmp_path: Path) -> None:
    failure, *documents = book(
        tmp_path, {"bir.xhtml": ONE, "iki.xhtml": TWO}, {"OPS/toc.ncx": b"\x00\x01\x02"}, per="chapter", items=NCX_ITEM
    )
    assert isinstance(failure, Failure)
    assert (failure.reason, failure.locator) == ("binary", "kitab.epub#OPS/toc.ncx")
    assert len(texts(documents)) == 2


def test_the_same_file_twice_in_the_reading_order_is_read_once(tmp_path: Path) -> None:
    (text,) = texts(book(tmp_path, {"bir.xhtml": ONE, "./bir.xhtml": ONE}))
    assert text.count("Birinci") == 1


def test_is_registered() -> None:
    assert processor("reader", "epub") is EpubReader


@pytest.mark.realdata
def test_a_real_book(shared: Path) -> None:
    """Alice: ten chapters, 48 printed pages, a poem, and a word that a page break divides."""
    file = InputFile(str(shared / "epub" / "alice.epub"), "alice.epub", 0)
    (document,) = whole(EpubReader(), file)
    assert isinstance(document, Document)
    assert [label for label, kind, _ in pages(document) if kind != "contents" and label[0] != "["] == [str(n) for n in range(1, 49)]
    assert 'All on a summer day;\nThe Knave of Hearts, he stole those tarts\nAnd took them quite away!"\n\n' in document.text
    assert "delighted" in document.text
    assert document.metadata["author"] == "Lewis Carroll"
    chapters = [record for record in whole(EpubReader(per="chapter"), file) if isinstance(record, Document)]
    assert [chapter.metadata.get("chapter") for chapter in chapters][:3] == [None, "Title Page", "Down The Rabbit-Hole"]
    assert len(chapters) == 12
    assert "".join("".join(chapter.text.split()) for chapter in chapters) == "".join(document.text.split())
