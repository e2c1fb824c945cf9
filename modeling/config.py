"""What a pre-training run is: the settings of `dollma pretrain`, their defaults, and where those come from.

All but `run` decides what is learnt, and makes the fingerprint in the name of the run's folder. `run` says how this machine goes about it, and may differ each time
that a run is taken up again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from curation.fingerprint import fingerprint
from modeling.settings import Strict, load_settings
from modeling.shapes import LEARNING_RATES, SHAPES, Shape

Share = Annotated[float, Field(ge=0, le=1)]
Probability = Annotated[float, Field(ge=0, lt=1)]


class Model(Strict):
    """What is trained. `size` is a name of `modeling.shapes`, or a shape of your own; instead of family and size, `start` is the folder of a model that exists, whose
    training goes on."""

    family: Literal["bert", "modernbert", "llama"] = "bert"
    size: str | Shape = "small"
    start: str | None = None
    embeddings: Literal["random", "cooccurrence"] = "random"
    """How rows of tokens begin; `cooccurrence` counts what stands beside what first (`modeling.cooccurrence`): worth it where text or time is short."""
    dropout: Probability = 0.0
    """None: MosaicBERT and cramming drop it, for a corpus of some epochs is not overfitted."""

    @model_validator(mode="after")
    def _known(self) -> Model:
        if self.start is not None and self.model_fields_set & {"family", "size", "embeddings"}:
            raise ValueError("give either start, or family, size and embeddings: a model that exists has its own")
        if isinstance(self.size, str) and self.size not in SHAPES[self.family]:
            raise ValueError(
                f"no size is called {self.size!r}; known: {', '.join(SHAPES[self.family])}, or a mapping with hidden, heads, layers, ffn"
            )
        return self

    @property
    def shape(self) -> Shape:
        """Widths and depth of a model from scratch."""
        return self.size if isinstance(self.size, Shape) else SHAPES[self.family][self.size]


class Lora(Strict):
    """Adapters of low rank (2106.09685) beside the query, key, value and output of each attention, which are trained instead of the model's own weights and added to
    these at the end. The values are LlamaTurk's.

    `embeddings` trains the rows of all tokens too, input, output and its bias: needed where a vocabulary got new ones. All rows and not the new ones alone, as
    Chinese-LLaMA (2304.08177): old pieces occur otherwise beside new ones, and tied and untied models are treated alike.
    """

    rank: PositiveInt = 8
    alpha: PositiveInt = 16
    dropout: Probability = 0.05
    embeddings: bool = False


class Masking(Strict):
    """What an encoder is asked for. 30 % as ModernBERT, MosaicBERT and Ettin do (2202.08005 says why); BERT and the paper took 15 %."""

    rate: Annotated[float, Field(gt=0, lt=1)] = 0.3
    whole_words: bool = False


class Objective(Strict):
    """What an encoder is asked for besides masked tokens."""

    sentence_order: bool = False
    """Which of a text's two halves stands first, as ALBERT (1909.11942), to which BERT's next sentences were too easy. Only a BERT has a head for it."""


class Batch(Strict):
    """Of one optimizer step, over all ranks: in rows, or in tokens, which are places of rows.

    It doubles from `start` to its full size at equal distances over the first `ramp` of the horizon: small batches learn faster per token while gradients still agree
    (ModernBERT, Ettin and cramming warm it up too). Doubling, since a batch then stays a multiple of what the cards take at a time.
    """

    rows: PositiveInt | None = None
    tokens: PositiveInt | None = None
    start: PositiveInt | None = None
    ramp: Share = 0.15

    @model_validator(mode="after")
    def _one(self) -> Batch:
        if (self.rows is None) == (self.tokens is None):
            raise ValueError("give either rows or tokens")
        full = self.rows or self.tokens or 0
        if self.start is not None and (full % self.start or (full // self.start).bit_count() != 1):
            raise ValueError(f"start {self.start} must be the full batch, {full}, halved some times")
        return self

    def sizes(self, length: int) -> list[int]:
        """Rows of a batch as it grows, for rows of `length` places."""
        full = self.rows or self.tokens or 0
        start = self.start or full
        smallest = start // length if self.tokens else start
        if not smallest:
            raise ValueError(f"a batch of {start} tokens holds no row of {length}")
        return [smallest << doublings for doublings in range((full // start).bit_length())]


class Horizon(Strict):
    """When the run is over: after so many steps, tokens of text (no padding, no special tokens), or hours of training (as cramming). The schedule spans it."""

    steps: PositiveInt | None = None
    tokens: PositiveInt | None = None
    hours: PositiveFloat | None = None

    @model_validator(mode="after")
    def _one(self) -> Horizon:
        if [self.steps, self.tokens, self.hours].count(None) != 2:
            raise ValueError("give one of steps, tokens and hours")
        return self


class Schedule(Strict):
    """The learning rate over the horizon. `wsd`: up, level, down (ModernBERT, Ettin, nanochat); `linear`: up, then down all the way (BERT).

    3 % and 15 % are what those agree on (2405.18392 finds 10-20 % of decay to be enough). `floor` is the share of the peak at the end.
    """

    kind: Literal["wsd", "linear"] = "wsd"
    warmup: Share = 0.03
    decay: Share = 0.15
    floor: Share = 0.0

    @model_validator(mode="after")
    def _fits(self) -> Schedule:
        if self.warmup + (self.decay if self.kind == "wsd" else 0) > 1:
            raise ValueError(f"warmup {self.warmup} and decay {self.decay} are more than the whole horizon")
        return self


class Optimiser(Strict):
    """AdamW. Moments .9 and .98 and epsilon 1e-6 as ModernBERT; weight decay .01 as BERT and cramming. Without `learning_rate`, that of the size (`modeling.shapes`)."""

    learning_rate: PositiveFloat | None = None
    betas: tuple[Probability, Probability] = (0.9, 0.98)
    epsilon: PositiveFloat = 1e-6
    weight_decay: NonNegativeFloat = 0.01
    clip: PositiveFloat = 1.0
    embeddings: bool = True
    """Are rows of tokens trained? Adam moves each, met or not, by a like share of the learning rate: over few tokens it wears away what they began with."""


class Evaluation(Strict):
    """On the validation split, by source: every so many steps (never but at the end where 0), at most `rows` rows of each source."""

    every: NonNegativeInt = 1000
    rows: PositiveInt = 256


class Run(Strict):
    """How a machine goes about it. A result depends on `micro_batch` and `device` through the order of its sums alone."""

    micro_batch: PositiveInt | None = None
    """Rows that a card takes at a time; by default the smallest batch, shared among ranks."""
    workers: NonNegativeInt = 2
    """Threads that prepare batches; 0 prepares each when it is asked for."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    compile: bool | None = None
    """torch.compile; by default on CUDA alone: on a CPU it wants a C++ compiler, and minutes."""
    log_every: PositiveInt = 10
    logs: tuple[str, ...] = ("jsonl",)
    checkpoint_every: PositiveInt = 1000
    """Steps."""
    keep: PositiveInt = 2


