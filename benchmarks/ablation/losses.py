"""What each held-out document costs a model, in nats: the same documents in the same rows, the same places asked of all models.

An encoder is asked for 15 % of a row's tokens; each document therefore stands in several rows, where other places of it are asked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.ablation.held_out import HeldOut
from curation.errors import DollmaError
from curation.files import whole_file
from curation.fingerprint import fingerprint
from modeling.evaluation import Scores, evaluate, evaluate_unigram, unigram
from modeling.export import LOADERS, read_card
from modeling.quiet import quiet
from modeling.ranks import joined
from modeling.tokenizer import Vocabulary, load_tokenizer, vocabulary
from modeling.tokens import Rows, Specials, Split, Tokens, pack
from modeling.tokens.words import Encoder

METHOD = 1
"""Goes up when the same model and documents would give other losses."""
TIMES = 4
"""Of an encoder: rows that a document stands in. About half of its tokens are asked then."""
TOKENS = 512
"""Of a text, from its beginning."""
ROWS = 32
"""That a model is given at once."""


class Asked(NamedTuple):
    """The documents in rows; `numbers` are their names in the scores, in order."""

    rows: Rows
    vocabulary: Vocabulary
    numbers: list[str]
    fingerprint: str


class Losses(NamedTuple):
    """Of one run: nats and bytes by document [documents, 2], those of its corpus's token frequencies alone, what the run's card tells of its training, and the file."""

    model: np.ndarray
    unigram: np.ndarray
    trained: dict[str, Any]
    path: Path


def asked_of(held: HeldOut, tokenizer: Path, length: int, causal: bool) -> Asked:
    """The held-out documents in rows of `length`, as `tokenizer` cuts them."""
    known, encoder = vocabulary(tokenizer), Encoder(load_tokenizer(tokenizer))
    spelt = [(number, text) for number, document in enumerate(held.documents) for text in document.texts]
    ids, lengths = encoder([text for _, text in spelt])
    ends = np.cumsum(lengths)
    cut = [ids[end - size : end][:TOKENS] for end, size in zip(ends.tolist(), lengths.tolist(), strict=True)]
    split = Split(
        np.concatenate(cut),
        np.concatenate([[0], np.cumsum([len(one) for one in cut])]).astype(np.int64),
        np.array([number for number, _ in spelt], np.uint16),
        np.full(len(spelt), 1 if causal else TIMES, np.uint16),
        np.array([len(text.encode("utf-8", "surrogatepass")) for _, text in spelt], np.int32),
    )
    numbers = [str(number) for number in range(len(held.documents))]
    store = Tokens(tokenizer, {}, tuple(numbers), Specials(known.pad, known.cls, known.sep), {"validation": split})
    return Asked(pack(store, "validation", length, closed=not causal), known, numbers, fingerprint([METHOD, held.fingerprint]))


def losses(make: Callable[[], Path], path: Path, asked: Asked, train: Split, device: str) -> Losses:
    """The losses of a run, from `path` where they stand, or else of the model that `make` gives the folder of.

    Raises DollmaError for a file that is damaged.
    """
    if not path.is_file():
        found = _found(make(), asked, train, device)
        with whole_file(path) as temporary:
            temporary.write_text(json.dumps(found, ensure_ascii=False, allow_nan=False, indent=1) + "\n", encoding="utf-8")
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
        model, baseline = (np.array(read[name], np.float64).reshape(len(asked.numbers), 2) for name in ("model", "unigram"))
        return Losses(model, baseline, {name: float(read["trained"][name]) for name in ("steps", "tokens", "epochs")}, path)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DollmaError(f"{path}: damaged ({type(error).__name__}: {error}): remove it, and it is made again") from error


def _found(folder: Path, asked: Asked, train: Split, device: str) -> dict[str, Any]:
    card = read_card(folder)
    with joined(device) as ranks, quiet():
        model = LOADERS[card.objective].from_pretrained(folder).to(ranks.device)
        scores = evaluate(model, asked.rows, asked.vocabulary, asked.numbers, size=ROWS)
    frequencies = unigram(train, asked.vocabulary)
    baseline = evaluate_unigram(frequencies, asked.rows, asked.vocabulary, asked.numbers, causal=card.objective == "causal")
    return {
        "trained": {name: getattr(card.training, name) for name in ("steps", "tokens", "epochs")},
        "model": _by_document(scores, asked),
        "unigram": _by_document(baseline, asked),
    }


def _by_document(scores: Mapping[str, Scores], asked: Asked) -> list[list[float]]:
    """Nats and bytes; none of a document of which nothing is asked."""
    return [[scores[name].nll, scores[name].bytes] if name in scores else [0.0, 0.0] for name in asked.numbers]
