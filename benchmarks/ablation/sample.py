"""What the tokenizer of both versions is trained on: as many bytes of either one's training text, as a small version of two sources.

Bits per byte compare with any tokenizer, but one that knows only one version's words would cut the other's into more pieces, and a token budget would be less text of it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.errors import DollmaError
from curation.files import checksum, whole_folder
from curation.fingerprint import fingerprint
from curation.ids import id_numbers
from curation.tables import TableWriter
from curation.writers.manifest import MANIFEST
from curation.writers.shards import shard_name
from modeling.corpus import COLUMNS, Version, open_version, texts

METHOD = 1
"""Goes up when the same versions would give another sample."""
BYTES = 50_000_000
"""Of each version, copies counted, or as much as the shorter one has: far more than 4,000 pieces need."""
TABLE = pa.schema([pa.field(name, pa.int32() if name == "copy" else pa.string()) for name in COLUMNS])


def neutral(versions: Sequence[Version], out: Path) -> Version:
    """The sample of two versions, in a folder below `out` that is named by both; their order makes no difference. What is there is not made again.

    Raises DollmaError where one of them has nothing to train on, and where they are of different languages.
    """
    one, other = sorted(versions, key=lambda version: version.name)
    if one.language != other.language:
        raise DollmaError(
            f"{one.name} is in {one.language}, {other.name} in {other.language}: only versions of one language can be compared"
        )
    name = fingerprint({"method": METHOD, "versions": [one.fingerprint, other.fingerprint], "bytes": BYTES})
    folder = out / f"tokenizer-sample-{name[:8]}"
    if not folder.is_dir():
        lengths = [_bytes(version) for version in (one, other)]
        with whole_folder(folder) as made:
            (made / "data").mkdir()
            shard = made / "data" / shard_name("train", 0, 1)
            with TableWriter(shard, TABLE) as table:
                sources = {
                    version.name: _take(version, min(BYTES, *lengths) / length, table)
                    for version, length in zip((one, other), lengths, strict=True)
                }
            (made / MANIFEST).write_text(
                json.dumps(_manifest(folder.name, name, one.language, sources, shard), indent=1) + "\n", encoding="utf-8"
            )
    return open_version(folder)


def _bytes(version: Version) -> int:
    total = sum(pc.sum(pc.binary_length(batch["text"])).as_py() or 0 for batch in texts(version, "train", ("text",)))
    if not total:
        raise DollmaError(f"{version.folder}: its train split holds no text to train on")
    return total


def _take(version: Version, rate: float, table: TableWriter) -> dict[str, Any]:
    """Write the rows of a share of the documents, all their copies, and count them. Which ones follows from the ids, which are hashes."""
    words = rows = 0
    for batch in texts(version, "train"):
        taken = batch.filter(pa.array(id_numbers(batch["id"])[:, 1].astype(np.float64) / 2.0**64 < rate))
        table.write(
            taken.set_column(taken.schema.get_field_index("source"), "source", pa.array([version.name] * taken.num_rows, pa.string()))
        )
        rows += taken.num_rows
        words += sum(len(text.split()) for text in taken["text"].to_pylist())
    return {"title": version.name, "licence": "", "upsample": 1, "words": words, "final_words": words, "rows": rows}


def _manifest(name: str, own: str, language: str, sources: dict[str, Any], shard: Path) -> dict[str, Any]:
    files = {f"data/{shard.name}": {"bytes": shard.stat().st_size, "sha256": checksum(shard)}}
    return {
        "format": 1,
        "version": name,
        "name": "tokenizer-sample",
        "fingerprint": own,
        "language": language,
        "sources": sources,
        "files": files,
    }
