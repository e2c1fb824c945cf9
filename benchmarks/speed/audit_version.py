"""A version of a million documents to look at (`benchmarks.speed.audit_pages`).

Real pages in twelve languages are built once; their rows are repeated under other ids and addresses, measures moved by a few percent, and judged anew by the
same rules, so that tables are those of a real version in all but their variety. Half of the documents are Azerbaijani pages, one in ten a duplicate of one.
Texts and signatures are repeated too (`stages/extract`, `stages/sign`); shards, and what only deduplicating again would read, are left out.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml

from curation.document import DOCUMENTS
from curation.files import checksum
from curation.ids import id_numbers, id_strings
from curation.ledger import LEDGER, VERDICTS
from curation.tables import TableWriter, one_batch
from curation.verdicts import DUPLICATE, KEPT, REJECTED, failed_rules
from curation.writers.manifest import MANIFEST, read_manifest
from pipelines.audit.catalog import Catalog, open_catalog
from pipelines.audit.judges import filters_of

OWN, MIRROR = "az", "mirror"
SHARES = {OWN: 0.5, MIRROR: 0.1}
"""Of the documents; the other languages share the rest."""
PART_ROWS, GROUP_ROWS = 20_000, 2_500
"""Documents in a part and in a row group, as a build of crawled pages writes them (64 MB of input, 8 MB of text)."""
SPREAD = 0.05
"""Standard deviation by which measures are moved, of their value."""


def build_base(pages: Path, folder: Path) -> Path:
    """A version of the real pages."""
    found = sorted((pages / "web_neighbours").glob("cc_pages_*.jsonl.zst"))
    own = str(pages / "web_az" / "cc_pages_az.jsonl.zst")
    sources = {path.name.split("_")[-1].split(".")[0]: {"paths": str(path)} for path in found}
    sources |= {OWN: {"paths": own, "priority": 1}, MIRROR: {"paths": own}}  # type: ignore[dict-item]
    recipe = folder / "recipe.yaml"
    folder.mkdir(parents=True, exist_ok=True)
    recipe.write_text(yaml.safe_dump({"name": "pages", "language": "azj_Latn", "sources": sources}), encoding="utf-8")
    command = [sys.executable, "-m", "pipelines.cli", "build", str(recipe), "-w", str(folder / "workspace"), "--workers", "1"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return next((folder / "workspace" / "versions").glob("pages-*"))


def make_version(base: Path, workspace: Path, documents: int) -> Path:
    """A version of so many documents, from the rows of another; its folder."""
    manifest = read_manifest(base)
    target = workspace / "versions" / f"pages-{documents}"
    for name in ("ledger", "measures"):
        (target / name).mkdir(parents=True, exist_ok=True)
    others = [name for name in manifest["sources"] if name not in SHARES]
    with open_catalog(str(base), base.parent) as catalog:
        for name in manifest["sources"]:
            wanted = round(documents * SHARES.get(name, (1 - sum(SHARES.values())) / len(others)))
            _repeat(catalog, name, wanted, target, workspace, manifest)
    for name in ("recipe.yaml", "profile.yaml", "README.md"):
        (target / name).write_bytes((base / name).read_bytes())
    manifest |= {"version": target.name, "fingerprint": f"{documents:016x}"}
    manifest["totals"] = {key: sum(s[key] for s in manifest["sources"].values()) for key in ("read", *VERDICTS, "words", "final_words")}
    files = [path for path in sorted(target.rglob("*")) if path.is_file() and path.name != MANIFEST]
    manifest["files"] = {str(p.relative_to(target)): {"bytes": p.stat().st_size, "sha256": checksum(p)} for p in files}
    (target / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False), encoding="utf-8")
    return target


def _repeat(catalog: Catalog, source: str, wanted: int, target: Path, workspace: Path, manifest: dict[str, Any]) -> None:
    """Write one source's parts, and put its counts and tasks into the manifest."""
    held, keys = catalog.workspace / "stages", manifest["stages"]
    tables = [
        pa.concat_tables(pq.read_table(catalog.folder / kind / f"{source}-{n:05d}.parquet") for n in range(len(keys["extract"][source])))
        for kind in ("ledger", "measures")
    ]
    texts = pa.concat_tables(pq.read_table(held / "extract" / source / key / "documents.parquet") for key in keys["extract"][source])
    signed = pa.concat_tables(
        pa.ipc.open_file(pa.memory_map(str(held / "sign" / source / key / "signatures.arrow"))).read_all() for key in keys["sign"][source]
    )
    rows = tables[1].num_rows
    ledger, measures = (one_batch(table.slice(0, rows)) for table in tables)
    base = ledger, measures, one_batch(texts), one_batch(signed)
    filters = filters_of(catalog, source)
    counts: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    keys["extract"][source], keys["measure"][source], keys["sign"][source] = [], [], []
    turns = iter(range(10**9))
    for number, first in enumerate(range(0, wanted, PART_ROWS)):
        key = f"{number:016x}"
        for stage in ("extract", "measure", "sign"):
            (workspace / "stages" / stage / source / key).mkdir(parents=True, exist_ok=True)
            (workspace / "stages" / stage / source / key / "task.json").write_text("{}")
            keys[stage][source].append(key)
        name, place = f"{source}-{number:05d}.parquet", workspace / "stages"
        with (
            TableWriter(target / "ledger" / name, LEDGER) as ledgers,
            TableWriter(target / "measures" / name, base[1].schema) as measured,
            TableWriter(place / "extract" / source / key / "documents.parquet", DOCUMENTS, texts=True) as documents,
            pa.OSFile(str(place / "sign" / source / key / "signatures.arrow"), "wb") as file,
            pa.ipc.new_file(file, base[3].schema) as signatures,
        ):
            left = min(PART_ROWS, wanted - first)
            while left > 0:
                made: list[list[pa.RecordBatch]] = []
                while left > 0 and sum(one[0].num_rows for one in made) < GROUP_ROWS:
                    one = _turned([batch.slice(0, min(left, rows)) for batch in base], next(turns), filters)
                    made.append(one)
                    left -= one[0].num_rows
                together = [pa.Table.from_batches(batches) for batches in zip(*made, strict=True)]
                for writer, table in zip((ledgers, measured, documents), together, strict=False):
                    writer.write(one_batch(table))
                signatures.write_batch(one_batch(together[3]))
                for item in pc.value_counts(together[0]["verdict"]).to_pylist():
                    counts[item["values"]] += item["counts"]
                kept = pc.filter(together[0]["words"], pc.equal(together[0]["verdict"], KEPT))
                counts["words"] += pc.sum(kept).as_py() or 0
                named = pc.struct_field(pc.list_flatten(together[0]["rules"]), "rule")
                rules.update({item["values"]: item["counts"] for item in pc.value_counts(named).to_pylist()})
    stated = manifest["sources"][source]
    stated |= {name: counts[name] for name in VERDICTS} | {"read": wanted, "rules": dict(rules), "upsample": 1.0}
    stated |= {"words": counts["words"], "final_words": counts["words"]}


