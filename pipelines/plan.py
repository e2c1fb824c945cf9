"""From a recipe to tasks: inputs are found and cut into splits, and every result gets its name, the fingerprint of all it depends on."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from curation.errors import DollmaError
from curation.files import whole_file
from curation.filters.base import Filter
from curation.filters.choice import make_filters
from curation.fingerprint import fingerprint
from curation.formatters.base import Formatter
from curation.languages.profile import Profile, load_profile
from curation.readers.base import InputFile, Reader, Split
from curation.readers.inputs import content_identity, find_inputs, gathered, reader_for
from pipelines.ranking import Entry, check_preferences
from pipelines.recipe import Recipe, Source, make_formatters, make_reader
from pipelines.recipe_file import resolve
from pipelines.since import earlier_manifest
from pipelines.splitting import task_splits
from pipelines.stages import compose, decide, dedup, extract, measure
from pipelines.stages.decide import Decide, Part, verdicts_name
from pipelines.stages.dedup import Dedup
from pipelines.stages.extract import Extract
from pipelines.stages.measure import Measure, Sign
from pipelines.stages.outcomes import outcomes_name
from pipelines.tasks import Task
from pipelines.withdrawn import Withdrawn, read_withdrawn

INPUTS, PAGES = "inputs.json", "pages"


@dataclass(frozen=True)
class Input:
    """A file of a source, and what identifies its content."""

    file: InputFile
    identity: str


@dataclass(frozen=True)
class SourcePlan:
    """One source's tasks up to its verdicts; `extract`, `measure` and `sign` have one task a part."""

    name: str
    source: Source
    inputs: tuple[Input, ...]
    filters: tuple[Filter, ...]
    extract: tuple[Task, ...]
    measure: tuple[Task, ...]
    sign: tuple[Task, ...]
    parts: tuple[Part, ...]
    decide: Task


@dataclass(frozen=True)
class Plan:
    """All tasks that are known before any has run, and the version they lead to."""

    recipe: Recipe
    sources: tuple[SourcePlan, ...]
    dedup: Task
    withdrawn: Withdrawn
    earlier: dict[str, Any] | None
    fingerprint: str

    @property
    def version(self) -> str:
        """Name of the version."""
        return f"{self.recipe.name}-{self.fingerprint[:8]}"


def plan_build(recipe: Recipe, recipe_path: Path, workspace: Path) -> Plan:
    """The plan of a build. Reads the inputs once to hash them; a cache in the workspace remembers the hashes of unchanged files."""
    stages = workspace / "stages"
    profile = load_profile(recipe.language)
    cache = _read_cache(workspace / INPUTS)
    withdrawn, earlier = read_withdrawn(recipe.withdrawn, recipe_path), earlier_manifest(recipe, recipe_path)
    sources = tuple(_plan_source(name, recipe, recipe_path, stages, profile, cache, withdrawn) for name in sorted(recipe.sources))
    _write_cache(workspace / INPUTS, cache)
    deduplication = _plan_dedup(recipe, sources, stages, profile)
    identity = {
        "versions": [compose.VERSION],
        "dedup": deduplication.key,
        "decide": {plan.name: plan.decide.key for plan in sources},
        "mixture": recipe.mixture,
        "card": recipe.model_dump(mode="json", include={"name", "title", "description", "licence"}) | {"language": profile.code},
        "alarms": [recipe.alarms, earlier and earlier["fingerprint"]],
        "sources": {
            p.name: p.source.model_dump(mode="json", include={"title", "licence", "origin", "citation", "upsample", "domain"})
            for p in sources
        },
    }
    return Plan(recipe, sources, deduplication, withdrawn, earlier, fingerprint(identity))


