"""Making and testing a model: the rows, the variants, the training, the calibration, the commands."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from curation.errors import DollmaError
from curation.languages.lid import train as training
from curation.languages.lid import words
from curation.languages.lid.calibration import (
    KNOTS,
    Calibration,
    calibration_text,
    fit_outside,
    fit_temperatures,
    outside,
    read_calibration,
    reliability,
    tempered,
)
from curation.languages.lid.corpus import held_out, lines, read_folders, sources
from curation.languages.lid.evaluate import Answers, Sentence, figures, macro_f1, summary
from curation.languages.lid.plot import reliability_svg
from curation.languages.lid.train import Settings, train, training_lines
from curation.languages.lid.variants import ascii_typed, cyrillic, disturbed, piece
from pipelines.commands.lid import app

AZ = (
    "Bağda alma ağacları çiçək açıb.",
    "Qonşunun iti bütün gecə hürdü.",
    "Sabah bazara gedib təzə göyərti alacağam.",
    "Uşaqlar həyətdə top oynayır.",
)
TR = (
    "Bahçede elma ağaçları çiçek açtı.",
    "Komşunun köpeği bütün gece havladı.",
    "Yarın pazara gidip taze sebze alacağım.",
    "Çocuklar avluda top oynuyor.",
)
UZ = (
    "Bogʻda olma daraxtlari gulladi.",
    "Qoʻshnining iti tuni bilan hurdi.",
    "Ertaga bozorga borib yangi sabzavot olaman.",
    "Bolalar hovlida toʻp oʻynayapti.",
)
TK = (
    "Bagda alma agaçlary gülledi.",
    "Goňşynyň iti bütin gije üýrdi.",
    "Ertir bazara baryp täze gök önüm alaryn.",
    "Çagalar howluda top oýnaýar.",
)


def write_rows(path: Path, rows: list[tuple[str, str, dict[str, str]]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = [
        json.dumps({"text": text, "id": f"{path.stem}-{number}", "metadata": {"language": language} | metadata})
        for number, (text, language, metadata) in enumerate(rows)
    ]
    path.write_bytes(zstandard.ZstdCompressor().compress("\n".join(made).encode()))


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """Two folders of known names, in four languages; sentences of the same number say the same."""
    rows = [
        (text, language, {"aligned": f"garden-{number}"})
        for language, texts in (("aze", AZ), ("tur", TR), ("uzb", UZ), ("tuk", TK))
        for number, text in enumerate(texts * 5)
    ]
    write_rows(tmp_path / "one/udhr.jsonl.zst", rows)
    write_rows(tmp_path / "two/tatoeba.jsonl.zst", [("Səhər tezdən yağış yağdı.", "aze", {"english": "It rained."}), ("Ok.", "zzz", {})])
    return [tmp_path / "one", tmp_path / "two"]


@pytest.fixture
def few_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """One small word list in the place of wordfreq's."""

    def lists() -> list[tuple[str, str, list[str], np.ndarray]]:
        return [("de", "other_Latn", ["haus", "garten", "und"], np.ones(3)), ("sv", "other_Latn", ["hus", "och"], np.ones(2))]

    monkeypatch.setattr(training, "wordfreq_lists", lists)
    monkeypatch.setattr(words, "wordfreq_lists", lists)


SMALL = Settings(lines=60, dim=4, bucket=2048, epoch=3, dsub=2)


def test_rows_are_labelled_by_language_and_letters(folders: list[Path]) -> None:
    known, rows = read_folders(folders)
    assert set(known) == {"udhr", "tatoeba"}
    assert {row.label for row in rows} == {"azj_Latn", "tur_Latn", "uzn_Latn", "tuk_Latn"}  # zzz is none of the family
    assert {row.group for row in rows if row.source == "udhr"} == {f"garden-{number}" for number in range(20)}
    assert "It rained." in {row.group for row in rows}


def test_a_sentence_and_its_translations_are_held_out_together(folders: list[Path]) -> None:
    _, rows = read_folders(folders)
    kept = {row.group for row in rows if not held_out(row.group)}
    tested = {row.group for row in rows if held_out(row.group)}
    assert kept
    assert tested
    assert not kept & tested


def test_about_a_fifth_is_held_out() -> None:
    assert 0.19 < np.mean([held_out(f"group {number}") for number in range(20_000)]) < 0.21


