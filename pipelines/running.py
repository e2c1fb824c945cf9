"""From a corpus to models in one go: the steps of `dollma run`, each by the function behind its own command.

A step's result is named by the fingerprint of all that it was made from, so nothing is remembered here: a step whose folder is there does nothing, one that was killed
goes on, and what a single command has made is found.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, Field, StringConstraints, model_validator
from rich.console import Console

from curation.errors import DollmaError
from curation.files import located
from curation.writers.parameters import Size
from modeling.config import Pretraining, load_config
from modeling.corpus import open_version
from modeling.progress import Display as TrainingDisplay
from modeling.settings import Strict, load_settings
from modeling.tokenizer.training import Settings, checked
from modeling.tokenizer.training import train as train_tokenizer
from modeling.train import FINAL, MODELS
from modeling.train import train as train_model
from pipelines.benching import Bench, bench_models, check
from pipelines.build import build
from pipelines.locking import locked
from pipelines.progress import Display
from pipelines.tokenising import tokenise
from pipelines.versions import find_version

INPUTS = ("tokens", "version", "tokenizer")
"""Keys of a model's configuration that are what the steps before it made."""
BENCH = "bench"
"""The step that ends with a table."""


def assignments(values: Mapping[str, Any], above: str = "") -> list[str]:
    """Nested values as what `--set` takes: {"horizon": {"steps": 8}} and {"horizon.steps": 8} are both horizon.steps=8."""
    found = []
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            found += assignments(value, f"{above}{name}.")
        else:
            found.append(f"{above}{name}={_line(value)}")
    return found


def _line(value: Any) -> str:
    """A value in YAML. Not in JSON: YAML takes its 1e-05 for a string."""
    written = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=float("inf"))
    return written.removesuffix("...\n").strip()


def _once(values: dict[str, Any]) -> dict[str, Any]:
    keys = Counter(line.partition("=")[0] for line in assignments(values))
    if twice := [key for key, count in keys.items() if count > 1]:
        raise ValueError(f"{twice[0]} is set twice")
    return values


Entry = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
Changes = Annotated[dict[str, Any], AfterValidator(_once), Field(default_factory=dict)]
"""Values to set in a file that is named beside, nested or by key.path."""


class Corpus(Strict):
    """What is trained on: a version that is built from a `recipe`, with other values `set` in it, or a `version` of the workspace, by its name or folder."""

    recipe: str | None = None
    set: Changes
    version: str | None = None

    @model_validator(mode="after")
    def _one(self) -> Corpus:
        if (self.recipe is None) == (self.version is None):
            raise ValueError("give either a recipe or a version")
        if self.version is not None and self.set:
            raise ValueError("nothing can be set in a version that is there: give its recipe")
        return self


class Tokenizer(Strict):
    """What `dollma tokenizer train` is asked for, under the names that it has there."""

    type: str = "wordpiece"
    vocab: int = 64000
    sample_bytes: Size = 10**9
    uncased: bool = False

    def settings(self) -> Settings:
        """The same for `modeling.tokenizer`."""
        return Settings(self.type, self.vocab, self.sample_bytes, self.uncased)


class Model(Strict):
    """A configuration of `dollma pretrain`, with other values `set` in it."""

    config: str
    set: Changes

    @model_validator(mode="after")
    def _whose(self) -> Model:
        for key in assignments(self.set):
            if key.partition("=")[0].partition(".")[0] in INPUTS:
                raise ValueError(f"{', '.join(INPUTS)} are what the steps before make: {key} can't be set here")
        return self


class Pipeline(Strict):
    """What `dollma run` makes. Recipes and configurations are paths from the file's own folder; without `models` it ends with the tokens, without `bench` with the
    models."""

    corpus: Corpus
    tokenizer: Tokenizer = Tokenizer()
    models: dict[Entry, Model] = Field(default_factory=dict)
    bench: Bench | None = None

    @model_validator(mode="after")
    def _asked(self) -> Pipeline:
        if self.bench is not None and not self.models:
            raise ValueError("bench asks the models, and there are none: name one, or set bench to null")
        return self


@dataclass(frozen=True)
class Made:
    """What a step left in the workspace, and whether it was made now."""

    step: str
    folder: Path
    new: bool


def run(path: Path, workspace: Path, console: Console, workers: int | None = None, overrides: tuple[str, ...] = ()) -> Iterator[Made]:
    """Do what isn't done of corpus, tokenizer, tokens, models and their benchmarks, in this order, and tell of each step when it is over; progress goes to the console.

    All settings are checked before anything is made. Raises DollmaError for a mistake in one of them and for whatever the steps raise it for; Stopped where a
    signal ended a training run.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise DollmaError(
            "`dollma run` is one process. To train on several GPUs, run it with --set models={} and give the tokens that it tells of to "
            "`torchrun --nproc-per-node 8 -m pipelines.cli pretrain CONFIG --set tokens=STORE`; `dollma run` finds the models that this made"
        )
    pipeline = load_settings(path, Pipeline, overrides)
    settings = _tokenizer_settings(path, pipeline)
    models = {name: _model_settings(path, name, model) for name, model in pipeline.models.items()}
    if pipeline.bench is not None:
        check(path, pipeline.bench)

    corpus = _corpus(path, pipeline.corpus, workspace, console, workers)
    yield corpus

    version = open_version(corpus.folder)
    with locked(workspace), console.status("reading the sample; then pieces are learnt"):
        trained = train_tokenizer(version, settings, workspace)
    yield Made("tokenizer", trained.folder, trained.new)

    with Display(console) as display:
        tokens = tokenise(version.folder, trained.folder, workspace, display, workers)
    yield Made("tokens", tokens.folder, tokens.new)

    inputs = dict(zip(INPUTS, map(str, (tokens.folder, version.folder, trained.folder)), strict=True))
    trained_models: list[Path] = []
    for name, config in models.items():
        there = set(workspace.glob(f"{MODELS}/*/{FINAL}"))
        with TrainingDisplay(console) as training:
            folder = train_model(config.model_copy(update=inputs), workspace, training)
        trained_models.append(folder)
        yield Made(f"model {name}", folder, folder not in there)

    if pipeline.bench is not None:
        with console.status("models are fine-tuned on tasks"):
            benched = bench_models(
                path, pipeline.bench, version.folder, trained_models, workspace, partial(console.print, highlight=False, markup=False)
            )
        yield Made(BENCH, benched.folder, benched.new)


def _corpus(path: Path, corpus: Corpus, workspace: Path, console: Console, workers: int | None) -> Made:
    if corpus.version is not None:
        return Made("corpus", find_version(corpus.version, workspace), False)
    with Display(console) as display:
        built = build(Path(located(corpus.recipe or "", path.parent)), workspace, display, workers, tuple(assignments(corpus.set)))
    return Made("corpus", built.folder, built.new)


def _tokenizer_settings(path: Path, pipeline: Pipeline) -> Settings:
    try:
        return checked(pipeline.tokenizer.settings())
    except DollmaError as error:
        raise DollmaError(f"{path}: tokenizer: {error}") from error


def _model_settings(path: Path, name: str, model: Model) -> Pretraining:
    """Read before the corpus is built: a mistake is told at once, not after days."""
    try:
        return load_config(Path(located(model.config, path.parent)), (*assignments(model.set), f"{INPUTS[0]}=made before it"))
    except DollmaError as error:
        raise DollmaError(f"{path}: models.{name}: {error}") from error
