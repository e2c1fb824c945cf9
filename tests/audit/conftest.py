"""One version of the demo corpus, for all that looks at versions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.audit.catalog import Catalog, open_catalog
from tests.pipelines.workspace import DEMO, quiet_build


@pytest.fixture(scope="session")
def demo_version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the demo's version, with the workspace around it. To be read, not to be changed."""
    return quiet_build(DEMO / "recipe.yaml", tmp_path_factory.mktemp("audit-demo"), workers=1).folder


@pytest.fixture(scope="session")
def demo(demo_version: Path) -> Iterator[Catalog]:
    """The demo's version, open."""
    with open_catalog(str(demo_version), demo_version.parents[1]) as catalog:
        yield catalog
