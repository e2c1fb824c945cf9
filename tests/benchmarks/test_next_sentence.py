"""A next-sentence set of one's own books: what follows follows, what does not is from the same book, and no book or sentence is in two splits."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from benchmarks.tasks.catalogue import named
from benchmarks.tasks.next_sentence import build
from benchmarks.tasks.reading import read
from benchmarks.tasks.task import SPLITS
from curation.errors import DollmaError
from pipelines.withdrawn import read_withdrawn
from tests.benchmarks.bench_data import version
from tests.pipelines.workspace import dollma

PROSE = "bağda ağac əkdi sonra çay dəmlədi qonşu gəldi oturdular söhbət uzandı axşam düşdü işıq yandı uşaqlar yatdı külək əsdi"


def book(number: int, paragraphs: int = 8) -> str:
    """Paragraphs of sentences that say where they stand, so that what follows what can be read off them."""
    draw = random.Random(number)

    def sentence(paragraph: int, place: int) -> str:
        return f"Kitab {number} fəsil {paragraph} cümlə {place} {' '.join(draw.choices(PROSE.split(), k=6))}."

    return "\n\n".join(" ".join(sentence(paragraph, place) for place in range(8)) for paragraph in range(paragraphs))


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = [("books", book(number)) for number in range(20)] + [("news", book(99)), ("books", "Bəli. Xeyr. Bəlkə.")]
    return version(tmp_path_factory.mktemp("versions") / "books", made, copies=2)


def rows(folder: Path, split: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"{split}.jsonl").read_text("utf-8").splitlines()]


def place(sentence: str) -> tuple[int, int, int]:
    words = sentence.split()
    return int(words[1]), int(words[3]), int(words[5])


def test_pairs_follow_or_are_of_the_same_book_but_apart(books: Path, tmp_path: Path) -> None:
    card = build(books, ("books",), tmp_path / "set", 10, 1)
    for split in SPLITS:
        found = rows(tmp_path / "set", split)
        assert Counter(row["label"] for row in found) == {0: len(found) // 2, 1: len(found) // 2}
        assert card["splits"][split] | {"sha256": ""} == {
            "books": len({row["document"] for row in found}),
            "pairs": len(found),
            "next": len(found) // 2,
            "other": len(found) // 2,
            "sha256": "",
        }
        for row in found:
            (first_book, first_part, first), (second_book, second_part, second) = place(row["first"]), place(row["second"])
            assert first_book == second_book
            follows = (second_part, second) == (first_part, first + 1)
            assert follows == bool(row["label"])
            assert follows or abs(8 * (first_part - second_part) + first - second) > 4
    assert sum(of["books"] for of in card["splits"].values()) == 20
    assert card["left out"]["books"] == 1, "the one with three short sentences"
    assert card["sources"] == {"books": {"title": "Books", "licence": "CC0-1.0"}}


def test_no_book_and_no_sentence_is_in_two_splits(books: Path, tmp_path: Path) -> None:
    build(books, ("books",), tmp_path / "set", 10, 1)
    found = {split: rows(tmp_path / "set", split) for split in SPLITS}
    for what in ("document", "first", "second"):
        sets = [{row[what] for row in found[split]} for split in SPLITS]
        assert sum(map(len, sets)) == len(set().union(*sets))
    used = Counter(sentence for of in found.values() for row in of for sentence in (row["first"], row["second"]))
    assert max(used.values()) == 1
    listed = [json.loads(line) for line in (tmp_path / "set/documents.jsonl").read_text("utf-8").splitlines()]
    assert {(one["document"], one["split"]) for one in listed} == {(row["document"], split) for split in SPLITS for row in found[split]}
    withdrawn = read_withdrawn(("set/withdrawn.txt",), tmp_path / "recipe.yaml").ids
    assert set(withdrawn) == {row["document"] for split in ("validation", "test") for row in found[split]}


def test_the_second_sentences_alone_tell_nothing(books: Path, tmp_path: Path) -> None:
    """Those that follow and those that do not are drawn alike: no sentence that begins a paragraph is among the wrong ones."""
    build(books, ("books",), tmp_path / "set", 50, 1)
    found = [row for split in SPLITS for row in rows(tmp_path / "set", split)]
    for label in (0, 1):
        assert {place(row["second"])[2] for row in found if row["label"] == label} == set(range(1, 8))


def test_what_stands_in_two_books_is_used_in_one(tmp_path: Path) -> None:
    documents = [("books", book(number)) for number in range(12)] + [("books", book(number) + "\n") for number in range(12)]
    card = build(version(tmp_path / "twice", documents), ("books",), tmp_path / "set", 50, 1)
    found = [row for split in SPLITS for row in rows(tmp_path / "set", split)]
    used = Counter(sentence for row in found for sentence in (row["first"], row["second"]))
    assert max(used.values()) == 1
    assert card["left out"]["pairs that repeat a sentence"] > 0


def test_the_same_books_make_the_same_set_whatever_their_order(tmp_path: Path) -> None:
    documents = [("books", book(number)) for number in range(6)]
    for name, seed in (("one", 1), ("two", 1), ("three", 2)):
        build(version(tmp_path / f"v-{name}", documents), ("books",), tmp_path / name, 10, seed)
    assert (tmp_path / "one/train.jsonl").read_bytes() == (tmp_path / "two/train.jsonl").read_bytes()
    assert (tmp_path / "one/train.jsonl").read_bytes() != (tmp_path / "three/train.jsonl").read_bytes()


def test_the_set_is_read_as_a_task(books: Path, tmp_path: Path) -> None:
    told = dollma("bench", "pairs", books, "--source", "books", "--out", tmp_path / "set", "--per-book", "6").stdout
    assert "6 pairs of 2 books in validation" in told or "12 pairs of 2 books in validation" in told
    task = named("books-nsp")
    for split in SPLITS:
        found = read(task, tmp_path / "set", split)
        assert not found.faults
        assert len(found.items) == len(rows(tmp_path / "set", split))


def test_what_can_not_be_made_is_told(books: Path, tmp_path: Path) -> None:
    with pytest.raises(DollmaError, match="has no source 'book': did you mean 'books'"):
        build(books, ("book",), tmp_path / "set", 10, 1)
    with pytest.raises(DollmaError, match="1 of 1 books have 4 pairs of sentences, 3 are needed"):
        build(books, ("news",), tmp_path / "set", 10, 1)
    assert not (tmp_path / "set").exists()
    (tmp_path / "set").mkdir()
    with pytest.raises(DollmaError, match="set exists"):
        build(books, ("books",), tmp_path / "set", 10, 1)
