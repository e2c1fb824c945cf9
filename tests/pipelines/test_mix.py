"""The mixture in a build, and `dollma mix`, which says beforehand what comes out."""

from __future__ import annotations

import json
import shlex
from collections import defaultdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from typer.testing import CliRunner

from curation.errors import DollmaError
from curation.writers.manifest import read_manifest
from pipelines.build import Built
from pipelines.cli import app
from pipelines.mixing import kept_by_dedup, kept_in_version
from pipelines.repeats import CUT_RULE
from pipelines.versions import verify
from tests.pipelines.workspace import DEMO, dollma, ledger, prose_recipe, quiet_build, shard_rows, write_recipe

UNIMAX = ("mixture.method=unimax", "mixture.budget=30k", "mixture.max_repeats=5")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("plain")
    return quiet_build(prose_recipe(folder), folder / "ws")


def settings(overrides: tuple[str, ...]) -> list[str]:
    return [word for one in overrides for word in ("--set", one)]


def run(built: Built, *overrides: str, options: tuple[str, ...] = ("--dry-run", "--json")) -> str:
    """What `dollma mix` prints of a version."""
    done = CliRunner().invoke(app, ["mix", built.name, "--workspace", str(built.folder.parents[1]), *options, *settings(overrides)])
    if done.exception:
        raise done.exception
    return done.stdout


def mixed(built: Built, *overrides: str) -> dict[str, Any]:
    """The same, as JSON."""
    found: dict[str, Any] = json.loads(run(built, *overrides))
    return found


def train_words(built: Built) -> dict[str, int]:
    words: dict[str, int] = defaultdict(int)
    for row in ledger(built):
        words[row["source"]] += row["words"] * row["copies"] if row["split"] == "train" else 0
    return words


def test_the_mix_of_a_version_is_what_was_built(plain: Built) -> None:
    found = mixed(plain)
    assert {name: row["factor"] for name, row in found["sources"].items()} == {"blogs": 2.5, "books": 1, "encyclopaedia": 3}
    assert found["total"]["words"] == read_manifest(plain.folder)["totals"]["words"]
    assert sum(row["share"] for row in found["sources"].values()) == pytest.approx(1, abs=1e-5)
    words = train_words(plain)
    assert {name: row["final_words"] for name, row in found["sources"].items()} == pytest.approx(words, rel=0.1)


def test_a_budget_by_unimax(plain: Built, tmp_path: Path) -> None:
    found = mixed(plain, *UNIMAX)
    built = quiet_build(prose_recipe(tmp_path), tmp_path / "ws", overrides=UNIMAX)
    assert mixed(built) == found | {"version": built.name}
    assert found["total"]["final_words"] == pytest.approx(30_000, abs=5)
    assert found["budget_met"]
    words = train_words(built)
    assert sum(words.values()) == pytest.approx(30_000, rel=0.05)
    for name, row in found["sources"].items():
        assert row["factor"] <= 5
        assert words[name] == pytest.approx(row["final_words"], rel=0.1)
    assert list(verify(built.folder)) == []


def test_the_command_that_it_prints_builds_that_version(plain: Built, tmp_path: Path) -> None:
    command = shlex.split(run(plain, *UNIMAX, options=()).splitlines()[0])
    assert command == ["dollma", "build", "RECIPE", "--workspace", str(plain.folder.parents[1]), *settings(UNIMAX)]
    assert json.loads(run(plain, *UNIMAX, options=("--json",)))["command"] == shlex.join(command)
    recipe = str(prose_recipe(tmp_path))
    assert "is built" in dollma(*(recipe if word == "RECIPE" else word for word in command[1:])).stdout


def test_the_table_for_people(plain: Built) -> None:
    lines = run(plain, *UNIMAX, options=("--dry-run",)).splitlines()
    assert "unimax" in lines[0]
    assert "Total" in lines[-3]
    assert lines[-1] == "Held out: nothing."
    text = run(plain, *UNIMAX[:1], "mixture.tokens_per_word=2", "mixture.validation=0.05", "mixture.budget=900k", options=("--dry-run",))
    assert "Tokens" in text
    assert "Held out: 5 % validation, about" in text
    assert "The budget is not met" in text


