"""One model on one task: learning rates tried, one chosen on validation, seeds; and, when all are trained, the test split.

Each run is a folder that is whole or absent, under a name that holds the fingerprint of all it depends on: what was killed goes on, and what was run is never run again.
`run.json` tells what was run and how validation went, `validation.jsonl` and `test.jsonl` hold what was predicted for each item. The best weights are kept until the test
split has been told apart.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from benchmarks.finetuning.encoder import identity
from benchmarks.finetuning.kinds import kind_of
from benchmarks.finetuning.pieces import Encoded, Tokens
from benchmarks.finetuning.protocol import Protocol, best_rate
from benchmarks.finetuning.sets import Part, Sets
from benchmarks.finetuning.stored import (
    RUN,
    TEST,
    VALIDATION,
    WEIGHTS,
    best_evaluation,
    course,
    damaged,
    losses_of,
    plain,
    write_answers,
    write_facts,
)
from benchmarks.finetuning.training import Data, Learnt, Start, merit, predict, restored, train
from benchmarks.scoring.answers import read_answers
from benchmarks.scoring.collapse import collapsed
from curation.files import whole_file, whole_folder
from curation.fingerprint import fingerprint
from modeling.adaptation.start import model_name

TUNED, FRESH = "fine-tuned", "fresh weights"
USED = "used_ids"
"""Among the weights, the ids whose rows of the embedding they hold."""
Tell = Callable[[str], None]


class Left(NamedTuple):
    """A rate that was left for a lower one: its runs, and why."""

    rate: float
    runs: tuple[Path, ...]
    why: str


class Done(NamedTuple):
    """The folders of runs from one start: of each rate that was tried, ascending, at seed 1; of the chosen rate, by seed; and of rates that were left again.

    `collapsed` says why runs at the chosen rate are taken for collapsed ones, where no rate did better.
    """

    grid: dict[float, Path]
    rate: float
    seeds: tuple[Path, ...]
    left: tuple[Left, ...]
    collapsed: str | None


class Entrant(NamedTuple):
    """A model's folder on a task, from its weights or from fresh ones, over so many seeds from 1, its runs standing in `runs`."""

    sets: Sets
    folder: Path
    way: str
    tokens: Tokens
    seeds: int
    protocol: Protocol
    runs: Path

    @property
    def name(self) -> str:
        """What people call the model."""
        return model_name(self.folder.resolve())

    @property
    def start(self) -> Start:
        """What a run starts from."""
        return Start(self.folder, self.way == TUNED)

    @property
    def learnt(self) -> Learnt:
        """What it learns."""
        return Learnt(self.sets.task.kind, self.sets.task.labels, self.sets.task.metric)

    @property
    def depends(self) -> dict[str, Any]:
        """All that its runs depend on, but rates and seeds."""
        return {
            "task": {"name": self.sets.task.name, "protocol": self.sets.task.protocol, "labels": list(self.sets.task.labels)},
            "data": self.sets.hashes,
            "model": identity(*self.start),
            "way": self.way,
            "places": self.tokens.places,
            "rows": len(self.sets.train.items),
            "protocol": self.protocol.model_dump(mode="json", exclude={"rates"}),
        }


def dashed(text: str) -> str:
    """A name as a part of a file's."""
    return re.sub(r"[^\w.]+", "-", text)


def tuned(one: Entrant, rows: Encoded, validation: Part, held_out: Encoded, tell: Tell) -> Done:
    """Rates at seed 1, and all seeds at the one that is best on validation (of equal ones the lowest).

    Where a seed collapses on validation, the rate was too high: the next lower one at which seed 1 does not takes its place. BERT-small from scratch, at the rate that
    was the best of three by 9 points at seed 1, collapsed at two of five seeds; a model that is compared with such a mean looks better than it is. Where no lower rate
    does better, the one with the fewest collapsed seeds is kept, and told to be collapsed.
    """
    grid: dict[float, Path] = {}
    merits: dict[float, tuple[float, float]] = {}
    whole = one.depends
    held = Data(validation.items, held_out)

    def trained(rate: float, seed: int, scored: bool) -> Path:
        return _trained(one, whole, rows, held, rate, seed, scored, tell)

    while (rate := one.protocol.next_rate(merits)) is not None:
        grid[rate] = trained(rate, 1, scored=False)
        merits[rate] = merit(best_evaluation(grid[rate]))

    known = one.sets.labels(one.sets.train)
    tried: list[tuple[float, tuple[Path, ...], list[str]]] = []
    lower = sorted((rate for rate in one.protocol.rates if rate <= best_rate(merits)), reverse=True)
    for number, rate in enumerate(lower):
        grid.setdefault(rate, trained(rate, 1, scored=False))
        if number and _why(one, grid[rate], known):
            continue
        seeds = tuple(trained(rate, seed, scored=True) for seed in range(1, one.seeds + 1))
        tried.append((rate, seeds, [why for folder in seeds if (why := _why(one, folder, known))]))
        if not tried[-1][2]:
            break
    chosen = min(tried, key=lambda of: len(of[2]))
    left = tuple(Left(rate, seeds, _told(whys, seeds)) for rate, seeds, whys in tried if rate != chosen[0])
    return Done(dict(sorted(grid.items())), chosen[0], chosen[1], left, _told(chosen[2], chosen[1]) if chosen[2] else None)


