"""From a YAML file to a `Recipe`: environment variables, overrides, and errors that point at the line."""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from curation.errors import DollmaError, nearest
from curation.files import located
from curation.filters.choice import make_filters
from curation.languages.profile import load_profile
from curation.processors import processors
from curation.writers.factors import check_mixture
from pipelines.recipe import Recipe, make_formatters, weighed

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
Key = tuple[str | int, ...]


class _Loader(yaml.SafeLoader):
    """YAML without duplicate keys: the second would silently win."""


def _unique_mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key, _ in node.value:
        if key.value in seen:
            raise yaml.constructor.ConstructorError(None, None, f"the key {key.value!r} stands twice", key.start_mark)
        seen.add(key.value)
    return yaml.SafeLoader.construct_mapping(loader, node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _unique_mapping)


def load_recipe(path: Path, overrides: Iterable[str] = (), folder: Path | None = None) -> Recipe:
    """The recipe in a file, with `key.path=value` overrides on top and every processor checked.

    Relative paths start at the recipe's own folder, or at another `folder`. Raises DollmaError that names file, line, key path, the value, and the nearest valid one.
    """
    try:
        text = path.read_text(encoding="utf-8")
        data = yaml.load(text, _Loader)  # noqa: S506 - _Loader is a SafeLoader
        root = yaml.compose(text, yaml.SafeLoader)
    except FileNotFoundError as error:
        raise DollmaError(f"{path}: no such recipe") from error
    except (OSError, UnicodeDecodeError) as error:
        raise DollmaError(f"{path}: can't be read: {error}") from error
    except yaml.YAMLError as error:
        raise DollmaError(f"{path}: not YAML: {error}") from error
    if not isinstance(data, dict):
        raise DollmaError(f"{path}: a recipe is a mapping with the keys name, language and sources; this is {type(data).__name__}")
    for override in overrides:
        _override(data, override)
    data = _expand(data, path, root, ())
    try:
        recipe = Recipe.model_validate(data)
    except ValidationError as error:
        raise DollmaError(f"{path}: {_explain(error, Recipe, root)}") from error
    folder = folder or path.parent
    if recipe.language.endswith((".yaml", ".yml")):
        recipe = recipe.model_copy(update={"language": located(recipe.language, folder)})
    _check_processors(recipe, path, root, folder)
    _check_mixture(recipe, path, root)
    return recipe


def stored_recipe(manifest: dict[str, Any], path: Path, overrides: Iterable[str] = ()) -> Recipe:
    """The recipe that a version's manifest (at `path`) holds, with overrides on top. It lacks what only a build needs: the sources have no paths.

    Raises DollmaError that names key path, value, and the nearest valid spelling.
    """
    data = copy.deepcopy(manifest["recipe"]) | {"language": manifest["language"]}
    for source in data["sources"].values():
        source["paths"] = [""]
    for override in overrides:
        _override(data, override)
    try:
        recipe = Recipe.model_validate(data)
    except ValidationError as error:
        raise DollmaError(f"{path}: {_explain(error, Recipe, None)}") from error
    _check_mixture(recipe, path, None)
    return recipe


def resolve(place: str, recipe: Path) -> str:
    """A path of a recipe as one that can be opened from anywhere: relative ones start at the recipe's folder."""
    return located(place, recipe.resolve().parent)


