"""What is told of an adapted model: `card.json` for programs, and the README that is made from it alone."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any, Literal

import yaml

from curation.files import whole_folder
from modeling.adaptation.measure import bits_per_byte
from modeling.card import TASKS, CorpusFact, Fact, ScoreFact, fenced, plain, table
from modeling.export import CARD, README

CARDS = (CARD, README)


class StepFact(Fact):
    """A step of a recipe: its settings, what it says of itself (`facts`), and what it left: a folder's name and fingerprint, the number of ids, scores by source."""

    step: str
    settings: dict[str, Any]
    facts: dict[str, Any]
    folder: str
    fingerprint: str
    ids: int
    validation: dict[str, ScoreFact]


class AdaptedCard(Fact):
    """All that is told of an adapted model. The first of `steps` is the model that it started from, as it came."""

    name: str
    kind: str
    objective: Literal["masked", "causal"]
    corpus: CorpusFact
    measured: dict[str, Any]
    steps: tuple[StepFact, ...]
    software: dict[str, str]


def publish(model: Path, card: AdaptedCard, folder: Path) -> Path:
    """The last step's model under the recipe's own name, with its card. Files are linked where the disk can, and not copied."""
    with whole_folder(folder) as temporary:
        for path in sorted(model.iterdir()):
            if path.is_file() and path.name not in CARDS:
                _link(path, temporary / path.name)
        facts = json.dumps(card.model_dump(mode="json"), ensure_ascii=False, indent=1, sort_keys=True)
        (temporary / CARD).write_text(facts + "\n", encoding="utf-8")
        (temporary / README).write_text(markdown(card), encoding="utf-8")
    return folder


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def markdown(card: AdaptedCard) -> str:
    """Markdown with a YAML header. The licence of the first model is nobody's here to tell: it is `other`, and the text says so."""
    first = card.steps[0]
    task, loader = TASKS[card.objective]
    language = card.corpus.language
    header = {
        "language": [language.split("_")[0]],
        "license": "other",
        "library_name": "transformers",
        "pipeline_tag": task,
        "datasets": [card.corpus.version],
        "tags": [language, card.kind],
    }
    settings = [{one.step: one.settings, "facts": one.facts} for one in card.steps[1:]]
    code = f"from transformers import {loader}, AutoTokenizer\n\nfolder = 'FOLDER OR REPOSITORY'\n"
    parts = [
        f"---\n{yaml.safe_dump(header, sort_keys=False, allow_unicode=True)}---",
        f"# {plain(card.name)}",
        f"A {plain(card.kind)} model: {plain(first.folder)} (fingerprint {plain(first.fingerprint)}) adapted to {plain(language)} on "
        f"{plain(card.corpus.title)}, version {plain(card.corpus.version)}. The licences of both hold.",
        "## Steps\n\n" + _scores(card),
        fenced(yaml.safe_dump(settings, sort_keys=False, allow_unicode=True, width=10**6), "yaml"),
        "With " + ", ".join(f"{plain(name)} {plain(version)}" for name, version in sorted(card.software.items())) + ".",
        "## How to load it\n\n"
        + fenced(f"{code}model, tokenizer = {loader}.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)\n", "python"),
    ]
    return "\n\n".join(parts) + "\n"


def rows(card: AdaptedCard) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """A table of the steps: heads, and cells. Bits per byte of the same documents, after each step; the first row is the model as it came."""
    sources = list(card.steps[0].validation)
    titles = [card.corpus.sources[name].title if name in card.corpus.sources else name for name in sources]
    cells = [
        (
            one.step,
            f"{one.ids:,}",
            _told(bits_per_byte(one.validation)),
            *(_told(one.validation[name].bits_per_byte if name in one.validation else None) for name in sources),
        )
        for one in card.steps
    ]
    return ("After", "Ids", "Bits per byte", *titles), cells


def _scores(card: AdaptedCard) -> str:
    heads, cells = rows(card)
    if not card.steps[0].validation:
        return "Not measured: the version has no validation split."
    how = f"about {card.measured['bytes']:,} bytes of each source of the validation split, in rows of {card.measured['length']} tokens"
    masked = ", 15 % of the tokens masked, whole words" if card.objective == "masked" else ""
    return f"Bits per byte over the same documents: {how}{masked}.\n\n{table(heads, cells)}"


def _told(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
