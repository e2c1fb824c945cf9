"""A version to a token store: planning tasks, running them, checking that nothing went missing, putting the store together."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from curation.errors import ConservationError, DollmaError
from curation.files import remove_folder, remove_temporary
from curation.fingerprint import fingerprint
from curation.tables import opened
from modeling.corpus import SPLITS, Version, open_version
from modeling.tokenizer import tokenizer_fingerprint, vocabulary
from modeling.tokens.encoding import VERSION, Encode, parts
from modeling.tokens.store import FORMAT, Specials, write_store
from pipelines.engines.local import LocalExecutor
from pipelines.locking import locked
from pipelines.progress import Display
from pipelines.tasks import Task

STAGE = "tokens"
TASK_BYTES = 64_000_000
"""Text that a task reads at least, all copies counted, where its shard has as much."""


@dataclass(frozen=True)
class Tokenised:
    """What a run made, or found made."""

    folder: Path
    new: bool


def tokenise(version: Path, tokenizer: Path, workspace: Path, display: Display, workers: int | None = None) -> Tokenised:
    """Encode a version's documents, each once, into `WORKSPACE/tokens/VERSION-TOKENIZER-FINGERPRINT`. What a killed run had encoded is used.

    Raises DollmaError for a version or tokenizer that is damaged, documents gone missing, failed tasks, and a workspace in use.
    """
    corpus, vocab = open_version(version), vocabulary(tokenizer)
    coded = tokenizer_fingerprint(tokenizer)
    name = fingerprint({"format": FORMAT, "encoding": VERSION, "version": corpus.fingerprint, "tokenizer": coded})
    target = workspace / "tokens" / f"{corpus.name}-{tokenizer.resolve().name.removesuffix('.json')}-{name}"
    with locked(workspace):
        remove_temporary(workspace)
        if target.is_dir():
            return Tokenised(target, new=False)
        corpus.check_shards()
        tasks = {split: _plan(corpus, split, tokenizer, coded, workspace / "stages") for split in SPLITS}
        everything = [task for of_split in tasks.values() for task in of_split]
        display.begin(STAGE, len(everything), sum(task.is_done() for task in everything))
        LocalExecutor(everything, workers or os.cpu_count() or 1, workspace / "logs", display.observe).run()
        check(corpus, {split: [task.record()["counts"] for task in of_split] for split, of_split in tasks.items()})
        write_store(
            target,
            {split: parts(split, [task.folder for task in of_split], vocab.size) for split, of_split in tasks.items() if of_split},
            tuple(corpus.sources),
            Specials(vocab.pad, vocab.cls, vocab.sep),
            size=vocab.size,
            fingerprint=name,
            version={"name": corpus.name, "fingerprint": corpus.fingerprint},
            tokenizer={"name": tokenizer.resolve().name, "fingerprint": coded, "size": vocab.size},
        )
        for task in everything:
            remove_folder(task.folder)
    return Tokenised(target, new=True)


def _plan(corpus: Version, split: str, tokenizer: Path, coded: str, stages: Path) -> list[Task]:
    sources = tuple(corpus.sources)
    tasks = []
    for shard in corpus.shards(split):
        content = corpus.manifest["files"][f"data/{shard.name}"]["sha256"]
        for first, last in _groups(shard):
            about = {"encoding": VERSION, "shard": content, "groups": [first, last], "tokenizer": coded, "sources": sources}
            tasks.append(Task(stages, STAGE, split, fingerprint(about), Encode(shard, first, last, tokenizer.resolve(), sources)))
    return tasks


def _groups(shard: Path) -> list[tuple[int, int]]:
    """Runs of row groups (first, last) that hold TASK_BYTES of text each."""
    try:
        with opened(shard) as file:
            text = file.schema_arrow.get_field_index("text")
            sizes = [file.metadata.row_group(n).column(text).total_uncompressed_size for n in range(file.num_row_groups)]
    except (pa.ArrowException, OSError) as error:
        raise DollmaError(
            f"{shard}: not a shard of a version ({type(error).__name__}: {error}); `dollma verify` says what else differs"
        ) from error
    tasks = np.cumsum([0, *sizes])[:-1] // TASK_BYTES
    firsts = [n for n in range(len(sizes)) if not n or tasks[n] != tasks[n - 1]]
    return list(zip(firsts, [*firsts[1:], len(sizes)], strict=True))


def check(corpus: Version, counts: dict[str, list[dict[str, Any]]]) -> None:
    """Rows by split and words of all copies by source must be the manifest's. Raises ConservationError that names the first that are not."""
    for split, of_tasks in counts.items():
        stated = corpus.manifest["splits"].get(split, {}).get("copies", 0)
        if (read := sum(count["rows"] for count in of_tasks)) != stated:
            raise ConservationError(
                f"tokens {split}: {read:,} rows read, the manifest of {corpus.name} says {stated:,}: run `dollma verify`"
            )
    for source, about in corpus.sources.items():
        words = sum(count["final_words"][source] for of_tasks in counts.values() for count in of_tasks)
        if words != about.final_words:
            raise ConservationError(
                f"tokens of {source}: {words:,} words in its rows, the manifest of {corpus.name} says {about.final_words:,}: run `dollma verify`"
            )
