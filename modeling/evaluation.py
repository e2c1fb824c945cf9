"""How well a model predicts text it was not trained on, by source, in a way that two models compare: the same rows, the same places, bits for each byte of text.

An encoder is asked for 15 % of the tokens, whole words at a time, whatever the rate of its training; a decoder for every token. Which places these are depends on the
seed and the row's number alone, so not on batch sizes or ranks, and neither do the sums: they are added place by place in 64 bits. Next to a model's scores stand those
of the unigram baseline over the same places: what predicting the training text's token frequencies everywhere gives. A model that is not far below it has learnt nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numba as nb
import numpy as np
import torch
import torch.distributed
from transformers import PreTrainedModel

from modeling.attention import is_causal
from modeling.cross_entropy import IGNORED
from modeling.model import forward_masked, next_tokens
from modeling.tokenizer import Vocabulary
from modeling.tokens.masking import Masking, masking
from modeling.tokens.order import row_of
from modeling.tokens.packing import Packed, Rows
from modeling.tokens.store import Split

RATE = 0.15
"""Of an encoder's evaluation, always: at another rate the task is another one, and losses don't compare. ModernBERT, MosaicBERT and Ettin train at 30 % and evaluate at
15 % too. A decoder is not asked for the end of a document: it is no text, and models without one compare."""
SEED = 2024
"""Of places and masks; the same for all models."""


@dataclass(frozen=True)
class Scores:
    """Sums over predictions: `nll` in nats, `right` those whose likeliest token was the right one, `bytes` of the text predicted (UTF-8, no spaces), `tokens` all.

    Pieces that stand for no text, [UNK] and a document's end among them, are not predicted: they would cost nats and give no bytes.
    """

    nll: float
    right: int
    bytes: int
    tokens: int

    @property
    def loss(self) -> float:
        """Nats a prediction. Depends on the tokenizer: compare only models that share one."""
        return self.nll / max(self.tokens, 1)

    @property
    def accuracy(self) -> float:
        """Share of predictions whose likeliest token was the right one."""
        return self.right / max(self.tokens, 1)

    @property
    def bits_per_byte(self) -> float:
        """Bits for each byte of the text predicted. Compares models with different tokenizers: an encoder's words are masked whole, so none gets half a word for free."""
        return self.nll / np.log(2) / max(self.bytes, 1)

    def figures(self) -> dict[str, float]:
        """What is logged and printed."""
        return {
            "loss": self.loss,
            "accuracy": self.accuracy,
            "bits_per_byte": self.bits_per_byte,
            "tokens": self.tokens,
            "bytes": self.bytes,
        }


def total(scores: Mapping[str, Scores]) -> Scores:
    """All sources together, each prediction once. Under a limit, what was asked of a source is not in proportion to its size."""
    found = list(scores.values())
    return Scores(*(sum(getattr(one, field) for one in found) for field in ("nll", "right", "bytes", "tokens")))


class Questions(NamedTuple):
    """Rows and what is asked of them: `ids`, `positions`, `pieces` [B, T] as `Packed` has them; `places`, `labels` (-100: nothing asked) and `sources` of each [B, K]."""

    ids: np.ndarray
    positions: np.ndarray
    pieces: np.ndarray
    places: np.ndarray
    labels: np.ndarray
    sources: np.ndarray


Predictor = Callable[[Questions], tuple[np.ndarray, np.ndarray]]
"""From questions to (negative log-likelihoods, was the likeliest token right), both [B, K]."""


def evaluate(
    model: PreTrainedModel,
    rows: Rows,
    vocabulary: Vocabulary,
    sources: Sequence[str],
    *,
    size: int,
    limit: int | None = None,
    autocast: torch.dtype | None = None,
    rank: int = 0,
    ranks: int = 1,
) -> dict[str, Scores]:
    """Scores of a model on `rows` of a split, by source (those that occur, in the order of `sources`, the token store's), `size` rows at a time on the model's device.

    `limit` takes at most so many rows of each source, drawn with a fixed seed; `autocast` computes in another precision; of several `ranks` each takes its part and all
    get the sums. The model is left in the mode it was in.
    """

    def predicted(asked: Questions) -> tuple[np.ndarray, np.ndarray]:
        tensors = (torch.from_numpy(values).to(model.device) for values in asked[:5])
        with torch.autocast(model.device.type, autocast, enabled=autocast is not None):
            nll, right = forward_masked(model, *tensors)
        return nll.cpu().numpy(), right.cpu().numpy()

    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            asked = questions(rows, vocabulary, causal=is_causal(model), size=size, limit=limit, rank=rank, ranks=ranks)
            sums = add_up(predicted, asked, vocabulary, len(sources))
    finally:
        model.train(was_training)
    return _by_source(over_ranks(sums, model.device) if ranks > 1 else sums, sources)


