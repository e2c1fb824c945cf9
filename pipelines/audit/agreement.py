"""What labels say of rules: how often a rule is right, how far annotators agree, how many labels are still needed, which threshold would do."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import ceil, sqrt
from typing import Any

from curation.verdicts import REJECTED
from pipelines.audit.catalog import Catalog
from pipelines.audit.labels import Label
from pipelines.audit.relation import MEASURE, quoted

Z = 1.959963984540054
"""Half-width of a normal distribution's middle 95 %, in standard deviations."""
KEEP, DROP, UNSURE = "keep", "drop", "unsure"
FEWEST = 20
"""Labelled documents beyond a threshold from which on one is suggested: of fewer, even an unbroken row of 20 leaves the precision's interval reaching down to
0.84 (Wilson)."""


@dataclass(frozen=True)
class Precision:
    """Of the documents that a rule rejects, the share that people would drop too, with its 95 % interval (Wilson). `unsure` ones count for nothing; on a
    document on which annotators differ the majority counts, a tie for `unsure`. `needed`: labels still wanted for the half-width that was asked for."""

    rule: str
    drop: int
    keep: int
    unsure: int
    precision: float | None
    low: float
    high: float
    needed: int


@dataclass(frozen=True)
class Kappa:
    """Cohen's kappa of two annotators over the documents that both labelled; None where it is not defined (none in common, or both always said the same)."""

    one: str
    other: str
    documents: int
    agreed: int
    kappa: float | None


@dataclass(frozen=True)
class Suggestion:
    """A threshold with which the rule's precision is `wished`, by the labels; `threshold` None: `why` says what is missing."""

    rule: str
    wished: float
    threshold: float | None
    precision: float | None
    low: float | None
    labels: int
    """Labelled documents that the rule would reject then."""
    why: str


def wilson(successes: int, n: int, z: float = Z) -> tuple[float, float]:
    """Wilson's score interval (Wilson 1927) of a share; (0, 1) for nothing."""
    if not n:
        return 0.0, 1.0
    share = successes / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def kappa(pairs: Iterable[tuple[str, str]]) -> float | None:
    """Cohen's kappa (Cohen 1960) of two annotators' labels, pair by pair; None where chance alone would have them always agree, and for no pairs."""
    held = list(pairs)
    n = len(held)
    if not n:
        return None
    ones, others = Counter(one for one, _ in held), Counter(other for _, other in held)
    agreed = sum(one == other for one, other in held)
    chance = sum(count * others[label] for label, count in ones.items())
    return None if chance == n * n else (agreed * n - chance) / (n * n - chance)


def needed(drop: int, keep: int, half_width: float = 0.05) -> int:
    """Labels still wanted until Wilson's interval is no wider than twice `half_width`, if the share stays as it is; of no labels, for the worst share (a half).

    The interval's half-width h at n labels is z/(n + z²) √(n p (1 - p) + z²/4); solved for n.
    """
    n = drop + keep
    share = drop / n if n else 0.5
    square, spread, h2 = Z * Z, share * (1 - share), half_width * half_width
    # h² (n + z²)² = z² (n p (1-p) + z²/4): a quadratic in n
    b, c = 2 * square * h2 - square * spread, square * square * (h2 - 0.25)
    root = b * b - 4 * h2 * c
    wanted = 0 if root < 0 else ceil((-b + sqrt(root)) / (2 * h2) - 1e-9)
    return max(0, wanted - n)


def precisions(labels: Iterable[Label], half_width: float = 0.05) -> list[Precision]:
    """By rule, of rejected documents: one on the passing side of a borderline sample says nothing of it. Takes the latest labels (`Labels.latest`)."""
    by_rule: defaultdict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for label in labels:
        if label.rule is not None and label.verdict == REJECTED:
            by_rule[label.rule][label.id].append(label.label)
    return [_precision(rule, [majority(said) for said in documents.values()], half_width) for rule, documents in sorted(by_rule.items())]


def _precision(rule: str, verdicts: Sequence[str], half_width: float) -> Precision:
    counts = Counter(verdicts)
    drop, keep = counts[DROP], counts[KEEP]
    low, high = wilson(drop, drop + keep)
    share = drop / (drop + keep) if drop + keep else None
    return Precision(rule, drop, keep, counts[UNSURE], share, low, high, needed(drop, keep, half_width))


