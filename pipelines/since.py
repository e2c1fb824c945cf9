"""The version that a recipe names in `since`: what its successor is compared with in the card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from curation.errors import DollmaError
from pipelines.recipe import Recipe
from pipelines.recipe_file import resolve


def earlier_manifest(recipe: Recipe, recipe_path: Path) -> dict[str, Any] | None:
    """The manifest of the version that the recipe names, None if it names none. The path starts at the recipe's folder.

    Raises DollmaError where there is no such manifest.
    """
    if recipe.since is None:
        return None
    place = Path(resolve(recipe.since, recipe_path))
    path = place / "manifest.json" if place.is_dir() else place
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        manifest["version"], manifest["fingerprint"], manifest["sources"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DollmaError(
            f"{recipe_path}: since: {path} is no manifest of a version ({type(error).__name__}: {error}); "
            "name the folder of an earlier version, or its manifest.json"
        ) from error
    return manifest
