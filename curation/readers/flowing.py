"""Text without pages of its own (e-books, word processors) as pages of a book: the printed pages it tells of, or else its parts in order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from curation.extractors.flow import Piece
from curation.extractors.layout import Heading, PageText
from curation.extractors.layout.kinds import Kind


class _Placed(NamedTuple):
    number: int
    """Of the page that it belongs to, from 1."""
    label: str | None
    kind: Kind
    piece: Piece


def page_texts(sections: Sequence[tuple[Kind, Sequence[Piece]]]) -> list[PageText]:
    """The pages of a book that comes as sections (files) of pieces.

    Where no piece begins a printed page, each piece is one, numbered from 1. Else a page holds all that stands between two printed numbers, and what comes
    before the first, or is of another kind, is `[1]`, `[2]`, … by its place, as libraries cite pages without a number.
    """
    printed = any(piece.page is not None for _, pieces in sections for piece in pieces)
    placed = groupby(_placed(sections, printed), key=lambda of: of.number)
    return [_page(number, list(of), printed) for number, of in placed]


def _placed(sections: Sequence[tuple[Kind, Sequence[Piece]]], printed: bool) -> Iterable[_Placed]:
    number, label, last = 0, None, ""
    for kind, pieces in sections:
        for piece in pieces:
            if not printed or piece.page is not None or kind != last or not number:
                number += 1
            label = piece.page if piece.page is not None else label
            last = kind
            yield _Placed(number, label, kind, piece)


def _page(number: int, placed: Sequence[_Placed], printed: bool) -> PageText:
    """One page of its pieces, with the chapters that begin in it."""
    texts: list[str] = []
    size, joint = 0, ""
    headings = []
    for _, _, _, piece in placed:
        if piece.text and texts:
            texts.append(joint)
            size += len(joint)
        if piece.chapter is not None:
            headings.append(Heading(size, piece.chapter))
        texts.append(piece.text)
        size += len(piece.text)
        joint = piece.joint if piece.text else max(joint, piece.joint, key=len)
    first = placed[0]
    numbered = first.label is not None and (first.kind == "body" or first.piece.page is not None)
    own = str(number) if not printed else str(first.label) if numbered else f"[{number}]"
    text = "".join(texts)
    return PageText(number, own, text, first.kind if text else "empty", "text" if text else "none", None, joint, tuple(headings))


def has_text(pages: Iterable[PageText]) -> bool:
    """Whether any page has any."""
    return any(page.text for page in pages)
