"""Web archives: what each record becomes, damage, and parts."""

from __future__ import annotations

import gzip
import zlib
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import fsspec
import pytest
import zstandard
from datatrove.data import Document
from fastwarc.stream_io import BrotliWriter
from fastwarc.warc import ArchiveIterator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curation.document import Failure
from curation.processors import processor
from curation.readers.base import InputFile, Split
from curation.readers.warc import WarcReader, count_records
from curation.readers.warc_records import Record, warc_records

TEXT = "Kəndin yolu dağın ətəyindən keçirdi və yazda hər tərəf lalə ilə örtülürdü, uşaqlar oraya gəzməyə gedirdilər."
HTML = f"<html><head><title>Yol</title></head><body><p>{TEXT}</p><p>{TEXT}</p></body></html>".encode()
PACKERS: dict[str, Callable[[bytes], bytes]] = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress}


class Unclosed(BytesIO):
    """The writer closes what it writes to, and only then ends the stream."""

    def close(self) -> None:
        pass


def brotli(data: bytes) -> bytes:
    output = Unclosed()
    with BrotliWriter(output) as writer:
        writer.write(data)
    return output.getvalue()


def record(
    kind: str, body: bytes, number: int = 1, content_type: str = "application/http; msgtype=response", length: int | None = None
) -> bytes:
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:{number:012d}>\r\nWARC-Date: 2026-01-02T03:04:05Z\r\n"
        f"WARC-Target-URI: http://misal.az/{number}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body) if length is None else length}"
    )
    return head.encode() + b"\r\n\r\n" + body + b"\r\n\r\n"


def response(
    number: int = 1, body: bytes = HTML, headers: str = "Content-Type: text/html; charset=utf-8\r\n", status: str = "200 OK"
) -> bytes:
    return record("response", f"HTTP/1.1 {status}\r\n{headers}\r\n".encode() + body, number)


def wet(number: int, text: str = TEXT) -> bytes:
    return record("conversion", text.encode(), number, "text/plain")


def save(folder: Path, data: bytes, name: str = "a.warc") -> InputFile:
    path = folder / name
    path.write_bytes(data)
    return InputFile(str(path), f"crawl/{name}", len(data))


def read(file: InputFile, **parameters: object) -> list[Document | Failure]:
    return list(WarcReader.model_validate(parameters).read(Split(file)))


def one(folder: Path, data: bytes, **parameters: object) -> Document | Failure:
    (item,) = read(save(folder, data), **parameters)
    return item


def outcome(item: Document | Failure) -> str:
    return item.reason if isinstance(item, Failure) else item.metadata.get("excluded", "text")


@pytest.mark.parametrize("ending", PACKERS)
def test_documents_and_others(tmp_path: Path, ending: str) -> None:
    parts = [
        record("warcinfo", b"software: x\r\n", 0, "application/warc-fields"),
        record("request", b"GET / HTTP/1.1\r\n\r\n", 1),
        response(1),
        record("metadata", b"{}", 2, "application/json"),
        record("revisit", b"HTTP/1.1 200 OK\r\n\r\n", 3),
        wet(4),
        record("resource", HTML, 5, "text/html"),
        record("resource", TEXT.encode(), 6, "text/plain"),
        record("resource", b"\x89PNG", 7, "image/png"),
    ]
    packed = [PACKERS[ending](part) for part in parts]
    file = save(tmp_path, b"".join(packed), f"a.warc{ending}")
    items = read(file)
    assert [outcome(item) for item in items] == ["text"] * 4 + ["content_type"]
    assert all(isinstance(item, Document) and TEXT in item.text for item in items[:4])
    first = items[0]
    assert isinstance(first, Document)
    assert first.id == "http://misal.az/1 2026-01-02T03:04:05Z"
    assert first.metadata == {
        "locator": f"crawl/a.warc{ending}@{len(packed[0] + packed[1])}",
        "url": "http://misal.az/1",
        "date": "2026-01-02T03:04:05Z",
        "warc_record_id": "<urn:uuid:000000000001>",
        "http_status": 200,
        "content_type": "text/html",
    }
    assert count_records(Split(file)) == {
        "warcinfo": 1,
        "request": 1,
        "response": 1,
        "metadata": 1,
        "revisit": 1,
        "conversion": 1,
        "resource": 3,
    }


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (response(status="404 Not Found"), "status"),
        (response(status="301 Moved", body=b""), "status"),
        (response(headers="Content-Type: image/jpeg\r\n", body=b"\xff\xd8\xff"), "content_type"),
        (response(headers=""), "text"),
        (response(headers="", body=b"plain"), "content_type"),
        (response(headers="content-type: APPLICATION/XHTML+XML\r\n"), "text"),
        (response(body=b"<html></html>"), "no_text"),
        (response(body=b"%PDF-1.4"), "binary"),
        (record("response", b"no http here"), "http"),
        (wet(1, " \n"), "no_text"),
        (record("conversion", b"\xff\xfe\xfd", 1, "text/plain"), "encoding"),
        (record("response", b"HTTP/1.1 200 OK\nContent-Type: text/html\n\n" + HTML).replace(b"\r\n", b"\n"), "text"),
    ],
)
def test_outcomes(tmp_path: Path, data: bytes, expected: str) -> None:
    item = one(tmp_path, data)
    assert outcome(item) == expected
    assert item.id == "http://misal.az/1 2026-01-02T03:04:05Z"


