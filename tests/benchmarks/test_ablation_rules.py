"""What may be asked in fairness, and what may be concluded: leaks left out and counted, planted differences found, ties told as ties."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.ablation import report
from benchmarks.ablation.held_out import Document, HeldOut, held_out
from benchmarks.ablation.losses import Losses
from benchmarks.ablation.sample import neutral
from benchmarks.ablation.verdict import Compared, by_source, deciding, half_width, rows, verdict
from benchmarks.scoring.bootstrap import Replicates, sampled
from benchmarks.scoring.comparison import difference, probability
from benchmarks.scoring.metrics import METRICS
from curation.errors import DollmaError
from modeling.corpus import open_version, texts
from tests.benchmarks.ablation_versions import Text, documents, named, write

TRAIN = documents(1, 6)


def pair(folder: Path, a: list[Text], b: list[Text], trained_a: list[Text] = TRAIN, trained_b: list[Text] = TRAIN) -> HeldOut:
    """What is fair to two versions that hold out `a` and `b`."""
    one = write(folder, "one", {"train": trained_a, "validation": a})
    other = write(folder, "other", {"train": trained_b, "validation": b})
    return held_out(open_version(one), open_version(other))


def test_documents_are_told_apart_by_who_holds_them_out(tmp_path: Path) -> None:
    shared, left, right = documents(2, 3), documents(3, 2, source="news"), documents(4, 1)
    (spelt,) = documents(5, 1)
    marked = Text(named("elsewhere"), spelt.text.replace(" ", ",  "), "books")
    found = pair(tmp_path, [*shared, *left, spelt], [*shared, *right, marked])
    assert sorted((one.holder, one.source) for one in found.documents) == [
        ("A", "news"),
        ("A", "news"),
        ("B", "books"),
        *[("both", "books")] * 4,
    ]
    (two,) = [one for one in found.documents if len(one.texts) > 1]
    assert two.texts == (spelt.text, marked.text), "one document, both spellings of which are asked"
    assert found.left_out == {}


def test_what_the_other_side_trains_on_is_left_out_and_counted(tmp_path: Path) -> None:
    fair, by_id, by_words, inside, own, short = documents(2, 6)
    words = by_words.text.split()
    near = Text(named("near"), " ".join(["Başqa", *words[:-2], "söz"]), "web")
    longer = Text(named("longer"), f"Kitabın əvvəli. {inside.text} Kitabın sonu.", "books")
    again = Text(named("again"), own.text.replace("i", "İ").upper(), "web")
    held = [fair, by_id, by_words, inside, own, Text(short.id, "Dörd söz azdır axı")]
    changed = Text(by_id.id, documents(9, 1)[0].text)
    found = pair(tmp_path, held, [fair], [*TRAIN, again], [*TRAIN, changed, near, longer])
    assert [(one.holder, one.texts) for one in found.documents] == [("both", (fair.text,))]
    assert found.left_out == {
        "in the training part of A": 1,
        "in the training part of B": 3,
        "of fewer than 5 words": 1,
    }


def test_the_same_whatever_the_order_and_whoever_comes_first(tmp_path: Path) -> None:
    a, b = documents(2, 8), documents(2, 4)
    first, second = pair(tmp_path / "1", a, b), pair(tmp_path / "2", a[::-1], b[::-1])
    assert first == second
    turned = {"A": "B", "B": "A"}
    swapped = pair(tmp_path / "3", b, a)
    assert [one._replace(holder=turned.get(one.holder, one.holder)) for one in swapped.documents] == list(first.documents)


def test_files_of_ones_own_are_asked_by_the_same_rule(tmp_path: Path) -> None:
    a, b = (open_version(write(tmp_path, name, {"train": TRAIN, "validation": documents(2, 1)})) for name in ("a", "b"))
    file = tmp_path / "own.txt"
    file.write_text(documents(7, 1)[0].text, encoding="utf-8")
    known = tmp_path / "known.txt"
    known.write_text(TRAIN[0].text, encoding="utf-8")
    found = held_out(a, b, (file, known))
    assert [(one.holder, one.source) for one in found.documents if one.holder == "files"] == [("files", "own.txt")]
    assert found.left_out == {"in the training part of A and B": 1}


def test_nothing_left_is_an_error_that_says_why(tmp_path: Path) -> None:
    a, b = documents(2, 3), documents(3, 3)
    with pytest.raises(
        DollmaError, match=r"no held-out document is left .*3 in the training part of A, 3 in the training part of B.*mixture\.seed"
    ):
        pair(tmp_path, a, b, b, a)


def test_the_tokenizer_learns_from_as_much_of_either(tmp_path: Path) -> None:
    folders = [write(tmp_path, name, {"train": documents(seed, size)}) for name, seed, size in (("small", 1, 20), ("large", 2, 200))]
    small, large = map(open_version, folders)
    sample = neutral((small, large), tmp_path / "out")
    size = dict.fromkeys((small.name, large.name), 0)
    for batch in texts(sample, "train"):
        for row in batch.to_pylist():
            size[row["source"]] += len(row["text"].encode())
    assert size[small.name] == sum(len(text.text.encode()) for text in documents(1, 20))
    assert 0.5 < size[large.name] / size[small.name] < 1.5, "whole documents, drawn"
    assert neutral((large, small), tmp_path / "out").fingerprint == sample.fingerprint
    turkish = open_version(write(tmp_path, "turkish", {"train": TRAIN}, "tur_Latn"))
    with pytest.raises(DollmaError, match="only versions of one language"):
        neutral((small, turkish), tmp_path / "out")


# ---- conclusions


def runs(held: HeldOut, shift: dict[str, float], seeds: int, draw: np.random.Generator, hard: np.ndarray) -> list[Losses]:
    """Losses of runs that need `shift` more nats a byte on a holder's documents."""
    found = []
    for _ in range(seeds):
        size = np.full(len(held.documents), 400.0)
        nats = 2 + hard + 0.01 * draw.normal() + 0.05 * draw.normal(size=len(size))
        nats += np.array([shift.get(document.holder, 0.0) for document in held.documents])
        found.append(Losses(np.stack([nats * size, size], 1), np.stack([2.5 * size, size], 1), {}, Path()))
    return found


