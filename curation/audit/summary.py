"""What a version's report tells, in numbers: counted from its manifest, ledger and measures, one row group at a time. Needs no workspace and no database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curation.audit.charts import Line, SourceFlow
from curation.audit.scales import Scale, scale
from curation.errors import DollmaError
from curation.filters.base import Rule
from curation.ids import id_numbers
from curation.ledger import VERDICTS
from curation.processors import processor
from curation.tables import row_groups
from curation.verdicts import KEPT
from curation.writers.mixture import draws

Manifest = dict[str, Any]

SEED = 20240917
"""Seed of the samples. Any number does; another one chooses other documents."""
RANDOM, NEAREST = 3, 2
"""Documents shown of each rule: at random, and those nearest to its threshold."""
LOOKED_AT = 50_000
"""Values of a measure, about, that the range of its histogram is chosen by."""
LABELS = ("language", "script")
"""Measures that are labels."""


@dataclass(frozen=True)
class RuleCount:
    """A rule, the documents that fail it, those of them that fail no other, and the words of all of them. `thresholds` are those in force, the commonest first; a
    rule without any is no filter's, or its filter is not installed here."""

    rule: str
    documents: int
    alone: int
    words: int
    measure: str = ""
    bound: str = ""
    thresholds: tuple[float, ...] = ()


@dataclass(frozen=True)
class Measured:
    """How a measure is distributed: documents by bin and verdict, and the thresholds on it."""

    name: str
    scale: Scale
    counts: dict[str, list[int]]
    lines: tuple[Line, ...]


class Drawn(NamedTuple):
    """A document that fails a rule, by its place: row `row` of ledger file number `part`. `nearest` to the threshold, or at random."""

    rule: str
    nearest: bool
    part: int
    row: int


@dataclass(frozen=True)
class Summary:
    """What there is to tell of a version."""

    manifest: Manifest
    flows: tuple[SourceFlow, ...]
    words: dict[str, int]
    """Words by verdict. What failed has none."""
    rules: tuple[RuleCount, ...]
    pairs: tuple[tuple[str, str, int], ...]
    """Documents that fail both of two rules."""
    pages: dict[str, int]
    """Pages cut from books that are kept, by rule."""
    measures: tuple[Measured, ...]
    labels: dict[str, tuple[dict[str, int], dict[str, int]]]
    """Documents kept and documents read by language and by script, where a filter asks for them."""
    drawn: tuple[Drawn, ...]


def summarise(folder: Path, manifest: Manifest) -> Summary:
    """Count a version: its ledger once, its measures twice (for the ranges of the histograms, and for what stands in them)."""
    ledger, measures = (sorted(name for name in manifest["files"] if name.startswith(f"{table}/")) for table in ("ledger", "measures"))
    known = _known_rules(manifest)
    counts = _Counts()
    verdicts = {Path(name).name: counts.add(folder / name, part) for part, name in enumerate(ledger)}
    lines = _lines(known)
    files = [(folder / name, verdicts[Path(name).name]) for name in measures]
    scales = _scales([path for path, _ in files], lines)
    measured, labels = _measured(files, scales, lines)
    return Summary(
        manifest=manifest,
        flows=tuple(SourceFlow(source["title"], *(source[n] for n in SourceFlow._fields[1:])) for source in manifest["sources"].values()),
        words=dict(zip(VERDICTS, counts.words.tolist(), strict=True)),
        rules=tuple(_rule_counts(counts, known)),
        pairs=tuple(counts.pairs()),
        pages=dict(sorted(counts.pages.items())),
        measures=tuple(measured),
        labels=labels,
        drawn=tuple(counts.drawn()),
    )


class _Known(NamedTuple):
    """A rule that is in force: what it compares, and with which thresholds, the commonest first."""

    measure: str
    bound: str
    thresholds: tuple[float, ...]


def _known_rules(manifest: Manifest) -> dict[str, _Known]:
    asked: dict[str, Counter[float]] = {}
    for source in manifest["sources"].values():
        for rule, threshold in source["thresholds"].items():
            asked.setdefault(rule, Counter())[threshold] += 1
    return {
        name: _Known(rule.measure, "min" if rule.keep == ">=" else "max", tuple(sorted(found, key=lambda value: (-found[value], value))))
        for name, found in sorted(asked.items())
        if (rule := _rule(name))
    }


