"""Duplicates among the documents of any files, without a recipe: the same stages as in a build, in a folder that is gone afterwards."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from curation.readers.base import InputFile
from curation.readers.html import HtmlReader
from curation.readers.inputs import find_inputs, reader_for
from curation.readers.plain import TextReader
from curation.tables import row_groups
from curation.verdicts import DUPLICATE, FAILED
from pipelines.engines.local import LocalExecutor
from pipelines.ranking import Entry
from pipelines.recipe import Dedup as Asked
from pipelines.recipe import ProcessorSpec, make_reader
from pipelines.splitting import task_splits
from pipelines.stages.decide import Decide, Part, verdicts_name
from pipelines.stages.dedup import Dedup
from pipelines.stages.extract import Extract
from pipelines.stages.measure import Measure, Sign
from pipelines.stages.outcomes import outcomes_name
from pipelines.tasks import Task
from pipelines.withdrawn import Withdrawn

TASK_BYTES = 64_000_000
"""Input in a task, about."""
WHOLE = (TextReader, HtmlReader)
"""Readers of files that are one document each."""


def find_duplicates(
    paths: list[str], asked: Asked, language: str = "azj_Latn", text_field: str = "text", id_field: str = "id", workers: int | None = None
) -> Iterator[dict[str, Any] | str]:
    """An object for each removal (id, survivor, similarity, kind, and the files of both if there are several), by file and place in it; a string for what
    could not be read. Of two documents the longer survives, then the one whose id hashes lower: neither the order of files nor of lines matters.

    Formats are told from file names; the fields are those of JSONL rows. `language` is the profile whose case folding counts. Tables go to the system's
    folder for temporary files (TMPDIR), about 1.5 times the text. Raises DollmaError for paths that fit no file, or a file of no known format.
    """
    files = sorted({file.path: file for path in paths for file in find_inputs([path])}.values(), key=lambda file: file.path)
    with tempfile.TemporaryDirectory(prefix="dollma-dedup-") as folder:
        root = Path(folder)
        sources = _sources(files)
        extracts = [task for number, held in enumerate(sources) for task in _extracts(root, number, held, text_field, id_field, language)]
        parts = [_part(task) for task in extracts]
        near = asked.near or type(asked).model_fields["near"].default
        measures = [
            Task(root, "measure", p.source, t.key, Measure(p.documents, (), language)) for p, t in zip(parts, extracts, strict=True)
        ]
        signs = [Task(root, "sign", p.source, t.key, Sign(p.documents, near, language)) for p, t in zip(parts, extracts, strict=True)]
        of_source: dict[str, tuple[Part, ...]] = {}
        for part in parts:
            of_source[part.source] = (*of_source.get(part.source, ()), part)
        decides = {source: Task(root, "decide", source, "0", Decide(own, (), "reader", Withdrawn())) for source, own in of_source.items()}
        entries = tuple(
            Entry(part, decides[source].folder / verdicts_name(place), 0)
            for source, own in of_source.items()
            for place, part in enumerate(own)
        )
        work = Dedup(entries, asked.exact, asked.near, asked.contained, None, asked.survivor, language, 0, sizes=False)
        final = Task(root, "dedup", "", "0", work)
        for stage in (extracts, measures + signs, list(decides.values()), [final]):
            LocalExecutor(stage, workers or os.cpu_count() or 1, root / "logs").run()
        yield from _told(entries, final.folder, {_key(number): held for number, held in enumerate(sources)}, len(files) > 1)


class _Source(NamedTuple):
    """Files whose documents share a name space: one of rows, or all those that are one document each."""

    name: str
    files: tuple[InputFile, ...]
    whole: dict[str, str]
    """Path by name, where a file is one document."""


def _sources(files: list[InputFile]) -> list[_Source]:
    """A file of rows is a source of its own, for an id names a document inside its file. Files that are one document each share a source, so that
    thousands of them are a few tasks; of those with the same name below different folders each goes to another."""
    sources: list[_Source] = []
    whole: dict[int, list[InputFile]] = {}
    seen: Counter[str] = Counter()
    for file in files:
        again = seen[file.name]
        seen[file.name] += 1
        if reader_for(file.name) in WHOLE:
            whole.setdefault(again, []).append(file)
        else:
            sources.append(_Source(f"{file.name}{f' ({again + 1})' if again else ''}", (file,), {}))
    return sources + [
        _Source(f"files{f' ({again + 1})' if again else ''}", tuple(held), {file.name: file.path for file in held})
        for again, held in sorted(whole.items())
    ]


def _key(number: int) -> str:
    return f"{number:06d}"


def _extracts(root: Path, number: int, source: _Source, text_field: str, id_field: str, language: str) -> list[Task]:
    fields = {"text_field": text_field, "id_field": id_field}
    readers = {}
    for file in source.files:
        kind = reader_for(file.name)
        readers[file.name] = make_reader(
            ProcessorSpec.model_validate({"name": kind.name} | {k: v for k, v in fields.items() if k in kind.model_fields})
        )
    return [
        Task(root, "extract", _key(number), f"{place:06d}", Extract(source.name, reader, (), splits, language, None))
        for place, (reader, splits) in enumerate(task_splits(list(source.files), readers, TASK_BYTES))
    ]


def _part(extract: Task) -> Part:
    """The tables that the tasks on an extract task's documents make."""
    measure, sign = (extract.root / stage / extract.source / extract.key for stage in ("measure", "sign"))
    documents, failures = (extract.folder / f"{name}.parquet" for name in ("documents", "failures"))
    return Part(extract.source, documents, failures, measure / "measures.parquet", sign / "signatures.arrow")


def _told(entries: tuple[Entry, ...], outcomes: Path, sources: dict[str, _Source], several: bool) -> Iterator[dict[str, Any] | str]:
    """Removals with the names that the input gives its documents; two passes, so that only survivors' names are held."""
    survivors: set[str] = set()
    for number in range(len(entries)):
        for batch in row_groups(outcomes / outcomes_name(number), ["survivor"]):
            survivors.update(batch["survivor"].drop_null().to_pylist())
    names: dict[str, tuple[str, str]] = {}
    for entry in entries:
        for batch in row_groups(entry.part.documents, ["id", "metadata", "locator"]):
            for row in batch.filter(pc.is_in(batch["id"], pa.array(sorted(survivors), pa.string()))).to_pylist():
                names[row["id"]] = _name(sources[entry.part.source], row)
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
                own = _name(sources[entry.part.source], document)
                if verdict["verdict"] == FAILED:
                    yield f"{document['locator']}: {verdict['error']}"
                elif verdict["verdict"] == DUPLICATE:
                    yield _removal(own, own, 1.0, "exact", several)
                elif outcome["survivor"]:
                    yield _removal(own, names[outcome["survivor"]], outcome["similarity"], outcome["kind"], several)


def _name(source: _Source, document: dict[str, Any]) -> tuple[str, str]:
    """(path of the file, id) of a document, as the input names them."""
    named = str(orjson.loads(document["metadata"]).get("id", document["locator"]))
    return source.whole[document["locator"]] if source.whole else source.files[0].path, named


def _removal(own: tuple[str, str], survivor: tuple[str, str], similarity: float, kind: str, several: bool) -> dict[str, Any]:
    said = {"id": own[1], "survivor": survivor[1], "similarity": round(similarity, 6), "kind": kind}
    return said | ({"file": own[0], "survivor_file": survivor[0]} if several else {})