def test_lines_leave_out_tests_markup_and_lines_in_another_script(tmp_path: Path) -> None:
    write_rows(
        tmp_path / "cc_pages_uz.jsonl.zst",
        [("Bogʻda olma daraxtlari gulladi.\nЭто строка на русском языке.\n5", "uzb", {"script": "Latn"})],
    )
    write_rows(tmp_path / "gag_sentences.jsonl.zst", [("-DI = Uşaklar aulda oynêêrlar", "gag", {})])
    write_rows(tmp_path / "lingua_testdata.jsonl.zst", [("Bu sətir yalnız sınaq üçündür.", "aze", {})])
    known, rows = read_folders([tmp_path])
    assert [line.text for line in sorted(lines(rows, known))] == ["Bogʻda olma daraxtlari gulladi.", "Uşaklar aulda oynêêrlar"]


def test_every_source_states_its_licence() -> None:
    assert all(source.licence for source in sources().values())
    assert sources()["flores_sib200"].test_languages == ("aze", "tur")  # they are SIB-200, a benchmark


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"no zstd", "no zstd-compressed"),
        (zstandard.compress(b'{"text": 1}\n'), "line 1"),
        (zstandard.compress(b'{"text": "a", "id": 1, "metadata": {"language": "aze"}}\n'), "line 1"),
        (zstandard.compress(b"[]\n"), "line 1"),
        (zstandard.compress(b"\xff\xfe"), "UTF-8"),
    ],
)
def test_damaged_rows_say_where(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "udhr.jsonl.zst").write_bytes(content)
    with pytest.raises(DollmaError, match=says):
        read_folders([tmp_path])


def test_folders_without_a_known_file_say_so(tmp_path: Path) -> None:
    with pytest.raises(DollmaError, match="no file of a known name"):
        read_folders([tmp_path])
    with pytest.raises(DollmaError, match="no such folder"):
        read_folders([tmp_path / "absent"])


def test_cyrillic_alphabets() -> None:
    assert cyrillic("Gözəl çiçək, ağac, quş, həyat, cücə, jurnal", "azj") == "ҝөзәл чичәк, ағаҹ, гуш, һәјат, ҹүҹә, журнал"
    assert cyrillic("Yaxşı yuxu, elə", "azj", older=True) == "яхшы юху, элә"
    assert cyrillic("Oʻzbekcha soʻz, eshik, shunday, yil", "uzn") == "ўзбекча сўз, эшик, шундай, йил"
    assert cyrillic("ýagyş, eje, çaga", "tuk") == "ягыш, эҗе, чага"


@given(st.text("abcçdeəfgğhxıijkqlmnoöprsştuüvyzƏİI '.", max_size=80), st.integers(0, 10**6))
def test_variants_keep_to_their_letters(text: str, seed: int) -> None:
    typed = ascii_typed(text, Random(seed))
    assert typed.isascii() or "ə" not in typed
    assert set(piece(text, Random(seed)).split()) <= set(text.split()) or piece(text, Random(seed)) == text
    assert len(disturbed(text, "azj_Latn", Random(seed))) == len(text)
    assert disturbed(text, "rus_Cyrl", Random(seed)) == text


@pytest.mark.usefixtures("few_words")
def test_training_lines_do_not_depend_on_the_order_of_folders_and_leave_out_what_is_held_out(folders: list[Path]) -> None:
    made = training_lines(folders, SMALL, everything=False)
    assert made == training_lines(folders[::-1], SMALL, everything=False)
    classes = {name for name, _ in made}
    assert {"azj_Latn", "azj_Latn.ascii", "azj_Cyrl", "tur_Latn", "uzn_Cyrl", "tuk_Cyrl", "other_Latn"} <= classes
    assert not any("hus" in text.split() for _, text in made)  # Swedish is untaught
    more = training_lines(folders, SMALL, everything=True)
    assert any("hus" in text.split() for _, text in more)
    assert len({text for _, text in more}) > len({text for _, text in made})