def chunked(body: bytes) -> bytes:
    parts = [body[:7], body[7:40], body[40:]]
    return b"".join(b"%X;name=value\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ("Transfer-Encoding: chunked", chunked(HTML)),
        ("Transfer-Encoding: chunked", chunked(HTML)[:-9]),
        ("Transfer-Encoding: chunked", HTML),
        ("Content-Encoding: gzip", gzip.compress(HTML)),
        ("Content-Encoding: gzip", HTML),
        ("Content-Encoding: gzip\r\nTransfer-Encoding: chunked", chunked(gzip.compress(HTML))),
        ("Content-Encoding: gzip\r\nTransfer-Encoding: chunked", gzip.compress(HTML)),
        ("Content-Encoding: deflate", zlib.compress(HTML)),
        ("Content-Encoding: deflate", zlib.compress(HTML)[2:-4]),
        ("Content-Encoding: br", brotli(HTML)),
        ("Content-Encoding: br", HTML),
        ("Content-Encoding: zstd", zstandard.compress(HTML)),
        ("Content-Encoding: identity", HTML),
    ],
)
def test_http_encodings_true_and_false(tmp_path: Path, headers: str, body: bytes) -> None:
    item = one(tmp_path, response(body=body, headers=f"Content-Type: text/html\r\n{headers}\r\n"))
    assert isinstance(item, Document)
    assert TEXT in item.text


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("br", brotli), ("zstd", zstandard.compress)]
)
def test_a_cut_body_gives_what_is_there(tmp_path: Path, encoding: str, pack: Callable[[bytes], bytes]) -> None:
    long = HTML.replace(b"</body>", b"".join(b"<p>Say: %d</p>" % (n**9 % 2**61) for n in range(8_000)))
    item = one(tmp_path, response(body=pack(long)[:-2000], headers=f"Content-Type: text/html\r\nContent-Encoding: {encoding}\r\n"))
    assert isinstance(item, Document)
    assert TEXT in item.text


