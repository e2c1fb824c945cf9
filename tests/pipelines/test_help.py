"""What `--help` shows is what was written: a word in square brackets, as of an extra, is not taken for markup and lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.text import Text
from typer.main import get_command

from pipelines.cli import app


def written(command: Any) -> Iterator[str]:
    """The texts of a command and of all below it."""
    yield command.help or ""
    yield from (getattr(option, "help", None) or "" for option in command.params)
    for below in getattr(command, "commands", {}).values():
        yield from written(below)


def test_brackets_are_shown() -> None:
    texts = [text for text in written(get_command(app)) if "[" in text]
    assert any("decoders]" in text for text in texts)
    for text in texts:
        assert Text.from_markup(text).plain == text.replace("\\[", "[")
