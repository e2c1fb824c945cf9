"""The table of sizes is the paper's, by its parameter counts."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from pydantic import ValidationError
from transformers import BertForMaskedLM, BertModel

from modeling.config import Pretraining
from modeling.model import configured
from modeling.shapes import LEARNING_RATES, SHAPES, Shape, counts, described


class Ids(NamedTuple):
    size: int
    pad: int = 0
    cls: int = 2
    sep: int = 3


@pytest.mark.parametrize(("size", "millions"), [("small", 45.9), ("base", 135.2), ("large", 369.5)])
def test_encoders_with_pooler_have_the_papers_counts(size: str, millions: float) -> None:
    """64,064 is the first multiple of 64 at which all three of the paper's numbers come out."""
    found = counts(configured("bert", SHAPES["bert"][size], Ids(64_064), 512))
    assert round(found.encoder / 1e6, 1) == millions
    assert found.model != found.encoder, "the model that is trained has a head and no pooler"


def test_counts_are_those_of_real_modules() -> None:
    config: Any = configured("bert", Shape(hidden=32, heads=2, layers=2, ffn=64), Ids(256), 64)
    found = counts(config)
    assert found.encoder == sum(weights.numel() for weights in BertModel(config).parameters())
    assert found.model == sum(weights.numel() for weights in BertForMaskedLM(config).parameters())
    line = described(config)
    assert "encoder with pooler, without head" in line
    assert f"{found.encoder:,}" in line
    assert f"{found.model:,}" in line


def test_every_size_has_a_learning_rate_with_its_source() -> None:
    for family, sizes in SHAPES.items():
        assert list(LEARNING_RATES[family]) == list(sizes)
        for size, rate in LEARNING_RATES[family].items():
            config = Pretraining.model_validate(
                {"name": "a", "tokens": "b", "batch": {"rows": 1}, "horizon": {"steps": 1}, "model": {"family": family, "size": size}}
            )
            assert config.learning_rate == rate.value
            assert rate.source
    assert [LEARNING_RATES["bert"][size].value for size in ("small", "base", "large")] == [1.5e-3, 8e-4, 5e-4]


def test_heads_share_the_width() -> None:
    with pytest.raises(ValidationError, match="hidden 30 can't be shared among 4 heads"):
        Shape(hidden=30, heads=4, layers=1, ffn=8)


def test_positions_grow_with_the_rows() -> None:
    shape = SHAPES["bert"]["small"]
    assert configured("bert", shape, Ids(64), 128).max_position_embeddings == 512
    assert configured("bert", shape, Ids(64), 1024).max_position_embeddings == 1024
