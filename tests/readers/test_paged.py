"""What the readers of books in pages have in common."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from curation.document import Failure
from curation.extractors.ocr import OcrError
from curation.extractors.page import Page, PageError
from curation.readers.paged import DEATHS, numbered_pages


def breaking(error: PageError) -> Callable[[int], Page]:
    """A reader of pages that breaks off over each one."""

    def read(_: int) -> Page:
        raise error

    return read


def fails(error: PageError, count: int) -> list[Failure]:
    failures: list[Failure] = []
    assert list(numbered_pages(breaking(error), count, "kitab.pdf", failures, "the library")) == []
    return failures


def test_a_file_that_breaks_the_library_over_and_over_is_given_up() -> None:
    *each, rest = fails(PageError("crash", "it broke"), DEATHS + 9)
    assert [failure.locator for failure in each] == [f"kitab.pdf#page={number}" for number in range(1, DEATHS + 2)]
    assert rest.locator == f"kitab.pdf#page={DEATHS + 2}"
    assert (
        rest.message
        == f"kitab.pdf: the pages from {DEATHS + 2} to {DEATHS + 9} were not read, because {DEATHS + 1} before them broke the library"
    )


def test_when_it_breaks_over_the_last_page_nothing_is_left_to_give_up() -> None:
    assert len(fails(PageError("timeout", "too long"), DEATHS + 1)) == DEATHS + 1


@pytest.mark.parametrize("error", [PageError("image", "no words"), OcrError("timeout", "too long"), OcrError("memory", "too much")])
def test_pages_that_cost_only_themselves_give_up_nothing(error: PageError) -> None:
    """What is wrong with a page, or over what OCR breaks off, says nothing of the library."""
    assert [failure.reason for failure in fails(error, 3 * DEATHS)] == [error.reason] * 3 * DEATHS
