"""The sizes that models are trained in, and what each is known by: a table.

`small`, `base` and `large` of the family `bert` are those of the paper's Table 2, which reads hidden / heads / layers. Its parameter counts (45.9, 135.2 and
369.5 M) are those of the encoder *with* its pooler and *without* the head that predicts masked tokens, at a vocabulary of about 64,000; `counts` gives both that
number and the whole model's, so that nobody compares one with the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pydantic import BaseModel, ConfigDict, PositiveInt, model_validator

if TYPE_CHECKING:
    from transformers import PretrainedConfig

POSITIONS = 512
"""Places of a model's table of positions, unless its rows are longer: as in BERT, and what the paper's counts fit."""


class Shape(BaseModel):
    """The widths and the depth of a transformer. `ffn` is the inner width of a feed-forward block, of one of its two branches where it is gated."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hidden: PositiveInt
    heads: PositiveInt
    layers: PositiveInt
    ffn: PositiveInt

    @model_validator(mode="after")
    def _whole_heads(self) -> Shape:
        if self.hidden % self.heads:
            raise ValueError(f"hidden {self.hidden} can't be shared among {self.heads} heads: take a multiple")
        return self


def _shape(hidden: int, heads: int, layers: int, ffn: int) -> Shape:
    return Shape(hidden=hidden, heads=heads, layers=layers, ffn=ffn)


SHAPES: dict[str, dict[str, Shape]] = {
    "bert": {
        "small": _shape(512, 8, 4, 2048),
        "base": _shape(768, 12, 12, 3072),
        "large": _shape(1024, 16, 24, 4096),
    },
    "modernbert": {
        "small": _shape(512, 8, 19, 768),  # Ettin's 68M
        "base": _shape(768, 12, 22, 1152),
        "large": _shape(1024, 16, 28, 2624),
    },
    "llama": {  # a gated block of 8/3 h has as many weights as a plain one of 4h; rounded up to a multiple of 64
        "small": _shape(512, 8, 8, 1408),
        "base": _shape(768, 12, 12, 2048),
        "large": _shape(1024, 16, 24, 2752),
    },
}
"""Sizes by family and name."""


class Rate(NamedTuple):
    """A peak learning rate, and where it is from."""

    value: float
    source: str


LEARNING_RATES: dict[str, dict[str, Rate]] = {
    "bert": {
        "small": Rate(1.5e-3, "half of Ettin's 3e-3 for 17-68M, whose layers are narrower: a start value"),
        "base": Rate(8e-4, "ModernBERT-base, Ettin 150M"),
        "large": Rate(5e-4, "Ettin 400M; MosaicBERT takes 5e-4 for its base"),
    },
    "modernbert": {
        "small": Rate(3e-3, "Ettin 68M"),
        "base": Rate(8e-4, "ModernBERT-base, Ettin 150M"),
        "large": Rate(5e-4, "Ettin 400M"),
    },
    "llama": {
        "small": Rate(1e-3, "GPT-3's Table 2.1 gives 6e-4 at 125M; smaller models take more: a start value"),
        "base": Rate(6e-4, "GPT-3 (2005.14165), Table 2.1, 125M"),
        "large": Rate(3e-4, "GPT-3 (2005.14165), Table 2.1, 350M"),
    },
}
"""Peak learning rates for AdamW, by family and size. A shape of one's own has none: its configuration names one."""


POOLED = frozenset({"bert", "roberta", "xlm-roberta", "camembert"})
"""Kinds of model whose encoder has a pooler, which masked pre-training does not train."""


class Counts(NamedTuple):
    """Parameters of a model, each counted once: what is tied is one."""

    encoder: int
    """Embeddings, layers and pooler, no head: what the paper's Table 2 counts. For a family that has no pooler, the same without it."""
    model: int
    """What is trained: embeddings, layers, and the head that predicts tokens; no pooler, but where the order of halves is learnt, which needs it."""


def counts(config: PretrainedConfig, ordered: bool = False) -> Counts:
    """Parameters of a model of this configuration, one of ours or someone's; `ordered` as in `modeling.model.build`. Nothing is allocated: the modules are made on
    torch's `meta` device and counted."""
    import torch  # noqa: PLC0415 - the table itself needs no torch
    from transformers import AutoModel, AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForPreTraining  # noqa: PLC0415
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES  # noqa: PLC0415

    from modeling.model import FAMILIES  # noqa: PLC0415

    kind = config.model_type
    loader = AutoModelForMaskedLM if kind in MODEL_FOR_MASKED_LM_MAPPING_NAMES else AutoModelForCausalLM
    own = kind in FAMILIES and not ordered
    with torch.device("meta"):
        encoder = AutoModel.from_config(config)
        model = FAMILIES[kind].model(config) if own else (AutoModelForPreTraining if ordered else loader).from_config(config)
    return Counts(*(sum(weights.numel() for weights in part.parameters()) for part in (encoder, model)))


def described(config: PretrainedConfig, ordered: bool = False) -> str:
    """A line about a model's size, each count with what it counts; `ordered` as in `counts`."""
    found = counts(config, ordered)
    inside = "encoder with pooler, without head" if config.model_type in POOLED else "without head"
    whole = "with pooler and both heads" if ordered else "with head, no pooler"
    return (
        f"{config.model_type} {config.hidden_size}/{config.num_attention_heads}/{config.num_hidden_layers} (hidden/heads/layers), vocabulary {config.vocab_size:,}: "
        f"{_told(found.encoder)} parameters ({inside}), {_told(found.model)} in the model that is trained ({whole})"
    )


def _told(count: int) -> str:
    return f"{count / 1e6:,.1f} M" if count >= 1e6 else f"{count:,}"
