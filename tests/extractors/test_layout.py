"""Pages of words to pages of text."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.extractors.layout import PageText, layout
from curation.extractors.layout.headings import chapter_heading
from curation.extractors.layout.hyphens import run_on
from curation.extractors.layout.kinds import kind_of
from curation.extractors.page import Line, Page, Word
from curation.text.lexicon import load_lexicon

CASES = json.loads((Path(__file__).parents[1] / "cases" / "layout.json").read_text())
LEXICON = load_lexicon("azj_Latn")
SIZE, LETTER = 10.0, 5.0

PROSE = (
    "Dənizin sahilində kiçik bir kənd vardı və orada hamı bir-birini",
    "tanıyırdı. Balıqçılar hər səhər qayıqlarla açığa çıxır, axşam isə",
    "torlarını qurutmaq üçün geri qayıdırdılar. Uşaqlar da onlara baxıb",
    "böyüyəndə dənizə çıxmaq istəyirdi. Qocalar isə evlərin qabağında",
    "oturub keçən günlərdən danışır, bəzən də susub ləpələrə qulaq asırdı.",
)


def line(text: str, x: float, y: float, size: float = SIZE, gap: float = LETTER, confidence: float | None = None) -> Line:
    """A line of words with letters of one width."""
    words = []
    for word in text.split():
        width = LETTER * size / SIZE * len(word)
        words.append(Word(word, x, y, x + width, y + size, confidence))
        x += width + gap
    return Line(tuple(words), size, 0)


def justified(text: str, x: float, y: float, width: float) -> Line:
    """A line that fills the width, with spaces as wide as it takes."""
    letters = LETTER * sum(len(word) for word in text.split())
    return line(text, x, y, gap=(width - letters) / max(len(text.split()) - 1, 1))


def block(texts: tuple[str, ...] | list[str], x: float, y: float, width: float = 340.0) -> list[Line]:
    """A justified paragraph; its last line ends where it ends."""
    lines = [justified(text, x, y + 12 * at, width) for at, text in enumerate(texts[:-1])]
    return [*lines, line(texts[-1], x, y + 12 * (len(texts) - 1))]


def page(number: int, *lines: Line) -> Page:
    return Page(number, 500, 700, lines, "text")


def text_of(*lines: Line) -> str:
    (only,) = layout([page(1, *lines)], LEXICON)
    return only.text


@pytest.mark.parametrize("case", CASES["hyphens"], ids=lambda case: case["why"])
def test_hyphens(case: dict[str, str]) -> None:
    assert run_on(case["above"], case["below"], LEXICON) == case["better"]


@pytest.mark.parametrize("case", CASES["known_failures"], ids=lambda case: case["why"])
@pytest.mark.xfail(strict=True)
def test_hyphens_that_are_wrong_still(case: dict[str, str]) -> None:
    assert run_on(case["above"], case["below"], LEXICON) == case["better"]


@pytest.mark.parametrize("case", CASES["kinds"], ids=lambda case: case["why"])
def test_kinds(case: dict[str, object]) -> None:
    assert kind_of(case["lines"]) == case["kind"]  # type: ignore[arg-type]


@pytest.mark.parametrize("case", CASES["headings"], ids=lambda case: case["text"])
def test_chapter_headings(case: dict[str, object]) -> None:
    assert chapter_heading(str(case["text"])) is case["chapter"]


def test_a_paragraph_is_one_line_of_text() -> None:
    assert text_of(*block(PROSE, 50, 300)) == " ".join(PROSE)


def test_paragraphs_by_space_and_by_indent() -> None:
    spaced = [*block(PROSE, 50, 200), *block(PROSE, 50, 300)]
    assert text_of(*spaced) == " ".join(PROSE) + "\n\n" + " ".join(PROSE)
    second = [justified(PROSE[0], 70, 260, 320), *block(PROSE[1:], 50, 272)]
    assert text_of(*block(PROSE, 50, 200), *second) == " ".join(PROSE) + "\n" + " ".join(PROSE)


def test_two_columns_are_read_one_after_the_other() -> None:
    left, right = [f"sol {text[:24]}" for text in PROSE * 3], [f"sağ {text[:24]}" for text in PROSE * 3]
    lines = [part for at in range(15) for part in (line(left[at], 30, 200 + 12 * at), line(right[at], 270, 203 + 12 * at))]
    found = text_of(*lines).split()
    assert found.count("sol") == found.count("sağ") == 15
    assert max(at for at, word in enumerate(found) if word == "sol") < found.index("sağ")


def test_a_heading_over_both_columns_stays_between_what_is_above_and_below() -> None:
    halves = [text[:28] for text in PROSE * 2]

    def columns(left: str, right: str, y: float) -> list[Line]:
        return [
            part
            for at in range(8)
            for part in (line(f"{left} {halves[at]}", 30, y + 12 * at), line(f"{right} {halves[at]}", 270, y + 12 * at))
        ]

    heading = line("BAŞLIQ BÜTÜN ENİ TUTUR VƏ ARANI KƏSİR BURADA HƏR ŞEY BAŞQADIR", 60, 262)
    found = text_of(*columns("alfa", "beta", 150), heading, *columns("qamma", "delta", 300)).split()
    order = [word for word in found if word in ("alfa", "beta", "BAŞLIQ", "qamma", "delta")]
    assert order == ["alfa"] * 8 + ["beta"] * 8 + ["BAŞLIQ"] + ["qamma"] * 8 + ["delta"] * 8


def test_answers_and_tables_are_read_along_the_line() -> None:
    rows = [part for at in range(8) for part in (line(f"A) {at}0", 50, 200 + 12 * at), line(f"B) {at}5", 200, 200 + 12 * at))]
    assert text_of(*rows).split("\n")[0].startswith("A) 00 B) 05")


def book_pages(count: int = 8) -> list[Page]:
    def body(number: int) -> list[Line]:
        return block([f"{number}-ci gün {PROSE[0]}"[:60], *PROSE[1:]], 50, 200)

    return [
        page(n, line("DƏNİZ KİTABI" if n % 2 else "Birinci fəsil", 150, 50), *body(n), line(f"— {n + 10} —", 230, 660))
        for n in range(1, count + 1)
    ]


def test_running_heads_go_and_page_numbers_become_labels() -> None:
    pages = layout(book_pages(), LEXICON)
    assert [page.label for page in pages] == [str(n + 10) for n in range(1, 9)]
    for page in pages:
        assert "DƏNİZ KİTABI" not in page.text
        assert "—" not in page.text
        assert page.text.endswith(PROSE[-1])


def test_numbers_that_do_not_count_along_stay() -> None:
    pages = [page(n, *block(PROSE, 50, 200), line(f"{n * n + 7}", 230, 660)) for n in range(1, 8)]
    for number, found in enumerate(layout(pages, LEXICON), 1):
        assert found.label == str(number)
        assert found.text.endswith(str(number * number + 7))


def test_a_line_of_text_that_many_pages_begin_with_stays() -> None:
    pages = [page(n, *block([PROSE[0], *PROSE[1:]], 50, 40), *block(PROSE[::-1], 50, 300)) for n in range(1, 6)]
    assert all(found.text.startswith(PROSE[0]) for found in layout(pages, LEXICON))


def test_footnotes_stand_behind_the_text_that_ends_and_not_inside_a_paragraph() -> None:
    first = page(
        1, *block(PROSE, 50, 100), *[justified(text, 50, 300 + 12 * at, 340) for at, text in enumerate(PROSE[:2])],
        line("1 Köhnə xəritələrdə kəndin adı yoxdur.", 50, 600, 8),
    )  # fmt: skip
    second = page(2, *block(PROSE[2:], 50, 100))
    pages = layout([first, second], LEXICON)
    note = "1 Köhnə xəritələrdə kəndin adı yoxdur."
    assert pages[0].text == f"{' '.join(PROSE)}\n\n{note}\n\n{' '.join(PROSE[:2])}"
    assert pages[0].join == " "
    assert pages[1].text == " ".join(PROSE[2:])


@pytest.mark.parametrize(
    ("end", "start", "join", "kept"),
    [
        ("axşam isə sahi-", "lində gəzirdilər.", "", "axşam isə sahi"),
        ("axşam isə haqq-", "ədalət axtarırdılar.", "", "axşam isə haqq-"),
        ("axşam isə dəniz", "sahilində gəzirdilər.", " ", "axşam isə dəniz"),
        ("axşam yatırdılar.", "Səhər isə durub gedirdilər.", "\n\n", "axşam yatırdılar."),
    ],
)
def test_joins_across_pages(end: str, start: str, join: str, kept: str) -> None:
    first = page(1, *[justified(text, 50, 300 + 12 * at, 340) for at, text in enumerate((*PROSE[:3], end))])
    second = page(2, *block([start, *PROSE[:2]], 50, 100))
    pages = layout([first, second], LEXICON)
    assert pages[0].join == join
    assert pages[0].text.endswith(kept)
    assert pages[1].text.startswith(start)


def test_spaced_letters_are_words_again() -> None:
    letters = line("M a d d ə", 50, 300, gap=2.5)
    number = line("12. Dənizin sahilində", letters.words[-1].x1 + 9, 300)
    assert text_of(Line((*letters.words, *number.words), SIZE, 0)) == "Maddə 12. Dənizin sahilində"


def test_variables_keep_their_spaces() -> None:
    assert text_of(line("x y z və a b c", 50, 300)) == "x y z və a b c"


def test_words_of_ocr_whose_boxes_touch_stay_apart() -> None:
    assert text_of(line("iki söz", 50, 300, gap=0, confidence=90.0)) == "iki söz"
    assert text_of(line("iki söz", 50, 300, gap=0)) == "ikisöz"


def test_entries_of_a_table_of_contents_are_lines() -> None:
    entries = [
        "Ön söz ........ 3",
        "Dəniz ........ 7",
        "Dağ və onun ətəyində",
        "yaşayanlar ........ 25",
        "Çay ........ 90",
        "Son ........ 99",
    ]
    (found,) = layout([page(1, *(line(text, 50, 200 + 14 * at) for at, text in enumerate(entries)))], LEXICON)
    assert found.kind == "contents"
    assert found.text.split("\n") == [*entries[:2], "Dağ və onun ətəyində yaşayanlar ........ 25", *entries[4:]]


def test_an_empty_page_and_none() -> None:
    (found,) = layout([Page(3, 500, 700, (), "none")], LEXICON)
    assert (found.text, found.kind, found.origin, found.label) == ("", "empty", "none", "3")
    assert layout([], LEXICON) == []


def test_chapter_headings_have_their_place() -> None:
    (found,) = layout([page(1, *block(PROSE, 50, 100), line("II FƏSİL", 180, 200), *block(PROSE, 50, 250))], LEXICON)
    (heading,) = found.headings
    assert heading.title == "II FƏSİL"
    assert found.text[heading.start :].startswith("II FƏSİL\n")


def letters(*texts: str) -> Counter[str]:
    return Counter(char for text in texts for char in text if char.isalpha())


@given(
    st.lists(
        st.lists(
            st.tuples(st.text(alphabet="ab-.1 ə", min_size=1, max_size=12), st.floats(-50, 600), st.floats(-50, 800), st.floats(0, 40)),
            max_size=20,
        ),
        max_size=4,
    )
)
def test_no_word_is_lost_or_made(books: list[list[tuple[str, float, float, float]]]) -> None:
    pages = [page(number, *(line(text, x, y, size) for text, x, y, size in lines if text.strip())) for number, lines in enumerate(books, 1)]
    found: list[PageText] = layout(pages, LEXICON)
    assert [page.number for page in found] == [page.number for page in pages]
    for made, own in zip(found, pages, strict=True):
        assert letters(made.text) <= letters(*(part.text for part in own.lines)), "made"
        middle = [part.text for part in own.lines if all(0.3 * own.height < word.y0 and word.y1 < 0.7 * own.height for word in part.words)]
        assert letters(*middle) <= letters(made.text), "lost, and stood in no margin"
        (alone,) = layout([own], LEXICON)
        assert letters(alone.text) == letters(*(part.text for part in own.lines)), "a page alone has no running heads"
    assert all(before.join in ("", " ", "\n\n") for before, _ in pairwise(found))
