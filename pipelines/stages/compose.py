"""Stage `compose`: everything to shards. A global shuffle in two passes: `Scatter` sends each copy of each kept document of one part to its shard's pile,
`Gather` sorts one shard's piles and writes it. `Scatter`, which sees all there is to know of its documents, also writes their ledger rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.dedup.parameters import Paragraphs
from curation.errors import ConservationError
from curation.ids import id_numbers, id_strings
from curation.ledger import LEDGER, VERDICTS, check_conservation
from curation.tables import TableWriter, row_groups
from curation.text.buffers import TextBatch
from curation.text.signing import content_hashes
from curation.verdicts import DUPLICATE, FAILED, KEPT
from curation.writers.mixture import TRAIN, copies, places, shard_of, splits
from curation.writers.rehydration import Steps, weights
from curation.writers.shards import SHARD, write_shard
from pipelines.repeats import apply_cuts
from pipelines.stages.decide import Part
from pipelines.tasks import Progress, read_record

VERSION = 5
KEYED = SHARD.append(pa.field("key", pa.uint64(), nullable=False))


@dataclass(frozen=True)
class Mix:
    """What the mixture asks of one source, and how many shards each split has."""

    upsample: float
    weights: Steps
    validation: float
    test: float
    seed: int
    shards: tuple[tuple[str, int], ...]

    def piles(self) -> list[tuple[str, int]]:
        """(split, shard) of every pile, in order."""
        return [(split, number) for split, total in self.shards for number in range(total)]


@dataclass(frozen=True)
class Scatter:
    """One part: its ledger rows, and its kept documents piled by shard."""

    part: Part
    verdicts: Path
    outcomes: Path
    paragraphs: Paragraphs | None
    mix: Mix

    def run(self, folder: Path, progress: Progress) -> dict[str, Any]:
        """Writes `ledger.parquet` and `piles.arrow`; the record says which batches of the latter belong to which pile."""
        counts = dict.fromkeys(VERDICTS, 0)
        splits: dict[str, dict[str, int]] = {s: {"documents": 0, "words": 0, "copies": 0, "copied_words": 0} for s, _ in self.mix.shards}
        piles: list[list[int]] = [[] for _ in self.mix.piles()]
        read = batches = 0
        tables = (
            row_groups(self.part.documents),
            row_groups(self.part.measures, ["id", "words"]),
            row_groups(self.verdicts),
            row_groups(self.outcomes),
        )
        with (
            TableWriter(folder / "ledger.parquet", LEDGER) as ledger,
            pa.OSFile(str(folder / "piles.arrow"), "wb") as file,
            pa.ipc.new_file(file, KEYED) as writer,
        ):
            for stored, measures, judged, outcomes in zip(*tables, strict=True):
                _check_aligned(self.part, stored, measures, judged, outcomes)
                documents, words, verdicts = apply_cuts(self.paragraphs, stored, measures["words"], judged, outcomes)
                rows = _ledger_rows(self.part.source, documents, words, verdicts, outcomes, self.mix)
                ledger.write(rows)
                read += documents.num_rows
                _count(counts, splits, rows)
                for pile, batch in _piles(documents, rows, self.mix):
                    writer.write_batch(batch)
                    piles[pile].append(batches)
                    batches += 1
                progress(documents=documents.num_rows, bytes=documents["text"].nbytes)
            for failures in row_groups(self.part.failures):
                ledger.write(_failed_rows(self.part.source, failures))
                read += failures.num_rows
                counts[FAILED] += failures.num_rows
        check_conservation(f"compose {self.part.source}", read, counts)
        return {"read": read, "verdicts": counts, "splits": splits, "piles": piles}


def _check_aligned(part: Part, *batches: pa.RecordBatch) -> None:
    if not all(batch["id"].equals(batches[0]["id"]) for batch in batches):
        raise ConservationError(
            f"the tables of source {part.source} at {part.documents.parent} are not row for row the same documents; remove the workspace's stages and build again"
        )


def _ledger_rows(
    source: str, documents: pa.RecordBatch, words: pa.Array, verdicts: pa.RecordBatch, outcomes: pa.RecordBatch, mix: Mix
) -> pa.RecordBatch:
    kept_by_rules = pc.equal(verdicts["verdict"], KEPT)
    duplicate = pc.and_(kept_by_rules, pc.is_valid(outcomes["survivor"]))
    repeated = pc.equal(verdicts["verdict"], DUPLICATE)
    verdict = pc.if_else(duplicate, DUPLICATE, verdicts["verdict"])
    kept = pc.equal(verdict, KEPT)
    ids = id_numbers(documents["id"])
    texts = TextBatch(documents["text"])
    place = splits(pc.fill_null(outcomes["draw"], 1.0).to_numpy(), mix.validation, mix.test)
    times = np.where(place == TRAIN, copies(ids, mix.upsample * _weights(outcomes, mix), mix.seed), 1)
    times = np.where(kept.to_numpy(zero_copy_only=False), times, 0).astype(np.int32)
    split = pc.if_else(kept, pa.array(place), None)
    columns = {
        "id": documents["id"],
        "source": pa.array([source] * documents.num_rows, pa.string()),
        "locator": documents["locator"],
        "url": documents["url"],
        "verdict": verdict,
        "rules": verdicts["rules"],
        "survivor": pc.if_else(repeated, documents["id"], outcomes["survivor"]),
        "kind": pc.if_else(repeated, "exact", outcomes["kind"]),
        "similarity": pc.if_else(repeated, 1.0, outcomes["similarity"]),
        "cluster": outcomes["cluster"],
        "error": verdicts["error"],
        "edits": documents["edits"],
        "rejected_pages": _rejected_pages(documents["pages"], verdicts["pages"], kept),
        "text_hash": id_strings(content_hashes(texts.data, texts.offsets)),
        "words": words,
        "repeated_words": outcomes["repeated_words"],
        "cluster_size": outcomes["cluster_size"],
        "split": split,
        "copies": pa.array(times),
    }
    return pa.RecordBatch.from_pydict(columns, schema=LEDGER)


def _rejected_pages(pages: pa.ListArray, failed: pa.ListArray, kept: pa.Array) -> pa.Array:
    """The pages that were cut out of kept books, by their labels."""
    found: list[list[dict[str, Any]]] = [[] for _ in range(len(pages))]
    for row in pc.indices_nonzero(pc.and_(kept, pc.greater(pc.list_value_length(failed), 0))).to_pylist():
        labels = [page["page"] for page in pages[row].as_py() or [{"page": None}]]
        found[row] = [{**page, "page": labels[page.pop("number")]} for page in failed[row].as_py()]
    return pa.array(found, LEDGER.field("rejected_pages").type)


def _weights(outcomes: pa.RecordBatch, mix: Mix) -> np.ndarray | float:
    """What rehydration makes of each document."""
    return weights(pc.fill_null(outcomes["cluster_size"], 1).to_numpy(), mix.weights) if mix.weights else 1.0


def _failed_rows(source: str, failures: pa.RecordBatch) -> pa.RecordBatch:
    n = failures.num_rows
    columns = {field.name: pa.nulls(n, field.type) for field in LEDGER} | {
        "id": failures["id"],
        "source": pa.array([source] * n, pa.string()),
        "locator": failures["locator"],
        "verdict": pa.array([FAILED] * n, pa.string()),
        "rules": pa.array([[]] * n, LEDGER.field("rules").type),
        "error": pc.binary_join_element_wise(failures["reason"], failures["message"], ": "),
        "edits": pa.array([[]] * n, LEDGER.field("edits").type),
        "rejected_pages": pa.array([[]] * n, LEDGER.field("rejected_pages").type),
        "copies": pa.array(np.zeros(n, np.int32)),
    }
    return pa.RecordBatch.from_pydict(columns, schema=LEDGER)


def _count(counts: dict[str, int], splits: dict[str, dict[str, int]], rows: pa.RecordBatch) -> None:
    for name in VERDICTS:
        counts[name] += pc.sum(pc.equal(rows["verdict"], name)).as_py() or 0
    for split, sums in splits.items():
        own = rows.filter(pc.equal(rows["split"], split))
        words, times = own["words"].to_numpy(), own["copies"].to_numpy()
        sums["documents"] += own.num_rows
        sums["words"] += int(words.sum())
        sums["copies"] += int(times.sum())
        sums["copied_words"] += int((words * times).sum())


def _piles(documents: pa.RecordBatch, ledger: pa.RecordBatch, mix: Mix) -> list[tuple[int, pa.RecordBatch]]:
    """(pile, rows) for every pile that gets some; rows in the order of documents, copies of one apart."""
    times = ledger["copies"].to_numpy()
    rows = np.repeat(np.arange(len(times)), times)
    copy = np.arange(len(rows)) - np.repeat(np.cumsum(times) - times, times)
    ids = id_numbers(documents["id"])
    keys = np.empty(len(rows), np.uint64)
    for number in np.unique(copy):
        chosen = copy == number
        keys[chosen] = places(ids[rows[chosen]], int(number), mix.seed)
    split = ledger["split"].to_numpy(zero_copy_only=False)[rows]
    pile = np.zeros(len(rows), np.int64)
    first = 0
    for name, total in mix.shards:
        chosen = split == name
        pile[chosen] = first + shard_of(keys[chosen], max(total, 1))
        first += total
    order = np.argsort(pile, kind="stable")
    ends = np.searchsorted(pile[order], np.arange(first + 1))
    found = []
    for number in range(first):
        chosen = order[ends[number] : ends[number + 1]]
        if len(chosen):
            taken = pa.array(rows[chosen])
            columns = {name: documents[name].take(taken) for name in ("id", "text", "url", "metadata")} | {
                "source": ledger["source"].take(taken),
                "words": ledger["words"].take(taken),
                "copy": pa.array(copy[chosen].astype(np.int32)),
                "key": pa.array(keys[chosen]),
            }
            found.append((number, pa.RecordBatch.from_pydict(columns, schema=KEYED)))
    return found


@dataclass(frozen=True)
class Gather:
    """One shard, from its pile in every part."""

    scattered: tuple[Path, ...]
    pile: int

    def run(self, folder: Path, progress: Progress) -> dict[str, Any]:
        """Writes `shard.parquet`, sorted by the shuffle's key."""
        batches = []
        for path in self.scattered:
            numbers = read_record(path)["counts"]["piles"][self.pile]
            if numbers:
                with pa.OSFile(str(path / "piles.arrow")) as file:
                    reader = pa.ipc.open_file(file)
                    batches += [reader.get_batch(number) for number in numbers]
        table = pa.Table.from_batches(batches, KEYED).combine_chunks()
        del batches
        order = pc.sort_indices(table, [("key", "ascending"), ("id", "ascending"), ("copy", "ascending")])
        table = table.take(order).drop_columns(["key"])
        write_shard(folder / "shard.parquet", table)
        text_bytes = int(pc.sum(pc.binary_length(table["text"])).as_py() or 0)
        progress(documents=table.num_rows, bytes=text_bytes)
        return {"rows": table.num_rows, "words": int(pc.sum(table["words"]).as_py() or 0), "bytes": text_bytes}
