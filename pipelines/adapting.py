"""A model of others adapted to a version, step by step: what `dollma adapt` does.

Each step reads a model's folder and leaves another in the workspace, named by the fingerprint of what it was made from and of its settings: one that is there is not made
again, and one that was killed goes on. Between the steps the model is measured on the same documents.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

from curation.errors import DollmaError
from curation.files import located, whole_file
from curation.fingerprint import fingerprint
from modeling.adaptation.extension import extend
from modeling.adaptation.focus import SAMPLE_BYTES
from modeling.adaptation.foreign import fingerprint_of
from modeling.adaptation.measure import bits_per_byte, measured
from modeling.adaptation.recipe import Adaptation, Continue, Extend, Instruct, Step, Trim
from modeling.adaptation.report import AdaptedCard, StepFact, publish
from modeling.adaptation.start import causal, kind_of, model_name
from modeling.adaptation.trimming import count, trim
from modeling.adaptation.tuning import FACTS, data_fingerprint, tune
from modeling.card import corpus_fact
from modeling.config import Pretraining
from modeling.corpus import Version, open_version, texts
from modeling.export import read_card, software
from modeling.places import find
from modeling.progress import Display as TrainingDisplay
from modeling.tokenizer import tokenizer_fingerprint, vocabulary
from modeling.tokenizer.sample import Sample, shares
from modeling.tokens import open_tokens, pack
from modeling.train import FINAL, MODELS, train
from pipelines.locking import locked
from pipelines.progress import Display
from pipelines.tokenising import tokenise

VERSION = 1
"""Raised when the same steps give another model."""
DONE = "step.json"
"""In the folder of a step that changes a vocabulary: what it says of itself, written last."""


@dataclass(frozen=True)
class _At:
    """Where a step stands: what all steps share, its number from 1, the folder it starts from, and whether rows of new pieces wait to be trained."""

    recipe: Adaptation
    version: Version
    workspace: Path
    console: Console
    workers: int | None
    number: int
    folder: Path
    grown: bool = False


class Made(NamedTuple):
    """What a step left: a model's folder, and what it says of itself."""

    folder: Path
    facts: dict[str, Any]


def adapt(recipe: Adaptation, beside: Path, workspace: Path, console: Console, workers: int | None = None) -> tuple[Path, AdaptedCard]:
    """Make what isn't made of a recipe's steps, and give the adapted model's folder, WORKSPACE/models/NAME-FINGERPRINT, and its card. `beside` is the recipe's folder.

    Raises DollmaError for whatever the steps raise it for; Stopped where a signal ended a training.
    """
    version, start = open_version(find(recipe.version, workspace, "versions")), Path(recipe.model)
    start = start if start.is_dir() else Path(located(recipe.model, beside))
    steps = [_located(step, beside) for step in recipe.steps]
    decoder = causal(start)
    if not decoder and (teaching := next((step.step for step in steps if isinstance(step, Instruct)), None)):
        raise DollmaError(f"{start}: an encoder, which predicts masked tokens and can't answer: take the step {teaching} out, or a decoder")
    at = _At(recipe, version, workspace, console, workers, 0, start)
    facts = [_fact(at, "as it came", {}, Made(start, {}))]
    for number, step in enumerate(steps, 1):
        at = replace(at, number=number)
        made = _MAKE[type(step)](step, at)
        facts.append(_fact(at, step.step, step.deciding(), made))
        at = replace(at, folder=made.folder, grown=isinstance(step, Extend) or (at.grown and isinstance(step, Trim)))
    card = AdaptedCard(
        name=recipe.name,
        kind=kind_of(at.folder),
        objective="causal" if decoder else "masked",
        corpus=corpus_fact(version.manifest),
        measured=recipe.measure.model_dump(mode="json"),
        steps=tuple(facts),
        software=software(),
    )
    about = {"steps": [one.fingerprint for one in facts], "version": version.fingerprint, "measure": recipe.measure, "adapt": VERSION}
    final = workspace / MODELS / f"{recipe.name}-{fingerprint(about)}"
    if not final.is_dir():
        publish(at.folder, card, final)
    return final, card


def _located(step: Step, beside: Path) -> Step:
    return step.model_copy(update={"data": tuple(located(name, beside) for name in step.data)}) if isinstance(step, Instruct) else step


