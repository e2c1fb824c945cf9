"""The report: figures that the ledger's own rows add up to, the same bytes each time, and a page in which hostile text is only text."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from html.parser import HTMLParser
from itertools import combinations
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from curation.audit import charts
from curation.audit.report import REPORT, Sample, report
from curation.audit.scales import scale
from curation.audit.summary import Summary, summarise
from curation.audit.svg import ticks
from curation.writers.manifest import read_manifest
from pipelines.build import Built
from pipelines.reporting import excerpt
from pipelines.versions import verify
from tests.pipelines.workspace import dollma, ledger, quiet_build, write_recipe

PROSE = {
    "bag": "Babamın bağında nar ağacları çiçək açıb, anam isə onların altında xalça toxuyur və uşaqlara nağıl danışır.",
    "kehriz": "Kəhriz yeraltı suyu səthə çıxaran qədim qurğudur və onu ustalar illərlə əl ilə qazıb hazırlayırdılar.",
    "again": "Babamın bağında nar ağacları çiçək açıb, anam isə onların altında xalça toxuyur və uşaqlara nağıl danışır.",
    "short": "Sabah gəl.",
    "link": "<a href='javascript:alert(4)'>Bax</a>",
    "turned": "Gizli \u202esöz\u202c \x1b[31m",
    "long": "<script>alert(1)</script> & \u202e <img src=x onerror=alert(2)> " * 40_000,
    "taken": "Mənim adım və ünvanım",
    "russian": "Вчера вечером мы долго гуляли по набережной, а потом пили чай и разговаривали о старых временах.",
    "arabic": "این متن برای آزمودن جهت نوشتار است و می‌خواهیم درست نشان داده شود، نه وارونه.",
}
URLS = {"link": "javascript:alert(3)", "short": "https://xeber.example.az/?a=1&b=<2>", "turned": "https://xeber.example.az/\u202emoc"}
TAGS = (
    "html head meta title style body main header footer nav section article figure figcaption h1 h2 h3 p ul li a dl dt dd div table tr th td code bdi blockquote "
    "mark svg rect path text"
)
TITLE = "<b>Xəbər</b> & \u202etitle"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("report")
    rows = [{"id": f"<{key}>", "text": text, "url": URLS.get(key, f"https://xeber.example.az/{key}")} for key, text in PROSE.items()]
    (folder / "news.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + "{broken\n", encoding="utf-8")
    (folder / "blogs.jsonl").write_text(json.dumps({"id": "x", "text": PROSE["kehriz"]}) + "\n", encoding="utf-8")
    recipe = write_recipe(
        folder,
        {
            "news": {"paths": "news.jsonl", "title": TITLE, "formatters": []},
            "blogs": {"paths": "blogs.jsonl", "upsample": 3, "title": "Bloqlar"},
        },
        withdrawn=["https://xeber.example.az/taken"],
        engine={"max_failure_share": 0.5},
    )
    return quiet_build(recipe, folder / "ws", workers=1)


@pytest.fixture(scope="module")
def summary(built: Built) -> Summary:
    return summarise(built.folder, read_manifest(built.folder))


def page_of(built: Built) -> str:
    return (built.folder / REPORT).read_text(encoding="utf-8")


class Page(HTMLParser):
    """A page's elements, attributes and text. What is opened must be closed, in its order."""

    EMPTY = ("meta", "path", "rect", "br")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += attributes
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += attributes

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.EMPTY:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.text.append(data)


def test_a_build_writes_it_and_the_command_writes_the_same(built: Built, tmp_path: Path) -> None:
    manifest = read_manifest(built.folder)
    assert REPORT in manifest["files"]
    assert list(verify(built.folder)) == []
    assert f"]({REPORT})" in (built.folder / "README.md").read_text(encoding="utf-8")
    dollma("report", built.folder, "--out", tmp_path / "page.html")
    assert (tmp_path / "page.html").read_bytes() == (built.folder / REPORT).read_bytes()
    told = dollma("report", built.name, "--workspace", built.folder.parents[1]).stdout.strip()
    assert Path(told).read_bytes() == (built.folder / REPORT).read_bytes()


