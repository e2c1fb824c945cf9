"""What `dollma adapt` does: a model's folder, a version, and steps one after the other, each starting from what the one before made.

Defaults are LlamaTurk's (2405.07745) presets: adapters of rank 8, a learning rate of 3e-4 after 100 steps of warm-up, 128 rows a step; 1 epoch of rows of 512 for text,
2 of 256 for dialogues.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from modeling.config import Lora, Masking, Run
from modeling.settings import Strict, load_settings

WARMUP = 100
"""Steps; where that is more than a tenth of a run, a tenth."""


class _Step(Strict):
    def deciding(self) -> dict[str, Any]:
        """What of it decides the result. Files are known by their content, which is looked at elsewhere."""
        return self.model_dump(mode="json", exclude={"run", "data", "tokenizer"})


class _Trained(_Step):
    learning_rate: PositiveFloat = 3e-4
    warmup: PositiveInt = WARMUP
    batch: PositiveInt = 128
    epochs: PositiveFloat = 1
    lora: Lora | None = Lora()
    """null trains all weights, which wants a lower learning rate."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 1
    run: Run = Run()

    def warmup_share(self, steps: int) -> float:
        """Of the horizon."""
        return min(self.warmup / steps, 0.1)

    def adapters(self, grown: bool) -> Lora | None:
        """The adapters, which train the rows of tokens too where a vocabulary has `grown`, unless the recipe says otherwise."""
        if self.lora is None or not grown or "embeddings" in self.lora.model_fields_set:
            return self.lora
        return self.lora.model_copy(update={"embeddings": True})


class Trim(_Step):
    """Cut the vocabulary down to the tokens that the version's text uses, the `keep` most frequent ones where that is given."""

    step: Literal["trim"]
    keep: PositiveInt | None = None


class Extend(_Step):
    """Add pieces of a tokenizer of the version (`dollma tokenizer train`; its folder, or its name in the workspace), the `pieces` first that the model's lacks."""

    step: Literal["extend"]
    tokenizer: str
    pieces: PositiveInt | None = None
    rows: Literal["mean", "focus"] = "mean"
    """How they begin: as the mean of the rows of what they were cut into before, or as mixtures of the tokens that the version's text uses as it uses them (FOCUS)."""


class Continue(_Trained):
    """Go on with pre-training, on the version's training split. After a step that added pieces, their rows are trained too unless `lora.embeddings` says otherwise."""

    step: Literal["continue"]
    length: Annotated[int, Field(ge=16, le=32768)] = 512
    masking: Masking = Masking()


class Instruct(_Trained):
    """Teach to answer, by dialogues in JSON Lines; for a task, by its rows and the templates of `prompt` and `response`."""

    step: Literal["instruct", "task"]
    data: Annotated[tuple[str, ...], Field(min_length=1)]
    """Files; relative paths are relative to the recipe."""
    prompt: str | None = None
    response: str | None = None
    length: Annotated[int, Field(ge=16, le=32768)] = 256
    epochs: PositiveInt = 2

    @model_validator(mode="after")
    def _templates(self) -> Instruct:
        if (self.step == "task") != (self.prompt is not None) or (self.prompt is None) != (self.response is None):
            raise ValueError("a task has the templates prompt and response; instructions have none")
        return self


Step = Annotated[Trim | Extend | Continue | Instruct, Field(discriminator="step")]


class Measure(Strict):
    """What models are compared on, before and after each step: the first documents of the version's validation split, about so many `bytes` of each source."""

    bytes: PositiveInt = 1_000_000
    length: Annotated[int, Field(ge=16, le=32768)] = 512


class Adaptation(Strict):
    """A run of `dollma adapt`."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
    model: str
    """A folder that transformers loads; a relative path starts where the command runs, or else at the recipe."""
    version: str
    """A version: its name in the workspace, or its folder."""
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    measure: Measure = Measure()


def load_adaptation(path: Path, overrides: tuple[str, ...] = ()) -> Adaptation:
    """A recipe from YAML, with `key=value` overrides. Raises DollmaError that names file, line, key and value."""
    return load_settings(path, Adaptation, overrides)
