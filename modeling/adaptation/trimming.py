"""Trimming: a model without the pieces that a language's text never uses. Of XLM-R's 250,002 pieces 12 MB of laws, sites and poetry in Azerbaijani use 12,457, and
rows for all are two thirds of the base model. With 17,152 of them it computes the same, and other sites take 1.81 tokens a word instead of 1.78.

What stays are the pieces that the counted text uses; all special and added tokens; what anything can be written with; and what these need to come about:

| kind | writes anything with | why the counted text is cut as before |
|---|---|---|
| WordPiece | single characters, as the first and as a further one | of all pieces that fit the longest is taken: without others it still is the longest |
| BPE | its bytes, or single characters | the merges that make a used piece stay, with all that comes about on the way; others were not applied |
| Unigram | its bytes, or single characters | the likeliest way to cut a word is among those that stay; so is the least likely piece: what is unknown weighs 10 less |

Ids keep their order, so XLM-R's first four stay where its positions expect them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import regex
import torch

from curation.errors import DollmaError
from modeling.adaptation.foreign import Foreign, named_ids, open_model, write_model
from modeling.adaptation.merging import merges_of
from modeling.adaptation.rows import select_rows
from modeling.adaptation.stated import Stated, read, template_ids, with_vocabulary
from modeling.attention import position_offset
from modeling.tokenizer import load_tokenizer
from modeling.tokenizer.kinds import BYTES, SPACE
from modeling.tokenizer.letters import BYTE_OF
from modeling.tokenizer.saved import of_the_library
from modeling.tokens.words import Encoder

BYTE_PIECES = frozenset(BYTES)
MULTIPLE = 64
"""Numbers of rows are multiples of it: matrix kernels want one."""
AT_ONCE = 4_000_000
"""Characters that are counted at once, about."""
MANY = regex.compile(r"[\p{Han}\p{Hangul}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Ethiopic}\p{Yi}\p{Canadian_Aboriginal}\p{Vai}\p{Cherokee}]")
"""Scripts of hundreds of signs and more, of which only those stay that the text uses: 10,475 of XLM-R's 15,397 single characters. Alphabets stay whole."""


class Trimmed(NamedTuple):
    """A trimmed model: ids that were kept and dropped, and the share of the counted tokens whose ids were kept (1.0: the text is cut as before)."""

    folder: Path
    kept: int
    dropped: int
    lossless: float


def count(folder: Path, texts: Iterable[str]) -> np.ndarray:
    """How often a folder's tokenizer uses each of its ids (int64, by id) in texts, whatever their order. Raises DollmaError for a tokenizer that fails on a text."""
    stated, encoder = read(folder), Encoder(load_tokenizer(folder))
    counts = np.zeros(stated.size, np.int64)
    for batch in _batches(texts):
        try:
            ids = encoder(batch)[0]
        except BaseException as error:
            if not of_the_library(error):
                raise
            raise DollmaError(f"{stated.path}: the tokenizer fails on a text ({error}): take it from an undamaged copy") from error
        counts += np.bincount(ids, minlength=len(counts))
    return counts


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    batch, size = list[str](), 0
    for text in texts:
        batch.append(text)
        size += len(text)
        if size >= AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def trim(folder: Path, counts: np.ndarray, keep: int | None, target: Path) -> Trimmed:
    """Write the model of `folder` with fewer tokens to `target`: all that `counts` (of `count`) says are used, or the most frequent up to `keep` ids in all.

    Either way rounded up to a multiple of 64 with the next pieces of the old vocabulary, where it has as many. Text that is cut as before gives the logits it gave,
    for the ids that were kept. Raises DollmaError for counts of another tokenizer, for a `keep` that what must stay exceeds, and as `open_model`.
    """
    opened, stated = open_model(folder), read(folder)
    if counts.shape != (stated.size,) or (counts < 0).any():
        raise DollmaError(f"{stated.path}: {stated.size:,} ids, but counts of {len(counts):,}: count the text with this tokenizer")
    chosen = _chosen(stated, counts, keep, _needed(opened, stated))
    numbers = numbering(stated, chosen)
    ids = torch.tensor(list(numbers), dtype=torch.int64)
    padding = opened.model.get_input_embeddings().padding_idx
    select_rows(opened.model, ids, None if padding is None else numbers.get(padding))
    write_model(opened, _cut_down(stated, numbers), numbers, target)
    kept = counts[ids.numpy()].sum()
    return Trimmed(target, len(numbers), len(stated.tokens) - len(numbers), float(kept / max(counts.sum(), 1)) if counts.any() else 1.0)


