"""Cells: what is told of one model on one task, for a table to be made of. Scores are no part of them: these are computed from what was predicted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.contamination import path_of
from benchmarks.finetuning.encoder import corpus_of
from benchmarks.finetuning.pieces import Encoded
from benchmarks.finetuning.sets import Part
from benchmarks.finetuning.stored import best_evaluation
from benchmarks.finetuning.tuning import TUNED, Done, Entrant, dashed
from curation.files import whole_file
from curation.fingerprint import fingerprint

CELLS, CONTAMINATION = "cells", "contamination"
MARK = 8
"""Hexadecimal digits of a fingerprint in a file's name."""


def write_cell(out: Path, cell: Mapping[str, Any]) -> Path:
    """Write OUT/cells/TASK/MODEL-WAY-FINGERPRINT.json. More seeds change a cell; other data, another model or protocol make another one."""
    depends = {name: cell[name] for name in ("task", "identity", "way", "protocol", "data")}
    depends["protocol"] = {name: value for name, value in cell["protocol"].items() if name not in ("rates", "seeds")}
    depends["rows"] = cell["rows"].get("train", {}).get("used")
    name = f"{dashed(cell['model'])}-{dashed(cell['way'])}-{fingerprint(depends)[:MARK]}.json"
    path = out / CELLS / cell["task"] / name
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(cell, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return path


def rows_of(part: Part, encoded: Encoded | None) -> dict[str, Any]:
    """What is told of a split: how many items were used, lost a part, how many tokens they have, what was left out of the file and why."""
    return {
        "used": len(part.items),
        "cut": encoded.cut if encoded else 0,
        "tokens": encoded.tokens if encoded else None,
        "left out": [list(one) for one in part.left_out],
        "notes": part.notes,
    }


def tuned_cell(out: Path, one: Entrant, done: Done, parts: Mapping[str, Part], encoded: Mapping[str, Encoded]) -> dict[str, Any]:
    """The cell of a model that was fine-tuned. It names what was looked up of the test items in the model's corpus, where that was done."""
    corpus = corpus_of(one.folder) if one.way == TUNED else None
    looked_up = path_of(out / CONTAMINATION, one.sets.task, one.sets.hashes["test"], corpus["fingerprint"]) if corpus else None
    return {
        "task": one.sets.task.name,
        "model": one.name,
        "identity": one.depends["model"],
        "way": one.way,
        "protocol": {
            **one.protocol.model_dump(mode="json"),
            "task": one.sets.task.protocol,
            "places": one.tokens.places,
            "seeds": len(done.seeds),
        },
        "data": one.sets.hashes,
        "rows": {split: rows_of(part, encoded[split]) for split, part in parts.items()},
        "grid": [
            {"rate": rate, "validation": round(best_evaluation(folder).score, 6), "run": folder.name} for rate, folder in done.grid.items()
        ],
        "rate": done.rate,
        "runs": names(done.seeds),
        "left": [{"rate": left.rate, "runs": names(left.runs), "why": left.why} for left in done.left],
        "collapsed": done.collapsed,
        "corpus": corpus,
        "contamination": looked_up.name if looked_up and looked_up.is_file() else None,
    }


def names(folders: Sequence[Path]) -> list[str]:
    """Of runs, as a cell tells them."""
    return [folder.name for folder in folders]