@pytest.mark.parametrize("pack", [gzip.compress, brotli])
def test_a_bomb_is_too_long(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    encoding = "br" if pack is brotli else "gzip"
    data = response(body=pack(b"a" * 20_000_000), headers=f"Content-Type: text/html\r\nContent-Encoding: {encoding}\r\n")
    assert outcome(one(tmp_path, data)) == "too_long"


@pytest.mark.parametrize("ending", PACKERS)
def test_a_long_record_fails_alone(tmp_path: Path, ending: str) -> None:
    parts = [wet(1), wet(2, "uzun söz " * 20_000), wet(3)]
    items = read(save(tmp_path, b"".join(map(PACKERS[ending], parts)), f"a.wet{ending}"), max_record_bytes=1000)
    assert [outcome(item) for item in items] == ["text", "too_long", "text"]
    assert items[1].id.startswith("http://misal.az/2 ")


DAMAGES = {
    "header": (wet(2).replace(b"Content-Length", b"Content-Longth"), ["corrupt"]),
    "length too big": (record("conversion", TEXT.encode(), 2, "text/plain", length=len(TEXT.encode()) + 50), ["corrupt"]),
    "length over the file": (record("conversion", TEXT.encode(), 2, "text/plain", length=10**6), ["truncated"]),
    "length over the limit": (record("conversion", TEXT.encode(), 2, "text/plain", length=10**12), ["truncated"]),
    "length too small": (record("conversion", TEXT.encode(), 2, "text/plain", length=20), ["corrupt"]),
    "length negative": (record("conversion", TEXT.encode(), 2, "text/plain", length=-1), ["corrupt"]),
    "junk between": (b"here is no record\r\n\r\n", ["corrupt"]),
    "cut": (wet(2)[:-60], ["corrupt"]),
}


@pytest.mark.parametrize(
    ("damage", "ending"),  # inside a member there is no way back from a length over the limit
    [
        (damage, ending)
        for damage in DAMAGES
        for ending in ("", "in one member")
        if (damage, ending) != ("length over the limit", "in one member")
    ],
)
def test_damage_in_a_row_of_records_costs_its_record(tmp_path: Path, damage: str, ending: str) -> None:
    broken, failures = DAMAGES[damage]
    data = wet(1) + broken + wet(3) + wet(4)
    file = save(tmp_path, gzip.compress(data) if ending else data)
    items = read(file)
    assert [outcome(item) for item in items] == ["text", *failures, "text", "text"]
    assert isinstance(items[1], Failure)
    assert items[1].locator == f"crawl/a.warc@{'0+' if ending else ''}{len(wet(1))}"


@pytest.mark.parametrize("ending", [".gz", ".zst"])
@pytest.mark.parametrize("damage", ["clipped", "flipped", "junk", "lost start"])
def test_damage_of_a_member_costs_its_record(tmp_path: Path, ending: str, damage: str) -> None:
    first, second, third = (PACKERS[ending](wet(n, TEXT + str(n) * 50)) for n in (1, 2, 3))
    middle = len(second) // 2
    broken = {
        "clipped": second[:middle],
        "flipped": second[:middle] + bytes(255 - byte for byte in second[middle : middle + 20]) + second[middle + 20 :],
        "junk": b"this is no member",
        "lost start": second[middle:],
    }[damage]
    file = save(tmp_path, first + broken + third, f"a.wet{ending}")
    items = read(file)
    assert [outcome(item) for item in items if isinstance(item, Document)] == ["text", "text"]
    failures = [item for item in items if isinstance(item, Failure)]
    assert [failure.locator for failure in failures] == [f"crawl/a.wet{ending}@{len(first)}"]
    assert failures[0].reason == "corrupt"


@pytest.mark.parametrize("ending", PACKERS)
def test_a_clipped_file_tells(tmp_path: Path, ending: str) -> None:
    data = b"".join(PACKERS[ending](wet(n, TEXT * 3)) for n in (1, 2, 3))
    items = read(save(tmp_path, data[:-40], f"a.wet{ending}"))
    assert [outcome(item) for item in items] == ["text", "text", "truncated"]


def keys(split: Split) -> list[tuple[str, str, bytes]]:
    return [(r.place, "record", r.body) if isinstance(r, Record) else (r.place, r.reason, b"") for r in warc_records(split, 1 << 20)]


def in_parts(file: InputFile, target: int) -> list[tuple[str, str, bytes]]:
    return [key for split in WarcReader().splits(file, target) for key in keys(split)]


@pytest.mark.parametrize("ending", [*PACKERS, "one member"])
def test_parts_have_the_records_of_the_whole(tmp_path: Path, ending: str) -> None:
    parts = [wet(n, f"{n} {TEXT[: n % 90]} " * (n % 13)) for n in range(300)]
    data = gzip.compress(b"".join(parts)) if ending == "one member" else b"".join(map(PACKERS[ending], parts))
    file = save(tmp_path, data, "a.wet")
    whole = keys(Split(file))
    assert [body for _, _, body in whole] == [part.split(b"\r\n\r\n")[1] for part in parts]
    for target in (len(data) // 50, len(data) // 7, len(data) // 2, len(data) - 1):
        assert in_parts(file, target) == whole


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pieces=st.lists(st.sampled_from(["wet", "html", *DAMAGES, "flipped"]), min_size=1, max_size=6),
    target=st.integers(60, 2000),
    ending=st.sampled_from(sorted(PACKERS)),
)
def test_parts_of_damaged_files_have_what_the_whole_has(tmp_path: Path, pieces: list[str], target: int, ending: str) -> None:
    good = {"wet": wet(1), "html": response(2), "flipped": wet(3)}
    packed = []
    for piece in pieces:
        member = bytearray(PACKERS[ending](good[piece] if piece in good else DAMAGES[piece][0]))
        if piece == "flipped":
            member[len(member) // 2] ^= 255
        packed.append(bytes(member))
    file = save(tmp_path, b"".join(packed))
    assert in_parts(file, target) == keys(Split(file))


@pytest.mark.parametrize(
    "data", [b"filedesc://a.arc 127.0.0.1 2014 text/plain 75\n", gzip.compress(b"filedesc://a.arc 127.0.0.1 2014\n")], ids=["plain", "gzip"]
)
def test_arc_is_not_supported_and_says_so(tmp_path: Path, data: bytes) -> None:
    item = one(tmp_path, data)
    assert isinstance(item, Failure)
    assert item.reason == "unsupported"
    assert "ARC" in item.message


def test_what_is_no_archive_fails_once_and_an_empty_file_is_empty(tmp_path: Path) -> None:
    assert outcome(one(tmp_path, b"just some text\n" * 100)) == "corrupt"
    assert read(save(tmp_path, b"")) == []


def test_reads_where_fsspec_reads() -> None:
    with fsspec.open("memory://warc/a.warc.gz", "wb") as file:
        file.write(gzip.compress(response()))
    (item,) = read(InputFile("memory://warc/a.warc.gz", "a.warc.gz", 100))
    assert outcome(item) == "text"


def test_is_registered() -> None:
    assert processor("reader", "warc") is WarcReader


FIXTURES = {
    "dolma_sample-0000.warc.gz": {"warcinfo": 1, "request": 22, "response": 22, "metadata": 1, "resource": 2},
    "resiliparse_clipped.warc.gz": {"failed": 1},
    "resiliparse_warcfile.warc.gz": {"warcinfo": 1, "request": 17, "response": 16, "metadata": 16},
    "warcio_bad.arc": {"failed": 1},
    "warcio_example-bad-non-chunked.warc.gz": {"warcinfo": 2, "response": 1, "request": 2, "revisit": 1},
    "warcio_example-digest.warc": {"request": 4},
    "warcio_example-iana.org-chunked.warc": {"warcinfo": 1, "response": 1, "request": 1},
    "warcio_example-resource.warc.gz": {"warcinfo": 2, "resource": 1},
    "warcio_example-space-in-target-uri.warc.gz": {"warcinfo": 1, "resource": 1},
    "warcio_example-space-in-url.arc": {"failed": 1},
    "warcio_example-wget-bad-target-uri.warc.gz": {"warcinfo": 1, "request": 1, "response": 1, "metadata": 1, "resource": 2},
    "warcio_example.arc": {"failed": 1},
    "warcio_example.arc.gz": {"failed": 1},
    "warcio_example.warc": {"warcinfo": 2, "response": 1, "request": 2, "revisit": 1},
    "warcio_example.warc.gz": {"warcinfo": 2, "response": 1, "request": 2, "revisit": 1},
    "whirlwind.warc": {"warcinfo": 1, "request": 1, "response": 1, "metadata": 1},
    "whirlwind.warc.gz": {"warcinfo": 1, "request": 1, "response": 1, "metadata": 1},
    "whirlwind.warc.wat.gz": {"warcinfo": 1, "metadata": 1},
    "whirlwind.warc.wet": {"warcinfo": 1, "conversion": 1},
    "whirlwind.warc.wet.gz": {"warcinfo": 1, "conversion": 1},
}


def fixture(shared: Path, name: str) -> InputFile:
    path = shared / "warc" / name
    return InputFile(str(path), name, path.stat().st_size)


@pytest.mark.realdata
@pytest.mark.parametrize("name", FIXTURES)
def test_real_files_lose_nothing(shared: Path, name: str) -> None:
    file = fixture(shared, name)
    assert count_records(Split(file)) == FIXTURES[name]
    whole = keys(Split(file))
    for target in {max(file.size // k, 60) for k in (2, 5, 20)}:
        assert in_parts(file, target) == whole
    if "failed" not in FIXTURES[name]:
        with Path(file.path).open("rb") as raw:
            theirs = [r.reader.read() for r in ArchiveIterator(raw, parse_http=False)]
        assert [body for _, _, body in whole] == theirs


@pytest.mark.realdata
def test_real_pages_give_text(shared: Path) -> None:
    found = Counter[str]()
    for name in FIXTURES:
        found.update(outcome(item) for item in read(fixture(shared, name)))
    assert found == {"text": 52, "content_type": 1, "truncated": 1, "unsupported": 4}


@pytest.mark.realdata
def test_a_chunked_and_a_wrongly_chunked_page(shared: Path) -> None:
    (chunks,) = read(fixture(shared, "warcio_example-iana.org-chunked.warc"))
    (wrong,) = read(fixture(shared, "warcio_example-bad-non-chunked.warc.gz"))
    (plain,) = read(fixture(shared, "warcio_example.warc.gz"))
    assert isinstance(chunks, Document)
    assert isinstance(wrong, Document)
    assert isinstance(plain, Document)
    assert "DNS Root Zone" in chunks.text
    assert wrong.text == plain.text
