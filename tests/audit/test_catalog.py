"""The catalog counts what the ledger and the manifest say, whichever way it reads them, and finds what fits a query."""

from __future__ import annotations

import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from curation.errors import ConservationError, DollmaError
from curation.writers.manifest import read_manifest
from pipelines.alarms import base_rule
from pipelines.audit import database
from pipelines.audit.catalog import Catalog, open_catalog
from pipelines.audit.filters import Query, find, row_of, rows_of_id
from pipelines.audit.similar import similar_to, similar_to_text
from pipelines.audit.texts import duplicates_of, provenance, text_of


@pytest.fixture(scope="module")
def rows(demo_version: Path) -> list[dict[str, Any]]:
    """The ledger's rows with their measures, read without a database."""
    found = []
    for path in sorted((demo_version / "ledger").glob("*.parquet")):
        ledger = pq.read_table(path).to_pylist()
        measures = pq.read_table(demo_version / "measures" / path.name).to_pylist()
        measures += [{}] * (len(ledger) - len(measures))
        found += [
            row | {"measures": own, "judged": bool(own) and own["excluded"] is None} for row, own in zip(ledger, measures, strict=True)
        ]
    return found


def failing(row: dict[str, Any]) -> list[str]:
    return [base_rule(rule["rule"]) for rule in row["rules"]]


def test_rules_and_overlap_are_those_of_the_ledger(demo: Catalog, rows: list[dict[str, Any]]) -> None:
    every = Counter(rule for row in rows for rule in failing(row))
    alone = Counter(failing(row)[0] for row in rows if len(row["rules"]) == 1)
    words = Counter({rule: sum(row["words"] for row in rows if rule in failing(row)) for rule in every})
    found = {rule.rule: rule for rule in demo.rules()}
    assert {name: rule.documents for name, rule in found.items() if rule.documents} == every
    assert {name: rule.alone for name, rule in found.items() if rule.alone} == alone
    assert {name: rule.words for name, rule in found.items() if rule.documents} == words
    length = found["length.min_words"]
    assert (length.filter, length.measure, length.bound, length.threshold) == ("length", "words", "min", 5.0)
    assert sum(length.by_source.values()) == length.documents
    assert found["gopher_quality.max_hash_ratio"].documents == 0
    assert found["mediawiki.redirect"].measure is None
    pairs = Counter(pair for row in rows for pair in combinations(sorted(failing(row)), 2))
    assert {(a, b): n for a, b, n in demo.overlap()} == pairs


def test_the_funnel_is_the_manifest_s(demo: Catalog, rows: list[dict[str, Any]]) -> None:
    for one in demo.funnel():
        stated = demo.manifest["sources"][one.source]
        for name in ("read", "rejected", "duplicate", "failed", "kept", "words", "final_words"):
            assert getattr(one, name) == stated[name], (one.source, name)
        assert one.words_read == sum(row["words"] or 0 for row in rows if row["source"] == one.source)
    mixed = {count.name: count.documents for count in demo.mix("language")}
    assert mixed == Counter(label for source in demo.manifest["sources"].values() for label in Counter(source["languages"]).elements())
    assert sum(count.documents for count in demo.mix("script", None)) == demo.manifest["totals"]["read"]
    with pytest.raises(DollmaError, match="not counted by 'langage': did you mean 'language'"):
        demo.mix("langage")


@pytest.mark.parametrize("by", ["verdict", "source", None])
def test_histograms_lose_no_document(demo: Catalog, rows: list[dict[str, Any]], by: Any) -> None:
    found = demo.histogram("characters", 7, by)
    values = [(row[by] if by else "all", row["measures"]["characters"]) for row in rows if row["measures"]]
    assert {name: sum(counts) for name, counts in found.counts.items()} == Counter(name for name, _ in values)
    expected, _ = np.histogram([value for _, value in values], np.array(found.edges))
    assert [sum(bins) for bins in zip(*found.counts.values(), strict=True)] == expected.tolist()
    assert (found.low, found.high) == (min(v for _, v in values), max(v for _, v in values))
    with pytest.raises(DollmaError, match="no measure 'character' of numbers"):
        demo.histogram("character")


def test_hosts(demo: Catalog, rows: list[dict[str, Any]]) -> None:
    hosts = Counter(row["url"].split("/")[2] for row in rows if row["url"])
    assert {host.host: host.documents for host in demo.hosts(100)} == hosts
    assert [host.documents for host in demo.hosts(2)] == [n for _, n in hosts.most_common(2)]


