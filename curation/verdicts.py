"""Verdicts: rules applied to measures. Every failing rule is recorded with the value and the threshold, not only the first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:  # what reads verdicts alone need not load every filter
    from curation.filters.base import Filter, Rule

KEPT, REJECTED, DUPLICATE, FAILED = "kept", "rejected", "duplicate", "failed"

FAILED_RULE = pa.struct(
    [
        pa.field("rule", pa.string()),
        pa.field("measure", pa.string()),
        pa.field("value", pa.float64()),
        pa.field("threshold", pa.float64()),
    ]
)

FAILED_PAGE = pa.struct(
    [
        pa.field("number", pa.int32()),
        pa.field("rule", pa.string()),
        pa.field("value", pa.float64()),
        pa.field("threshold", pa.float64()),
    ]
)
"""A page, by its place among those of its document (from 0), that fails a rule of pages."""


def failed_rules(measures: pa.RecordBatch, filters: tuple[Filter, ...], reader: str) -> pa.ListArray:
    """Per document the list of rules it fails (empty: it passes all), as list<struct<rule, measure, value, threshold>>.

    A document that its reader excluded (a redirect, an error page) fails the rule `reader.why` alone: the filters have no text to judge.
    """
    rules = [rule for asked in filters for rule in asked.thresholds()]
    excluded = measures["excluded"]
    has_text = pc.is_null(excluded).to_numpy(zero_copy_only=False)
    found: list[tuple[np.ndarray, np.ndarray, int]] = []
    for number, (_, rule, threshold) in enumerate(rules):
        values = measures[rule.measure].to_numpy(zero_copy_only=False).astype(np.float64)
        rows = np.flatnonzero(~_passes(values, rule, threshold) & has_text)
        found.append((rows, values[rows], number))
    rows = np.concatenate([f[0] for f in found] or [np.zeros(0, np.int64)])
    values = np.concatenate([f[1] for f in found] or [np.zeros(0)])
    numbers = np.concatenate([np.full(len(f[0]), f[2]) for f in found] or [np.zeros(0, np.int64)]).astype(np.int64)
    order = np.lexsort((numbers, rows))
    rows, values, numbers = rows[order], values[order], numbers[order]
    parts: dict[str, Any] = {
        "rule": _rule_names(measures, rules, rows, numbers),
        "measure": pa.array([rule.measure for _, rule, _ in rules] or [""]).take(pa.array(numbers)),
        "value": pa.array(values, pa.float64()),
        "threshold": pa.array(np.array([t for _, _, t in rules] or [0.0])[numbers], pa.float64()),
    }
    gone = np.flatnonzero(~has_text)
    if len(gone):
        why = pc.binary_join_element_wise(reader, excluded.take(pa.array(gone)), ".")
        order = np.argsort(np.concatenate([rows, gone]), kind="stable")
        rows = np.concatenate([rows, gone])[order]
        nulls = pa.nulls(len(gone), pa.float64())
        extra = {"rule": why, "measure": pa.array(["excluded"] * len(gone)), "value": nulls, "threshold": nulls}
        parts = {name: pa.concat_arrays([parts[name], extra[name].cast(parts[name].type)]).take(pa.array(order)) for name in parts}
    offsets = np.searchsorted(rows, np.arange(measures.num_rows + 1)).astype(np.int32)
    structs = pa.StructArray.from_arrays([parts[f.name].cast(f.type) for f in FAILED_RULE], fields=list(FAILED_RULE))
    return pa.ListArray.from_arrays(pa.array(offsets), structs)


def _rule_names(measures: pa.RecordBatch, rules: list[tuple[str, Rule, float]], rows: np.ndarray, numbers: np.ndarray) -> pa.Array:
    """The name of each failed rule, with its reason where the rule has one."""
    names = pa.array([name for name, _, _ in rules] or [""]).take(pa.array(numbers))
    for number, (name, rule, _) in enumerate(rules):
        own = numbers == number
        if rule.reason and own.any():
            told = pc.binary_join_element_wise(name, measures[rule.reason].take(pa.array(rows[own])), ": ")
            names = pc.replace_with_mask(names, pa.array(own), told)
    return names


def failed_pages(measures: pa.RecordBatch, filters: tuple[Filter, ...]) -> pa.ListArray:
    """Per document the pages that fail a rule of pages, each with the first rule it fails, in order: list<FAILED_PAGE>."""
    found: list[dict[int, dict[str, Any]]] = [{} for _ in range(measures.num_rows)]
    for name, rule, threshold in (asked for one in filters for asked in one.thresholds() if asked[1].pages):
        lists = measures[rule.pages]
        rows = np.repeat(np.arange(len(lists)), pc.fill_null(pc.list_value_length(lists), 0).to_numpy())
        values = pc.list_flatten(lists).to_numpy(zero_copy_only=False).astype(np.float64)
        numbers = np.arange(len(rows)) - np.searchsorted(rows, rows)
        for place in np.flatnonzero(~_passes(values, rule, threshold)).tolist():
            page = {"number": int(numbers[place]), "rule": name, "value": float(values[place]), "threshold": threshold}
            found[rows[place]].setdefault(page["number"], page)
    return pa.array([[pages[number] for number in sorted(pages)] for pages in found], pa.list_(FAILED_PAGE))


def _passes(values: np.ndarray, rule: Rule, threshold: float) -> np.ndarray:
    return np.asarray(values >= threshold if rule.keep == ">=" else values <= threshold)
