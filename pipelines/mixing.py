"""From what deduplication left to the mix: weights by cluster size, factors by source, and the words that come of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from curation.errors import DollmaError
from curation.tables import row_groups
from curation.verdicts import KEPT, REJECTED
from curation.writers.factors import factors, fertility
from curation.writers.manifest import read_manifest
from curation.writers.rehydration import Steps, steps, weighted
from pipelines.recipe import Recipe, weighed
from pipelines.repeats import CUT_RULE


class Kept(NamedTuple):
    """What deduplication left: words by source; and, where a mixture rehydrates, words by source and cluster size, and by cluster size how many documents
    were read and how many of them rules rejected."""

    words: dict[str, int]
    cluster_words: dict[str, dict[int, int]]
    cluster_rates: dict[int, tuple[int, int]]


class Row(NamedTuple):
    """One source in the mix. `final_words` is what the train split is expected to hold: which documents are held out, and which get the copy that is a
    fraction of one, is drawn document by document."""

    domain: str
    words: int
    weight: float
    """Mean weight of a word by rehydration."""
    factor: float
    final_words: float
    tokens: float | None


class Mixed(NamedTuple):
    """Weights by cluster size, and a row for each source."""

    weights: Steps
    rows: dict[str, Row]


def mix(recipe: Recipe, kept: Kept) -> Mixed:
    """The mix that a recipe asks for. Raises DollmaError where it cannot be had."""
    mixture = recipe.mixture
    weights = steps(mixture.rehydrate, kept.cluster_rates)
    rehydrated = {n: weighted(kept.cluster_words[n], weights) if weights else float(words) for n, words in kept.words.items()}
    train = {name: words * (1 - mixture.held_out) for name, words in rehydrated.items()}
    found = factors(train, mixture, weighed(recipe))
    rows = {}
    for name, words in kept.words.items():
        final = train[name] * found[name]
        tokens = None if mixture.tokens_per_word is None else final * fertility(mixture, name)
        rows[name] = Row(recipe.sources[name].domain or name, words, rehydrated[name] / words if words else 1.0, found[name], final, tokens)
    return Mixed(weights, rows)


def kept_by_dedup(counts: dict[str, Any]) -> Kept:
    """From the counts in the record of a deduplication."""
    cluster_words = {name: _by_size(words) for name, words in counts.get("cluster_words", {}).items()}
    rates = {size: (read, rejected) for size, (read, rejected) in _by_size(counts.get("cluster_rates", {})).items()}
    return Kept({name: kept["words"] for name, kept in counts["kept"].items()}, cluster_words, rates)


def _by_size(counts: dict[str, Any]) -> dict[int, Any]:
    return {int(size): count for size, count in counts.items()}


def kept_in_version(folder: Path, rehydrate: bool) -> Kept:
    """From a version: its manifest alone, and for `rehydrate` its ledger too. Raises DollmaError where the ledger has no cluster sizes."""
    manifest = read_manifest(folder)
    words = {name: source["words"] for name, source in manifest["sources"].items()}
    if not rehydrate:
        return Kept(words, {}, {})
    cluster_words: dict[str, Counter[int]] = {name: Counter() for name in words}
    read, rejected = Counter[int](), Counter[int]()
    for source, verdict, size, documents, count in _by_verdict([folder / name for name in manifest["files"] if name.startswith("ledger/")]):
        read[size] += documents
        rejected[size] += documents if verdict == REJECTED else 0
        if verdict == KEPT:
            cluster_words[source][size] += count
    if not read and any(words.values()):
        raise DollmaError(
            f"{folder / 'ledger'}: no cluster sizes, which mixture.rehydrate needs: {manifest['version']} was built without it; "
            "build once with --set 'mixture.rehydrate={1: 1}', which counts them and gives every document the weight 1"
        )
    return Kept(words, {name: dict(sizes) for name, sizes in cluster_words.items()}, {n: (read[n], rejected[n]) for n in sorted(read)})


def _by_verdict(ledger: list[Path]) -> Iterator[tuple[str, str, int, int, int]]:
    """(source, verdict of the rules, cluster size, documents, words) of the ledger's rows that have a cluster size. A document rejected because too little
    was left of it after its repeated paragraphs were cut was not rejected by the rules that read it."""
    for path in ledger:
        for batch in row_groups(path, ["source", "verdict", "rules", "words", "cluster_size"]):
            sized = batch.filter(pc.is_valid(batch["cluster_size"]))
            rules = sized["rules"]
            cut = pc.list_parent_indices(rules).filter(pc.equal(pc.struct_field(pc.list_flatten(rules), "rule"), CUT_RULE))
            verdict = pc.if_else(pc.is_in(pa.array(range(sized.num_rows), cut.type), cut), CUT_RULE, sized["verdict"])
            table = pa.table({"source": sized["source"], "verdict": verdict, "size": sized["cluster_size"], "words": sized["words"]})
            counted = table.group_by(["source", "verdict", "size"]).aggregate([([], "count_all"), ("words", "sum")])
            yield from zip(*(counted[name].to_pylist() for name in ("source", "verdict", "size", "count_all", "words_sum")), strict=True)
