"""Pages inside a text: apart, together, and cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from curation.pages import cut, join_pages, split_pages

PAGE = st.text("ab \n", max_size=12).map(str.strip)
BEHIND = st.sampled_from(["", " ", "\n", "\n\n"])
BOOK = st.lists(st.tuples(PAGE, BEHIND), min_size=1, max_size=6)


def whole(text: str, starts: list[int]) -> list[str]:
    return [body for body, _ in split_pages(text, starts)]


@given(BOOK)
def test_pages_joined_are_the_same_pages_apart(book: list[tuple[str, str]]) -> None:
    text, starts = join_pages(book)
    assert len(starts) == len(book)
    assert whole(text, starts) == [body for body, _ in book]


def test_a_word_and_a_paragraph_go_on_over_the_page() -> None:
    assert join_pages([("Kör", ""), ("pü ti", ""), ("", "\n\n"), ("kildi.", "\n\n"), ("Son", "")]) == (
        "Körpü ti\n\nkildi.\n\nSon",
        [0, 3, 8, 10, 18],
    )


@given(BOOK)
def test_cutting_nothing_only_takes_out_empty_lines(book: list[tuple[str, str]]) -> None:
    text, starts = join_pages(book)
    left, places = cut(text, starts, set(), set())
    assert left.split() == text.split()
    assert "\n\n\n" not in left
    assert [body.split() for body in whole(left, places)] == [body.split() for body, _ in book]


@given(BOOK, st.data())
def test_what_is_cut_is_gone_and_nothing_else(book: list[tuple[str, str]], data: st.DataObject) -> None:
    text, starts = join_pages(book)
    pages = data.draw(st.sets(st.integers(0, len(book) - 1)))
    left, places = cut(text, starts, set(), pages)
    kept = [body for number, (body, _) in enumerate(book) if number not in pages]
    assert len(places) == len(kept)
    assert "".join(left.split()) == "".join("".join(kept).split())
    assert places == sorted(places)
    assert not left or whole(left, places) == [part for part in whole(left, places) if part == part.rstrip()]


@given(st.lists(st.text("ab ", max_size=5), max_size=8), st.data())
def test_lines_are_cut_by_number(lines: list[str], data: st.DataObject) -> None:
    text = "\n".join(lines)
    gone = data.draw(st.sets(st.integers(1, max(len(lines), 1))))
    left, _ = cut(text, [], gone, set())
    assert [line for line in left.split("\n") if line] == [line for number, line in enumerate(lines, 1) if line and number not in gone]


def test_a_cut_page_ends_the_paragraph_that_ran_over_it() -> None:
    text, starts = join_pages([("Körpü çayın", " "), ("x?z ,,", " "), ("üstündə idi.", "")])
    assert cut(text, starts, set(), {1}) == ("Körpü çayın\n\nüstündə idi.", [0, 13])