def _rule(name: str) -> Rule | None:
    """What a rule compares; None where its filter has no such rule of numbers, or is not installed here."""
    filtered, _, parameter = name.partition(".")
    try:
        rules: tuple[Rule, ...] = getattr(processor("filter", filtered), "rules", ())
    except DollmaError:
        return None
    return next((rule for rule in rules if rule.parameter == parameter), None)


def _lines(known: dict[str, _Known]) -> dict[str, tuple[Line, ...]]:
    """The thresholds on each measure. `words` is shown without one too."""
    lines: dict[str, tuple[Line, ...]] = {"words": ()}
    for name, rule in known.items():
        lines[rule.measure] = (*lines.get(rule.measure, ()), *(Line(name, value, rule.bound) for value in rule.thresholds))
    return lines


@dataclass
class _Counts:
    """What the ledger's rows add up to."""

    words: np.ndarray = field(default_factory=lambda: np.zeros(len(VERDICTS), np.int64))
    rules: dict[str, np.ndarray] = field(default_factory=dict)
    """By rule: documents, alone, words."""
    both: Counter[tuple[str, str]] = field(default_factory=Counter)
    pages: Counter[str] = field(default_factory=Counter)
    random: dict[str, list[tuple[float, int, int]]] = field(default_factory=dict)
    nearest: dict[str, list[tuple[float, float, int, int]]] = field(default_factory=dict)
    """By rule the least of (draw, part, row) and of (distance from the threshold, draw, part, row)."""

    def add(self, path: Path, part: int) -> np.ndarray:
        """Count a file; gives the verdict of each of its rows, by its number in `VERDICTS`."""
        found, first = [np.zeros(0, np.int64)], 0
        for batch in row_groups(path, ["id", "verdict", "rules", "words", "rejected_pages"]):
            verdict = pc.index_in(batch["verdict"], pa.array(VERDICTS)).to_numpy()
            words = pc.fill_null(batch["words"], 0).to_numpy()
            self.words += np.bincount(verdict, words, minlength=len(VERDICTS)).astype(np.int64)
            self._rules(batch, words, part, first)
            cut = pc.struct_field(pc.list_flatten(batch["rejected_pages"]), "rule")
            self.pages.update({_base(item["values"]): item["counts"] for item in pc.value_counts(cut).to_pylist()})
            found.append(verdict)
            first += batch.num_rows
        return np.concatenate(found)

    def _rules(self, batch: pa.RecordBatch, words: np.ndarray, part: int, first: int) -> None:
        failed = pc.list_flatten(batch["rules"])
        if not len(failed):
            return
        coded = pc.struct_field(failed, "rule").dictionary_encode()
        names = sorted({_base(name) for name in coded.dictionary.to_pylist()})
        code = np.array([names.index(_base(name)) for name in coded.dictionary.to_pylist()])[coded.indices.to_numpy()]
        rows, document = np.unique(pc.list_parent_indices(batch["rules"]).to_numpy(), return_inverse=True)
        fails = np.zeros((len(rows), len(names)), np.float32)  # counts to 2**24 are exact, and a row group has fewer rows
        fails[document, code] = 1
        alone = fails[fails.sum(axis=1) == 1].sum(axis=0)
        both = fails.T @ fails
        drawn = draws(id_numbers(batch["id"].take(pa.array(rows))), SEED)
        away = np.full(fails.shape, np.inf)
        value, threshold = (pc.struct_field(failed, name).to_numpy(zero_copy_only=False) for name in ("value", "threshold"))
        away[document, code] = np.nan_to_num(np.abs(value - threshold), nan=np.inf)
        for number, name in enumerate(names):
            own = np.flatnonzero(fails[:, number])
            sums = np.array([len(own), alone[number], words[rows[own]].sum()], np.int64)
            self.rules[name] = self.rules.get(name, np.zeros(3, np.int64)) + sums
            for other in range(number):
                if both[number, other]:
                    self.both[names[other], name] += int(both[number, other])
            random = own[np.argsort(drawn[own], kind="stable")[: RANDOM + NEAREST]]
            near = own[np.lexsort((drawn[own], away[own, number]))[: RANDOM + NEAREST]]
            places = self.random.setdefault(name, [])
            places += [(float(drawn[row]), part, first + int(rows[row])) for row in random]
            places[:] = sorted(places)[: RANDOM + NEAREST]
            nearest = self.nearest.setdefault(name, [])
            nearest += [
                (float(away[row, number]), float(drawn[row]), part, first + int(rows[row])) for row in near if away[row, number] < np.inf
            ]
            nearest[:] = sorted(nearest)[: RANDOM + NEAREST]

    def pairs(self) -> Iterator[tuple[str, str, int]]:
        """(rule, other rule, documents that fail both), each pair once."""
        yield from ((*pair, count) for pair, count in sorted(self.both.items()))

    def drawn(self) -> Iterator[Drawn]:
        """The samples by rule, no document twice for one."""
        for name in sorted(self.rules):
            chosen = [place[-2:] for place in self.random[name][:RANDOM]]
            yield from (Drawn(name, False, part, row) for part, row in chosen)
            near = [place[-2:] for place in self.nearest.get(name, []) if place[-2:] not in chosen]
            yield from (Drawn(name, True, part, row) for part, row in near[:NEAREST])