def evaluate_unigram(
    logarithms: np.ndarray,
    rows: Rows,
    vocabulary: Vocabulary,
    sources: Sequence[str],
    *,
    causal: bool,
    size: int = 64,
    limit: int | None = None,
) -> dict[str, Scores]:
    """Scores of always predicting the same frequencies (`unigram`), at the places that `evaluate` asks a model for."""
    likeliest = int(logarithms.argmax())

    def predicted(asked: Questions) -> tuple[np.ndarray, np.ndarray]:
        labels = np.maximum(asked.labels, 0)
        return -logarithms[labels], labels == likeliest

    return _by_source(
        add_up(predicted, questions(rows, vocabulary, causal=causal, size=size, limit=limit), vocabulary, len(sources)), sources
    )


def unigram(train: Split, vocabulary: Vocabulary) -> np.ndarray:
    """Natural logarithms of token frequencies [V] in a training split, each document as often as it stands there, with one more of each ordinary token.

    The one more gives a token that the split never has a chance (Laplace's rule); special and reserved ids have none.
    """
    counts = np.zeros(vocabulary.size, np.int64)
    _count(train.ids, train.offsets, train.copies, counts)
    chances = np.zeros(vocabulary.size)
    chances[vocabulary.ordinary] = counts[vocabulary.ordinary] + 1
    with np.errstate(divide="ignore"):
        return np.log(chances / chances.sum())


@nb.njit(cache=True, nogil=True)
def _count(ids, offsets, copies, counts):  # type: ignore[no-untyped-def]
    for document in range(len(copies)):
        for place in range(offsets[document], offsets[document + 1]):
            counts[ids[place]] += copies[document]


def questions(
    rows: Rows, vocabulary: Vocabulary, *, causal: bool, size: int, limit: int | None = None, rank: int = 0, ranks: int = 1
) -> Iterator[Questions]:
    """The rows in order, `size` at a time; a last batch that is not full is filled with a row of which nothing is asked, so that every batch has the same shape."""
    asked_of = _asked_of(rows, limit)
    numbers = np.flatnonzero(asked_of.any(1))[rank::ranks]
    masks = None if causal else masking(vocabulary, SEED, RATE, whole_words=True)
    for first in range(0, len(numbers), size):
        now = numbers[first : first + size]
        whole = np.concatenate([now, np.repeat(now[-1:], size - len(now))])
        asked = _asked(rows.batch(whole), whole, vocabulary, masks)
        asked.labels[~np.take_along_axis(asked_of[whole], asked.sources, 1)] = IGNORED
        asked.labels[len(now) :] = IGNORED
        yield asked


def _asked_of(rows: Rows, limit: int | None) -> np.ndarray:
    """Is a row asked of a source? Bool [rows, sources]. With a limit, of so many of the rows that hold the source, drawn; what other rows hold of it is not counted, so
    that a source's short documents, which stand in rows with those of others, weigh what they should."""
    row = np.repeat(np.arange(len(rows)), np.diff(rows.firsts))
    source = rows.split.source[rows.documents].astype(np.int64)
    asked_of = np.zeros((len(rows), int(rows.split.source.max()) + 1), np.bool_)
    asked_of[row, source] = True
    if limit is None:
        return asked_of
    for holds in asked_of.T:
        mine = np.flatnonzero(holds)
        drawn = row_of(np.arange(min(limit, len(mine))), max(len(mine), 1), SEED)
        holds[:] = False
        holds[mine[drawn]] = True
    return asked_of


def _asked(packed: Packed, numbers: np.ndarray, vocabulary: Vocabulary, masks: Masking | None) -> Questions:
    if masks:
        ids, places, labels = masks(packed, numbers)
    else:
        following = next_tokens(torch.from_numpy(packed.ids), torch.from_numpy(packed.pieces))
        ids, (places, labels) = packed.ids, (values.numpy().copy() for values in following)
    labels[(labels != IGNORED) & (vocabulary.byte_lengths[np.maximum(labels, 0)] == 0)] = IGNORED
    pieces = np.take_along_axis(packed.pieces, places, 1)
    sources = np.take_along_axis(packed.sources, np.maximum(pieces, 0).astype(np.int64), 1)
    return Questions(ids, packed.positions, packed.pieces, places, labels, np.maximum(sources, 0).astype(np.int64))


def add_up(predict: Predictor, batches: Iterator[Questions], vocabulary: Vocabulary, sources: int) -> np.ndarray:
    """Sums [sources, 4] in the order of `Scores`, in float64."""
    sums = np.zeros((sources, 4))
    for asked in batches:
        nll, right = predict(asked)
        counted = asked.labels != IGNORED
        labels, of = asked.labels[counted], asked.sources[counted]
        columns = (nll[counted], right[counted], vocabulary.byte_lengths[labels], np.ones(len(labels)))
        for column, values in enumerate(columns):
            np.add.at(sums[:, column], of, values.astype(np.float64))
    return sums


def over_ranks(sums: np.ndarray, device: torch.device) -> np.ndarray:
    """The sums of all ranks added up, on each; `device` is where the ranks' models are."""
    together = torch.from_numpy(sums).to(device)
    torch.distributed.all_reduce(together)
    return together.cpu().numpy()


def _by_source(sums: np.ndarray, sources: Sequence[str]) -> dict[str, Scores]:
    rows = zip(sources, sums.tolist(), strict=True)
    return {name: Scores(nll, int(right), int(held), int(tokens)) for name, (nll, right, held, tokens) in rows if tokens}
