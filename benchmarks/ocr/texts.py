"""Passages of known text to render: the project's own books and, where the folder of real data is given, laws, poems, articles, scripture and sites.

Every fourth document is held out: what is trained (the lexicon, the estimate of errors) never sees it, and all figures are of held-out text.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import zstandard

from curation.text.transliteration import to_cyrillic

OWN = Path(__file__).parents[2] / "pipelines/demo/raw"
OWN_FOLDERS = ("books1", "books2")
REAL = {
    "laws": "text_az/laws_articles.jsonl.zst",
    "poems": "text_az/fuzuli_poetry.jsonl.zst",
    "wikipedia": "text_az/wikipedia_sentences.jsonl.zst",
    "scripture": "text_az/quran_translations.jsonl.zst",
    "sites": "text_az/site_page_texts.jsonl.zst",
    "lessons": "text_az/markdown_docs_and_lessons.jsonl.zst",
    "news": "langid/ntrex_news.jsonl.zst",
}
TEST, TRAIN = frozenset({0}), frozenset({1, 2, 3})
"""The quarters of all documents (see `quarter`) that figures are measured on, and that anything may be trained on."""
LETTERS = "abcçdeəfgğhxıijkqlmnoöprsştuüvyzABCÇDEƏFGĞHXIİJKQLMNOÖPRSŞTUÜVYZ"
SIGNS = " 0123456789.,;:!?()«»“”\"'’–—-/%…№§wWâîûÂ"
"""Paragraphs with any other character are left out: not every font has it."""
QUOTED_SHARE = 0.035
"""Share of the words at which a pair of guillemets is opened: four or five pairs a page, as in a page of dialogue or of names."""
LONGEST_QUOTE = 6

_LEGAL = re.compile(r"^(Maddə \d|\d+(-\d+)?(\.\d+)*\.? )")
_PLAIN = re.compile(f"[{re.escape(LETTERS + SIGNS)}]*")
_MARKUP = re.compile(r"thumb|\||\bpx\b|=|_|``")
_WORD = re.compile(r"\S+")


class Passage(NamedTuple):
    """Paragraphs of one document, 100 to 180 words."""

    kind: str
    document: str
    paragraphs: tuple[str, ...]


def held_out(row: Mapping[str, Any]) -> bool:
    """Whether a row's text is kept for the figures: one document in four, by hash; all articles of a law go together, as its versions do."""
    return quarter(row) in TEST


def quarter(row: Mapping[str, Any]) -> int:
    """The quarter of all documents that a row is in, 0 to 3."""
    key = row["metadata"].get("law") or row["id"]
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big") % 4


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a JSONL file packed with zstd."""
    with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as stream:
        for line in stream.read().split(b"\n"):
            if line:
                yield orjson.loads(line)


def documents(data: Path | None, quarters: frozenset[int]) -> dict[str, list[tuple[str, list[str]]]]:
    """By kind of text: (id, paragraphs) of the documents in some quarters of all."""
    kept = {"own": [document for document in _own() if quarter({"id": document[0], "metadata": {}}) in quarters]}
    for kind, name in REAL.items() if data else ():
        chosen = (row for row in rows(data / name) if quarter(row) in quarters and _azerbaijani(row))  # type: ignore[operator]
        kept[kind] = [(str(row["id"]), paragraphs(row["text"], kind)) for row in chosen]
    found = {kind: [text for text in texts if len(" ".join(text[1]).split()) >= 30] for kind, texts in kept.items()}
    return {kind: texts for kind, texts in found.items() if texts}


def _own() -> Iterator[tuple[str, list[str]]]:
    for folder in OWN_FOLDERS:
        for path in sorted((OWN / folder).glob("*.txt")):
            yield f"{folder}/{path.stem}", paragraphs(path.read_bytes().decode("utf-8", "replace"), "own")


def _azerbaijani(row: Mapping[str, Any]) -> bool:
    metadata = row["metadata"]
    return metadata.get("language", "aze") in ("aze", "azj") and metadata.get("schwa_per_1000", 99) > 30


def paragraphs(text: str, kind: str) -> list[str]:
    """The paragraphs that can be printed as they stand: no markup, no foreign signs. Lines of a law's PDF are put together first."""
    lines = [" ".join(line.split()) for line in text.replace("\xad", "").split("\n")]
    if kind == "laws":
        lines = list(_rejoined(lines))
    return [line for line in lines if line and _PLAIN.fullmatch(line) and not _MARKUP.search(line) and _is_prose(line, kind)]


