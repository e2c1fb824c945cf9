"""Decoders on tasks: predictions and cells like those of models that are fine-tuned, one run each, for there is nothing to draw.

The answer is the choice that the decoder holds for likeliest after the question. Scores and intervals are ours, from the predictions; lm-eval's own stand in `run.json`.
"""

from __future__ import annotations

from pathlib import Path
from time import process_time
from typing import Any, NamedTuple

import numpy as np

from benchmarks.classical.rows import classical_cells
from benchmarks.contamination import path_of
from benchmarks.decoders.harness import put, software
from benchmarks.decoders.prompts import DOCUMENTS, documents, prompt, shown
from benchmarks.decoders.scorer import Scorer, check, opened
from benchmarks.finetuning.cells import CONTAMINATION, rows_of, write_cell
from benchmarks.finetuning.encoder import corpus_of
from benchmarks.finetuning.runs import RUNS
from benchmarks.finetuning.sets import Part, Sets
from benchmarks.finetuning.stored import RUN, TEST, facts_of, write_answers, write_facts
from benchmarks.finetuning.tuning import Tell, dashed
from benchmarks.scoring.answers import read_answers
from benchmarks.scoring.collapse import collapsed
from curation.files import alone, remove_temporary, whole_folder
from curation.fingerprint import fingerprint
from modeling.adaptation.foreign import fingerprint_of
from modeling.adaptation.start import model_name

DECODER = "decoder"
VERSION = 1
"""Raise it when the same decoder answers the same items otherwise."""


class Asked(NamedTuple):
    """What is asked: folders of decoders; names of tasks; where their rows are (`data`, or what was downloaded to `cache`); how many items are shown with their answers
    before each question; and how many of the test items are asked, the first ones, or all."""

    models: tuple[Path, ...]
    tasks: tuple[str, ...]
    data: Path | None
    cache: Path | None = None
    shots: int = 0
    limit: int | None = None


def run(asked: Asked, out: Path, tell: Tell) -> list[Path]:
    """Answer what is not answered yet, in OUT/runs, and write the cells of all that was asked; of whole test splits, those of the classical rows too.

    Raises DollmaError for a model, data or a run that can't be read, before anything is answered where that can be told; and where another process is at it.
    """
    sets = [Sets(name, asked.data, asked.cache, None) for name in dict.fromkeys(asked.tasks)]
    prompts = [prompt(one.task.name) for one in sets]
    for folder in asked.models:
        check(folder)
    with alone(out, "another process writes there; wait for it, or give another --out"):
        remove_temporary(out)
        cells = []
        for folder in dict.fromkeys(asked.models):
            known = _Known(folder)
            cells += [write_cell(out, _cell(asked, one, of, known, out, tell)) for one, of in zip(sets, prompts, strict=True)]
        if asked.limit is None:
            cells += [write_cell(out, cell) for one in sets for cell in classical_cells(one, out / RUNS, tell)]
        return cells


class _Known:
    """A decoder's folder; the model itself is opened when it is asked for the first time."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.name, self.identity = folder, model_name(folder.resolve()), fingerprint_of(folder)
        self._scorer: Scorer | None = None

    @property
    def scorer(self) -> Scorer:
        if self._scorer is None:
            self._scorer = Scorer(opened(self.folder))
        return self._scorer


def _cell(asked: Asked, sets: Sets, of: dict[str, Any], known: _Known, out: Path, tell: Tell) -> dict[str, Any]:
    """The cell of a decoder on a task, which is answered unless it was."""
    task = sets.task
    test = Part(sets.test.items[: asked.limit], sets.test.left_out, sets.test.notes)
    protocol = {"version": VERSION, "lm-eval": software(), "prompt": fingerprint(of), "shots": asked.shots, "limit": asked.limit}
    depends = {
        "task": {"name": task.name, "protocol": task.protocol, "labels": list(task.labels)},
        "data": sets.hashes,
        "model": known.identity,
        "way": DECODER,
        "protocol": protocol,
    }
    name = f"{known.name}, {asked.shots}-shot" if asked.shots else known.name
    folder = out / RUNS / f"{task.name}-{dashed(name)}-{DECODER}-{fingerprint(depends)}"
    if not (folder / RUN).exists():
        _answer(folder, known.scorer, sets, test, of, asked.shots, {**depends, "name": name}, tell)
    facts, answers, corpus = facts_of(folder), read_answers(folder / TEST), corpus_of(known.folder)
    looked_up = path_of(out / CONTAMINATION, task, sets.hashes["test"], corpus["fingerprint"]) if corpus else None
    return {
        "task": task.name,
        "model": name,
        "identity": known.identity,
        "way": DECODER,
        "protocol": {**protocol, "task": task.protocol, "places": facts.get("places"), "seeds": 1},
        "data": sets.hashes,
        "rows": {"test": rows_of(test, None) | {key: facts.get(key) for key in ("cut", "tokens")}},
        "grid": [],
        "rate": None,
        "runs": [folder.name],
        "left": [],
        "collapsed": collapsed(answers.labels, answers.predicted, [], [], sets.names, task.metric),
        "corpus": corpus,
        "contamination": looked_up.name if looked_up and looked_up.is_file() else None,
    }


def _answer(
    folder: Path, scorer: Scorer, sets: Sets, test: Part, of: dict[str, Any], shots: int, facts: dict[str, Any], tell: Tell
) -> None:
    """Have lm-eval put the items, and keep what was answered. Of choices, `by byte` is the one that is likeliest for each of its bytes, which favours no short one."""
    began, read = process_time(), scorer.tokens
    task = sets.task
    examples = documents(task, shown(sets, shots))
    found = put(scorer, of, DOCUMENTS[task.kind].types, documents(task, test.items), examples)
    answers = []
    for label, asked, values in zip(sets.labels(test), found.asked, found.likelihoods, strict=True):
        sizes = [len(continuation.removeprefix(of["target_delimiter"]).encode()) for _, continuation in asked]
        places = {"predicted": int(np.argmax(values)), "by byte": int(np.argmax(np.array(values) / np.array(sizes)))}
        named = places if not sets.names else {key: sets.names[place] for key, place in places.items()}
        answers.append({"label": label, **named, "logits": [round(value, 4) for value in values]})
    whole = {
        **facts,
        "scores of lm-eval": found.scores,
        "places": scorer.max_length,
        "cut": sum(any(one in scorer.cut for one in asked) for asked in found.asked),
        "tokens": scorer.tokens - read,
        "cpu_seconds": round(process_time() - began, 1),
    }
    with whole_folder(folder) as temporary:
        write_answers(temporary / TEST, test.items, answers)
        write_facts(temporary, whole)
    told = ", ".join(f"{name} {value:.1%}" for name, value in sorted(found.scores.items()))
    tell(
        f"{task.name}: {facts['name']}: {told} by lm-eval; {whole['cut']} of {len(test.items)} items cut; {whole['cpu_seconds']:.0f} s of CPU time"
    )
