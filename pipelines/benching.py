"""The last step of `dollma run`: the models that were made, fine-tuned on tasks, and a leaderboard of them.

All of it stands in one folder of the workspace, named by the version and by what the rows are made of; what is there is not made again, and another model, task or
seed costs what is missing.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from pydantic import PositiveInt

from benchmarks.contamination import look_up
from benchmarks.finetuning.runs import Asked
from benchmarks.finetuning.runs import run as fine_tune
from benchmarks.finetuning.stored import TEST
from benchmarks.finetuning.tuning import Tell
from benchmarks.leaderboard.board import board
from benchmarks.leaderboard.page import export
from benchmarks.leaderboard.render import markdown
from benchmarks.tasks import next_sentence, own_sets
from benchmarks.tasks.catalogue import named
from benchmarks.tasks.data import locate
from curation.errors import DollmaError
from curation.files import located, whole_file
from curation.fingerprint import fingerprint
from modeling.corpus import open_version
from modeling.settings import Strict

FOLDER, SETS, CONTAMINATION = "bench", "sets", "contamination"
TABLE, BOARD = "table.md", "board"
OWN, BOOKS = "own", "books"
MADE = {"own-sources": OWN, "own-marks": OWN, "books-nsp": BOOKS}
"""Tasks whose rows are made of the version, and the folder below SETS that holds them."""
PER_BOOK, SEED = 50, 1
"""As `dollma bench pairs` has them."""


class Bench(Strict):
    """What is asked of the models when they are made: `tasks`, as `dollma bench tasks` lists them.

    own-sources, own-marks and books-nsp are made of the version, the last one of the sources that `books` names; the rows of others are in the folder `data`, a path
    from the file's own folder. `fresh` adds each architecture with fresh weights: what pre-training is worth. Otherwise as `dollma bench run` has it.
    """

    tasks: tuple[str, ...]
    data: str | None = None
    books: tuple[str, ...] = ()
    seeds: PositiveInt | None = None
    fresh: bool = True
    limit: PositiveInt | None = None


class Benched(NamedTuple):
    """The folder of runs and cells, and whether a run was made now."""

    folder: Path
    new: bool


def check(path: Path, bench: Bench) -> None:
    """Raises DollmaError for a task that there is not, that has no rows here, or whose books nobody named: before days of training, not after."""
    if not bench.tasks:
        raise DollmaError(f"{path}: bench.tasks: name one at least; `dollma bench tasks` lists them")
    if not bench.books and (of_books := [name for name in bench.tasks if MADE.get(name) == BOOKS]):
        raise DollmaError(f"{path}: bench.books: {of_books[0]} is made of books: name the sources that hold them")
    for name in bench.tasks:
        try:
            task = named(name)
            for of in () if name in MADE else (task, *([named(task.train_on)] if task.train_on else [])):
                locate(of, _data(path, bench), None)
        except DollmaError as error:
            raise DollmaError(f"{path}: bench: {error}") from error


def bench_models(path: Path, bench: Bench, version: Path, models: Iterable[Path], workspace: Path, tell: Tell) -> Benched:
    """Make the sets, fine-tune the models, look the test items up in the version, and write `table.md` and the pages of `board`.

    Raises DollmaError as the functions behind `dollma bench` do.
    """
    data = _data(path, bench)
    opened = open_version(version)
    depends = [opened.fingerprint, own_sets.METHOD, sorted(bench.books), None if data is None else str(data.resolve())]
    out = workspace / FOLDER / f"{opened.name}-{fingerprint(depends)[:8]}"
    before = _answered(out)
    _make_sets(bench, version, out / SETS)
    folders = {name: out / SETS / MADE[name] if name in MADE else data for name in bench.tasks}
    for folder in dict.fromkeys(folders.values()):
        names = tuple(name for name, of in folders.items() if of == folder)
        look_up([named(name) for name in names], folder, version, out / CONTAMINATION)
        fine_tune(Asked(tuple(models), names, folder, None, bench.fresh, bench.seeds, bench.limit), out, tell)
    found = board(out)
    export(found, out, out / BOARD)
    with whole_file(out / TABLE) as temporary:
        temporary.write_text(markdown(found), encoding="utf-8")
    return Benched(out, _answered(out) != before)


def _data(path: Path, bench: Bench) -> Path | None:
    return None if bench.data is None else Path(located(bench.data, path.parent))


def _make_sets(bench: Bench, version: Path, folder: Path) -> None:
    """Make the sets of the version that are asked and not there yet."""
    asked = {MADE[name] for name in bench.tasks if name in MADE and not (folder / MADE[name]).exists()}
    if OWN in asked:
        own_sets.build(version, folder / OWN)
    if BOOKS in asked:
        next_sentence.build(version, bench.books, folder / BOOKS, PER_BOOK, SEED)


def _answered(out: Path) -> set[Path]:
    return set(out.glob(f"runs/*/{TEST}"))
