"""E-books and Word documents made to harm: each fails with a word for a reason, in bounded time and memory, and touches neither disk nor network."""

from __future__ import annotations

import random
import re
import socketserver
import stat
import struct
import subprocess
import sys
import threading
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest
from datatrove.data import Document

from curation.document import Failure
from curation.readers.base import Reader
from curation.readers.docx import DocxReader
from curation.readers.epub import EpubReader
from tests.readers.samples import failures, put, texts, whole
from tests.readers.zips import CONTAINER, MC, W, docx_parts, epub, epub_parts, p, pack, with_size, xhtml

TEXT = "<p>Adi bir cümlə.</p>"
READERS: list[tuple[type[Reader], str]] = [(EpubReader, "a.epub"), (DocxReader, "a.docx")]


def sound(name: str) -> dict[str, str | bytes]:
    return epub_parts({"a.xhtml": TEXT}) if name.endswith("epub") else docx_parts(p("Adi bir cümlə."))


def reasons(folder: Path, data: bytes, name: str = "a.epub", **parameters: object) -> list[str]:
    """The reasons of all failures; a document is told of as `document`."""
    reader = (EpubReader if name.endswith("epub") else DocxReader).model_validate(parameters)
    return [record.reason if isinstance(record, Failure) else "document" for record in whole(reader, put(folder, name, data))]


def copies(data: bytes, count: int) -> bytes:
    """A zip whose directory tells `count` times of its last file, which is there once."""
    end = data.rindex(b"PK\x05\x06")
    size, start = struct.unpack("<II", data[end + 12 : end + 20])
    entry = data[data.rindex(b"PK\x01\x02") : end]
    name = len(entry) - 46
    more = b"".join(entry[:46] + f"{number:0{name}d}".encode() for number in range(count))
    total = struct.unpack("<H", data[end + 10 : end + 12])[0] + count
    return data[:end] + more + data[end : end + 8] + struct.pack("<HHII", total, total, size + len(more), start) + data[end + 20 :]


