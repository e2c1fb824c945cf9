"""A version judged anew with other thresholds: the build's own stages `decide` and `dedup`, and of composing what it counts."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curation.dedup.parameters import Paragraphs
from curation.errors import DollmaError
from curation.ids import id_numbers
from curation.tables import opened, row_groups
from curation.verdicts import DUPLICATE, KEPT, REJECTED
from curation.writers.manifest import MANIFEST, PROFILE
from curation.writers.mixture import TRAIN, copies, splits
from curation.writers.rehydration import weights
from pipelines.audit.catalog import Catalog
from pipelines.audit.judges import filters_of
from pipelines.audit.relation import Part as LedgerPart
from pipelines.audit.texts import stage_file
from pipelines.mixing import kept_by_dedup, mix
from pipelines.ranking import Entry
from pipelines.recipe import Recipe
from pipelines.recipe_file import stored_recipe
from pipelines.repeats import apply_cuts
from pipelines.stages.compose import Mix
from pipelines.stages.decide import Decide, Part, verdicts_name
from pipelines.stages.dedup import Dedup
from pipelines.stages.outcomes import outcomes_name
from pipelines.tasks import RECORD, Task
from pipelines.versions import recipe_folders
from pipelines.withdrawn import RULE, Withdrawn, read_withdrawn

if TYPE_CHECKING:
    from pipelines.audit.whatif import SourceChange

_FILES = {"documents": "extract", "failures": "extract", "measures": "measure", "signatures": "sign"}


def rejudged(catalog: Catalog, thresholds: Mapping[str, float | None]) -> tuple[SourceChange, ...]:
    """What a rebuild with these thresholds would count, by source. Raises DollmaError where the workspace's stages are gone."""
    recipe = stored_recipe(catalog.manifest, catalog.folder / MANIFEST)
    parts = {source: tuple(_part(catalog, held) for held in catalog.database.parts if held.source == source) for source in catalog.sources}
    withdrawn = _withdrawn(catalog, recipe)
    with tempfile.TemporaryDirectory(prefix="dollma-what-if-") as temporary:
        root = Path(temporary)
        decided = {source: _decided(catalog, root, source, parts[source], thresholds, withdrawn) for source in catalog.sources}
        entries = tuple(
            Entry(part, decided[source] / verdicts_name(place), recipe.sources[source].priority)
            for source in catalog.sources
            for place, part in enumerate(parts[source])
        )
        deduplicated = _deduplicated(catalog, root, recipe, entries)
        mixed = mix(recipe, kept_by_dedup(deduplicated.record()["counts"]))
        asked = recipe.mixture
        mixes = {name: Mix(row.factor, mixed.weights, asked.validation, asked.test, asked.seed, ()) for name, row in mixed.rows.items()}
        counts = {source: Counter[str]() for source in catalog.sources}
        for number, (entry, held) in enumerate(zip(entries, catalog.database.parts, strict=True)):
            outcomes = deduplicated.folder / outcomes_name(number)
            counts[held.source].update(_compared(entry, outcomes, held, recipe.dedup.paragraphs, mixes[held.source]))
    return tuple(_change(source, counts[source]) for source in catalog.sources)


def _part(catalog: Catalog, held: LedgerPart) -> Part:
    """The stages' tables of a part."""
    suffix = {"signatures": "arrow"}
    found = {
        name: stage_file(catalog, stage, held.source, held.number, f"{name}.{suffix.get(name, 'parquet')}")
        for name, stage in _FILES.items()
    }
    gone = sorted({_FILES[name] for name, path in found.items() if path is None})
    if gone:
        raise DollmaError(
            f"{catalog.workspace / 'stages'}: the stage {' and '.join(gone)} of source {held.source} is gone: only the estimate can be had; "
            "a build of the recipe makes it again"
        )
    return Part(held.source, **{name: path for name, path in found.items() if path})


def _withdrawn(catalog: Catalog, recipe: Recipe) -> Withdrawn:
    """What a rebuild would take back. Where the recipe stood is known in the workspace that built the version; in another one it is what the version took back."""
    place = recipe_folders(catalog.workspace).get(catalog.manifest["version"])
    if place:
        return read_withdrawn(recipe.withdrawn, Path(place) / "recipe.yaml")
    rows = catalog.select("SELECT DISTINCT id FROM documents WHERE list_contains(list_transform(rules, lambda r: r.rule), ?)", [RULE])
    return Withdrawn(tuple(sorted(document for (document,) in rows)))


def _decided(
    catalog: Catalog,
    root: Path,
    source: str,
    parts: tuple[Part, ...],
    thresholds: Mapping[str, float | None],
    withdrawn: Withdrawn,
) -> Path:
    """The folder of a source's verdicts: the build's own one where no threshold of the source changes."""
    before, after = filters_of(catalog, source), filters_of(catalog, source, thresholds)
    if before == after and (old := stage_file(catalog, "decide", source, 0, RECORD)):
        return old.parent
    columns = {name for part in parts[:1] for name in pq.read_schema(part.measures).names}
    for rule, asked, _ in (told for one in after for told in one.thresholds()):
        if asked.measure not in columns:
            raise DollmaError(f"{rule}: source {source} was never measured for {asked.measure}: build with the rule to see what it does")
    task = Task(root, "decide", source, "0", Decide(parts, after, "reader", withdrawn))
    task.run(_silent)
    return task.folder


