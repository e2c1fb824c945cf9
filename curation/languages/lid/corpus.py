"""Labelled sentences for training and testing, from folders of labelled rows.

A row is a line of `*.jsonl.zst`: {"text", "id", "metadata": {"language", "script"?, "aligned"?, ...}}. What is done with a file of a name is a
table, `sources.yaml`, with its licence beside it. Rows that say the same thing in other words or languages are of one *group*, and whole
groups are held out, by a fixed hash of the group's name: what a model is tested on it has not read in another language either.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import yaml
import zstandard
from pydantic import BaseModel, ConfigDict

from curation.errors import DollmaError
from curation.text.buffers import TextBatch
from curation.text.scripts import SCRIPTS

LANGUAGES = {"aze": "azj", "uzb": "uzn", "fas": "pes", "kur": "kmr"}
"""Macrolanguages of the sources, and the member that is meant. Arabic-script `aze` is azb, Arabic-script `kur` is ckb."""
ARABIC = {"azj": "azb", "kmr": "ckb"}
OTHERS = {"sah"}
"""Languages of the sources that are outside the family."""
HELD_OUT = 5
"""One group in so many is held out."""
SHORTEST, LONG = 2, 300
"""Letters of a line that is worth reading, and characters of one that is cut into its sentences."""
LABELS = (
    *("azj_Latn", "azj_Cyrl", "azb_Arab", "tur_Latn", "tuk_Latn", "tuk_Cyrl", "uzn_Latn", "uzn_Cyrl", "crh_Latn", "gag_Latn", "kaa_Cyrl"),
    *("kaz_Cyrl", "kir_Cyrl", "tat_Cyrl", "bak_Cyrl", "uig_Arab", "kmr_Latn", "ckb_Arab", "tly_Latn", "pes_Arab", "rus_Cyrl", "eng_Latn"),
    *("kat_Geor", "hye_Armn"),
)
"""The family: the labels that are told apart here. For all else see lid.176."""
SENTENCE_END = re.compile(r"(?<=[.!?؟۔])\s+")


class Source(BaseModel):
    """What is done with the files of a name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    licence: str
    use: Literal["train", "test"]
    """`test`: never trained on, all of it is a test."""
    languages: tuple[str, ...] = ()
    """The languages trained on, when not all are; the rest is a test."""
    test_languages: tuple[str, ...] = ()
    """Languages never trained on."""
    group: str = "aligned"
    """Metadata key of the group; a row without it is its own."""
    lines: bool = False
    """A line is a sentence; otherwise the row is one."""
    level: Literal["sentence", "page"] = "sentence"
    """What a row is tested as."""
    crawl: bool = False
    """Labels are a crawl's, wrong here and there."""
    drop: str = ""
    """Regular expression of what is cut out of each line: the markup of a linguist, a list's head."""


class Sentence(NamedTuple):
    """A text with a label."""

    text: str
    label: str
    source: str
    group: str
    kind: str
    """`sentence`, `words` (one or two of them) or `page`."""
    use: str
    """`train`, or `test` for what is never trained on."""


@lru_cache(maxsize=1)
def sources() -> dict[str, Source]:
    """What is done with a file, by its name without `.jsonl.zst`."""
    table = yaml.safe_load(files("curation.languages.lid").joinpath("sources.yaml").read_text(encoding="utf-8"))
    return {name: Source.model_validate(entry) for name, entry in table.items()}


def held_out(group: str) -> bool:
    """Is this group kept for testing? One in five is, by a hash of its name."""
    return int.from_bytes(hashlib.blake2b(group.encode(), digest_size=8).digest(), "big") % HELD_OUT == 0


def read_folders(folders: list[Path]) -> tuple[dict[str, Source], list[Sentence]]:
    """(the sources found, their rows), rows in the order of a hash of their content: the order of files and folders does not matter.

    Raises DollmaError for a folder that is absent or holds no known file, and for a row that is damaged, with its line.
    """
    paths = sorted({path.resolve() for folder in folders for path in _files(folder)}, key=lambda path: path.name)
    found = {path.name.removesuffix(".jsonl.zst"): path for path in paths}
    known = {name: source for name, source in sources().items() if name in found}
    if not known:
        raise DollmaError(
            f"{', '.join(map(str, folders))}: no file of a known name ({', '.join(sorted(sources()))}) with the ending .jsonl.zst"
        )
    sentences = [sentence for name, source in known.items() for sentence in _rows(found[name], name, source)]
    return known, sorted(set(sentences), key=lambda sentence: (digest(sentence.label, sentence.text), sentence))


