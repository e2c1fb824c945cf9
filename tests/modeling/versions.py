"""A small version and a small tokenizer, each made once in a test run, for all tests of modeling."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from modeling.corpus import Version, open_version
from modeling.tokenizer.training import Settings, train
from tests.pipelines.workspace import prose_recipe, quiet_build

SETTINGS = Settings("wordpiece", 3000, 10**9)
"""3,008 ids: as many as these texts have pieces for."""


@pytest.fixture(scope="session")
def modeling_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a version of the demo's prose (blogs ×2.5, books ×1, encyclopaedia ×3; train, validation and test) and one tokenizer.

    The processes of one run of pytest-xdist share it: the first makes it, the others wait. Nothing may be changed in it.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "modeling"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        recipe = prose_recipe(folder, mixture={"seed": 7, "validation": 0.1, "test": 0.1, "shard_bytes": 50_000})
        built = quiet_build(recipe, folder / "workspace", workers=1)
        train(open_version(built.folder), SETTINGS, folder / "workspace")
    return folder / "workspace"


@pytest.fixture(scope="session")
def version(modeling_workspace: Path) -> Version:
    """The version."""
    return open_version(next((modeling_workspace / "versions").glob("test-*")))


@pytest.fixture(scope="session")
def tokenizer_folder(modeling_workspace: Path) -> Path:
    """The tokenizer: WordPiece, cased, 3,008 ids."""
    return next((modeling_workspace / "tokenizers").glob("wordpiece-*"))
