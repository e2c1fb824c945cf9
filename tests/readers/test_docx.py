"""Word documents: the text as it looks on paper, and what fails."""

from __future__ import annotations

import re
import zipfile
from html import unescape
from pathlib import Path

import pytest
from datatrove.data import Document

from curation.document import Failure
from curation.processors import processor
from curation.readers.base import InputFile
from curation.readers.docx import DocxReader
from tests.readers.samples import failures, put, texts, whole
from tests.readers.test_epub import pages
from tests.readers.zips import W, docx, docx_parts, p, pack

STYLES = (
    f'<w:styles {W}><w:docDefaults><w:rPrDefault><w:rPr><w:lang w:val="ru-RU"/></w:rPr></w:rPrDefault></w:docDefaults>'
    '<w:style w:type="paragraph" w:styleId="H1"><w:name w:val="heading 1"/></w:style>'
    '<w:style w:type="paragraph" w:styleId="Own"><w:name w:val="Fəsil"/><w:basedOn w:val="H1"/></w:style>'
    '<w:style w:type="paragraph" w:styleId="H2"><w:name w:val="Heading 2"/></w:style>'
    '<w:style w:type="paragraph" w:styleId="Article"><w:name w:val="Maddə"/><w:pPr><w:numPr><w:numId w:val="2"/></w:numPr></w:pPr></w:style>'
    '<w:style w:type="paragraph" w:styleId="T1"><w:name w:val="toc 1"/></w:style></w:styles>'
)
LATIN = '<w:lang w:val="az-Latn-AZ"/>'
SHOWN = '<w:vanish w:val="0"/>'
PAGE_BREAK = '<w:br w:type="page"/>'
LEVEL = '<w:lvl w:ilvl="{}"><w:start w:val="{}"/><w:numFmt w:val="{}"/><w:lvlText w:val="{}"/></w:lvl>'
NUMBERING = (
    f"<w:numbering {W}>"
    f'<w:abstractNum w:abstractNumId="0">{LEVEL.format(0, 1, "decimal", "%1.")}{LEVEL.format(1, 1, "lowerRoman", "%1.%2)")}</w:abstractNum>'
    f'<w:abstractNum w:abstractNumId="1">{LEVEL.format(0, 12, "decimal", "Maddə %1.")}</w:abstractNum>'
    f'<w:abstractNum w:abstractNumId="2">{LEVEL.format(0, 1, "bullet", "")}</w:abstractNum>'
    '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num>'
    '<w:num w:numId="3"><w:abstractNumId w:val="2"/></w:num>'
    '<w:num w:numId="4"><w:abstractNumId w:val="0"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="7"/></w:lvlOverride></w:num></w:numbering>'
)


