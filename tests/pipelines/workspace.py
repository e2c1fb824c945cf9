"""Helpers of the build tests: small recipes, builds in this process or as the command, and workspaces compared byte for byte."""

from __future__ import annotations

import hashlib
import io
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from rich.console import Console

from pipelines.build import Built, build
from pipelines.cli import main
from pipelines.progress import Display

DEMO = Path(__file__).parents[2] / "pipelines" / "demo"
COMMAND = [sys.executable, "-m", "pipelines.cli"]


def write_recipe(folder: Path, sources: dict[str, dict[str, Any]], **rest: Any) -> Path:
    """A recipe for these sources, in Azerbaijani, with tiny tasks so that even small inputs make many."""
    recipe = {
        "name": "test",
        "language": "azj_Latn",
        "sources": sources,
        "engine": {"task_bytes": 12_000},
        "mixture": {"shard_bytes": 50_000},
    } | rest
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe, allow_unicode=True), encoding="utf-8")
    return path


def prose_recipe(folder: Path, **rest: Any) -> Path:
    """A recipe over the demo's row-shaped sources: many tasks, quick to read."""
    raw = DEMO / "raw"
    sources = {
        "blogs": {"paths": str(raw / "blogs" / "blogs.jsonl"), "upsample": 2.5},
        "books": {"paths": str(raw / "books2" / "*.txt"), "priority": 2},
        "encyclopaedia": {"paths": str(raw / "encyclopaedia" / "*.jsonl.zst"), "upsample": 3},
    }
    return write_recipe(folder, sources, **rest)


def quiet_build(recipe: Path, workspace: Path, workers: int = 2, overrides: tuple[str, ...] = ()) -> Built:
    """Build in this process, saying nothing."""
    return build(recipe, workspace, Display(Console(quiet=True)), workers, overrides)


def start(*arguments: str | Path) -> subprocess.Popen[bytes]:
    """The command `dollma`, running in a session of its own, with SIGINT as a terminal gives it (jobs in the background of a shell ignore it)."""
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
    )


def dollma(*arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """The command `dollma` in this process, its exit code checked: most tests are about what it does and not about how it starts, which takes seconds each time."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    words = ["dollma", *map(str, arguments)]
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as ended:
            main()
    for number, handler in handlers.items():
        signal.signal(number, handler)
    told, complained = (stream.buffer.getvalue().decode() for stream in (out, err))  # type: ignore[attr-defined]
    assert ended.value.code == code, f"exit code {ended.value.code}\n{told}\n{complained}"
    return subprocess.CompletedProcess(words, code, told, complained)


def digest(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder, by relative path."""
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*")) if p.is_file()}


def ledger(built: Built) -> list[dict[str, Any]]:
    """All rows of a version's ledger."""
    return [row for path in sorted((built.folder / "ledger").glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


def shard_rows(built: Built) -> list[dict[str, Any]]:
    """All rows of a version's shards, in order."""
    return [row for path in sorted((built.folder / "data").glob("*.parquet")) for row in pq.read_table(path).to_pylist()]
