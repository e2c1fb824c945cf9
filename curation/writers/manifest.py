"""The manifest of a version: what its folder holds, and what it was made from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from curation.errors import DollmaError

MANIFEST = "manifest.json"
PROFILE = "profile.yaml"
"""The language profile that a version was judged by, beside its manifest."""


def read_manifest(folder: Path) -> dict[str, Any]:
    """A version's manifest. Raises DollmaError where it is damaged."""
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        manifest["files"], manifest["sources"], manifest["version"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DollmaError(f"{folder / MANIFEST}: no manifest of a version ({type(error).__name__}: {error})") from error
    return manifest
