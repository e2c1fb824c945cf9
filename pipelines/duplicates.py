"""Duplicates among the documents of any files, without a recipe: the same stages as in a build, in a folder that is gone afterwards."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from curation.readers.base import InputFile
from curation.readers.inputs import find_inputs, reader_for
from curation.tables import row_groups
from curation.verdicts import DUPLICATE, FAILED
from pipelines.engines.local import LocalExecutor
from pipelines.ranking import Entry
from pipelines.recipe import Dedup as Asked
from pipelines.recipe import ProcessorSpec, make_reader
from pipelines.stages.decide import Decide, Part, verdicts_name
from pipelines.stages.dedup import Dedup
from pipelines.stages.extract import Extract
from pipelines.stages.measure import Measure, Sign
from pipelines.stages.outcomes import outcomes_name
from pipelines.tasks import Task
from pipelines.withdrawn import Withdrawn

TASK_BYTES = 64_000_000
"""Input in a task, about."""


def find_duplicates(
    paths: list[str], asked: Asked, language: str = "azj_Latn", text_field: str = "text", id_field: str = "id", workers: int | None = None
) -> Iterator[dict[str, Any] | str]:
    """An object for each removal (id, survivor, similarity, kind, and the files of both if there are several), by file and place in it; a string for what
    could not be read. Of two documents the longer survives, then the one whose id hashes lower: neither the order of files nor of lines matters.

    Formats are told from file names; the fields are those of JSONL rows. `language` is the profile whose case folding counts. Tables go to the system's
    folder for temporary files (TMPDIR), about 1.5 times the text. Raises DollmaError for paths that fit no file, or a file of no known format.
    """
    files = find_inputs(paths)
    with tempfile.TemporaryDirectory(prefix="dollma-dedup-") as folder:
        root = Path(folder)
        extracts = [task for number, file in enumerate(files) for task in _extracts(root, number, file, text_field, id_field, language)]
        parts = [_part(task) for task in extracts]
        near = asked.near or type(asked).model_fields["near"].default
        measures = [
            Task(root, "measure", p.source, t.key, Measure(p.documents, (), language)) for p, t in zip(parts, extracts, strict=True)
        ]
        signs = [Task(root, "sign", p.source, t.key, Sign(p.documents, near, language)) for p, t in zip(parts, extracts, strict=True)]
        sources = sorted({part.source for part in parts})
        of_source = {source: tuple(part for part in parts if part.source == source) for source in sources}
        decides = {source: Task(root, "decide", source, "0", Decide(of_source[source], (), "reader", Withdrawn())) for source in sources}
        entries = tuple(
            Entry(part, decides[source].folder / verdicts_name(place), 0)
            for source in sources
            for place, part in enumerate(of_source[source])
        )
        work = Dedup(entries, asked.exact, asked.near, asked.contained, None, asked.survivor, language, 0, sizes=False)
        final = Task(root, "dedup", "", "0", work)
        for stage in (extracts, measures + signs, list(decides.values()), [final]):
            LocalExecutor(stage, workers or os.cpu_count() or 1, root / "logs").run()
        yield from _told(entries, final.folder, {f"{number:06d}": file.name for number, file in enumerate(files)})


def _extracts(root: Path, number: int, file: InputFile, text_field: str, id_field: str, language: str) -> list[Task]:
    """One task a split. Every file is a source of its own: an id names a document inside its file."""
    kind = reader_for(file.name)
    fields = {"text_field": text_field, "id_field": id_field}
    reader = make_reader(ProcessorSpec.model_validate({"name": kind.name} | {k: v for k, v in fields.items() if k in kind.model_fields}))
    return [
        Task(root, "extract", f"{number:06d}", f"{place:06d}", Extract(file.name, reader, (), (split,), language))
        for place, split in enumerate(reader.splits(file, TASK_BYTES))
    ]


def _part(extract: Task) -> Part:
    """The tables that the tasks on an extract task's documents make."""
    measure, sign = (extract.root / stage / extract.source / extract.key for stage in ("measure", "sign"))
    documents, failures = (extract.folder / f"{name}.parquet" for name in ("documents", "failures"))
    return Part(extract.source, documents, failures, measure / "measures.parquet", sign / "signatures.arrow")


def _told(entries: tuple[Entry, ...], outcomes: Path, files: dict[str, str]) -> Iterator[dict[str, Any] | str]:
    """Removals with the names that the input gives its documents; two passes, so that only survivors' names are held."""
    survivors = {
        survivor
        for number in range(len(entries))
        for batch in row_groups(outcomes / outcomes_name(number), ["survivor"])
        for survivor in set(batch["survivor"].to_pylist())
    } - {None}
    names: dict[str, tuple[str, str]] = {}
    for entry in entries:
        for batch in row_groups(entry.part.documents, ["id", "metadata", "locator"]):
            for document, metadata, locator in zip(*(batch[name].to_pylist() for name in ("id", "metadata", "locator")), strict=True):
                if document in survivors:
                    names[document] = (files[entry.part.source], _name(metadata, locator))
    for number, entry in enumerate(entries):
        for failures in row_groups(entry.part.failures):
            yield from (f"{row['locator']}: {row['reason']}: {row['message']}" for row in failures.to_pylist())
        tables = (
            row_groups(entry.part.documents, ["metadata", "locator"]),
            row_groups(entry.verdicts, ["verdict", "error"]),
            row_groups(outcomes / outcomes_name(number), ["survivor", "kind", "similarity"]),
        )
        for documents, verdicts, found in zip(*tables, strict=True):
            for document, verdict, outcome in zip(documents.to_pylist(), verdicts.to_pylist(), found.to_pylist(), strict=True):
                own = (files[entry.part.source], _name(document["metadata"], document["locator"]))
                if verdict["verdict"] == FAILED:
                    yield f"{document['locator']}: {verdict['error']}"
                elif verdict["verdict"] == DUPLICATE:
                    yield _removal(own, own, 1.0, "exact", len(files) > 1)
                elif outcome["survivor"]:
                    yield _removal(own, names[outcome["survivor"]], outcome["similarity"], outcome["kind"], len(files) > 1)


def _name(metadata: str, locator: str) -> str:
    return str(orjson.loads(metadata).get("id", locator))


def _removal(own: tuple[str, str], survivor: tuple[str, str], similarity: float, kind: str, several: bool) -> dict[str, Any]:
    said = {"id": own[1], "survivor": survivor[1], "similarity": round(similarity, 6), "kind": kind}
    return said | ({"file": own[0], "survivor_file": survivor[0]} if several else {})
