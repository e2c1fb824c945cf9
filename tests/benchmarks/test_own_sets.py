"""Sets out of one's own version: labels are what stands in the text, and rows to test by are of documents that no model has read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.tasks.catalogue import named
from benchmarks.tasks.own_sets import build
from benchmarks.tasks.reading import read
from benchmarks.tasks.task import SPLITS
from curation.errors import DollmaError
from tests.pipelines.workspace import dollma, prose_recipe, quiet_build


@pytest.fixture(scope="module")
def held_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version of the demo's texts, with documents held out."""
    folder = tmp_path_factory.mktemp("own")
    return quiet_build(prose_recipe(folder, mixture={"validation": 0.3}), folder / "workspace", 1).folder


def rows(folder: Path, split: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"{split}.jsonl").read_text("utf-8").splitlines()]


def test_rows_to_test_by_are_of_documents_held_out(held_out: Path, tmp_path: Path) -> None:
    from modeling.corpus import open_version, texts

    build(held_out, tmp_path / "own")
    version = open_version(held_out)
    of = {split: {row["id"] for batch in texts(version, split) for row in batch.to_pylist()} for split in SPLITS}
    documents = {split: {row["id"].rpartition("-")[0] for row in rows(tmp_path / "own/own_sources", split)} for split in SPLITS}
    assert documents["train"] <= of["train"]
    assert documents["test"] | documents["validation"] <= of["validation"] | of["test"]
    assert not documents["test"] & documents["validation"]
    assert all(documents.values())
    found = [row["text"] for split in SPLITS for row in rows(tmp_path / "own/own_sources", split)]
    assert len(found) == len(set(found))


def test_marks_are_those_of_the_text(held_out: Path, tmp_path: Path) -> None:
    build(held_out, tmp_path / "own")
    signs = {"B-comma": ",", "B-question": "?"}
    for text, words in zip(rows(tmp_path / "own/own_sources", "test"), rows(tmp_path / "own/own_marks", "test"), strict=True):
        assert text["id"] == words["id"]
        said = text["text"].split()
        assert len(said) == len(words["words"]) == len(words["marks"])
        for spoken, word, mark in zip(said, words["words"], words["marks"], strict=True):
            assert word.casefold() == word.replace("İ", "i")
            assert word[0].isalnum()
            assert word[-1].isalnum()
            if mark in signs:
                assert signs[mark] in spoken
            else:
                assert (mark == "B-stop") == bool(set(".!…") & set(spoken[len(spoken.rstrip(".!…,?\"'»”’)]")) :]))


def test_both_are_read_as_tasks_without_a_fault_and_the_same_bytes_come_again(held_out: Path, tmp_path: Path) -> None:
    told = dollma("bench", "own", held_out, "--out", tmp_path / "one").stdout
    assert "--task own-marks" in told
    build(held_out, tmp_path / "two")
    for name in ("own-sources", "own-marks"):
        task = named(name)
        for split in SPLITS:
            found = read(task, tmp_path / "one" / task.folder, split)
            assert found.items
            assert not found.faults
            paths = [tmp_path / one / task.folder / task.files[split] for one in ("one", "two")]
            assert paths[0].read_bytes() == paths[1].read_bytes()
    card = json.loads((tmp_path / "one/card.json").read_text("utf-8"))
    assert set(card["splits"]["train"]["sources"]) == {"blogs", "books", "encyclopaedia"}


def test_a_version_that_holds_nothing_out_gives_none(tmp_path: Path) -> None:
    folder = quiet_build(prose_recipe(tmp_path), tmp_path / "workspace", 1, ("mixture.validation=0",)).folder
    with pytest.raises(DollmaError, match=r"no paragraph of 8 words for validation, test.*larger mixture.validation"):
        build(folder, tmp_path / "own")
    assert not (tmp_path / "own").exists()
