"""The build: runs a plan stage by stage, checks that no document went missing, and puts the version together."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from curation.errors import DollmaError
from curation.files import remove_folder, remove_temporary, whole_file
from curation.ledger import check_conservation
from curation.verdicts import FAILED
from curation.writers.mixture import TEST, TRAIN, VALIDATION
from curation.writers.parameters import Mixture
from pipelines.assemble import assemble
from pipelines.engines.local import LocalExecutor
from pipelines.locking import locked
from pipelines.mixing import Mixed, kept_by_dedup, mix
from pipelines.plan import Plan, plan_build, plan_gather, plan_scatter
from pipelines.progress import Display
from pipelines.recipe_file import load_recipe
from pipelines.stages.compose import Mix
from pipelines.tasks import Task
from pipelines.versions import RECIPES, recipe_folders


@dataclass(frozen=True)
class Built:
    """What a build made, or found made."""

    name: str
    folder: Path
    new: bool


def build(recipe_path: Path, workspace: Path, display: Display, workers: int | None = None, overrides: Sequence[str] = ()) -> Built:
    """Build the recipe's version in the workspace. What an earlier build did is used; what a killed one half did is cleared away.

    Raises DollmaError for a mistake in the recipe or its inputs, for failed tasks, and for a workspace in use.
    """
    recipe = load_recipe(recipe_path, overrides)
    with locked(workspace):
        plan = plan_build(recipe, recipe_path, workspace)
        built = run_plan(plan, recipe_path, tuple(overrides), workspace, display, workers)
        _remember(workspace, built.name, recipe_path.resolve().parent)
        return built


def run_plan(
    plan: Plan, recipe_path: Path, overrides: tuple[str, ...], workspace: Path, display: Display, workers: int | None = None
) -> Built:
    """Run what is not done of a plan, and put the version together. The workspace must be `locked`."""
    target = workspace / "versions" / plan.version
    remove_temporary(workspace)
    if target.is_dir():
        _remove_copies(workspace)
        return Built(plan.version, target, new=False)
    run = _Runner(workspace, workers or plan.recipe.engine.workers or os.cpu_count() or 1, display)
    run("extract", [task for source in plan.sources for task in source.extract])
    _check_failures(plan)
    run("measure", [task for source in plan.sources for task in (*source.measure, *source.sign)])
    run("decide", [source.decide for source in plan.sources])
    _check_decided(plan)
    run("dedup", [plan.dedup])
    scatters, gathers = _compose(plan, workspace / "stages", run)
    assemble(plan, scatters, gathers, recipe_path, overrides, target)
    _remove_copies(workspace)
    return Built(plan.version, target, new=True)


def _remember(workspace: Path, version: str, folder: Path) -> None:
    """Where the recipe stood, for `rebuild`. This is the workspace's memory, and no part of the version: a version knows no path of a machine."""
    with whole_file(workspace / RECIPES) as temporary:
        temporary.write_text(json.dumps(recipe_folders(workspace) | {version: str(folder)}, indent=0, sort_keys=True), encoding="utf-8")


def _remove_copies(workspace: Path) -> None:
    """The texts of a finished version stand in its shards; what composing it wrote on the way would hold them twice."""
    for stage in ("scatter", "gather"):
        remove_folder(workspace / "stages" / stage)


@dataclass(frozen=True)
class _Runner:
    workspace: Path
    workers: int
    display: Display

    def __call__(self, stage: str, tasks: list[Task]) -> None:
        self.display.begin(stage, len(tasks), sum(task.is_done() for task in tasks))
        LocalExecutor(tasks, self.workers, self.workspace / "logs", self.display.observe).run()


def _check_failures(plan: Plan) -> None:
    limit = plan.recipe.engine.max_failure_share
    for source in plan.sources:
        records = [task.record()["counts"] for task in source.extract]
        failed, read = sum(r["failed"] for r in records), sum(r["read"] for r in records)
        if read and failed / read > limit:
            reasons: dict[str, int] = {}
            for record in records:
                for reason, count in record["failures"].items():
                    reasons[reason] = reasons.get(reason, 0) + count
            told = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items(), key=lambda item: -item[1]))
            raise DollmaError(
                f"source {source.name}: {failed} of {read} documents failed ({told}), more than engine.max_failure_share={limit}. "
                f"See {source.extract[0].folder / 'failures.parquet'}; mend the reader's parameters, or raise the limit"
            )


def _check_decided(plan: Plan) -> None:
    """What extract wrote is what measure, sign and decide saw: a filter that loses documents is caught here at the latest."""
    for source in plan.sources:
        for extracted, *rest in zip(source.extract, source.measure, source.sign, strict=True):
            documents = extracted.record()["counts"]["documents"]
            for task in rest:
                seen = task.record()["counts"]["documents"]
                if seen != documents:
                    raise DollmaError(f"{task.label}: {documents} documents extracted, {seen} seen")
        counts = [task.record()["counts"] for task in source.extract]
        verdicts = dict(source.decide.record()["counts"]["verdicts"])
        verdicts[FAILED] += sum(c["failed"] for c in counts)
        check_conservation(f"decide {source.name}", sum(c["read"] for c in counts), verdicts)


def _compose(plan: Plan, stages: Path, run: _Runner) -> tuple[list[Task], list[Task]]:
    mixture = plan.recipe.mixture
    counts = plan.dedup.record()["counts"]
    mixed = mix(plan.recipe, kept_by_dedup(counts))
    shards = _shards(plan.recipe.mixture, mixed, {name: kept["bytes"] for name, kept in counts["kept"].items()})
    mixes = {
        name: Mix(row.factor, mixed.weights, mixture.validation, mixture.test, mixture.seed, shards) for name, row in mixed.rows.items()
    }
    scatters = plan_scatter(plan, mixes, stages)
    run("scatter", scatters)
    gathers = plan_gather(scatters, sum(total for _, total in shards), stages)
    run("gather", gathers)
    return scatters, gathers


def _shards(mixture: Mixture, mixed: Mixed, kept_bytes: dict[str, int]) -> tuple[tuple[str, int], ...]:
    """How many shards each split needs for the text that deduplication left, up-sampled."""
    train = sum(kept_bytes[name] * row.weight * row.factor for name, row in mixed.rows.items()) * (1 - mixture.held_out)
    whole, held_out = sum(kept_bytes.values()), ((VALIDATION, mixture.validation), (TEST, mixture.test))
    return (
        (TRAIN, max(1, ceil(train / mixture.shard_bytes))),
        *((split, max(1, ceil(whole * share / mixture.shard_bytes)) if share else 0) for split, share in held_out),
    )
