"""The bench's figures as JSON, a table in Markdown, and plots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.ocr.degrade import LEVELS
from benchmarks.ocr.readings import READINGS
from curation.audit.plot import lines_svg

BARS = (0.02, 0.05)
"""Error rates that the estimate should tell pages above from pages below."""
TO_MODERATE = "clean to moderate"


def figures(rows: Sequence[Mapping[str, Any]], born: Mapping[str, Any]) -> dict[str, Any]:
    """All figures: by level and reading, of the estimate by reading, and of born-digital text."""
    groups = {level: [row for row in rows if row["level"] == level] for level in LEVELS}
    groups[TO_MODERATE] = [row for level in LEVELS[:3] for row in groups[level]]
    groups["all"] = list(rows)
    groups |= {f"{TO_MODERATE}, {script}": [row for row in groups[TO_MODERATE] if row["script"] == script] for script in ("Latn", "Cyrl")}
    return {
        "levels": {
            name: {reading: _sums([row["readings"][reading] for row in of]) for reading in READINGS} for name, of in groups.items() if of
        },
        "estimate": {reading: _tracking([row["readings"][reading] for row in rows]) for reading in READINGS},
        "born digital": dict(born),
    }


def _sums(found: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    total = {name: sum(one[name] for one in found) for name in ("edits", "characters", "word_edits", "words")}
    pairs, right, false, words = (sum(one["marks"][k] for one in found) for k in range(4))
    return {
        "pages": len(found),
        "cer": total["edits"] / total["characters"],
        "median cer": float(np.median([one["edits"] / one["characters"] for one in found])),
        "wer": total["word_edits"] / total["words"],
        "pairs": pairs,
        "pairs right": right / max(pairs, 1),
        "false marks per word": false / max(words, 1),
        "rn/m": sum(one["confusions"][0] for one in found),
        "m alone": sum(one["confusions"][1] for one in found),
    }


def _tracking(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    true = np.array([one["edits"] / one["characters"] for one in found])
    result: dict[str, Any] = {}
    for name in ("estimate", "estimate_of_text"):
        guess = np.array([one[name] for one in found])
        order = np.argsort(guess, kind="stable")
        bins = [
            [float(guess[part].mean()), float(true[part].mean()), float(np.median(true[part]))]
            for part in np.array_split(order, min(10, len(found)))
        ]
        result[name] = {
            "spearman": spearman(guess, true),
            **{f"auc at {bar:.0%}": auc(guess, true > bar) for bar in BARS},
            "bins (estimate, true mean, true median)": bins,
        }
    return result


def spearman(a: np.ndarray, b: np.ndarray) -> float | None:
    """Rank correlation, ties at their mean rank; None where one side is constant."""
    x, y = _ranks(a), _ranks(b)
    x, y = x - x.mean(), y - y.mean()
    size = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / size if size else None


def auc(score: np.ndarray, positive: np.ndarray) -> float | None:
    """Area under the ROC curve: how often a positive has the higher score; None without positives or negatives."""
    yes, no = int(positive.sum()), int((~positive).sum())
    if not yes or not no:
        return None
    return float((_ranks(score)[positive].sum() - yes * (yes + 1) / 2) / (yes * no))


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]


def markdown(found: Mapping[str, Any]) -> str:
    """Three tables."""
    lines = ["| pages | reading | CER | WER | «pairs» right | false marks / words | rn/m | m alone |", "|---|---|---|---|---|---|---|---|"]
    for level, readings in found["levels"].items():
        for reading, of in readings.items():
            lines.append(
                f"| {level} ({of['pages']}) | {reading} | {of['cer']:.2%} | {of['wer']:.2%} | {of['pairs right']:.1%} of {of['pairs']} "
                f"| {of['false marks per word']:.2%} | {of['rn/m']} | {of['m alone']} |"
            )
    lines += ["", "| estimate of | from | Spearman | AUC at 2 % | AUC at 5 % |", "|---|---|---|---|---|"]
    for reading, estimates in found["estimate"].items():
        for name, of in estimates.items():
            cells = (of["spearman"], of["auc at 2%"], of["auc at 5%"])
            source = "text and confidence" if name == "estimate" else "text alone"
            lines.append(f"| {reading} | {source} | {' | '.join('-' if cell is None else f'{cell:.3f}' for cell in cells)} |")
    lines += ["", "| born-digital text | words | unchanged by the repair | estimated CER |", "|---|---|---|---|"]
    lines += [f"| {kind} | {of['words']:,} | {of['unchanged']:.3%} | {of['estimate']:.2%} |" for kind, of in found["born digital"].items()]
    return "\n".join(lines) + "\n"


def plots(found: Mapping[str, Any]) -> dict[str, str]:
    """levels.svg, marks.svg, estimate.svg."""
    present = [level for level in LEVELS if level in found["levels"]]
    names = (READINGS[0], READINGS[2], READINGS[3])

    def by_level(value: str) -> dict[str, list[tuple[float, float]]]:
        return {name: [(LEVELS.index(level), 100 * found["levels"][level][name][value]) for level in present] for name in names}

    bins = {
        name: [(100 * guess, 100 * true) for guess, _, true in of["estimate"]["bins (estimate, true mean, true median)"]]
        for name, of in found["estimate"].items()
        if name in (READINGS[0], READINGS[3])
    }
    far = max(x for points in bins.values() for x, _ in points)
    axis = "degradation: 0 clean, 1 light, 2 moderate, 3 heavy, 4 severe"
    return {
        "levels.svg": lines_svg("Characters that are wrong, median page", axis, "character errors, %", by_level("median cer")),
        "marks.svg": lines_svg("Guillemets that stand where they should, in pairs", axis, "pairs right, %", by_level("pairs right")),
        "estimate.svg": lines_svg(
            "Estimated and true error rate, pages in ten groups by estimate",
            "mean estimate, %",
            "median true rate, %",
            {**bins, "estimate = truth": [(0.0, 0.0), (far, far)]},
            dashed=("estimate = truth",),
        ),
    }
