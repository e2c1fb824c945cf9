"""A small Hub on 127.0.0.1: the part of its API that huggingface_hub speaks when a dataset is pushed and pulled, with repositories in memory.

Files over `LARGE` bytes go through the LFS batch endpoint and a PUT, smaller ones inside the commit, as the real one has it. Paths and fields are those
that huggingface_hub 2.4 sends and reads.
"""

from __future__ import annotations

import base64
import hashlib
import importlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import yaml
from huggingface_hub import constants

LARGE = 20_000
TOKEN = "hf_standin"  # noqa: S105 - of the stand-in below only


@dataclass
class Repository:
    """Commits as whole trees, a branch `main`, and tags."""

    private: bool = False
    trees: dict[str, dict[str, bytes]] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    main: str = ""

    def commit(self, files: dict[str, bytes], message: str) -> str:
        """Make `files` the newest tree of the branch; gives the commit's id."""
        self.messages.append(message)
        parts = [self.main, message, *(f"{name} {hashlib.sha256(content).hexdigest()}" for name, content in sorted(files.items()))]
        self.main = hashlib.sha1("\n".join(parts).encode(), usedforsecurity=False).hexdigest()
        self.trees[self.main] = files
        return self.main

    def find(self, revision: str) -> str | None:
        """The id of the commit that a branch, a tag or a commit's id means."""
        found = {"main": self.main, **self.tags}.get(revision, revision)
        return found if found in self.trees else None


