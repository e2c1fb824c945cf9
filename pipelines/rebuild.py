"""Make a version again from what it says of itself, and prove by checksum that it is the same.

The version may come from anyone, so its manifest is checked before it is believed: its name becomes a folder, which is removed again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, Field, ValidationError

from curation.errors import DollmaError
from curation.files import checksum, located, remove_folder, whole_file
from curation.readers.base import InputFile
from curation.readers.inputs import content_identity, find_inputs
from curation.writers.manifest import MANIFEST, PROFILE, read_manifest
from pipelines.assemble import RECIPE
from pipelines.build import run_plan
from pipelines.explanation import printable
from pipelines.locking import locked
from pipelines.plan import INPUTS, Plan, plan_build
from pipelines.progress import Display
from pipelines.recipe import NAME, Recipe
from pipelines.recipe_file import load_recipe
from pipelines.software import PYTHON, installed
from pipelines.versions import recipe_folders

FOLDER = "rebuilds"


class StatedInput(BaseModel):
    """An input of a source, as the manifest has it."""

    name: str
    identity: str


class StatedSource(BaseModel):
    """What a rebuild needs to know of a source."""

    inputs: list[StatedInput]


class StatedFile(BaseModel):
    """What the manifest says of one file."""

    sha256: str


class Stated(BaseModel):
    """The part of a manifest that a rebuild goes by. A version's name that could lead out of the workspace doesn't fit the pattern."""

    version: str = Field(pattern=NAME, max_length=200)
    fingerprint: str
    overrides: tuple[str, ...]
    sources: dict[str, StatedSource]
    stages: dict[str, str | dict[str, list[str]]]
    packages: dict[str, str]
    files: dict[str, StatedFile]


@dataclass(frozen=True)
class Rebuilt:
    """The version made again, and every file that differs, a line each. `folder` is gone where nothing differed, unless it was to be kept."""

    folder: Path
    files: int
    size: int
    differences: tuple[str, ...]


def rebuild(
    version: Path,
    workspace: Path,
    inputs: Path | None,
    display: Display,
    warn: Callable[[str], None],
    workers: int | None = None,
    keep: bool = False,
) -> Rebuilt:
    """Build the version in folder `version` anew in `WORKSPACE/rebuilds/NAME`, from nothing but its recipe, its profile and the inputs, and compare
    every file. A rebuild that was killed goes on where it was; a finished one that was kept starts from nothing.

    Relative paths of the recipe start at `inputs`: by default the folder where the recipe stood when this workspace built the version. `warn` is
    told, before the work begins, what is not as it was when the version was built.
    Raises DollmaError, before any work, for a manifest that is none, and for a recipe, a profile or inputs that are not those of the manifest.
    """
    stated = _stated(version)
    folder = inputs or _remembered(workspace, stated.version)
    place = workspace / FOLDER / stated.version
    recipe = load_recipe(version / RECIPE, (*stated.overrides, f"language={json.dumps(str((version / PROFILE).resolve()))}"), folder)
    if inputs is not None:
        _check_local(recipe, stated)
    with locked(workspace):
        if any((place / "versions").glob("[!.]*")):
            remove_folder(place)
        _check_inputs(recipe, folder, stated, place)
        plan = plan_build(recipe, folder / RECIPE, place)
        for line in (*_other_packages(stated), *_other_keys(plan, stated)):
            warn(printable(line))
        built = run_plan(plan, version / RECIPE, stated.overrides, place, display, workers)
        sizes = [path.stat().st_size for path in built.folder.rglob("*") if path.is_file()]
        differences = tuple(printable(line) for line in _differences(version, stated, built.folder))
        if not (keep or differences):
            remove_folder(place)
    return Rebuilt(built.folder, len(sizes), sum(sizes), differences)


def _stated(version: Path) -> Stated:
    """What the manifest says, once the recipe and the profile beside it are those that it names: a build from others would prove nothing."""
    try:
        stated = Stated.model_validate(read_manifest(version))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise DollmaError(
            f"{version / MANIFEST}: no manifest that a version can be rebuilt from: {printable(where)}: {first['msg']}"
        ) from error
    for name in (RECIPE, PROFILE):
        if name not in stated.files or not (version / name).is_file() or checksum(version / name) != stated.files[name].sha256:
            raise DollmaError(f"{version / name} is missing, or is not the one that the manifest names: take it from an undamaged copy")
    return stated


def _check_local(recipe: Recipe, stated: Stated) -> None:
    """A stranger's recipe must not open addresses: `https://host/${TOKEN}` would tell them what the environment holds."""
    for name, source in recipe.sources.items():
        for path in source.paths:
            if "://" in path:
                raise DollmaError(
                    f"{stated.version}: source {name} reads an address, and a version that this workspace did not build opens none: "
                    f"fetch its files yourself, and build from the recipe with --set 'sources.{name}.paths=...'"
                )


