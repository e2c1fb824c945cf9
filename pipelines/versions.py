"""Versions on disk: list them, verify one, explain one document of one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curation.errors import DollmaError, nearest
from curation.files import checksum
from curation.ids import id_numbers
from curation.ledger import LEDGER, VERDICTS
from curation.tables import row_groups
from curation.verdicts import KEPT
from curation.writers.manifest import MANIFEST, read_manifest
from curation.writers.mixture import places, shard_of
from curation.writers.shards import shard_name

RECIPES = "recipes.json"
"""In a workspace, where the recipes of its versions stood."""


def find_version(name: str, workspace: Path) -> Path:
    """A version's folder, by its path, its full name, or the beginning of its name or fingerprint if only one fits."""
    if (Path(name) / MANIFEST).is_file():
        return Path(name)
    known = {folder.name: folder for folder in sorted((workspace / "versions").glob("[!.]*")) if (folder / MANIFEST).is_file()}
    fitting = [folder for key, folder in known.items() if key.startswith(name) or key.rpartition("-")[2].startswith(name)]
    if name in known:
        return known[name]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise DollmaError(f"{name!r} fits several versions: {', '.join(folder.name for folder in fitting)}")
    hint = nearest(name, known) if known else f"there is none yet in {workspace / 'versions'}; `dollma build` makes one"
    raise DollmaError(f"no version {name!r} in {workspace}: {hint}")


def recipe_folders(workspace: Path) -> dict[str, str]:
    """The folder of each version's recipe, as far as the workspace remembers."""
    try:
        folders = json.loads((workspace / RECIPES).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return folders if isinstance(folders, dict) else {}


def versions(workspace: Path) -> list[dict[str, Any]]:
    """The manifests of all versions in a workspace, by name."""
    return [read_manifest(folder) for folder in sorted((workspace / "versions").glob("[!.]*")) if (folder / MANIFEST).is_file()]


def verify(folder: Path) -> Iterator[str]:
    """Everything that is not as the manifest says, a line each: hashes, files too many or missing, rows, words, conservation in the ledger."""
    manifest = read_manifest(folder)
    present = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {MANIFEST}
    for name in sorted(present - set(manifest["files"])):
        yield f"{name}: not in the manifest"
    for name, stated in manifest["files"].items():
        if name not in present:
            yield f"{name}: missing"
        elif (found := checksum(folder / name)) != stated["sha256"]:
            yield f"{name}: SHA-256 is {found}, the manifest says {stated['sha256']}"
        elif "rows" in stated:
            yield from _recount(folder / name, name, stated)
    for source, stated in manifest["sources"].items():
        yield from _recount_ledger(folder, source, stated)


def _recount(path: Path, name: str, stated: dict[str, int]) -> Iterator[str]:
    rows = words = 0
    for batch in row_groups(path, ["text"]):
        rows += batch.num_rows
        words += sum(len(text.split()) for text in batch["text"].to_pylist())
    if (rows, words) != (stated["rows"], stated["words"]):
        yield f"{name}: {rows} rows and {words} words, the manifest says {stated['rows']} and {stated['words']}"


def _recount_ledger(folder: Path, source: str, stated: dict[str, Any]) -> Iterator[str]:
    counts = dict.fromkeys(VERDICTS, 0)
    rows = 0
    for path in _parts(folder, "ledger", source):
        if not path.is_file():
            continue
        for batch in row_groups(path, ["verdict"]):
            rows += batch.num_rows
            for item in pc.value_counts(batch["verdict"]).to_pylist():
                counts[item["values"]] = counts.get(item["values"], 0) + item["counts"]
    for name, count in [("read", rows), *counts.items()]:
        if stated.get(name) != count:
            yield f"ledger of {source}: {count} {name}, the manifest says {stated.get(name)}"


def _parts(folder: Path, table: str, source: str) -> list[Path]:
    prefix = f"{table}/{source}-"
    names = [n for n in read_manifest(folder)["files"] if n.startswith(prefix) and n[len(prefix) :].removesuffix(".parquet").isdigit()]
    return [folder / name for name in sorted(names)]


def explain(folder: Path, document: str) -> list[dict[str, Any]]:
    """One document's life: its ledger rows (several if its id was read several times), measures, and where its copies stand.

    A row's `part` is the number of the extract task that read it. `document` is an id, the beginning of one, or a URL. Raises DollmaError when nothing or too much fits.
    """
    import pyarrow.dataset as ds  # noqa: PLC0415 - half a second, for it looks whether pandas is there

    manifest = read_manifest(folder)
    ledger = ds.dataset([str(folder / n) for n in manifest["files"] if n.startswith("ledger/")], format="parquet")
    wanted = document.lower()
    match = pc.field("url") == document if "://" in document else pc.starts_with(pc.field("id"), wanted)
    rows = ledger.to_table(
        columns=[*(name for name in LEDGER.names if name in ledger.schema.names), "__filename"], filter=match
    ).to_pylist()
    if not rows:
        raise DollmaError(
            f"{manifest['version']} has no document {document!r}: give an id (or the beginning of one) or a URL from its ledger/"
        )
    if len({row["id"] for row in rows}) > 1:
        some = ", ".join(sorted({row["id"] for row in rows})[:5])
        raise DollmaError(f"{document!r} fits {len({row['id'] for row in rows})} documents: {some} …")
    measured: dict[str, Iterator[dict[str, Any]]] = {}
    for row in rows:
        part = Path(row.pop("__filename")).name
        row["part"] = int(part.removesuffix(".parquet").rpartition("-")[2])
        if part not in measured:
            measured[part] = _measures(folder / "measures" / part, row["id"])
        row["measures"] = next(measured[part], {}) if row["words"] is not None else {}
        row["stands_in"] = _stands_in(manifest, row)
    return rows


def _measures(path: Path, document: str) -> Iterator[dict[str, Any]]:
    """The measures of all documents with this id, in the order of the ledger's rows; what could not be read (it has no words) has none."""
    for row in pq.read_table(path, filters=[("id", "=", document)]).to_pylist():
        yield {key: value for key, value in row.items() if key not in ("id", "excluded")}


def _stands_in(manifest: dict[str, Any], row: dict[str, Any]) -> list[str]:
    """The shards that hold the document's copies: they follow from its id and the recipe's seed."""
    if row["verdict"] != KEPT or not row["copies"]:
        return []
    total = manifest["splits"][row["split"]]["shards"]
    number = id_numbers(pa.array([row["id"]]))
    seed = manifest["recipe"]["mixture"]["seed"]
    shards = {int(shard_of(places(number, copy, seed), total)[0]) for copy in range(row["copies"])}
    return [f"data/{shard_name(row['split'], shard, total)}" for shard in sorted(shards)]