def _told(whys: list[str], seeds: tuple[Path, ...]) -> str:
    return f"{len(whys)} of {len(seeds)} seeds: {whys[0]}"


def _why(one: Entrant, folder: Path, known: list[Any]) -> str | None:
    """Why a run is taken for a collapsed one, on validation."""
    answers = read_answers(folder / VALIDATION)
    return collapsed(answers.labels, answers.predicted, known, losses_of(folder), one.sets.names, one.sets.task.metric)


def _trained(one: Entrant, whole: dict[str, Any], rows: Encoded, held_out: Data, rate: float, seed: int, scored: bool, tell: Tell) -> Path:
    """The folder of a run, which is made unless it is there; with weights in it where it is to be `scored` and was not."""
    name = f"{one.sets.task.name}-{dashed(one.name)}-{dashed(one.way)}-{whole['rows']}-lr{rate:g}-seed{seed}"
    folder = one.runs / f"{name}-{fingerprint({**whole, 'rate': rate, 'seed': seed})}"
    if (folder / RUN).exists() and (not scored or (folder / TEST).exists() or (folder / WEIGHTS).exists()):
        return folder
    began = process_time()
    found = train(one.start, one.learnt, one.tokens.vocabulary.pad, rows, held_out, one.protocol, rate, seed)
    spent = process_time() - began
    facts = {
        **whole,
        "name": one.name,
        "rate": rate,
        "seed": seed,
        "best": found.best,
        "history": [[plain(value) for value in evaluation] for evaluation in found.history],
        "steps": len(found.losses),
        "losses": course(found.losses),
        "cpu_seconds": round(spent, 1),
        "threads": torch.get_num_threads(),
    }
    with whole_folder(folder) as temporary:
        save_file({**found.weights, USED: torch.from_numpy(found.used)}, temporary / WEIGHTS)
        write_answers(temporary / VALIDATION, held_out.items, found.answers)
        write_facts(temporary, facts)
    best = found.history[found.best]
    tell(f"{name}: validation {one.sets.task.metric} {best.score:.1%}, loss {best.loss:.3f}; {spent:.0f} s of CPU time")
    return folder


def answer(one: Entrant, done: Done, test: Part, encoded: Encoded, tell: Tell) -> None:
    """Answer the test split with the chosen runs that have not, and let go of all weights."""
    for seed, folder in enumerate(done.seeds, 1):
        if not (folder / TEST).exists():
            began = process_time()
            try:
                weights = load_file(folder / WEIGHTS)
                model = restored(one.start, one.learnt, weights, weights.pop(USED).numpy(), seed)
            except (OSError, SafetensorError, KeyError, RuntimeError) as error:
                raise damaged(folder, WEIGHTS, error) from error
            outputs, _ = predict(model, one.learnt.kind, encoded.examples, one.tokens.vocabulary.pad)
            answers = kind_of(one.learnt.kind).answers(test.items, encoded.examples, outputs, one.learnt.names)
            with whole_file(folder / TEST) as temporary:
                write_answers(temporary, test.items, answers)
            tell(f"{folder.name}: test split told apart in {process_time() - began:.0f} s of CPU time")
    for folder in {*done.grid.values(), *done.seeds, *(folder for left in done.left for folder in left.runs)}:
        (folder / WEIGHTS).unlink(missing_ok=True)