@pytest.mark.usefixtures("few_words")
def test_the_same_rows_train_the_same_model(folders: list[Path], tmp_path: Path) -> None:
    pytest.importorskip("floret")
    paths = [tmp_path / "a.ftz", tmp_path / "b.ftz"]
    train(folders, paths[0], SMALL, everything=False)
    train(folders[::-1], paths[1], SMALL, everything=False)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert paths[0].with_suffix(".yaml").read_text() == paths[1].with_suffix(".yaml").read_text()
    assert not read_calibration(paths[0].with_suffix(".yaml")).everything

    done = CliRunner().invoke(app, ["eval", *map(str, folders), "--model", str(paths[0]), "--plot", str(tmp_path / "plot.svg")])
    assert done.exit_code == 0, done.output
    assert "azj_Latn" in done.output
    assert (tmp_path / "plot.svg").read_text().startswith("<svg")


def test_a_temperature_undoes_overconfidence() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(0, 1.5, (6000, 5))
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = np.array([random.choice(5, p=row) for row in chances])
    letters = np.full(6000, KNOTS[2])
    overconfident = chances**3 / (chances**3).sum(axis=1, keepdims=True)
    temperatures = fit_temperatures(overconfident, truth, letters)
    assert temperatures[2] == pytest.approx(3, rel=0.1)
    assert temperatures[0] == 1  # no text of that length
    repaired = tempered(overconfident, letters, Calibration(temperatures))
    np.testing.assert_allclose(repaired.sum(axis=1), 1)
    right = repaired.argmax(axis=1) == truth
    assert reliability(repaired.max(axis=1), right).error < 0.03 < reliability(overconfident.max(axis=1), right).error


def test_the_calibration_error_is_that_of_the_definition() -> None:
    found = reliability(np.array([0.95, 0.95, 0.95, 0.95, 0.55, 0.55]), np.array([True, True, True, False, True, False]))
    assert found.count.sum() == 6
    assert found.error == pytest.approx((4 * 0.2 + 2 * 0.05) / 6)
    assert reliability(np.array([1.0]), np.array([True])).error == 0
    assert reliability(np.empty(0), np.empty(0, bool)).error == 0


def test_outside_weighs_both_opinions() -> None:
    other, elsewhere = np.array([0.01, 0.02, 0.9, 0.95, 0.4, 0.6]), np.array([0.02, 0.01, 0.97, 0.9, 0.9, 0.8])
    weights = fit_outside(np.tile(other, 50), np.tile(elsewhere, 50), np.tile(other > 0.3, 50))
    chances = outside(other, elsewhere, Calibration(outside=weights))
    assert (chances[:2] < 0.1).all()
    assert (chances[2:] > 0.5).all()
    assert outside(np.array([1.0]), np.array([0.0]), Calibration(outside=weights))[0] == 1


def test_calibrations_are_read_as_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    kept = Calibration(tuple(0.5 + knot / 100 for knot in KNOTS), (0.25, -1.5, 2.0), everything=True)
    path.write_text(calibration_text(kept))
    assert read_calibration(path) == kept
    for damaged in ("[]", "temperatures: {}", calibration_text(kept).replace("4: 0.54", "4: -1"), "{"):
        path.write_text(damaged)
        with pytest.raises(DollmaError, match=r"c\.yaml"):
            read_calibration(path)


def test_figures() -> None:
    def row(label: str, source: str = "udhr", kind: str = "sentence") -> Sentence:
        return Sentence("x", label, source, "g", kind, "test")

    rows = [
        row("azj_Latn"),
        row("azj_Latn"),
        row("tur_Latn"),
        row("tur_Latn", "cc_pages_tr", "page"),
        row("azj_Latn", "ascii_typed", "page"),
    ]
    answers = Answers(rows, ["azj_Latn", "tur_Latn", "tur_Latn", "azj_Latn", "azj_Latn"], np.array([0.9, 0.6, 0.8, 0.7, 0.9]))
    sentences = figures(answers.of(row.kind == "sentence" for row in rows))
    assert (sentences["azj_Latn"].precision, sentences["azj_Latn"].recall) == (1, 0.5)
    assert macro_f1(sentences) == pytest.approx((2 / 3 + 2 / 3) / 2)
    found = summary(answers)
    assert found.turkish_as_azerbaijani == 1
    assert found.ascii_typed == 1
    assert np.isnan(found.cyrillic)


def test_the_plot_is_drawn_from_the_figures(tmp_path: Path) -> None:
    reliability_svg(reliability(np.array([0.95, 0.3]), np.array([True, False])), tmp_path / "plot.svg")
    text = (tmp_path / "plot.svg").read_text()
    assert text.count("<title>") == 2
    assert "2 texts" in text
