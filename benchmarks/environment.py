"""The environment that other tools run in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.speed.build import BENCH, REQUIREMENTS

DEDUPLICATION = Path(__file__).parent / "dedup/requirements.txt"


def environment() -> Path:
    """The Python of `.venv-bench`, with datatrove, datasketch and rensa: apart from ours for the reason in `benchmarks.speed.datatrove_blocks`."""
    python = BENCH / "bin/python"
    if not BENCH.exists():
        subprocess.run([sys.executable, "-m", "venv", BENCH], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *REQUIREMENTS], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--requirement", DEDUPLICATION], check=True, stderr=subprocess.DEVNULL)
    return python
