"""What is told of two versions, in Markdown: the verdict first, then what it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.ablation.held_out import BOTH, GIVEN, SIDES
from benchmarks.ablation.verdict import ALL, LEAST, Row

TASK = "task"
HELD = {GIVEN: "given files", BOTH: "held out by both", "A": "held out by A alone", "B": "held out by B alone"}
NEAR = 0.05
"""Bits per byte below what token frequencies alone give, under which a model has learnt little more than these."""


def markdown(facts: Mapping[str, Any]) -> str:
    """The report of `facts`, as `ablation.json` has them."""
    losses, tasks = ([row for row in facts["rows"] if (row["holder"] == TASK) == of] for of in (False, True))
    parts = [f"# {_name(facts, 'A')} against {_name(facts, 'B')}", _verdict(facts), _losses(losses)]
    parts += [_tasks(tasks)] if tasks else []
    parts += [_trained(facts), *_notes(facts, losses)]
    return "\n\n".join(parts) + "\n"


def _name(facts: Mapping[str, Any], side: str) -> str:
    return f"{side} ({facts['versions'][side]['version']})"


def _verdict(facts: Mapping[str, Any]) -> str:
    by, better = facts["verdict"]["by"], facts["verdict"]["better"]
    rows = {row["holder"]: row for row in facts["rows"] if row["name"] == ALL}
    if not by:
        return f"**Undecided**: fewer than {LEAST} documents of any kind are left to ask."
    told = [
        f"{_signed(rows[one]['difference'])} ± {rows[one]['half']:.3f} bits per byte on {rows[one]['items']:,} documents {HELD[one]}"
        for one in by
    ]
    numbers = f"A − B is {'; '.join(told)}"
    if better:
        return f"**{better} is better**: {numbers}."
    if len(by) > 1 or by[0] in SIDES:
        return f"**Undecided**: no document is held out by both, and neither side is better on its own and on the other's: {numbers}."
    return f"**A tie**: {numbers}."


def _losses(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = ["| text | documents | bytes | A, bits per byte | B | A − B | p | better |", "|---|---:|---:|---:|---:|---:|---:|---|"]
    for row in rows:
        name = HELD[row["holder"]] if row["name"] == ALL else f"· {row['name']}"
        lines.append(f"| {name} | {row['items']:,} | {row['bytes']:,} | {row['a']:.3f} | {row['b']:.3f} | {_tested(row, 1, 3)} |")
    return "\n".join(lines)


def _tasks(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = ["| task | items | A | B | A − B | p | better |", "|---|---:|---:|---:|---:|---:|---|"]
    lines += [
        f"| {row['name']} | {row['items']:,} | {100 * row['a']:.1f} | {100 * row['b']:.1f} | {_tested(row, 100, 1)} |" for row in rows
    ]
    return "\n".join(lines)


def _tested(row: Mapping[str, Any], times: float, digits: int) -> str:
    """The difference, its probability after correction, who is better."""
    apart = _signed(row["difference"] * times, digits)
    if row["half"] is None:
        return f"{apart} | | too few"
    p = "< 0.001" if row["corrected"] < 0.001 else f"{row['corrected']:.3f}"
    return f"{apart} ± {row['half'] * times:.{digits}f} | {p} | {row['better'] or 'tie'}"


def _signed(value: float, digits: int = 3) -> str:
    return f"{value:+.{digits}f}".replace("-", "−")


def _trained(facts: Mapping[str, Any]) -> str:
    lines = [
        "| version | documents | words | with copies | tokens | with copies | tokens seen | epochs | times each token was read |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for side in SIDES:
        of = facts["versions"][side]
        counts = " | ".join(f"{of[name]:,}" for name in ("documents", "words", "final words", "tokens", "final tokens", "seen"))
        lines.append(f"| {_name(facts, side)} | {counts} | {of['epochs']:.2f} | {of['read']:.1f} |")
    return "\n".join(lines)


def _notes(facts: Mapping[str, Any], losses: Sequence[Mapping[str, Any]]) -> list[str]:
    notes = []
    for side in SIDES:
        of = facts["versions"][side]
        if of["epochs"] > 1:
            notes.append(
                f"**The budget makes {side} repeat**: it is {of['epochs']:.1f} times {side}'s training text, copies counted; each of its {of['tokens']:,} tokens "
                f"was read {of['read']:.1f} times."
            )
    few = [row for row in losses if row["name"] == ALL and row["holder"] == (facts["verdict"]["by"] or [None])[0]]
    for row in few:
        slow = [side for side, own, counted in zip(SIDES, (row["a"], row["b"]), row["unigram"], strict=True) if own > counted - NEAR]
        if slow:
            told = ", ".join(f"{counted:.3f} for {side}" for side, counted in zip(SIDES, row["unigram"], strict=True))
            notes.append(
                f"**Little was learnt**: token frequencies alone give {told} ({HELD[row['holder']]}), and {' and '.join(slow)} is not {NEAR} below that. "
                "A larger budget may tell more."
            )
    left = "; ".join(f"{count:,} {why}" for why, count in facts["held out"]["left out"].items()) or "none"
    notes.append(f"Held-out documents left out, so that neither side is asked what it was trained on: {left}.")
    seeds = facts["seeds"]
    notes.append(
        f"{len(seeds)} {'runs' if len(seeds) > 1 else 'run'} of each side, paired by seed; ± is half of the 95 % interval over "
        f"{'seeds and documents' if len(seeds) > 1 else 'documents: one seed tells nothing of seeds'}; what decides is tested by itself, "
        f"p of all other rows is Holm's over them; `better` says who is at 5 %. "
        f"Tokenizer {facts['tokenizer']['name']}, {facts['tokenizer']['learnt from']}; settings {facts['config']['name']}, in ablation.json."
    )
    return notes


def told(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Rows as JSON has them."""
    return [row.told() for row in rows]