def _is_prose(line: str, kind: str) -> bool:
    """Mostly letters; of a lesson, where code and English stand between, a line with an ə, and of one word no line of a law."""
    alone = kind == "laws" and " " not in line
    return not alone and sum(c.isalpha() for c in line) >= 0.7 * len(line.replace(" ", "")) and (kind != "lessons" or "ə" in line)


def _rejoined(lines: Iterable[str]) -> Iterator[str]:
    """Paragraphs of a law: a number or `Maddə` begins one, and what ends in a full stop, semicolon or colon ends one."""
    held = ""
    for line in lines:
        if held and (_LEGAL.match(line) or held[-1] in ".;:"):
            yield held
            held = ""
        held = f"{held[:-1]}{line}" if held.endswith("-") and line[:1].islower() else f"{held} {line}".strip()
    if held:
        yield held


def passages(data: Path | None, quarters: frozenset[int], count: int, seed: int = 0, words: tuple[int, int] = (100, 180)) -> list[Passage]:
    """`count` passages, kinds in turn, each begun at a place chosen by the seed, with guillemets round runs of words chosen by it too."""
    pick = random.Random(f"{seed} {quarters >= TEST}")  # noqa: S311
    pool = documents(data, quarters)
    kinds = sorted(pool)
    return [_passage(kinds[number % len(kinds)], pool[kinds[number % len(kinds)]], pick, words) for number in range(count)]


def _passage(kind: str, texts: list[tuple[str, list[str]]], pick: random.Random, words: tuple[int, int]) -> Passage:
    """From one document, or from several that follow each other where they are short."""
    number = pick.randrange(len(texts))
    name, first = texts[number]
    begin = pick.randrange(len(first))
    rest = [*first[begin:], *(text for other in range(1, len(texts)) for text in texts[(number + other) % len(texts)][1])]
    left, kept = pick.randint(*words), []
    for text in rest:
        tokens = text.split()[:left]
        left -= len(tokens)
        kept.append(quoted(" ".join(tokens), pick))
        if left < 4:
            break
    return Passage(kind, name, tuple(kept))


def quoted(text: str, pick: random.Random) -> str:
    """The text with guillemets round some runs of one to six words; signs before and behind a run stay outside. A heading stays as it is."""
    words = list(_WORD.finditer(text))
    if len(words) < 8 or any(mark in text for mark in '«»“”"'):
        return text
    out, at, number = [], 0, 0
    while number < len(words):
        length = pick.randint(1, LONGEST_QUOTE)
        run = text[words[number].start() : words[min(number + length, len(words)) - 1].end()]
        inner = run.strip(".,;:!?()–—-…")
        if pick.random() < QUOTED_SHARE and len(inner) > 2 and not re.search(r"[.;:!?()]", inner) and not inner[0].isdigit():
            start = words[number].start() + run.index(inner)
            out.append(f"{text[at:start]}«{inner}»")
            at = start + len(inner)
            number += length
        number += 1
    return "".join(out) + text[at:]


def cyrillic(passage: Passage) -> Passage:
    """The passage in the letters of 1958; words that alphabet can't write (w) and Roman numerals stay Latin, as in print."""
    return passage._replace(paragraphs=tuple(to_cyrillic(text) for text in passage.paragraphs))
