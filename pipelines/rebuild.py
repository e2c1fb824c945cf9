"""Make a version again from what it says of itself, and prove by checksum that it is the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from curation.errors import DollmaError
from curation.files import checksum
from pipelines.assemble import MANIFEST, PROFILE, RECIPE
from pipelines.build import locked, recipe_folders, run_plan
from pipelines.plan import Plan, plan_build
from pipelines.progress import Display
from pipelines.recipe_file import load_recipe
from pipelines.versions import read_manifest

FOLDER = "rebuilds"


@dataclass(frozen=True)
class Rebuilt:
    """The version made again, what was noticed before the work, and every file that differs, a line each."""

    folder: Path
    files: int
    size: int
    warnings: tuple[str, ...]
    differences: tuple[str, ...]


def rebuild(version: Path, workspace: Path, inputs: Path | None, display: Display, workers: int | None = None) -> Rebuilt:
    """Build the version in folder `version` anew in `WORKSPACE/rebuilds/NAME`, from nothing but its recipe, its profile and the inputs, and compare
    every file. A rebuild that was killed goes on where it was.

    Relative paths of the recipe start at `inputs`: by default the folder where the recipe stood when this workspace built the version.
    Raises DollmaError, before any work, for inputs that are not those of the manifest.
    """
    manifest = read_manifest(version)
    folder = inputs or _remembered(workspace, manifest["version"])
    place = workspace / FOLDER / manifest["version"]
    overrides = tuple(manifest["overrides"])
    recipe = load_recipe(version / RECIPE, (*overrides, f"language={(version / PROFILE).resolve()}"), folder)
    with locked(place):
        plan = plan_build(recipe, folder / RECIPE, place)
        if other := list(_other_inputs(plan, manifest)):
            raise DollmaError(
                f"{manifest['version']} was made from other inputs than there are in {folder}:\n" + "\n".join(f"  {line}" for line in other)
            )
        warnings = (*_other_packages(manifest), *_other_keys(plan, manifest))
        built = run_plan(plan, version / RECIPE, overrides, place, display, workers)
    files = read_manifest(built.folder)["files"]
    return Rebuilt(
        built.folder, len(files) + 1, sum(f["bytes"] for f in files.values()), warnings, tuple(_differences(version, built.folder))
    )


def _remembered(workspace: Path, version: str) -> Path:
    try:
        return Path(recipe_folders(workspace)[version])
    except KeyError:
        raise DollmaError(
            f"{workspace} does not know where the recipe of {version} stood: name the folder that its paths start from with --inputs"
        ) from None


def _other_inputs(plan: Plan, manifest: dict[str, Any]) -> Iterator[str]:
    """Inputs that are missing, changed or more than the manifest's."""
    for source in plan.sources:
        stated = {item["name"]: item["identity"] for item in manifest["sources"].get(source.name, {"inputs": []})["inputs"]}
        found = {item.file.name: item.identity for item in source.inputs}
        for name in sorted(stated.keys() | found.keys()):
            if name not in found:
                yield f"source {source.name}: {name} is missing"
            elif name not in stated:
                yield f"source {source.name}: {name} is no input of this version"
            elif stated[name] != found[name]:
                yield f"source {source.name}: {name} has other content: {found[name]}, the manifest says {stated[name]}"


def _other_packages(manifest: dict[str, Any]) -> Iterator[str]:
    for name, stated in manifest["packages"].items():
        try:
            found = package_version(name) if name != "python" else stated
        except PackageNotFoundError:
            found = "not installed"
        if found != stated:
            yield f"package {name}: {found} here, {stated} when the version was built"


def _other_keys(plan: Plan, manifest: dict[str, Any]) -> Iterator[str]:
    """Where the plan's tasks are not those of the version: the code that makes them has changed."""
    for stage in ("extract", "measure", "sign", "decide"):
        for source in plan.sources:
            tasks = getattr(source, stage)
            keys = [task.key for task in (tasks if isinstance(tasks, tuple) else (tasks,))]
            if keys != manifest["stages"][stage].get(source.name):
                yield f"stage {stage} of source {source.name} is not what it was when the version was built"
    if plan.fingerprint != manifest["fingerprint"]:
        yield f"the fingerprint is {plan.fingerprint}, the manifest says {manifest['fingerprint']}: this code makes another version of the same inputs"


def _differences(version: Path, other: Path) -> Iterator[str]:
    """Files that are not, byte for byte, those that the manifest of `version` states."""
    stated, found = read_manifest(version)["files"], read_manifest(other)["files"]
    for name in sorted(stated.keys() | found.keys()):
        if name not in found:
            yield f"{name}: not made again"
        elif name not in stated:
            yield f"{name}: no file of the version"
        elif stated[name]["sha256"] != (sha := checksum(other / name)):
            yield f"{name}: SHA-256 is {sha}, the manifest says {stated[name]['sha256']}{_rows(version / name, other / name)}"
    if (version / MANIFEST).read_bytes() != (other / MANIFEST).read_bytes():
        yield f"{MANIFEST}: differs"


def _rows(one: Path, other: Path) -> str:
    """Do the tables differ in their rows, or only in how they are written?"""
    if one.suffix != ".parquet" or not one.is_file():
        return ""
    return "; the rows are the same" if pq.read_table(one).equals(pq.read_table(other)) else "; the rows differ"
