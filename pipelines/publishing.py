"""Versions on the Hugging Face Hub: a version pushed as one tag of a dataset repository, and pulled from it again, checked byte for byte.

A repository is material from strangers. Its manifest is read first, and is believed only about sizes and SHA-256 of files under plain names;
nothing else of the repository is downloaded.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from curation.errors import DollmaError
from curation.files import checksum, remove_temporary, whole_folder
from curation.writers.manifest import MANIFEST, read_manifest
from pipelines.explanation import printable
from pipelines.locking import locked
from pipelines.recipe import NAME
from pipelines.versions import verify

if TYPE_CHECKING:
    from huggingface_hub import HfApi, HfFileSystem

KIND = "dataset"
OWN_FOLDERS = ("data/*", "ledger/*", "measures/*")
"""What a push replaces whole in the repository; a licence or a logo that somebody put beside them stays."""
MANIFEST_BYTES = 64 << 20
"""No manifest is larger: one names a file in about 150 bytes, so this is room for 400,000 files."""
LONGEST_NAME = 200
"""Characters in the name of a version or of a file in it: file systems have 255 bytes for one, and a temporary name adds some."""
CHUNK = 1 << 20
DOWNLOADS = 8
"""Files downloaded at once: a version has many small ones, and each costs a round trip."""


class PublishedFile(BaseModel):
    """What a manifest says of one file."""

    size: int = Field(alias="bytes", ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class Published(BaseModel):
    """The part of a stranger's manifest that a download needs. Names that could lead out of the version's folder don't fit the pattern."""

    version: str = Field(pattern=NAME, max_length=LONGEST_NAME)
    files: dict[
        Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)*$", max_length=LONGEST_NAME)], PublishedFile
    ]
    sources: dict[str, Any]


def published(raw: bytes, where: str) -> Published:
    """What a stranger's manifest says of the files to download. Raises DollmaError where a name, a size or a hash is none that a version has."""
    try:
        found = Published.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(part)[:80] for part in first["loc"])
        raise DollmaError(printable(f"{where}: not the manifest of a version that can be trusted: {place}: {first['msg']}")) from error
    for name in found.files:
        above = {str(parent) for parent in PurePosixPath(name).parents}
        if name == MANIFEST or above & found.files.keys():
            raise DollmaError(f"{where}: not the manifest of a version that can be trusted: {name} stands where another file does")
    return found


@dataclass(frozen=True)
class Transfer:
    """A version that was pushed or pulled. `new` is False where it was there already, equal."""

    version: str
    files: int
    size: int
    new: bool
    folder: Path


def push(folder: Path, repository: str, private: bool, unstated: bool) -> Transfer:
    """Publish a version: its files in the repository's default branch, and a tag with its name.

    The tag comes last, after a look at what arrived, so a tag always stands for a whole version. `unstated` lets sources pass that state no licence or origin.
    Raises DollmaError for a damaged version, for such sources, for a tag with other content, and for what the Hub refuses.
    """
    with _hub(repository) as (api, files):
        manifest = _fit_to_publish(folder, unstated)
        name, size = manifest["version"], sum(stated["bytes"] for stated in manifest["files"].values())
        api.create_repo(repository, repo_type=KIND, private=private or None, exist_ok=True)
        if private and not api.dataset_info(repository).private:
            raise DollmaError(f"{repository} exists and is public: make it private in its settings, or push without --private")
        done = Transfer(name, len(manifest["files"]), size, True, folder)
        if name in {tag.name for tag in api.list_repo_refs(repository, repo_type=KIND).tags}:
            if _manifest(files, repository, name) != (folder / MANIFEST).read_bytes():
                raise DollmaError(
                    f"{repository} has a tag {name} with another manifest: a published version is never changed, build another"
                )
            return replace(done, new=False)
        commit = api.upload_folder(
            repo_id=repository, repo_type=KIND, folder_path=folder, delete_patterns=list(OWN_FOLDERS), commit_message=f"Version {name}"
        )
        _check_arrived(api, repository, commit.oid, manifest["files"] | {MANIFEST: {"bytes": (folder / MANIFEST).stat().st_size}})
        api.create_tag(repository, repo_type=KIND, tag=name, revision=commit.oid)
    return done


def _fit_to_publish(folder: Path, unstated: bool) -> dict[str, Any]:
    manifest = read_manifest(folder)
    if found := list(verify(folder)):
        raise DollmaError(
            f"{folder.name} is damaged and is not published: {found[0]} ({len(found)} differences in all, see `dollma verify`)"
        )
    published((folder / MANIFEST).read_bytes(), folder.name)
    silent = [name for name, source in manifest["sources"].items() if not (source["licence"] and source["origin"])]
    if silent and not unstated:
        raise DollmaError(
            f"{folder.name}: no licence or no origin is stated for {', '.join(silent)}: add `licence` and `origin` to these sources and build again, "
            "or publish it as it is with --yes"
        )
    return manifest