class Hub(ThreadingHTTPServer):
    """The server. A test may change `repositories` between requests: strangers do worse."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories: dict[str, Repository] = {}
        self.objects: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.cut: set[str] = set()
        """Paths of files whose first download breaks off half-way."""

    @property
    def address(self) -> str:
        """What HF_ENDPOINT is set to."""
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def running(monkeypatch: pytest.MonkeyPatch, home: str) -> Iterator[Hub]:
    """A Hub that answers, with the environment set so that commands find it and nothing else."""
    hub = Hub()
    thread = threading.Thread(target=hub.serve_forever, daemon=True)
    thread.start()
    values = {"HF_ENDPOINT": hub.address, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1", "HF_HOME": home, "HF_HUB_DISABLE_TELEMETRY": "1"}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    before = dict(vars(constants))
    importlib.reload(constants)  # it reads the environment when it is imported, for commands of this process too
    try:
        yield hub
    finally:
        vars(constants).update(before)
        hub.shutdown()
        hub.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._route()

    do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815

    def _route(self) -> None:
        body = self._body()
        path = urlsplit(self.path).path
        self.server.requests.append(f"{self.command} {unquote(path)}")
        if not path.startswith("/objects/") and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._answer(401, {"error": "Invalid credentials in Authorization header"})
        for method, pattern, answer in ROUTES:
            if self.command in method and (match := re.fullmatch(pattern, path)):
                return answer(self, body, *(unquote(part) for part in match.groups()))
        return self._answer(404, {"error": f"the stand-in has no {self.command} {path}"})

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, code: int, value: Any, **headers: str) -> None:
        self._send(code, json.dumps(value).encode(), {"Content-Type": "application/json", **headers})

    def _send(self, code: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(code)
        for name, value in ({"Content-Length": str(len(content))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _repository(self, name: str) -> Repository | None:
        found = self.server.repositories.get(name)
        if found is None:
            self._answer(404, {"error": "Repository not found"}, **{"X-Error-Code": "RepoNotFound"})
        return found

    def _tree(self, name: str, revision: str) -> tuple[str, dict[str, bytes]] | None:
        repository = self._repository(name)
        if repository is None:
            return None
        commit = repository.find(revision)
        if commit is None:
            self._answer(404, {"error": f"Invalid rev id: {revision}"}, **{"X-Error-Code": "RevisionNotFound"})
            return None
        return commit, repository.trees[commit]

    def create(self, body: bytes) -> None:
        asked = json.loads(body)
        name = f"{asked['organization']}/{asked['name']}"
        url = f"{self.server.address}/datasets/{name}"
        if name in self.server.repositories:
            return self._answer(409, {"error": "You already created this dataset repo", "url": url})
        made = self.server.repositories[name] = Repository(private=asked.get("visibility") == "private" or asked.get("private") is True)
        made.commit({".gitattributes": b"*.parquet filter=lfs\n"}, "initial commit")
        return self._answer(200, {"url": url, "name": name})

    def validate_yaml(self, body: bytes) -> None:
        header = yaml.safe_load(json.loads(body)["content"].split("---")[1])
        wrong = [{"message": '"license" must be one of a list'}] if " " in header["license"] else []
        self._answer(400 if wrong else 200, {"errors": wrong, "warnings": []})

    def info(self, body: bytes, name: str, revision: str = "main") -> None:
        if found := self._tree(name, revision):
            siblings = [{"rfilename": path} for path in found[1]]
            self._answer(
                200, {"id": name, "sha": found[0], "private": self.server.repositories[name].private, "siblings": siblings, "tags": []}
            )

    def refs(self, body: bytes, name: str) -> None:
        if repository := self._repository(name):
            tags = [{"name": tag, "ref": f"refs/tags/{tag}", "targetCommit": commit} for tag, commit in repository.tags.items()]
            branches = [{"name": "main", "ref": "refs/heads/main", "targetCommit": repository.main}]
            self._answer(200, {"branches": branches, "converts": [], "tags": tags})

    def tree(self, body: bytes, name: str, revision: str, folder: str = "") -> None:
        if found := self._tree(name, revision):
            below = {path: content for path, content in found[1].items() if not folder or path.startswith(f"{folder}/")}
            folders = {str(parent) for path in below for parent in PurePosixPath(path).parents if str(parent) not in (".", folder)}
            entries = [_entry(path, content) for path, content in below.items()] + [_folder(path) for path in sorted(folders)]
            if parse_qs(urlsplit(self.path).query).get("recursive", ["false"])[0].lower() != "true":
                entries = [entry for entry in entries if str(PurePosixPath(entry["path"]).parent) == (folder or ".")]
            self._answer(200, entries)

    def paths_info(self, body: bytes, name: str, revision: str) -> None:
        if found := self._tree(name, revision):
            asked = parse_qs(body.decode())["paths"]
            files = [_entry(path, found[1][path]) for path in asked if path in found[1]]
            self._answer(200, files + [_folder(path) for path in asked if any(file.startswith(f"{path}/") for file in found[1])])

    def preupload(self, body: bytes, name: str, revision: str) -> None:
        if found := self._tree(name, revision):
            ignored = found[1].get(".gitignore", b"").decode().split()
            files = [
                {"path": f["path"], "uploadMode": "lfs" if f["size"] > LARGE else "regular", "shouldIgnore": f["path"] in ignored}
                | ({"oid": _entry(f["path"], found[1][f["path"]])["oid"]} if f["path"] in found[1] else {})
                for f in json.loads(body)["files"]
            ]
            self._answer(200, {"files": files})

    def lfs_batch(self, body: bytes, name: str) -> None:
        objects = [{"oid": o["oid"], "size": o["size"]} for o in json.loads(body)["objects"]]
        for item in objects:
            if item["oid"] not in self.server.objects:
                item["actions"] = {"upload": {"href": f"{self.server.address}/objects/{item['oid']}"}}
        self._answer(200, {"transfer": "basic", "objects": objects})

    def put_object(self, body: bytes, oid: str) -> None:
        if hashlib.sha256(body).hexdigest() != oid:
            return self._answer(400, {"error": "not the content of this oid"})
        self.server.objects[oid] = body
        return self._send(200, b"", {})

    def commit(self, body: bytes, name: str, revision: str) -> None:
        if (found := self._tree(name, revision)) is None:
            return
        files = dict(found[1])
        header, *operations = map(json.loads, body.splitlines())
        for operation in operations:
            value = operation["value"]
            if operation["key"] == "deletedFile":
                del files[value["path"]]
            else:
                whole = operation["key"] == "file"
                files[value["path"]] = base64.b64decode(value["content"]) if whole else self.server.objects[value["oid"]]
        commit = self.server.repositories[name].commit(files, header["value"]["summary"])
        self._answer(200, {"success": True, "commitOid": commit, "commitUrl": f"{self.server.address}/datasets/{name}/commit/{commit}"})

    def tag(self, body: bytes, name: str, revision: str) -> None:
        asked = json.loads(body)["tag"]
        if found := self._tree(name, revision):
            tags = self.server.repositories[name].tags
            if asked in tags:
                return self._answer(409, {"error": "Tag reference exists already"})
            tags[asked] = found[0]
            self._answer(200, {})
        return None

    def resolve(self, body: bytes, name: str, revision: str, path: str) -> None:
        if (found := self._tree(name, revision)) is None:
            return None
        if path not in found[1]:
            return self._answer(404, {"error": "Entry not found"}, **{"X-Error-Code": "EntryNotFound"})
        content = found[1][path]
        headers = {"X-Repo-Commit": found[0], "ETag": f'"{_entry(path, content)["oid"]}"', "Accept-Ranges": "bytes"}
        if span := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            self.server.requests.append(f"bytes of {path}")
            start, end = int(span[1]), min(int(span[2] or len(content) - 1), len(content) - 1)
            return self._send(206, content[start : end + 1], headers | {"Content-Range": f"bytes {start}-{end}/{len(content)}"})
        if path in self.server.cut:
            self.server.cut.remove(path)
            self.close_connection = True
            return self._send(200, content[: len(content) // 2], headers | {"Content-Length": str(len(content))})
        return self._send(200, content, headers)


def _entry(path: str, content: bytes) -> dict[str, Any]:
    """A file as the tree endpoint shows it: the oid is git's, and a large file has its SHA-256 besides (huggingface_hub compares that for large ones)."""
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    entry = {"type": "file", "path": path, "size": len(content), "oid": blob}
    sha256 = hashlib.sha256(content).hexdigest()
    return entry if len(content) <= LARGE else entry | {"oid": sha256, "lfs": {"oid": sha256, "size": len(content), "pointerSize": 134}}