def numbering(stated: Stated, chosen: set[int]) -> dict[int, int]:
    """New ids by old: in their order, added tokens that stand outside the model's vocabulary behind it, where `tokenizers` puts them."""
    ordered = sorted(chosen, key=lambda number: (number not in stated.pieces, number))
    return {old: new for new, old in enumerate(ordered)}


def _needed(opened: Foreign, stated: Stated) -> set[int]:
    """Ids that stay whatever the text: special and added tokens, those that configurations name, the unknown one, bytes; and all up to the padding token's where
    positions are counted from it."""
    needed = {*stated.added, *named_ids(opened.model), *template_ids(stated.content)}
    bytewise = BYTE_OF if stated.bytewise else BYTE_PIECES
    needed |= {number for number, piece in stated.pieces.items() if piece in bytewise}
    if stated.unknown is not None:
        needed.add(stated.unknown)
    if stated.kind == "Unigram":
        scores = [score for _, score in stated.content["model"]["vocab"]]
        needed.add(scores.index(min(scores)))
    needed |= set(range(position_offset(opened.model)))
    return needed & set(stated.tokens)


def _letters(stated: Stated, used: Iterable[int]) -> set[int]:
    """Pieces of single characters that stay: those of characters that the text uses, and where nothing else writes what is unknown, all but those of large scripts."""
    if stated.bytewise:
        return set()
    fallback = bool(stated.content["model"].get("byte_fallback"))
    seen = {c for number in used for c in stated.text(stated.tokens[number])}
    singles = {number: character for number, piece in stated.pieces.items() if len(character := stated.text(piece) or piece) == 1}
    return {number for number, c in singles.items() if c in seen or c == SPACE or not (fallback or MANY.match(c))}


def _chosen(stated: Stated, counts: np.ndarray, keep: int | None, needed: set[int]) -> set[int]:
    used = sorted(np.flatnonzero(counts).tolist(), key=lambda number: (-counts[number], number))
    chosen, parts = set(needed), _Parts(stated)
    for number in [*sorted(needed), *sorted(_letters(stated, used))]:
        chosen |= parts.of(number)
    least = len(chosen)
    if keep is not None and least > keep:
        raise DollmaError(
            f"{stated.path}: keep={keep:,}: {least:,} ids must stay (special tokens, letters or bytes, and what they are made of): keep more"
        )
    if keep is None:
        for number in used:
            chosen |= parts.of(number)
    most = min(-(-(keep or len(chosen)) // MULTIPLE) * MULTIPLE, len(stated.tokens))
    last = stated.reserved | {number for number, piece in stated.pieces.items() if MANY.search(piece)}
    unused = sorted(set(stated.tokens) - set(used), key=lambda number: (number in last, number))
    for number in [*used, *unused]:
        if len(chosen) == most:
            break
        if number not in chosen and len(chosen) + len(more := parts.of(number) - chosen) <= most:
            chosen |= more
    return chosen


class _Parts:
    """What a piece needs: itself, and in BPE all that comes about on the way to it."""

    def __init__(self, stated: Stated) -> None:
        self.stated = stated
        self.merges = merges_of(stated.content["model"]) if stated.kind == "BPE" else None
        self.ids = {piece: number for number, piece in stated.pieces.items()}

    def of(self, number: int) -> set[int]:
        """Ids that must stay so that this one is still used as it was."""
        piece = self.stated.pieces.get(number)
        if self.merges is None or piece is None or number in self.stated.added:
            return {number}
        parts, made = self.merges.cut(piece)
        return {number, *(self.ids[part] for part in made)} if parts == [piece] else {number}


def _cut_down(stated: Stated, numbers: dict[int, int]) -> dict[str, object]:
    pieces = {new: stated.pieces[old] for old, new in numbers.items() if old in stated.pieces}
    left, model = set(pieces.values()), stated.content["model"]
    scores = dict(model["vocab"]) if stated.kind == "Unigram" else {}
    merges: list[list[str]] = []
    if stated.kind == "BPE":
        joined = merges_of(model).joined
        merges = [[a, b] for a, b in model["merges"] if a in left and b in left and joined(a, b) in left]
    return with_vocabulary(stated, pieces, scores, merges)
