"""The code of docs/loading.md runs as it stands there, and gives what a version has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pipelines.build import Built
from tests.pipelines.workspace import DEMO, ledger, quiet_build, shard_rows, write_recipe

PAGE = (Path(__file__).parents[2] / "docs" / "loading.md").read_text(encoding="utf-8")
FOLDER = "workspace/versions/az-corpus-1f0c9a3e"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("loading")
    sources = {
        "blogs": {"paths": str(DEMO / "raw" / "blogs" / "blogs.jsonl")},
        "books": {"paths": str(DEMO / "raw" / "books2" / "*.txt"), "upsample": 2},
    }
    return quiet_build(write_recipe(folder, sources, mixture={"shard_bytes": 5000}), folder / "ws")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def run(section: str, number: int, built: Built) -> dict[str, Any]:
    part = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    (text,) = [text for text in part if text.startswith(section)]
    code = re.findall(r"```python\n(.*?)```", text, re.DOTALL)[number]
    assert FOLDER in code
    names: dict[str, Any] = {}
    exec(compile(code.replace(FOLDER, str(built.folder)), "docs/loading.md", "exec"), names)  # noqa: S102 - our own page
    return names


def train(built: Built, **fields: Any) -> list[dict[str, Any]]:
    """Rows of the training split, in the order of its files."""
    assert len(list((built.folder / "data").glob("train-*.parquet"))) > 1
    of_train = {row["id"] for row in ledger(built) if row["split"] == "train"}
    return [row for row in shard_rows(built) if row["id"] in of_train and fields.items() <= row.items()]


def kept(built: Built) -> list[dict[str, Any]]:
    return [row for row in ledger(built) if row["verdict"] == "kept"]


def test_datasets(built: Built, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("`datasets`", 0, built)["corpus"].to_list() == train(built)
    assert train(built)[0]["text"] in capsys.readouterr().out
    assert run("`datasets`", 1, built)["books"].to_list() == train(built, source="books")
    assert run("`datasets`", 2, built)["kept"]["id"][:] == [row["id"] for row in kept(built)]


def test_duckdb(built: Built, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("duckdb")
    run("DuckDB", 0, built)
    words = sum(row["words"] for row in train(built, source="books"))
    assert re.search(rf"books\s*│\s*{len(train(built, source='books'))}\s*│\s*{words}\s*│", capsys.readouterr().out)
    books = run("DuckDB", 1, built)["books"].project("id").fetchall()
    assert sorted(books) == sorted((row["id"],) for row in train(built, source="books", copy=0))
    run("DuckDB", 2, built)
    own = [row for row in kept(built) if row["source"] == "books"]
    assert re.search(rf"books\s*│\s*kept\s*│\s*{len(own)}\s*│", capsys.readouterr().out)


def test_polars(built: Built) -> None:
    pytest.importorskip("polars")
    words = {row["source"]: row["words"] for row in run("Polars", 0, built)["words"].to_dicts()}
    assert words == {source: sum(row["words"] for row in train(built, source=source)) for source in ("blogs", "books")}
    assert run("Polars", 1, built)["books"].to_dicts() == train(built, source="books", copy=0)
    duplicates = run("Polars", 2, built)["duplicates"].to_dicts()
    assert duplicates
    assert [row["id"] for row in duplicates] == [row["id"] for row in ledger(built) if row["verdict"] == "duplicate"]


def test_torch(built: Built) -> None:
    torch = pytest.importorskip("torch")
    batches = list(run("torch", 0, built)["loader"])
    assert len(batches[0]["text"]) == 8
    assert [text for batch in batches for text in batch["text"]] == [row["text"] for row in train(built)]
    books = [text for batch in run("torch", 1, built)["loader"] for text in batch["text"]]
    assert books == [row["text"] for row in train(built, source="books")]
    words = torch.cat([batch["words"] for batch in run("torch", 2, built)["loader"]])
    assert words.tolist() == [row["words"] for row in kept(built)]
