"""A tokenizer as its `tokenizer.json` states it: pieces and their ids, and the places where ids stand, so that a vocabulary can be cut down or grown.

Ids stand in more places than the vocabulary: added tokens, the templates that put special tokens around a text, padding, the unknown piece of Unigram; and in
`tokenizer_config.json`, `config.json` and `generation_config.json`, which `modeling.adaptation.foreign` writes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from curation.errors import DollmaError
from modeling.tokenizer import load_tokenizer
from modeling.tokenizer.saved import RESERVED, tokenizer_file

KINDS = ("WordPiece", "BPE", "Unigram")
Content = dict[str, Any]


@dataclass(frozen=True)
class Stated:
    """`content` is the JSON; `pieces` the model's own vocabulary, piece by id; `added` the tokens that text is searched for before any model sees it, by id, which may or
    may not be in `pieces`. `begin` and `inside` are what is written before a piece that begins a word and one that goes on."""

    path: Path
    content: Content
    pieces: dict[int, str]
    added: dict[int, str]
    begin: str
    inside: str

    @property
    def kind(self) -> str:
        """WordPiece, BPE or Unigram."""
        return str(self.content["model"]["type"])

    @cached_property
    def tokens(self) -> dict[int, str]:
        """All tokens by id."""
        return self.pieces | self.added

    @cached_property
    def size(self) -> int:
        """One more than the highest id: the rows that a model needs."""
        return max(self.tokens, default=-1) + 1

    @property
    def bytewise(self) -> bool:
        """Are pieces bytes, written as letters?"""
        return self.begin == "Ġ"

    @cached_property
    def unknown(self) -> int | None:
        """The id of what stands for characters that can't be written, if there is one."""
        model = self.content["model"]
        if self.kind == "Unigram":
            return None if model["unk_id"] is None else int(model["unk_id"])
        return next((number for number, piece in self.pieces.items() if piece == model.get("unk_token")), None)

    @property
    def reserved(self) -> set[int]:
        """`[unused…]` and such, which stand for nothing."""
        return {number for number, piece in self.pieces.items() if RESERVED.fullmatch(piece)}

    def text(self, piece: str) -> str:
        """What a piece writes of a word, without the sign that it begins one or goes on."""
        return piece.removeprefix(self.inside) if self.inside else piece.removeprefix(self.begin)


def read(folder: Path) -> Stated:
    """The tokenizer of a folder, or of a `tokenizer.json`.

    Raises DollmaError for a damaged one, ids that have nothing to do with the number of tokens, and a kind whose vocabulary can't be changed (word lists).
    """
    path = tokenizer_file(folder)
    content: Content = json.loads(load_tokenizer(folder).to_str())  # in the form of today, whatever version wrote it
    written = json.loads(path.read_text(encoding="utf-8"))
    content |= {name: written.get(name) for name in ("truncation", "padding")}
    model = content["model"]
    if model["type"] == "Unigram":
        model["vocab"] = written["model"]["vocab"]  # the library rounds the last digit of a score
    if model["type"] not in KINDS:
        raise DollmaError(f"{path}: a {model['type']} tokenizer, whose vocabulary can't be trimmed or extended: {', '.join(KINDS)} can")
    added = {token["id"]: token["content"] for token in content["added_tokens"]}
    inside = model.get("continuing_subword_prefix") or ""
    begin = "" if inside else "Ġ" if '"ByteLevel"' in json.dumps([content["pre_tokenizer"], content["decoder"]]) else "▁"
    stated = Stated(path, content, _pieces(model), added, begin, inside)
    if stated.size > 2 * len(stated.tokens):  # arrays are made by ids
        raise DollmaError(f"{path}: {len(stated.tokens):,} tokens, but ids up to {stated.size - 1:,}: take it from an undamaged copy")
    return stated


def _pieces(model: Content) -> dict[int, str]:
    if model["type"] == "Unigram":
        return {number: piece for number, (piece, _) in enumerate(model["vocab"])}
    return {number: piece for piece, number in sorted(model["vocab"].items(), key=lambda one: one[1])}


def with_vocabulary(stated: Stated, pieces: Mapping[int, str], scores: Mapping[str, float], merges: list[list[str]]) -> Content:
    """The content with another vocabulary: `pieces` by id, for Unigram without gaps; `scores` are Unigram's, `merges` BPE's."""
    model = dict(stated.content["model"])
    ordered = sorted(pieces.items())
    if stated.kind == "Unigram":
        model["vocab"] = [[piece, scores[piece]] for _, piece in ordered]
    else:
        model["vocab"] = {piece: number for number, piece in ordered}
    if stated.kind == "BPE":
        model["merges"] = merges
    return stated.content | {"model": model}


def renumbered(content: Content, numbers: Mapping[int, int]) -> Content:
    """The content, its vocabulary apart, with new ids for old ones. All ids of special and added tokens must have one."""
    changed = dict(content)
    if (unknown := content["model"].get("unk_id")) is not None:
        changed["model"] = content["model"] | {"unk_id": numbers[unknown]}
    tokens = sorted((token | {"id": numbers[token["id"]]} for token in content["added_tokens"]), key=lambda token: int(token["id"]))
    changed["added_tokens"] = tokens
    if content["post_processor"]:
        changed["post_processor"] = _template(content["post_processor"], numbers)
    if content["padding"]:
        changed["padding"] = content["padding"] | {"pad_id": numbers[content["padding"]["pad_id"]]}
    return changed


def template_ids(content: Content) -> set[int]:
    """Ids that the templates around a text and padding name: they must stay, added tokens or not."""
    asked = _Asked()
    renumbered(content, asked)
    return set(asked)


class _Asked(dict[int, int]):
    """Ids as they are; which were asked for."""

    def __missing__(self, number: int) -> int:
        self[number] = number
        return number


def _template(part: Content, numbers: Mapping[int, int]) -> Content:
    """A post-processor with new ids: those of BERT and RoBERTa hold pairs of token and id, templates a list of ids by token, sequences hold others."""
    changed = dict(part)
    for name in ("sep", "cls"):
        if name in part:
            changed[name] = [part[name][0], numbers[part[name][1]]]
    if part["type"] == "TemplateProcessing":
        changed["special_tokens"] = {
            name: token | {"ids": [numbers[number] for number in token["ids"]]} for name, token in part["special_tokens"].items()
        }
    if part["type"] == "Sequence":
        changed["processors"] = [_template(one, numbers) for one in part["processors"]]
    return changed
