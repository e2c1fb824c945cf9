"""Instructions with their answers, from JSON Lines in the three shapes that people publish them in, and from rows of a task through templates.

    {"instruction": "…", "input": "…", "output": "…"}                                  Alpaca; `input` may be empty or absent
    {"conversations": [{"from": "human", "value": "…"}, {"from": "gpt", …}]}           ShareGPT
    {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", …}]}         chat

A row that can't be used is a Failure that names its line; the rest goes on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from curation.document import Failure
from curation.errors import DollmaError
from curation.readers.base import InputFile
from curation.readers.streams import Damage, Line, chunks, lines

MAX_LINE = 1 << 22
"""Bytes of a row; the longest conversations of ShareGPT have some hundred thousand."""
BOM = b"\xef\xbb\xbf"
SYSTEM, USER, ASSISTANT = "system", "user", "assistant"
SPEAKERS = {
    "system": SYSTEM,
    "human": USER,
    "user": USER,
    "gpt": ASSISTANT,
    "assistant": ASSISTANT,
    "chatgpt": ASSISTANT,
    "model": ASSISTANT,
}
"""Who `from` and `role` may name."""
_FIELD = re.compile(r"\{\{|\}\}|\{(\w+)\}|[{}]")


class Turn(NamedTuple):
    """What one of system, user and assistant says."""

    role: str
    text: str


class Dialogue(NamedTuple):
    """Turns of one row: perhaps the system's, then user and assistant in turn, an assistant's last. `place` is `FILE:LINE`."""

    place: str
    turns: tuple[Turn, ...]


class Templates(NamedTuple):
    """How a row of a task becomes a question and its answer: `{field}` stands for the row's field, `{{` and `}}` for braces."""

    prompt: str
    response: str


def read(files: Iterable[Path], templates: Templates | None = None) -> Iterator[Dialogue | Failure]:
    """The rows of JSON Lines files (plain, .gz, .zst, .bz2, .xz), in order.

    Raises DollmaError for a file that is not there, and for a template that is none.
    """
    dialogue = _alternating if templates is None else _filled(templates)
    for path in files:
        if not path.is_file():
            raise DollmaError(f"{path}: no such file: give JSON Lines with instructions, .jsonl or .jsonl.gz")
        for line in lines(chunks(InputFile(str(path), path.name, path.stat().st_size)), MAX_LINE):
            if isinstance(line, Damage):
                yield line.failure(path.name)
            elif line.data is None or line.data.strip():
                yield _row(line, f"{path.name}:{line.number}", dialogue)


def _row(line: Line, place: str, dialogue: Callable[[Mapping[str, Any]], tuple[Turn, ...]]) -> Dialogue | Failure:
    if line.data is None:
        return Failure(place, "too_long", f"{place}: {line.size:,} bytes; a row has {MAX_LINE:,} at most")
    try:
        row = orjson.loads(line.data.removeprefix(BOM) if line.number == 1 else line.data)
        return Dialogue(place, dialogue(_object(row)))
    except orjson.JSONDecodeError as error:
        return Failure(place, "json", f"{place}: not JSON: {error}")
    except _Unfit as error:
        return Failure(place, error.reason, f"{place}: {error}")


class _Unfit(Exception):  # noqa: N818 - it never leaves this module
    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def _object(row: Any) -> Mapping[str, Any]:
    if not isinstance(row, dict):
        raise _Unfit("type", f"a {type(row).__name__}, not an object")
    return row


def _alternating(row: Mapping[str, Any]) -> tuple[Turn, ...]:
    turns = _turns(row)
    spoken = [turn.role for turn in turns if turn.role != SYSTEM]
    if any(turn.role == SYSTEM for turn in turns[1:]):
        raise _Unfit("order", "a system's turn stands after the first")
    if spoken != [USER, ASSISTANT] * (len(spoken) // 2) or not spoken:
        raise _Unfit("order", f"user and assistant must take turns, the assistant last: {', '.join(spoken) or 'nobody speaks'}")
    return turns


def _turns(row: Mapping[str, Any]) -> tuple[Turn, ...]:
    if "instruction" in row:
        asked, more = _text(row, "instruction"), _text(row, "input", "") if row.get("input") is not None else ""
        return Turn(USER, f"{asked}\n\n{more}" if more.strip() else asked), Turn(ASSISTANT, _text(row, "output"))
    for key, who, what in (("conversations", "from", "value"), ("messages", "role", "content")):
        if isinstance(said := row.get(key), list):
            return tuple(_turn(one, who, what) for one in said)
    raise _Unfit("fields", f"neither instruction and output, nor conversations, nor messages: {', '.join(sorted(map(str, row)))[:100]}")


def _turn(said: Any, who: str, what: str) -> Turn:
    speaker = _object(said).get(who)
    if not isinstance(speaker, str) or speaker not in SPEAKERS:
        raise _Unfit("speaker", f"{who} is {str(speaker)[:40]!r}, not one of {', '.join(SPEAKERS)}")
    return Turn(SPEAKERS[speaker], _text(_object(said), what))


def _text(row: Mapping[str, Any], key: str, default: str | None = None) -> str:
    value = row.get(key)
    if not isinstance(value, str):
        raise _Unfit("type", f"{key} is a {type(value).__name__}, not a text" if key in row else f"no {key}")
    if not value.strip() and default is None:
        raise _Unfit("empty", f"{key} is empty")
    return value


def _filled(templates: Templates) -> Callable[[Mapping[str, Any]], tuple[Turn, ...]]:
    prompt, response = (_template(name, text) for name, text in templates._asdict().items())

    def turns(row: Mapping[str, Any]) -> tuple[Turn, ...]:
        return Turn(USER, prompt(row)), Turn(ASSISTANT, response(row))

    return turns


def _template(name: str, text: str) -> Callable[[Mapping[str, Any]], str]:
    """A template as a function of a row. Fields are names and nothing else: no attributes, no indices, no formats, as `str.format` would follow them."""
    if wrong := next((found for found in _FIELD.finditer(text) if found[0] in "{}"), None):
        raise DollmaError(f"{name}: {text!r}: a brace at {wrong.start() + 1} is no field: write {{field}}, and {{{{ or }}}} for a brace")
    if not any(found[1] for found in _FIELD.finditer(text)):
        raise DollmaError(f"{name}: {text!r}: no {{field}}: all rows would be the same")

    def fill(row: Mapping[str, Any]) -> str:
        filled = _FIELD.sub(lambda found: _value(row, found[1]) if found[1] else found[0][0], text)
        if not filled.strip():
            raise _Unfit("empty", f"the {name} is empty")
        return filled

    return fill


def _value(row: Mapping[str, Any], field: str) -> str:
    value = row.get(field)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _Unfit("type" if field in row else "fields", f"{field} is a {type(value).__name__}" if field in row else f"no field {field}")
    return str(value)
