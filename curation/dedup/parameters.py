"""What a recipe may say about duplicates."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

SHORTEST_PARAGRAPH = 8
"""Words. Shorter lines are not stored: headings, menus and dates repeat by nature."""


RECALL = 0.95
"""Probability with which a pair right at the threshold is looked at."""


class Near(BaseModel):
    """How near-duplicates are found. As many bands as it takes to find a pair at the threshold with probability RECALL: at 0.8, 16 bands of 7 permutations
    find it with 1 - (1 - 0.8^7)^16 = 0.977, and one of 0.85 with 0.998 (FineWeb's 14 bands of 8: 0.924 and 0.988)."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    threshold: float = Field(0.8, gt=0, le=1)
    """Smallest Jaccard similarity of two documents' shingle sets at which one is a duplicate of the other. Every removal is verified."""
    shingle: int = Field(5, ge=1, le=32)
    """Words in a shingle."""
    permutations: int = Field(112, ge=1, le=1024)
    """Length of a MinHash signature."""
    bands: int = Field(default_factory=lambda asked: fewest_bands(asked["threshold"], asked["permutations"]), ge=1)
    """Bands the signature is cut into; two documents are compared when one band is equal. Must divide `permutations`."""
    seed: int = Field(1, ge=0, lt=2**32)
    """Seed of the permutations, as in datasketch."""

    @model_validator(mode="after")
    def _bands_divide(self) -> Near:
        if self.permutations % self.bands:
            raise ValueError(f"bands={self.bands} must divide permutations={self.permutations}")
        return self

    def signature_identity(self) -> dict[str, int]:
        """The parameters on which stored signatures depend: all but the threshold. The version is that of the whole table of signatures."""
        return {"version": 3, "shingle": self.shingle, "permutations": self.permutations, "bands": self.bands, "seed": self.seed}


def fewest_bands(threshold: float, permutations: int) -> int:
    """The smallest number of bands that divides `permutations` and finds a pair of Jaccard `threshold` with probability RECALL (Leskovec et al. 2020,
    "Mining of Massive Datasets", 3.4): fewer bands are longer, and propose fewer pairs that are no duplicates."""
    divisors = [bands for bands in range(1, permutations + 1) if permutations % bands == 0]
    return next((bands for bands in divisors if 1 - (1 - threshold ** (permutations // bands)) ** bands >= RECALL), permutations)


class Contained(BaseModel):
    """Documents that stand almost whole in another one: a quoted law, a news item in a digest."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    threshold: float = Field(0.9, gt=0, le=1)
    """Smallest share of a document's distinct shingles that the survivor holds. Every removal is verified. The survivor is always the better document:
    a law is not removed because a news page of lower priority quotes it."""
    min_words: int = Field(50, ge=20)
    """Shorter documents stay: a sentence that stands elsewhere is no copy of that document."""


class Paragraphs(BaseModel):
    """Lines that stand, word for word, in a better document that is kept, or further up in the same one."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    action: Literal["measure", "flag", "cut"] = "measure"
    """`measure`: the ledger's `repeated_words`. `flag`: also `repeated_lines` in the shard's metadata. `cut`: the lines leave the text, each an edit in
    the ledger; a document of which fewer than `min_words` words are left is rejected by `paragraphs.min_words`."""
    min_words: int = Field(20, ge=SHORTEST_PARAGRAPH)
    """Fewest words of a line that counts."""
