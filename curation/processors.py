"""Processors: the named, typed things a recipe may hold, and the registry that resolves their names.

A processor is one frozen pydantic model: its fields are its parameters (documented by the string under each), its
methods what it does. Third-party packages add theirs through the entry point group `dollma.processors`; an entry names a module, which is
imported and registers its classes by the decorator.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict

from curation.errors import DollmaError, nearest

ENTRY_POINTS = "dollma.processors"
BUILT_IN = {
    "reader": "curation.readers",
    "formatter": "curation.formatters",
    "filter": "curation.filters",
    "identifier": "curation.languages.identifiers",
}
"""The package that holds those of a kind: whoever asks for a filter need not wait for all readers."""


class Processor(BaseModel):
    """Something a recipe names. `version` is raised whenever the same parameters would give another result."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    kind: ClassVar[str]
    name: ClassVar[str]
    version: ClassVar[int] = 1
    paths: ClassVar[tuple[str, ...]] = ()
    """Parameters that hold paths: in a recipe they are relative to its folder."""

    def identity(self) -> dict[str, Any]:
        """What a fingerprint takes of this processor: its name, version and parameters."""
        return {"name": self.name, "version": self.version, "parameters": self.model_dump(mode="json")}


P = TypeVar("P", bound=type[Processor])
_registry: dict[tuple[str, str], type[Processor]] = {}


def register(cls: P) -> P:
    """Class decorator: makes the processor known to recipes under its kind and name.

    Raises DollmaError when another class already holds the name.
    """
    key = (cls.kind, cls.name)
    other = _registry.setdefault(key, cls)
    if other is not cls and f"{other.__module__}.{other.__qualname__}" != f"{cls.__module__}.{cls.__qualname__}":
        raise DollmaError(f"two processors are called {cls.kind} {cls.name!r}: {other.__module__} and {cls.__module__}")
    _registry[key] = cls
    return cls


def processors(kind: str | None = None) -> list[type[Processor]]:
    """All known processors (of one kind), sorted by kind and name."""
    _load(kind)
    return [cls for (of, _), cls in sorted(_registry.items()) if kind in (None, of)]


def processor(kind: str, name: str) -> type[Processor]:
    """The class registered under this kind and name. Raises DollmaError with the nearest spelling otherwise."""
    _load(kind)
    found = _registry.get((kind, name))
    if found is None:
        raise DollmaError(f"no {kind} is called {name!r}: {nearest(name, [n for k, n in _registry if k == kind])}")
    return found


@cache
def _load(kind: str | None) -> None:
    for module in [BUILT_IN[kind]] if kind in BUILT_IN else BUILT_IN.values():
        import_module(module)
    _load_others()


@cache
def _load_others() -> None:
    for entry in entry_points(group=ENTRY_POINTS):
        entry.load()
