"""The store and the command that makes it: the tokenizer's ids of every document once, counted, the same whatever happens on the way."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from rich.console import Console

from curation.errors import ConservationError, DollmaError
from curation.files import checksum
from curation.writers.shards import SHARD, shard_name, write_shard
from modeling.corpus import SPLITS, Version, texts
from modeling.tokenizer import load_tokenizer, tokenizer_fingerprint, vocabulary
from modeling.tokens import Tokens, open_tokens, pack, verify_tokens
from modeling.tokens.masking import mask
from pipelines import tokenising
from pipelines.engines.local import TaskError
from pipelines.progress import Display
from pipelines.tokenising import Tokenised, tokenise
from tests.pipelines.workspace import digest


def quiet(version: Path, tokenizer: Path, workspace: Path, workers: int = 1) -> Tokenised:
    return tokenise(version, tokenizer, workspace, Display(Console(quiet=True)), workers)


@pytest.fixture(scope="module")
def made(version: Version, tokenizer_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Tokens:
    return open_tokens(quiet(version.folder, tokenizer_folder, tmp_path_factory.mktemp("made")).folder)


def test_every_document_once_as_the_tokenizer_says(made: Tokens, version: Version, tokenizer_folder: Path) -> None:
    tokenizer = load_tokenizer(tokenizer_folder)
    for split in SPLITS:
        rows = pa.Table.from_batches(texts(version, split))
        copies = Counter(rows["id"].to_pylist())
        documents = rows.filter(pc.equal(rows["copy"], 0)).to_pylist()
        held = made.split(split)
        assert len(held) == len(documents)
        for number, document in enumerate(documents):
            assert held.document(number).tolist() == tokenizer.encode(document["text"], add_special_tokens=False).ids
            assert made.sources[held.source[number]] == document["source"]
            assert held.copies[number] == copies[document["id"]]
            assert held.bytes[number] == len(document["text"].encode())
    assert max(made.split("train").copies) == 3
    assert max(made.split("test").copies) == 1


def test_the_manifest_counts(made: Tokens, version: Version, tokenizer_folder: Path) -> None:
    for split, sources in made.manifest["splits"].items():
        held = made.split(split)
        assert sum(counts["documents"] for counts in sources.values()) == version.manifest["splits"][split]["documents"] == len(held)
        assert sum(counts["copies"] for counts in sources.values()) == version.manifest["splits"][split]["copies"]
        assert sum(counts["tokens"] for counts in sources.values()) == len(held.ids)
        assert sum(counts["final_tokens"] for counts in sources.values()) == (held.lengths() * held.copies).sum()
        assert sum(counts["bytes"] for counts in sources.values()) == held.bytes.sum()
    assert made.manifest["tokenizer"] == {
        "name": tokenizer_folder.name,
        "fingerprint": tokenizer_fingerprint(tokenizer_folder),
        "size": load_tokenizer(tokenizer_folder).get_vocab_size(),
    }
    assert made.manifest["version"] == {"name": version.name, "fingerprint": version.fingerprint}
    assert made.folder.name == f"{version.name}-{tokenizer_folder.name}-{made.fingerprint}"
    verify_tokens(made)


def test_workers_and_tasks_change_no_byte(
    made: Tokens, version: Version, tokenizer_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokenising, "TASK_BYTES", 1)
    again = quiet(version.folder, tokenizer_folder, tmp_path, workers=3)
    assert digest(again.folder) == digest(made.folder)
    assert not list((tmp_path / "stages" / "tokens").glob("*/*"))
    assert not quiet(version.folder, tokenizer_folder, tmp_path).new


SCRIPT = """
import sys
import typer
from pipelines.commands.tokens import tokens
if __name__ == "__main__":
    typer.run(tokens)
