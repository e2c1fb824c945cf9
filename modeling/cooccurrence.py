"""Vectors of tokens from what stands beside them: what counting knows of a language before a model is trained on it.

How often tokens stand within `WINDOW` places of one another, as positive pointwise mutual information with contexts smoothed by the power 0.75, cut down to a few
hundred dimensions by singular values (Levy, Goldberg and Dagan, TACL 2015; their window of 5, their power 0.5 of the singular values). A minute of counting does what
many thousand steps from random rows do: see `modeling/LOG.md`. Two use it: a model from scratch on little text or time (`model.embeddings: cooccurrence`), and the rows
of an extended vocabulary (FOCUS, which asks for vectors of all tokens of one text).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from transformers import PreTrainedModel

from modeling.adaptation.rows import vocabulary_weights
from modeling.tokens.order import row_of
from modeling.tokens.store import Split

WINDOW = 5
"""Places to either side."""
SMOOTHING = 0.75
"""Power of the frequencies of contexts: rare ones would otherwise be the most telling of all."""
CONTEXTS = 8192
"""The most frequent tokens are contexts; all tokens have vectors. It bounds memory: 64,000 tokens by as many contexts have hundreds of millions of pairs."""
MOST = 20_000_000
"""Ids that are counted of a store, in documents drawn by the seed: 8.7 million take a minute of CPU time with 8,000 tokens."""
BLOCK = 1 << 20
"""Ids that are counted at a time."""
DEVIATION = 0.02
"""Of the elements of a vector, as in BERT's random rows."""
UNSEEN = 0.5
"""Times that a token which never occurred is taken to have occurred, where logarithms are taken."""


class Document(NamedTuple):
    """Its ids, and how many times it counts."""

    ids: np.ndarray
    copies: int


class Pairs(NamedTuple):
    """Counts of tokens [size] and, sorted by key, of pairs: token t beside context c has the key t · CONTEXTS + c's number among `contexts` (ids, frequent first)."""

    tokens: np.ndarray
    contexts: np.ndarray
    keys: np.ndarray
    counts: np.ndarray


def drawn(split: Split, seed: int) -> list[Document]:
    """The documents of a split, in an order drawn by the seed, until they hold `MOST` ids."""
    order = row_of(np.arange(len(split)), len(split), seed) if len(split) else np.empty(0, np.int64)
    whole = np.searchsorted(np.cumsum(split.lengths()[order]), MOST) + 1
    return [Document(split.document(number), int(split.copies[number])) for number in order[:whole]]


def count(documents: Iterable[Document], size: int) -> Pairs:
    """Count the pairs of documents; none reaches from one document into the next."""
    documents = list(documents)
    tokens = np.zeros(size, np.float64)
    for document in documents:
        tokens += np.bincount(document.ids, minlength=size) * float(document.copies)
    contexts = np.lexsort((np.arange(size), -tokens))[: min(CONTEXTS, int((tokens > 0).sum()))]
    number = np.full(size, -1, np.int64)
    number[contexts] = np.arange(len(contexts))
    keys, counts = np.empty(0, np.int64), np.empty(0, np.float64)
    for ids, place, copies in _blocks(documents):
        found = [(keys, counts)]
        for distance in range(1, WINDOW + 1):
            left, right = ids[:-distance], ids[distance:]
            within = place[:-distance] == place[distance:]
            for token, context in ((left, number[right]), (right, number[left])):
                chosen = within & (context >= 0)
                found.append((token[chosen] * CONTEXTS + context[chosen], copies[distance:][chosen]))
        keys, counts = _summed(*(np.concatenate(parts) for parts in zip(*found, strict=True)))
    return Pairs(tokens, contexts, keys, counts)


def _blocks(documents: list[Document]) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """About `BLOCK` ids at a time: ids (int64), the number of the document that each is of, and how many times it counts."""
    held: list[Document] = []
    room = BLOCK
    for document in documents:
        held.append(document)
        room -= len(document.ids)
        if room <= 0:
            yield _joined(held)
            held, room = [], BLOCK
    if held:
        yield _joined(held)


def _joined(documents: list[Document]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    lengths = [len(document.ids) for document in documents]
    ids = np.concatenate([document.ids for document in documents]).astype(np.int64)
    copies = np.array([document.copies for document in documents], np.float64)
    return ids, np.repeat(np.arange(len(documents)), lengths), np.repeat(copies, lengths)


def _summed(keys: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each key once, ascending, with the sum of its counts."""
    if not len(keys):
        return keys, counts
    order = np.argsort(keys, kind="stable")
    keys, counts = keys[order], counts[order]
    first = np.flatnonzero(np.diff(keys, prepend=keys[0] - 1))
    return keys[first], np.add.reduceat(counts, first)


def vectors(pairs: Pairs, dimensions: int, seed: int) -> torch.Tensor:
    """A vector for each token [size, d], float32, of length 1 or, where the token never occurred, 0; d is `dimensions`, or fewer where tokens or contexts are.

    The decomposition is by random projection (torch.svd_lowrank), drawn by the seed: the same on the same number of torch's threads.
    """
    size = len(pairs.tokens)
    token, context = pairs.keys // CONTEXTS, pairs.keys % CONTEXTS
    rows = np.bincount(token, pairs.counts, size)
    smooth = np.bincount(context, pairs.counts, len(pairs.contexts)) ** SMOOTHING
    information = np.log(pairs.counts / (rows[token] * (smooth / smooth.sum())[context]))
    positive = information > 0
    if not positive.any():
        return torch.zeros(size, 0)
    where = torch.from_numpy(np.stack([token[positive], context[positive]]))
    values = torch.from_numpy(information[positive].astype(np.float32))
    matrix = torch.sparse_coo_tensor(where, values, (size, len(pairs.contexts)), is_coalesced=True, check_invariants=False)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        left, strengths, _ = torch.svd_lowrank(matrix, q=min(dimensions, *matrix.shape), niter=2)
    found = left * strengths.clamp(min=0).sqrt()
    seen = torch.from_numpy(rows > 0)
    found[seen] -= found[seen].mean(0)
    found[~seen] = 0
    return torch.nn.functional.normalize(found, dim=1)


@torch.no_grad()
def begin(model: PreTrainedModel, split: Split, seed: int) -> None:
    """Give a model from scratch what counting knows: vectors to the rows of its tokens, and to its output's bias, where it has one, how frequent they are.

    Rows of tokens that the split lacks stay as they were drawn, and so do columns beyond the vectors' own.
    """
    size = len(model.get_input_embeddings().weight)
    pairs = count(drawn(split, seed), size)
    for weights in vocabulary_weights(model):
        if weights.dim() == 1:
            likely = np.maximum(pairs.tokens, UNSEEN)
            weights.copy_(torch.from_numpy(np.log(likely / likely.sum())))
            continue
        known = vectors(pairs, weights.shape[1], seed)
        if known.shape[1]:
            seen = known.any(1)
            weights[seen.to(weights.device), : known.shape[1]] = (known[seen] * DEVIATION * known.shape[1] ** 0.5).to(weights)
