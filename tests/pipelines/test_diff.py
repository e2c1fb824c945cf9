"""`dollma diff`: every document and word that came, went or changed, once, with its cause; and a page in which hostile text is only text."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.audit.difference import NO_DIFFERENCE, diff_section
from curation.audit.page import page
from curation.errors import ConservationError, DollmaError
from curation.ledger import LEDGER, VERDICTS
from pipelines.build import Built
from pipelines.diff import compare_versions
from pipelines.differences.documents import cause_rows, changes, count_by_source, pair, with_causes
from pipelines.differences.side import Vocabulary, read_side
from tests.pipelines.workspace import dollma, ledger, quiet_build, shard_rows, write_recipe

NEWS = {
    "kehriz": "Kəhriz yeraltı suyu səthə çıxaran qədim qurğudur və onu ustalar əl ilə qazırdı.",
    "yagis": "Bu gün səhərdən yağış yağırdı, ona görə də heç yerə getmədik və evdə kitab oxuduq.",
    "bazar": "Şənbə bazarında kəndlilər pendir, qoz və təzə göyərti satır, alıcı isə səhər tezdən gəlir.",
    "qatar": "Qatar stansiyaya gecikdi, sərnişinlər isə platformada çay içib söhbət edirdilər.",
    "qisa": "Sabah bizim küçədə su olmayacaq.",
}
BLOGS = {
    "bag": "Babamın bağında nar ağacları çiçək açıb, anam isə onların altında xalça toxuyur.",
    "copy": NEWS["kehriz"],
    "gece": "Gecələr ulduzlara baxmaq üçün dama çıxırdıq və nənəm bizə köhnə nağıllar danışırdı.",
}
MORE = {"deniz": "Dənizin sahilində balıqçılar torlarını qurudur, uşaqlar isə qumdan qala tikirlər."}
LONGER = NEWS | {"yagis": NEWS["yagis"] + " Axşam isə qonaqlar gəldi."}
HOSTILE = {"<script>alert(1)</script>": BLOGS["bag"] + " <script>alert(1)</script> <img src=x onerror=alert(2)> \u202e \x1b[31m"}


def write(path: Path, texts: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps({"id": key, "text": text}) + "\n" for key, text in texts.items()), encoding="utf-8")


class Corpus:
    """Versions of one small corpus, which share a workspace."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.workspace = folder, folder / "ws"
        self.base = self.build("base")

    def build(self, name: str, news: tuple[dict[str, str], ...] = (NEWS,), blogs: dict[str, str] | None = BLOGS, **rest: Any) -> Built:
        folder = self.folder / name
        for number, texts in enumerate(news):
            write(folder / "news" / f"{number}.jsonl", texts)
        sources: dict[str, dict[str, Any]] = {"news": {"paths": "news/*.jsonl", "priority": 1}} if news else {}
        if blogs:
            write(folder / "blogs.jsonl", blogs)
            sources["blogs"] = {"paths": "blogs.jsonl"}
        return quiet_build(write_recipe(folder, sources, dedup={"near": None}, **rest), self.workspace, workers=1)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return Corpus(tmp_path_factory.mktemp("diff"))


def words(*texts: str) -> int:
    return sum(len(text.split()) for text in texts)


def compared(a: Built, b: Built, sample: int = 3) -> dict[str, Any]:
    """The comparison, in which what holds of every comparison holds."""
    found = compare_versions(a.folder, b.folder, sample)
    for counts in (found["totals"], *found["sources"].values()):
        documents, of_words = counts["documents"], counts["words"]
        assert documents["a"] + documents["added"] - documents["removed"] == documents["b"]
        assert documents["a"] - documents["removed"] == documents["unchanged"] + documents["changed"]
        assert of_words["a"] + of_words["added"] - of_words["removed"] + of_words["changed"] == of_words["b"]
    for change in ("added", "removed"):
        for kind in ("documents", "words"):
            assert sum(row[kind] for row in found["causes"] if row["change"] == change) == found["totals"][kind][change]
    for side, built in (("a", a), ("b", b)):
        kept = [row for row in ledger(built) if row["verdict"] == "kept"]
        assert (found["totals"]["documents"][side], found["totals"]["words"][side]) == (len(kept), sum(row["words"] for row in kept))
    return found