def _override(data: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    steps = key.split(".")
    if not equals or not all(steps):
        raise DollmaError(f"--set {override}: write key.path=value, as in sources.news.upsample=2")
    place: Any = data
    for done, step in enumerate(steps[:-1]):
        if not isinstance(place, dict) or (done and step not in place and steps[done - 1] == "sources"):
            known = place if isinstance(place, dict) else ()
            raise DollmaError(f"--set {override}: no {'.'.join(steps[: done + 1])} in the recipe: {nearest(step, known)}")
        if place.get(step) is None:
            place[step] = {}
        place = place[step]
        if done == 0 and step == "sources" and steps[1] not in place:
            raise DollmaError(f"--set {override}: no source {steps[1]!r}: {nearest(steps[1], place)}")
    if not isinstance(place, dict):
        raise DollmaError(f"--set {override}: {'.'.join(steps[:-1])} is {place!r}, not a mapping")
    place[steps[-1]] = yaml.safe_load(value)


def _expand(value: Any, path: Path, root: yaml.Node | None, key: Key) -> Any:
    """`${NAME}` in any string becomes that environment variable."""
    if isinstance(value, dict):
        return {name: _expand(item, path, root, (*key, name)) for name, item in value.items()}
    if isinstance(value, list):
        return [_expand(item, path, root, (*key, place)) for place, item in enumerate(value)]
    if not isinstance(value, str):
        return value

    def variable(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise DollmaError(f"{path}: {_place(root, key)}: {value!r} needs the environment variable {match[1]}, which is not set")
        return os.environ[match[1]]

    return _VARIABLE.sub(variable, value)


def _check_processors(recipe: Recipe, path: Path, root: yaml.Node | None, folder: Path) -> None:
    """Make every processor once, so that a bad parameter is an error before any work."""
    try:
        profile = load_profile(recipe.language)
    except DollmaError as error:
        raise DollmaError(f"{path}: {_place(root, ('language',))}: {error}") from error
    defaults = profile.thresholds()
    for name, source in recipe.sources.items():
        checks = (
            (("sources", name, "reader"), "reader", lambda s=source: s.reader and s.reader.make("reader")),
            (("sources", name, "formatters"), "formatter", lambda s=source: make_formatters(recipe, s)),
            (("filters",), "filter", lambda: make_filters(defaults, recipe.filters, folder=folder)),
            (
                ("sources", name, "filters"),
                "filter",
                lambda s=source: make_filters(defaults, recipe.filters, s.filters, folder=folder),
            ),
        )
        for key, kind, check in checks:
            try:
                check()
            except DollmaError as error:
                raise DollmaError(f"{path}: {_place(root, key)}: {error}") from error
            except ValidationError as error:
                raise DollmaError(f"{path}: {_place(root, key)}: {_parameter(error, kind)}") from error


def _check_mixture(recipe: Recipe, path: Path, root: yaml.Node | None) -> None:
    try:
        check_mixture(recipe.mixture, weighed(recipe))
    except DollmaError as error:
        raise DollmaError(f"{path}: {_place(root, ('mixture',))}: {error}") from error


def _parameter(error: ValidationError, kind: str) -> str:
    first = error.errors()[0]
    parameter = ".".join(map(str, first["loc"]))
    for cls in processors(kind):
        if cls.__name__ == error.title:
            if first["type"] == "extra_forbidden":
                return f"{kind} {cls.name} has no parameter {parameter!r}: {nearest(parameter, cls.model_fields)}"
            return f"{kind} {cls.name}: {parameter}: {first['msg']} (got {first['input']!r})"
    return f"{parameter}: {first['msg']} (got {first['input']!r})"


def _explain(error: ValidationError, model: type[BaseModel], root: yaml.Node | None) -> str:
    first = error.errors()[0]
    key = tuple(step for step in first["loc"] if step != "[key]")
    where = _place(root, key)
    if first["type"] == "extra_forbidden":
        return f"{where}: unknown key: {nearest(str(key[-1]), _fields(model, key[:-1]))}"
    if first["type"] == "missing":
        return f"{_place(root, key[:-1]) if key[:-1] else 'top level'}: the key {key[-1]!r} is missing"
    return f"{where}: {first['msg'].removeprefix('Value error, ')} (got {first['input']!r})"


def _fields(model: type[BaseModel], key: Key) -> Sequence[str]:
    """The keys that are known at this place of the recipe: a model's fields, through the mappings and options between."""
    annotation: Any = model
    for step in key:
        models = [a for a in _alternatives(annotation) if isinstance(a, type) and issubclass(a, BaseModel)]
        mappings = [a for a in _alternatives(annotation) if get_origin(a) is dict]
        if models and step in models[0].model_fields:
            annotation = models[0].model_fields[str(step)].annotation
        elif mappings:
            annotation = get_args(mappings[0])[1]
        else:
            return ()
    return [name for a in _alternatives(annotation) if isinstance(a, type) and issubclass(a, BaseModel) for name in a.model_fields]


def _alternatives(annotation: Any) -> list[Any]:
    """The members of a union, or the one type; `Annotated` undone."""
    if get_origin(annotation) is Annotated:
        return _alternatives(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [found for member in get_args(annotation) for found in _alternatives(member)]
    return [annotation]


def _place(root: yaml.Node | None, key: Key) -> str:
    """The key path, with the line of the deepest part of it that stands in the file."""
    node, line = root, None
    for step in key:
        found = None
        if isinstance(node, yaml.MappingNode):
            pairs = [(k, v) for k, v in node.value if k.value == str(step)]
            if pairs:
                line, found = pairs[0][0].start_mark.line + 1, pairs[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            found = node.value[step]
            line = found.start_mark.line + 1
        if found is None:
            break
        node = found
    path = ".".join(map(str, key)) or "top level"
    return f"line {line}: {path}" if line else path