"""


def complete(workspace: Path) -> list[Path]:
    """Records of tasks that stand under their final names."""
    return list((workspace / "stages").glob("tokens/*/[!.]*/task.json"))


def test_killed_and_run_again(made: Tokens, version: Version, tokenizer_folder: Path, tmp_path: Path) -> None:
    """`kill -9` of the command with one task done: the store is not there; the same command encodes the rest, and the store is the undisturbed one."""
    script, workspace = tmp_path / "tokens.py", tmp_path / "ws"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), str(version.folder), str(tokenizer_folder), "-w", str(workspace), "--workers", "1"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, start_new_session=True
    ) as process:
        while process.poll() is None and not complete(workspace):
            time.sleep(0.001)
        os.killpg(process.pid, signal.SIGKILL)  # its worker too: it would go on for a moment
    done = complete(workspace)
    if not (workspace / "tokens").exists():
        assert done
        seen = Seen()
        built = tokenise(version.folder, tokenizer_folder, workspace, seen, 1)
        assert seen.begun == (sum(len(version.shards(split)) for split in SPLITS), len(done))
        assert sum(seen.documents) < sum(len(made.split(split)) for split in SPLITS)
        assert digest(built.folder) == digest(made.folder)
    else:  # the kill came too late, on a slow machine
        pytest.skip("the command was done before it was killed")


class Seen(Display):
    """What a display is told."""

    def __init__(self) -> None:
        super().__init__(Console(quiet=True))
        self.documents: list[int] = []

    def begin(self, stage: str, total: int, done: int) -> None:
        super().begin(stage, total, done)
        self.begun = (total, done)

    def observe(self, task: Any, counts: dict[str, int]) -> None:
        super().observe(task, counts)
        self.documents.append(counts.get("documents", 0))


SPECIAL = "Bu [MASK] sözdür, [SEP] də, [CLS] də, [PAD] də, [unused0] da."


def handmade(folder: Path, shards: Sequence[Sequence[tuple[int, str, int]]]) -> Path:
    """A version of one source whose train shards have these rows: (number of the document, text, copy)."""
    files, rows, words = {}, 0, 0
    for number, shard in enumerate(shards):
        table = pa.Table.from_pylist(
            [
                {
                    "id": f"{document:032x}",
                    "text": text,
                    "source": "kitab",
                    "url": None,
                    "metadata": "{}",
                    "words": len(text.split()),
                    "copy": copy,
                }
                for document, text, copy in shard
            ],
            SHARD,
        )
        name = f"data/{shard_name('train', number, len(shards))}"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_shard(folder / name, table)
        files[name] = {"bytes": (folder / name).stat().st_size, "sha256": checksum(folder / name)}
        rows += table.num_rows
        words += pc.sum(table["words"]).as_py()
    source = {"title": "Kitab", "licence": "", "upsample": 1, "words": 1, "final_words": words}
    manifest = {"version": "handmade", "fingerprint": "1234", "language": "azj_Latn", "files": files, "sources": {"kitab": source}}
    (folder / "manifest.json").write_text(json.dumps(manifest | {"splits": {"train": {"copies": rows}}}), encoding="utf-8")
    return folder


def test_copies_in_other_shards_and_documents_without_tokens(tokenizer_folder: Path, tmp_path: Path) -> None:
    first = [(1, "Birinci sənəd.", 1), (2, SPECIAL, 0), (3, "   \n", 0)]
    second = [(2, SPECIAL, 1), (1, "Birinci sənəd.", 0), (1, "Birinci sənəd.", 2), (3, "   \n", 1)]
    made = open_tokens(quiet(handmade(tmp_path / "v", [first, second]), tokenizer_folder, tmp_path / "ws").folder)
    held = made.split("train")
    assert held.copies.tolist() == [2, 2, 3]
    assert held.lengths()[1] == 0
    counts = made.manifest["splits"]["train"]["kitab"]
    assert (counts["documents"], counts["empty"], counts["copies"]) == (3, 1, 7)
    assert not np.isin(held.ids, [0, 2, 3, 4]).any(), "what looks like a special token is text"


def test_two_documents_of_one_id_share_its_rows(tokenizer_folder: Path, tmp_path: Path) -> None:
    rows = [(1, "Bir.", 0), (1, "İki.", 0), (1, "Bir.", 1), (1, "İki.", 1)]
    made = open_tokens(quiet(handmade(tmp_path / "v", [rows]), tokenizer_folder, tmp_path / "ws").folder)
    assert made.split("train").copies.tolist() == [2, 2]


@pytest.mark.parametrize("rows", [[(1, "Bir.", 1)], [(1, "Bir.", 0), (1, "İki.", 0), (1, "Bir.", 1)]])
def test_a_copy_without_its_document(tokenizer_folder: Path, tmp_path: Path, rows: list[tuple[int, str, int]]) -> None:
    with pytest.raises(ConservationError, match=r"tokens train: document 0{31}1 has further copies that don't go with its first"):
        quiet(handmade(tmp_path / "v", [rows]), tokenizer_folder, tmp_path / "ws")
    assert not list((tmp_path / "ws").glob("tokens/*"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"splits": {"train": {"copies": 3}}}, "tokens train: 2 rows read, the manifest of handmade says 3"),
        (
            {"sources": {"kitab": {"title": "", "upsample": 1, "words": 1, "final_words": 5}}},
            "tokens of kitab: 2 words in its rows, the manifest of handmade says 5",
        ),
    ],
)
def test_what_the_manifest_says_otherwise(tokenizer_folder: Path, tmp_path: Path, change: dict[str, Any], message: str) -> None:
    folder = handmade(tmp_path / "v", [[(1, "Bir.", 0), (2, "İki.", 0)]])
    manifest = json.loads((folder / "manifest.json").read_text()) | change
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ConservationError, match=message):
        quiet(folder, tokenizer_folder, tmp_path / "ws")


def test_a_source_that_the_manifest_has_not(tokenizer_folder: Path, tmp_path: Path) -> None:
    folder = handmade(tmp_path / "v", [[(1, "Bir.", 0)]])
    (folder / "manifest.json").write_text((folder / "manifest.json").read_text().replace('"kitab"', '"kitob"'))
    with pytest.raises(TaskError, match="a document of source 'kitab', which the manifest has not: did you mean 'kitob'"):
        quiet(folder, tokenizer_folder, tmp_path / "ws")


@pytest.mark.parametrize("byte", range(4, 404, 20))
def test_a_shard_with_one_bit_changed(tokenizer_folder: Path, tmp_path: Path, byte: int) -> None:
    """Of such changes every fourth gives another text and no error of Parquet."""
    folder = handmade(tmp_path / "v", [[(1, "Bir.", 0)]])
    shard = folder / "data" / shard_name("train", 0, 1)
    content = bytearray(shard.read_bytes())
    content[byte] ^= 1
    shard.write_bytes(content)
    with pytest.raises(DollmaError, match=r"train-00000-of-00001\.parquet: SHA-256 is .* the manifest says"):
        quiet(folder, tokenizer_folder, tmp_path / "ws")
    assert not list((tmp_path / "ws").glob("tokens/*"))


def test_a_version_named_like_a_path(tokenizer_folder: Path, tmp_path: Path) -> None:
    folder = handmade(tmp_path / "v", [[(1, "Bir.", 0)]])
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace('"version": "handmade"', '"version": "../../../outside"'))
    with pytest.raises(DollmaError, match="is no name of a version"):
        quiet(folder, tokenizer_folder, tmp_path / "ws")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["v"]


def test_a_pattern_that_takes_for_ever(tokenizer_folder: Path, tmp_path: Path) -> None:
    """Oniguruma gives up, Rust panics, which no `except Exception` sees: the error names the tokenizer all the same."""
    path = shutil.copytree(tokenizer_folder, tmp_path / "bomb") / "tokenizer.json"
    split = {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Removed", "invert": False}
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"pre_tokenizer": split}), encoding="utf-8")
    folder = handmade(tmp_path / "v", [[(1, "a" * 100 + "b", 0)]])
    with pytest.raises(TaskError, match=r"bomb: can't encode a document of .*PanicException"):
        quiet(folder, tmp_path / "bomb", tmp_path / "ws")


@pytest.mark.parametrize(("size", "bits"), [(65_536, 16), (65_537, 32)])
def test_a_vocabulary_that_16_bits_cannot_number_takes_32(tokenizer_folder: Path, tmp_path: Path, size: int, bits: int) -> None:
    shutil.copytree(tokenizer_folder, tmp_path / "large")
    path = tmp_path / "large" / "tokenizer.json"
    stated = json.loads(path.read_text(encoding="utf-8"))
    stated["model"]["vocab"] |= {f"söz{number}": number for number in range(len(stated["model"]["vocab"]), size)}
    path.write_text(json.dumps(stated), encoding="utf-8")
    text = f"söz{size - 1} bir söz{size - 2}, iki söz. " * 8
    tokens = open_tokens(quiet(handmade(tmp_path / "v", [[(1, text, 0), (2, "Bir.", 0)]]), tmp_path / "large", tmp_path / "ws").folder)
    held = tokens.split("train")
    assert held.ids.dtype.itemsize * 8 == bits
    assert held.document(0).tolist() == load_tokenizer(tmp_path / "large").encode(text, add_special_tokens=False).ids
    assert held.document(0).max() == size - 1
    verify_tokens(tokens)
    packed = pack(tokens, "train", 64).batch(np.arange(1))
    guessed = mask(packed, np.arange(1), 1, 0.5, vocabulary(tmp_path / "large"))
    assert packed.ids.max() == size - 1
    assert set(guessed.labels[guessed.labels >= 0].tolist()) <= set(held.ids.tolist())
    manifest = json.loads((tokens.folder / "manifest.json").read_text())
    (tokens.folder / "manifest.json").chmod(0o644)
    (tokens.folder / "manifest.json").write_text(json.dumps(manifest | {"dtypes": manifest["dtypes"] | {"ids": "<f8"}}))
    with pytest.raises(DollmaError, match="ids of type '<f8', this DOLLMA reads <u2 and <u4: run `dollma tokens` again"):
        open_tokens(tokens.folder)


def test_a_damaged_store(made: Tokens, tmp_path: Path) -> None:
    folder = tmp_path / made.folder.name
    shutil.copytree(made.folder, folder)
    ids = folder / "train" / "ids.bin"
    ids.chmod(0o644)
    ids.write_bytes(b"\1\0" + ids.read_bytes()[2:])
    with pytest.raises(DollmaError, match=r"train/ids\.bin: SHA-256 is"):
        verify_tokens(open_tokens(folder))
    ids.write_bytes(ids.read_bytes()[:-2])
    with pytest.raises(DollmaError, match=r"train/ids\.bin: .* bytes, the manifest says"):
        open_tokens(folder)
    (folder / "manifest.json").unlink()
    with pytest.raises(DollmaError, match=r"no token store .*`dollma tokens VERSION TOKENIZER` makes one"):
        open_tokens(folder)
