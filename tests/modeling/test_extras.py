"""Without the packages of the extra `train`, the commands say which one is missing and how to get it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.pipelines.workspace import dollma

CONFIG = Path(__file__).parents[2] / "modeling" / "configs" / "demo.yaml"


@pytest.mark.parametrize(
    ("missing", "command"),
    [
        ("torch", ("pretrain", CONFIG)),
        ("tokenizers", ("tokens", "any", "wordpiece")),
        ("tokenizers", ("tokenizer", "train", "any")),
        ("tokenizers", ("tokenizer", "eval", "any", "--version", "any")),
    ],
)
def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch, missing: str, command: tuple[str | Path, ...]) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    told = dollma(*command, code=1).stderr
    assert f"the package {missing}" in told
    assert "pip install 'dollma[train]'" in told