def test_hostile_text_is_only_text(built: Built) -> None:
    page = page_of(built)
    found = Page(page)
    assert found.tags.keys() <= set(TAGS.split())
    assert not any(name.startswith("on") or name in ("src", "style") for name, _ in found.attributes)
    assert all(str(value).startswith(("#", "https://xeber.example.az/")) for name, value in found.attributes if name == "href")
    assert "default-src 'none'" in page
    assert not any(ord(letter) < 32 and letter not in "\n\t" for letter in page)
    assert not set(page) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    told = "".join(found.text)
    assert "<script>alert(1)</script> & ⟨U+202E⟩ <img src=x onerror=alert(2)>" in told
    assert "javascript:alert(3)" in told
    assert "⟨U+001B⟩[31m" in told
    assert TITLE.replace("\u202e", "⟨U+202E⟩") in told
    assert "می\u200cخواهیم" in told
    assert len(page.encode()) < 200_000


def test_its_figures_are_those_of_the_ledger(built: Built, summary: Summary) -> None:
    rows = ledger(built)
    failed = [(row, sorted({rule["rule"].partition(": ")[0] for rule in row["rules"]})) for row in rows]
    expected: dict[str, list[int]] = {}
    for row, names in failed:
        for name in names:
            sums = expected.setdefault(name, [0, 0, 0])
            for place, more in enumerate((1, len(names) == 1, row["words"])):
                sums[place] += more
    assert {rule.rule: [rule.documents, rule.alone, rule.words] for rule in summary.rules if rule.documents} == expected
    assert len(expected) >= 4
    pairs = Counter(pair for _, names in failed for pair in combinations(names, 2))
    assert {(one, other): count for one, other, count in summary.pairs} == pairs
    assert pairs
    for verdict, words in summary.words.items():
        assert words == sum(row["words"] or 0 for row in rows if row["verdict"] == verdict)
    for flow, source in zip(summary.flows, summary.manifest["sources"].values(), strict=True):
        assert flow.read == flow.kept + flow.duplicate + flow.rejected + flow.failed == source["read"]
    told = "".join(Page(page_of(built)).text)
    assert all(f"{documents:,} documents fail it" in told for name, (documents, _, _) in expected.items())


def test_every_value_stands_in_a_histogram_and_what_fails_beyond_its_threshold(built: Built, summary: Summary) -> None:
    paths = sorted((built.folder / "measures").glob("*.parquet"))
    for measured in summary.measures:
        values = np.concatenate([pq.read_table(path)[measured.name].to_numpy() for path in paths])
        assert sum(map(sum, measured.counts.values())) == np.count_nonzero(~np.isnan(values))
        below = [line for line in measured.lines if line.bound == "min"][:1]
        for line in below if below and below[0] == measured.lines[0] else []:
            beyond = sum(
                sum(counts[place] for counts in measured.counts.values())
                for place, edge in enumerate(measured.scale.edges[1:])
                if edge <= line.value + 1e-9
            )
            assert beyond == np.count_nonzero(values < line.value), measured.name
    assert {measured.name for measured in summary.measures} >= {"words", "language_target", "script_share"}
    kept, read = summary.labels["language"]
    assert sum(kept.values()) == summary.manifest["totals"]["kept"]
    assert read.keys() > kept.keys()


def test_what_is_withdrawn_is_not_shown(built: Built) -> None:
    told = "".join(Page(page_of(built)).text)
    assert "recipe.withdrawn" in told
    assert "withdrawn: its text is not shown" in told
    assert PROSE["taken"] not in told
    assert "Sabah gəl." in told


def test_without_the_workspace_texts_are_said_to_be_elsewhere(built: Built, tmp_path: Path) -> None:
    shutil.copytree(built.folder, tmp_path / "versions" / built.name)
    dollma("report", tmp_path / "versions" / built.name, "--out", tmp_path / "page.html")
    told = "".join(Page((tmp_path / "page.html").read_text(encoding="utf-8")).text)
    assert "its text is in the workspace that built the version" in told
    assert "Sabah gəl." not in told
    assert "documents fail it" in told


def test_a_damaged_version_is_told_of(built: Built, tmp_path: Path) -> None:
    shutil.copytree(built.folder, tmp_path / "versions" / built.name)
    path = next((tmp_path / "versions" / built.name / "measures").glob("news*"))
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:100])
    told = dollma("report", tmp_path / "versions" / built.name, code=1).stderr
    assert "dollma verify" in told


