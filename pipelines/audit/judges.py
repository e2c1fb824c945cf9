"""The filters that judged a version's sources, made again from its recipe and its language profile."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError

from curation.errors import DollmaError
from curation.filters.base import Filter
from curation.filters.choice import Overrides, make_filters
from curation.languages.profile import Profile, load_profile
from curation.writers.manifest import PROFILE
from pipelines.audit.catalog import Catalog
from pipelines.versions import recipe_folders


def profile_of(folder: Path) -> Profile:
    """The language profile beside a version. Raises DollmaError where it is missing."""
    kept = folder / PROFILE
    if not kept.is_file():
        raise DollmaError(f"{kept}: no language profile: the version has lost the one it was judged by, and today's would show other spans")
    return _loaded(str(kept.resolve()), kept.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _loaded(path: str, changed: int) -> Profile:  # noqa: ARG001 - read again when the file has changed
    return load_profile(path)


def filters_of(catalog: Catalog, source: str, thresholds: Mapping[str, float | None] | None = None) -> tuple[Filter, ...]:
    """The filters of a source, with other `thresholds` (by rule, `filter.parameter`) on top as a recipe's `filters` would have them.

    Raises DollmaError for a profile or a recipe that today's filters can't take.
    """
    if thresholds:
        return _made(catalog, source, thresholds)
    if source not in catalog.filters:
        catalog.filters[source] = _made(catalog, source, {})
    return catalog.filters[source]


def _made(catalog: Catalog, source: str, thresholds: Mapping[str, float | None]) -> tuple[Filter, ...]:
    recipe = catalog.manifest["recipe"]
    own = recipe["sources"][source].get("filters")
    layers: list[Overrides | None] = [recipe.get("filters"), changed(thresholds), own]
    place = recipe_folders(catalog.workspace).get(catalog.manifest["version"])
    try:
        made = make_filters(profile_of(catalog.folder).thresholds(), *layers, folder=Path(place) if place else None)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        told = f"{'.'.join(map(str, first['loc']))}: {first['msg']} (got {first['input']!r})"
        raise DollmaError(f"{catalog.manifest['version']}: source {source}: {error.title}: {told}") from error
    return tuple(made)


def changed(thresholds: Mapping[str, float | None]) -> Overrides:
    """Thresholds by rule as a recipe's `filters`."""
    layers: Overrides = {}
    for rule, threshold in thresholds.items():
        name, _, parameter = rule.partition(".")
        parameters = layers.setdefault(name, {})
        assert parameters is not False  # noqa: S101 - nothing here leaves a filter out
        parameters[parameter] = threshold
    return layers
