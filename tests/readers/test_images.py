"""Pictures of pages as books."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from datatrove.data import Document
from PIL import Image

from curation.document import Failure
from curation.readers.base import InputFile, Split
from curation.readers.images import ImagesReader
from curation.readers.inputs import find_inputs, gathered, reader_for
from tests.books import drawn, need_tesseract, pages_kept_in, read_book

PAGES = ("Kənddə səhər tezdən oyanırdılar.", "Bağban ağaclara su verirdi.", "Axşam hamı evə qayıtdı.")


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pages_kept_in(tmp_path_factory.getbasetemp() / "pages"):
        yield


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    need_tesseract()


def picture(line: str) -> Image.Image:
    return drawn((line,), 40, "DejaVuSans.ttf")


def encoded(line: str, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    picture(line).save(out, kind, **options)
    return out.getvalue()


def tiff(lines: tuple[str, ...]) -> bytes:
    out = io.BytesIO()
    first, *rest = map(picture, lines)
    first.save(out, "TIFF", save_all=True, append_images=rest)
    return out.getvalue()


def read(tmp_path: Path, name: str, data: bytes, **options: object) -> list[Document | Failure]:
    (tmp_path / name).write_bytes(data)
    return read_book(ImagesReader.model_validate(options), tmp_path / name)


def one(records: list[Document | Failure]) -> Document:
    (record,) = records
    assert isinstance(record, Document)
    return record


@pytest.mark.parametrize(("name", "kind"), [("a.png", "PNG"), ("a.jpg", "JPEG"), ("a.tif", "TIFF"), ("a.bmp", "BMP"), ("a.webp", "WEBP")])
def test_a_picture_is_a_book_of_one_page(tmp_path: Path, name: str, kind: str) -> None:
    book = one(read(tmp_path, name, encoded(PAGES[0], kind)))
    assert book.text.strip() == PAGES[0]
    assert book.id == book.metadata["locator"] == f"kitab/{name}"
    (page,) = book.metadata["pages"]
    assert (page["start"], page["origin"]) == (0, "ocr")
    assert page["confidence"] > 80
    assert reader_for(name) is ImagesReader


def test_the_pages_of_a_tiff(tmp_path: Path) -> None:
    book = one(read(tmp_path, "a.tif", tiff(PAGES)))
    pages = book.metadata["pages"]
    starts = [page["start"] for page in pages] + [len(book.text)]
    assert [book.text[begin:end].strip() for begin, end in pairwise(starts)] == list(PAGES)


def test_a_document_a_page(tmp_path: Path) -> None:
    books = read(tmp_path, "a.tif", tiff(PAGES[:2]), per="page")
    assert [book.id for book in books] == ["kitab/a.tif#page=1", "kitab/a.tif#page=2"]


def test_a_folder_of_numbered_pictures_is_one_book(tmp_path: Path) -> None:
    folder = tmp_path / "scans" / "kitab"
    folder.mkdir(parents=True)
    for number, line in zip((2, 10, 9), (PAGES[0], PAGES[2], PAGES[1]), strict=True):
        (folder / f"page_{number}.png").write_bytes(encoded(line))
    (folder / "cover.png").write_bytes(encoded("Üz qabığı burada"))
    files = find_inputs([str(tmp_path / "scans")])
    found = gathered(files, {file.name: ImagesReader() for file in files})
    assert [file.name for file, _ in found] == ["kitab/cover.png", "kitab/page_*"]
    book = one(list(ImagesReader().read(Split(found[1][0]))))
    assert [line for line in book.text.split("\n") if line] == list(PAGES)
    assert book.id == "kitab/page_*"
    apart = ImagesReader(folders=False)
    assert [file for file, _ in gathered(files, {file.name: apart for file in files})] == files


def test_a_broken_page_costs_itself_alone(tmp_path: Path) -> None:
    parts = []
    for number, data in enumerate((encoded(PAGES[0]), encoded(PAGES[1])[:600], encoded(PAGES[2])), 1):
        path = tmp_path / f"p{number}.png"
        path.write_bytes(data)
        parts.append(InputFile(str(path), path.name, len(data)))
    (book,) = ImagesReader().gathered(parts)
    failure, document = ImagesReader().read(Split(book))
    assert isinstance(failure, Failure)
    assert (failure.locator, failure.reason) == ("p2.png", "image")
    assert isinstance(document, Document)
    assert PAGES[0] in document.text
    assert PAGES[2] in document.text


@pytest.mark.parametrize("data", [b"", b"no picture at all", b"\x89PNG\r\n\x1a\n", b"II*\0\x08\0\0\0"])
def test_what_is_no_picture_fails(tmp_path: Path, data: bytes) -> None:
    (failure,) = read(tmp_path, "a.png", data)
    assert isinstance(failure, Failure)
    assert failure.reason == "image"


@pytest.mark.parametrize("side", [12_000, 60_000])
def test_a_bomb_is_not_unpacked(tmp_path: Path, side: int) -> None:
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1_000_000)), (b"IEND", b""))
    chunks = b"".join(struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in parts)
    (failure,) = read(tmp_path, "a.png", b"\x89PNG\r\n\x1a\n" + chunks)
    assert isinstance(failure, Failure)
    assert failure.reason == "large"


def test_a_cut_tiff_keeps_its_first_pages(tmp_path: Path) -> None:
    data = tiff(PAGES)
    *failures, book = read(tmp_path, "a.tif", data[: len(data) - len(data) // 4])
    assert isinstance(book, Document)
    assert PAGES[0] in book.text
    assert failures
    assert {failure.reason for failure in failures if isinstance(failure, Failure)} == {"image"}


def test_a_tiff_whose_pages_go_in_a_circle_ends(tmp_path: Path) -> None:
    data = bytearray(tiff(PAGES[:1] * 2))
    (first,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, first)
    (second,) = struct.unpack_from("<I", data, first + 2 + 12 * count)
    (count,) = struct.unpack_from("<H", data, second)
    struct.pack_into("<I", data, second + 2 + 12 * count, first)
    *_, book = read(tmp_path, "a.tif", bytes(data))
    assert isinstance(book, Document)
    assert len(book.metadata["pages"]) == 2


def test_a_turned_photograph_is_read_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    picture(PAGES[0]).transpose(Image.Transpose.ROTATE_90).save(out, "JPEG", quality=95, exif=exif)
    assert one(read(tmp_path, "a.jpg", out.getvalue())).text.strip() == PAGES[0]


def test_an_empty_picture_is_excluded(tmp_path: Path) -> None:
    out = io.BytesIO()
    Image.new("L", (400, 400), 255).save(out, "PNG")
    assert one(read(tmp_path, "a.png", out.getvalue())).metadata["excluded"] == "no_text"
