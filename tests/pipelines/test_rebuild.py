"""A version is made again from its manifest, and proved by checksum."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from curation.errors import DollmaError
from curation.languages.profile import load_profile
from pipelines.build import Built
from pipelines.progress import Display
from pipelines.rebuild import rebuild
from tests.pipelines.workspace import DEMO, digest, dollma, quiet_build, start, write_recipe

QUIET = Display(Console(quiet=True))


@pytest.fixture
def own(tmp_path: Path) -> tuple[Path, Built]:
    """(workspace, version) of a small corpus with files of its own, a profile of its own, an override and a list of documents taken back."""
    shutil.copytree(DEMO / "raw" / "books2", tmp_path / "in" / "books2")
    shutil.copy(DEMO / "raw" / "blogs" / "blogs.jsonl", tmp_path / "in" / "blogs.jsonl")
    profile = load_profile("azj_Latn").model_dump(mode="json")
    profile["filters"]["length"]["min_words"]["value"] = 12
    (tmp_path / "in" / "mine.yaml").write_text(yaml.safe_dump(profile, allow_unicode=True), encoding="utf-8")
    (tmp_path / "in" / "taken.txt").write_text("https://blog.example.az/none\n", encoding="utf-8")
    (tmp_path / "in" / "quiz.jsonl").write_text(
        json.dumps({"question": "Dəniz səviyyəsindən ən hündür dağ hansıdır?"}) + "\n", encoding="utf-8"
    )
    sources = {"blogs": {"paths": "blogs.jsonl", "upsample": 2.5}, "books": {"paths": "books2/*.txt"}}
    earlier = quiet_build(write_recipe(tmp_path / "in", sources), tmp_path / "w")
    rest = {
        "since": f"../w/versions/{earlier.name}",
        "language": "mine.yaml",
        "withdrawn": "taken.txt",
        "mixture": {"validation": 0.1},
        "filters": {"contamination": {"benchmarks": ["quiz.jsonl"], "max_ngrams": 0}},
    }
    recipe = write_recipe(tmp_path / "in", sources, **rest)
    return tmp_path / "w", quiet_build(recipe, tmp_path / "w", overrides=("mixture.seed=7",))


def test_a_version_is_made_again_byte_for_byte(own: tuple[Path, Built]) -> None:
    workspace, built = own
    before = digest(built.folder)
    done = dollma("rebuild", built.name, "-w", workspace)
    assert f"{len(before)} files" in done.stdout
    assert "identical" in done.stdout
    assert digest(built.folder) == before
    assert not list((workspace / "rebuilds").iterdir())


def test_a_copy_of_the_version_is_enough(own: tuple[Path, Built], tmp_path: Path) -> None:
    _, built = own
    copy = tmp_path / "elsewhere #1: a" / "copy"
    copy.mkdir(parents=True)
    for name in ("manifest.json", "recipe.yaml", "profile.yaml"):
        shutil.copy(built.folder / name, copy / name)
    with pytest.raises(DollmaError, match="--inputs"):
        rebuild(copy, tmp_path / "new", None, QUIET, print)
    (tmp_path / "in" / "mine.yaml").unlink()  # the version has its profile
    made = rebuild(copy, tmp_path / "new", tmp_path / "in", QUIET, print, keep=True)
    assert made.differences == ()
    assert digest(made.folder) == digest(built.folder)


def test_other_inputs_are_told_before_any_work(own: tuple[Path, Built], tmp_path: Path) -> None:
    workspace, built = own
    (tmp_path / "in" / "books2" / "01-pomidor-sitili.txt").unlink()
    (tmp_path / "in" / "books2" / "99-yeni.txt").write_text("Bu kitab sonra gəldi.", encoding="utf-8")
    (tmp_path / "in" / "blogs.jsonl").write_text("{}\n", encoding="utf-8")
    done = dollma("rebuild", built.name, "-w", workspace, code=1)
    told = " ".join(done.stderr.split())
    assert "01-pomidor-sitili.txt is missing" in told
    assert "99-yeni.txt is no input of this version" in told
    assert "blogs.jsonl has other content" in told
    (tmp_path / "in" / "blogs.jsonl").unlink()  # all that the source has
    told = " ".join(dollma("rebuild", built.name, "-w", workspace, code=1).stderr.split())
    assert "blogs.jsonl is missing" in told
    assert "99-yeni.txt is no input of this version" in told
    assert not list((workspace / "rebuilds").glob("*/stages/extract"))


def restate(built: Built, **values: Any) -> None:
    """Change the version's manifest."""
    path = built.folder / "manifest.json"
    path.chmod(0o644)
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | values), encoding="utf-8")


