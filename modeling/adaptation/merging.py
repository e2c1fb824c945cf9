"""Byte-pair encoding of single pieces by given merges: how a piece comes about, and what it is cut into where it is not in a vocabulary."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NamedTuple

Pair = tuple[str, str]


class Merges(NamedTuple):
    """What `tokenizers` merges: the rank of each pair, the lowest first; the sign before a piece that goes on with a word, and the one after a word's last."""

    ranks: dict[Pair, int]
    prefix: str
    suffix: str

    def joined(self, left: str, right: str) -> str:
        """What a pair becomes."""
        return left + right.removeprefix(self.prefix)

    def symbols(self, piece: str) -> list[str]:
        """The characters that a piece begins as."""
        goes_on = bool(self.prefix) and piece.startswith(self.prefix) and len(piece) > len(self.prefix)
        body = piece.removeprefix(self.prefix) if goes_on else piece
        ended = bool(self.suffix) and body.endswith(self.suffix) and len(body) > len(self.suffix)
        characters = body.removesuffix(self.suffix) if ended else body
        symbols = [self.prefix + c if place or goes_on else c for place, c in enumerate(characters)]
        return [*symbols[:-1], symbols[-1] + self.suffix] if ended else symbols

    def cut(self, piece: str) -> tuple[list[str], list[str]]:
        """(what a piece by itself is cut into, all that came about on the way): always the leftmost of the pairs that rank first, until there is none."""
        parts = self.symbols(piece)
        made = list(parts)
        while len(parts) > 1:
            ranked = [(self.ranks[pair], place) for place, pair in enumerate(pairwise(parts)) if pair in self.ranks]
            if not ranked:
                break
            _, place = min(ranked)
            parts[place : place + 2] = [self.joined(*parts[place : place + 2])]
            made.append(parts[place])
        return parts, made


def merges_of(model: Mapping[str, Any]) -> Merges:
    """The merges that a BPE model states."""
    ranks = {(left, right): rank for rank, (left, right) in enumerate(model["merges"])}
    return Merges(ranks, model["continuing_subword_prefix"] or "", model["end_of_word_suffix"] or "")
