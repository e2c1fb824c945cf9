"""The command `dollma audit`, as a process: its first page waits for nothing that it doesn't need, and an interrupt ends it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

from tests.pipelines.workspace import start

HEAVY = {"trafilatura", "ftfy", "datatrove.executor", "fsspec", "PIL", "torch"}
"""What takes a second to import, and no page of counts needs."""
FIRST_PAGE = """
import sys
from pathlib import Path
from starlette.datastructures import QueryParams
from pipelines.audit_server import serving
from pipelines.audit_server.app import PAGES
from pipelines.audit_server.state import Asked

version, labels = map(Path, sys.argv[1:])
with serving.open_catalog(str(version), version.parents[1]) as catalog:
    audit = serving.Audit(catalog, serving.open_labels(labels, version.name))
    serving.make_app(audit, 80)
    assert b"Funnel" in PAGES["/"](audit, Asked(QueryParams(), {}, "")).body
print(*sys.modules)
"""


def test_an_interrupt_ends_it_without_a_word(demo_version: Path) -> None:
    server = start("audit", demo_version.name, "--workspace", demo_version.parents[1])
    assert server.stdout
    try:
        assert re.match(rb"http://127\.0\.0\.1:\d+/", server.stdout.readline())  # measures are still being counted for the pages to come
        server.send_signal(signal.SIGINT)
        assert (server.wait(60), server.stdout.read()) == (0, b"")
    finally:
        server.kill()


def test_the_first_page_waits_for_no_reader(demo_version: Path, tmp_path: Path) -> None:
    asked = [sys.executable, "-c", FIRST_PAGE, str(demo_version), str(tmp_path)]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert HEAVY.isdisjoint(done.stdout.split())