def test_what_differs_is_named(own: tuple[Path, Built]) -> None:
    workspace, built = own
    manifest = json.loads((built.folder / "manifest.json").read_text(encoding="utf-8"))
    shard = next(name for name in manifest["files"] if name.startswith("data/train"))
    manifest["files"][shard]["sha256"] = "0" * 64
    manifest["packages"] |= {"numba": "0.1", "": "1", "\u001b[31mred": "1"}
    manifest["stages"]["extract"]["books"][0] = "0" * 16
    manifest["fingerprint"] = "0" * 16
    restate(built, **manifest)
    told: list[str] = []
    found = rebuild(built.folder, workspace, None, QUIET, lambda line: told.append(f"{line}, {built_by(workspace)} versions built"))
    assert [line.split(":")[0] for line in found.differences] == [shard, "manifest.json"]
    assert "the rows are the same" in found.differences[0]
    assert any("numba" in line and "0.1" in line for line in told)
    assert any("stage extract of source books" in line for line in told)
    assert any("the fingerprint is" in line for line in told)
    assert all(line.endswith("0 versions built") for line in told), "told after the work"
    assert "\u001b" not in "".join(told)
    assert found.folder.is_dir(), "what differs is there to look at"


def built_by(workspace: Path) -> int:
    return len(list((workspace / "rebuilds").glob("*/versions/*")))


def test_a_kept_rebuild_proves_nothing_the_second_time(own: tuple[Path, Built]) -> None:
    workspace, built = own
    assert rebuild(built.folder, workspace, None, QUIET, print, keep=True).differences == ()
    (shard,) = (workspace / "rebuilds" / built.name / "versions" / built.name / "data").glob("train-*")
    shard.chmod(0o644)
    shard.write_bytes(b"of an earlier rebuild")
    assert rebuild(built.folder, workspace, None, QUIET, print, keep=True).differences == ()
    assert shard.read_bytes() != b"of an earlier rebuild"


def test_a_killed_rebuild_goes_on(own: tuple[Path, Built]) -> None:
    workspace, built = own
    process = start("rebuild", built.name, "-w", workspace)
    while not list((workspace / "rebuilds").glob("*/stages/measure/*/[!.]*/task.json")):
        assert process.poll() is None, process.stdout and process.stdout.read().decode()
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    (done,) = (workspace / "rebuilds").iterdir()
    before = {path: path.stat().st_mtime_ns for path in (done / "stages" / "extract").glob("*/[!.]*/task.json")}
    assert rebuild(built.folder, workspace, None, QUIET, print, keep=True).differences == ()
    assert before
    assert before == {path: path.stat().st_mtime_ns for path in before}


@pytest.mark.parametrize("name", ["recipe.yaml", "profile.yaml"])
def test_another_recipe_or_profile_is_refused_before_any_work(own: tuple[Path, Built], name: str) -> None:
    workspace, built = own
    (built.folder / name).chmod(0o644)
    with (built.folder / name).open("a", encoding="utf-8") as file:
        file.write("# a word more\n")
    assert f"{name} is missing, or is not the one" in " ".join(dollma("rebuild", built.name, "-w", workspace, code=1).stderr.split())
    assert not (workspace / "rebuilds").exists()


HOSTILE: tuple[dict[str, Any], ...] = (
    {"version": "../../precious"}, {"version": ".."}, {"version": "a/b"}, {"version": "a\n"}, {"packages": []}, {"stages": None}, {"files": {}},
)  # fmt: skip


def test_a_hostile_manifest_is_refused(own: tuple[Path, Built], tmp_path: Path) -> None:
    workspace, built = own
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "letter.txt").write_text("mine", encoding="utf-8")
    honest = json.loads((built.folder / "manifest.json").read_text(encoding="utf-8"))
    for values in HOSTILE:
        restate(built, **honest | values)
        with pytest.raises(DollmaError):
            rebuild(built.folder, workspace, tmp_path / "in", QUIET, print)
        assert (tmp_path / "precious" / "letter.txt").read_text(encoding="utf-8") == "mine"
        assert not (workspace / "rebuilds").exists()


def test_a_stranger_s_recipe_opens_no_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("Kəhriz yeraltı suyu səthə çıxaran qədim qurğudur.", encoding="utf-8")
    built = quiet_build(write_recipe(tmp_path, {"a": {"paths": "a.txt"}}), tmp_path / "w")
    monkeypatch.setenv("SECRET", "hush")
    recipe, manifest_path = built.folder / "recipe.yaml", built.folder / "manifest.json"
    for path in (recipe, manifest_path):
        path.chmod(0o644)
    recipe.write_text(recipe.read_text(encoding="utf-8").replace("a.txt", "http://127.0.0.1:9/${SECRET}"), encoding="utf-8")
    manifest = json.loads(manifest_path.read_text(encoding="utf-8"))
    manifest["files"]["recipe.yaml"]["sha256"] = hashlib.sha256(recipe.read_bytes()).hexdigest()
    manifest_path.write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(DollmaError, match="source a reads an address") as error:
        rebuild(built.folder, tmp_path / "other", tmp_path, QUIET, lambda _: None)
    assert "hush" not in str(error.value)
