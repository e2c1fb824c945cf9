"""Put a version together: shards, ledger, measures, manifest, card and report in one folder, which appears whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import yaml

from curation.audit.report import REPORT
from curation.files import checksum, whole_folder
from curation.fingerprint import canonical
from curation.languages.profile import load_profile
from curation.ledger import VERDICTS, check_conservation
from curation.tables import opened, row_groups
from curation.verdicts import KEPT
from curation.writers.card import data_card
from curation.writers.manifest import MANIFEST, PROFILE
from curation.writers.shards import shard_name
from pipelines.alarms import intrinsic_alarms, relative_alarms
from pipelines.plan import Plan, SourcePlan
from pipelines.reporting import version_report
from pipelines.software import software
from pipelines.stages.extract import Extract
from pipelines.tasks import Task
from pipelines.withdrawn import not_found

CARD = "README.md"
RECIPE = "recipe.yaml"
KINDS = ("exact", "near", "contained")
LANGUAGE = "language"
"""The measure that holds an identifier's label."""


def assemble(plan: Plan, scatters: list[Task], gathers: list[Task], recipe: Path, overrides: tuple[str, ...], target: Path) -> None:
    """Write the version's folder. Large files are linked from the workspace's stages, not copied, and made read-only."""
    with whole_folder(target) as folder:
        for name in ("data", "ledger", "measures"):
            (folder / name).mkdir()
        shards = _place_shards(folder, scatters, gathers)
        for source in plan.sources:
            own = [task for task in scatters if task.source == source.name]
            for number, task in enumerate(own):
                _link(task.folder / "ledger.parquet", folder / "ledger" / f"{source.name}-{number:05d}.parquet")
            for number, task in enumerate(source.measure):
                _link(task.folder / "measures.parquet", folder / "measures" / f"{source.name}-{number:05d}.parquet")
        shutil.copyfile(recipe, folder / RECIPE)
        profile = load_profile(plan.recipe.language).model_dump(mode="json")
        (folder / PROFILE).write_text(yaml.safe_dump(profile, allow_unicode=True, sort_keys=False), encoding="utf-8")
        manifest = _manifest(plan, scatters, shards, overrides)
        manifest["files"] = {str(path.relative_to(folder)): _file(path, shards) for path in sorted(folder.rglob("*")) if path.is_file()}
        (folder / CARD).write_text(data_card(manifest), encoding="utf-8")
        page = version_report(folder, json.loads(json.dumps(canonical(manifest))), target.parents[1] / "stages")
        (folder / REPORT).write_text(page, encoding="utf-8")
        manifest["files"] |= {name: _file(folder / name, {}) for name in (CARD, REPORT)}
        (folder / MANIFEST).write_text(json.dumps(canonical(manifest), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        for path in folder.rglob("*"):
            if path.is_file():
                path.chmod(0o444)


def _place_shards(folder: Path, scatters: list[Task], gathers: list[Task]) -> dict[str, dict[str, int]]:
    """Link the shards under their names: {name: rows, words, bytes of text}."""
    shards = {}
    piles = scatters[0].work.mix.piles()  # type: ignore[attr-defined]
    totals = {split: sum(s == split for s, _ in piles) for split, _ in piles}
    for (split, number), task in zip(piles, gathers, strict=True):
        name = shard_name(split, number, totals[split])
        _link(task.folder / "shard.parquet", folder / "data" / name)
        shards[f"data/{name}"] = task.record()["counts"]
    return shards


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _file(path: Path, shards: dict[str, dict[str, int]]) -> dict[str, Any]:
    counts = shards.get(f"data/{path.name}", {}) if path.parent.name == "data" else {}
    return {"bytes": path.stat().st_size, "sha256": checksum(path), **{k: counts[k] for k in ("rows", "words") if k in counts}}


def _manifest(plan: Plan, scatters: list[Task], shards: dict[str, dict[str, int]], overrides: tuple[str, ...]) -> dict[str, Any]:
    recipe, earlier = plan.recipe, plan.earlier
    sources = {source.name: _source(source, [task for task in scatters if task.source == source.name]) for source in plan.sources}
    totals = {key: sum(source[key] for source in sources.values()) for key in ("read", *VERDICTS, "words", "final_words")}
    splits: dict[str, dict[str, int]] = {}
    for task in scatters:
        for split, counts in task.record()["counts"]["splits"].items():
            sums = splits.setdefault(split, {"documents": 0, "words": 0, "copies": 0, "copied_words": 0})
            for key, value in counts.items():
                sums[key] += value
    for split, sums in splits.items():
        own = [counts for name, counts in shards.items() if name.startswith(f"data/{split}-")]
        sums["shards"] = len(own)
        check_conservation(f"shards of {split}", sum(c["rows"] for c in own), dict.fromkeys(VERDICTS, 0) | {KEPT: sums["copies"]})
    deduplicated = plan.dedup.record()["counts"]
    met = [name for source in plan.sources for name in source.decide.record()["counts"]["withdrawn"]]
    manifest = {
        "format": 2,
        "name": recipe.name,
        "version": plan.version,
        "fingerprint": plan.fingerprint,
        "title": recipe.title,
        "description": recipe.description,
        "language": load_profile(recipe.language).code,
        "licence": recipe.licence,
        "overrides": list(overrides),
        "recipe": recipe.model_dump(
            mode="json", exclude={"engine": True, "language": True, "since": True, "sources": {"__all__": {"paths"}}}
        ),
        "sources": sources,
        "totals": totals,
        "duplicates": {kind: deduplicated[kind] for kind in KINDS if kind in deduplicated},
        "splits": splits,
        "stages": {"dedup": plan.dedup.key} | {stage: _keys(plan, stage) for stage in ("extract", "measure", "sign", "decide")},
        "packages": software([task.work.reader for source in plan.sources for task in source.extract if isinstance(task.work, Extract)]),
        "not_found": not_found(plan.withdrawn, met),
        "since": earlier and {key: earlier[key] for key in ("version", "fingerprint")},
    }
    moved = relative_alarms(earlier, manifest, recipe.alarms) if earlier else []
    return manifest | {"alarms": [*intrinsic_alarms(manifest, recipe.alarms), *moved]}


def _keys(plan: Plan, stage: str) -> dict[str, list[str]]:
    found = {}
    for source in plan.sources:
        tasks = getattr(source, stage)
        found[source.name] = [task.key for task in (tasks if isinstance(tasks, tuple) else (tasks,))]
    return found


def _source(source: SourcePlan, scatters: list[Task]) -> dict[str, Any]:
    records = [task.record()["counts"] for task in scatters]
    verdicts = {name: sum(record["verdicts"][name] for record in records) for name in VERDICTS}
    read = sum(task.record()["counts"]["read"] for task in source.extract)
    check_conservation(f"source {source.name}", read, verdicts)
    splits = [counts for record in records for counts in record["splits"].values()]
    failures: dict[str, int] = {}
    for task in source.extract:
        for reason, count in task.record()["counts"]["failures"].items():
            failures[reason] = failures.get(reason, 0) + count
    return {
        "title": source.source.title or source.name,
        "licence": source.source.licence,
        "origin": source.source.origin,
        "citation": source.source.citation,
        "upsample": next((task.work.mix.upsample for task in scatters), source.source.upsample),  # type: ignore[attr-defined]
        "inputs": [{"name": item.file.name, "bytes": item.file.size, "identity": item.identity} for item in source.inputs],
        "read": read,
        **verdicts,
        "rules": _rules(scatters),
        "thresholds": {rule: threshold for asked in source.filters for rule, _, threshold in asked.thresholds()},
        "languages": _languages(source, scatters),
        "failures": dict(sorted(failures.items())),
        "words": sum(counts["words"] for counts in splits),
        "final_words": sum(counts["copied_words"] for counts in splits),
    }


def _languages(source: SourcePlan, scatters: list[Task]) -> dict[str, int]:
    """Documents kept, by the label that an identifier gave them; none where no filter asks one. Failures, which have no measures, end each ledger."""
    found: Counter[str] = Counter()
    for measured, scattered in zip(source.measure, scatters, strict=True):
        with opened(measured.folder / "measures.parquet") as measures, opened(scattered.folder / "ledger.parquet") as ledger:
            if LANGUAGE in measures.schema_arrow.names:
                labels = measures.read([LANGUAGE])[LANGUAGE]
                kept = pc.equal(ledger.read(["verdict"])["verdict"], KEPT).slice(0, len(labels))
                found.update({item["values"]: item["counts"] for item in pc.value_counts(labels.filter(kept)).to_pylist()})
    return dict(sorted(found.items()))


def _rules(scatters: list[Task]) -> dict[str, int]:
    """Documents by rule that rejected them, whichever stage it was; one that fails several rules counts for each."""
    found: Counter[str] = Counter()
    for task in scatters:
        for batch in row_groups(task.folder / "ledger.parquet", ["rules"]):
            names = pc.struct_field(pc.list_flatten(batch["rules"]), "rule")
            found.update({item["values"]: item["counts"] for item in pc.value_counts(names).to_pylist()})
    return dict(sorted(found.items()))
