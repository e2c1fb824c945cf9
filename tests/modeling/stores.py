"""Small token stores and vocabularies for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from modeling.tokenizer import Vocabulary
from modeling.tokens import Part, Tokens, open_tokens, write_store

SIZE = 1000
VOCABULARY = Vocabulary(
    SIZE,
    0,
    1,
    2,
    3,
    4,
    frozenset(range(5)),
    np.arange(5, SIZE - 20),
    np.isin(np.arange(SIZE) % 3, [1]) & (np.arange(SIZE) > 4),
    np.where(np.arange(SIZE) < 5, 0, 4).astype(np.int32),
)
"""Five special ids, 20 reserved ones at the end; every third id goes on with a word."""


def store(folder: Path, lengths: Sequence[int], copies: Sequence[int] | None = None, **splits: Part) -> Tokens:
    """A store whose train split has documents of these lengths. Their ids count upwards through the vocabulary, from one document to the next."""
    sizes = np.array(lengths, np.int64)
    ids = 5 + np.arange(sizes.sum()) % (SIZE - 25)
    part = Part(ids.astype(np.uint16), sizes, np.arange(len(sizes)) % 2, np.array(copies or [1] * len(sizes)), sizes * 4)
    write_store(folder, {"train": [part], **{name: [own] for name, own in splits.items()}}, ("books", "news"))
    return open_tokens(folder)
