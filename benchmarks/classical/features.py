"""Texts as sparse rows: words and letters in sequence, weighted by how rare they are (tf-idf)."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from benchmarks.scoring.spans import own_words

LETTERS = (3, 4, 5)
"""Lengths of sequences of letters, inside a word with a space to each side."""
LONGEST = 4000
"""Letters of a text that are looked at: ten times a comment's or a sentence's."""
MOST = 30_000
"""Features that are kept, the most frequent ones: with 60 classes a step of the regression then holds 300 MB."""

Counts = Counter[str]


def of_text(text: str) -> Counts:
    """How often each word and each sequence of letters occurs."""
    words = own_words(text[:LONGEST])
    found: Counts = Counter(f"w {word}" for word in words)
    for word in words:
        marked = f" {word} "
        found.update(marked[first : first + size] for size in LETTERS for first in range(len(marked) - size + 1))
    return found


def of_pair(first: str, second: str) -> Counts:
    """What both have, what one of them has alone, and the tenth of their words that is shared."""
    one, other = of_text(first), of_text(second)
    both = one & other
    found: Counts = Counter({f"= {name}": count for name, count in both.items()})
    found.update({f"< {name}": count for name, count in (one - both).items()})
    found.update({f"> {name}": count for name, count in (other - both).items()})
    found[f"# {int(10 * shared(first, second))}"] = 1
    return found


def shared(first: str, second: str) -> float:
    """Words of both texts over words of either (Jaccard)."""
    one, other = set(own_words(first)), set(own_words(second))
    return len(one & other) / max(1, len(one | other))


class Weights:
    """Which features are known, and the weight of each: 1 + ln((n + 1) / (rows with it + 1)), as scikit-learn's."""

    def __init__(self, rows: Sequence[Counts]) -> None:
        having: Counts = Counter(name for row in rows for name in row)
        kept = sorted(having, key=lambda name: (-having[name], name))[:MOST]
        self._number = {name: number for number, name in enumerate(kept)}
        self._weight = [1 + float(np.log((len(rows) + 1) / (having[name] + 1))) for name in kept]

    def __len__(self) -> int:
        return len(self._number)

    def matrix(self, rows: Iterable[Counts]) -> Tensor:
        """Rows [n, features] of length 1, float64, sparse. Of a count, 1 + ln is taken."""
        starts, columns, values = [0], [], []
        for row in rows:
            known = sorted((self._number[name], count) for name, count in row.items() if name in self._number)
            weighted = np.array([self._weight[number] * (1 + np.log(count)) for number, count in known])
            columns += [number for number, _ in known]
            values += (weighted / max(1e-12, float(np.sqrt((weighted**2).sum())))).tolist()
            starts.append(len(columns))
        parts = torch.tensor(starts), torch.tensor(columns, dtype=torch.int64), torch.tensor(values, dtype=torch.float64)
        with warnings.catch_warnings(), torch.sparse.check_sparse_tensor_invariants():
            warnings.simplefilter("ignore")  # that the kind of tensor is new
            return torch.sparse_csr_tensor(*parts, size=(len(starts) - 1, max(1, len(self))))