def _check_arrived(api: HfApi, repository: str, commit: str, stated: dict[str, dict[str, Any]]) -> None:
    """Every file must stand in the commit: a .gitignore in the repository, or another push at the same moment, can keep one out."""
    from huggingface_hub.hf_api import RepoFile  # noqa: PLC0415 - optional

    entries = api.list_repo_tree(repository, repo_type=KIND, revision=commit, recursive=True)
    there = {entry.path: entry for entry in entries if isinstance(entry, RepoFile)}
    for name, file in stated.items():
        found = there.get(name)
        if found is None or found.size != file["bytes"] or (found.lfs and "sha256" in file and found.lfs.sha256 != file["sha256"]):
            state = "missing" if found is None else "another file"
            raise DollmaError(
                f"{repository}: {name} is {state} in commit {commit}, so no tag was set: look at the repository and push again"
            )


def pull(repository: str, version: str | None, workspace: Path) -> Transfer:
    """Download a version, or what the default branch holds, to `workspace`/versions/NAME: whole and equal to its manifest, or not at all.

    Raises DollmaError for a manifest or file that is not what it should be, for another version under the same name, and for what the Hub refuses.
    """
    with _hub(repository) as (api, files):
        commit = str(api.dataset_info(repository, revision=version).sha)
        raw = _manifest(files, repository, commit)
        wanted = published(raw, f"{repository}/{MANIFEST}")
        if version not in (None, wanted.version):
            raise DollmaError(
                f"{repository}: revision {version} holds version {wanted.version}: pull it by that name if it is the one you want"
            )
        target = workspace / "versions" / wanted.version
        size = sum(file.size for file in wanted.files.values())
        done = Transfer(wanted.version, len(wanted.files), size, True, target)
        with locked(workspace):
            remove_temporary(target.parent)
            if target.exists():
                _check_equal(target, raw, wanted)
                return replace(done, new=False)
            with whole_folder(target) as folder:
                if (free := shutil.disk_usage(folder).free) < size:
                    raise DollmaError(f"{wanted.version} has {size:,} bytes and {folder.parent} has room for {free:,}: free some space")
                for name in wanted.files:
                    (folder / name).parent.mkdir(parents=True, exist_ok=True)
                with ThreadPoolExecutor(DOWNLOADS) as pool:
                    list(pool.map(lambda item: _download(files, repository, commit, folder, *item), wanted.files.items()))
                (folder / MANIFEST).write_bytes(raw)
                for path in folder.rglob("*"):
                    if path.is_file():
                        path.chmod(0o444)
    return done


def _check_equal(target: Path, raw: bytes, wanted: Published) -> None:
    present = target / MANIFEST
    if not present.is_file() or present.read_bytes() != raw:
        raise DollmaError(f"{target} exists and is another version of this name: move it away, or pull into another workspace")
    for name, file in wanted.files.items():
        if not (target / name).is_file() or checksum(target / name) != file.sha256:
            raise DollmaError(f"{target} exists and is damaged: {name} is not as the manifest says: move the folder away and pull again")


def _manifest(files: HfFileSystem, repository: str, revision: str) -> bytes:
    raw = b"".join(_stream(files, repository, revision, MANIFEST, MANIFEST_BYTES))
    if len(raw) > MANIFEST_BYTES:
        raise DollmaError(f"{repository}: {MANIFEST} is over {MANIFEST_BYTES:,} bytes, more than any version's")
    return raw


def _download(files: HfFileSystem, repository: str, commit: str, folder: Path, name: str, stated: PublishedFile) -> None:
    path = folder / name
    digest = hashlib.sha256()
    size = 0
    with path.open("wb") as file:
        for chunk in _stream(files, repository, commit, name, stated.size):
            digest.update(chunk)
            size += len(chunk)
            file.write(chunk)
    if size != stated.size:
        amount = f"{size:,}" if size < stated.size else "more"
        raise DollmaError(f"{repository}: {name} has {amount} bytes, the manifest says {stated.size:,}: nothing was kept")
    if digest.hexdigest() != stated.sha256:
        raise DollmaError(f"{repository}: {name} has SHA-256 {digest.hexdigest()}, the manifest says {stated.sha256}: nothing was kept")


def _stream(files: HfFileSystem, repository: str, revision: str, name: str, limit: int) -> Iterator[bytes]:
    """A file's bytes, and one byte over `limit` at most, which shows that there are more."""
    left = limit + 1
    with files.open(f"{KIND}s/{repository}@{revision}/{name}", "rb", block_size=0) as remote:
        while left and (chunk := remote.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk


@contextmanager
def _hub(repository: str) -> Iterator[tuple[HfApi, HfFileSystem]]:
    """The Hub, with the token and the address that huggingface_hub has from its login or its environment; what it refuses is a DollmaError."""
    if not re.fullmatch(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+", repository):
        raise DollmaError(f"{repository!r} is no repository: write OWNER/NAME, as in the address of its page")
    try:
        from huggingface_hub import HfApi, HfFileSystem  # noqa: PLC0415 - optional
        from huggingface_hub.errors import HTTPError  # noqa: PLC0415
    except ImportError as error:
        raise DollmaError("push and pull need the package huggingface_hub: `pip install 'dollma[hub]'`") from error
    try:
        yield HfApi(), HfFileSystem()
    except (HTTPError, ConnectionError, RuntimeError, ValueError) as error:
        message = " ".join(printable(part) for part in str(error).split())
        raise DollmaError(f"{repository}: the Hub refused or failed: {message or type(error).__name__}") from error
