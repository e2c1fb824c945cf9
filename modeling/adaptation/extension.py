"""Extension: a model with pieces of another tokenizer, which its own then really uses.

New pieces go into the tokenizer's model, not among its added tokens: these are cut out of a text before any word is looked at, inside other words too, and pieces written
in bytes (`ĠulaÅŁ`) never match as such. LlamaTurk's 28,600 were added that way, and some 1,600 of them could be used at all.

| kind | what is new | why it is used |
|---|---|---|
| WordPiece | pieces | of all pieces that fit, the longest is taken |
| BPE | pieces and what comes about on the way to them, a merge for each, behind all old ones | the merges before leave just the two parts |
| Unigram | pieces with the donor's log probability, moved by the median difference at pieces that both have | only those likelier than any other way to cut them |

Pieces that the model's own normaliser or pre-tokeniser would never hand to it are left out. So old ids, merges and rows stay what they are; a new row is the mean of the
rows of what the piece was cut into before, or a mixture of rows of tokens that are used as it is (`modeling.adaptation.focus`), in the input and in the output alike: the
model begins with an opinion on every token.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from curation.errors import DollmaError
from modeling.adaptation.focus import mixtures
from modeling.adaptation.foreign import open_model, write_model
from modeling.adaptation.merging import Pair, merges_of
from modeling.adaptation.rows import add_rows
from modeling.adaptation.stated import Stated, read, with_vocabulary
from modeling.tokenizer import load_tokenizer
from modeling.tokenizer.kinds import BYTES
from modeling.tokenizer.letters import BYTE_OF
from modeling.tokenizer.saved import plain

MULTIPLE = 64
"""Numbers of ids are multiples of it: matrix kernels want one."""
BEFORE = ("a", "1", ".", "")
"""What may stand before a piece that goes on with a word."""
TOGETHER = 1024
"""Pieces of a BPE donor that are taken in together, first those that need no other. Of 7,269 for a tokenizer of English 5,886 need none, but `Azərbaycan` and `hüquq` do:
without what comes about on the way Azerbaijani sites take 2.46 tokens a word, with it 2.23; the donor itself takes 2.19, and the tokenizer took 6.58."""
UNKNOWN_PENALTY = 10.0
"""How much less likely than the least likely piece Unigram holds a character that has none."""


class Extended(NamedTuple):
    """An extended model: how many pieces are new, and the tokenizer's ids before and after."""

    folder: Path
    added: int
    old_size: int
    new_size: int


class New(NamedTuple):
    """A new piece; `cut`, the old ids of what it was cut into; `merges`, those that BPE needs up to it; `score`, Unigram's log probability."""

    piece: str
    cut: list[int]
    merges: tuple[Pair, ...] = ()
    score: float = 0.0


def extend(folder: Path, donor: Path, target: Path, wanted: int | None, texts: Iterable[tuple[str, int]] | None = None) -> Extended:
    """Write the model of `folder` with pieces that the tokenizer `donor` (a folder or a `tokenizer.json`) has and it has not to `target`.

    As many as `wanted`, the donor's first; None takes all. The number of ids becomes a multiple of 64, up where the donor has as many, else down if any remain.
    With `texts` of the language, and how many times each counts, new rows are FOCUS's mixtures; without, and for pieces that the texts lack, means.
    Raises DollmaError where the two write pieces in other ways (`##`, `▁`, bytes), where nothing is new, and as `open_model`.
    """
    opened, stated, giver = open_model(folder), read(folder), read(donor)
    _check_alike(stated, giver)
    first = stated.size
    most = None if wanted is None else _rounded_up(first + wanted) - first
    new = list(islice(_GROWN[stated.kind](stated, giver, _candidates(stated, giver, load_tokenizer(folder))), most))
    new = new[: max(0, _rounded_down(first + len(new)) - first)] or new
    if not new:
        raise DollmaError(f"{giver.path}: no piece that {stated.path} lacks and could use: take a donor trained on the language")
    content = _with(stated, first, new)
    weights = None if texts is None else mixtures(plain(Tokenizer.from_str(json.dumps(content))), texts, first, first + len(new))
    add_rows(opened.model, first, lambda rows: _begun(rows, [piece.cut for piece in new], weights))
    write_model(opened, content, {number: number for number in stated.tokens}, target)
    return Extended(target, len(new), first, first + len(new))