def causes(found: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [tuple(row[key] for key in ("change", "source", "cause", "detail", "documents", "words")) for row in found["causes"]]


def test_equal_versions(corpus: Corpus) -> None:
    found = compared(corpus.base, corpus.base)
    assert found["equal"]
    assert found["totals"]["documents"] == {
        "a": 7, "b": 7, "added": 0, "removed": 0, "changed": 0, "moved": 0, "copies": 0, "unchanged": 7,
    }  # fmt: skip
    assert not any((found["causes"], found["rules"], found["samples"], found["alarms"], *found["settings"].values()))
    assert NO_DIFFERENCE in " ".join(dollma("diff", corpus.base.name, corpus.base.name, "-w", corpus.workspace).stdout.split())
    assert NO_DIFFERENCE in diff_section(found)


def test_a_threshold_changed(corpus: Corpus) -> None:
    strict = corpus.build("strict", filters={"length": {"min_words": 8}})
    found = compared(corpus.base, strict)
    assert causes(found) == [("removed", "news", "rejected", None, 1, 5)]
    row = {"change": "removed", "source": "news", "rule": "length.min_words", "reason": None, "documents": 1, "words": 5}
    assert found["rules"] == [row]
    assert found["settings"]["thresholds"] == [{"rule": "length.min_words", "old": 5, "new": 8, "sources": ["blogs", "news"]}]
    assert found["settings"]["recipe"] == [{"key": "filters.length.min_words", "old": None, "new": 8}]
    (sample,) = found["samples"]
    assert sample["a"]["text"] == NEWS["qisa"]
    assert sample["b"]["rules"] == [{"rule": "length.min_words", "measure": "words", "value": 5, "threshold": 8}]
    back = compared(strict, corpus.base)
    assert causes(back) == [("added", "news", "rejected", None, 1, 5)]
    assert back["rules"] == [row | {"change": "added"}]
    assert back["samples"][0]["b"]["text"] == NEWS["qisa"]


def test_a_file_added(corpus: Corpus) -> None:
    found = compared(corpus.base, corpus.build("more", news=(NEWS, MORE)))
    assert causes(found) == [("added", "news", "new", None, 1, words(*MORE.values()))]
    assert found["settings"]["inputs"] == {"news": {"new": ["1.jsonl"], "gone": [], "changed": []}}
    assert [alarm["kind"] for alarm in found["alarms"]] == ["source_changed"]
    assert found["samples"][0]["a"] is None


def test_a_source_removed(corpus: Corpus) -> None:
    """What was a duplicate of its documents stands again."""
    found = compared(corpus.base, corpus.build("without", news=()))
    assert causes(found) == [
        ("added", "blogs", "duplicate", "exact", 1, words(BLOGS["copy"])),
        ("removed", "news", "source_gone", None, 5, words(*NEWS.values())),
    ]
    assert [(alarm["kind"], alarm["source"]) for alarm in found["alarms"]] == [("words_moved", "blogs"), ("source_gone", "news")]
    (again,) = [sample for sample in found["samples"] if sample["change"] == "added"]
    assert again["a"]["survivor"] in {row["id"] for row in ledger(corpus.base) if row["verdict"] == "kept" and row["source"] == "news"}
    back = compared(corpus.build("without", news=()), corpus.base)
    assert ("removed", "blogs", "duplicate", "exact", 1, words(BLOGS["copy"])) in causes(back)
    assert [(alarm["kind"], alarm["source"]) for alarm in back["alarms"]] == [("source_new", "news")]
    assert {"key": "sources.news.priority", "old": None, "new": 1} in back["settings"]["recipe"]


def test_a_text_changed(corpus: Corpus) -> None:
    found = compared(corpus.base, corpus.build("longer", news=(LONGER,)))
    assert not found["causes"]
    assert (found["totals"]["documents"]["changed"], found["totals"]["words"]["changed"]) == (1, 4)
    assert found["settings"]["inputs"] == {"news": {"new": [], "gone": [], "changed": ["0.jsonl"]}}
    (sample,) = found["samples"]
    assert sample["a"]["text"].endswith("evdə kitab oxuduq.")
    assert sample["b"]["text"].endswith("kitab oxuduq. Axşam isə qonaqlar gəldi.")
    assert sample["b"]["text"].startswith("… "), "a changed text is shown from where it changed"


def test_a_file_gone_and_a_document_that_failed(corpus: Corpus) -> None:
    """One id with two texts: one of them stands, the other one failed, and the row that stands is the document."""
    twice = dict(NEWS)
    del twice["qatar"]
    gone = corpus.build("gone", news=(twice, {"bazar": MORE["deniz"]}, {"kehriz": NEWS["kehriz"]}))
    found = compared(corpus.base, gone)
    assert causes(found) == [("removed", "news", "gone", None, 1, words(NEWS["qatar"]))]
    assert {name: found["b"]["totals"][name] for name in ("read", "duplicate", "failed")} == {"read": 9, "duplicate": 2, "failed": 1}
    texts = {row["text"] for row in shard_rows(gone)}
    assert found["totals"]["documents"]["changed"] == (MORE["deniz"] in texts)


def test_copies_and_splits(corpus: Corpus) -> None:
    held = corpus.build("held", mixture={"shard_bytes": 50_000, "validation": 0.6})
    found = compared(corpus.base, held)
    assert found["totals"]["documents"]["moved"] == sum(row["split"] == "validation" for row in ledger(held)) > 0
    assert {sample["change"] for sample in found["samples"]} == {"moved"}
    up = quiet_build(corpus.folder / "base" / "recipe.yaml", corpus.workspace, workers=1, overrides=("sources.blogs.upsample=3",))
    found = compared(corpus.base, up)
    assert (found["totals"]["documents"]["copies"], found["totals"]["documents"]["changed"]) == (2, 0)
    assert not found["equal"]


def test_the_form_of_the_json(corpus: Corpus, tmp_path: Path) -> None:
    strict = corpus.build("strict", filters={"length": {"min_words": 8}})
    html = tmp_path / "diff.html"
    done = dollma("diff", corpus.base.folder, strict.name.rpartition("-")[2][:6], "-w", corpus.workspace, "--json", "--html", html)
    found = json.loads(done.stdout)
    assert found == compare_versions(corpus.base.folder, strict.folder, 3)
    assert list(found) == ["a", "b", "equal", "totals", "sources", "causes", "rules", "settings", "alarms", "samples"]
    assert set(found["a"]) == {"version", "fingerprint", "title", "totals", "splits"}
    assert set(found["settings"]) == {"recipe", "thresholds", "profile", "inputs", "packages"}
    assert set(found["samples"][0]) == {"change", "cause", "detail", "id", "source", "url", "locator", "a", "b"}
    assert set(found["samples"][0]["a"]) == {
        "verdict", "rules", "survivor", "kind", "similarity", "split", "copies", "error", "text",
    }  # fmt: skip
    assert html.read_text(encoding="utf-8").count("<section>") == 1


def test_the_text_fits_a_terminal(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    told = dollma("diff", corpus.base.name, corpus.build("without", news=()).name, "-w", corpus.workspace, "--samples", "0").stdout
    assert max(len(line) for line in told.splitlines() if not line.startswith("alarm: ")) <= 100
    assert "its source is gone" in told
    assert "alarm: source news stands in" in told


class Tags(HTMLParser):
    """Names of the elements and attributes of a page."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}


def test_hostile_text_is_only_text(corpus: Corpus) -> None:
    hostile = corpus.build("hostile", blogs=BLOGS | HOSTILE)
    found = compared(corpus.base, hostile)
    assert "<script>" in found["samples"][0]["b"]["text"]
    assert not {"\x1b", "\u202e", "\n"} & set(found["samples"][0]["b"]["text"])
    found["sources"] = {f"<b onclick=x>{name}": counts for name, counts in found["sources"].items()}
    made = page("<script>", [diff_section(found)])
    tags = Tags(made)
    assert not tags.elements & {"script", "img", "b", "link", "iframe", "a"}
    assert not [name for name in tags.attributes if name.startswith("on") or name in ("src", "href")]
    assert "&lt;script&gt;alert(1)" in made
    assert 'dir="auto"' in made
    told = dollma("diff", corpus.base.name, hostile.name, "-w", corpus.workspace).stdout
    assert not {"\x1b", "\u202e"} & set(told)


def test_damaged_versions_are_named(corpus: Corpus, tmp_path: Path) -> None:
    copy = tmp_path / corpus.base.name
    shutil.copytree(corpus.base.folder, copy)
    shard = next((copy / "data").glob("train-*"))
    shard.unlink()
    strict = corpus.build("strict", filters={"length": {"min_words": 8}})
    compare_versions(copy, strict.folder, 0)
    with pytest.raises(DollmaError, match=f"{shard.name}: missing"):
        compare_versions(copy, strict.folder, 3)
    path = next((copy / "ledger").glob("news-*"))
    table = pq.read_table(path)
    path.chmod(0o644)
    pq.write_table(table.slice(1), path)
    with pytest.raises(ConservationError, match="the manifest says 7"):
        compare_versions(copy, strict.folder, 0)
    pq.write_table(table.drop_columns(["text_hash"]), path)
    with pytest.raises(DollmaError, match="no column text_hash"):
        compare_versions(copy, strict.folder, 0)
    path.unlink()
    with pytest.raises(DollmaError, match=f"{path.name}: missing"):
        compare_versions(copy, strict.folder, 0)


ROW = st.tuples(
    st.sampled_from(VERDICTS), st.integers(0, 3), st.integers(0, 9), st.sampled_from(["train", "validation"]), st.integers(0, 2)
)
"""Verdict, text, words, split, copies."""


def version(folder: Path, documents: dict[int, tuple[str, int, int, str, int]]) -> tuple[Path, dict[str, Any]]:
    """A folder with a ledger of these documents, in two files, and as much of a manifest as is needed."""
    rows = []
    for number, (verdict, text, count, split, copies) in documents.items():
        kept = verdict == "kept"
        empty: dict[str, Any] = dict.fromkeys(LEDGER.names)
        rows.append(
            empty
            | {
                "id": f"{number * 2**125 % 2**128 + number:032x}",
                "source": f"s{number % 2}",
                "locator": "-",
                "verdict": verdict,
                "edits": [],
            }
            | {"rules": [{"rule": "a.b", "measure": "m", "value": 1.0, "threshold": 2.0}] if verdict == "rejected" else []}
            | {"error": "bad: it is" if verdict == "failed" else None, "kind": "near" if verdict == "duplicate" else None}
            | {"text_hash": None if verdict == "failed" else f"{text:032x}", "words": None if verdict == "failed" else count}
            | {"split": split if kept else None, "copies": copies if kept else 0}
        )
    names = ("ledger/s-00000.parquet", "ledger/s-00001.parquet")
    (folder / "ledger").mkdir(parents=True, exist_ok=True)
    for place, name in enumerate(names):
        pq.write_table(pa.Table.from_pylist(rows[place::2], schema=LEDGER), folder / name)
    return folder, {"files": dict.fromkeys(names), "totals": {"kept": sum(row["verdict"] == "kept" for row in rows)}}


@given(st.dictionaries(st.integers(0, 15), ROW), st.dictionaries(st.integers(0, 15), ROW))
def test_counts_are_those_of_sets(tmp_path_factory: pytest.TempPathFactory, left: dict[int, Any], right: dict[int, Any]) -> None:
    folder = tmp_path_factory.mktemp("sides")
    known = Vocabulary({"s0": 0, "s1": 1}, {}, {})
    a, b = (read_side(*version(folder / name, documents), known) for name, documents in (("a", left), ("b", right)))
    pairs = pair(a, b)
    found = count_by_source(a, b, pairs, changes(a, b, pairs), known.sources)
    for source in (0, 1):
        kept = [{n: row for n, row in side.items() if row[0] == "kept" and n % 2 == source} for side in (left, right)]
        both = kept[0].keys() & kept[1].keys()
        counts = found[f"s{source}"]
        assert counts["documents"] == {
            "a": len(kept[0]),
            "b": len(kept[1]),
            "added": len(kept[1].keys() - kept[0].keys()),
            "removed": len(kept[0].keys() - kept[1].keys()),
            "changed": sum(kept[0][n][1] != kept[1][n][1] for n in both),
            "moved": sum(kept[0][n][3] != kept[1][n][3] for n in both),
            "copies": sum(kept[0][n][4] != kept[1][n][4] for n in both),
            "unchanged": sum(kept[0][n][1] == kept[1][n][1] for n in both),
        }
        assert counts["words"]["changed"] == sum(kept[1][n][2] - kept[0][n][2] for n in both)
    caused = with_causes("added", b, a, (pairs.added[1], pairs.added[0]), known, {"s0", "s1"})
    added = [n for n, row in right.items() if row[0] == "kept" and left.get(n, ("new",))[0] != "kept"]
    assert {(row["source"], row["cause"]): row["documents"] for row in cause_rows(caused)} == Counter(
        (f"s{n % 2}", left.get(n, ("new",))[0]) for n in added
    )


def test_no_path_of_this_machine_is_in_a_comparison(corpus: Corpus) -> None:
    found = compared(corpus.base, corpus.build("longer", news=(LONGER,)))
    assert str(corpus.folder) not in json.dumps(found)
