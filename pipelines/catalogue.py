"""What can go into a recipe, for people (`dollma processors`) and for editors (`dollma schema`)."""

from __future__ import annotations

import inspect
import re
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from curation.errors import DollmaError, nearest
from curation.filters.base import Filter
from curation.processors import Processor, processors
from pipelines.recipe import Recipe

_VALIDATED = re.compile(r"Annotated\[(\w+), [^\]]*\]")


def catalogue(name: str | None = None) -> list[dict[str, Any]]:
    """Every processor (or those of one name): kind, name, version, doc, and its parameters with type, default and doc.

    Raises DollmaError, with the nearest spelling, for an unknown name.
    """
    found = [cls for cls in processors() if name in (None, cls.name)]
    if not found:
        raise DollmaError(f"no processor is called {name!r}: {nearest(str(name), {cls.name for cls in processors()})}")
    return [_entry(cls) for cls in found]


def _entry(cls: type[Processor]) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "kind": cls.kind,
        "name": cls.name,
        "version": cls.version,
        "doc": inspect.cleandoc(cls.__doc__ or ""),
        "parameters": _fields(cls),
    }
    if issubclass(cls, Filter):
        entry["measures"] = list(cls.measures)
        entry["rules"] = [{"rule": f"{cls.name}.{r.parameter}", "keeps": f"{r.measure} {r.keep} {r.parameter}"} for r in cls.rules]
    return entry


def _fields(cls: type[BaseModel]) -> dict[str, dict[str, Any]]:
    """Type, default and description of each parameter; one that is a model (`ocr` of the reader `pdf`) has `parameters` of its own."""
    found: dict[str, dict[str, Any]] = {}
    for field, info in cls.model_fields.items():
        default = None if info.is_required() else info.get_default(call_default_factory=True)
        found[field] = {
            "type": _type(info.annotation),
            "default": to_jsonable_python(default),
            "required": info.is_required(),
            "doc": info.description or "",
        }
        models = [kind for kind in (info.annotation, *get_args(info.annotation)) if isinstance(kind, type) and issubclass(kind, BaseModel)]
        if models:
            found[field] |= {"parameters": _fields(models[0]), "default": None if default is None else {}}
    return found


def _type(annotation: Any) -> str:
    """The type as one writes it; what validates it stays unsaid."""
    if isinstance(annotation, type) and not hasattr(annotation, "__args__"):
        return annotation.__name__
    return _VALIDATED.sub(r"\1", str(annotation).replace("typing.", ""))


def describe_processor(entry: dict[str, Any]) -> str:
    """One entry of the catalogue as lines for a terminal."""
    lines = [f"{entry['kind']} {entry['name']} (version {entry['version']})", "", entry["doc"], ""]
    lines += _described(entry["parameters"], "  ")
    if entry.get("measures"):
        lines += ["", "  measures: " + ", ".join(entry["measures"])]
        lines += [f"  rule {rule['rule']} keeps {rule['keeps']}" for rule in entry["rules"]]
    return "\n".join(lines) + "\n"


def _described(parameters: dict[str, dict[str, Any]], indent: str) -> list[str]:
    lines = []
    for name, parameter in parameters.items():
        default = "required" if parameter["required"] else f"default {parameter['default']!r}"
        lines += [f"{indent}{name}: {parameter['type']}, {default}", *(f"{indent}    {line}" for line in parameter["doc"].splitlines())]
        lines += _described(parameter.get("parameters", {}), f"{indent}    ")
    return lines


def recipe_schema() -> dict[str, Any]:
    """JSON Schema of a recipe; processors' names and parameters are those installed here."""
    schema = Recipe.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    definitions = schema["$defs"]
    del definitions["ProcessorSpec"]
    for kind in ("reader", "formatter"):
        definitions[kind] = {
            "anyOf": [{"enum": [cls.name for cls in processors(kind)]}, *(_spec(cls, definitions) for cls in processors(kind))]
        }
    filters = {cls.name: {"anyOf": [{"const": False}, _parameters(cls, definitions)]} for cls in processors("filter")}
    definitions["filters"] = {"type": "object", "properties": filters, "additionalProperties": False}
    source = definitions["Source"]["properties"]
    for properties in (schema["properties"], source):
        for key, kind in (("reader", "reader"), ("formatters", "formatter"), ("filters", "filters")):
            if key in properties:
                reference = {"$ref": f"#/$defs/{kind}"}
                properties[key] = {"description": properties[key].get("description", "")} | (
                    {"type": "array", "items": reference} if key == "formatters" else reference
                )
    source["paths"] = {
        "description": source["paths"].get("description", ""),
        "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
    }
    for definition, key in (("Engine", "task_bytes"), ("Mixture", "shard_bytes")):
        field = definitions[definition]["properties"][key]
        definitions[definition]["properties"][key] = {
            "description": field["description"],
            "type": ["integer", "string"],
            "default": field["default"],
        }
    return schema


def _parameters(cls: type[Processor], definitions: dict[str, Any]) -> dict[str, Any]:
    own = cls.model_json_schema()
    definitions.update(own.pop("$defs", {}))
    return own


def _spec(cls: type[Processor], definitions: dict[str, Any]) -> dict[str, Any]:
    own = _parameters(cls, definitions)
    own["properties"] = {"name": {"const": cls.name}, **own.get("properties", {})}
    own["required"] = ["name", *own.get("required", [])]
    return own
