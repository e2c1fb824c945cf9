"""What each tool says: pairs of rows that it calls duplicates."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import orjson

from benchmarks.dedup.corpus import Corpus, Sets
from benchmarks.dedup.planting import CONTAINED
from curation.dedup.parameters import Contained
from curation.errors import DollmaError
from pipelines.duplicates import find_duplicates
from pipelines.recipe import Dedup

HERE = Path(__file__).parent
OURS = {"dollma": None, "dollma, contained": Contained()}
"""Near-duplicates alone, which is what the others look for, and with contained documents, as by default."""
OTHERS = ("datasketch", "datasketch-checked", "rensa", "rensa-checked", "datatrove")
"""`-checked`: candidates whose signatures estimate the threshold."""


class Claims(NamedTuple):
    """Pairs of rows that are called duplicates of each other, and those whose first is said to stand in the second."""

    alike: np.ndarray
    contained: np.ndarray


def ours(corpus: Corpus, contained: Contained | None) -> Claims:
    """Each document that `dollma dedup` removes, and the survivor it names; with `contained`, those too that stand almost whole in another."""
    claims: dict[bool, list[tuple[int, int]]] = {True: [], False: []}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "documents.jsonl"
        path.write_bytes(b"".join(orjson.dumps({"id": f"{row:06d}", "text": text}) + b"\n" for row, text in enumerate(corpus.texts)))
        for removal in find_duplicates([str(path)], Dedup(contained=contained)):
            if isinstance(removal, str):
                raise DollmaError(f"a text of the benchmark was not read: {removal}")
            claims[removal["kind"] == CONTAINED].append((int(removal["id"]), int(removal["survivor"])))
    return Claims(_pairs(claims[False]), _pairs(claims[True]))


def other(python: Path, name: str, sets: Sets) -> Claims:
    """What `others.py` gives for one of the other tools, in the environment of that Python."""
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder) / "sets.npz", Path(folder) / "pairs.npy"
        np.savez(given, hashes=sets.hashes, starts=sets.starts)
        done = subprocess.run([python, HERE / "others.py", name, given, found], capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{name} failed in {python.parents[1]}:\n{done.stderr[-2000:]}")
        return Claims(np.load(found), _pairs([]))


def _pairs(found: list[tuple[int, int]]) -> np.ndarray:
    return np.array(found, np.int64).reshape(-1, 2)
