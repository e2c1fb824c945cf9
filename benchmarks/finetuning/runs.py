"""The runs of a comparison, in the order of the protocol: learning rates tried, one chosen on validation, seeds, and only then the test split.

Each run is a folder that is whole or absent, under a name that holds the fingerprint of all it depends on: what was killed goes on, and what was run is never run again.
`run.json` tells what was run and how validation went, `validation.jsonl` and `test.jsonl` hold what was predicted for each item. The best weights are kept until the test
split has been told apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import process_time
from typing import NamedTuple

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from benchmarks.finetuning.classifier import identity, positions
from benchmarks.finetuning.stored import RUN, TEST, VALIDATION, WEIGHTS, best_evaluation, collapsed, damaged, write_answers, write_facts
from benchmarks.finetuning.tasks import SPLITS, Fault, Item, Task, file_of, named, read
from benchmarks.finetuning.texts import Encoded, Encoder
from benchmarks.finetuning.training import Labelled, Protocol, Start, best_rate, merit, predict, restored, train
from curation.files import alone, checksum, remove_temporary, whole_file, whole_folder
from curation.fingerprint import fingerprint
from modeling.adaptation.start import model_name

PRETRAINED, SCRATCH = "pretrained", "scratch"
USED = "used_ids"
"""Among the weights, the ids whose rows of the embedding they hold."""
Tell = Callable[[str], None]


class Comparison(NamedTuple):
    """What is asked: a model's folder on a task, from each of the `ways` that it can start, over `seeds` seeds from 1, on `limit` rows or all."""

    model: Path
    task: str
    data: Path
    ways: tuple[str, ...]
    seeds: int
    limit: int | None = None
    protocol: Protocol = Protocol()

    @property
    def name(self) -> str:
        """What people call the model."""
        return model_name(self.model.resolve())


class Rows(NamedTuple):
    """A split as it is used: its items, what was left out of the file, and the items' ids."""

    items: tuple[Item, ...]
    faults: tuple[Fault, ...]
    texts: Encoded

    @property
    def labelled(self) -> Labelled:
        """What a model is trained on."""
        return Labelled(self.texts, np.array([item.label for item in self.items], np.int64))


class Done(NamedTuple):
    """The folders of runs from one start: of each rate that was tried, ascending, at seed 1; of the chosen rate, by seed; and of rates that were left again."""

    grid: tuple[Path, ...]
    rate: float
    seeds: tuple[Path, ...]
    left: tuple[Path, ...]


class Finished(NamedTuple):
    """All of it, by way; and the splits."""

    done: dict[str, Done]
    splits: dict[str, Rows]


def run(asked: Comparison, out: Path, tell: Tell) -> Finished:
    """Make the runs that are not there yet, in OUT/runs. Raises DollmaError for a model, data or a run that can't be read, and where another process is at it."""
    task, encoder = named(asked.task), Encoder(asked.model, positions(asked.model))
    checksums = {split: checksum(file_of(task, asked.data, split)) for split in SPLITS}
    with _claimed(out):
        # ---- rates, and seeds of the best one: on the training and the validation split
        splits = {
            "train": _rows(asked, encoder, "train", asked.limit),
            "validation": _rows(asked, encoder, "validation", asked.protocol.validation),
        }
        done = {way: _trained(asked, way, encoder, splits, checksums, out / "runs", tell) for way in asked.ways}

        # ---- the test split, which nothing has read so far
        splits["test"] = _rows(asked, encoder, "test", None)
        for way, runs in done.items():
            for folder in runs.seeds:
                _test(folder, _start(asked, way), encoder, splits["test"], task, tell)
            for folder in {*runs.grid, *runs.seeds, *runs.left}:
                (folder / WEIGHTS).unlink(missing_ok=True)
    return Finished(done, splits)


def _rows(asked: Comparison, encoder: Encoder, split: str, limit: int | None) -> Rows:
    found = read(named(asked.task), asked.data, split)
    items = found.items[:limit]
    return Rows(items, found.faults, encoder([item.text for item in items]))


