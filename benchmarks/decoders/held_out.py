"""Bits for each byte of text that a decoder was not trained on, by source, through lm-eval.

A document is predicted from its first token to its last, in windows of so many tokens that overlap by one, so that a window's first token is predicted from that before
it alone (the last window reads on from further back). What is divided by are all bytes of the document, white space too, so tokenizers that write none of it compare with
others, and look better by as much as the white space would cost; so do those with an unknown token, which are told apart: `unknown` counts it.

`modeling.evaluation`, by which a training run is followed, divides by the bytes of the words predicted: its numbers are other ones.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import log
from pathlib import Path
from time import process_time
from typing import Any, NamedTuple

import numpy as np

from benchmarks.decoders.harness import put, software
from benchmarks.decoders.prompts import HELD_OUT, prompt
from benchmarks.decoders.scorer import Scorer, check, opened
from benchmarks.finetuning.stored import RUN, damaged, facts_of, write_facts
from benchmarks.finetuning.tuning import Tell, dashed
from benchmarks.scoring.bootstrap import Interval, interval, replicates, sampled
from curation.errors import DollmaError
from curation.files import alone, remove_temporary, whole_folder
from curation.fingerprint import fingerprint
from modeling.adaptation.foreign import fingerprint_of
from modeling.adaptation.measure import SPLIT, documents
from modeling.adaptation.start import model_name
from modeling.corpus import Version

FOLDER, DOCUMENTS = "bytes", "documents.jsonl"
VERSION = 1
"""Raise it when the same decoder on the same documents gets other scores."""
ALL = "all"


class Measured(NamedTuple):
    """A decoder on held-out text: its name, what `run.json` tells, and bits for each byte, of all documents and of each source's."""

    name: str
    facts: dict[str, Any]
    bits: dict[str, Interval]


def measured(models: Sequence[Path], version: Version, most: int, window: int, out: Path, tell: Tell) -> list[Measured]:
    """Measure what is not measured yet, in OUT/bytes, on the first validation documents of each source that have `most` bytes together; gives all that was asked.

    Intervals are over documents, drawn anew: the same draws for all models.
    Raises DollmaError where the version has no validation split, and as `scorer.check`.
    """
    for folder in models:
        check(folder)
    held = documents(version, most)
    if not held:
        raise DollmaError(f"{version.folder}: no documents in {SPLIT}: give the recipe a larger mixture.{SPLIT}")
    with alone(out, "another process writes there; wait for it, or give another --out"):
        remove_temporary(out)
        return [_measured(folder, version, held, most, window, out / FOLDER, tell) for folder in dict.fromkeys(models)]


def _measured(folder: Path, version: Version, held: Sequence[tuple[str, str]], most: int, window: int, out: Path, tell: Tell) -> Measured:
    name, of = model_name(folder.resolve()), prompt(HELD_OUT)
    depends = {
        "version": version.fingerprint,
        "model": fingerprint_of(folder),
        "protocol": {"version": VERSION, "lm-eval": software(), "prompt": fingerprint(of), "bytes": most, "window": window},
    }
    place = out / f"{version.name}-{dashed(name)}-{fingerprint(depends)}"
    if not (place / RUN).exists():
        _measure(place, folder, held, of, window, {**depends, "name": name}, tell)
    rows = _rows(place)
    key = f"{FOLDER} {version.fingerprint}"
    sources = [ALL, *sorted({row["source"] for row in rows})]
    bits = {source: _bits([row for row in rows if source in (ALL, row["source"])], f"{key} {source}") for source in sources}
    return Measured(name, facts_of(place), bits)


def _measure(
    place: Path, folder: Path, held: Sequence[tuple[str, str]], of: dict[str, Any], window: int, facts: dict[str, Any], tell: Tell
) -> None:
    began = process_time()
    scorer = Scorer(opened(folder), window)
    texts = [{"id": str(number), "text": text} for number, (_, text) in enumerate(held)]
    found = put(scorer, of, {"id": "string", "text": "string"}, texts)
    rows: list[dict[str, Any]] = []
    for (source, text), (value,) in zip(held, found.likelihoods, strict=True):
        ids = scorer.tok_encode(text)
        rows.append(
            {
                "source": source,
                "bytes": len(text.encode()),
                "nats": -value,
                "tokens": len(ids),
                "unknown": ids.count(scorer.decoder.unknown),
            }
        )
    whole = {
        **facts,
        "scores of lm-eval": found.scores,
        "places": scorer.max_length,
        "documents": len(rows),
        "tokens": sum(row["tokens"] for row in rows),
        "unknown": sum(row["unknown"] for row in rows),
        "cpu_seconds": round(process_time() - began, 1),
    }
    with whole_folder(place) as temporary:
        (temporary / DOCUMENTS).write_text(
            "".join(f"{json.dumps(row, ensure_ascii=False, allow_nan=False)}\n" for row in rows), encoding="utf-8"
        )
        write_facts(temporary, whole)
    tell(
        f"{facts['name']}: {len(rows)} documents, {whole['tokens']:,} tokens, {whole['unknown']:,} of them unknown; {whole['cpu_seconds']:.0f} s of CPU time"
    )


def _rows(place: Path) -> list[dict[str, Any]]:
    try:
        rows = [json.loads(line) for line in (place / DOCUMENTS).read_text(encoding="utf-8").splitlines()]
        return [{"source": str(row["source"]), "nats": float(row["nats"]), "bytes": int(row["bytes"])} for row in rows]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise damaged(place, DOCUMENTS, error) from error


def _bits(rows: Sequence[Mapping[str, Any]], key: str) -> Interval:
    """Bits over bytes of all documents together, and how far it might have been another number with others."""
    sums = np.array([[row["nats"] / log(2), row["bytes"]] for row in rows])
    return interval(replicates(sampled(lambda summed: summed[..., 0] / summed[..., 1], [[sums]], key)[0]))


def table(found: Sequence[Measured]) -> str:
    """Bits for each byte as Markdown, with half of the 95 % interval over documents; a source of one document has none."""
    sources = list(found[0].bits)
    rows = [("model", *sources, "tokens at a time"), ("---", *("---:" for _ in sources), "---:")]
    for one in found:
        cells = (f"{of.mean:.3f}" + (f" ± {(of.high - of.low) / 2:.3f}" if of.high > of.low else "") for of in one.bits.values())
        rows.append((one.name, *cells, str(one.facts["places"])))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
