"""Corpus versions written by hand, of sentences in which each word says what the next may be; spoilt ones hold the same words in any order."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from curation.files import checksum
from curation.writers.shards import SHARD, shard_name, write_shard

WHO = ["bağban", "aşpaz", "çoban", "dərzi", "həkim", "müəllim"]
WHAT = ("alma armud", "aş plov", "qoyun quzu", "köynək palto", "dərman iynə", "kitab dəftər")
DEED = ("əkir dərir", "bişirir yeyir", "otarır sayır", "tikir ölçür", "verir yazır", "oxuyur açır")
WHERE = ["səhər", "axşam", "bağda", "evdə"]


class Text(NamedTuple):
    """A document to be."""

    id: str
    text: str
    source: str = "books"


def named(name: str) -> str:
    """An id, as documents have them."""
    return hashlib.blake2b(name.encode(), digest_size=16).hexdigest()


def documents(seed: int, number: int, spoilt: bool = False, source: str = "books") -> list[Text]:
    """So many documents of 12 sentences: who, where, what of theirs, and what they do with it."""
    draw, found = random.Random(seed), []
    for place in range(number):
        words = []
        for _ in range(12):
            one = draw.randrange(len(WHO))
            words += [WHO[one], draw.choice(WHERE), draw.choice(WHAT[one].split()), draw.choice(DEED[one].split())]
        if spoilt:
            draw.shuffle(words)
        found.append(Text(named(f"{seed} {place}"), " ".join(words), source))
    return found


def write(folder: Path, name: str, splits: Mapping[str, Sequence[Text]], language: str = "azj_Latn") -> Path:
    """A version in WORKSPACE/versions, as `dollma build` leaves it, but for what no model reads."""
    mark = hashlib.blake2b(repr((name, sorted(splits.items()))).encode(), digest_size=8).hexdigest()
    place = folder / "versions" / f"{name}-{mark[:8]}"
    (place / "data").mkdir(parents=True)
    files, sources = {}, {}
    for split, texts in splits.items():
        path = place / "data" / shard_name(split, 0, 1)
        rows = [{**text._asdict(), "url": None, "metadata": "{}", "words": len(text.text.split()), "copy": 0} for text in texts]
        write_shard(path, pa.Table.from_pylist(rows, SHARD))
        files[f"data/{path.name}"] = {"bytes": path.stat().st_size, "sha256": checksum(path)}
        for row in rows:
            of: dict[str, Any] = sources.setdefault(row["source"], {"title": row["source"], "upsample": 1, "words": 0, "final_words": 0})
            of["words"] += row["words"]
            of["final_words"] += row["words"]
    manifest = {
        "version": place.name,
        "title": name,
        "fingerprint": mark,
        "language": language,
        "licence": "",
        "sources": sources,
        "splits": {split: {"copies": len(texts)} for split, texts in splits.items()},
        "files": files,
    }
    (place / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False), encoding="utf-8")
    return place
