"""The model card: the README that Hugging Face shows, made from `card.json` alone, which other programs read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from math import log
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, model_validator

from curation.writers.card import HUB_LICENCES

TASKS = {"masked": ("fill-mask", "AutoModelForMaskedLM"), "causal": ("text-generation", "AutoModelForCausalLM")}
"""The Hub's name of what a model does, and the class that loads it, by objective."""


class Fact(BaseModel):
    """Something told, that never changes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SourceFact(Fact):
    """One source of the corpus, as its version's manifest counts it."""

    title: str
    words: int
    upsample: float
    final_words: int


class CorpusFact(Fact):
    """The version that a model was trained on. `version` is its folder's name, `fingerprint` what its content depends on."""

    title: str
    version: str
    fingerprint: str
    language: str
    licence: str
    sources: dict[str, SourceFact]


class TokenizerFact(Fact):
    """`size` counts all ids, reserved ones among them."""

    name: str
    fingerprint: str
    size: int


class TrainingFact(Fact):
    """`tokens` are those of text (no padding, no special ones), each as often as it was seen; `hours` those in the training loop; `settings` the configuration."""

    steps: int
    tokens: int
    epochs: float
    hours: float
    device: str
    settings: dict[str, Any]


class ScoreFact(Fact):
    """Over `tokens` predictions: nats a prediction, share right, bits for each of the UTF-8 `bytes` that were predicted."""

    loss: float
    accuracy: float
    bits_per_byte: float
    tokens: int
    bytes: int


class OrderFact(Fact):
    """Which of a piece's halves stands first, asked of so many `pieces` of validation text: nats a piece, share told right."""

    loss: float
    accuracy: float
    pieces: int


class StartFact(Fact):
    """The model whose training went on: the name of its folder, a hash of its files, and its scores before."""

    name: str
    fingerprint: str
    validation: dict[str, ScoreFact]


class SampleFact(Fact):
    """A decoder's continuations of a prompt: the likeliest token each time, and one draw."""

    prompt: str
    greedy: str
    sampled: str


class Card(Fact):
    """All that is told of a model. `parameters` are counts by what they count; `validation` and `unigram` have the same sources; `samples` are a decoder's; `start` is
    that of a model that was not trained from scratch, `order` the score of one that also learnt to put halves into order."""

    name: str
    shape: str
    objective: Literal["masked", "causal"]
    parameters: dict[str, int]
    corpus: CorpusFact
    tokenizer: TokenizerFact
    training: TrainingFact
    validation: dict[str, ScoreFact]
    unigram: dict[str, ScoreFact]
    samples: tuple[SampleFact, ...] = ()
    start: StartFact | None = None
    order: OrderFact | None = None
    software: dict[str, str]

    @model_validator(mode="after")
    def _same_sources(self) -> Card:
        if self.start and self.start.validation.keys() != self.validation.keys():
            raise ValueError(f"validation is by {', '.join(self.validation)}, but that of the start by {', '.join(self.start.validation)}")
        if self.validation.keys() != self.unigram.keys():
            raise ValueError(f"validation is by {', '.join(self.validation)}, but unigram by {', '.join(self.unigram)}")
        return self


def corpus_fact(manifest: Mapping[str, Any]) -> CorpusFact:
    """What a card tells of a version, from its manifest."""
    fields = tuple(SourceFact.model_fields)
    return CorpusFact(
        title=manifest["title"] or manifest["name"],
        version=manifest["version"],
        fingerprint=manifest["fingerprint"],
        language=manifest["language"],
        licence=manifest["licence"] or "",
        sources={name: SourceFact(**{field: source[field] for field in fields}) for name, source in manifest["sources"].items()},
    )


