"""What a model is taught from: dialogues as tokens, and laid out in rows for a step."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from curation.document import Failure
from curation.errors import DollmaError
from modeling.adaptation.chat import Chat, Encoded, Unwritable
from modeling.adaptation.instructions import Dialogue, Templates, read
from modeling.adaptation.recipe import Instruct
from modeling.cross_entropy import IGNORED
from modeling.step import Asked


class Lesson(NamedTuple):
    """What a model is taught from: dialogues as tokens, how many of them were cut at the end, and the rows that can't be used."""

    dialogues: list[Encoded]
    cut: int
    failures: list[Failure]


def lessons(settings: Instruct, chat: Chat) -> Lesson:
    """The rows of the files as tokens. One whose question leaves no room for an answer is a failure; an answer that is too long is cut.

    Raises DollmaError where no row can be used.
    """
    templates = Templates(settings.prompt, settings.response) if settings.prompt is not None and settings.response is not None else None
    dialogues, failures, cut = [], [], 0
    for row in read([Path(name) for name in settings.data], templates):
        found = _encoded(row, chat, settings.length) if isinstance(row, Dialogue) else row
        if isinstance(found, Failure):
            failures.append(found)
            continue
        cut += len(found.ids) > settings.length
        dialogues.append(Encoded(found.ids[: settings.length], found.asked[: settings.length]))
    if not dialogues:
        why = f", the first: {failures[0].message}" if failures else ""
        raise DollmaError(f"{', '.join(settings.data)}: none of {len(failures):,} rows can be used{why}")
    return Lesson(dialogues, cut, failures)


def _encoded(dialogue: Dialogue, chat: Chat, length: int) -> Encoded | Failure:
    try:
        found = chat.encode(dialogue.turns)
    except Unwritable as error:
        return Failure(dialogue.place, "template", f"{dialogue.place}: {error}")
    if not found.asked[1:length].any():
        before = int(found.asked.argmax()) if found.asked.any() else len(found.ids)
        return Failure(dialogue.place, "too_long", f"{dialogue.place}: {before:,} tokens before the answer, rows have {length:,}")
    return found


def laid_out(dialogues: Sequence[Encoded], length: int, pad: int, micro: int) -> list[Asked]:
    """Dialogues side by side in rows of `length`, the longest first, each into the first row that has room; `micro` rows at a time. Asked for are the answers' tokens."""
    rows: list[list[Encoded]] = []
    room: list[int] = []
    for one in sorted(dialogues, key=lambda one: -len(one.ids)):
        row = next((number for number, left in enumerate(room) if left >= len(one.ids)), len(rows))
        if row == len(rows):
            rows.append([])
            room.append(length)
        rows[row].append(one)
        room[row] -= len(one.ids)
    return [_asked(rows[first : first + micro], length, pad) for first in range(0, len(rows), micro)]


def _asked(rows: Sequence[Sequence[Encoded]], length: int, pad: int) -> Asked:
    shape = (len(rows), length)
    ids, positions, pieces, wanted = (
        np.full(shape, pad, np.int64),
        np.zeros(shape, np.int64),
        np.full(shape, -1, np.int32),
        np.zeros(shape, np.bool_),
    )
    for row, held in enumerate(rows):
        place = 0
        for piece, one in enumerate(held):
            here = slice(place, place + len(one.ids))
            ids[row, here], positions[row, here], pieces[row, here] = one.ids, np.arange(len(one.ids)), piece
            wanted[row, here] = one.asked
            wanted[row, place] = False  # nothing stands before it
            place += len(one.ids)
    most = int(wanted.sum(1).max())
    places, labels = np.zeros((len(rows), most), np.int64), np.full((len(rows), most), IGNORED, np.int64)
    for row in range(len(rows)):
        at = np.flatnonzero(wanted[row])
        places[row, : len(at)], labels[row, : len(at)] = at - 1, ids[row, at]
    return Asked(*(torch.from_numpy(values) for values in (ids, positions, pieces, places, labels)))
