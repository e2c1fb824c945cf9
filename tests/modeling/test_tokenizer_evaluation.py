"""What `dollma tokenizer` says of tokenizers, against figures worked out by hand; ids described; damage; the command."""

from __future__ import annotations

import gzip
import json
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import zstandard
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from typer.testing import CliRunner

from curation.errors import DollmaError
from curation.languages.profile import load_profile
from modeling.corpus import Version
from modeling.tokenizer import load_tokenizer, tokenizer_fingerprint, vocabulary
from modeling.tokenizer.evaluation import case_pairs, cuts, efficiency, evaluate
from modeling.tokenizer.held_out import held_out, in_files
from modeling.tokenizer.paradigms import boundaries_of, word_forms
from modeling.tokenizer.saved import SPECIAL
from pipelines.commands.tokenizer import app

AZ = load_profile("azj_Latn")


def by_hand(folder: Path, *pieces: str) -> Path:
    """A WordPiece tokenizer of these pieces, with two reserved ids."""
    names = [*SPECIAL, *pieces, "[unused0]", "[unused1]"]
    tokenizer = Tokenizer(models.WordPiece({name: number for number, name in enumerate(names)}, unk_token="[UNK]"))  # noqa: S106
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(list(SPECIAL))
    folder.mkdir(exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def test_figures_are_those_worked_out_by_hand(tmp_path: Path) -> None:
    folder = by_hand(tmp_path / "t", "ev", "##lər", "##də", "su", "Ev", "##l", ".")
    scores = evaluate(folder, [("a", "ev evlər evlərdə"), ("b", "su çay")], AZ)
    assert (scores.words, scores.tokens) == (5, 8)
    assert scores.by_source == {"a": 2.0, "b": 1.0}
    assert scores.fertility == 8 / 5
    assert scores.unknown == 1 / 8
    assert scores.dead == pytest.approx(3 / 7), "Ev, ##l and the full stop are not used"
    assert scores.characters_per_token == (2 + 5 + 7 + 2 + 3) / 8
    assert scores.size == 14


def test_efficiency_is_one_where_all_ids_are_as_frequent(tmp_path: Path) -> None:
    known = vocabulary(by_hand(tmp_path / "t", "a", "b", "c", "d"))
    even = np.zeros(known.size, np.int64)
    even[known.ordinary] = 5
    assert efficiency(even, known) == pytest.approx(1.0)
    one = np.zeros(known.size, np.int64)
    one[known.ordinary[0]] = 9
    assert efficiency(one, known) == pytest.approx(0.0)
    two = np.zeros(known.size, np.int64)
    two[known.ordinary[:2]] = 3, 1
    assert efficiency(two, known) == pytest.approx(math.log(0.75**2.5 + 0.25**2.5) / -1.5 / math.log(4))


def test_case_pairs_are_compared_by_their_cuts(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(by_hand(tmp_path / "t", "kitab", "Kitab", "ev", "##lər", "E", "##v", "ış", "##ıq", "Iş", "##lər", "."))
    assert cuts(tokenizer, "evlər") == {2}
    assert cuts(tokenizer, "Evlər") == {1, 2}
    assert case_pairs(tokenizer, Counter(["kitab", "evlər", "ışıq"]), AZ) == pytest.approx(2 / 3)


def test_morphemes_are_scored_against_forms_made_of_them(tmp_path: Path) -> None:
    forms = word_forms("azj_Latn")
    assert len(forms) == len({"".join(form) + str(boundaries_of(form)) for form in forms}) > 1000
    for form in (
        ("ev", "lər", "imiz", "dən"),
        ("yol", "umuz", "un"),
        ("oxu", "yur", "am"),
        ("ailə", "si", "ndə"),
        ("gəl", "əcək", "lər"),
        ("yaz", "acaq"),
    ):
        assert form in forms
    assert word_forms("kat_Geor") == ()
    letters = [f"##{c}" for c in AZ.alphabet]
    every_letter = evaluate(by_hand(tmp_path / "letters", *AZ.alphabet, *letters, "."), [("a", "ev")], AZ).morphemes
    assert every_letter
    assert every_letter.recall == 1
    assert every_letter.precision < 0.5
    whole = evaluate(by_hand(tmp_path / "whole", *sorted({"".join(form) for form in forms}), "."), [("a", "ev")], AZ).morphemes
    assert whole
    assert (whole.precision, whole.recall) == (0, 0)
    parts = {form[0] for form in forms} | {f"##{ending}" for form in forms for ending in form[1:]}
    exact = evaluate(by_hand(tmp_path / "parts", *sorted(parts), "."), [("a", "ev")], AZ).morphemes
    assert exact
    assert exact.f > every_letter.f


def test_a_vocabulary_says_what_ids_stand_for(tokenizer_folder: Path) -> None:
    known, tokenizer = vocabulary(tokenizer_folder), load_tokenizer(tokenizer_folder)
    assert (known.pad, known.unk, known.cls, known.sep, known.mask) == (0, 1, 2, 3, 4)
    assert known.special == {0, 1, 2, 3, 4}
    assert known.size == len(known.continues) == len(known.byte_lengths) == 3008
    for number in known.ordinary.tolist():
        piece = tokenizer.id_to_token(number)
        assert known.continues[number] == (piece.startswith("##") and piece != "##")
        assert known.byte_lengths[number] == len(piece.removeprefix("##").encode() or b"##")
    assert not known.byte_lengths[list(known.special)].any()


@pytest.mark.parametrize("text", ["Bakı’da AMEA-nın 2024-cü ili.", "İşıq, (məsələn) 10.000,5; ev-ev"])
@pytest.mark.parametrize("kind", ["wordpiece", "bpe", "byte-bpe", "unigram"])
def test_byte_lengths_add_up_to_the_text_and_words_begin_where_they_do(version: Version, tmp_path_factory, kind: str, text: str) -> None:  # type: ignore[no-untyped-def]
    from modeling.tokenizer.training import Settings, train

    sizes = {"wordpiece": 3000, "bpe": 2500, "byte-bpe": 2500, "unigram": 1500}
    folder = train(version, Settings(kind, sizes[kind], 10**9), tmp_path_factory.getbasetemp() / "kinds").folder
    known = vocabulary(folder)
    encoded = load_tokenizer(folder).encode(text, add_special_tokens=False)
    assert known.byte_lengths[encoded.ids].sum() == len("".join(text.split()).encode())
    starts = {start for (start, _), number in zip(encoded.offsets, encoded.ids, strict=True) if not known.continues[number]}
    begins = {text.index(word) for word in text.split() if word[0].isalnum()}
    assert {start + (text[start] == " ") for start in starts} >= begins


def test_a_fingerprint_is_of_what_encodes(tokenizer_folder: Path, tmp_path: Path) -> None:
    raw = (tokenizer_folder / "tokenizer.json").read_bytes()
    (tmp_path / "tokenizer.json").write_bytes(raw)
    assert tokenizer_fingerprint(tmp_path) == tokenizer_fingerprint(tokenizer_folder)
    (tmp_path / "tokenizer.json").write_bytes(raw + b" ")
    assert tokenizer_fingerprint(tmp_path) != tokenizer_fingerprint(tokenizer_folder)


@pytest.mark.parametrize("damage", [b"", b"{", b"[1]", b'{"model": 3}', "cut"])
def test_damage_is_named(tokenizer_folder: Path, tmp_path: Path, damage: bytes | str) -> None:
    raw = (tokenizer_folder / "tokenizer.json").read_bytes()
    (tmp_path / "tokenizer.json").write_bytes(damage if isinstance(damage, bytes) else raw[: len(raw) // 2])
    with pytest.raises(DollmaError, match=r"tokenizer\.json: no tokenizer"):
        load_tokenizer(tmp_path)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(DollmaError, match="no such tokenizer"):
        load_tokenizer(tmp_path)
    bare = Tokenizer(models.WordPiece({"[UNK]": 0, "a": 1}, unk_token="[UNK]"))  # noqa: S106
    bare.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(DollmaError, match=r"no token \[SEP\]"):
        vocabulary(tmp_path)


def test_texts_come_from_files_of_three_shapes(tmp_path: Path) -> None:
    rows = b'{"text": "bir iki"}\n{"text": "\xc3\xbc\xc3\xa7"}\n'
    (tmp_path / "a.jsonl.zst").write_bytes(zstandard.compress(rows))
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(rows))
    (tmp_path / "c.txt").write_text("bir\niki\n", encoding="utf-8")
    found = list(in_files([tmp_path / name for name in ("a.jsonl.zst", "b.jsonl.gz", "c.txt")]))
    assert found == [
        *(("a.jsonl.zst", text) for text in ("bir iki", "üç")),
        *(("b.jsonl.gz", text) for text in ("bir iki", "üç")),
        ("c.txt", "bir\niki\n"),
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b'{"text": 3}\n', "line 1: `text` is a int"),
        ("a.jsonl", b'{"text": "a"}\n{"t": "a"}\n', "line 2: no JSON object with a field"),
        ("a.jsonl.zst", b"nothing", "no text to read"),
        ("a.gz", b"nothing", "no text to read"),
        ("a.txt", b"\xff\xfe", "no text to read"),
    ],
)
def test_what_is_no_text_is_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DollmaError, match=message):
        list(in_files([tmp_path / name]))


