"""Tiny labelled sets of every kind, in the files and fields of the tasks whose names they bear: learnt by two layers in seconds, and in our own Azerbaijani.

`write(folder, "sib200-az", …)` lays them as `--data` takes them. Turkish tasks are given Azerbaijani words too: nothing here is anyone's text.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

TOPICS = {
    "sports": "oyunçu qol vurdu komanda qələbə qazandı stadion azarkeş məşqçi",
    "health": "həkim xəstə dərman verdi xəstəxana müalicə sağlam qızdırma",
    "travel": "qatar yola düşdü otel bilet dağ dəniz sahil bələdçi",
}
FEELINGS = ("pis gecikdi sınıq bahalı narazı", "yaxşı tez gözəl ucuz razı")
PEOPLE, PLACES, GROUPS = ("Aytən Kamran Nigar Orxan", "Bakı Gəncə Şəki Quba", "Neftçi Qarabağ Nadir")
FILLERS = "gəldi getdi dünən bu gün səhər axşam evdə"
SUBJECTS, DEEDS = "müəllim şagird bağban aşpaz", "yazır oxuyur əkir bişirir"
COLOURS = "qırmızı yaşıl mavi sarı"
KIND = {"text": "sib200-az", "pair": "books-nsp", "degree": "stsb-tr", "words": "ner-tr", "span": "enelpi-qa-tr", "choice": "xcopa-tr"}
"""A task of each kind that can be fine-tuned from `write`'s files."""

Row = dict[str, Any]
SIZES = {"train": 60, "validation": 24, "test": 30}


def topics(draw: random.Random, number: int) -> Row:
    topic = draw.choice(sorted(TOPICS))
    return {"index_id": number, "category": topic, "text": _some(draw, TOPICS[topic], 2, 9)}


def feelings(draw: random.Random, number: int) -> Row:
    label = draw.randrange(2)
    return {"text": f"{_some(draw, FILLERS, 1, 4)} {_some(draw, FEELINGS[label], 1, 3)} {number}", "label": label}


def following(draw: random.Random, number: int) -> Row:
    """The second sentence goes on about the first one's subject, or does not."""
    topic, other = draw.sample(sorted(TOPICS), 2)
    label = draw.randrange(2)
    second = TOPICS[topic if label else other]
    return {"id": f"n{number}", "first": f"{_some(draw, TOPICS[topic], 3, 6)}.", "second": f"{_some(draw, second, 3, 6)}.", "label": label}


def likeness(draw: random.Random, number: int) -> Row:
    """As many words of five as both have."""
    words = draw.sample(TOPICS["travel"].split(), 5)
    alike = draw.randint(0, 5)
    other = words[:alike] + draw.sample(TOPICS["health"].split(), 5 - alike)
    draw.shuffle(other)
    return {"sid": f"{number:04d}", "sentence1": " ".join(words), "sentence2": " ".join(other), "score": float(alike)}


def entities(draw: random.Random, _: int) -> Row:
    tagged: list[tuple[str, str]] = []
    for kind, names in draw.sample([("PERSON", PEOPLE), ("GPE", PLACES), ("ORG", GROUPS)], draw.randint(1, 3)):
        tagged += [(word, "O") for word in _some(draw, FILLERS, 1, 2).split()]
        tagged += [(draw.choice(names.split()), f"B-{kind}")]
        if draw.random() < 0.3:
            tagged += [(draw.choice(names.split()), f"I-{kind}")]
    return {"tokens": [word for word, _ in tagged], "ner_tags": [tag for _, tag in tagged]}


def speech(draw: random.Random, number: int) -> Row:
    words = [*_some(draw, SUBJECTS, 1, 2).split(), *_some(draw, COLOURS, 1, 2).split(), *_some(draw, DEEDS, 1, 1).split(), "."]
    parts = {**dict.fromkeys(SUBJECTS.split(), "NOUN"), **dict.fromkeys(COLOURS.split(), "ADJ"), **dict.fromkeys(DEEDS.split(), "VERB")}
    return {"sent_id": f"s{number}", "text": " ".join(words), "tokens": words, "upos": [parts.get(word, "PUNCT") for word in words]}


def orders(draw: random.Random, number: int) -> Row:
    """An intent and its slots, as in MASSIVE."""
    place, colour = draw.choice(PLACES.split()), draw.choice(COLOURS.split())
    intent, told = draw.choice(
        [("weather_query", f"[place_name : {place}] bu gün"), ("iot_hue_lightchange", f"evdə [color_type : {colour}] yaşıl işıq")]
    )
    scenario = intent.split("_", maxsplit=1)[0]
    said = told.replace("[place_name : ", "").replace("[color_type : ", "").replace("]", "")
    return {"id": number, "locale": "az-AZ", "scenario": scenario, "intent": intent, "utt": said, "annot_utt": told}


def spans(draw: random.Random, number: int) -> Row:
    """Who does it: what stands before the verb asked for."""
    pairs = list(zip(draw.sample(PEOPLE.split(), 3), draw.sample(DEEDS.split(), 3), strict=True))
    context = " ".join(f"{who} {deed}." for who, deed in pairs)
    who, deed = draw.choice(pairs)
    answers = {"text": [who], "answer_start": [context.index(who)]}
    return {"id": f"q{number}", "title": "Ev", "context": context, "question": f"kim {deed} ?", "answers": answers}