def _deduplicated(catalog: Catalog, root: Path, recipe: Recipe, entries: tuple[Entry, ...]) -> Task:
    """Deduplicated anew; pairs of texts that the workspace has compared before are not compared again."""
    asked, profile = recipe.dedup, catalog.folder / PROFILE
    language = str(profile.resolve()) if profile.is_file() else recipe.language
    sizes = recipe.mixture.rehydrate is not None
    work = Dedup(entries, asked.exact, asked.near, asked.contained, asked.paragraphs, asked.survivor, language, recipe.mixture.seed, sizes)
    task = Task(root, "dedup", "", "0", work)
    task.folder.parent.mkdir(parents=True)
    for record in sorted((catalog.workspace / "stages" / "dedup" / "corpus").glob(f"*/{RECORD}")):
        (task.folder.parent / f"earlier-{record.parent.name}").symlink_to(record.parent.resolve())
    task.run(_silent)
    return task


def _silent(**_: int) -> None:
    pass


def _compared(entry: Entry, outcomes: Path, held: LedgerPart, paragraphs: Paragraphs | None, mixture: Mix) -> Counter[str]:
    """What composing a part would count, and what of it is other than in the version's ledger."""
    ledger = pq.read_table(held.ledger, columns=["verdict", "words"], use_threads=False)
    verdicts_before = ledger["verdict"].to_numpy()
    words_before = pc.fill_null(ledger["words"], 0).to_numpy()
    counts: Counter[str] = Counter()
    first = 0
    tables = (row_groups(entry.part.measures, ["id", "words"]), row_groups(entry.verdicts), row_groups(outcomes))
    for group, (measures, judged, found) in enumerate(zip(*tables, strict=True)):
        last = first + measures.num_rows
        words, verdicts = _after_cuts(entry.part, group, paragraphs, measures["words"], judged, found)
        verdict = np.where((verdicts == KEPT) & pc.is_valid(found["survivor"]).to_numpy(zero_copy_only=False), DUPLICATE, verdicts)
        kept, was_kept = verdict == KEPT, verdicts_before[first:last] == KEPT
        copied = words * _copies(measures["id"], found, mixture)
        gained, lost = kept & ~was_kept, was_kept & ~kept
        counts.update(
            gained=int(gained.sum()),
            gained_words=int(words[gained].sum()),
            lost=int(lost.sum()),
            lost_words=int(words_before[first:last][lost].sum()),
            kept_before=int(was_kept.sum()),
            words_before=int(words_before[first:last][was_kept].sum()),
            kept=int(kept.sum()),
            words=int(words[kept].sum()),
            rejected=int((verdict == REJECTED).sum()),
            duplicate=int((verdict == DUPLICATE).sum()),
            final_words=int(copied[kept].sum()),
        )
        first = last
    return counts


def _after_cuts(
    part: Part, group: int, asked: Paragraphs | None, words: pa.Array, judged: pa.RecordBatch, outcomes: pa.RecordBatch
) -> tuple[np.ndarray, np.ndarray]:
    """(words, verdicts) of a batch once pages and paragraphs are cut; texts are read of the documents that lose some alone."""
    counted = words.to_numpy().copy()
    verdicts = judged["verdict"].to_numpy(zero_copy_only=False).copy()
    cutting = asked is not None and asked.action == "cut"
    losing = pc.greater(pc.list_value_length(judged["pages"]), 0)
    if cutting:
        losing = pc.or_(losing, pc.greater(pc.list_value_length(outcomes["repeated"]), 0))
    rows = pc.indices_nonzero(pc.and_(losing, pc.equal(judged["verdict"], KEPT)))
    if not len(rows):
        return counted, verdicts
    with opened(part.documents) as file:
        documents = file.read_row_group(group, use_threads=False).take(rows).combine_chunks().to_batches()[0]
    _, left, then = apply_cuts(asked, documents, words.take(rows), judged.take(rows), outcomes.take(rows))
    counted[rows.to_numpy()] = left.to_numpy()
    verdicts[rows.to_numpy()] = then["verdict"].to_numpy(zero_copy_only=False)
    return counted, verdicts


def _copies(ids: pa.StringArray, outcomes: pa.RecordBatch, mixture: Mix) -> np.ndarray:
    """Times each document would stand in the corpus if it is kept, as the stage `compose` has it."""
    place = splits(pc.fill_null(outcomes["draw"], 1.0).to_numpy(), mixture.validation, mixture.test)
    sizes = pc.fill_null(outcomes["cluster_size"], 1).to_numpy()
    weight = weights(sizes, mixture.weights) if mixture.weights else 1.0
    return np.where(place == TRAIN, copies(id_numbers(ids), mixture.upsample * weight, mixture.seed), 1)


def _change(source: str, counts: Mapping[str, int]) -> Any:
    from pipelines.audit.whatif import SourceChange  # noqa: PLC0415 - which imports this

    names = [name for name in SourceChange.__dataclass_fields__ if name != "source"]
    return SourceChange(source, **{name: counts.get(name, 0) for name in names})