def _turned(base: list[pa.RecordBatch], turn: int, filters: tuple[Any, ...]) -> list[pa.RecordBatch]:
    """Ledger, measures, documents and signatures of one repetition."""
    ledger, measures, documents, signed = base
    generator = np.random.default_rng(turn)
    mask = generator.integers(0, 2**63, 2, np.uint64) if turn else np.zeros(2, np.uint64)
    ids = _masked(ledger["id"], mask)
    measures = _set(measures, {"id": ids} | {f.name: _moved(measures[f.name], generator) for f in measures.schema if _moves(f)})
    failed = failed_rules(measures, filters, "jsonl")
    fails = pc.greater(pc.list_value_length(failed), 0)
    passed = pc.if_else(pc.equal(ledger["verdict"], DUPLICATE), DUPLICATE, KEPT)
    url = pc.binary_join_element_wise(documents["url"], pa.scalar(f"?turn={turn}"), "")
    changes = {
        "id": ids,
        "verdict": pc.if_else(fails, REJECTED, passed),
        "rules": failed,
        "url": url,
        "words": measures["words"],
        "survivor": pc.if_else(fails, None, _masked(ledger["survivor"], mask)),
        "cluster": _masked(ledger["cluster"], mask),
        "copies": pc.if_else(pc.or_(fails, pc.equal(passed, DUPLICATE)), 0, 1).cast(pa.int32()),
    }
    text = pc.binary_join_element_wise(documents["text"], pa.scalar(str(turn)), "\n")
    stored = _set(documents, {"id": ids, "url": url, "text": text})
    hashes = {"id": ids} | {f.name: _stirred(signed[f.name], mask[0]) for f in signed.schema if f.name.startswith("band_")}
    hashes["signature"] = _stirred(signed["signature"], mask[0] & np.uint64(0xFFFFFFFF))
    for name in ("sketch", "paragraphs"):
        empty = pa.array(np.zeros(signed.num_rows + 1, np.int64))
        hashes[name] = pa.LargeListArray.from_arrays(empty, pa.array([], signed.schema.field(name).type.value_type))
    return [_set(ledger, changes), measures, stored, _set(signed, hashes)]


def _set(batch: pa.RecordBatch, columns: dict[str, pa.Array]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([columns.get(f.name, batch[f.name]).cast(f.type) for f in batch.schema], schema=batch.schema)


def _masked(ids: pa.Array, mask: np.ndarray) -> pa.Array:
    held = id_strings(id_numbers(pc.fill_null(ids, "0" * 32)) ^ mask)
    return pc.if_else(pc.is_valid(ids), held, None)


def _stirred(column: pa.Array, mask: np.uint64) -> pa.Array:
    if pa.types.is_uint64(column.type):
        return pa.array(column.to_numpy() ^ mask)
    width = column.type.byte_width
    held = np.frombuffer(column.buffers()[1], np.uint32)[column.offset * width // 4 : (column.offset + len(column)) * width // 4]
    return pa.FixedSizeBinaryArray.from_buffers(
        column.type, len(column), [None, pa.py_buffer(np.ascontiguousarray(held ^ np.uint32(mask)))]
    )


def _moves(field: pa.Field) -> bool:
    return bool(pa.types.is_floating(field.type) or pa.types.is_integer(field.type))


def _moved(column: pa.Array, generator: np.random.Generator) -> pa.Array:
    values = column.to_numpy(zero_copy_only=False).astype(np.float64)
    moved = values * (1 + SPREAD * generator.standard_normal(len(values)))
    if pa.types.is_integer(column.type):
        return pa.array(np.maximum(np.rint(moved), 0).astype(np.int64))
    return pa.array(np.where(values <= 1, np.clip(moved, 0, 1), moved))


def version_of(folder: Path, documents: int, pages: Path) -> Path:
    """The folder of the version, which is made unless it stands there."""
    version = folder / "workspace" / "versions" / f"pages-{documents}"
    if not (version / MANIFEST).is_file():
        base = next((folder / "base" / "workspace" / "versions").glob("pages-*"), None)
        make_version(base or build_base(pages, folder / "base"), folder / "workspace", documents)
    return version