def quoted_bomb(count: int, size: int) -> bytes:
    """Files that lie inside one another: each quotes the header of the next as a stored block of its own stream (D. Fifield, 2019)."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = packer.compress(b"a" * size) + packer.flush()
    content = b"a" * size
    entries: list[tuple[bytes, int, int, int, int]] = []  # name, sum, packed, size, length of what follows its header
    headers = b""
    for number in range(count, 0, -1):
        name = b"OPS/%05d.xhtml" % number
        if headers:
            quoted = headers
            body = b"\x00" + struct.pack("<HH", len(quoted), len(quoted) ^ 0xFFFF) + quoted + body
            content = quoted + content
        check = zlib.crc32(content)
        headers = struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 20, 0, 8, 0, 33, check, len(body), len(content), len(name), 0) + name
        entries.append((name, check, len(body), len(content), len(body) + len(headers)))
    data = headers + body
    directory = b""
    for name, check, packed, length, behind in entries:
        directory += (
            struct.pack(
                "<4sHHHHHHIIIHHHHHII",
                b"PK\x01\x02",
                20,
                20,
                0,
                8,
                0,
                33,
                check,
                packed,
                length,
                len(name),
                0,
                0,
                0,
                0,
                0,
                len(data) - behind,
            )
            + name
        )
    return data + directory + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, len(directory), len(data), 0)


def changed(data: bytes, name: str, offsets: tuple[int, int], value: bytes) -> bytes:
    """A zip with a field of one entry changed, in its own header and in the directory."""
    own = data.index(name.encode()) - 30 + offsets[0]
    listed = data.index(name.encode(), data.index(b"PK\x01\x02")) - 46 + offsets[1]
    data = data[:own] + value + data[own + len(value) :]
    return data[:listed] + value + data[listed + len(value) :]


@pytest.mark.parametrize(("reader", "name"), READERS)
def test_what_is_no_zip(tmp_path: Path, reader: type[Reader], name: str) -> None:
    for data, reason in (
        (b"", "empty"),
        (b"%PDF-1.7\n", "mismatch"),
        (b"<html>salam</html>", "mismatch"),
        (b"PK", "mismatch"),
        (b"PK\x03\x04", "truncated"),
    ):
        (failure,) = whole(reader(), put(tmp_path, name, data))
        assert isinstance(failure, Failure)
        assert failure.reason == reason
        assert failure.message.startswith(f"{name}: ")
    other = "a.docx" if name == "a.epub" else "a.epub"
    assert reasons(tmp_path, pack(sound(other)), name) == ["mismatch"]


@pytest.mark.parametrize(("reader", "name"), READERS)
def test_every_cut_and_many_flipped_bytes_fail_or_are_read(tmp_path: Path, reader: type[Reader], name: str) -> None:
    data = pack(sound(name))
    random.seed(7)
    for cut in range(1, len(data), 61):
        assert failures(whole(reader(), put(tmp_path, name, data[:cut])))
    for _ in range(200):
        broken = bytearray(data)
        for _ in range(3):
            broken[random.randrange(len(broken))] = random.randrange(256)
        assert whole(reader(), put(tmp_path, name, bytes(broken)))  # no exception, and not nothing


def test_chapters_with_tags_lost_and_doubled_are_read(tmp_path: Path) -> None:
    body = (
        '<p>Bir<a epub:type="noteref" href="#q">1</a> <span epub:type="pagebreak" title="3"/>iki</p><table><tr><td>a</td><td><ul><li>b</li></ul></td></tr></table>'
        '<div class="poem"><p>c</p></div><aside epub:type="footnote" id="q"><p>d</p></aside><pre>e\nf</pre><ol><li>g<sup>2</sup></li></ol><p>Son</p>'
    )
    tags = re.split("(<[^>]*>)", body)
    random.seed(7)
    for _ in range(300):
        torn = list(tags)
        for _ in range(3):
            place = random.randrange(len(torn))
            torn[place] = random.choice(["", torn[place] * 2, random.choice(tags)])
        (document,) = whole(EpubReader(), put(tmp_path, "a.epub", pack(epub_parts({"a.xhtml": "".join(torn)}), stored=True)))
        assert isinstance(document, Document)
        starts = [page["start"] for page in document.metadata["pages"]]
        assert starts == sorted(starts)
        assert not {chr(code) for code in range(0xFDD0, 0xFDF0)} & set(document.text)


def test_a_chapter_that_unpacks_to_too_much(tmp_path: Path) -> None:
    bomb = pack(epub_parts({"a.xhtml": TEXT, "b.xhtml": b" " * (8 << 20)}))
    assert reasons(tmp_path, bomb) == ["bomb", "document"]
    assert reasons(tmp_path, with_size(bomb, "OPS/b.xhtml", 1000)) == ["corrupt", "document"]  # not a byte more than it says is unpacked
    assert reasons(tmp_path, with_size(bomb, "OPS/b.xhtml", 0xFFFFFFFE)) == ["bomb", "document"]
    word = docx_parts("") | {"word/document.xml": f"<w:document {W}>" + " " * (8 << 20)}
    assert reasons(tmp_path, pack(word), "a.docx") == ["bomb"]


def test_many_chapters_that_unpack_to_too_much(tmp_path: Path) -> None:
    data = pack(epub_parts({f"{number}.xhtml": TEXT * 100 for number in range(50)}))
    found = reasons(tmp_path, data, max_bytes=60_000)
    assert found.count("too_long") > 20
    assert found[-1] == "document"


def test_files_that_lie_over_one_another(tmp_path: Path) -> None:
    data = pack(epub_parts({"a.xhtml": xhtml(TEXT * 1000)}))
    assert reasons(tmp_path, copies(data, 5000)) == ["bomb"]
    bomb = quoted_bomb(250, 2_000_000)
    assert zipfile.ZipFile(BytesIO(bomb)).infolist()[0].file_size >= 2_000_000
    assert len(bomb) < 60_000
    assert reasons(tmp_path, bomb) == ["bomb"]


def test_directories_that_fill_the_memory(tmp_path: Path) -> None:
    base = epub_parts({"a.xhtml": TEXT})
    assert reasons(tmp_path, pack(base | {f"{number}": b"" for number in range(66_000)}, stored=True)) == ["bomb"]
    assert reasons(tmp_path, pack(base | {f"{number}".zfill(60_000): b"" for number in range(150)}, stored=True)) == ["bomb"]


def test_ten_thousand_chapters_are_read(tmp_path: Path) -> None:
    data = pack(epub_parts({f"{number}.xhtml": f"<p>Fəsil {number}.</p>" for number in range(10_000)}), stored=True)
    (text,) = texts(whole(EpubReader(), put(tmp_path, "a.epub", data)))
    assert text.endswith("Fəsil 9999.")
    data = pack(
        epub_parts({"a.xhtml": TEXT}) | {"OPS/kitab.opf": "<package><spine>" + "<itemref/>" * 20_001 + "</spine></package>"}, stored=True
    )
    assert reasons(tmp_path, data) == ["too_long"]


def test_addresses_that_lead_out_of_the_archive(tmp_path: Path) -> None:
    secret = put(tmp_path, "secret.xhtml", xhtml("<p>Gizli</p>").encode())
    addresses = [
        "../../../../../../../../../etc/passwd",
        f"../../..{secret.path}",
        f"file://{secret.path}",
        "C:\\Windows\\win.ini",
        "//host/share",
        "..%2f..%2f..%2fetc/passwd",
    ]
    inside = ["a.xhtml", "/etc/passwd", secret.path]
    book = epub_parts(dict.fromkeys([*inside, *addresses], TEXT))
    kept = {name: data for name, data in book.items() if name in ("mimetype", "META-INF/container.xml", "OPS/kitab.opf", "OPS/a.xhtml")}
    data = pack(kept | {"../../etc/passwd": xhtml("<p>Gizli</p>"), "/etc/passwd": xhtml("<p>Gizli</p>"), "C:\\x": b""})
    before = sorted(tmp_path.rglob("*"))
    records = whole(EpubReader(), put(tmp_path, "a.epub", data))
    assert sorted(failure.reason for failure in failures(records)) == ["missing"] * 2 + ["outside"] * len(addresses)
    assert texts(records) == ["Adi bir cümlə."]
    assert sorted(tmp_path.rglob("*")) == sorted([*before, tmp_path / "a.epub"])
    container = {"META-INF/container.xml": CONTAINER.replace("OPS/kitab.opf", "../../etc/passwd")}
    assert reasons(tmp_path, pack(kept | container)) == ["outside"]
    word = docx_parts(p("x")) | {
        "_rels/.rels": '<Relationships><Relationship Type="x/officeDocument" Target="../../../etc/passwd"/></Relationships>'
    }
    assert reasons(tmp_path, pack(word), "a.docx") == ["outside", "document"]


def test_links_passwords_and_rare_methods(tmp_path: Path) -> None:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in epub_parts({"a.xhtml": TEXT, "b.xhtml": "/etc/passwd"}).items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFLNK | 0o777) << 16 if name == "OPS/b.xhtml" else 0
            archive.writestr(info, data)
    assert reasons(tmp_path, buffer.getvalue()) == ["link", "document"]
    data = pack(epub_parts({"a.xhtml": TEXT, "b.xhtml": TEXT}))
    assert reasons(tmp_path, changed(data, "OPS/b.xhtml", (6, 8), b"\x01\x00")) == ["encrypted", "document"]
    assert reasons(tmp_path, changed(data, "OPS/b.xhtml", (8, 10), b"\x0e\x00")) == ["compression", "document"]


def test_of_two_files_of_one_name_the_later_counts(tmp_path: Path) -> None:
    buffer = BytesIO(pack(epub_parts({"a.xhtml": TEXT})))
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("OPS/a.xhtml", xhtml("<p>İkinci.</p>"))
    assert texts(whole(EpubReader(), put(tmp_path, "a.epub", buffer.getvalue()))) == ["İkinci."]


def test_a_chapter_that_is_no_text(tmp_path: Path) -> None:
    chapters: dict[str, str | bytes] = {
        "a.xhtml": TEXT,
        "zip.xhtml": pack({"x": "y"}),
        "pdf.xhtml": b"%PDF-1.7",
        "noise.xhtml": bytes(range(256)) * 40,
    }
    assert reasons(tmp_path, pack(epub_parts(chapters))) == ["binary"] * 3 + ["document"]


LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefghi", "bcdefghij", strict=True)
) + "]>"  # fmt: skip
QUADRATIC = f'<!DOCTYPE x [<!ENTITY a "{"a" * 100_000}">]>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY j SYSTEM "{}">]>'
PARAMETER = '<!DOCTYPE x [<!ENTITY % j SYSTEM "{}"> %j;]>'


@pytest.fixture
def server() -> Iterator[tuple[str, list[bytes]]]:
    """(address of a server on this machine, what it was asked)."""
    asked: list[bytes] = []

    class Told(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            asked.append(self.request.recv(1000))

    with socketserver.TCPServer(("127.0.0.1", 0), Told) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{listening.server_address[1]}/x", asked
        listening.shutdown()
        thread.join()


@pytest.mark.parametrize("declared", [LAUGHS, QUADRATIC, OUTSIDE, PARAMETER])
def test_entities_are_refused_and_nothing_is_fetched(tmp_path: Path, declared: str, server: tuple[str, list[bytes]]) -> None:
    address, asked = server
    secret = put(tmp_path, "secret.txt", b"Gizli")
    for place in (address, f"file://{secret.path}"):
        prolog = declared.replace("{}", place)
        use = "<p title='&j;'>Salam &j;&a;</p>"
        chapter = xhtml(use, doctype=prolog)
        assert reasons(tmp_path, pack(epub_parts({"a.xhtml": TEXT, "b.xhtml": chapter}))) == ["entities", "document"]
        for name in ("META-INF/container.xml", "OPS/kitab.opf"):
            parts = epub_parts({"a.xhtml": TEXT})
            assert reasons(tmp_path, pack(parts | {name: prolog + str(parts[name]).replace('<?xml version="1.0"?>', "")})) == ["entities"]
        word = docx_parts(p("Salam &j;&a;"))
        assert reasons(tmp_path, pack(word | {"word/document.xml": prolog + str(word["word/document.xml"])}), "a.docx") == ["entities"]
        styles = docx_parts(p("Salam"), styles=f"{prolog}<w:styles {W}/>")
        assert reasons(tmp_path, pack(styles), "a.docx") == ["entities", "document"]
    assert asked == []


def test_other_ways_to_fetch_are_not_taken(tmp_path: Path, server: tuple[str, list[bytes]]) -> None:
    address, asked = server
    doctype = f'<?xml-stylesheet href="{address}"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "{address}">'
    body = (
        f'<p>Salam<img src="{address}"/><object data="{address}">o</object><iframe src="{address}">f</iframe>'
        f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{address}"/></p><script src="{address}">s</script>'
    )
    chapters = {
        "a.xhtml": xhtml(body, f'<link rel="stylesheet" href="{address}"/>', doctype),
        "b.xhtml": f"<html><base href='{address}'><p>Sağ ol &{body}",
    }
    (text,) = texts(
        whole(
            EpubReader(), epub(tmp_path, {name: data.encode() for name, data in chapters.items()}, items=f'<item id="x" href="{address}"/>')
        )
    )
    assert text.startswith("Salam\n\nSağ ol &")
    assert asked == []


def nested(count: int, opening: str, inside: str, closing: str) -> str:
    return opening * count + inside + closing * count


@pytest.mark.parametrize(
    ("tag", "closed"),
    [
        ("div", True),
        ("ul><li", True),
        ("table><tr><td", True),
        ("sup", True),
        ("aside epub:type='footnote'", True),
        ("q", False),
        ("p", False),
    ],
)
def test_a_hundred_thousand_levels(tmp_path: Path, tag: str, closed: bool) -> None:
    names = [part.split()[0] for part in tag.split("><")]
    end = "".join(f"</{name}>" for name in reversed(names)) if closed else ""
    body = xhtml(nested(100_000 // len(names), f"<{tag}>", "Salam", end)).encode()
    (document,) = whole(EpubReader(), put(tmp_path, "a.epub", pack(epub_parts({"a.xhtml": body}), stored=True)))
    assert isinstance(document, Document)
    assert "Salam" in document.text or not closed  # what is never closed is read as browsers' rules allow, some of which end at a depth


@pytest.mark.parametrize("inside", ["w:tbl><w:tr><w:tc", "w:p><w:r><w:txbxContent", "w:del"])
def test_a_hundred_thousand_levels_of_word(tmp_path: Path, inside: str) -> None:
    names = inside.split("><")
    body = nested(100_000 // len(names), f"<{inside}>", p("Salam"), "".join(f"</{name}>" for name in reversed(names)))
    (text,) = texts(whole(DocxReader(), put(tmp_path, "a.docx", pack(docx_parts(body), stored=True))))
    assert ("Salam" in text) == (inside != "w:del")


def test_more_tags_than_any_text_has(tmp_path: Path) -> None:
    data = pack(epub_parts({"a.xhtml": TEXT, "b.xhtml": xhtml("<b/>" * 4_000_001)}), stored=True)
    assert reasons(tmp_path, data) == ["too_long", "document"]


LONG_NOTE = f"<w:footnotes {W}><w:footnote w:id='1'>{p('a' * 1000)}</w:footnote></w:footnotes>"
MANY: dict[str, Callable[[], bytes]] = {
    "marks.epub": lambda: pack(epub_parts({"a.xhtml": xhtml('<p><a epub:type="pagebreak" title="1"/></p>' * 40_000)}), stored=True),
    "breaks.epub": lambda: pack(epub_parts({"a.xhtml": xhtml("<p>" + "<br/> " * 100_000 + "a</p>")}), stored=True),
    "spaces.epub": lambda: pack(epub_parts({"a.xhtml": xhtml("<p>a" + " <b> </b>" * 70_000 + "</p>")}), stored=True),
    "attributes.epub": lambda: pack(epub_parts({"a.xhtml": xhtml("<p " + " ".join(f'a{n}="x"' for n in range(100_000)) + "/>")}), stored=True),
    "names.epub": lambda: pack(epub_parts({"a.xhtml": xhtml("".join(f"<a{n}/>" for n in range(100_000)))}), stored=True),
    "cells.epub": lambda: pack(epub_parts({"a.xhtml": xhtml("<table>" + "<tr><td>a</td><td>b</td></tr>" * 20_000 + "</table>")}), stored=True),
    "labels.epub": lambda: pack(epub_parts({"a.xhtml": xhtml('<span class="pagenum">' + "1" * 3_000_000 + "</span>")}), stored=True),
    "classes.epub": lambda: pack(epub_parts({"a.xhtml": xhtml(f'<p class="{"page-" * 500_000}">a</p>')}), stored=True),
    "breaks.docx": lambda: pack(docx_parts("<w:p><w:r><w:lastRenderedPageBreak/><w:br w:type='page'/></w:r></w:p>" * 20_000), stored=True),
    "notes.docx": lambda: pack(docx_parts('<w:p><w:r><w:footnoteReference w:id="1"/></w:r></w:p>' * 20_000, footnotes=LONG_NOTE), stored=True),
    "choices.docx": lambda: pack(docx_parts(f"<w:p {MC}><w:r><mc:AlternateContent>" + "<mc:Choice/>" * 100_000 + "</mc:AlternateContent></w:r></w:p>"), stored=True),
}  # fmt: skip


def test_nothing_takes_more_than_bounded_time_and_memory(tmp_path: Path) -> None:
    """In a process of its own, so that its peak of memory (MB over what importing takes) and its processor time are only these files'."""
    for name, make in MANY.items():
        put(tmp_path, name, make())
    program = (
        "import resource, sys\nfrom pathlib import Path\nfrom curation.readers.base import InputFile, Split\n"
        "from curation.readers.docx import DocxReader\nfrom curation.readers.epub import EpubReader\n"
        "def used():\n    found = resource.getrusage(resource.RUSAGE_SELF)\n    return found.ru_utime + found.ru_stime, found.ru_maxrss / 1024\n"
        "start, memory = used()\n"
        "for path in sorted(Path(sys.argv[1]).iterdir()):\n"
        "    before = used()[0]\n"
        "    reader = EpubReader() if path.suffix == '.epub' else DocxReader()\n"
        "    count = sum(1 for _ in reader.read(Split(InputFile(str(path), path.name, 0))))\n"
        "    assert count >= 1, path\n"
        "    print(path.name, round(used()[0] - before, 2), round(used()[1] - memory), flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert len(lines) == len(MANY)
    assert max(float(seconds) for _, seconds, _ in lines) < 10, done.stdout
    assert max(int(megabytes) for *_, megabytes in lines) < 300, done.stdout