def _fact(at: _At, name: str, settings: dict[str, Any], made: Made) -> StepFact:
    """What is told of a step, and printed at once: a person sees what it gained while the next one runs."""
    with at.console.status(f"measuring {model_name(made.folder)}"):
        scores = measured(made.folder, at.version, at.recipe.measure, at.workspace / MODELS)
    found = bits_per_byte(scores)
    ids = vocabulary(made.folder).size
    told = "not measured: the version has no validation split" if found is None else f"{found:.3f} bits per byte"
    at.console.print(f"{name}: {ids:,} ids, {told}; {made.folder}", highlight=False, markup=False, soft_wrap=True)
    shown = model_name(made.folder.resolve())
    return StepFact(
        step=name,
        settings=settings,
        facts=made.facts,
        folder=shown,
        fingerprint=fingerprint_of(made.folder),
        ids=ids,
        validation=scores,
    )


def _run(at: _At, step: Step, **more: Any) -> Path:
    """The step's own folder in the workspace."""
    about = {"from": fingerprint_of(at.folder), "settings": step.deciding(), "adapt": VERSION} | more
    return at.workspace / MODELS / f"{at.recipe.name}-{at.number}-{step.step}-{fingerprint(about)}"


def _trim(step: Trim, at: _At) -> Made:
    run = _run(at, step, version=at.version.fingerprint)
    if (found := _done(run)) is None:
        with locked(at.workspace), at.console.status("counting the tokens of the version"):
            made = trim(at.folder, count(at.folder, _training_texts(at.version)), step.keep, run / FINAL)
        found = _record(run, {"kept": made.kept, "dropped": made.dropped, "share_of_tokens_kept": made.lossless})
    return Made(run / FINAL, found)


def _training_texts(version: Version) -> Iterator[str]:
    """Each document once."""
    for batch in texts(version, "train", ("text", "copy")):
        yield from (text for text, copy in zip(batch["text"].to_pylist(), batch["copy"].to_pylist(), strict=True) if copy == 0)


def _extend(step: Extend, at: _At) -> Made:
    donor = find(step.tokenizer, at.workspace, "tokenizers")
    counted = {"version": at.version.fingerprint} if step.rows == "focus" else {}
    run = _run(at, step, donor=tokenizer_fingerprint(donor), **counted)
    if (found := _done(run)) is None:
        with locked(at.workspace), at.console.status("adding pieces"):
            made = extend(at.folder, donor, run / FINAL, step.pieces, _sampled(at.version) if counted else None)
        found = _record(run, {"added": made.added, "ids_before": made.old_size, "ids_after": made.new_size})
    return Made(run / FINAL, found)


def _sampled(version: Version) -> Iterator[tuple[str, int]]:
    """Texts by mixture weight, and how often each counts."""
    return ((one.text, one.weight) for one in Sample(version, shares(version, SAMPLE_BYTES)))


def _done(run: Path) -> dict[str, Any] | None:
    path = run / DONE
    if not (path.exists() and (run / FINAL).is_dir()):
        return None
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise DollmaError(f"{path}: damaged ({error}): remove the folder {run}, and the step is made again") from error


def _record(run: Path, facts: dict[str, Any]) -> dict[str, Any]:
    with whole_file(run / DONE) as temporary:
        temporary.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    return facts


def _continue(step: Continue, at: _At) -> Made:
    with Display(at.console) as display:
        store = tokenise(at.version.folder, at.folder, at.workspace, display, at.workers).folder
    rows = len(pack(open_tokens(store), "train", step.length, closed=not causal(at.folder)))
    steps = max(1, round(step.epochs * rows / step.batch))
    config = Pretraining(
        name=f"{at.recipe.name}-{at.number}-{step.step}",
        tokens=str(store),
        version=str(at.version.folder),
        tokenizer=str(at.folder),
        length=step.length,
        seed=step.seed,
        model={"start": str(at.folder)},
        lora=step.adapters(at.grown),
        masking=step.masking,
        batch={"rows": step.batch},
        horizon={"steps": steps},
        schedule={"kind": "linear", "warmup": step.warmup_share(steps)},
        optimiser={"learning_rate": step.learning_rate},
        evaluation={"every": 0},
        run=step.run,
    )
    with TrainingDisplay(at.console) as display:
        folder = train(config, at.workspace, display)
    training = read_card(folder).training
    return Made(folder, {"steps": training.steps, "tokens": training.tokens, "epochs": training.epochs, "hours": training.hours})


def _instruct(step: Instruct, at: _At) -> Made:
    settings = step.model_copy(update={"lora": step.adapters(at.grown)})
    run = _run(at, settings, data=data_fingerprint(step))
    with TrainingDisplay(at.console) as display:
        folder = tune(settings, at.folder, run, display)
    facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    return Made(folder, {name: facts[name] for name in ("dialogues", "cut", "failures", "steps", "tokens")})


_MAKE: dict[type[Any], Any] = {Trim: _trim, Extend: _extend, Continue: _continue, Instruct: _instruct}