def planted(shift: dict[str, float], holders: dict[str, int], seeds: int = 3, seed: int = 0) -> list[Compared]:
    """A needs `shift` more than B does."""
    draw = np.random.default_rng(seed)
    documents_ = [Document(f"{holder}{n}", holder, f"s{n % 2}", ("",)) for holder, count in holders.items() for n in range(count)]
    held = HeldOut(tuple(documents_), {}, "")
    hard = 0.5 * draw.normal(size=len(documents_))
    return by_source(held, [runs(held, shift, seeds, draw, hard), runs(held, {}, seeds, draw, hard)])


def test_a_planted_difference_is_found_and_goes_to_the_right_side() -> None:
    for shift, better in ((0.2, "B"), (-0.2, "A")):
        found = rows(planted({"both": shift}, {"both": 60}))
        assert verdict(found) == {"by": ["both"], "better": better}
        assert found[0].difference == pytest.approx(shift / np.log(2), abs=0.08)
        assert [(row.holder, row.name, row.items) for row in found] == [("both", "all", 60), ("both", "s0", 30), ("both", "s1", 30)]


def test_equals_are_told_apart_once_in_twenty_times_and_twins_never() -> None:
    told = [rows(planted({}, {"both": 40}, seed=seed)) for seed in range(60)]
    assert sum(verdict(found)["better"] is not None for found in told) <= 6
    twins = planted({}, {"both": 40})
    same = [one._replace(statistics=[one.statistics[0], one.statistics[0]]) for one in twins]
    assert all((row.difference, row.half, row.p, row.better) == (0, 0, 1, None) for row in rows(same))


def test_an_interval_is_what_its_test_would_not_reject() -> None:
    (one, *_) = planted({"both": 0.03}, {"both": 30})
    apart = difference(*sampled(one.score, one.statistics, "key"), "key")
    half = half_width(apart)
    assert probability(apart._replace(mean=half * 1.001)) < 0.05 < probability(apart._replace(mean=half * 0.999))


def test_the_most_neutral_text_decides() -> None:
    mixed = rows(planted({"files": -0.3, "both": 0.3, "B": 0.3}, {"files": 20, "both": 20, "B": 20}))
    assert verdict(mixed) == {"by": ["files"], "better": "A"}
    few = rows(planted({"both": 0.3, "B": -0.3, "A": -0.3}, {"both": 4, "A": 20, "B": 20}))
    assert verdict(few) == {"by": ["A", "B"], "better": "A"}
    assert (few[0].items, few[0].half, few[0].better) == (4, None, None)
    each = rows(planted({"A": -0.3, "B": 0.3}, {"A": 20, "B": 20}))
    assert verdict(each) == {"by": ["A", "B"], "better": None}, "each is better at its own"
    assert [row.better for row in each if row.name == "all"] == ["A", "B"]
    alone = rows(planted({"A": -0.3}, {"A": 20}))
    assert verdict(alone) == {"by": ["A"], "better": None}, "of one's own text alone nothing is concluded"
    assert deciding(rows(planted({}, {"both": 3}))) == []


def test_of_a_task_more_is_better() -> None:
    metric, right = METRICS["accuracy"], np.ones((40, 2))
    wrong = right * [0, 1]
    mostly = np.concatenate([wrong[:30], right[30:]])
    (row,) = rows([Compared(report.TASK, "t", metric.score, [[right, right, right], [mostly, mostly, mostly]], True)])
    assert (row.a, row.b, row.better) == (1.0, 0.25, "A")


def test_an_interval_is_never_wider_than_its_seeds_make_it() -> None:
    parts = ((1e-6, 20.0), (4e-5, 2.0), (-4e-5, 40.0))
    assert half_width(Replicates(0.01, np.zeros(3), parts, 5e-7)) == pytest.approx(4.303e-3, rel=1e-3), "Student's t of two degrees"