class Pretraining(Strict):
    """A run of `dollma pretrain`."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
    tokens: str
    """A token store: its name in the workspace, or a path."""
    version: str | None = None
    tokenizer: str | None = None
    """What the store was made from, likewise; by default those of the names that the store states."""
    length: Annotated[int, Field(ge=16, le=32768)] = 512
    """Tokens of a row, special ones among them."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 1
    model: Model = Model()
    lora: Lora | None = None
    masking: Masking = Masking()
    objective: Objective = Objective()
    batch: Batch
    horizon: Horizon
    schedule: Schedule = Schedule()
    optimiser: Optimiser = Optimiser()
    evaluation: Evaluation = Evaluation()
    run: Run = Run()

    @model_validator(mode="after")
    def _whole(self) -> Pretraining:
        self.batch.sizes(self.length)
        if self.optimiser.learning_rate is None and isinstance(self.model.size, Shape):
            raise ValueError("a shape of your own has no learning rate in the table: set optimiser.learning_rate")
        if self.optimiser.learning_rate is None and self.model.start is not None:
            raise ValueError(
                "a model that exists has no learning rate in the table: set optimiser.learning_rate (1e-4 is a start for 256 rows a step)"
            )
        if self.objective.sentence_order and (self.model.family != "bert" or self.model.start is not None):
            raise ValueError(
                "only a bert from scratch has a head for objective.sentence_order: set it to false, or model.family to bert, without model.start"
            )
        if self.lora and self.model.start is None:
            raise ValueError("lora adapts a model that exists: set model.start")
        return self

    @property
    def learning_rate(self) -> float:
        """The peak."""
        if self.optimiser.learning_rate is not None:
            return self.optimiser.learning_rate
        return LEARNING_RATES[self.model.family][str(self.model.size)].value

    @property
    def causal(self) -> bool:
        """Does the model predict next tokens, instead of masked ones? Raises DollmaError where `model.start` is no model's folder."""
        if self.model.start is None:
            return self.model.family == "llama"
        from modeling.adaptation.start import causal  # noqa: PLC0415 - reading a configuration needs no torch

        return causal(Path(self.model.start))

    @property
    def dropout(self) -> bool:
        """Is anything dropped at random?"""
        return bool(self.model.dropout or (self.lora and self.lora.dropout))

    def deciding(self) -> dict[str, object]:
        """All settings that decide what is learnt, and so make the run what it is. A model to start from stands there by its fingerprint, not by its place.

        Raises DollmaError where `model.start` is no model's folder.
        """
        unasked = {name for name in ("lora", "objective") if getattr(self, name) in (None, Objective())}
        settings = self.model_dump(mode="json", exclude={"run", "tokens", "version", "tokenizer"} | unasked)
        if self.optimiser.embeddings:
            del settings["optimiser"]["embeddings"]
        if self.model.start is None:
            del settings["model"]["start"]
            if self.model.embeddings == "random":
                del settings["model"]["embeddings"]
        else:
            from modeling.adaptation.foreign import fingerprint_of  # noqa: PLC0415 - reading a configuration needs no torch

            settings["model"] = {"start": fingerprint_of(Path(self.model.start)), "dropout": self.model.dropout}
        return settings

    def fingerprint(self, tokens: str) -> str:
        """Of these settings and of a token store's fingerprint: two runs with the same one learn the same."""
        return fingerprint({"settings": self.deciding(), "tokens": tokens, "version": DECODERS if self.causal else ENCODERS})


ENCODERS, DECODERS = 2, 2
"""Raise one when the same settings give another model."""


def load_config(path: Path, overrides: tuple[str, ...] = ()) -> Pretraining:
    """A run's settings from YAML, with `key.path=value` overrides. Raises DollmaError that names file, line, key and value."""
    return load_settings(path, Pretraining, overrides)
