"""A version is made again from its manifest, and proved by checksum."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from curation.errors import DollmaError
from curation.languages.profile import load_profile
from pipelines.build import Built
from pipelines.progress import Display
from pipelines.rebuild import rebuild
from tests.pipelines.workspace import DEMO, digest, dollma, quiet_build, write_recipe

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
    copy = tmp_path / "elsewhere" / "copy"
    copy.mkdir(parents=True)
    for name in ("manifest.json", "recipe.yaml", "profile.yaml"):
        shutil.copy(built.folder / name, copy / name)
    with pytest.raises(DollmaError, match="--inputs"):
        rebuild(copy, tmp_path / "new", None, QUIET)
    (tmp_path / "in" / "mine.yaml").unlink()  # the version has its profile
    made = rebuild(copy, tmp_path / "new", tmp_path / "in", QUIET)
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
    assert not list((workspace / "rebuilds").glob("*/stages/extract"))


def test_what_differs_is_named(own: tuple[Path, Built]) -> None:
    workspace, built = own
    manifest_path = built.folder / "manifest.json"
    manifest = json.loads(manifest_path.read_text(encoding="utf-8"))
    shard = next(name for name in manifest["files"] if name.startswith("data/train"))
    manifest["files"][shard]["sha256"] = "0" * 64
    manifest["packages"]["numba"] = "0.1"
    manifest["stages"]["extract"]["books"][0] = "0" * 16
    manifest_path.chmod(0o644)
    manifest_path.write_text(json.dumps(manifest), encoding="utf-8")
    found = rebuild(built.folder, workspace, None, QUIET)
    assert [line.split(":")[0] for line in found.differences] == [shard, "manifest.json"]
    assert "the rows are the same" in found.differences[0]
    assert any("numba" in line and "0.1" in line for line in found.warnings)
    assert any("stage extract of source books" in line for line in found.warnings)
    assert "differ from the version" in dollma("rebuild", built.name, "-w", workspace, "--keep", code=1).stderr
    assert (workspace / "rebuilds" / built.name).is_dir()
