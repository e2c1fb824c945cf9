"""FOCUS (Dobler and de Melo, EMNLP 2023): a new token begins as a mixture of the old tokens that are used as it is.

Vectors of all tokens of the extended tokenizer are counted on text of the language (`modeling.cooccurrence`; the paper trains fastText on it). Cosines of a new token
with each old one that the text has, through sparsemax (Martins and Astudillo 2016), are the weights of the mixture: most are 0. A new token that the text lacks has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from modeling.cooccurrence import Document, count, vectors

DIMENSIONS = 300
"""Of the vectors, as in the paper."""
SAMPLE_BYTES = 64_000_000
"""Text that is counted: some 20 million tokens."""
TEXTS, ROWS = 256, 128
"""Texts that are cut into tokens at a time, and new tokens whose cosines are held at a time (with 250,000 old ones, 128 MB)."""


def mixtures(tokenizer: Tokenizer, texts: Iterable[tuple[str, int]], first: int, size: int) -> Tensor:
    """Weights [size - first, first], sparse: of each new token, whose ids begin at `first`, over the old ones. Rows sum to 1, or to 0 where nothing is known.

    `texts` are texts and how many times each counts.
    """
    known = vectors(count(_cut(tokenizer, texts), size), DIMENSIONS, seed=0)
    old = torch.nonzero(known[:first].any(1)).flatten()
    new = torch.nonzero(known[first:].any(1)).flatten()
    where, values = [torch.empty(2, 0, dtype=torch.int64)], [torch.empty(0)]
    for rows in new.split(ROWS) if len(old) else ():
        weights = sparsemax(known[first + rows] @ known[old].T)
        row, column = weights.nonzero(as_tuple=True)
        where.append(torch.stack([rows[row], old[column]]))
        values.append(weights[row, column])
    return torch.sparse_coo_tensor(torch.cat(where, 1), torch.cat(values), (size - first, first), check_invariants=True).coalesce()


def _cut(tokenizer: Tokenizer, texts: Iterable[tuple[str, int]]) -> Iterator[Document]:
    reading = iter(texts)
    while some := list(islice(reading, TEXTS)):
        found = tokenizer.encode_batch_fast([text for text, _ in some], add_special_tokens=False)
        for one, (_, copies) in zip(found, some, strict=True):
            yield Document(np.array(one.ids, np.uint32), copies)


def sparsemax(scores: Tensor) -> Tensor:
    """The nearest point to each row of scores among those that are no less than 0 and sum to 1."""
    ordered = scores.sort(dim=1, descending=True).values
    places = torch.arange(1, scores.shape[1] + 1, dtype=scores.dtype)
    above = ordered.cumsum(1) - 1
    support = (places * ordered > above).sum(1, keepdim=True)
    return (scores - above.gather(1, support - 1) / support).clamp(min=0)
