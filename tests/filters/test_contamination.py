"""Benchmark texts in the corpus."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from curation.errors import DollmaError
from curation.filters.contamination import ContaminationFilter
from curation.languages.profile import load_profile
from curation.text.buffers import TextBatch
from curation.text.passages import index_passages, overlaps, passage_bytes
from curation.text.shingles import TOKENS
from tests.pipelines.workspace import dollma, ledger, quiet_build, write_recipe

AZJ = load_profile("azj_Latn")
ITEM = "Kəhriz yeraltı suyu səthə çıxaran qədim qurğudur və onu ustalar əl ilə qazır, sonra daşla hörürdülər."
SHORT = "Dəniz səviyyəsindən ən hündür dağ hansı ölkədə yerləşir?"
TINY = "Hansı şəhər paytaxtdır?"


def found(texts: list[str], items: list[str], n: int = 13, shortest: int = 8) -> list[tuple[int, int, int]]:
    index = index_passages(*arrays(items), AZJ.fold_table, n, shortest)
    return list(zip(*(column.tolist() for column in overlaps(*arrays(texts), AZJ.fold_table, index)), strict=True))


def arrays(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    batch = TextBatch(pa.array(texts, pa.string()))
    return batch.data, batch.offsets


def plainly(text: str, items: list[str], n: int, shortest: int) -> tuple[int, int, int]:
    """The definition, over Python lists."""
    words = text.split()
    wanted = set()
    for item in items:
        tokens = item.split()
        if len(tokens) >= shortest:
            m = min(n, len(tokens))
            wanted |= {tuple(tokens[k : k + m]) for k in range(len(tokens) - m + 1)}
    hits, inside = 0, set()
    for k in range(len(words)):
        sizes = [m for m in range(shortest, n + 1) if tuple(words[k : k + m]) in wanted and k + m <= len(words)]
        if sizes:
            hits += 1
            inside |= set(range(k, k + max(sizes)))
    return hits, len(inside), len(words)


words = st.lists(st.sampled_from("abcd"), max_size=30).map(" ".join)


@given(st.lists(words, max_size=4), st.lists(words, max_size=4), st.integers(2, 6), st.integers(2, 6))
def test_it_is_the_definition(texts: list[str], items: list[str], n: int, shortest: int) -> None:
    n, shortest = max(n, shortest), min(n, shortest)
    assert found(texts, items, n, shortest) == [plainly(text, items, n, shortest) for text in texts]


def test_long_texts_are_read_in_pieces_that_overlap() -> None:
    filler = " ".join(f"söz{k}" for k in range(TOKENS - 7))
    text = f"{filler} {ITEM} {filler} {ITEM}"
    assert found([text, ITEM], [ITEM]) == [(2 * 4, 2 * 16, 2 * (TOKENS - 7) + 32), (4, 16, 16)]


def test_case_and_punctuation_do_not_hide_a_passage(tmp_path: Path) -> None:
    rows = [
        {"question": ITEM, "choices": [SHORT, TINY]},
        {"tokens": ["Bu", "cümlə", "ayrı", "ayrı", "sözlərin", "siyahısı", "kimi", "saxlanılıb", "burada"]},
    ]
    (tmp_path / "test.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    asked = ContaminationFilter(benchmarks=(str(tmp_path),))
    texts = [
        "Əvvəl: " + ITEM.replace("i", "İ").upper().replace(",", " –") + " Sonra.",
        "Sual: «" + SHORT + "» Cavab.",
        TINY,
        ITEM[:60],
        "bu cümlə ayrı ayrı sözlərin, siyahısı kimi saxlanılıb; burada və orada",
        "",
    ]
    measured = asked.measure(TextBatch(pa.array(texts)), AZJ)
    assert (np.asarray(measured["contaminated_ngrams"]) > 0).tolist() == [True, True, False, False, True, False]
    assert [texts[1][first:end] for first, end in asked.spans("max_ngrams", texts[1], AZJ)] == [SHORT.rstrip("?")]
    assert [texts[4][first:end] for first, end in asked.spans("max_share", texts[4], AZJ)] == [texts[4].partition(" və")[0]]


@given(st.text(max_size=60), st.lists(st.text(max_size=60), max_size=3))
def test_passages_of_any_text_are_cut_between_characters(text: str, items: list[str]) -> None:
    data = text.encode("utf-8", "replace")
    index = index_passages(*arrays([item.encode("utf-8", "replace").decode() for item in [*items, text]]), AZJ.fold_table, 3, 2)
    pieces = [data[first:end].decode() for first, end in passage_bytes(data, AZJ.fold_table, index)]
    ((hits, inside, size),) = found([data.decode()], [*items, data.decode()], 3, 2)
    assert (hits > 0, len(pieces) > 0, inside) == (size >= 2, size >= 2, size if size >= 2 else 0)  # it is one of the items itself


def test_a_recipe_names_benchmarks_beside_it(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "quiz.jsonl").write_text(json.dumps({"id": "q", "question": ITEM}) + "\n", encoding="utf-8")
    (tmp_path / "in").mkdir()
    other = "Bu gün hava yaxşıdır və biz kənd yoluna çıxdıq, çayın sahilində köhnə dəyirmanı gördük."
    rows = [{"id": "a", "text": f"Nağıl danışırlar ki, {ITEM}"}, {"id": "b", "text": other}]
    (tmp_path / "in" / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    filters = {"contamination": {"benchmarks": ["tests/*.jsonl"], "max_ngrams": 0}}
    recipe = write_recipe(tmp_path, {"pages": {"paths": "in/*.jsonl"}}, filters=filters)
    built = quiet_build(recipe, tmp_path / "ws")
    rules = [[rule["rule"] for rule in row["rules"]] for row in sorted(ledger(built), key=lambda row: row["locator"])]
    assert rules == [["contamination.max_ngrams"], []]
    assert str(tmp_path) not in (built.folder / "manifest.json").read_text(encoding="utf-8")
    told = dollma("judge", tmp_path / "in" / "a.jsonl", "--profile", "azj_Latn", "--recipe", recipe, "--explain").stdout.splitlines()[0]
    assert ITEM.rstrip(".") in [span["text"] for rule in json.loads(told)["failed"] for span in rule["spans"]]
    (tmp_path / "tests" / "quiz.jsonl").write_text(json.dumps({"question": other}) + "\n", encoding="utf-8")
    again = quiet_build(recipe, tmp_path / "ws")
    assert again.name != built.name, "another benchmark makes another version"


def test_a_damaged_benchmark_stops_the_build(tmp_path: Path) -> None:
    (tmp_path / "quiz.jsonl").write_text('{"question": ', encoding="utf-8")
    with pytest.raises(DollmaError, match=re.escape("quiz.jsonl@0: not JSON")):
        ContaminationFilter(benchmarks=(str(tmp_path / "quiz.jsonl"),)).measure(TextBatch(pa.array(["a"])), AZJ)
    with pytest.raises(DollmaError, match="no such file"):
        ContaminationFilter(benchmarks=(str(tmp_path / "quiz.json"),)).measuring()


def texts_of(path: Path) -> list[str]:
    data = zstandard.ZstdDecompressor().stream_reader(path.open("rb"), read_across_frames=True).read()
    return [orjson.loads(line)["text"] for line in data.split(b"\n") if line]


@pytest.mark.realdata
@pytest.mark.parametrize(("language", "label"), [("aze", "azj_Latn"), ("tur", "tur_Latn")])
def test_the_sentences_of_sib_200_are_found_in_flores(shared: Path, language: str, label: str) -> None:
    """Every FLORES sentence that is long enough and in SIB-200 is found, and no page of a crawl or Wikipedia is."""
    asked = ContaminationFilter(
        benchmarks=tuple(str(shared / "benchmarks" / "sib200" / f"{label}.{split}.jsonl.gz") for split in ("train", "dev", "test"))
    )
    data = zstandard.ZstdDecompressor().stream_reader((shared / "langid" / "flores_sib200.jsonl.zst").open("rb")).read()
    rows = [row for row in map(orjson.loads, data.splitlines()) if row["metadata"]["language"] == language]
    long_enough = [row["text"] for row in rows if len(re.findall(r"[^\W_]+", row["text"])) >= 9]
    assert len(long_enough) > 900
    measured = asked.measure(TextBatch(pa.array(long_enough)), AZJ)
    assert (np.asarray(measured["contaminated_ngrams"]) > 0).all()
    for unrelated in ("web_az/cc_pages_az", "web_neighbours/cc_pages_tr", "text_az/laws_articles"):
        pages = texts_of(shared / f"{unrelated}.jsonl.zst")
        hits = np.asarray(asked.measure(TextBatch(pa.array(pages)), AZJ)["contaminated_ngrams"])
        assert (hits > 0).sum() <= 1, unrelated
