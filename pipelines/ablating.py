"""Two versions, the same model trained on each: the steps of `dollma bench corpus`, each by the function behind its own command.

Tokenizer, token stores and models stand in the workspace under their fingerprints, losses and predictions in the folder that is asked for: what is there is not made
again, so that a command that was killed, or asks for more seeds, costs what is missing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

from benchmarks.ablation import report
from benchmarks.ablation.held_out import SIDES, HeldOut, held_out
from benchmarks.ablation.losses import Losses, asked_of, losses
from benchmarks.ablation.sample import BYTES, neutral
from benchmarks.ablation.verdict import Compared, by_source, rows, verdict
from benchmarks.finetuning.encoder import identity
from benchmarks.finetuning.runs import Asked as TasksAsked
from benchmarks.finetuning.runs import run as fine_tune
from benchmarks.finetuning.tuning import TUNED
from benchmarks.leaderboard.cells import read_cells
from benchmarks.scoring.metrics import METRICS
from benchmarks.tasks.catalogue import named
from benchmarks.tasks.data import locate
from curation.errors import DollmaError
from curation.files import alone, remove_temporary, whole_file
from modeling.config import Pretraining, load_config
from modeling.corpus import Version, open_version
from modeling.progress import Display as TrainingDisplay
from modeling.tokenizer.training import Settings, checked
from modeling.tokenizer.training import train as train_tokenizer
from modeling.tokens import Tokens, open_tokens
from modeling.train import train as train_model
from pipelines.locking import locked
from pipelines.progress import Display
from pipelines.tokenising import tokenise

CONFIG = Path(__file__).parents[1] / "modeling" / "configs" / "ablation.yaml"
VOCABULARY = 4000
FACTS, TABLE, LOSSES = "ablation.json", "ablation.md", "losses"


class Asked(NamedTuple):
    """What is compared and how: folders of two versions; runs of each; the model's settings, for so many steps where `steps` is given; a tokenizer's folder, or None for
    one of `vocabulary` ids that is learnt from both; files to ask besides; tasks to fine-tune on, with the folder of their rows."""

    versions: tuple[Path, Path]
    seeds: int = 3
    config: Path = CONFIG
    steps: int | None = None
    tokenizer: Path | None = None
    vocabulary: int = VOCABULARY
    files: tuple[Path, ...] = ()
    tasks: tuple[str, ...] = ()
    data: Path | None = None


class _Side(NamedTuple):
    """A version, its tokens, and the settings of its runs, by seed."""

    name: str
    version: Version
    tokens: Tokens
    runs: tuple[Pretraining, ...]


def ablate(asked: Asked, workspace: Path, out: Path, console: Console, workers: int | None = None) -> Path:
    """Train what isn't trained, ask what isn't asked, and write OUT/ablation.json and OUT/ablation.md, whose path is given.

    Raises DollmaError for settings that can't compare, versions that are one, no text that is fair to both, and whatever the steps raise it for; Stopped where a signal
    ended a training run.
    """
    config = _config(asked)
    a, b = (open_version(folder) for folder in asked.versions)
    if a.fingerprint == b.fingerprint:
        raise DollmaError(f"{a.name} and {b.name} are the same version ({a.fingerprint}): give two")
    for task in asked.tasks:
        locate(named(task), asked.data, None)
    with alone(out / LOSSES, "another process is at it; wait for it, or give another --out"):
        remove_temporary(out)
        with console.status("looking for documents that neither version trains on"):
            held = held_out(a, b, asked.files)
        tokenizer, learnt_from = _tokenizer(asked, (a, b), workspace, out, console)
        sides = [_side(name, of, tokenizer, config, asked, workspace, console, workers) for name, of in zip(SIDES, (a, b), strict=True)]
        found = _losses(sides, held, tokenizer, workspace, out, console)
        compared = by_source(held, found)
        if asked.tasks:
            compared += _tasks(asked, sides, workspace, out, console)
        table = rows(compared)
        facts = {
            "versions": {of.name: _told(of, runs) for of, runs in zip(sides, found, strict=True)},
            "verdict": verdict(table),
            "rows": report.told(table),
            "held out": {"fingerprint": held.fingerprint, "left out": held.left_out},
            "seeds": [run.seed for run in sides[0].runs],
            "tokenizer": {"name": tokenizer.resolve().name, "learnt from": learnt_from},
            "config": sides[0].runs[0].deciding(),
        }
        _write(
            out / f"held-out-{held.fingerprint}.jsonl",
            "".join(f"{json.dumps(document._asdict(), ensure_ascii=False)}\n" for document in held.documents),
        )
        _write(out / FACTS, json.dumps(facts, ensure_ascii=False, indent=1, allow_nan=False) + "\n")
        _write(out / TABLE, report.markdown(facts))
    return out / TABLE


def _config(asked: Asked) -> Pretraining:
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise DollmaError("`dollma bench corpus` is one process: its models are small")
    steps = () if asked.steps is None else (f"horizon={{steps: {asked.steps}}}",)
    config = load_config(asked.config, (*steps, "tokens=made before it"))
    if config.horizon.hours is not None:
        raise DollmaError(f"{asked.config}: horizon.hours: equal hours are not equal text: give horizon.tokens, or --steps")
    if config.model.start is not None:
        raise DollmaError(f"{asked.config}: model.start: a model that exists has read another corpus: give family and size")
    return config


def _tokenizer(asked: Asked, versions: Sequence[Version], workspace: Path, out: Path, console: Console) -> tuple[Path, str]:
    """Its folder, and what it was learnt from, in words."""
    if asked.tokenizer is not None:
        return asked.tokenizer, "which was given"
    settings = checked(Settings("wordpiece", asked.vocabulary, len(versions) * BYTES))
    sample = neutral(versions, out)
    with locked(workspace), console.status("learning a tokenizer from both versions"):
        return train_tokenizer(sample, settings, workspace).folder, f"learnt from as much of A as of B ({sample.folder.name})"


def _side(
    name: str, version: Version, tokenizer: Path, config: Pretraining, asked: Asked, workspace: Path, console: Console, workers: int | None
) -> _Side:
    with Display(console) as display:
        tokens = tokenise(version.folder, tokenizer, workspace, display, workers).folder
    inputs = {"tokens": str(tokens), "version": str(version.folder), "tokenizer": str(tokenizer)}
    runs = tuple(config.model_copy(update={**inputs, "seed": seed}) for seed in range(1, asked.seeds + 1))
    return _Side(name, version, open_tokens(tokens), runs)


def _model(config: Pretraining, workspace: Path, console: Console) -> Path:
    with TrainingDisplay(console) as display:
        return train_model(config, workspace, display)


def _losses(sides: Sequence[_Side], held: HeldOut, tokenizer: Path, workspace: Path, out: Path, console: Console) -> list[list[Losses]]:
    """By side and seed. Seed by seed, so that a run that is killed leaves pairs."""
    config = sides[0].runs[0]
    questions = asked_of(held, tokenizer, config.length, config.causal)
    found: list[list[Losses]] = [[] for _ in sides]
    for place in range(len(sides[0].runs)):
        for of, mine in zip(sides, found, strict=True):
            run = of.runs[place]
            path = out / LOSSES / f"{run.name}-{run.fingerprint(of.tokens.fingerprint)}-{questions.fingerprint}.json"
            console.print(
                f"{of.name}, seed {run.seed}: {'made before' if path.is_file() else of.version.name}", highlight=False, markup=False
            )
            mine.append(losses(partial(_model, run, workspace, console), path, questions, of.tokens.split("train"), run.run.device))
    return found


def _tasks(asked: Asked, sides: Sequence[_Side], workspace: Path, out: Path, console: Console) -> list[Compared]:
    """Each model fine-tuned once on each task: what differs from seed to seed is the model, and what fine-tuning does to it."""
    folders = [[_model(run, workspace, console) for run in of.runs] for of in sides]
    tell: Callable[[str], None] = partial(console.print, highlight=False, markup=False)
    models = tuple(folder for of in folders for folder in of)
    made = set(fine_tune(TasksAsked(models, asked.tasks, asked.data, None, seeds=1), out, tell))
    cells = read_cells(out)
    found = []
    for name in dict.fromkeys(asked.tasks):
        task = named(name)
        own = {row.identity: of for row, of in cells[name].items() if row.way == TUNED and of.path in made}
        if not own:
            raise DollmaError(f"{name}: no model is fine-tuned on it: give tasks that have rows to train on")
        metric, names = METRICS[task.metric], task.labels if task.kind != "choice" else ()
        fell = sum(own[identity(folder, True)].cell.collapsed is not None for of in folders for folder in of)
        told = f"{name} ({metric.title}{f'; {fell} of {len(models)} runs collapsed' if fell else ''})"
        answers = [[own[identity(folder, True)].answers[0] for folder in of] for of in folders]
        statistics = [[metric.statistics(one.labels, one.predicted, names) for one in of] for of in answers]
        found.append(Compared(report.TASK, told, metric.score, statistics, True))
    return found


def _told(of: _Side, runs: Sequence[Losses]) -> dict[str, Any]:
    """What a side's models were trained on."""
    counts = of.tokens.manifest["splits"]["train"].values()
    documents, tokens, final = (sum(source[name] for source in counts) for name in ("documents", "tokens", "final_tokens"))
    seen, epochs = (sum(run.trained[name] for run in runs) / len(runs) for name in ("tokens", "epochs"))
    return {
        "version": of.version.name,
        "fingerprint": of.version.fingerprint,
        "documents": documents,
        "words": sum(source.words for source in of.version.sources.values()),
        "final words": sum(source.final_words for source in of.version.sources.values()),
        "tokens": tokens,
        "final tokens": final,
        "seen": round(seen),
        "epochs": epochs,
        "read": seen / max(tokens, 1),
        "losses": [run.path.name for run in runs],
        "steps": [int(run.trained["steps"]) for run in runs],
    }


def _write(path: Path, text: str) -> None:
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