def _start(asked: Comparison, way: str) -> Start:
    return Start(asked.model, way == PRETRAINED, len(named(asked.task).labels))


def _trained(
    asked: Comparison, way: str, encoder: Encoder, splits: dict[str, Rows], checksums: dict[str, str], runs: Path, tell: Tell
) -> Done:
    """Rates at seed 1, and all seeds at the one that is best on validation (of equal ones the lowest).

    Where a seed gives one answer to all of validation, the rate was too high: the best of the lower ones takes its place. BERT-small from scratch, at the rate that was
    the best of three by 9 points at seed 1, collapsed at two of five seeds; a model that is compared with such a mean looks better than it is.
    """
    start, rows, held_out = _start(asked, way), splits["train"], splits["validation"]
    task, protocol = named(asked.task), asked.protocol
    whole = {
        "task": asked.task,
        "data": checksums,
        "model": identity(asked.model, start.pretrained),
        "places": encoder.places,
        "rows": len(rows.items),
        "protocol": protocol.model_dump(mode="json", exclude={"rates"}),
    }

    def trained(rate: float, seed: int, scored: bool) -> Path:
        name = f"{asked.task}-{asked.name}-{way}-{len(rows.items)}-lr{rate:g}-seed{seed}"
        folder = runs / f"{name}-{fingerprint({**whole, 'way': way, 'rate': rate, 'seed': seed})}"
        if (folder / RUN).exists() and (not scored or (folder / TEST).exists() or (folder / WEIGHTS).exists()):
            return folder
        began = process_time()
        found = train(start, encoder.vocabulary, rows.labelled, held_out.labelled, task.metric, protocol, rate, seed)
        spent = process_time() - began
        facts = {
            **whole,
            "name": asked.name,
            "way": way,
            "rate": rate,
            "seed": seed,
            "best": found.best,
            "history": [one._asdict() for one in found.history],
            "cpu_seconds": round(spent, 1),
            "threads": torch.get_num_threads(),
        }
        with whole_folder(folder) as temporary:
            save_file({**found.weights, USED: torch.from_numpy(found.used)}, temporary / WEIGHTS)
            write_answers(temporary / VALIDATION, held_out.items, found.logits, task)
            write_facts(temporary, facts)
        best = found.history[found.best]
        tell(
            f"{name}: validation accuracy {best.accuracy:.1%}, macro-F1 {best.macro_f1:.1%}, loss {best.loss:.3f}; {spent:.0f} s of CPU time"
        )
        return folder

    grid: dict[float, Path] = {}
    merits: dict[float, tuple[float, float]] = {}
    while (rate := protocol.next_rate(merits)) is not None:
        grid[rate] = trained(rate, 1, scored=False)
        merits[rate] = merit(best_evaluation(grid[rate]), task.metric)
    left: list[Path] = []
    while True:
        best = best_rate(merits)
        seeds = tuple(trained(best, seed, scored=True) for seed in range(1, asked.seeds + 1))
        if best == min(merits) or not any(collapsed(folder, VALIDATION, task) for folder in seeds):
            return Done(tuple(grid[rate] for rate in sorted(grid)), best, seeds, tuple(left))
        left += seeds
        merits = {rate: found for rate, found in merits.items() if rate < best}


def _test(folder: Path, start: Start, encoder: Encoder, rows: Rows, task: Task, tell: Tell) -> None:
    if (folder / TEST).exists():
        return
    began = process_time()
    try:
        weights = load_file(folder / WEIGHTS)
        model = restored(start, weights, weights.pop(USED).numpy())
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        raise damaged(folder, WEIGHTS, error) from error
    logits = predict(model, rows.texts.ids, encoder.vocabulary.pad)
    with whole_file(folder / TEST) as temporary:
        write_answers(temporary, rows.items, logits, task)
    tell(f"{folder.name}: test split told apart in {process_time() - began:.0f} s of CPU time")


@contextmanager
def _claimed(out: Path) -> Iterator[None]:
    """Within, OUT is this process's alone; what a killed one left half-written is cleared away."""
    with alone(out, "another process writes there; wait for it, or give another --out"):
        remove_temporary(out)
        yield
