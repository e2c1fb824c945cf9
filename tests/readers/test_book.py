"""From pages to documents: books, chapters and pages, with the places of pages."""

from __future__ import annotations

import pytest
from datatrove.data import Document

from curation.extractors.layout import Heading, PageText
from curation.readers.book import Chapter, Per, book_documents, bounded, headed_chapters


def page(number: int, text: str, join: str = "\n\n", headings: tuple[Heading, ...] = (), confidence: float | None = None) -> PageText:
    origin = "none" if not text else "ocr" if confidence else "text"
    return PageText(number, str(number + 10), text, "body" if text else "empty", origin, confidence, join, headings)  # type: ignore[arg-type]


BOOK = [
    page(1, "Ön söz burada."),
    page(2, "I FƏSİL\n\nDəniz sakit idi və sahi", "", (Heading(0, "I FƏSİL"),)),
    page(3, "lində uşaqlar oynayırdı, sonra", " ", confidence=91.234),
    page(4, "", " "),
    page(5, "hamı getdi.\n\nII FƏSİL\n\nÇay daşdı.", "", (Heading(13, "II FƏSİL"),)),
]
TEXT = "Ön söz burada.\n\nI FƏSİL\n\nDəniz sakit idi və sahilində uşaqlar oynayırdı, sonra hamı getdi.\n\nII FƏSİL\n\nÇay daşdı."


def documents(per: Per, chapters: list[Chapter] | None = None, pages: list[PageText] = BOOK) -> list[Document]:
    return list(book_documents(pages, chapters or [], per, "a/b.pdf", "a/b.pdf", title="Kənd", author=None))


def pages_of(document: Document) -> list[str]:
    """The text of each page by the contract: from its start to the next one's, white space at the end apart."""
    starts = [entry["start"] for entry in document.metadata["pages"]]
    return [document.text[start:end].rstrip() for start, end in zip(starts, [*starts[1:], len(document.text)], strict=True)]


def test_a_book_is_one_document_and_its_pages_can_be_found() -> None:
    (document,) = documents("book")
    assert document.text == TEXT
    assert (document.id, document.metadata["locator"], document.metadata["title"]) == ("a/b.pdf", "a/b.pdf", "Kənd")
    assert "author" not in document.metadata
    assert pages_of(document) == [page.text for page in BOOK]
    assert document.metadata["pages"][2] == {"page": "13", "start": 48, "origin": "ocr", "kind": "body", "confidence": 91.23}
    assert document.metadata["pages"][3]["kind"] == "empty"


def test_each_page_is_a_document() -> None:
    made = documents("page")
    assert [document.id for document in made] == [f"a/b.pdf#page={n}" for n in range(1, 6)]
    assert [document.text for document in made] == [page.text for page in BOOK]
    assert made[3].metadata["excluded"] == "no_text"
    assert made[2].metadata["pages"][0]["start"] == 0


def test_chapters_begin_at_their_headings_and_lose_nothing() -> None:
    made = documents("chapter", headed_chapters(BOOK))
    assert [document.id for document in made] == ["a/b.pdf#chapter=0", "a/b.pdf#chapter=1", "a/b.pdf#chapter=2"]
    assert [document.metadata.get("chapter") for document in made] == [None, "I FƏSİL", "II FƏSİL"]
    assert "\n\n".join(document.text for document in made) == TEXT
    assert [entry["page"] for entry in made[1].metadata["pages"]] == ["12", "13", "14", "15"]
    assert pages_of(made[1]) == [BOOK[1].text, BOOK[2].text, "", "hamı getdi."]


def test_headings_side_by_side_are_one_chapter() -> None:
    pages = [page(1, "I BÖLMƏ\n\nTorpaq\n\nI FƏSİL\n\nMətn.", headings=(Heading(0, "I BÖLMƏ"), Heading(17, "I FƏSİL")))]
    assert headed_chapters(pages) == [Chapter("I BÖLMƏ · I FƏSİL", 0, 0)]


def test_chapters_of_an_outline() -> None:
    made = documents("chapter", [Chapter("Dəniz", 1), Chapter("Dəniz yenə", 1), Chapter("Çay", 4)])
    assert [document.metadata.get("chapter") for document in made] == [None, "Dəniz", "Çay"]
    assert made[2].text == BOOK[4].text


def test_a_book_without_chapters_is_one_document() -> None:
    assert [document.id for document in documents("chapter")] == ["a/b.pdf"]


def test_a_book_without_text_is_excluded() -> None:
    (document,) = documents("book", pages=[page(1, ""), page(2, "")])
    assert document.metadata["excluded"] == "no_text"
    assert [entry["start"] for entry in document.metadata["pages"]] == [0, 0]


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("Kənd\x00 \x1b[31mhaqqında\n ", "Kənd [31mhaqqında"),
        ("a" * 1000, "a" * 300),
        ("", None),
        (None, None),
        (5, None),
        ("\u202eabc\ud800", "abc"),
    ],
)
def test_what_a_file_says_of_itself_is_bounded(value: object, kept: str | None) -> None:
    assert bounded(value) == kept