def digest(*parts: str) -> int:
    """A number from text, the same on every machine: 64 bits."""
    return int.from_bytes(hashlib.blake2b("\0".join(parts).encode(), digest_size=8).digest(), "big")


def lines(rows: list[Sentence], known: dict[str, Source]) -> list[Sentence]:
    """The sentences to train on: pages and articles as their lines, everything cut to a length, markup dropped, each once."""
    found: dict[tuple[str, str], Sentence] = {}
    for row in rows:
        if row.use == "test":
            continue
        source = known[row.source]
        drop = re.compile(source.drop) if source.drop else None
        for line in row.text.split("\n") if source.lines else [row.text.replace("\n", " ")]:
            cleaned = (drop.sub(" ", line) if drop else line).strip()
            for text in SENTENCE_END.split(cleaned) if len(cleaned) > LONG else [cleaned]:
                if sum(map(str.isalpha, text)) >= SHORTEST:
                    found.setdefault((row.label, text[:LONG]), row._replace(text=text[:LONG]))
    taken = list(found.values())
    return [line for line, own in zip(taken, in_own_script(taken), strict=True) if own]


def in_own_script(rows: list[Sentence]) -> np.ndarray:
    """Whether most letters of each text are of its label's script: a line of Russian in an Uzbek page is none of Uzbek (bool)."""
    return np.array([script == row.label.split("_")[1] for script, row in zip(main_scripts([row.text for row in rows]), rows, strict=True)])


def main_scripts(texts: list[str]) -> list[str]:
    """The ISO 15924 code that most letters of each text are of."""
    batch = TextBatch(pa.array(texts, pa.string()))
    return [SCRIPTS[number] for number in batch.script_letters.argmax(axis=1)]


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise DollmaError(f"{folder}: no such folder; give folders with *.jsonl.zst of labelled rows")
    return sorted(folder.rglob("*.jsonl.zst"))


def _rows(path: Path, name: str, source: Source) -> Iterator[Sentence]:
    rows = list(_parsed(path))
    scripts = main_scripts([row["text"] for row in rows])
    for row, script in zip(rows, scripts, strict=True):
        metadata = row["metadata"]
        language = metadata["language"]
        code = LANGUAGES.get(language, language)
        if script == "Arab":
            code = ARABIC.get(code, code)
        # a page's own script is its label's; elsewhere the letters know better than the label (Karakalpak "Latn" in Cyrillic)
        label = f"{code}_{str(metadata.get('script', script))[:4] if source.crawl else script}"
        kind = "words" if metadata.get("kind") in ("single-words", "word-pairs") else source.level
        if label not in LABELS and language not in OTHERS:
            continue  # a row in letters that its language is not written with
        tested = language in source.test_languages or (source.languages and language not in source.languages)
        yield Sentence(row["text"], label, name, str(metadata.get(source.group) or row["id"]), kind, "test" if tested else source.use)


def _parsed(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
            for number, line in enumerate(io.TextIOWrapper(stream, encoding="utf-8", newline="\n"), start=1):
                if line.strip():
                    yield _row(path, number, line)
    except (zstandard.ZstdError, UnicodeDecodeError) as error:
        raise DollmaError(f"{path}: no zstd-compressed UTF-8 ({error}); give labelled rows as .jsonl.zst") from error


def _row(path: Path, number: int, line: str) -> dict[str, Any]:
    message = f"{path} line {number}: {line[:60]!r} is no labelled row; it needs text, id and metadata.language"
    try:
        row = json.loads(line)
        parts = (row["text"], row["id"], row["metadata"]["language"])
    except (ValueError, KeyError, TypeError) as error:
        raise DollmaError(message) from error
    if not all(isinstance(part, str) for part in parts):
        raise DollmaError(message)
    return dict(row)
