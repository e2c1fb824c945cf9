"""What a recipe may say about the mixture."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
_COUNTS = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}


def _bytes(value: Any) -> Any:
    """128MB, 64 MiB or a plain number of bytes."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*(\d+\.?\d*)\s*([A-Za-z]*)\s*", value)
    if not match or match[2].upper() not in _UNITS:
        raise ValueError(f"{value!r} is no size in bytes: write 128MB, 64MiB or a number")
    return int(float(match[1]) * _UNITS[match[2].upper()])


def _count(value: Any) -> Any:
    """2.1B, 650M, 20k or a plain number."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*(\d+\.?\d*)\s*([kKMBT]?)\s*", value)
    if not match:
        raise ValueError(f"{value!r} is no count: write 2.1B, 650M, 20k or a number")
    return round(float(match[1]) * _COUNTS[match[2]])


Size = Annotated[int, BeforeValidator(_bytes), Field(gt=0)]
Count = Annotated[int, BeforeValidator(_count), Field(gt=0)]
Fertility = Annotated[float, Field(gt=0, le=1000)]


class Rates(BaseModel):
    """Copies that follow from how often rules reject the documents of a cluster size."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    most: int = Field(10, ge=2)
    """Copies of the cluster size that rules reject least; sizes rejected as often as the whole, or more, get one."""


class Mixture(BaseModel):
    """How documents become shards: how often each source stands in the corpus, which documents are held out, in which order."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    seed: int = Field(0, ge=0, lt=2**63)
    """Seed of the global shuffle and of fractional up-sampling."""
    method: Literal["explicit", "proportional", "temperature", "unimax", "shares"] = "explicit"
    """Where the up-sampling factors come from: each source's `upsample`; one factor for all; shares by words^(1/temperature); as many words from each
    source, none repeated more than `max_repeats` times (UniMax, Chung et al. 2023); `shares` by domain."""
    budget: Count | None = None
    """Words in the train split, or tokens if `tokens_per_word` is given: `2.1B`. `explicit` needs none, and is scaled to it when there is one;
    `proportional` without one takes every source once."""
    tokens_per_word: Fertility | dict[str, Fertility] | None = None
    """Fertility of the tokenizer, for all sources or by source: then `budget` counts tokens."""
    temperature: float = Field(1.0, ge=1)
    """For `temperature`: 1 is proportional, larger is nearer to uniform."""
    max_repeats: float = Field(4.0, gt=0)
    """For `unimax` and `shares`: the largest up-sampling factor a source may get."""
    shares: dict[str, Annotated[float, Field(gt=0, le=1)]] = {}
    """For `shares`: share of the budget by domain. Domains that are not named divide the rest in proportion to their words."""
    rehydrate: dict[Annotated[int, Field(ge=1)], Annotated[float, Field(ge=0)]] | Rates | None = None
    """Copies by the size of the document's near-duplicate cluster, from that size on: `{1: 1, 2: 3, 61: 1}`; or `{most: 10}`, from the
    rates at which rules reject documents in clusters of each size (FineWeb-2). They multiply the source's factor."""
    validation: float = Field(0.0, ge=0, lt=1)
    """Share of documents, by near-duplicate cluster, that go to the validation split (never up-sampled)."""
    test: float = Field(0.0, ge=0, lt=1)
    """Share that goes to the test split."""
    shard_bytes: Size = 128_000_000
    """Text in a shard, about."""

    @model_validator(mode="after")
    def _complete(self) -> Mixture:
        if self.budget is None and self.method in ("temperature", "unimax", "shares"):
            raise ValueError(f"method {self.method} needs a budget: write budget, in words, as in 2.1B")
        if self.method == "shares" and not self.shares:
            raise ValueError("method shares needs the shares: write shares: {news: 0.3}")
        if sum(self.shares.values()) > 1 + 1e-9:
            raise ValueError(f"the shares add up to {sum(self.shares.values()):g}, more than 1")
        if self.held_out >= 1:
            raise ValueError(f"validation {self.validation:g} and test {self.test:g} leave nothing to train on")
        return self

    @property
    def held_out(self) -> float:
        """Share of documents that are not in train."""
        return self.validation + self.test