def _rounded_up(number: int) -> int:
    return -(-number // MULTIPLE) * MULTIPLE


def _rounded_down(number: int) -> int:
    return number // MULTIPLE * MULTIPLE


def _check_alike(stated: Stated, giver: Stated) -> None:
    ways = {(one.begin, one.inside): one for one in (stated, giver)}
    if len(ways) > 1:
        told = " but ".join(f"{one.path} writes pieces with {begin or inside}" for (begin, inside), one in ways.items())
        raise DollmaError(f"{told}: train a donor of the model's kind (`dollma tokenizer train --type`: wordpiece, byte-bpe, unigram)")
    if stated.kind == "Unigram" != giver.kind:
        raise DollmaError(
            f"{giver.path}: a {giver.kind} tokenizer has no probabilities, which Unigram needs: train a donor of --type unigram"
        )
    if stated.kind == "Unigram" and sorted(stated.tokens) != list(range(stated.size)):
        raise DollmaError(f"{stated.path}: ids with gaps between them, which Unigram can't hold with more pieces behind")


def _candidates(stated: Stated, giver: Stated, tokenizer: Tokenizer) -> list[str]:
    """The donor's pieces that are new and that the model may come across, the first learnt first; Unigram's by falling probability."""
    silent = {*giver.added, *giver.reserved, giver.unknown}
    own, byte_pieces = set(stated.tokens.values()), set(BYTES)
    pieces = [p for number, p in giver.pieces.items() if number not in silent and p not in own and p not in byte_pieces and giver.text(p)]
    if giver.kind == "Unigram":
        scores = dict(giver.content["model"]["vocab"])
        pieces.sort(key=lambda piece: (-scores[piece], piece))
    return [piece for piece in pieces if _met(stated, tokenizer, piece)]


def _met(stated: Stated, tokenizer: Tokenizer, piece: str) -> bool:
    """Do the tokenizer's normaliser and pre-tokeniser let a word through that holds this piece where it may stand?"""
    text = stated.text(piece)
    if stated.bytewise:
        if not all(c in BYTE_OF for c in text):
            return False
        try:
            text = bytes(BYTE_OF[c] for c in text).decode()
        except UnicodeDecodeError:  # a part of a letter, which stands in some word
            return True
    begins = piece.startswith(stated.begin) if stated.begin else not piece.startswith(stated.inside)
    if begins:
        return any(piece in _words(tokenizer, before + text) for before in ("", " "))
    within = stated.text(piece)
    longer = bool(stated.inside)
    return any(
        word.endswith(within) and len(word) >= len(within) + longer for before in BEFORE for word in _words(tokenizer, before + text)
    )


def _words(tokenizer: Tokenizer, text: str) -> list[str]:
    normalised = tokenizer.normalizer.normalize_str(text) if tokenizer.normalizer else text
    return [word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normalised)] if tokenizer.pre_tokenizer else [normalised]


def _word_pieces(stated: Stated, _giver: Stated, candidates: list[str]) -> Iterator[New]:
    ids = {piece: number for number, piece in stated.pieces.items()}
    for piece in candidates:
        yield New(piece, list(_longest(ids, stated, piece)))


def _longest(ids: dict[str, int], stated: Stated, piece: str) -> Iterator[int]:
    """What WordPiece cuts a piece into: the longest first. Characters that it has not are passed over."""
    text, place = stated.text(piece), 0
    while place < len(text):
        prefix = "" if place == 0 and piece == text else stated.inside
        ends = (end for end in range(len(text), place, -1) if prefix + text[place:end] in ids)
        if end := next(ends, None):
            yield ids[prefix + text[place:end]]
        place = end or place + 1


def _byte_pairs(stated: Stated, _giver: Stated, candidates: list[str]) -> Iterator[New]:
    """Some candidates at a time: first those that are cut into two, and what these make possible; then the others, with what must come about on the way to them."""
    growing = _Growing(stated)
    for first in range(0, len(candidates), TOGETHER):
        now = candidates[first : first + TOGETHER]
        for candidate in now:
            yield from growing.joined(candidate)
        for candidate in now:
            yield from growing.reached(candidate)


class _Growing:
    """A BPE vocabulary that grows: old merges, and behind them new ones."""

    def __init__(self, stated: Stated) -> None:
        self.ids = {piece: number for number, piece in stated.pieces.items()}
        self.known = set(self.ids)
        self.old, self.merges = merges_of(stated.content["model"]), merges_of(stated.content["model"])
        self.waiting = defaultdict[str, list[str]](list)
        """Pieces that are cut into more than two, by what two neighbours of their parts would make."""
        self.untold: list[Pair] = []

    def joined(self, candidate: str) -> Iterator[New]:
        """The piece if it is cut into two parts, and those that waited for it; else it waits."""
        queue = deque([candidate])
        while queue:
            piece = queue.popleft()
            parts = self.merges.cut(piece)[0]
            if piece in self.known:
                continue
            if len(parts) <= 2 and (len(parts) == 1 or self.known.issuperset(parts)):
                yield self._added(piece, parts)
                queue += self.waiting.pop(piece, [])
            else:
                for left, right in pairwise(parts):
                    self.waiting[self.merges.joined(left, right)].append(piece)

    def reached(self, candidate: str) -> Iterator[New]:
        """The piece, if it is not there yet, from its beginning on: stems are shared by more words than endings are."""
        if candidate in self.known:
            return
        for part in self.merges.cut(candidate)[0]:
            if part not in self.known:
                yield self._added(part, [part])
        while len(parts := self.merges.cut(candidate)[0]) > 1:
            piece = self.merges.joined(*parts[:2])
            if piece in self.known:  # by another merge, which does not come about here
                self._merge(parts[0], parts[1])
            else:
                yield self._added(piece, parts[:2])

    def _added(self, piece: str, parts: list[str]) -> New:
        self.known.add(piece)
        if len(parts) == 2:
            self._merge(parts[0], parts[1])
        told, self.untold = tuple(self.untold), []
        return New(piece, list(_byte_parts(self.ids, self.old.cut(piece)[0])), told)

    def _merge(self, left: str, right: str) -> None:
        self.merges.ranks[left, right] = len(self.merges.ranks)
        self.untold.append((left, right))