def _remembered(workspace: Path, version: str) -> Path:
    try:
        return Path(recipe_folders(workspace)[version])
    except KeyError:
        raise DollmaError(
            f"{workspace} does not know where the recipe of {version} stood: name the folder that its paths start from with --inputs"
        ) from None


def _check_inputs(recipe: Recipe, folder: Path, stated: Stated, place: Path) -> None:
    """Hash every input anew, and leave the hashes to the plan. Raises DollmaError that lists all that are missing, changed or more than the manifest's."""
    cache: dict[str, str] = {}
    other = list(_other_inputs(recipe, folder, stated, cache))
    if other:
        lines = "\n".join(f"  {printable(line)}" for line in other)
        raise DollmaError(f"{stated.version} was made from other inputs than there are in {folder}:\n{lines}")
    with whole_file(place / INPUTS) as temporary:
        temporary.write_text(json.dumps(cache), encoding="utf-8")


def _other_inputs(recipe: Recipe, folder: Path, stated: Stated, cache: dict[str, str]) -> Iterator[str]:
    for source in sorted(recipe.sources.keys() | stated.sources.keys()):
        known = {item.name: item.identity for item in stated.sources[source].inputs} if source in stated.sources else {}
        paths = recipe.sources[source].paths if source in recipe.sources else ()
        found = {file.name: file for path in paths for file in _files(located(path, folder))}
        for name in sorted(known.keys() | found.keys()):
            if name not in found:
                yield f"source {source}: {name} is missing"
            elif name not in known:
                yield f"source {source}: {name} is no input of this version"
            elif known[name] != (identity := content_identity(found[name], cache)):
                yield f"source {source}: {name} has other content: {identity}, the manifest says {known[name]}"


def _files(path: str) -> list[InputFile]:
    """The files of a path, none where it names none: which those were is known from the manifest, and told with all else that differs."""
    try:
        return find_inputs([path])
    except DollmaError:
        return []


def _other_packages(stated: Stated) -> Iterator[str]:
    for name, before in stated.packages.items():
        found = before if name == PYTHON else installed(name) or "not installed"
        if found != before:
            yield f"package {name}: {found} here, {before} when the version was built"


def _other_keys(plan: Plan, stated: Stated) -> Iterator[str]:
    """Where the plan's tasks are not those of the version. Recipe, profile and inputs are: it is the code, or a file that a filter or the recipe reads."""
    ours: dict[str, dict[str, list[str]]] = {
        "extract": {source.name: [task.key for task in source.extract] for source in plan.sources},
        "measure": {source.name: [task.key for task in source.measure] for source in plan.sources},
        "sign": {source.name: [task.key for task in source.sign] for source in plan.sources},
        "decide": {source.name: [source.decide.key] for source in plan.sources},
    }
    other = []
    for stage, keys in ours.items():
        before = stated.stages.get(stage)
        other += [f"{stage} of source {name}" for name in keys if not isinstance(before, dict) or keys[name] != before.get(name)]
    if not other and plan.dedup.key != stated.stages.get("dedup"):
        other = ["dedup"]
    yield from (f"stage {stage} is not what it was when the version was built" for stage in other)
    if plan.fingerprint != stated.fingerprint:
        reason = "for that reason" if other else "what differs is how it is composed, or the version that `since` names"
        yield f"the fingerprint is {plan.fingerprint}, the manifest says {stated.fingerprint}: {reason}"


def _differences(version: Path, stated: Stated, other: Path) -> Iterator[str]:
    """Files that are not, byte for byte, those that the manifest of `version` states."""
    found = read_manifest(other)["files"]
    for name in sorted(stated.files.keys() | found.keys()):
        if name not in found:
            yield f"{name}: not made again"
        elif name not in stated.files:
            yield f"{name}: no file of the version"
        elif stated.files[name].sha256 != (sha := checksum(other / name)):
            yield f"{name}: SHA-256 is {sha}, the manifest says {stated.files[name].sha256}{_rows(version / name, other / name)}"
    if (version / MANIFEST).read_bytes() != (other / MANIFEST).read_bytes():
        yield f"{MANIFEST}: differs"


def _rows(one: Path, other: Path) -> str:
    """Do the tables differ in their rows, or only in how they are written?"""
    if one.suffix != ".parquet" or not one.is_file():
        return ""
    try:
        before = pq.read_table(one)
    except (OSError, pa.ArrowException) as error:
        return f"; the version's own file can't be read: {error}"
    return "; the rows are the same" if before.equals(pq.read_table(other)) else "; the rows differ"