def _folder(path: str) -> dict[str, Any]:
    return {"type": "directory", "path": path, "size": 0, "oid": hashlib.sha1(path.encode(), usedforsecurity=False).hexdigest()}


NAME = r"([\w.-]+/[\w.-]+)"
ROUTES: tuple[tuple[str, str, Callable[..., None]], ...] = (
    ("POST", "/api/repos/create", _Handler.create),
    ("POST", "/api/validate-yaml", _Handler.validate_yaml),
    ("GET", f"/api/datasets/{NAME}", _Handler.info),
    ("GET", f"/api/datasets/{NAME}/revision/([^/]+)", _Handler.info),
    ("GET", f"/api/datasets/{NAME}/refs", _Handler.refs),
    ("GET", f"/api/datasets/{NAME}/tree/([^/]+)", _Handler.tree),
    ("GET", f"/api/datasets/{NAME}/tree/([^/]+)/(.+)", _Handler.tree),
    ("POST", f"/api/datasets/{NAME}/paths-info/([^/]+)", _Handler.paths_info),
    ("POST", f"/api/datasets/{NAME}/preupload/([^/]+)", _Handler.preupload),
    ("POST", f"/datasets/{NAME}.git/info/lfs/objects/batch", _Handler.lfs_batch),
    ("PUT", "/objects/([0-9a-f]{64})", _Handler.put_object),
    ("POST", f"/api/datasets/{NAME}/commit/([^/]+)", _Handler.commit),
    ("POST", f"/api/datasets/{NAME}/tag/([^/]+)", _Handler.tag),
    ("GET HEAD", f"/datasets/{NAME}/resolve/([^/]+)/(.+)", _Handler.resolve),
)
