"""What a build says on the terminal against the version before it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from curation.errors import DollmaError
from curation.writers.manifest import MANIFEST, read_manifest
from pipelines.alarms import Alarms, relative_alarms


def build_alarms(version: Path) -> list[str]:
    """Messages of a version's own alarms and, if its recipe names no version to compare with, of those against the last written other one of its name.

    The latter are printed and never stored: a version's bytes don't depend on what else stands in the workspace.
    """
    manifest = read_manifest(version)
    try:
        earlier = None if manifest["since"] else _latest_other(version, manifest["name"])
    except DollmaError as error:
        return [*(alarm["message"] for alarm in manifest["alarms"]), f"not compared with the version before: {error}"]
    moved = relative_alarms(earlier, manifest, Alarms.model_validate(manifest["recipe"]["alarms"])) if earlier else []
    return [alarm["message"] for alarm in (*manifest["alarms"], *moved)]


def _latest_other(version: Path, name: str) -> dict[str, Any] | None:
    """By the time at which its manifest was written; a version is called NAME-FINGERPRINT."""
    manifests = [path for path in version.parent.glob(f"{name}-*/{MANIFEST}") if path.parent.name.rpartition("-")[0] == name]
    others = [path for path in manifests if path.parent.name != version.name]
    latest = max(others, key=lambda path: (path.stat().st_mtime_ns, path.parent.name), default=None)
    return None if latest is None else read_manifest(latest.parent)