def majority(said: Sequence[str]) -> str:
    """What most say of a document, `unsure` not counted; `unsure` for a tie."""
    drop, keep = said.count(DROP), said.count(KEEP)
    return DROP if drop > keep else KEEP if keep > drop else UNSURE


def agreement(labels: Iterable[Label]) -> list[Kappa]:
    """Each two annotators who have documents in common; `unsure` is a label like the others."""
    said: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for label in labels:
        said[label.annotator][label.id] = label.label
    found = []
    for one, other in combinations(sorted(said), 2):
        pairs = [(said[one][document], said[other][document]) for document in sorted(said[one].keys() & said[other].keys())]
        if pairs:
            found.append(Kappa(one, other, len(pairs), sum(a == b for a, b in pairs), kappa(pairs)))
    return found


def suggest(catalog: Catalog, labels: Iterable[Label], rule: str, wished: float) -> Suggestion:
    """The threshold that rejects most, of those with which the labelled documents that it rejects are dropped by people in a share of `wished` or more.

    Looks at all labelled documents that the rule judged, on either side of today's threshold: label a borderline sample first. Raises DollmaError for a rule that
    compares no measure with a threshold. Labels are a sample chosen near the threshold, so the share says nothing of documents far from it.
    """
    catalog.check_rule(rule)
    catalog.check_judged(rule)
    judged = catalog.judged_by(rule)
    assert judged is not None  # noqa: S101 - checked above
    measure, bound, _ = judged
    said: defaultdict[str, list[str]] = defaultdict(list)
    for label in labels:
        said[label.id].append(label.label)
    verdicts = {document: verdict for document, labelled in said.items() if (verdict := majority(labelled)) != UNSURE}
    held = _values(catalog, measure, list(verdicts))
    worst_first = sorted(((value, verdicts[document] == DROP) for document, value in held), key=lambda one: one[0], reverse=bound == "max")
    best = _furthest(worst_first, wished)
    if best is None:
        return Suggestion(rule, wished, None, None, None, len(worst_first), _why(worst_first, wished))
    n, dropped = best
    threshold = _between(worst_first, n, catalog, rule)
    told = f"{dropped} of {n} labelled documents beyond it are dropped by people; {len(worst_first) - n} labelled ones stand before it"
    return Suggestion(rule, wished, threshold, dropped / n, wilson(dropped, n)[0], n, told)


def _values(catalog: Catalog, measure: str, documents: list[str]) -> list[tuple[str, float]]:
    column = quoted(MEASURE + measure)
    sql = f"""SELECT id, any_value({column})::DOUBLE FROM documents
        WHERE id IN (SELECT unnest(?)) AND judged AND isfinite({column}::DOUBLE) GROUP BY id ORDER BY id"""  # noqa: S608
    return [(document, value) for document, value in catalog.select(sql, [documents])] if documents else []


def _furthest(worst_first: list[tuple[float, bool]], wished: float) -> tuple[int, int] | None:
    """(documents, dropped ones of them) of the longest run from the worst end that is dropped in the wished share; documents with one value go together."""
    best, dropped = None, 0
    for place, (value, drop) in enumerate(worst_first, 1):
        dropped += drop
        together = place < len(worst_first) and worst_first[place][0] == value
        if not together and place >= FEWEST and dropped >= wished * place:
            best = (place, dropped)
    return best


def _between(worst_first: list[tuple[float, bool]], n: int, catalog: Catalog, rule: str) -> float:
    """A round threshold between the last document that it rejects and the first that it keeps; the value of the last labelled one keeps itself."""
    inner = worst_first[n - 1][0]
    outer = worst_first[n][0] if n < len(worst_first) else None
    if outer is None:
        judged: Any = catalog.judged_by(rule)
        common = Counter(judged[2].values()).most_common(1)[0][0]
        beyond = common > inner if judged[1] == "min" else common < inner
        outer = common if beyond else inner
    for digits in range(1, 15):
        rounded = float(f"{(inner + outer) / 2:.{digits}g}")
        if min(inner, outer) < rounded < max(inner, outer) or rounded == outer != inner:
            return rounded
    return outer


def _why(worst_first: list[tuple[float, bool]], wished: float) -> str:
    if len(worst_first) < FEWEST:
        return f"{len(worst_first)} documents that the rule judged are labelled keep or drop, and {FEWEST} are needed: label more of its borderline sample"
    return f"no threshold has people drop {wished:.0%} of the labelled documents beyond it: the rule is wrong more often than that wherever it is put"
