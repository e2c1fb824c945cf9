"""From a YAML file to a frozen pydantic model: overrides, and errors that point at the line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from curation.errors import DollmaError, nearest

MAX_BYTES = 1 << 20


class Strict(BaseModel):
    """Settings that never change, and where an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


S = TypeVar("S", bound=Strict)


def load_settings(path: Path, kind: type[S], overrides: Iterable[str] = ()) -> S:
    """The settings in a file, with `key.path=value` overrides on top. Raises DollmaError that names file, line, key path and value."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DollmaError(f"{path}: {path.stat().st_size:,} bytes; a configuration has {MAX_BYTES:,} at most")
        root = yaml.compose(path.read_text(encoding="utf-8"), yaml.SafeLoader)
        data = _plain(root, path)
    except FileNotFoundError as error:
        raise DollmaError(f"{path}: no such configuration") from error
    except (OSError, UnicodeDecodeError) as error:
        raise DollmaError(f"{path}: can't be read: {error}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise DollmaError(f"{path}: not YAML: {error}") from error
    for override in overrides:
        _override(data, override)
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise DollmaError(f"{path}: {_explain(error, kind, root)}") from error


def flat(settings: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Nested settings as one mapping of key paths to values."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        found |= flat(value, f"{above}{name}.") if isinstance(value, Mapping) else {above + name: value}
    return found


def _plain(root: yaml.Node | None, path: Path) -> dict[str, Any]:
    """The data of a document, whose top is a mapping; a key that stands twice is an error, for the second would silently win."""
    if not isinstance(root, yaml.MappingNode):
        raise DollmaError(f"{path}: a configuration is a mapping of keys to values")
    _unique(root, path)
    data: dict[str, Any] = yaml.SafeLoader("").construct_document(root)
    return data


def _unique(node: yaml.Node, path: Path) -> None:
    if not isinstance(node, yaml.MappingNode):
        return
    seen: set[str] = set()
    for key, value in node.value:
        if key.value in seen:
            raise DollmaError(f"{path}: line {key.start_mark.line + 1}: the key {key.value!r} stands twice")
        seen.add(key.value)
        _unique(value, path)


def _override(data: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    *above, last = key.split(".")
    if not equals or not all([*above, last]):
        raise DollmaError(f"--set {override}: write key.path=value, as in model.size=base")
    place: Any = data
    for step in above:
        if not isinstance(place.get(step), dict):
            place[step] = {}
        place = place[step]
    try:
        place[last] = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise DollmaError(f"--set {override}: the value is not YAML: {error}") from error


def _explain(error: ValidationError, kind: type[BaseModel], root: yaml.Node | None) -> str:
    """The first error; of a choice between a name and a mapping, the last: a mapping was written, and the error is inside."""
    found = error.errors()
    first = found[-1] if any(_UNION_STEP.match(str(step)) for step in found[0]["loc"]) else found[0]
    key = tuple(step for step in first["loc"] if not _UNION_STEP.match(str(step)))
    if first["type"] == "extra_forbidden":
        return f"{_place(root, key)}: unknown key: {nearest(str(key[-1]), _fields(kind, key[:-1]))}"
    if first["type"] == "missing":
        return f"{_place(root, key[:-1])}: the key {key[-1]!r} is missing"
    return f"{_place(root, key)}: {first['msg'].removeprefix('Value error, ')} (got {first['input']!r})"


_UNION_STEP = re.compile(r"str$|[A-Z]\w*$|function-")
"""What pydantic puts into the path of an error inside a union."""


def _fields(kind: type[BaseModel], key: tuple[str | int, ...]) -> list[str]:
    for step in key:
        if str(step) not in kind.model_fields:
            continue  # a key of a mapping, or a place in a list, whose values are of this kind
        annotation = kind.model_fields[str(step)].annotation
        models = [one for one in (annotation, *get_args(annotation)) if isinstance(one, type) and issubclass(one, BaseModel)]
        if not models:
            return []
        kind = models[0]
    return list(kind.model_fields)


def _place(root: yaml.Node | None, key: tuple[str | int, ...]) -> str:
    """`line 3: model.size`: where a key stands, or the nearest that is there."""
    node, line = root, None
    for step in key:
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
            continue
        found = next((pair for pair in node.value if pair[0].value == step), None) if isinstance(node, yaml.MappingNode) else None
        if found is None:
            continue  # the kind that a choice was decided for stands in the path, and nowhere in the file
        line, node = found[0].start_mark.line + 1, found[1]
    path = ".".join(map(str, key)) or "top level"
    return f"line {line}: {path}" if line else path
