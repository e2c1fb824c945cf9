"""What stands in a workspace is found by its name, the beginning of it, or a path."""

from __future__ import annotations

from pathlib import Path

import pytest

from curation.errors import DollmaError
from modeling.places import find


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name in ("wordpiece-64000-1a", "wordpiece-32000-2b", "bpe", "bpe-2"):
        (tmp_path / "tokenizers" / name).mkdir(parents=True)
    return tmp_path


def test_by_name_beginning_or_path(place: Path) -> None:
    folder = place / "tokenizers"
    assert find("bpe", place, "tokenizers") == folder / "bpe"
    assert find("wordpiece-3", place, "tokenizers") == folder / "wordpiece-32000-2b"
    assert find(str(folder / "bpe-2"), place / "elsewhere", "tokenizers") == folder / "bpe-2"


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("word", "tokenizers", "fits several in .*: wordpiece-32000-2b, wordpiece-64000-1a"),
        ("bbpe", "tokenizers", r"no tokenizer 'bbpe' in .*bpe.*`dollma tokenizer train VERSION` makes one"),
        ("", "tokenizers", "no tokenizer ''"),
        ("az", "tokens", "there is none yet.*`dollma tokens VERSION TOKENIZER` makes one"),
    ],
)
def test_what_is_not_there_or_not_clear(place: Path, name: str, kind: str, message: str) -> None:
    with pytest.raises(DollmaError, match=message):
        find(name, place, kind)
