"""The sample that a tokenizer is trained on: each source's share in it is its share of the up-sampled training text.

No document is taken twice. A source that is up-sampled further than it is long gives all its documents, and each counts as often as it takes to reach the share.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.errors import DollmaError
from curation.ids import id_numbers
from modeling.corpus import Version, texts

WEIGHT_UNIT = 64
"""Weights are whole numbers of 1/64, so that counts are whole numbers and sums the same in any order."""


class Share(NamedTuple):
    """How one source is sampled: the share of its documents that is taken, and what each counts, in WEIGHT_UNIT."""

    rate: float
    weight: int


class Document(NamedTuple):
    """A document of the sample."""

    source: str
    text: str
    weight: int


def shares(version: Version, sample_bytes: int) -> dict[str, Share]:
    """How each source is sampled so that the sample has about `sample_bytes` of UTF-8 text, weights counted. Raises DollmaError where train holds nothing.

    One pass over the texts: once and with its copies, how long is each source?
    """
    once, copied = dict.fromkeys(version.sources, 0), dict.fromkeys(version.sources, 0)
    for batch in texts(version, "train", ("source", "text", "copy")):
        lengths = pc.binary_length(batch["text"])
        first = pc.if_else(pc.equal(batch["copy"], 0), lengths, 0)
        table = (
            pa.table({"source": batch["source"], "all": lengths, "first": first})
            .group_by("source")
            .aggregate([("all", "sum"), ("first", "sum")])
        )
        for row in table.to_pylist():
            if row["source"] not in copied:
                raise DollmaError(
                    f"{version.folder}: rows of a source {row['source']!r} that its manifest does not name; `dollma verify` says what differs"
                )
            copied[row["source"]] += row["all_sum"]
            once[row["source"]] += row["first_sum"]
    total = sum(copied.values())
    if not total:
        raise DollmaError(f"{version.folder}: its train split holds no text to train on")
    budget = min(sample_bytes, total)
    found = {}
    for name, length in once.items():
        if length:
            wanted = budget * copied[name] / total
            found[name] = Share(min(1.0, wanted / length), max(WEIGHT_UNIT, round(WEIGHT_UNIT * wanted / length)))
    return found


@dataclass
class Sample:
    """The documents of a sample, in the version's order, and, once they are read, what they were: bytes and documents by source, and a hash."""

    version: Version
    shares: dict[str, Share]

    def __post_init__(self) -> None:
        self.bytes = dict.fromkeys(self.shares, 0)
        self.documents = dict.fromkeys(self.shares, 0)
        self._hash = hashlib.blake2b(digest_size=16)

    def __iter__(self) -> Iterator[Document]:
        """Read it once. A document is taken when the lower half of its id, which is a hash, falls below its source's rate."""
        for batch in texts(self.version, "train"):
            drawn = id_numbers(batch["id"])[:, 1].astype(np.float64) / 2.0**64
            sources = batch["source"].to_pylist()
            rates = np.array([self.shares[source].rate for source in sources])
            taken = (drawn < rates) & (batch["copy"].to_numpy() == 0)
            for row in np.flatnonzero(taken).tolist():
                source, text = sources[row], batch["text"][row].as_py()
                raw = text.encode("utf-8", "surrogatepass")
                self.bytes[source] += len(raw)
                self.documents[source] += 1
                self._hash.update(f"{batch['id'][row].as_py()} {self.shares[source].weight} {len(raw)}\n".encode())
                self._hash.update(raw)
                yield Document(source, text, self.shares[source].weight)

    def record(self) -> dict[str, Any]:
        """What was read, for the card: by source the documents, their bytes, and what a document counts."""
        return {
            "hash": self._hash.hexdigest(),
            "bytes": sum(self.bytes.values()),
            "documents": sum(self.documents.values()),
            "sources": {
                name: {"documents": self.documents[name], "bytes": self.bytes[name], "weight": share.weight / WEIGHT_UNIT}
                for name, share in self.shares.items()
            },
        }
