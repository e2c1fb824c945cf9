"""Test items that a corpus version holds: whoever has read the test knows the answers, and its score means less.

An item is known by what `KINDS` says of it: its text, both of its texts, its context, or its question with the right answer after it. A text counts as found
when at least 80 % of its runs of 8 words stand somewhere in the version; one of 5 to 7 words, when it stands there as a whole; shorter ones tell nothing, and
are counted apart. Words are runs of letters and digits, folded as the version's language has it, after NFC. Runs of 8 are what PaLM looked for, which called an
item contaminated from 70 % of them on (Chowdhery et al. 2022); GPT-3's 13 would leave most of our sentences out.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.tasks.catalogue import named
from benchmarks.tasks.data import hashes, locate
from benchmarks.tasks.items import KINDS, Item
from benchmarks.tasks.reading import read
from benchmarks.tasks.task import Task
from curation.errors import DollmaError
from curation.files import whole_file
from curation.fingerprint import fingerprint

if TYPE_CHECKING:
    import pyarrow as pa

    from curation.languages.profile import Profile
    from modeling.corpus import Version

SHARE = 0.8
"""Of a text's runs, from which on it is found."""
METHOD = 1
"""Goes up when the same files would give other results."""
SPLIT = "train"
"""What models are trained on."""


class Row(NamedTuple):
    """A test item: the largest share of a text of it that stands in the version (None: too short to tell), and whether it stands in the task's own train or
    validation too."""

    id: str
    share: float | None
    in_train: bool

    @property
    def found(self) -> bool:
        """Does the version hold it?"""
        return self.share is not None and self.share >= SHARE


class Contamination(NamedTuple):
    """What was looked up for a task: `head` counts it, a row an item."""

    head: dict[str, Any]
    rows: tuple[Row, ...]
    path: Path

    def known(self) -> frozenset[str]:
        """Ids of the items that a model may have seen: in the version, or among the task's own rows to learn from."""
        return frozenset(row.id for row in self.rows if row.found or row.in_train)


class _Wanted(NamedTuple):
    """A task whose items are to be looked up."""

    task: Task
    items: tuple[Item, ...]
    learnt: frozenset[bytes]
    head: dict[str, Any]
    path: Path


def look_up(tasks: Sequence[Task], data: Path | None, folder: Path, out: Path) -> list[Contamination]:
    """The test items of the tasks in a version, all in one pass over it; results are written to `out`, and what is there is not looked up again.

    Memory is that of the test items, whatever the version's size. Raises DollmaError for files that are missing or damaged.
    """
    from curation.languages.profile import load_profile  # noqa: PLC0415 - with kernels, which reading a result need not wait for
    from modeling.corpus import open_version  # noqa: PLC0415

    version = open_version(folder)
    profile = load_profile(version.language)
    places = {task.name: locate(task, data, None) for task in tasks}
    sums = {task.name: hashes(task, places[task.name])["test"] for task in tasks}
    paths = {task.name: path_of(out, task, sums[task.name], version.fingerprint) for task in tasks}
    missing = [task for task in tasks if not paths[task.name].is_file()]
    wanted = []
    for task in missing:
        head = {"task": task.name, "test": sums[task.name], "version": version.name, "fingerprint": version.fingerprint, "method": METHOD}
        items = read(task, places[task.name], "test").items
        wanted.append(_Wanted(task, items, _learnt(task, data, profile), head, paths[task.name]))
    _look_up(wanted, version, profile)
    return [read_contamination(paths[task.name]) for task in tasks]


def path_of(out: Path, task: Task, test: str, version: str) -> Path:
    """Where the result stands of a task whose test file has this SHA-256, in a version of this fingerprint."""
    return out / f"{task.name}-{fingerprint([METHOD, task.name, task.protocol, test, version])[:8]}.jsonl"


def read_contamination(path: Path) -> Contamination:
    """A result that was written. Raises DollmaError that names the file and the line for one that is none."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DollmaError(f"{path}: no result of `dollma bench contamination` ({error})") from error
    parsed = [_parsed(path, number, line) for number, line in enumerate(lines, 1)]
    counted = parsed[0] if parsed else {}
    rows = [Row(str(row["id"]), row["share"], row["in train"]) for row in parsed[1:]]
    if len(rows) != counted.get("items"):
        raise DollmaError(f"{path}: {len(rows)} items, its first line says {counted.get('items')}: remove it, and look up again")
    return Contamination(counted, tuple(rows), path)


def _parsed(path: Path, number: int, line: str) -> dict[str, Any]:
    """A line of a result: the head, or a row."""
    kinds: dict[str, Any] = {"items": int} if number == 1 else {"id": str, "share": float | None, "in train": bool}
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict) or not all(name in row and isinstance(row[name], kind) for name, kind in kinds.items()):
        raise DollmaError(f"{path}: line {number}: no result of `dollma bench contamination`: remove the file, and look up again")
    return row


def _learnt(task: Task, data: Path | None, profile: Profile) -> frozenset[bytes]:
    """What is asked in the rows that a model learns for the task from."""
    of = task if task.train_on is None or "train" in task.files else named(task.train_on)
    splits = [split for split in ("train", "validation") if split in of.files]
    folder = locate(of, data, None) if splits else Path()
    return frozenset(_asked(item, of, profile) for split in splits for item in read(of, folder, split).items)


def _asked(item: Item, task: Task, profile: Profile) -> bytes:
    """What is asked, by its letters and digits alone."""
    told = ["".join(filter(str.isalnum, profile.folded(_normal(text)))) for text in KINDS[task.kind].asked(item)]
    return hashlib.blake2b("\n".join(told).encode(), digest_size=16).digest()


def _normal(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _look_up(wanted: list[_Wanted], version: Version, profile: Profile) -> None:
    """Look up the items of all tasks in one pass, and write each task's result."""
    from benchmarks import overlaps  # noqa: PLC0415

    if not wanted:
        return
    said = [[KINDS[of.task.kind].said(item) for item in of.items] for of in wanted]
    parts = [_normal(part) for items in said for alternatives in items for texts_ in alternatives for part in texts_]
    shares = overlaps.shares(parts, _texts(version), profile.fold_table)
    for of, items in zip(wanted, said, strict=True):
        rows = []
        for item, alternatives in zip(of.items, items, strict=True):
            found = [_least([next(shares) for _ in texts_]) for texts_ in alternatives]
            known = [share for share in found if share is not None]
            rows.append(Row(item.id, max(known, default=None), _asked(item, of.task, profile) in of.learnt))
        _write(of, rows)


def _least(shares: list[float | None]) -> float | None:
    """Of texts that must all be found: the least share of those long enough."""
    return min((share for share in shares if share is not None), default=None)


def _write(of: _Wanted, rows: list[Row]) -> None:
    short, found = sum(row.share is None for row in rows), sum(row.found for row in rows)
    counts = {"items": len(rows), "found": found, "too short": short, "in train": sum(row.in_train for row in rows)}
    head = of.head | counts | {"share": found / (len(rows) - short) if len(rows) > short else 0.0}
    lines = [head, *({"id": row.id, "share": row.share, "in train": row.in_train} for row in rows)]
    with whole_file(of.path) as path:
        path.write_text("".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines), encoding="utf-8")


def _texts(version: Version) -> Iterator[pa.StringArray]:
    """What a model was trained on, each document once."""
    import pyarrow.compute as pc  # noqa: PLC0415

    from modeling.corpus import texts  # noqa: PLC0415

    for batch in texts(version, SPLIT, ("text", "copy")):
        yield pc.utf8_normalize(batch["text"].filter(pc.equal(batch["copy"], 0)), "NFC")