def test_an_index_gives_the_answers_of_the_files(
    demo: Catalog, demo_version: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version of many documents is read from its files until its index stands; a damaged index is made again; nothing is written into the version."""
    monkeypatch.setattr(database, "SMALL", 0)
    version = tmp_path / "versions" / demo_version.name
    shutil.copytree(demo_version, version)
    for path in version.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o444)

    def answers(catalog: Catalog) -> list[Any]:
        queries = [Query(order=order, limit=30, seed=3) for order in ("file", "random", "borderline", "stratified")]
        found = [find(catalog, query) for query in queries]
        return [found, catalog.rules(), catalog.funnel(), catalog.mix("language"), catalog.histogram("words"), catalog.hosts(9)]

    expected = answers(demo)
    before = sorted(path for path in version.rglob("*"))
    with open_catalog(version.name, tmp_path) as catalog:
        assert not catalog.ready
        assert answers(catalog) == expected
        catalog.index()
        assert catalog.ready
        assert answers(catalog) == expected
    (index,) = (tmp_path / "audit" / version.name).iterdir()
    with open_catalog(version.name, tmp_path) as catalog:
        assert catalog.ready, "an index that stands is not written again"
    index.write_bytes(b"no database" * 1000)
    with open_catalog(version.name, tmp_path) as catalog:
        catalog.index()
        assert answers(catalog) == expected
    assert sorted(path for path in version.rglob("*")) == before
    assert len(list((tmp_path / "audit" / version.name).iterdir())) == 1


def test_tables_that_do_not_belong_together_are_refused(demo_version: Path, tmp_path: Path) -> None:
    version = tmp_path / "versions" / "v"
    shutil.copytree(demo_version, version)
    path = version / "measures" / "news-00000.parquet"
    table = pq.read_table(path)
    path.chmod(0o644)
    pq.write_table(table.take(list(range(table.num_rows))[::-1]), path)
    with pytest.raises(ConservationError, match="rows are of other documents"):
        open_catalog(str(version), tmp_path)
    path.unlink()
    with pytest.raises(DollmaError, match=r"news-00000\.parquet: missing"):
        open_catalog(str(version), tmp_path)


def test_the_database_opens_nothing_else(demo: Catalog, demo_version: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    for sql in (
        f"SELECT * FROM read_csv('{tmp_path}/secret.csv')",  # noqa: S608
        f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
        "SET enable_external_access = true",
    ):
        with pytest.raises(Exception, match=r"Permission|permission|locked|disabled"):
            demo.select(sql)


def test_queries_find_what_fits(demo: Catalog, rows: list[dict[str, Any]]) -> None:
    def ids(**query: Any) -> set[str]:
        page = find(demo, Query(limit=1000, **query))
        assert page.total == len(page.rows)
        return {row.id for row in page.rows}

    def those(fits: Any) -> set[str]:
        return {row["id"] for row in rows if fits(row)}

    assert ids(source="news", verdict="rejected") == those(lambda r: (r["source"], r["verdict"]) == ("news", "rejected"))
    assert ids(rule="language.min_target") == those(lambda r: "language.min_target" in failing(r))
    assert ids(measure="words", low=10, high=40) == those(lambda r: 10 <= (r["measures"].get("words") or 0) <= 40)
    assert ids(language="tur_Latn") == those(lambda r: r["measures"].get("language") == "tur_Latn") != set()
    assert ids(script="Cyrl") == those(lambda r: r["measures"].get("script") == "Cyrl") != set()
    assert ids(host="example.az") == those(lambda r: r["url"] and ".example.az/" in r["url"])
    some = rows[40]
    assert ids(text=some["id"][:9].upper()) == {some["id"]}
    assert ids(text="https://xeber.") == those(lambda r: (r["url"] or "").startswith("https://xeber."))
    (row,) = rows_of_id(demo, some["id"])
    assert row_of(demo, row.source, row.part, row.number) == row
    assert (row.words, row.locator, row.url) == (some["words"], some["locator"], some["url"])
    assert row.measures == {
        name: value
        for name, value in some["measures"].items()
        if name not in ("id", "excluded") and value is not None and not isinstance(value, list)
    }


@pytest.mark.parametrize("order", ["file", "random", "borderline", "stratified"])
def test_pages_are_parts_of_one_order(demo: Catalog, order: Any) -> None:
    whole = find(demo, Query(order=order, limit=40, seed=5)).rows
    pages = [row for first in range(0, 40, 10) for row in find(demo, Query(order=order, limit=10, offset=first, seed=5)).rows]
    assert list(whole) == pages
    assert len(set(whole_place(whole))) == 40
    if order in ("random", "stratified"):
        assert whole != find(demo, Query(order=order, limit=40, seed=6)).rows


def whole_place(rows: Any) -> list[tuple[str, int, int]]:
    return [(row.source, row.part, row.number) for row in rows]


def test_a_stratified_sample_has_every_source_and_verdict(demo: Catalog, rows: list[dict[str, Any]]) -> None:
    strata = {(row["source"], row["verdict"]) for row in rows}
    found = find(demo, Query(order="stratified", limit=len(strata))).rows
    assert {(row.source, row.verdict) for row in found} == strata


def test_borderline_is_by_deviations_from_the_threshold(demo: Catalog, rows: list[dict[str, Any]]) -> None:
    deviation = np.std([row["measures"]["words"] for row in rows if row["measures"]])
    expected = sorted(abs(row["measures"]["words"] - 5) / deviation for row in rows if row["judged"])
    found = find(demo, Query(order="borderline", rule="length.min_words", limit=1000)).rows
    assert [abs(row.margin or 0) for row in found] == pytest.approx(expected, rel=1e-4)
    assert {row.verdict for row in found[:10]} == {"kept", "rejected"}
    every = find(demo, Query(order="borderline", limit=1000))
    assert every.total == sum(row["judged"] for row in rows)
    for row in every.rows:
        assert (row.margin < 0) == bool([rule for rule in row.rules if rule.value is not None]), row
        if row.margin < 0:
            assert row.margin_rule in [rule.rule for rule in row.rules]


def test_words_in_texts(demo: Catalog, demo_version: Path, tmp_path: Path) -> None:
    found = find(demo, Query(text="KİTABXANA", limit=1000))
    assert (found.cut, found.searched) == (False, demo.manifest["totals"]["read"])
    texts = [text_of(demo, row) for row in find(demo, Query(limit=1000)).rows]
    assert len(find(demo, Query(text="kitabxana", limit=1000)).rows) == sum("kitabxana" in text.text.lower() for text in texts if text) > 3
    random = find(demo, Query(text="kitabxana", order="random", seed=2, limit=1000))
    assert {row.id for row in random.rows} == {row.id for row in find(demo, Query(text="kitabxana", limit=1000)).rows}
    version = tmp_path / demo_version.name
    shutil.copytree(demo_version, version)
    with open_catalog(str(version), tmp_path) as pulled:
        alone = find(pulled, Query(text="kitabxana", limit=1000))
        assert {row.id for row in alone.rows} == {row.id for row in random.rows if row.verdict == "kept"}
        assert text_of(pulled, find(pulled, Query(verdict="rejected")).rows[0]) is None
        kept = text_of(pulled, alone.rows[0])
        assert kept is not None
        assert (kept.taken_from, "kitabxana" in kept.text.lower()) == ("shard", True)
        assert provenance(pulled, alone.rows[0])
        with pytest.raises(DollmaError, match=r"signatures of source .* are gone"):
            similar_to(pulled, alone.rows[0])


def test_the_search_says_where_it_stopped(demo: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.audit.search.MOST_DOCUMENTS", 50)
    found = find(demo, Query(text="kitabxana"))
    assert (found.cut, found.searched) == (True, 50)


def test_spans_show_what_a_rule_counted(demo: Catalog) -> None:
    (row,) = [row for row in find(demo, Query(rule="quality.max_digit_share")).rows if row.source == "news"]
    text = text_of(demo, row)
    assert text is not None
    digits = [text.text[span.start : span.end] for span in text.spans if span.rule == "quality.max_digit_share"]
    assert digits
    assert all(any(c.isdigit() for c in piece) for piece in digits)


def test_duplicates_and_similar_documents(demo: Catalog) -> None:
    duplicate = next(row for row in find(demo, Query(verdict="duplicate", limit=50)).rows if row.kind == "near")
    found = duplicates_of(demo, duplicate.id)
    assert (found[0].id, found[0].relation, found[0].verdict) == (duplicate.survivor, "survivor", "kept")
    assert duplicate.id in {one.id for one in duplicates_of(demo, str(duplicate.survivor)) if one.relation == "duplicate"}
    alike = similar_to(demo, duplicate)
    assert duplicate.survivor in {one.id for one in alike}
    assert duplicate.id not in {one.id for one in alike}
    assert alike[0].similarity == pytest.approx(duplicate.similarity, abs=0.15)
    text = text_of(demo, duplicate)
    assert text is not None
    pasted = similar_to_text(demo, text.text)
    assert (pasted[0].id, pasted[0].similarity) == (duplicate.id, 1.0)
    assert similar_to_text(demo, "Heç nəyə oxşamayan bir cümlə.") == []


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"source": "new"}, "no source 'new': did you mean 'news'"),
        ({"rule": "length.min_word"}, "no rule 'length.min_word': did you mean 'length.min_words'"),
        ({"measure": "word"}, "no measure 'word' of numbers: did you mean 'words'"),
        ({"measure": 'words" FROM documents; --'}, "no measure"),
        ({"rule": "x' OR 1=1 --"}, "no rule"),
    ],
)
def test_what_the_version_has_not_is_refused(demo: Catalog, query: dict[str, Any], told: str) -> None:
    with pytest.raises(DollmaError, match=told):
        find(demo, Query(**query))


def test_what_a_person_types_is_never_sql(demo: Catalog) -> None:
    for name in ("host", "language", "script", "text"):
        assert find(demo, Query(**{name: "'; DROP VIEW documents; --"})).total == 0
    assert find(demo, Query(text="%_://")).total == 0
    with pytest.raises(ValidationError):
        Query(order="row; DROP")  # type: ignore[arg-type]
    assert read_manifest(demo.folder)["totals"]["read"] == find(demo, Query()).total


def test_many_ask_at_once_while_the_index_is_written(demo_version: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "SMALL", 0)
    shutil.copytree(demo_version, tmp_path / "versions" / demo_version.name)
    with open_catalog(demo_version.name, tmp_path) as catalog, ThreadPoolExecutor(7) as pool:
        index = pool.submit(catalog.index)
        answers = [pool.submit(catalog.select, "SELECT count(*) FROM documents") for _ in range(6)]
        assert {one.result()[0] for one in answers} == {(catalog.database.rows,)}
        index.result()
        assert catalog.ready