def model_card(card: Card) -> str:
    """Markdown with a YAML header: what the model is, what it was trained on and for how long, how well it predicts each source, how to load it."""
    parts = [
        _header(card),
        f"# {plain(card.name)}",
        f"A {plain(card.shape)} model, {_origin(card)} on {plain(card.corpus.title)} (language {plain(card.corpus.language)}).",
        "## Parameters\n\n" + table(("Counted", "Parameters"), [(name, f"{count:,}") for name, count in card.parameters.items()]),
        "## Training text\n\n" + _corpus(card),
        "## Training\n\n" + _training(card),
        "## Validation\n\n" + _validation(card),
        "## Samples\n\n" + _samples(card) if card.samples else "",
        "## How to load it\n\n" + _loading(card),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _origin(card: Card) -> str:
    if card.start is None:
        return "trained from scratch"
    return f"trained on from {plain(card.start.name)} (fingerprint {plain(card.start.fingerprint)}), whose licence holds too,"


def _header(card: Card) -> str:
    """The Hub takes the names of its own list of licences alone; any other licence is `other`, with its name beside, and so are two: the corpus's and a first model's."""
    stated = " ".join(card.corpus.licence.split())
    known = stated.lower() in HUB_LICENCES and card.start is None
    header = {
        "language": [card.corpus.language.split("_")[0]],
        "license": stated.lower() if known else "other",
        **({} if known or not stated else {"license_name": stated}),
        "library_name": "transformers",
        "pipeline_tag": TASKS[card.objective][0],
        "datasets": [card.corpus.version],
        "tags": [card.corpus.language, card.shape],
    }
    return f"---\n{yaml.safe_dump(header, sort_keys=False, allow_unicode=True)}---"


def _corpus(card: Card) -> str:
    corpus = card.corpus
    rows = [(one.title, f"{one.words:,}", f"×{one.upsample:g}", f"{one.final_words:,}") for one in corpus.sources.values()]
    rows.append(
        ("Total", f"{sum(s.words for s in corpus.sources.values()):,}", "", f"{sum(s.final_words for s in corpus.sources.values()):,}")
    )
    return (
        f"Corpus version {plain(corpus.version)}, fingerprint {plain(corpus.fingerprint)}; licence {plain(corpus.licence) or '**not stated**'}. "
        f"Words are counted between white space.\n\n{table(('Data source', 'Words', 'Up-sampling', 'Final words'), rows)}\n\n"
        f"Tokenizer {plain(card.tokenizer.name)}, fingerprint {plain(card.tokenizer.fingerprint)}, {card.tokenizer.size:,} ids."
    )


def _training(card: Card) -> str:
    training = card.training
    settings = yaml.safe_dump(training.settings, sort_keys=False, allow_unicode=True, width=10**6)
    software = ", ".join(f"{name} {version}" for name, version in sorted(card.software.items()))
    return (
        f"{training.tokens:,} tokens of text seen ({training.epochs:.2f} epochs), {training.steps:,} steps, {training.hours:.2f} hours "
        f"on {plain(training.device)}, with {plain(software)}.\n\n{fenced(settings, 'yaml')}"
    )


def _validation(card: Card) -> str:
    note = {
        "masked": "15 % of the tokens masked, whole words, with a fixed seed; bits per byte are those of the masked words, so models with other tokenizers compare.",
        "causal": "Each token predicted from those before it in its document; bits per byte compare models with other tokenizers.",
    }[card.objective]
    heads: tuple[str, ...] = ("Source", "Predictions", "Loss (nats)", "Accuracy", "Bits per byte", "Unigram loss", "Unigram bits per byte")
    titled = {name: source.title for name, source in card.corpus.sources.items()}
    found = [(titled.get(name, name), score, card.unigram[name]) for name, score in card.validation.items()]
    if len(found) > 1:
        found.append(("Total", _together(card.validation), _together(card.unigram)))
    rows: list[tuple[str, ...]] = [
        (
            title,
            f"{score.tokens:,}",
            f"{score.loss:.3f}",
            f"{score.accuracy:.1%}",
            f"{score.bits_per_byte:.3f}",
            f"{base.loss:.3f}",
            f"{base.bits_per_byte:.3f}",
        )
        for title, score, base in found
    ]
    if card.start:
        before = list(card.start.validation.values())
        heads = (*heads, "Bits per byte before")
        several = [_together(card.start.validation)] if len(before) > 1 else []
        rows = [(*row, f"{score.bits_per_byte:.3f}") for row, score in zip(rows, before + several, strict=True)]
    baseline = "The unigram columns are what predicting the training text's token frequencies everywhere would give."
    order = f"\n\n{_order(card.order)}" if card.order else ""
    return f"{note} {baseline}\n\n{table(heads, rows)}{order}" if rows else "None: the version has no validation split."


def _together(scores: Mapping[str, ScoreFact]) -> ScoreFact:
    """All sources, each prediction once."""
    tokens, size = (sum(getattr(score, name) for score in scores.values()) for name in ("tokens", "bytes"))
    nats = sum(score.loss * score.tokens for score in scores.values())
    right = sum(score.accuracy * score.tokens for score in scores.values())
    return ScoreFact(loss=nats / tokens, accuracy=right / tokens, bits_per_byte=nats / log(2) / size, tokens=tokens, bytes=size)


def _samples(card: Card) -> str:
    note = "Nothing was picked: these are the first and only ones. The model may say what is false or harmful.\n\n"
    rows = [(one.prompt or "(start of a document)", one.greedy, one.sampled) for one in card.samples]
    return note + table(("Prompt", "Likeliest continuation", "A sampled one"), rows)


def _order(order: OrderFact) -> str:
    asked = f"{order.pieces:,} texts, each cut in two where a sentence begins, half of them turned around"
    return f"Which half stands first (`AutoModelForNextSentencePrediction`, label 1: they are turned around): {order.accuracy:.1%} told right of {asked}."


def _loading(card: Card) -> str:
    loader = TASKS[card.objective][1]
    code = f"from transformers import {loader}, AutoTokenizer\n\nfolder = 'FOLDER OR REPOSITORY'\n"
    return fenced(f"{code}model, tokenizer = {loader}.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)\n", "python")


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; its cells are shown as they are."""
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join(lines + ["| " + " | ".join(plain(cell) for cell in row) + " |" for row in rows])


def fenced(text: str, language: str) -> str:
    """A block of code whose fence is longer than any row of backticks inside."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def plain(text: str) -> str:
    """One line in which nothing is markup, link or picture: a card is shown on the web, and what a manifest says may come from anyone."""
    escaped = re.sub(r"([\\`*_\[\]#|~!])", r"\\\1", " ".join(text.split()))
    shown = escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("://", ":&#8203;//").replace("@", "&#8203;@")
    return re.sub(r"(?i)(www)\.", r"\1&#8203;.", shown)  # GitHub's Markdown makes links of these and of addresses of mail
