"""lm-eval itself: documents in, and out come the likelihoods that it logged and the scores that it made of them. Nothing is fetched, kept or sent."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import datasets
import huggingface_hub.constants
from lm_eval.evaluator import evaluate
from lm_eval.tasks import TaskManager

from benchmarks.decoders.prompts import Document
from benchmarks.decoders.scorer import Scorer
from curation.errors import DollmaError

SHOTS, TEST = "shots", "test"


class Logged(NamedTuple):
    """Of each document what was asked, (context, continuation) or (text,), and the natural logarithm of how likely it is; and lm-eval's own scores by metric."""

    asked: list[list[tuple[str, ...]]]
    likelihoods: list[list[float]]
    scores: dict[str, float]


def software() -> str:
    """lm-eval's version, on which scores depend."""
    return version("lm_eval")


def put(
    scorer: Scorer, prompt: Mapping[str, Any], types: Mapping[str, Any], test: Sequence[Document], shots: Sequence[Document] = ()
) -> Logged:
    """Put documents to a decoder by a prompt (`prompts.prompt`), `shots` before each. Raises DollmaError where a likelihood is no number, as of weights that are none."""
    with TemporaryDirectory() as folder, _offline():
        files = {name: _written(Path(folder) / f"{name}.jsonl", rows) for name, rows in ((TEST, test), (SHOTS, shots)) if rows}
        data = {"data_files": files, "features": _features(types), "cache_dir": str(Path(folder) / "cache")}
        few = {"fewshot_split": SHOTS, "fewshot_config": {"sampler": "first_n"}} if shots else {}
        task = {**prompt, **few, "num_fewshot": len(shots), "dataset_kwargs": data}
        found = evaluate(scorer, TaskManager(include_defaults=False).load([task]), bootstrap_iters=0, log_samples=True)
    name = prompt["task"]
    samples = sorted(found["samples"][name], key=lambda one: one["doc_id"])
    if [one["doc"]["id"] for one in samples] != [one["id"] for one in test]:
        raise RuntimeError(f"lm-eval {software()} logged other documents than it was given")
    likelihoods = [[float(one[0] if isinstance(one, tuple | list) else one) for one in sample["filtered_resps"]] for sample in samples]
    for sample, values in zip(samples, likelihoods, strict=True):
        if not all(-1e30 < value <= 1e-3 for value in values):
            raise DollmaError(f"{name}: {sample['doc']['id']}: the model gives likelihoods {values!r:.80}: its weights are no numbers")
    scores = {key.removesuffix(",none"): value for key, value in found["results"][name].items() if key.endswith(",none")}
    asked = [[tuple(one) for one in sample["arguments"]] for sample in samples]
    return Logged(asked, likelihoods, {key: float(value) for key, value in scores.items() if isinstance(value, int | float)})


def _features(types: Mapping[str, Any]) -> datasets.Features:
    return datasets.Features({name: [datasets.Value(of[0])] if isinstance(of, list) else datasets.Value(of) for name, of in types.items()})


def _written(path: Path, rows: Sequence[Document]) -> str:
    path.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows), encoding="utf-8")
    return str(path)


@contextmanager
def _offline() -> Iterator[None]:
    """Within, nothing is asked of the Hub (`datasets` counts downloads there), and no bars are shown; what is an error is raised."""
    places = ((huggingface_hub.constants, "HF_HUB_OFFLINE"), (datasets.config, "HF_HUB_OFFLINE"))
    held = [getattr(module, name) for module, name in places]
    try:
        for module, name in places:
            setattr(module, name, True)
        with redirect_stderr(io.StringIO()):
            yield
    finally:
        for (module, name), value in zip(places, held, strict=True):
            setattr(module, name, value)