def causes(draw: random.Random, number: int) -> Row:
    """The right one goes on about the premise's topic."""
    topic, other = draw.sample(sorted(TOPICS), 2)
    label = draw.randrange(2)
    choices = [_some(draw, TOPICS[name], 2, 4) for name in (topic, other)]
    first, second = choices if label == 0 else choices[::-1]
    row = {"premise": _some(draw, TOPICS[topic], 3, 5), "choice1": first, "choice2": second}
    return row | {"question": draw.choice(["cause", "effect"]), "label": label, "idx": number, "changed": False}


def school(draw: random.Random, number: int) -> Row:
    colours = draw.sample(COLOURS.split(), 4)
    right = draw.randrange(4)
    question = f"hansı söz rəngdir : {colours[right]} ?"
    return {"id": f"Dil-{number}", "subject": "Dil", "question": question, "choices": colours, "answer": "ABCD"[right], "cot": ""}


def knowledge(draw: random.Random, number: int) -> Row:
    who, deed = draw.choice(PEOPLE.split()), draw.choice(DEEDS.split())
    return {"id": f"qa_{number}", "title": who, "question": f"{who} nə edir?", "answers": [f"{who} {deed}."]}


_SIB = {"train": "sib200/{}.train.jsonl.gz", "validation": "sib200/{}.dev.jsonl.gz", "test": "sib200/{}.test.jsonl.gz"}
_MASSIVE = {"train": "massive/{}.train.jsonl.gz", "validation": "massive/{}.dev.jsonl.gz", "test": "massive/{}.test.jsonl.gz"}


def _under(folder: str, *splits: str) -> dict[str, str]:
    return {split: f"{folder}/{'dev' if split == 'validation' else split}.jsonl.gz" for split in splits}


def _of(files: Mapping[str, str], code: str) -> dict[str, str]:
    return {split: path.format(code) for split, path in files.items()}


_ALL = ("train", "validation", "test")
SETS: dict[str, tuple[Callable[[random.Random, int], Row], dict[str, str]]] = {
    "sib200-az": (topics, _of(_SIB, "azj_Latn")),
    "sib200-tr": (topics, _of(_SIB, "tur_Latn")),
    "sentiment-az": (feelings, _under("sentiment_az", *_ALL)),
    "books-nsp": (following, {split: f"books_nsp/{split}.jsonl" for split in _ALL}),
    "stsb-tr": (likeness, _under("stsb_tr", *_ALL)),
    "ner-tr": (entities, _under("wiki_ner_tr", *_ALL)),
    "pos-tr": (speech, _under("ud_tr_imst", *_ALL)),
    "massive-intents-az": (orders, _of(_MASSIVE, "az-AZ")),
    "massive-slots-az": (orders, _of(_MASSIVE, "az-AZ")),
    "enelpi-qa-tr": (spans, _under("enelpi_qa_tr", "train", "test")),
    "xquad-tr": (spans, _under("xquad_tr", "test")),
    "xcopa-tr": (causes, _under("xcopa_tr", "validation", "test")),
    "tumlu-az": (school, _under("tumlu_az", "validation", "test")),
    "mirage-qa": (knowledge, _under("az_mirage_qa", "test")),
}
"""By task: what makes a row, and where the split's file stands below `--data`."""


def rows(task: str, split: str, many: int | None = None) -> list[Row]:
    """The rows of a split, the same ones at each call; a file from which two splits are cut has as many as both."""
    made, files = SETS[task]
    draw = random.Random(f"{files[split]}")
    count = many if many is not None else SIZES[split] + (0 if "validation" in files and "train" in files else 60) * (split != "test")
    return [made(draw, number) for number in range(count)]


def write(folder: Path, *tasks: str, many: int | None = None) -> Path:
    """Write these sets, all of them where none is named; gives the folder."""
    for task in tasks or SETS:
        for split, path in SETS[task][1].items():
            write_rows(folder / path, rows(task, split, many))
    return folder


def write_rows(path: Path, found: Iterable[Row]) -> Path:
    """Write JSON lines, compressed where the name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in found).encode()
    path.write_bytes(gzip.compress(lines, mtime=0) if path.suffix == ".gz" else lines)
    return path


def version(folder: Path, documents: list[tuple[str, str]], copies: int = 1) -> Path:
    """A version's folder with these documents, (source, text), in one shard of train; each in so many copies."""
    made = [
        {"id": hashlib.blake2b(f"{number}".encode(), digest_size=16).hexdigest(), "source": source, "text": text, "copy": copy}
        for number, (source, text) in enumerate(documents)
        for copy in range(copies)
    ]
    path = folder / "data/train-00000-of-00001.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(made), path, row_group_size=3)
    of = {"title": "Books", "licence": "CC0-1.0", "upsample": copies, "words": 1, "final_words": 1}
    manifest = {
        "version": f"test-{folder.name}",
        "fingerprint": hashlib.blake2b(path.read_bytes(), digest_size=8).hexdigest(),
        "language": "azj_Latn",
        "sources": {source: of for source, _ in documents},
        "files": {"data/train-00000-of-00001.parquet": {"bytes": path.stat().st_size, "sha256": "0" * 64}},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def words() -> list[str]:
    """All words there are: for a vocabulary that knows them."""
    known = [*TOPICS.values(), *FEELINGS, PEOPLE, PLACES, GROUPS, FILLERS, SUBJECTS, DEEDS, COLOURS]
    others = "kim hansı söz rəngdir nə edir işıq . ? : ,"
    return sorted({word for text in [*known, others] for word in text.split()})


def _some(draw: random.Random, known: str, least: int, most: int) -> str:
    return " ".join(draw.choices(known.split(), k=draw.randint(least, most)))
