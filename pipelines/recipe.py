"""The recipe: a YAML file that says which sources become a corpus version, and how. It never holds code."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from curation.dedup.parameters import Contained, Near, Paragraphs
from curation.errors import DollmaError
from curation.filters.choice import Overrides
from curation.formatters.base import Formatter
from curation.processors import Processor, processor
from curation.readers.base import Reader
from curation.writers.factors import Weighed
from curation.writers.parameters import Mixture, Size
from pipelines.alarms import Alarms

NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"


class Model(BaseModel):
    """Frozen, and an unknown key is an error: a typo must never pass as a setting."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class ProcessorSpec(Model):
    """A processor by name with its parameters: `jsonl`, or `{name: jsonl, text_field: body}`."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str

    def make(self, kind: str) -> Processor:
        """The processor itself. Raises DollmaError for an unknown name, pydantic's ValidationError for a bad parameter."""
        return processor(kind, self.name).model_validate(self.model_extra or {})


def _spec(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


def _list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Spec = Annotated[ProcessorSpec, BeforeValidator(_spec)]


def _known_filters(overrides: Overrides | None) -> Overrides | None:
    for name in overrides or {}:
        try:
            processor("filter", name)
        except DollmaError as error:
            raise ValueError(str(error)) from error
    return overrides


Filters = Annotated[Overrides, AfterValidator(_known_filters)]


class Source(Model):
    """Where documents come from, what they may be used for, and how much they weigh."""

    paths: Annotated[tuple[str, ...], BeforeValidator(_list), Field(min_length=1)]
    """Files, folders or patterns (fsspec), relative to the recipe."""
    reader: Spec | None = None
    """Input format; by default told from the file name of each input."""
    title: str | None = None
    """Name for people, in the card's table; by default the source's key."""
    licence: str | None = None
    """Licence of the texts (an SPDX name where there is one)."""
    origin: str | None = None
    """Where the texts come from: an address, a dump's date, a publisher."""
    citation: str | None = None
    """How to cite them."""
    upsample: float = Field(1.0, ge=0)
    """Times each document stands in the corpus; 19.4 means 19 times, and a 20th for four in ten documents."""
    domain: str | None = None
    """What the source counts as in `mixture.shares`; by default its name."""
    priority: int = 0
    """Of two duplicates the one whose source has the higher priority survives (see `dedup.survivor`)."""
    formatters: tuple[Spec, ...] | None = None
    """Formatters of this source instead of the recipe's."""
    filters: Filters = {}
    """Filter parameters on top of the recipe's, or `name: false`."""


class Best(Model):
    """A measure by which one duplicate is better than another: `{highest: language_target}`."""

    highest: str | None = None
    """The document with the highest value survives."""
    lowest: str | None = None
    """The document with the lowest value survives."""

    @model_validator(mode="after")
    def _one(self) -> Best:
        if (self.highest is None) == (self.lowest is None):
            raise ValueError("write {highest: MEASURE} or {lowest: MEASURE}")
        return self


Preference = Literal["priority", "length", "newest", "oldest"] | Best


class Dedup(Model):
    """Which duplicates are removed, and which of two survives."""

    exact: bool = True
    """Remove documents that are equal after case folding and white space normalisation."""
    near: Near | None = Near()
    """Near-duplicates; `null` to keep them."""
    contained: Contained | None = Contained()
    """Documents that stand almost whole in a better one; `null` to keep them."""
    paragraphs: Paragraphs | None = Paragraphs()
    """Paragraphs that stand in a better document too; `null` not to look for them."""
    survivor: tuple[Preference, ...] = ("priority", "length")
    """What makes the better of two documents, the first difference deciding: the source's `priority`, the `length` of the text, the `newest` or `oldest`
    date in the metadata, or a measure. At last the id decides."""


class Engine(Model):
    """How the work is cut and run. `workers` changes nothing in the result."""

    workers: int | None = Field(None, ge=1)
    """Worker processes; by default one per core."""
    task_bytes: Size = 64_000_000
    """Input in a task, about. Large files are split where the format allows."""
    max_failure_share: float = Field(0.5, ge=0, le=1)
    """The build stops when a source fails for a larger share of its documents: then the reader's settings are wrong, not the documents."""


class Recipe(Model):
    """A corpus version, as its author wrote it."""

    name: str = Field(pattern=NAME)
    """Name of the corpus; a version is called `name-fingerprint`."""
    title: str | None = None
    """Title of the data card."""
    description: str | None = None
    """First paragraph of the data card."""
    language: str
    """Language profile: a label such as azj_Latn, or the path of a YAML file."""
    licence: str | None = None
    """Licence of the corpus as a whole, for the card's header."""
    sources: dict[Annotated[str, Field(pattern=NAME)], Source] = Field(min_length=1)
    """Sources by name. A source's name is part of its documents' ids: renaming it makes new documents."""
    formatters: tuple[Spec, ...] = (ProcessorSpec(name="encoding"), ProcessorSpec(name="script"), ProcessorSpec(name="whitespace"))
    """What improves the text, in order, before anything judges it."""
    filters: Filters | None = None
    """Filters and parameters on top of the language profile's; by default the profile's filters as they are."""
    dedup: Dedup = Dedup()
    """Removal of duplicates over all sources."""
    mixture: Mixture = Mixture()
    """Up-sampling, splits and shards."""
    withdrawn: Annotated[tuple[str, ...], BeforeValidator(_list)] = ()
    """Documents taken back, by id or URL, or text files that list one a line: they are rejected, and what was a duplicate of them may stand again."""
    alarms: Alarms = Alarms()
    """When to warn."""
    since: str | None = None
    """Folder of an earlier version, or its manifest: the card says what moved since, in alarms."""
    engine: Engine = Engine()
    """Workers and task sizes."""


def make_reader(spec: ProcessorSpec) -> Reader:
    """The reader a source names."""
    made = spec.make("reader")
    assert isinstance(made, Reader)  # noqa: S101 - the registry's kinds
    return made


def make_formatters(recipe: Recipe, source: Source) -> list[Formatter]:
    """The formatters of a source, in order."""
    specs = recipe.formatters if source.formatters is None else source.formatters
    return [made for spec in specs if isinstance(made := spec.make("formatter"), Formatter)]


def weighed(recipe: Recipe) -> dict[str, Weighed]:
    """What the recipe says of each source's weight in the mixture."""
    return {name: Weighed(source.upsample, source.domain or name) for name, source in recipe.sources.items()}