def _base(rule: str) -> str:
    """A rule's name without the reason that follows it in the ledger."""
    return rule.partition(": ")[0]


def _rule_counts(counts: _Counts, known: dict[str, _Known]) -> Iterator[RuleCount]:
    """The rules that fire, the most first, and behind them those in force that fire on nothing."""
    names = {*counts.rules, *known}
    for name in sorted(names, key=lambda name: (-int(counts.rules[name][0]) if name in counts.rules else 0, name)):
        documents, alone, words = counts.rules.get(name, np.zeros(3, np.int64)).tolist()
        yield RuleCount(name, documents, alone, words, *known.get(name, ()))


def _numeric(path: Path, wanted: dict[str, tuple[Line, ...]]) -> list[str]:
    """Those of the measures that a file has as numbers."""
    types = {column.name: column.type for column in pq.read_schema(path)}
    return [name for name in wanted if name in types and (pa.types.is_integer(types[name]) or pa.types.is_floating(types[name]))]


def _scales(files: list[Path], lines: dict[str, tuple[Line, ...]]) -> dict[str, Scale]:
    """A range and bins for each measure that has values, by some of them, evenly taken over the version."""
    total = sum(pq.read_metadata(path).num_rows for path in files)
    step = max(1, total // LOOKED_AT)
    taken: dict[str, list[np.ndarray]] = {}
    first = 0
    for path in files:
        names = _numeric(path, lines)
        for batch in row_groups(path, names):
            for name in names:
                values = batch[name].slice(-first % step).to_numpy(zero_copy_only=False)[::step]
                taken.setdefault(name, []).append(values[np.isfinite(values)])
            first += batch.num_rows
    found = {name: np.concatenate(values) for name, values in taken.items()}
    return {name: scale(found[name], [line.value for line in lines[name]]) for name in lines if name in found and len(found[name])}


def _measured(
    files: list[tuple[Path, np.ndarray]], scales: dict[str, Scale], lines: dict[str, tuple[Line, ...]]
) -> tuple[list[Measured], dict[str, tuple[dict[str, int], dict[str, int]]]]:
    counts = {name: np.zeros((len(VERDICTS), bins.bins), np.int64) for name, bins in scales.items()}
    labels: dict[str, tuple[Counter[str], Counter[str]]] = {}
    for path, verdicts in files:
        numbers = [name for name in _numeric(path, lines) if name in scales]
        strings = [name for name in LABELS if name in pq.read_schema(path).names]
        first = 0
        for batch in row_groups(path, [*numbers, *strings]):
            verdict = verdicts[first : first + batch.num_rows]
            for name in numbers:
                counts[name] += scales[name].count(batch[name].to_numpy(zero_copy_only=False), verdict, len(VERDICTS))
            for name in strings:
                kept, read = labels.setdefault(name, (Counter(), Counter()))
                coded = batch[name].dictionary_encode()
                codes = pc.fill_null(coded.indices, len(coded.dictionary)).to_numpy()
                for sums, chosen in ((kept, codes[verdict == VERDICTS.index(KEPT)]), (read, codes)):
                    found = np.bincount(chosen, minlength=len(coded.dictionary) + 1).tolist()
                    sums.update({label: count for label, count in zip(coded.dictionary.to_pylist(), found, strict=False) if count})
            first += batch.num_rows
    measured = [
        Measured(name, scales[name], dict(zip(VERDICTS, counts[name].tolist(), strict=True)), lines[name]) for name in sorted(scales)
    ]
    return measured, {name: (dict(sorted(kept.items())), dict(sorted(read.items()))) for name, (kept, read) in labels.items()}
