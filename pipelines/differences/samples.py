"""Some documents of every change, to be looked at: the same ones each time, whatever else is compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curation.errors import DollmaError
from curation.ids import id_numbers
from curation.tables import opened
from curation.verdicts import KEPT, REJECTED
from curation.writers.mixture import draws, places, shard_of
from curation.writers.shards import shard_name
from pipelines.alarms import base_rule
from pipelines.differences.documents import CHANGED, COPIES, MOVED, REMOVED, Caused
from pipelines.differences.side import RULES, Side, ledger_files
from pipelines.explanation import printable

SEED = 20240917
"""Seed of the choice. Any number does; another one chooses other documents."""
EXCERPT = 300
"""Characters of a text that are shown."""
LEAD = 40
"""Characters shown before the first difference of a changed text."""
SHOWN = ("id", "source", "url", "locator", "verdict", "rules", "survivor", "kind", "similarity", "error", "split", "copies")


@dataclass(frozen=True)
class Version:
    """A version's folder, manifest, and documents."""

    folder: Path
    manifest: dict[str, Any]
    side: Side


@dataclass(frozen=True)
class Chosen:
    """The documents chosen for one group, as rows of both sides; -1 where the side never read the document."""

    change: str
    cause: str | None
    detail: str | None
    rows: tuple[np.ndarray, np.ndarray]


def samples(
    a: Version, b: Version, changed: dict[str, tuple[np.ndarray, np.ndarray]], caused: Iterable[Caused], n: int
) -> list[dict[str, Any]]:
    """Up to `n` documents of each group, with what both ledgers say of them and how their texts begin (of changed ones: where they begin to differ)."""
    if not n:
        return []
    chosen = [_choose(name, None, None, a.side, changed[name], n) for name in (CHANGED, MOVED, COPIES)]
    chosen += [group for one in caused for group in _by_cause(one, n)]
    told = [_ledger_rows(version, [group.rows[number] for group in chosen]) for number, version in enumerate((a, b))]
    texts = [_texts(version, rows.values()) for version, rows in zip((a, b), told, strict=True)]
    return [
        _sample(group, [told[0].get(left), told[1].get(right)], texts)
        for group in chosen
        for left, right in zip(*(rows.tolist() for rows in group.rows), strict=True)
    ]


def _choose(change: str, cause: str | None, detail: str | None, side: Side, rows: tuple[np.ndarray, np.ndarray], n: int) -> Chosen:
    """Those with the least hashes of their ids; `side` is the one that `rows[0]` counts in."""
    drawn = draws(side.id[rows[0]], SEED)
    least = np.argpartition(drawn, n - 1)[:n] if len(drawn) > n else np.arange(len(drawn))
    least = least[np.argsort(drawn[least], kind="stable")]
    return Chosen(change, cause, detail, (rows[0][least], rows[1][least]))


def _by_cause(caused: Caused, n: int) -> Iterator[Chosen]:
    """One group for each cause and detail; of rejected documents one for each rule, whatever its reason."""
    groups: dict[tuple[str, str | None], list[int]] = {}
    for number, (_, cause, detail) in enumerate(caused.causes):
        names = {base_rule(rule) for rule in (detail or "").split(RULES)} if cause == REJECTED else {detail}
        for name in names:
            groups.setdefault((cause, name), []).append(number)
    for (cause, detail), numbers in sorted(groups.items(), key=lambda item: (item[0][0], item[0][1] or "")):
        wanted = np.zeros(len(caused.causes), dtype=bool)
        wanted[numbers] = True
        members = np.flatnonzero(wanted[caused.group])
        found = _choose(caused.change, cause, detail, caused.side, (caused.rows[members], caused.other_rows[members]), n)
        own, others = found.rows
        yield Chosen(found.change, cause, detail, (own, others) if caused.change == REMOVED else (others, own))


