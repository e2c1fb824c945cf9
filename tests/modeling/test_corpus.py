"""A version opened for modeling: sources, factors, shards, texts; and what damage says."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

from curation.errors import DollmaError
from curation.writers.manifest import MANIFEST
from modeling.corpus import Version, open_version, texts


@pytest.fixture
def copy(version: Version, tmp_path: Path) -> Path:
    folder = tmp_path / version.name
    shutil.copytree(version.folder, folder)
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(0o644)
    return folder


def test_sources_have_factors_and_words(version: Version) -> None:
    assert {name: source.factor for name, source in version.sources.items()} == {"blogs": 2.5, "books": 1, "encyclopaedia": 3}
    for source in version.sources.values():
        assert source.final_words >= source.words > 0


def test_each_split_gives_the_rows_that_the_manifest_counts(version: Version) -> None:
    for split, counts in version.manifest["splits"].items():
        batches = list(texts(version, split, ("id", "words", "copy")))
        assert sum(batch.num_rows for batch in batches) == counts["copies"] > 0
        assert sum(sum(batch["words"].to_pylist()) for batch in batches) == counts["copied_words"]
        assert sum(batch["copy"].to_pylist().count(0) for batch in batches) == counts["documents"]


def test_shards_come_in_order(version: Version) -> None:
    shards = version.shards("train")
    assert shards == sorted(shards)
    assert len(shards) == version.manifest["splits"]["train"]["shards"] > 1


def test_copies_follow_the_factors(version: Version) -> None:
    rows = Counter[str]()
    documents = Counter[str]()
    for batch in texts(version, "train", ("source", "copy")):
        rows.update(batch["source"].to_pylist())
        documents.update(s for s, c in zip(batch["source"].to_pylist(), batch["copy"].to_pylist(), strict=True) if c == 0)
    assert rows["books"] == documents["books"]
    assert rows["encyclopaedia"] == 3 * documents["encyclopaedia"]


def test_an_unknown_split_is_named(version: Version) -> None:
    with pytest.raises(DollmaError, match="no split 'valid': did you mean 'validation'"):
        version.shards("valid")


def test_no_version_says_so(tmp_path: Path) -> None:
    with pytest.raises(DollmaError, match="no manifest of a version"):
        open_version(tmp_path)


@pytest.mark.parametrize("change", ["factor", "language", "sources"])
def test_a_damaged_manifest_says_so(copy: Path, change: str) -> None:
    manifest = json.loads((copy / MANIFEST).read_text(encoding="utf-8"))
    if change == "factor":
        manifest["sources"]["books"]["upsample"] = "often"
    elif change == "sources":
        manifest["sources"] = ["books"]
    else:
        del manifest[change]
    (copy / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(DollmaError, match="no manifest of a version"):
        open_version(copy)


def test_a_missing_shard_is_named(copy: Path) -> None:
    gone = open_version(copy).shards("train")[0]
    gone.unlink()
    with pytest.raises(DollmaError, match=f"{gone.name} is missing"):
        open_version(copy).shards("train")


def test_a_shard_cut_short_is_named_with_both_sizes(copy: Path) -> None:
    cut = open_version(copy).shards("train")[0]
    cut.write_bytes(cut.read_bytes()[:-100])
    with pytest.raises(DollmaError, match=r"has [\d,]+ bytes, the manifest says"):
        list(texts(open_version(copy), "train"))


def test_a_shard_that_is_no_table_is_named(copy: Path) -> None:
    spoilt = open_version(copy).shards("train")[0]
    spoilt.write_bytes(b"x" * spoilt.stat().st_size)
    with pytest.raises(DollmaError, match=f"{spoilt.name}: not a shard of a version"):
        list(texts(open_version(copy), "train"))


def test_a_shard_that_the_manifest_forgot_is_missed(copy: Path) -> None:
    manifest = json.loads((copy / MANIFEST).read_text(encoding="utf-8"))
    del manifest["files"][f"data/{open_version(copy).shards('train')[0].name}"]
    (copy / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(DollmaError, match="shards of train"):
        open_version(copy).shards("train")