def listed(text: str, number: int, level: int = 0) -> str:
    return p(text, f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>')


def styled(text: str, style: str) -> str:
    return p(text, f'<w:pStyle w:val="{style}"/>')


def text_of(folder: Path, body: str, **parts: str) -> str:
    (text,) = texts(whole(DocxReader(), docx(folder, body, **parts)))
    return text


def run(inside: str, properties: str = "") -> str:
    return f"<w:r><w:rPr>{properties}</w:rPr>{inside}</w:r>"


def t(text: str) -> str:
    return f'<w:t xml:space="preserve">{text}</w:t>'


def test_a_document(tmp_path: Path) -> None:
    core = (
        '<c:coreProperties xmlns:c="x" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/">'
        "<dc:title> Hesabat </dc:title><dc:creator>A. Müəllif</dc:creator><dcterms:created>2020-05-06T07:08:09Z</dcterms:created></c:coreProperties>"
    )
    body = p("Birinci abzas.") + f"<w:p>{run(t('Az'))}{run(t('ərbaycan'), LATIN)}</w:p>"
    (document,) = whole(DocxReader(), docx(tmp_path, body, styles=STYLES, core=core))
    assert isinstance(document, Document)
    assert document.text == "Birinci abzas.\n\nAzərbaycan"
    about = {key: value for key, value in document.metadata.items() if key != "pages"}
    assert about == {
        "locator": "sened.docx",
        "title": "Hesabat",
        "author": "A. Müəllif",
        "language": "ru-RU",
        "date": "2020-05-06T07:08:09Z",
    }


@pytest.mark.parametrize(
    ("run_content", "text"),
    [
        (t("a") + "<w:br/>" + t("b"), "a\nb"),
        (t("a") + "<w:tab/>" + t("b"), "a\tb"),
        (t("ata") + "<w:noBreakHyphen/>" + t("ana") + "<w:softHyphen/>" + t("lar"), "ata-analar"),
        (
            '<w:sym w:font="Symbol" w:char="F061"/><w:sym w:font="Symbol" w:char="F0B3"/><w:sym w:font="Wingdings" w:char="F04A"/>'
            + t("5"),
            "α≥5",
        ),
        ("<w:instrText> HYPERLINK x </w:instrText>" + t("link"), "link"),
    ],
)
def test_what_stands_in_runs(tmp_path: Path, run_content: str, text: str) -> None:
    assert text_of(tmp_path, f"<w:p>{run(run_content)}</w:p>") == text


def test_tracked_changes_are_as_if_accepted(tmp_path: Path) -> None:
    body = (
        f"<w:p>{run(t('Söz '))}<w:ins>{run(t('yeni'))}</w:ins><w:del>{run('<w:delText>köhnə</w:delText>')}</w:del>"
        f"<w:moveFrom>{run(t('getdi'))}</w:moveFrom><w:moveTo>{run(t(' gəldi'))}</w:moveTo></w:p>"
        f"<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr>{run(t('bir '))}</w:p>{p('sətir')}"
        f"<w:tbl><w:tr><w:trPr><w:del/></w:trPr><w:tc>{p('silinib')}</w:tc></w:tr></w:tbl>"
    )
    assert text_of(tmp_path, body) == "Söz yeni gəldi\n\nbir sətir"


def test_hidden_text_is_not_shown(tmp_path: Path) -> None:
    body = f"<w:p>{run(t('a'))}{run(t('gizli'), '<w:vanish/>')}{run(t('b'), SHOWN)}</w:p>"
    assert text_of(tmp_path, body) == "ab"


def test_text_boxes_come_once(tmp_path: Path) -> None:
    box = f"<w:txbxContent>{p('Qutu')}{p('mətni')}</w:txbxContent>"
    choice = f'<mc:AlternateContent><mc:Choice Requires="wps">{box}</mc:Choice><mc:Fallback><w:pict>{box}</w:pict></mc:Fallback></mc:AlternateContent>'
    body = f"<w:p>{run(t('Bir '))}<w:r>{choice}</w:r>{run(t('iki.'))}</w:p>{p('Son.')}"
    assert text_of(tmp_path, body) == "Bir iki.\n\nQutu\n\nmətni\n\nSon."


def test_tables_are_lines_with_tabs(tmp_path: Path) -> None:
    def row(*cells: str) -> str:
        return f"<w:tr>{''.join(f'<w:tc>{cell}</w:tc>' for cell in cells)}</w:tr>"

    inner = f"<w:tbl>{row(p('x'), p('y'))}</w:tbl>"
    body = p("Əvvəl") + f"<w:tbl>{row(p('Ad'), p('Yaş'))}{row(p('Əli') + p('Vəli'), p('7'))}{row(inner, p('z'))}</w:tbl>" + p("Son")
    assert text_of(tmp_path, body) == "Əvvəl\n\nAd\tYaş\nƏli Vəli\t7\nx y\tz\n\nSon"


def test_numbers_are_counted_as_word_does(tmp_path: Path) -> None:
    body = (
        listed("a", 1) + listed("b", 1) + listed("ba", 1, 1) + listed("bb", 1, 1) + listed("c", 1) + listed("ca", 1, 1)
        + p("Ara") + listed("nöqtə", 3) + styled("Müqavilə", "Article") + styled("Tərəflər", "Article") + listed("yeddi", 4) + listed("səkkiz", 1)
    )  # fmt: skip
    assert text_of(tmp_path, body, styles=STYLES, numbering=NUMBERING).split("\n") == [
        *(
            "1. a",
            "2. b",
            "2.i) ba",
            "2.ii) bb",
            "3. c",
            "3.i) ca",
            "",
            "Ara",
            "",
            "- nöqtə",
            "Maddə 12. Müqavilə",
            "Maddə 13. Tərəflər",
            "7. yeddi",
            "8. səkkiz",
        )
    ]


def test_notes_stand_at_the_end_of_their_chapter(tmp_path: Path) -> None:
    def notes(kind: str, text: str) -> str:
        return (
            f'<w:{kind}s {W}><w:{kind} w:id="-1" w:type="separator">{p("---")}</w:{kind}>'
            f'<w:{kind} w:id="2"><w:p>{run(f"<w:{kind}Ref/>")}{run(t(" " + text))}</w:p></w:{kind}></w:{kind}s>'
        )

    sign = run('<w:footnoteReference w:id="2"/>')
    end = run('<w:endnoteReference w:id="2"/>')
    body = (
        styled("Bir", "H1")
        + f"<w:p>{run(t('Şəhər'))}{sign}{run(t(' böyük.'))}</w:p>"
        + p("Küçə.")
        + styled("İki", "Own")
        + f"<w:p>{run(t('Kənd'))}{end}</w:p>"
    )
    parts = {"styles": STYLES, "footnotes": notes("footnote", "Aşağıda."), "endnotes": notes("endnote", "Sonda.")}
    assert text_of(tmp_path, body, **parts) == "Bir\n\nŞəhər[1] böyük.\n\nKüçə.\n\n[1] Aşağıda.\n\nİki\n\nKənd[2]\n\n[2] Sonda."


def test_chapters_are_headings(tmp_path: Path) -> None:
    body = p("Ön söz") + styled("Bir", "H1") + p("a") + styled("alt", "H2") + styled("İki", "Own") + p("b")
    records = whole(DocxReader(per="chapter"), docx(tmp_path, body, styles=STYLES))
    assert texts(records) == ["Ön söz", "Bir\n\na\n\nalt", "İki\n\nb"]
    assert [record.metadata.get("chapter") for record in records if isinstance(record, Document)] == [None, "Bir", "İki"]


def test_a_title_alone_is_no_chapter(tmp_path: Path) -> None:
    body = styled("Kitabın adı", "H1") + styled("Bir", "H2") + p("a") + styled("İki", "H2") + p("b")
    records = whole(DocxReader(per="chapter"), docx(tmp_path, body, styles=STYLES))
    assert texts(records) == ["Kitabın adı", "Bir\n\na", "İki\n\nb"]


def test_pages_where_word_last_put_them(tmp_path: Path) -> None:
    seen = "<w:lastRenderedPageBreak/>"
    body = (
        f"<w:p>{run(t('Bir yarı') + seen + t('mçıq.'))}</w:p><w:p>{run(PAGE_BREAK)}</w:p><w:p>{run(seen + t('Üç.'))}</w:p>"
        + p("Dörd.", "<w:pageBreakBefore/>")
        + p("Dörd davam.", '<w:sectPr><w:type w:val="continuous"/></w:sectPr>')
        + p("Dörd son.", "<w:sectPr/>")
        + p("Beş.")
    )
    (document,) = whole(DocxReader(), docx(tmp_path, body))
    assert [(label, text.strip()) for label, _, text in pages(document)] == [
        ("1", "Bir yarı"),
        ("2", "mçıq."),
        ("3", "Üç."),
        ("4", "Dörd.\n\nDörd davam.\n\nDörd son."),
        ("5", "Beş."),
    ]
    assert "yarımçıq" in document.text  # type: ignore[union-attr]


def test_a_table_of_contents_is_marked(tmp_path: Path) -> None:
    body = styled("Bir\t3", "T1") + styled("İki\t9", "T1") + "<w:p><w:r><w:lastRenderedPageBreak/></w:r></w:p>" + p("Mətn.")
    (document,) = whole(DocxReader(), docx(tmp_path, body, styles=STYLES))
    assert [kind for _, kind, _ in pages(document)] == ["contents", "body"]


def test_strict_documents_and_other_prefixes(tmp_path: Path) -> None:
    parts = docx_parts("")
    strict = 'xmlns:v="http://purl.oclc.org/ooxml/wordprocessingml/main"'
    parts["word/document.xml"] = f"<v:document {strict}><v:body><v:p><v:r><v:t>Salam</v:t></v:r></v:p></v:body></v:document>"
    assert texts(whole(DocxReader(), put(tmp_path, "a.docx", pack(parts)))) == ["Salam"]


def test_parts_elsewhere_and_macros(tmp_path: Path) -> None:
    parts = docx_parts(p("Salam"))
    parts = {name.replace("word/", "x/y/").replace("document", "Doc"): data for name, data in parts.items()}
    parts["_rels/.rels"] = str(parts["_rels/.rels"]).replace("word/document.xml", "/X/Y/Doc.xml")
    parts["x/y/vbaProject.bin"] = b"\xd0\xcf\x11\xe0macro"
    assert texts(whole(DocxReader(), put(tmp_path, "a.docm", pack(parts)))) == ["Salam"]


def test_a_broken_part_costs_itself_alone(tmp_path: Path) -> None:
    failure, document = whole(DocxReader(), docx(tmp_path, p("Salam"), styles="<w:styles>", numbering=NUMBERING))
    assert isinstance(failure, Failure)
    assert isinstance(document, Document)
    assert (failure.reason, failure.locator) == ("malformed", "sened.docx#word/styles.xml")
    assert document.text == "Salam"


def test_a_document_inside_is_told_of(tmp_path: Path) -> None:
    (failure,) = failures(whole(DocxReader(), docx(tmp_path, p("Salam") + '<w:altChunk r="x"/>')))
    assert failure.reason == "embedded"


@pytest.mark.parametrize(
    ("name", "data", "reason", "remedy"),
    [
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(3000), "legacy", "soffice"),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(3000) + "EncryptedPackage".encode("utf-16-le"), "encrypted", "password"),
        ("a.doc", b"{\\rtf1 salam}", "legacy", "soffice"),
        ("a.docx", b"%PDF-1.7", "mismatch", "a PDF"),
        ("a.docx", b"", "empty", "empty"),
        ("a.docx", pack({"a.txt": "salam"}), "mismatch", "no Word document"),
        ("a.docx", pack(docx_parts("<w:p>")), "malformed", "well-formed"),
        ("a.docx", pack(docx_parts(p("salam")))[:-30], "truncated", "again"),
    ],
)
def test_what_is_no_docx(tmp_path: Path, name: str, data: bytes, reason: str, remedy: str) -> None:
    (failure,) = whole(DocxReader(), put(tmp_path, name, data))
    assert isinstance(failure, Failure)
    assert (failure.reason, failure.locator) == (reason, name)
    assert remedy in failure.message


def test_is_registered() -> None:
    assert processor("reader", "docx") is DocxReader


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "count", "phrase"),
    [("unicodification", 4, "Azerbaijani Unicodification"), ("dissertation_cover", 1, "MAGİSTR DİSSERTASİYASI")],
)
def test_real_documents_lose_no_word(shared: Path, name: str, count: int, phrase: str) -> None:
    """Against the letters of all runs, which a regex finds; of drawings only one version."""
    path = shared / "docx" / f"{name}.docx"
    (document,) = whole(DocxReader(), InputFile(str(path), path.name, 0))
    with zipfile.ZipFile(path) as archive:
        xml = archive.read("word/document.xml").decode()
    runs = re.findall(r"<w:t(?: [^>]*)?>([^<]*)</w:t>", re.sub(r"<mc:Fallback>.*?</mc:Fallback>", "", xml, flags=re.DOTALL))
    assert isinstance(document, Document)
    assert sorted("".join(unescape("".join(runs)).split())) == sorted("".join(document.text.split()))
    assert len(pages(document)) == count
    assert phrase in document.text