def test_a_version_gives_what_it_holds_out(version: Version) -> None:
    counts = {split: version.manifest["splits"][split]["documents"] for split in ("test", "validation")}
    assert len(list(held_out(version))) == sum(counts.values())


def run(*arguments: object) -> str:
    done = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_the_command_trains_once_and_measures(version: Version, modeling_workspace: Path, tokenizer_folder: Path, tmp_path: Path) -> None:
    size = ("--vocab", 3000, "--sample-bytes", "1G", "-w", modeling_workspace)
    assert "was trained before" in " ".join(run("train", version.name, *size).split())
    small = run("train", version.folder, "--type", "wordpiece", "--vocab", 1000, "-w", tmp_path)
    assert "is trained" in " ".join(small.split())
    made = next((tmp_path / "tokenizers").iterdir())
    plot = tmp_path / "plot.svg"
    found = json.loads(
        run("eval", tokenizer_folder.name[:12], made, "--version", version.name, "-w", modeling_workspace, "--plot", plot, "--json")
    )
    assert [one["size"] for one in found] == [3008, 1024]
    assert found[0]["fertility"] < found[1]["fertility"]
    assert set(found[0]["by_source"]) == set(version.sources)
    assert found[0]["morphemes"]["forms"] > 1000
    assert plot.read_text(encoding="utf-8").startswith("<svg")
    assert "wordpiece" in plot.read_text(encoding="utf-8")
    (tmp_path / "text.txt").write_text("Bu bir mətndir.\n", encoding="utf-8")
    table = run("eval", made / "tokenizer.json", "--text", tmp_path / "text.txt")
    assert "tokens a word" in table


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("eval", "nothing", "--version", "test"), "no tokenizer 'nothing'"),
        (("eval", "wordpiece"), "either --version VERSION"),
        (("train", "test", "--sample-bytes", "much"), "give a size"),
        (("train", "none"), "no version 'none'"),
    ],
)
def test_the_command_names_mistakes(modeling_workspace: Path, arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(DollmaError, match=message):
        run(*arguments, "-w", modeling_workspace)


def test_nothing_to_measure_on_is_said(tokenizer_folder: Path) -> None:
    with pytest.raises(DollmaError, match="no text to measure"):
        evaluate(tokenizer_folder, [("a", " \n")], AZ)
