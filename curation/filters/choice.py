"""Which filters judge, with which parameters: a profile's, and what a recipe lays on top."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from curation.files import located
from curation.filters.base import Filter
from curation.processors import Processor, processor

Overrides = dict[str, dict[str, Any] | Literal[False]]
"""Filter name to parameters on top of the profile's, or `false` to leave the filter out."""


def make_filters(
    profile_filters: Mapping[str, Mapping[str, Any]], *overrides: Overrides | None, folder: Path | None = None
) -> list[Filter]:
    """Filters by name: the profile's parameters, then each layer of overrides on top; `false` removes a filter.

    Relative paths among the parameters start at `folder`, which is the recipe's.
    """
    merged: dict[str, dict[str, Any]] = {name: dict(parameters) for name, parameters in profile_filters.items()}
    for layer in overrides:
        for name, parameters in (layer or {}).items():
            if parameters is False:
                merged.pop(name, None)
            else:
                merged[name] = merged.get(name, {}) | parameters
    filters = [_made(name, merged[name], folder) for name in sorted(merged)]
    return [made for made in filters if isinstance(made, Filter)]


def _made(name: str, parameters: dict[str, Any], folder: Path | None) -> Processor:
    cls = processor("filter", name)
    placed = dict(parameters)
    for key in cls.paths:
        if folder is not None and isinstance(value := placed.get(key), str | list | tuple):
            placed[key] = [located(place, folder) for place in ([value] if isinstance(value, str) else value)]
    return cls.model_validate(placed)