def test_it_is_never_larger_than_five_megabytes(summary: Summary) -> None:
    rules = [rule.rule for rule in summary.rules if rule.documents]
    samples = [Sample(rule, False, "0" * 32, "news", "x", None, None, (), (("<" * 200_000, False),)) for rule in rules]
    page = report(summary, samples)
    assert 4_000_000 < len(page.encode()) < 5_000_000
    assert "Left out, for this page would be too large" in page
    assert report(summary, samples) == page


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=40)
COUNTS = st.integers(0, 10**12)
FLOWS = st.lists(st.builds(lambda name, *n: charts.SourceFlow(name, sum(n), *n), NAMES, COUNTS, COUNTS, COUNTS, COUNTS), max_size=30)


class Fired:
    """A rule, as a chart wants it."""

    def __init__(self, rule: str, documents: int, alone: int) -> None:
        self.rule, self.documents, self.alone = rule, documents, min(alone, documents)


@settings(max_examples=30, deadline=None)
@given(FLOWS, st.lists(st.builds(Fired, NAMES, COUNTS, COUNTS), max_size=20, unique_by=lambda rule: rule.rule), st.data())
def test_charts_are_whole_pictures_whatever_is_drawn(flows: list[Any], rules: list[Any], data: st.DataObject) -> None:
    names = [rule.rule for rule in rules if rule.documents]
    pairs = [(one, other, 1) for one, other in combinations(names, 2) if data.draw(st.booleans())]
    drawn = [
        charts.funnel(flows),
        charts.fates(flows),
        charts.words_by_source([(flow.source, flow.kept, flow.read) for flow in flows]),
        charts.mix({flow.source: flow.kept for flow in flows}, {flow.source: flow.read for flow in flows}),
        charts.rule_bars(rules, 10**13),
        charts.overlap(rules, pairs),
    ]
    for picture in filter(None, drawn):
        root = ElementTree.fromstring(picture)  # noqa: S314 - our own
        width, height = (float(root.get(name) or 0) for name in ("width", "height"))
        for box in root.iter("{http://www.w3.org/2000/svg}rect"):
            x, y, wide, tall = (float(box.get(name) or 0) for name in ("x", "y", "width", "height"))
            assert min(x, y, wide, tall) >= 0
            assert x + wide <= width + 1
            assert y + tall <= height + 1
    assert bool(drawn[0]) == any(flow.read for flow in flows)


VALUES = st.lists(st.one_of(st.floats(0, 1), st.integers(0, 10**6).map(float), st.floats(-1e6, 1e6)), min_size=1, max_size=50)


@settings(max_examples=100, deadline=None)
@given(VALUES, st.lists(st.one_of(st.floats(0, 1), st.integers(1, 1000).map(float)), max_size=3))
@example([0.0, -1.9303307314822697e-214], [])
def test_an_axis_holds_every_value_and_its_threshold(values: list[float], thresholds: list[float]) -> None:
    data = np.array([*values, np.nan])
    axis = scale(np.array(values), thresholds)
    assert list(axis.edges) == sorted(set(axis.edges))
    assert axis.count(data, np.zeros(len(data), np.int64), 1).sum() == len(values)
    assert 1 <= axis.bins <= 200
    marks = ticks(axis.edges[0], axis.edges[-1], axis.log)
    assert 1 <= len(marks) <= 14
    assert all(axis.edges[0] - 1e-9 * abs(axis.edges[0]) <= mark <= axis.edges[-1] * (1 + 1e-9) + 1e-9 for mark in marks)
    picture = charts.histogram("<m>", axis.edges, {"kept": axis.count(data, np.zeros(len(data), np.int64), 1)[0].tolist()}, log=axis.log)
    ElementTree.fromstring(picture)  # noqa: S314 - our own


@given(st.text("ab \n", max_size=900), st.lists(st.integers(0, 900), max_size=8))
def test_an_excerpt_marks_what_it_is_told_to(text: str, cuts: list[int]) -> None:
    ends = sorted({min(cut, len(text)) for cut in cuts})
    places = list(zip(ends[::2], ends[1::2], strict=False))
    pieces = excerpt(text, places)
    assert sum(len(piece) for piece, _ in pieces) <= 3 * 330
    shown = "".join(piece.replace("⏎", "").replace("…", "") for piece, _ in pieces)
    assert shown.replace(" ", "") in "".join(text.split())
    if places and (marked := text[places[0][0] : places[0][1]].split()):
        assert "".join("".join(piece.replace("⏎", "").split()) for piece, mark in pieces if mark).startswith(marked[0][:200])
