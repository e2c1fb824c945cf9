"""E-books and Word documents for tests, sound and broken, made of their parts."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

from curation.readers.base import InputFile
from tests.readers.samples import put

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
MC = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
CONTAINER = '<container><rootfiles><rootfile full-path="OPS/kitab.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def pack(parts: Mapping[str, str | bytes], stored: bool = False) -> bytes:
    """A zip of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), data, archive.compression)
    return buffer.getvalue()


def xhtml(body: str, head: str = "", doctype: str = "<!DOCTYPE html>") -> str:
    """A chapter."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n{doctype}\n<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops">'
        f"<head><title>Başlıq</title>{head}</head><body>{body}</body></html>"
    )


def package(spine: list[str], metadata: str = "", items: str = "", attributes: str = "", after: str = "") -> str:
    """A package document whose reading order is these addresses."""
    listed = "".join(f'<item id="i{n}" href="{href}" media-type="application/xhtml+xml"/>' for n, href in enumerate(spine))
    order = "".join(f'<itemref idref="i{n}"/>' for n in range(len(spine)))
    return (
        '<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0">'
        f'<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">{metadata}</metadata>'
        f"<manifest>{listed}{items}</manifest><spine {attributes}>{order}</spine>{after}</package>"
    )


def epub_parts(
    chapters: Mapping[str, str | bytes], others: Mapping[str, str | bytes] | None = None, **about: str
) -> dict[str, str | bytes]:
    """The files of an EPUB whose chapters (address to body or whole file) are read in this order."""
    parts: dict[str, str | bytes] = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER,
        "OPS/kitab.opf": package(list(chapters), **about),
    }
    for href, body in chapters.items():
        parts[f"OPS/{href}"] = body if isinstance(body, bytes) or body.startswith("<?xml") else xhtml(body)
    return parts | dict(others or {})


def epub(folder: Path, chapters: Mapping[str, str | bytes], others: Mapping[str, str | bytes] | None = None, **about: str) -> InputFile:
    """An EPUB on disk."""
    return put(folder, "kitab.epub", pack(epub_parts(chapters, others, **about)))


def docx_parts(body: str, **parts: str) -> dict[str, str | bytes]:
    """The files of a Word document: its body, and others (`styles`, `numbering`, `footnotes`) by name."""
    links = "".join(f'<Relationship Id="r{name}" Type="{OFFICE}/{name}" Target="{name}.xml"/>' for name in parts if name != "core")
    found: dict[str, str | bytes] = {
        "_rels/.rels": f'<Relationships><Relationship Id="r1" Type="{OFFICE}/officeDocument" Target="word/document.xml"/></Relationships>',
        "word/_rels/document.xml.rels": f"<Relationships>{links}</Relationships>",
        "word/document.xml": f"<w:document {W} {MC}><w:body>{body}</w:body></w:document>",
    }
    for name, text in parts.items():
        found["docProps/core.xml" if name == "core" else f"word/{name}.xml"] = text
    return found


def docx(folder: Path, body: str, **parts: str) -> InputFile:
    """A Word document on disk."""
    return put(folder, "sened.docx", pack(docx_parts(body, **parts)))


def p(text: str, properties: str = "") -> str:
    """A paragraph of Word's of one run."""
    return f'<w:p><w:pPr>{properties}</w:pPr><w:r><w:t xml:space="preserve">{text}</w:t></w:r></w:p>'


def with_size(data: bytes, name: str, size: int) -> bytes:
    """A zip whose directory lies about the size of one file."""
    at = data.index(name.encode(), data.index(b"PK\x01\x02")) - 46
    return data[: at + 24] + struct.pack("<I", size) + data[at + 28 :]