def _plan_source(
    name: str, recipe: Recipe, recipe_path: Path, stages: Path, profile: Profile, cache: dict[str, str], withdrawn: Withdrawn
) -> SourcePlan:
    source = recipe.sources[name]
    try:
        files = find_inputs([resolve(path, recipe_path) for path in source.paths])
        inputs = tuple(Input(file, content_identity(file, cache)) for file in files)
        readers = {file.name: make_reader(source.reader) if source.reader else reader_for(file.name)() for file in files}
    except DollmaError as error:
        raise DollmaError(f"{recipe_path}: sources.{name}: {error}") from error
    formatters = tuple(make_formatters(recipe, source))
    defaults = profile.thresholds()
    filters = tuple(make_filters(defaults, recipe.filters, source.filters, folder=recipe_path.parent))
    check_preferences(recipe.dedup.survivor, name, {"bytes", "words", *(measure for asked in filters for measure in asked.measures)})
    together = gathered(files, readers)
    identities = {item.file.name: item.identity for item in inputs}
    identities |= {
        file.name: fingerprint([[part.name, identities[part.name]] for part in file.parts]) for file, _ in together if file.parts
    }
    extracts = tuple(
        _extract_task(name, reader, formatters, splits, identities, stages, recipe.language)
        for reader, splits in task_splits([f for f, _ in together], {f.name: reader for f, reader in together}, recipe.engine.task_bytes)
    )
    language = recipe.language
    facts = {"profile": profile.measuring(), "unicode": unicodedata.unidata_version}
    measuring = {"version": measure.VERSION, "filters": [asked.measuring() for asked in filters], **facts}
    near = recipe.dedup.near or type(recipe.dedup).model_fields["near"].default
    signing = {"version": measure.VERSION, "near": near.signature_identity(), "fold": profile.fold, "unicode": unicodedata.unidata_version}
    measures, signs, parts = [], [], []
    for task in extracts:
        documents = task.folder / "documents.parquet"
        measures.append(
            Task(stages, "measure", name, fingerprint({"extract": task.key, **measuring}), Measure(documents, filters, language))
        )
        signs.append(Task(stages, "sign", name, fingerprint({"extract": task.key, **signing}), Sign(documents, near, language)))
        parts.append(
            Part(
                name,
                documents,
                task.folder / "failures.parquet",
                measures[-1].folder / "measures.parquet",
                signs[-1].folder / "signatures.arrow",
            )
        )
    deciding = {
        "version": decide.VERSION,
        "measures": [task.key for task in measures],
        "signatures": [task.key for task in signs],
        "thresholds": [[rule, threshold] for asked in filters for rule, _, threshold in asked.thresholds()],
        "withdrawn": asdict(withdrawn),
    }
    reader_name = "+".join(sorted({reader.name for reader in readers.values()}))
    decided = Task(
        stages, "decide", name, fingerprint(deciding | {"reader": reader_name}), Decide(tuple(parts), filters, reader_name, withdrawn)
    )
    return SourcePlan(name, source, inputs, filters, extracts, tuple(measures), tuple(signs), tuple(parts), decided)


def _extract_task(
    name: str,
    reader: Reader,
    formatters: tuple[Formatter, ...],
    splits: tuple[Split, ...],
    identities: dict[str, str],
    stages: Path,
    language: str,
) -> Task:
    facts = sorted({fact for formatter in formatters for fact in formatter.facts})
    identity: dict[str, Any] = {
        "version": extract.VERSION,
        "source": name,
        "reader": reader.identity(),
        "formatters": [formatter.identity() for formatter in formatters],
        "profile": load_profile(language).model_dump(mode="json", include=set(facts)),
        "splits": [[split.file.name, identities[split.file.name], split.start, split.stop] for split in splits],
    }
    return Task(stages, "extract", name, fingerprint(identity), Extract(name, reader, formatters, splits, language, stages.parent / PAGES))


def _plan_dedup(recipe: Recipe, sources: tuple[SourcePlan, ...], stages: Path, profile: Profile) -> Task:
    entries = tuple(
        Entry(part, plan.decide.folder / verdicts_name(number), plan.source.priority)
        for plan in sources
        for number, part in enumerate(plan.parts)
    )
    asked, seed, sizes = recipe.dedup, recipe.mixture.seed, recipe.mixture.rehydrate is not None
    identity = {
        "version": dedup.VERSION,
        "decide": [[plan.name, plan.decide.key, plan.source.priority] for plan in sources],
        "dedup": asked,
        "fold": profile.fold,
        "draws": seed,
        "sizes": sizes,
    }
    work = Dedup(entries, asked.exact, asked.near, asked.contained, asked.paragraphs, asked.survivor, recipe.language, seed, sizes)
    return Task(stages, "dedup", "", fingerprint(identity), work)


def plan_scatter(plan: Plan, mixes: dict[str, compose.Mix], stages: Path) -> list[Task]:
    """One scatter task a part, in the order of the dedup task's outcomes. `mixes` by source."""
    tasks = []
    number = 0
    for source in plan.sources:
        mix = mixes[source.name]
        for place, part in enumerate(source.parts):
            identity = {
                "version": compose.VERSION,
                "extract": source.extract[place].key,
                "decide": source.decide.key,
                "part": place,
                "dedup": plan.dedup.key,
                "mix": asdict(mix),
            }
            outcomes = plan.dedup.folder / outcomes_name(number)
            work = compose.Scatter(part, source.decide.folder / verdicts_name(place), outcomes, plan.recipe.dedup.paragraphs, mix)
            tasks.append(Task(stages, "scatter", source.name, fingerprint(identity), work))
            number += 1
    return tasks


def plan_gather(scatters: list[Task], piles: int, stages: Path) -> list[Task]:
    """One gather task a shard."""
    folders = tuple(task.folder for task in scatters)
    keys = [task.key for task in scatters]
    return [
        Task(stages, "gather", "", fingerprint({"version": compose.VERSION, "scatter": keys, "pile": n}), compose.Gather(folders, n))
        for n in range(piles)
    ]


def _read_cache(path: Path) -> dict[str, str]:
    try:
        cache = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return cache if isinstance(cache, dict) else {}


def _write_cache(path: Path, cache: dict[str, str]) -> None:
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(cache, indent=0, sort_keys=True), encoding="utf-8")