def _byte_parts(ids: dict[str, int], parts: list[str]) -> Iterator[int]:
    """Ids of parts; of the bytes of what has none, where there are such pieces."""
    for part in parts:
        names = [part] if part in ids else [BYTES[byte] for byte in part.encode("utf-8", "surrogatepass")]
        yield from (ids[name] for name in names if name in ids)


def _likely_pieces(stated: Stated, giver: Stated, candidates: list[str]) -> Iterator[New]:
    """By falling probability, so that no later piece can make a likelier way to cut an earlier one."""
    vocabulary, given = stated.content["model"]["vocab"], dict(giver.content["model"]["vocab"])
    silent = {*stated.added, stated.unknown}
    old = {piece: score for number, (piece, score) in enumerate(vocabulary) if number not in silent}
    ids = {piece: number for number, piece in stated.pieces.items()}
    silent_there = {giver.pieces.get(number or 0) for number in (*giver.added, giver.unknown)} | set(BYTES)
    shared = [old[piece] - given[piece] for piece in old if piece in given and piece not in silent_there]
    if not shared:
        raise DollmaError(f"{giver.path}: no piece in common with {stated.path}: their probabilities can't be compared")
    moved, least = float(np.median(shared)), min(score for _, score in vocabulary)
    grown = dict(old)
    for piece in candidates:
        score = max(given[piece] + moved, least)
        if score > _likeliest(grown, piece, least)[0]:
            grown[piece] = score
            yield New(piece, [ids[part] for part in _likeliest(old, piece, least)[1]], score=score)


def _likeliest(scores: dict[str, float], text: str, least: float) -> tuple[float, list[str]]:
    """The likeliest way to cut a text into pieces (Viterbi): its log probability, and the pieces; characters that have none are not among these."""
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(text) + 1):
        ways = [(best[begin][0] + scores[text[begin:end]], begin) for begin in range(end) if text[begin:end] in scores]
        best.append(max(ways, default=(best[end - 1][0] + least - UNKNOWN_PENALTY, end - 1), key=lambda way: way[0]))
    parts, end = list[str](), len(text)
    while end:
        begin = best[end][1]
        parts.append(text[begin:end])
        end = begin
    return best[-1][0], [part for part in reversed(parts) if part in scores]


_GROWN: dict[str, Callable[[Stated, Stated, list[str]], Iterator[New]]] = {
    "WordPiece": _word_pieces,
    "BPE": _byte_pairs,
    "Unigram": _likely_pieces,
}


def _with(stated: Stated, first: int, new: list[New]) -> dict[str, Any]:
    """The tokenizer with new pieces. Added tokens become pieces too, at the ids that they have: `tokenizers` would number them behind the new ones."""
    model = stated.content["model"]
    pieces = stated.added | stated.pieces | {first + place: one.piece for place, one in enumerate(new)}
    merges = [*model["merges"], *(list(pair) for one in new for pair in one.merges)] if stated.kind == "BPE" else []
    scores: dict[str, float] = {}
    if stated.kind == "Unigram":
        least = min(score for _, score in model["vocab"])
        scores = dict.fromkeys(stated.added.values(), least) | dict(model["vocab"]) | {one.piece: one.score for one in new}
    return with_vocabulary(stated, pieces, scores, merges)


def _begun(rows: Tensor, cuts: list[list[int]], weights: Tensor | None) -> Tensor:
    """New rows: mixtures where weights are known, else means."""
    found = means(rows, cuts)
    if weights is None:
        return found
    mixed = (weights @ rows.float().reshape(len(rows), -1)).reshape(-1, *rows.shape[1:])
    known = weights.sum(1).to_dense() > 0
    found[known] = mixed[known]
    return found


def means(rows: Tensor, cuts: list[list[int]]) -> Tensor:
    """The mean of the rows (matrix or vector) of each cut, float32; where a cut is empty, the mean of all rows."""
    table = rows.float().reshape(len(rows), -1)
    offsets = torch.tensor([0, *(len(cut) for cut in cuts)]).cumsum(0)[:-1]
    found = functional.embedding_bag(torch.tensor(list(chain.from_iterable(cuts)), dtype=torch.int64), table, offsets, mode="mean")
    empty = torch.tensor([not cut for cut in cuts])
    found[empty] = table.mean(0)
    return found.reshape(-1, *rows.shape[1:])
