"""The end of a run: what is told of it, and the folder that is published."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from pathlib import Path

import torch
from transformers import PreTrainedModel

from modeling.adaptation.start import model_name
from modeling.card import Card, OrderFact, SampleFact, ScoreFact, StartFact, TokenizerFact, TrainingFact, corpus_fact
from modeling.checkpoint import State
from modeling.config import Pretraining
from modeling.evaluation import Scores, evaluate_unigram, unigram
from modeling.export import export, software
from modeling.inputs import Inputs
from modeling.objectives import OrderScores, order_scores
from modeling.ranks import Ranks
from modeling.samples import samples
from modeling.shapes import POOLED, counts
from modeling.tokenizer import load_tokenizer, tokenizer_fingerprint

PROMPTS, PROMPT, CONTINUATION = 3, 8, 64
"""A decoder's samples: prompts, tokens of each, and tokens that it goes on for at most."""


def finish(
    folder: Path,
    model: PreTrainedModel,
    inputs: Inputs,
    config: Pretraining,
    state: State,
    scores: Mapping[str, Scores],
    start: StartFact | None,
    ranks: Ranks,
) -> Path:
    """Write the trained model, its tokenizer and its card to `folder`; `scores` are the last evaluation's, `start` what it started from. Of several ranks the first
    writes, and all wait."""
    order = order_scores(model, inputs, config, ranks)
    if ranks.first:
        model.set_attn_implementation("sdpa")  # what anyone has
        export(model, inputs.tokenizer, _card(model, inputs, config, state, scores, order, start, ranks), folder)
    ranks.sum([0])
    return folder


def _card(
    model: PreTrainedModel,
    inputs: Inputs,
    config: Pretraining,
    state: State,
    scores: Mapping[str, Scores],
    order: OrderScores | None,
    start: StartFact | None,
    ranks: Ranks,
) -> Card:
    size = config.model.size if isinstance(config.model.size, str) else "custom"
    kind, found = model.config.model_type, counts(model.config, config.objective.sentence_order)
    encoder = "embeddings and layers, with pooler, without head" if kind in POOLED else "embeddings and layers, without head"
    trained = "the model as trained, with " + ("pooler and both heads" if config.objective.sentence_order else "head, without pooler")
    cuda = ranks.device.type == "cuda"
    device = torch.cuda.get_device_name(ranks.device) if cuda else f"CPU ({platform.machine()}, {torch.get_num_threads()} threads)"
    return Card(
        name=config.name,
        shape=kind if start else f"{kind}-{size}",
        objective="causal" if config.causal else "masked",
        parameters={encoder: found.encoder, trained: found.model},
        corpus=corpus_fact(inputs.version.manifest),
        tokenizer=TokenizerFact(
            name=model_name(inputs.tokenizer), fingerprint=tokenizer_fingerprint(inputs.tokenizer), size=inputs.vocabulary.size
        ),
        training=TrainingFact(
            steps=state.step,
            tokens=state.tokens,
            epochs=state.sample / len(inputs.train),
            hours=state.seconds / 3600,
            device=f"{ranks.count} × {device}" if ranks.count > 1 else device,
            settings=config.deciding(),
        ),
        validation=facts(scores),
        unigram=facts(_unigram(inputs, config)),
        samples=_samples(model, inputs, config),
        order=OrderFact(**order.figures()) if order else None,
        start=start,
        software=software(),
    )


def facts(scores: Mapping[str, Scores]) -> dict[str, ScoreFact]:
    """Scores by source, as a card has them."""
    return {name: ScoreFact(**score.figures()) for name, score in scores.items()}


def _unigram(inputs: Inputs, config: Pretraining) -> dict[str, Scores]:
    """At the places that the model was asked for."""
    if inputs.held_out is None:
        return {}
    logarithms = unigram(inputs.tokens.split("train"), inputs.vocabulary)
    return evaluate_unigram(
        logarithms, inputs.held_out, inputs.vocabulary, inputs.tokens.sources, causal=config.causal, limit=config.evaluation.rows
    )


def _samples(model: PreTrainedModel, inputs: Inputs, config: Pretraining) -> tuple[SampleFact, ...]:
    """Of a decoder: from the start of a document, and after the first words of the first documents of the validation split."""
    if not config.causal:
        return ()
    tokenizer = load_tokenizer(inputs.tokenizer)
    held_out = inputs.tokens.splits.get("validation")
    opening = range(min(PROMPTS, len(held_out))) if held_out else ()
    prompts = ["", *(tokenizer.decode(held_out.document(number)[:PROMPT].tolist()) for number in opening if held_out)]
    words = inputs.vocabulary
    return samples(model, tokenizer, prompts, begin=words.cls, end=words.sep, tokens=CONTINUATION, seed=config.seed)