def test_domains_and_shares(plain: Built) -> None:
    shares = (
        "sources.blogs.domain=web",
        "mixture.method=shares",
        "mixture.budget=20000",
        "mixture.max_repeats=9",
        "mixture.shares={web: 0.4}",
    )
    found = mixed(plain, *shares)["sources"]
    assert found["blogs"]["domain"] == "web"
    assert found["blogs"]["share"] == pytest.approx(0.4, abs=1e-4)
    assert found["books"]["factor"] == found["encyclopaedia"]["factor"]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("mixture.methd=unimax", "mixture.methd: unknown key: did you mean 'method'?"),
        ("mixture.method=unimax", "mixture: method unimax needs a budget"),
        ("mixture.budget=two", "mixture.budget: 'two' is no count: write 2.1B"),
        ("mixture.shares={blog: 0.5}", "mixture: mixture.shares: no source counts as 'blog': did you mean 'blogs'?"),
        ("sources.blog.upsample=2", "no source 'blog': did you mean 'blogs'?"),
        ("filters.length.min_words=9", "only mixture.* and sources.NAME.upsample or .domain"),
        ("mixture.rehydrate.most=5", "build once with --set 'mixture.rehydrate={1: 1}'"),
    ],
)
def test_a_mistake_is_named(plain: Built, override: str, message: str) -> None:
    with pytest.raises(DollmaError) as error:
        run(plain, override)
    assert message in str(error.value)


def test_a_mixture_that_cannot_be_had_is_refused_before_any_work(tmp_path: Path) -> None:
    recipe = prose_recipe(tmp_path, mixture={"tokens_per_word": {"blogs": 2, "book": 2}})
    done = dollma("build", recipe, "--workspace", tmp_path / "ws", code=1)
    assert "recipe.yaml: line 4: mixture: mixture.tokens_per_word: no source 'book': did you mean 'books'?" in " ".join(done.stderr.split())
    assert not (tmp_path / "ws").exists()


def clusters(folder: Path) -> Path:
    """A recipe over 60 of the demo's blog posts; of every third one there are three almost equal ones."""
    rows = [json.loads(line) for line in (DEMO / "raw" / "blogs" / "blogs.jsonl").read_text(encoding="utf-8").splitlines()]
    long = [row for row in rows if len(row["text"].split()) > 40]
    made = [
        row | {"id": f"{row['id']}-{k}", "text": row["text"] + f"\nOxunub {k}" * (k > 0)}
        for n, row in enumerate(long)
        for k in range(3 if n % 3 == 0 else 1)
    ]
    (folder / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in made), encoding="utf-8")
    return write_recipe(folder, {"blogs": {"paths": "in.jsonl", "upsample": 1.5}}, formatters=["whitespace"])


def test_copies_by_cluster_size(tmp_path: Path) -> None:
    steps = ("mixture.rehydrate={1: 1, 2: 4}",)
    built = quiet_build(clusters(tmp_path), tmp_path / "ws", overrides=steps)
    kept = [row for row in ledger(built) if row["verdict"] == "kept"]
    assert {row["copies"] for row in kept if row["cluster_size"] == 1} == {1, 2}
    assert {row["copies"] for row in kept if row["cluster_size"] == 3} == {6}
    assert len({row["cluster_size"] for row in kept}) > 1
    found = mixed(built)
    assert found["sources"]["blogs"]["factor"] == 1.5
    assert found["sources"]["blogs"]["weight"] > 1.2
    assert found["total"]["final_words"] == pytest.approx(train_words(built)["blogs"], rel=0.1)
    assert mixed(built, "mixture.method=proportional", "mixture.budget=40k")["total"]["final_words"] == pytest.approx(40_000, abs=5)


def test_rates_need_enough_clusters_to_say_anything(tmp_path: Path) -> None:
    built = quiet_build(clusters(tmp_path), tmp_path / "ws", overrides=("mixture.rehydrate.most=7",))
    found = mixed(built)
    assert found["weights"] == [[1, 1.0]]
    assert {row["copies"] for row in ledger(built) if row["verdict"] == "kept"} == {1, 2}


