"""The audit in a real browser: Debian's Chromium, the command itself as server. Skipped where Chromium or Playwright is not installed."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api")

from tests.audit.hostile import hostile_workspace  # noqa: E402
from tests.pipelines.workspace import start  # noqa: E402

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium; `make system` installs it on Debian")

RULE = "length.min_words"
PATIENCE = 120_000
"""Milliseconds that anything may take: a machine that does much else at once is slow."""

UNNAMED = """() => [...document.querySelectorAll('a, button, input:not([type=hidden]), select, textarea, [role=region]')]
  .filter(e => !e.hidden && !(e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') || e.textContent.trim() || e.title
    || [...(e.labels || [])].some(label => label.textContent))).map(e => e.outerHTML)"""
FAINT = """() => {
  const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = colour => { const [r, g, b] = numbers(colour).slice(0, 3).map(c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = e => {
    for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if ((numbers(c)[3] ?? 1) > 0) return c; }
    return 'rgb(255,255,255)'; };
  const found = new Set();
  for (const e of document.querySelectorAll('body *:not(svg *):not(option)')) {
    const said = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    if (!said || !e.getClientRects().length || e.closest('svg')) continue;
    const [a, b] = [light(getComputedStyle(e).color), light(ground(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.add(`${e.tagName}.${e.className} ${ratio.toFixed(2)} ${e.innerText.slice(0, 30)}`);
  }
  return [...found];
}"""
"""WCAG 2.2, 1.4.3: contrast of all text with the ground behind it, at least 4.5."""


@dataclass
class Server:
    """The command, and where it listens."""

    workspace: Path
    versions: list[str]
    process: subprocess.Popen[bytes] | None = None
    address: str = ""

    def begin(self, port: str = "0") -> None:
        self.process = start("audit", self.versions[0], "--workspace", self.workspace, "--port", port)
        assert self.process.stdout
        line = self.process.stdout.readline().decode()
        found = re.match(r"(http://127\.0\.0\.1:\d+)/", line)
        assert found, line
        self.address = found[1]

    def kill(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(*hostile_workspace(tmp_path_factory.mktemp("audit-browser")))
    made.begin()
    yield made
    made.kill()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Any, server: Server) -> Iterator[Any]:
    context = browser.new_context(base_url=server.address, viewport={"width": 1440, "height": 900})
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE)
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("request", lambda request: complaints.append(request.url) if not request.url.startswith(server.address) else None)
    yield opened
    context.close()
    assert complaints == [], "the policy had something to refuse, a script failed, or something was asked elsewhere"


def test_overview_leads_to_documents(page: Any) -> None:
    page.goto("/")
    assert page.get_by_role("img", name=re.compile("Funnel")).is_visible()
    page.get_by_role("link", name=f"documents that fail {RULE}").click()
    assert page.get_by_label("Rule").input_value() == RULE
    assert page.locator("#rows .row").count() >= 1


def test_explorer_is_driven_by_keys(page: Any) -> None:
    page.goto("/explore")
    page.keyboard.press("/")
    page.keyboard.type("dəyirmançı")
    page.keyboard.press("Enter")
    page.wait_for_url("**/explore?text=*")
    assert "5 documents" in page.get_by_role("status").inner_text()
    page.get_by_label("Verdict").select_option("kept")
    page.get_by_role("button", name="Find").click()
    page.wait_for_url("**verdict=kept*")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.locator("#preview .reader").wait_for()
    chosen = page.locator("#rows .row").nth(1)
    assert chosen.get_attribute("aria-current") == "true"
    page.keyboard.press("Enter")
    page.wait_for_url("**/document?*")
    assert "2 of " in page.locator(".paging").inner_text()
    page.keyboard.press("p")
    page.wait_for_url("**place=0*")
    page.keyboard.press("Escape")
    page.wait_for_url("**/explore?*")


def test_labels_by_key_survive_a_reload_and_a_killed_server(page: Any, server: Server) -> None:
    page.goto(f"/label?rule={RULE}&n=2")
    page.get_by_label("Your name").fill("Aygün")
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    page.keyboard.type("boş kdu")
    page.keyboard.press("Enter")
    page.keyboard.press("d")
    page.wait_for_url(lambda url: "place=1" in url or "done=1" in url)
    page.goto(f"/label?rule={RULE}&n=2")
    page.wait_for_load_state("networkidle")
    port = server.address.rpartition(":")[2]
    server.kill()
    server.begin(port)
    page.reload()
    assert page.get_by_role("button", name="Drop").get_attribute("aria-pressed") == "true"
    assert page.get_by_label("Reason").input_value() == "boş kdu"
    assert page.get_by_label("Your name").input_value() == "Aygün"
    page.goto("/labels")
    assert "100 %" in page.get_by_role("row", name=RULE).first.inner_text()


def test_the_slider_moves_the_figures(page: Any) -> None:
    page.goto(f"/what-if?rule={RULE}")
    page.locator("#slider").focus()
    page.keyboard.press("End")
    page.get_by_text("By the rules alone").wait_for()
    assert page.locator("#threshold").input_value() == page.locator("#slider").input_value()
    page.locator("#threshold").fill("40")
    page.get_by_text("min_words: 40").wait_for()
    page.locator("#exact").click()
    page.get_by_text("As a rebuild would have it").wait_for()


def test_versions_and_duplicates_are_compared(page: Any, server: Server) -> None:
    page.goto("/compare")
    page.get_by_label("Earlier").select_option(server.versions[1])
    page.get_by_role("button", name="Compare").click()
    page.locator(".difference section").wait_for()
    assert "filters.length.min_words" in page.locator(".difference").inner_text()
    page.goto("/explore?source=web&verdict=duplicate")
    page.locator("#rows .row").first.click()
    page.get_by_role("link", name=re.compile("side by side")).first.click()
    assert {page.locator("ins").inner_text().strip(), page.locator("del").inner_text().strip()} == {"bağlandı.", "açıldı."}


def test_hostile_documents_are_inert_and_right_to_left_is(page: Any) -> None:
    page.goto("/explore?source=web")
    links = [row.get_attribute("href") for row in page.locator("#rows .row").all()]
    directions = []
    for link in links:
        page.goto(link)
        page.wait_for_timeout(50)
        assert "owned" not in page.title()
        assert page.locator("main img, main script, main style").count() == 0
        if page.locator(".passage").count():
            directions.append(page.locator(".passage").first.evaluate("e => getComputedStyle(e).direction"))
    assert directions.count("rtl") == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_control_has_a_name_and_every_text_contrast(browser: Any, server: Server, scheme: str) -> None:
    context = browser.new_context(base_url=server.address, viewport={"width": 390, "height": 844}, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto("/explore?source=web")
    document = page.locator("#rows .row").first.get_attribute("href")
    paths = [
        "/",
        "/explore",
        document,
        f"/what-if?rule={RULE}&threshold=40",
        "/labels",
        f"/label?rule={RULE}",
        "/similar",
        f"/compare?a={server.versions[1]}",
    ]
    for path in paths:
        page.goto(path)
        if path.startswith("/compare"):
            page.locator(".difference section").wait_for()
        assert page.evaluate(UNNAMED) == [], path
        assert page.evaluate(FAINT) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{path} is wider than a phone"
    context.close()
