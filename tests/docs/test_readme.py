"""The README's commands run, its code works, its table is what the build prints."""

from __future__ import annotations

import re
from pathlib import Path

import orjson
import pyarrow.parquet as pq
import pytest
import yaml
import zstandard

from curation.processors import processor
from curation.writers.manifest import read_manifest
from pipelines.demo.table import demo_table
from tests.pipelines.workspace import DEMO, dollma, quiet_build, write_recipe

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    quiet_build(DEMO / "recipe.yaml", folder)
    return folder


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_table_is_what_the_demo_makes(workspace: Path) -> None:
    manifest = read_manifest(next((workspace / "versions").glob("dollma-demo-*")))
    assert demo_table(manifest) in README


def test_the_make_targets_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert all(f"\n{target}:" in makefile for target in re.findall(r"^make (\w+)", README, re.MULTILINE))
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-2:] == ["make test", "make gate-speed"]


def labelled(folder: Path) -> Path:
    """A folder with labelled rows, as `dollma lid eval` reads them, under the name of a source that the shipped model was not trained on."""
    rows = [("aze", "Kəhriz yeraltı suyu səthə çıxaran qədim qurğudur."), ("tur", "Yağmur dinince çocuklar yine sokağa çıktılar.")]
    data = [{"text": text, "id": f"{k}", "metadata": {"language": code, "english": f"{k}"}} for k, (code, text) in enumerate(rows * 20)]
    folder.mkdir()
    (folder / "lingua_testdata.jsonl.zst").write_bytes(zstandard.compress(b"".join(orjson.dumps(row) + b"\n" for row in data)))
    return folder


def test_every_command_runs(workspace: Path, tmp_path: Path) -> None:
    name = next((workspace / "versions").glob("dollma-demo-*")).name
    raw = DEMO / "raw"
    explained = re.search(r"explain dollma-demo (\S+)", README)
    assert explained
    runs: dict[str, tuple[tuple[str | Path, ...], int]] = {
        "build": (("build", DEMO / "recipe.yaml", "--workspace", workspace, "--workers", "1", "--set", "sources.news.upsample=2"), 0),
        "versions": (("versions", "--workspace", workspace), 0),
        "verify": (("verify", name, "--workspace", workspace), 0),
        "explain": (("explain", name, explained[1], "--workspace", workspace), 0),
        "diff": (("diff", name, name, "--workspace", workspace), 0),
        "rebuild": (("rebuild", name, "--workspace", workspace), 0),
        "mix": (("mix", name, "--dry-run", "--set", "mixture.method=unimax", "--set", "mixture.budget=90k", "--workspace", workspace), 0),
        "dedup": (("dedup", raw / "books1"), 0),
        "judge": (("judge", raw / "blogs" / "blogs.jsonl", "--profile", "azj_Latn", "--explain"), 0),
        "read": (("read", raw / "books1"), 0),
        "lexicon word": (("lexicon", "word", "kitab", "rnəktəb"), 0),
        "profile fit": (
            ("profile", "fit", raw / "books2", "--language", "azj_Latn", "--report", tmp_path / "fit", "--percentile", "15"),
            0,
        ),
        "profile compare": (("profile", "compare", "azj_Latn", "tur_Latn", raw / "blogs" / "blogs.jsonl"), 0),
        "lid eval": (("lid", "eval", labelled(tmp_path / "labelled")), 0),
        "tokenizer train": (("tokenizer", "train", name, "--vocab", "2000", "--workspace", workspace), 0),
        "bench tasks": (("bench", "tasks"), 0),
        "processors": (("processors",), 0),
        "schema": (("schema",), 0),
    }
    named = set(re.findall(r"^(?:\.venv/bin/)?dollma ((?:profile |lid |lexicon |tokenizer |bench )?\w+)", README, re.MULTILINE))
    assert named - {"push", "run", "adapt"} == set(runs)  # tests/docs/test_hub.py runs push and pull, test_modeling.py the models
    output = {command: dollma(*arguments, code=code).stdout for command, (arguments, code) in runs.items()}
    assert "rejected" in output["explain"]
    assert all(line in output["explain"].splitlines() for line in blocks("text")[0].splitlines())
    assert len(output["judge"].splitlines()) == 60
    assert output["verify"].startswith(name)
    assert "no difference" in output["diff"]
    assert "identical" in output["rebuild"]
    assert (tmp_path / "fit" / "report.html").is_file()
    assert "azj_Latn" in output["lid eval"]


def test_the_recipe_is_valid(tmp_path: Path) -> None:
    from pipelines.recipe_file import load_recipe

    recipe, _ = blocks("yaml")  # tests/docs/test_books.py builds the other
    (tmp_path / "recipe.yaml").write_text(recipe, encoding="utf-8")
    assert set(load_recipe(tmp_path / "recipe.yaml").sources) == {"news", "wiki"}


def test_the_paper_s_recipe_is_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.recipe_file import load_recipe

    monkeypatch.setenv("DOLLMA_DATA", "/nowhere")
    recipe = load_recipe(ROOT / "pipelines" / "dollma-v1.yaml")
    assert {name: source.upsample for name, source in recipe.sources.items()} == {
        "wiki_en": 4, "wiki_az": 6, "news": 1, "books1": 20, "books2": 4, "blogs": 20, "laws": 6,
    }  # fmt: skip


def test_the_processor_of_twenty_lines_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = next(block for block in blocks("python") if "QuestionFilter" in block)
    (tmp_path / "readme_questions.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    __import__("readme_questions")
    assert processor("filter", "questions")().measures == ("question_marks",)
    (tmp_path / "quiz.txt").write_text("Bu nədir? O kimdir? Hara gedirsən? Niyə belə oldu, de görüm?", encoding="utf-8")
    recipe = write_recipe(tmp_path, {"quiz": {"paths": "quiz.txt"}}, filters={"questions": {"max_marks": 3}})
    built = quiet_build(recipe, tmp_path / "ws", workers=1)
    (row,) = [row for path in (built.folder / "ledger").glob("*.parquet") for row in pq.read_table(path).to_pylist()]
    assert row["rules"] == [{"rule": "questions.max_marks", "measure": "question_marks", "value": 4.0, "threshold": 3.0}]


def test_a_version_opens_in_datasets_duckdb_and_polars(workspace: Path, tmp_path: Path) -> None:
    import duckdb
    import polars
    from datasets import load_dataset

    folder = next((workspace / "versions").glob("dollma-demo-*"))
    files = str(folder / "data" / "train-*.parquet")
    rows = read_manifest(folder)["splits"]["train"]["copies"]
    assert load_dataset("parquet", data_files=files, split="train", cache_dir=str(tmp_path)).num_rows == rows
    assert duckdb.sql(f"SELECT count(*) FROM '{files}'").limit(1).fetchall() == [(rows,)]  # noqa: S608
    assert polars.read_parquet(files).height == rows
    header = yaml.safe_load((folder / "README.md").read_text(encoding="utf-8").split("---")[1])
    assert header["configs"][0]["data_files"][0] == {"split": "train", "path": "data/train-*.parquet"}
    whole = load_dataset(str(folder), cache_dir=str(tmp_path))
    assert set(whole) == {"train", "validation"}


def test_the_schema_knows_every_processor() -> None:
    import json

    schema = json.loads(dollma("schema").stdout)
    assert "jsonl" in schema["$defs"]["reader"]["anyOf"][0]["enum"]
    assert set(schema["$defs"]["filters"]["properties"]) >= {"script", "language", "length", "quality"}