def test_three_splits(tmp_path: Path) -> None:
    held_out = {"shard_bytes": 50_000, "validation": 0.15, "test": 0.1, "method": "proportional", "budget": "25k"}
    built = quiet_build(prose_recipe(tmp_path, mixture=held_out), tmp_path / "ws")
    rows, manifest = ledger(built), read_manifest(built.folder)
    by_split = {split: {row["id"] for row in rows if row["split"] == split} for split in ("train", "validation", "test")}
    assert all(len(ids) > 3 for ids in by_split.values())
    assert sum(map(len, by_split.values())) == manifest["totals"]["kept"]
    assert all(row["copies"] == 1 for row in rows if row["split"] in ("validation", "test"))
    for split, ids in by_split.items():
        files = sorted((built.folder / "data").glob(f"{split}-*.parquet"))
        assert {row["id"] for path in files for row in pq.read_table(path, columns=["id"]).to_pylist()} == ids
    header = yaml.safe_load((built.folder / "README.md").read_text(encoding="utf-8").split("---")[1])
    assert {one["split"] for one in header["configs"][0]["data_files"]} == set(by_split)
    assert len(shard_rows(built)) == sum(row["copies"] for row in rows)
    wanted = mixed(built)
    assert wanted["held_out"]["test"]["share"] == 0.1
    assert sum(train_words(built).values()) == pytest.approx(25_000, rel=0.1)


def test_what_was_held_out_stays_out_when_the_corpus_grows(tmp_path: Path) -> None:
    rows = [json.loads(line) for line in (DEMO / "raw" / "blogs" / "blogs.jsonl").read_text(encoding="utf-8").splitlines()]
    order, seen, moved = ["test", "validation", "train"], {}, 0
    (tmp_path / "in").mkdir()
    recipe = write_recipe(tmp_path, {"blogs": {"paths": "in/*.jsonl"}}, mixture={"validation": 0.2, "test": 0.2}, formatters=["whitespace"])
    for k in range(3):
        more = [row | {"id": f"{row['id']}-{k}", "text": row["text"] + "\nBir daha deyirəm." * k} for row in rows]
        (tmp_path / "in" / f"{k}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in more), encoding="utf-8")
        read = ledger(quiet_build(recipe, tmp_path / "ws"))
        split_of = {row["id"]: row["split"] for row in read if row["verdict"] == "kept"}
        now = {row["id"]: split_of[row["survivor"] or row["id"]] for row in read if row["verdict"] in ("kept", "duplicate")}
        assert all(order.index(now[name]) <= order.index(split) for name, split in seen.items())
        moved += sum(now[name] != split for name, split in seen.items())
        seen = now
    assert moved


@pytest.mark.parametrize("action", ["measure", "cut"])
def test_the_ledger_gives_the_weights_that_the_build_had(tmp_path: Path, action: str) -> None:
    recipe = clusters(tmp_path)
    texts = [" ".join(json.loads(line)["text"].split()) for line in (tmp_path / "in.jsonl").read_text(encoding="utf-8").splitlines()]
    first, second, third = sorted(set(texts), key=len)[-7::3]
    line = " ".join(third.split()[:50])
    more = {"whole": f"{line}\n{first}\n{second}", "rest": f"{line}\nBu səhər bağda xeyli işlədik, sonra isə kölgədə oturub çay içdik."}
    with (tmp_path / "in.jsonl").open("a", encoding="utf-8") as file:
        file.writelines(json.dumps({"id": name, "text": text}) + "\n" for name, text in more.items())
    settings = ("mixture.rehydrate.most=7", f"dedup.paragraphs.action={action}", "dedup.contained=null", "filters.length.min_words=60")
    built = quiet_build(recipe, tmp_path / "ws", overrides=settings)
    (record,) = (tmp_path / "ws" / "stages" / "dedup").rglob("task.json")
    kept = kept_by_dedup(json.loads(record.read_text(encoding="utf-8"))["counts"])
    assert kept_in_version(built.folder, rehydrate=True) == kept
    rules = {rule["rule"] for row in ledger(built) for rule in row["rules"]}
    assert rules >= {"length.min_words"} | ({CUT_RULE} if action == "cut" else set())
