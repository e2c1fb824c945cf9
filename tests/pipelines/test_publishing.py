"""`dollma push` and `dollma pull` against a stand-in of the Hub: nothing but whole, checked versions goes out or comes in."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from curation.errors import DollmaError
from pipelines.build import Built
from pipelines.locking import locked
from pipelines.publishing import published
from pipelines.publishing import pull as pull_version
from tests.pipelines.hub_standin import Hub, Repository, running
from tests.pipelines.workspace import DEMO, digest, dollma, quiet_build, write_recipe

REPOSITORY = "someone/corpus"
STATED = {"licence": "CC-BY-4.0", "origin": "https://example.org"}


def make(folder: Path, **rest: Any) -> Built:
    folder.mkdir()
    sources = {
        "blogs": {"paths": str(DEMO / "raw" / "blogs" / "blogs.jsonl")} | STATED,
        "books": {"paths": str(DEMO / "raw" / "books2" / "*.txt")} | STATED,
    }
    return quiet_build(write_recipe(folder, sources, **rest), folder / "ws")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return make(tmp_path_factory.mktemp("push") / "one")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with running(monkeypatch, str(tmp_path / "home")) as server:
        yield server


def push(version: Built, *options: str, code: int = 0) -> str:
    done = dollma("push", version.folder, REPOSITORY, *options, code=code)
    return done.stderr if code else done.stdout


def pull(workspace: Path, *options: str, code: int = 0) -> str:
    done = dollma("pull", REPOSITORY, "-w", workspace, *options, code=code)
    return done.stderr if code else done.stdout


def offered(hub: Hub, files: dict[str, bytes]) -> Repository:
    """A repository of somebody who did not use `dollma push`."""
    repository = hub.repositories[REPOSITORY] = Repository()
    repository.commit(files, "by hand")
    return repository


def contents(built: Built) -> dict[str, bytes]:
    return {str(path.relative_to(built.folder)): path.read_bytes() for path in built.folder.rglob("*") if path.is_file()}


def changed_manifest(version: dict[str, bytes], **values: Any) -> dict[str, bytes]:
    return version | {"manifest.json": json.dumps(json.loads(version["manifest.json"]) | values).encode()}


def test_a_version_comes_back_as_it_went(built: Built, hub: Hub, tmp_path: Path) -> None:
    assert push(built).startswith(f"{built.name} is published: {REPOSITORY}, ")
    repository = hub.repositories[REPOSITORY]
    assert repository.messages == ["initial commit", f"Version {built.name}"]
    assert repository.tags == {built.name: repository.main}
    assert any(request.startswith("PUT /objects/") for request in hub.requests), "no file took the way of large files"
    assert pull(tmp_path / "ws").startswith(f"{built.name} is pulled: ")
    assert digest(tmp_path / "ws" / "versions") == {f"{built.name}/{name}": value for name, value in digest(built.folder).items()}
    assert "are as the manifest says" in dollma("verify", built.name, "-w", tmp_path / "ws").stdout
    assert pull(tmp_path / "ws").startswith(f"{built.name} is here already, equal")


def test_pushed_twice_is_published_once(built: Built, hub: Hub) -> None:
    push(built)
    assert "was published before, with the same content" in push(built)
    assert len(hub.repositories[REPOSITORY].messages) == 2


def test_a_tag_is_never_moved(built: Built, hub: Hub) -> None:
    repository = offered(hub, changed_manifest(contents(built), title="Another"))
    repository.tags[built.name] = repository.main
    assert "a published version is never changed" in " ".join(push(built, code=1).split())
    assert repository.messages == ["by hand"]


def test_an_older_version_stays_within_reach(built: Built, hub: Hub, tmp_path: Path) -> None:
    newer = make(tmp_path / "two", mixture={"shard_bytes": 2_000_000, "seed": 3})
    push(built)
    hub.repositories[REPOSITORY].trees[hub.repositories[REPOSITORY].main]["LICENSE"] = b"ours"
    push(newer)
    tree = hub.repositories[REPOSITORY].trees[hub.repositories[REPOSITORY].main]
    assert set(tree) == {*digest(newer.folder), "LICENSE", ".gitattributes"}, (
        "shards of the older version must not stay in the newer one's tree"
    )
    pull(tmp_path / "ws", "--revision", built.name)
    assert pull(tmp_path / "ws").startswith(newer.name)
    for version in (built, newer):
        assert digest(tmp_path / "ws" / "versions" / version.name) == digest(version.folder)
    assert "999" in pull(tmp_path / "ws", "--revision", "nothing-999", code=1)


def test_what_is_damaged_here_is_not_published(built: Built, hub: Hub, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(built.folder, tmp_path / built.name))
    (copy / "data" / "left-over.parquet").write_bytes(b"x")
    message = dollma("push", copy, REPOSITORY, code=1).stderr
    assert "left-over.parquet: not in the manifest" in message
    assert not hub.requests


def test_sources_must_state_licence_and_origin(hub: Hub, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, {"blogs": {"paths": str(DEMO / "raw" / "blogs" / "blogs.jsonl"), "licence": "CC0-1.0"}})
    silent = quiet_build(recipe, tmp_path / "ws")
    assert "no licence or no origin is stated for blogs" in push(silent, code=1)
    assert not hub.requests
    assert "is published" in push(silent, "--yes")


def test_a_public_repository_does_not_take_a_private_version(built: Built, hub: Hub) -> None:
    hub.repositories[REPOSITORY] = Repository()
    hub.repositories[REPOSITORY].commit({}, "by hand")
    assert "exists and is public" in push(built, "--private", code=1)
    del hub.repositories[REPOSITORY]
    push(built, "--private")
    assert hub.repositories[REPOSITORY].private


def test_a_commit_that_lacks_a_file_gets_no_tag(built: Built, hub: Hub) -> None:
    hub.repositories[REPOSITORY] = Repository()
    hub.repositories[REPOSITORY].commit({".gitignore": b"recipe.yaml"}, "by hand")
    assert "recipe.yaml is missing in commit" in push(built, code=1)
    assert hub.repositories[REPOSITORY].tags == {}


def test_a_licence_that_the_hub_does_not_know_is_named_beside(hub: Hub, tmp_path: Path) -> None:
    odd = make(tmp_path / "odd", licence="CC BY 4.0, texts of laws free")
    push(odd)
    header = yaml.safe_load((odd.folder / "README.md").read_text(encoding="utf-8").split("---")[1])
    assert (header["license"], header["license_name"]) == ("other", "CC BY 4.0, texts of laws free")
    assert odd.name in hub.repositories[REPOSITORY].tags


def test_what_the_hub_refuses_is_said(built: Built, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_other")
    assert f"{REPOSITORY}: the Hub refused or failed: " in push(built, code=1)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert f"{REPOSITORY}: the Hub refused or failed: " in pull(tmp_path / "ws", code=1)
    assert "no repository: write OWNER/NAME" in dollma("push", built.folder, "corpus", code=1).stderr


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(DollmaError, match=r"pip install 'dollma\[hub\]'"):
        pull_version(REPOSITORY, None, tmp_path)


def test_a_download_that_breaks_off_goes_on(built: Built, hub: Hub, tmp_path: Path) -> None:
    name, large = "data/large.parquet", bytes(range(256)) * 20_000
    stated = {name: {"bytes": len(large), "sha256": hashlib.sha256(large).hexdigest()}}
    offered(hub, changed_manifest(contents(built), files=stated) | {name: large})
    hub.cut.add(name)
    pull(tmp_path / "ws")
    assert f"bytes of {name}" in hub.requests
    assert (tmp_path / "ws" / "versions" / built.name / name).read_bytes() == large


def flipped(files: dict[str, bytes]) -> dict[str, bytes]:
    name = min(name for name in files if name.startswith("data/"))
    return files | {name: files[name][:-1] + bytes([files[name][-1] ^ 1])}


DAMAGES: dict[str, tuple[Callable[[dict[str, bytes]], dict[str, bytes]], str]] = {
    "a bit": (flipped, "has SHA-256"),
    "an end": (lambda files: files | {"recipe.yaml": files["recipe.yaml"][:-5]}, "bytes, the manifest says"),
    "too much": (lambda files: files | {"recipe.yaml": files["recipe.yaml"] + b" " * 3_000_000}, "has more bytes, the manifest says"),
    "a file": (lambda files: {name: files[name] for name in files if name != "profile.yaml"}, "the Hub refused or failed: 404"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_download_leaves_nothing(built: Built, hub: Hub, tmp_path: Path, damage: str) -> None:
    change, message = DAMAGES[damage]
    offered(hub, change(contents(built)))
    assert message in " ".join(pull(tmp_path / "ws", code=1).split())
    assert list((tmp_path / "ws" / "versions").iterdir()) == []


MINE = {"bytes": 4, "sha256": hashlib.sha256(b"mine").hexdigest()}
NAMES_OUTSIDE = [
    "../outside",
    "data/../../outside",
    "/etc/outside",
    "data\\outside",
    "data//outside",
    "data/\x1b[31moutside",
    "data/outside\n",
    ".tmp-1",
]
NAMES_OUTSIDE += ["", "~/outside", "data/", "data/.", "data/\u202eoutside", "x" * 300]


@pytest.mark.parametrize(
    "values",
    [
        *({"files": {name: MINE}} for name in NAMES_OUTSIDE),
        *({"version": name} for name in NAMES_OUTSIDE),
        {"version": "a/b"},
        {"files": {"manifest.json": MINE}},
        {"files": {"data": MINE, "data/outside": MINE}},
        {"files": {"recipe.yaml": MINE | {"bytes": -1}}},
        {"files": {"recipe.yaml": MINE | {"sha256": "x"}}},
        {"files": {"recipe.yaml": 4}},
        {"files": ["recipe.yaml"]},
        {"sources": None},
    ],
)
def test_a_hostile_manifest_is_not_believed(values: dict[str, Any]) -> None:
    honest = {"version": "a-00000000", "files": {"recipe.yaml": MINE}, "sources": {}}
    assert published(json.dumps(honest).encode(), "here").version == "a-00000000"
    with pytest.raises(DollmaError, match="not the manifest of a version") as refused:
        published(json.dumps(honest | values).encode(), "here")
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("raw", [b"", b"[" * 100_000, b"\xff\xfe", b"null", b'{"version": "a", "version": "../b"}'])
def test_what_is_no_manifest_is_not_believed(raw: bytes) -> None:
    with pytest.raises(DollmaError, match="not the manifest of a version"):
        published(raw, "here")


@given(st.text(alphabet=st.sampled_from("ab./\\~-_\n\0"), max_size=12))
def test_every_name_believed_lies_in_the_folder(name: str) -> None:
    try:
        published(json.dumps({"version": "a", "files": {name: MINE}, "sources": {}}).encode(), "here")
    except DollmaError:
        return
    path = Path(os.path.normpath(f"/here/{name}"))
    assert path.is_relative_to("/here")
    assert str(path) == f"/here/{name}"


@pytest.mark.parametrize("files", [{"../outside": MINE}, {"data/big.parquet": MINE | {"bytes": 10**15}}])
def test_a_hostile_repository_writes_nothing(built: Built, hub: Hub, tmp_path: Path, files: dict[str, Any]) -> None:
    offered(hub, changed_manifest(contents(built), files=files) | dict.fromkeys(files, b"mine"))
    assert pull(tmp_path / "in" / "ws", code=1).startswith("error: ")
    assert [path for path in tmp_path.rglob("*") if path.is_file() and "home" not in path.parts and path.name != ".lock"] == []


def test_what_the_manifest_does_not_list_is_not_taken(built: Built, hub: Hub, tmp_path: Path) -> None:
    offered(hub, contents(built) | {"load.py": b"print('mine')", "data/more.parquet": b"x"})
    pull(tmp_path / "ws")
    assert digest(tmp_path / "ws" / "versions" / built.name) == digest(built.folder)


def test_a_tag_that_holds_another_version_is_refused(built: Built, hub: Hub, tmp_path: Path) -> None:
    repository = offered(hub, contents(built))
    repository.tags["test-00000000"] = repository.main
    message = " ".join(pull(tmp_path / "ws", "--revision", "test-00000000", code=1).split())
    assert f"revision test-00000000 holds version {built.name}" in message


def test_what_is_here_is_not_overwritten(built: Built, hub: Hub, tmp_path: Path) -> None:
    push(built)
    here = tmp_path / "ws" / "versions" / built.name
    shutil.copytree(built.folder, here)
    (here / "recipe.yaml").chmod(0o644)
    (here / "recipe.yaml").write_text("mine", encoding="utf-8")
    before = digest(here)
    assert "recipe.yaml is not as the manifest says" in " ".join(pull(tmp_path / "ws", code=1).split())
    (here / "manifest.json").unlink()
    assert "is another version of this name" in " ".join(pull(tmp_path / "ws", code=1).split())
    assert digest(here) == {name: value for name, value in before.items() if name != "manifest.json"}


def test_what_a_killed_pull_left_is_no_version_and_is_cleared(built: Built, hub: Hub, tmp_path: Path) -> None:
    push(built)
    versions = tmp_path / "ws" / "versions"
    shutil.copytree(built.folder, versions / f".tmp-1-{built.name}")
    assert built.name not in dollma("versions", "--workspace", tmp_path / "ws").stdout
    pull(tmp_path / "ws")
    assert [path.name for path in versions.iterdir()] == [built.name]
    assert digest(versions / built.name) == digest(built.folder)


def test_nothing_is_pulled_into_a_workspace_where_a_build_is_at_work(built: Built, hub: Hub, tmp_path: Path) -> None:
    push(built)
    with locked(tmp_path / "ws"):
        assert "another build is at work" in pull(tmp_path / "ws", code=1)
    assert not list((tmp_path / "ws").glob("versions/*"))
