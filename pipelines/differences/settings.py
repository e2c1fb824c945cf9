"""What else differs between two versions: recipe, thresholds, profile, inputs, packages. All of it from what stands in their folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from curation.errors import DollmaError
from curation.writers.manifest import PROFILE
from pipelines.alarms import input_changes

Manifest = dict[str, Any]


def setting_differences(a: Path, b: Path, before: Manifest, after: Manifest) -> dict[str, Any]:
    """The differences of two versions' settings by where they stand; every part is empty where nothing differs."""
    recipes = [manifest["recipe"] | {"language": manifest["language"]} for manifest in (before, after)]
    return {
        "recipe": value_differences(*recipes),
        "thresholds": _thresholds(before, after),
        "profile": value_differences(_profile(a), _profile(b)),
        "inputs": _inputs(before, after),
        "packages": value_differences(before["packages"], after["packages"]),
    }


def value_differences(old: Any, new: Any, key: str = "") -> list[dict[str, Any]]:
    """`key`, `old` and `new` of every leaf that differs; what is absent is null, and a mapping that is absent is one of absent leaves."""
    sides = [value for value in (old, new) if value is not None]
    if sides and all(isinstance(value, dict) for value in sides):
        before, after = old or {}, new or {}
        return [
            row
            for name in sorted({*before, *after}, key=str)
            for row in value_differences(before.get(name), after.get(name), f"{key}.{name}" if key else str(name))
        ]
    return [] if old == new else [{"key": key, "old": old, "new": new}]


def _thresholds(before: Manifest, after: Manifest) -> list[dict[str, Any]]:
    """Thresholds in force, whoever set them: rule, old, new, and the sources in which it moved so. Null is a rule that is off."""
    moved: dict[tuple[str, float | None, float | None], list[str]] = {}
    for name in sorted(before["sources"].keys() & after["sources"].keys()):
        for row in value_differences(before["sources"][name]["thresholds"], after["sources"][name]["thresholds"]):
            moved.setdefault((row["key"], row["old"], row["new"]), []).append(name)
    rows = [{"rule": rule, "old": old, "new": new, "sources": names} for (rule, old, new), names in moved.items()]
    return sorted(rows, key=lambda row: (row["rule"], row["sources"]))


def _inputs(before: Manifest, after: Manifest) -> dict[str, dict[str, list[str]]]:
    """Input files by source that are new, gone or changed; sources whose inputs are the same are left out."""
    nothing: dict[str, Any] = {"inputs": []}
    found = {
        name: input_changes(before["sources"].get(name, nothing), after["sources"].get(name, nothing))
        for name in sorted({*before["sources"], *after["sources"]})
    }
    return {name: files for name, files in found.items() if any(files.values())}


def _profile(folder: Path) -> Any:
    try:
        return yaml.safe_load((folder / PROFILE).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise DollmaError(f"{folder / PROFILE}: can't be read ({type(error).__name__}): run `dollma verify {folder}`") from error
