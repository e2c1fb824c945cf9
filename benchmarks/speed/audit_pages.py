"""How long the pages of `dollma audit` take, on a version of a million documents: of each kind of page the milliseconds at the median and at the 95th percentile.

    python -m benchmarks.speed.audit_pages FOLDER [--documents 1000000] [--pages FOLDER] [--repeat 20]

The version (`benchmarks.speed.audit_version`) stands in FOLDER, or is made there. The command is started as a person starts it, and its pages are asked for through HTTP,
one at a time, each time with another question, when the index stands. Told too: seconds from the command to its address and to the first page, with no index if
`workspace/audit` was not there, and the most memory that the server held.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from html import unescape
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import orjson

from benchmarks.speed.audit_version import version_of
from curation.errors import DollmaError
from pipelines.audit.database import SMALL

WORDS = ("kitab", "Bakı", "no such words")
HOSTS = ("com", "az", "wikipedia.org")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PARAGRAPH = "Kitabxanaya hər gün yüzlərlə oxucu gəlir; onların çoxu qəzet oxuyur, qalanları isə köhnə kitabları vərəqləyir. "


class Server:
    """The command, asked page after page."""

    def __init__(self, version: Path) -> None:
        self._began = time.perf_counter()
        command = [sys.executable, "-m", "pipelines.cli", "audit", version.name, "--workspace", str(version.parents[1])]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline() if self.process.stdout else ""
        found = re.match(r"http://127\.0\.0\.1:(\d+)/", line)
        if not found:
            raise DollmaError(f"dollma audit said {line!r} instead of its address")
        self.seconds = {"address": self._since()}
        self._connection = HTTPConnection("127.0.0.1", int(found[1]), timeout=600)
        self.get("/")
        self.seconds["first page"] = self._since()

    def _since(self) -> float:
        return round(time.perf_counter() - self._began, 2)

    def get(self, path: str, **parameters: Any) -> str:
        """A page, whose redirections are followed."""
        return self._asked("GET", f"{path}?{urlencode(parameters)}" if parameters else path)

    def post(self, path: str, **fields: str) -> str:
        """The answer to a form."""
        return self._asked("POST", path, urlencode(fields))

    def _asked(self, method: str, address: str, body: str | None = None) -> str:
        origin = {"Origin": f"http://127.0.0.1:{self._connection.port}"}
        self._connection.request(method, address, body, (FORM | origin) if body else {})
        answer = self._connection.getresponse()
        text = answer.read().decode()
        if answer.status == 303:
            return self._asked("GET", str(answer.headers["location"]))
        if answer.status != 200:
            raise DollmaError(f"{method} {address}: {answer.status}: {text[:500]}")
        return text

    @property
    def megabytes(self) -> int:
        """The most memory that it held so far."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return round(int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1000)

    def end(self) -> None:
        """As Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait()


def links(page: str, path: str, name: str) -> list[str]:
    """Values of a parameter in a page's links to a path, each once."""
    found = re.findall(rf'href="{re.escape(path)}\?(?:[^"]*&amp;)?{name}=([^"&]+)', page)
    return list(dict.fromkeys(unescape(one).replace("%3A", ":").replace("%2F", "/") for one in found))


def pages(server: Server) -> dict[str, Callable[[int], str]]:
    """Every kind of page, each with a number that makes it another question."""
    rules = links(server.get("/"), "/explore", "rule")
    movable = [rule for rule in rules if f"<option>{rule}</option>" in server.get("/what-if")]
    some = links(server.get("/explore", order="random"), "/document", "at")
    twins = links(server.get("/explore", order="random", verdict="duplicate"), "/document", "at")
    pairs = [re.findall(r'href="(/beside\?[^"]+)"', server.get("/document", at=at)) for at in twins]
    beside = [unescape(found[0]) for found in pairs if found]

    def explore(**query: Any) -> Callable[[int], str]:
        return lambda turn: server.get("/explore", **{key: value(turn) if callable(value) else value for key, value in query.items()})

    def turning(values: list[str] | tuple[str, ...]) -> Callable[[int], str]:
        return lambda turn: values[turn % len(values)]

    return {
        "overview": lambda _: server.get("/"),
        "explorer, in order": explore(offset=lambda turn: 50 * turn),
        "explorer, random": explore(order="random", seed=lambda turn: turn),
        "explorer, random of a rule": explore(order="random", rule=turning(rules), seed=lambda turn: turn),
        "explorer, borderline": explore(order="borderline", offset=lambda turn: 50 * turn),
        "explorer, borderline of a rule": explore(order="borderline", rule=turning(movable)),
        "explorer, stratified": explore(order="stratified", seed=lambda turn: turn),
        "explorer, range of a measure": explore(measure="words", low=100, high=lambda turn: 110 + turn),
        "explorer, source and verdict": explore(source="az", verdict="rejected", order="random", seed=lambda turn: turn),
        "explorer, language": explore(language="tur_Latn", order="random", seed=lambda turn: turn),
        "explorer, host": explore(host=turning(HOSTS)),
        "explorer, words in the text": explore(text=turning(WORDS), source="az"),
        "document": lambda turn: server.get("/document", at=some[turn % len(some)]),
        "document in a list": lambda turn: server.get("/document", at=some[turn % len(some)], order="random", place=turn),
        "duplicate": lambda turn: server.get("/document", at=twins[turn % len(twins)]),
        "side by side": lambda turn: server.get(beside[turn % len(beside)]),
        "similar to a document": lambda turn: server.get("/similar", at=some[turn % len(some)]),
        "similar to a text": lambda turn: server.post("/similar", text=PARAGRAPH * (turn + 1)),
        "what if": lambda turn: server.get("/what-if", rule="language.min_target", threshold=0.01 * turn),
        "what if, two rules": lambda turn: server.get(
            "/what-if", rule="length.min_words", threshold=20 + turn, set=f"language.min_target={0.02 * turn}"
        ),
        "labels": lambda _: server.get("/labels"),
        "label": lambda turn: server.get("/label", rule=movable[0], kind="borderline", seed=turn // 5, place=turn % 5),
        "compare": lambda _: server.get("/compare"),
    }


def timed(kinds: dict[str, Callable[[int], str]], repeat: int) -> dict[str, list[float]]:
    """Milliseconds of each answer."""
    found: dict[str, list[float]] = {name: [] for name in kinds}
    for turn in range(repeat):
        for name, ask in kinds.items():
            began = time.perf_counter()
            ask(turn)
            found[name].append(1000 * (time.perf_counter() - began))
    return found


def told(found: dict[str, list[float]]) -> dict[str, dict[str, int]]:
    """By kind and of all."""
    every = {**found, "all": [one for times in found.values() for one in times]}
    return {name: {"median": round(np.median(times)), "p95": round(np.percentile(times, 95))} for name, times in every.items()}


def main() -> None:
    """Start the server, ask, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--pages", type=Path, default=Path(os.environ.get("DOLLMA_SHARED", "../shared")) / "data")
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--only-make", action="store_true")
    given = parser.parse_args()
    version = version_of(given.folder, given.documents, given.pages.resolve())
    if given.only_make:
        return
    kept = version.parents[1] / "audit" / version.name
    server = Server(version)
    try:
        kinds = pages(server)
        while given.documents > SMALL and not list(kept.glob("index-*.duckdb")):
            time.sleep(1)
        found = {"seconds": server.seconds, "milliseconds": told(timed(kinds, given.repeat)), "megabytes": server.megabytes}
    finally:
        server.end()
    sys.stdout.buffer.write(orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


if __name__ == "__main__":
    main()
