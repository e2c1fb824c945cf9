"""What a task is: where its rows are from, how they are read, and what is known of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

SPLITS = ("train", "validation", "test")
NATIVE, BY_PEOPLE, BY_MACHINE = "native", "translated by people", "translated by machine"
UNKNOWN = "not known to us"


class Fields(NamedTuple):
    """How a row becomes an item: names of its fields, and what their values mean."""

    texts: tuple[str, ...]
    """What is asked, in the order of the kind's texts; two names with a space between are joined by one."""
    answer: str
    """The label, the labels, the score, or SQuAD's answers."""
    id: str | None = None
    """The row's own number; the line's number where there is none. Several names with spaces between are joined by dashes."""
    values: Mapping[str | int, str] = {}
    """Labels by what stands in a row; empty where the labels themselves do."""
    choices: tuple[str, ...] = ()
    """Of what may be answered: the field that lists it, or a field each."""
    said: Mapping[str, str] = {}
    """What stands for a value of a text's field, to make words of a code."""
    form: str | None = None
    """Another form of rows than the kind's own: `bracketed` words, or pairs that are `alike` from a score on."""
    bounds: tuple[float, float] | None = None
    """Least and largest score; of pairs that are `alike`, the least at which they are, and the largest."""
    shuffled: bool = False
    """Choices are laid in an order that the id draws."""
    unanswerable: bool = False
    """Questions without an answer are kept, and answered by an empty text; otherwise they are left out and counted."""


class HubData(NamedTuple):
    """A dataset repository on the Hugging Face Hub. `revision` is None where nobody here could check one: such a repository is not downloaded."""

    id: str
    revision: str | None
    files: Mapping[str, str]


class Task(NamedTuple):
    """A task. No field has a default: what is not known is written down as that."""

    name: str
    title: str
    kind: str
    language: str
    folder: str
    """Below the folder of the data."""
    files: Mapping[str, str]
    """By split. Without `train` a task is not fine-tuned on its own rows."""
    shares: Mapping[str, tuple[int, int]]
    """Of splits that are cut from one file: from which hundredth to which, by a hash of the text (of spans, the context), so that equal ones go together."""
    train_on: str | None
    """The task whose rows of train and validation are learnt, where this one has none."""
    read: Fields
    labels: tuple[str, ...]
    """In the order in which a model numbers them; of choices, the letters. Empty where none are asked, or where nobody here knows them: then what stands in
    train, in alphabetical order (`reading.resolved`)."""
    metric: str
    """Decides on validation, and stands in the table."""
    also: tuple[str, ...]
    origin: str
    licence: str
    source: str
    hub: HubData | None
    hashes: Mapping[str, str] | None
    """SHA-256 of the files by split; None where we have never seen them."""
    protocol: int
    paper: str | None
    """The column of the paper's Table 4."""
    stands_in: str | None
    """The task of the paper, or another's, whose shape this one has."""
    faults: str
    """What is known to be wrong with the set, as released."""


def listed(names: str) -> tuple[str, ...]:
    """Names that stand in one text with spaces between."""
    return tuple(names.split())


def told(task: Task) -> dict[str, Any]:
    """A task as JSON has it: its card."""
    found = task._asdict() | {"hub": task.hub and task.hub._asdict(), "read": task.read._asdict()}
    found["hashes"] = "not pinned: never seen by us" if task.hashes is None else dict(task.hashes)
    plain = {key: dict(value) if isinstance(value, Mapping) else value for key, value in found.items()}
    plain["read"] = {key: dict(value) if isinstance(value, Mapping) else value for key, value in plain["read"].items() if value}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in plain.items()}