def _ledger_rows(version: Version, rows: list[np.ndarray]) -> dict[int, dict[str, Any]]:
    """The ledger's rows behind rows of the side, by the latter."""
    wanted = np.unique(np.concatenate([*rows, np.zeros(0, np.int64)]).astype(np.int64))
    wanted = wanted[wanted >= 0]
    stands = version.side.row[wanted]
    order = np.argsort(stands)
    wanted, stands = wanted[order], stands[order]
    found: dict[int, dict[str, Any]] = {}
    first = 0
    for path in ledger_files(version.folder, version.manifest):
        with opened(path) as file:
            for number in range(file.num_row_groups):
                last = first + file.metadata.row_group(number).num_rows
                low, high = np.searchsorted(stands, (first, last))
                if low < high:
                    table = file.read_row_group(number, columns=list(SHOWN), use_threads=False)
                    found |= zip(wanted[low:high].tolist(), table.take(pa.array(stands[low:high] - first)).to_pylist(), strict=True)
                first = last
    return found


def _texts(version: Version, rows: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Texts by id, of those of the rows that stand in shards. One row group of texts is in memory at a time."""
    splits, seed = version.manifest["splits"], version.manifest["recipe"]["mixture"]["seed"]
    by_shard: dict[str, list[str]] = {}
    for row in rows:
        if row["verdict"] == KEPT and row["copies"]:
            total = splits[row["split"]]["shards"]
            key = places(id_numbers(pa.array([row["id"]])), 0, seed)
            by_shard.setdefault(shard_name(row["split"], int(shard_of(key, total)[0]), total), []).append(row["id"])
    texts: dict[str, str] = {}
    for name, ids in sorted(by_shard.items()):
        path = version.folder / "data" / name
        if not path.is_file():
            raise DollmaError(f"{path}: missing: `dollma verify {version.folder}` says what else is; `--samples 0` needs no texts")
        wanted = pa.array(ids)
        with opened(path) as file:
            for number in range(file.num_row_groups):
                places_of = np.flatnonzero(pc.is_in(_column(file, number, "id"), wanted).to_numpy(zero_copy_only=False))
                if len(places_of):
                    taken = file.read_row_group(number, columns=["id", "text"], use_threads=False).take(pa.array(places_of))
                    texts |= zip(taken["id"].to_pylist(), taken["text"].to_pylist(), strict=True)
    return texts


def _column(file: pq.ParquetFile, number: int, name: str) -> pa.Array:
    return file.read_row_group(number, columns=[name], use_threads=False)[name].combine_chunks()


def _sample(group: Chosen, rows: list[dict[str, Any] | None], texts: list[dict[str, str]]) -> dict[str, Any]:
    one = rows[1] or rows[0]
    assert one is not None  # noqa: S101 - a document stands in one version at least
    begun = [text.get(one["id"]) for text in texts]
    first = 0
    if group.change == CHANGED and begun[0] is not None and begun[1] is not None:
        first = max(0, _parting(begun[0], begun[1]) - LEAD)
    what = {"change": group.change, "cause": group.cause, "detail": group.detail}
    document = {name: None if one[name] is None else printable(one[name]) for name in ("id", "source", "url", "locator")}
    return what | document | {name: _fate(row, text, first) for name, row, text in zip("ab", rows, begun, strict=True)}


def _parting(one: str, other: str) -> int:
    """Where two texts begin to differ."""
    return next((place for place, (x, y) in enumerate(zip(one, other, strict=False)) if x != y), min(len(one), len(other)))


def _fate(row: dict[str, Any] | None, text: str | None, first: int) -> dict[str, Any] | None:
    """What one version made of the document; None where it never read it."""
    if row is None:
        return None
    fate = {name: row[name] for name in ("verdict", "rules", "survivor", "kind", "similarity", "split", "copies")}
    return fate | {
        "error": None if row["error"] is None else printable(row["error"]),
        "text": None if text is None else excerpt(text, first),
    }


def excerpt(text: str, first: int = 0) -> str:
    """A piece of a text from character `first` on, on one line, without control characters."""
    piece = " ".join(text[first : first + EXCERPT].split())
    return printable(("… " if first else "") + piece + (" …" if len(text) > first + EXCERPT else ""))
