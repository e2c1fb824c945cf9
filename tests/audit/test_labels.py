"""Labels are never lost, and what is said of them agrees with others' arithmetic."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.metrics import cohen_kappa_score

from curation.errors import DollmaError
from pipelines.audit.agreement import agreement, kappa, needed, precisions, suggest, wilson
from pipelines.audit.catalog import Catalog
from pipelines.audit.filters import Query, find
from pipelines.audit.labels import Label, Labels, open_labels

Said = Literal["keep", "drop", "unsure"]


def label(number: int, said: Said = "drop", annotator: str = "aysel", rule: str | None = "length.min_words", **rest: Any) -> Label:
    return Label(id=f"{number:032x}", source="news", verdict="rejected", rule=rule, label=said, annotator=annotator, **rest)


def test_the_latest_label_counts_and_all_are_kept(tmp_path: Path) -> None:
    labels = open_labels(tmp_path, "demo-1234")
    assert (labels.path, labels.repaired) == (tmp_path / "labels" / "demo-1234.jsonl", None)
    given = [label(1), label(2, "keep"), label(1, "keep", reason='Yaxşı mətndir\n"dırnaq"'), label(1, "unsure", "murad")]
    assert [labels.add(one).nth for one in given] == [1, 1, 2, 1]
    again = open_labels(tmp_path, "demo-1234")
    assert [(one.id[-1], one.label, one.annotator) for one in again.latest()] == [
        ("2", "keep", "aysel"),
        ("1", "keep", "aysel"),
        ("1", "unsure", "murad"),
    ]
    assert [one.reason for one in again.all()] == [one.reason for one in given]


@pytest.mark.parametrize("torn", [b'{"id":"00', b'{"id":"' + b"x" * 10_000, b"\x00" * 50, b"\xff\xfe"])
def test_a_torn_last_line_is_cut_off_and_told(tmp_path: Path, torn: bytes) -> None:
    labels = open_labels(tmp_path, "v")
    labels.add(label(1))
    labels.add(label(2))
    whole = labels.path.read_bytes()
    labels.path.write_bytes(whole + torn)
    mended = open_labels(tmp_path, "v")
    assert mended.repaired is not None
    assert f"({len(torn)} bytes" in mended.repaired
    assert labels.path.read_bytes() == whole
    assert open_labels(tmp_path, "v").repaired is None
    labels.path.write_bytes(torn)
    assert len(open_labels(tmp_path, "v").all()) == 0


def test_a_torn_line_of_another_program_is_mended_by_the_next_label(tmp_path: Path) -> None:
    labels = open_labels(tmp_path, "v")
    labels.add(label(1))
    with labels.path.open("ab") as file:
        file.write(b'{"id":')
    labels.add(label(2))
    assert [one.id[-1] for one in labels.all()] == ["1", "2"]


def test_a_line_that_is_no_label_is_named(tmp_path: Path) -> None:
    labels = open_labels(tmp_path, "v")
    labels.add(label(1))
    labels.path.write_bytes(labels.path.read_bytes() + b'{"id": 3}\n')
    labels.add(label(4))
    assert [one.id for one in labels.all()] == [label(1).id, label(4).id], "a line that is no label costs that line alone"
    assert list(labels.faults) == [2]
    assert "v.jsonl: line 2: no label" in labels.faults[2]


def _annotate(path: str, annotator: str, count: int) -> None:
    labels = Labels(Path(path))
    for number in range(count):
        labels.add(label(number, "keep", annotator, reason="x" * 1500))


def test_two_annotators_at_once_lose_nothing(tmp_path: Path) -> None:
    """Four processes, one of them killed on the way: of each, all labels that it was told of, in order, and no line torn or mixed."""
    path = tmp_path / "labels" / "v.jsonl"
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_annotate, args=(str(path), f"a{n}", 40)) for n in range(3)]
    endless = context.Process(target=_annotate, args=(str(path), "killed", 1_000_000))
    for process in (*processes, endless):
        process.start()
    while sum(process.is_alive() for process in processes) == 3 or not path.is_file() or b'"killed"' not in path.read_bytes():
        time.sleep(0.01)
    assert endless.pid is not None
    os.kill(endless.pid, signal.SIGKILL)
    for process in (*processes, endless):
        process.join()
    labels = Labels(path)
    of = {name: [one for one in labels.all() if one.annotator == name] for name in ("a0", "a1", "a2", "killed")}
    for name in ("a0", "a1", "a2"):
        assert [int(one.id, 16) for one in of[name]] == list(range(40))
    assert [int(one.id, 16) for one in of["killed"]] == list(range(len(of["killed"])))


@pytest.mark.parametrize("name", ["", "../v", "a/b", ".hidden", "a\0b"])
def test_no_name_leads_elsewhere(tmp_path: Path, name: str) -> None:
    with pytest.raises(DollmaError, match="no name of a version"):
        open_labels(tmp_path, name)


def test_what_is_no_label_is_refused() -> None:
    for wrong in ({"id": "../x"}, {"label": "maybe"}, {"annotator": ""}, {"reason": "x" * 2001}, {"reason": "\ud800"}):
        with pytest.raises(ValidationError):
            Label.model_validate(label(1).model_dump() | wrong)


def test_wilson_s_interval() -> None:
    """Its ends are where the normal test of the share just fails: (p - share)² n = z² p (1 - p), which is how Wilson (1927) defines them."""
    assert wilson(0, 0) == (0.0, 1.0)
    for n, successes in ((1, 0), (1, 1), (10, 9), (50, 25), (400, 399)):
        low, high = wilson(successes, n)
        assert 0 <= low <= successes / n <= high <= 1
        for end in (low, high):
            if 0 < end < 1:
                assert (end - successes / n) ** 2 * n == pytest.approx(1.959963984540054**2 * end * (1 - end))
    assert wilson(9, 10) == pytest.approx((0.5958, 0.9821), abs=1e-4)


def test_kappa_is_scikit_learn_s() -> None:
    generator = np.random.default_rng(7)
    for size, agreed in itertools.product((2, 5, 40, 300), (0.1, 0.6, 0.95)):
        one = generator.choice(["keep", "drop", "unsure"], size)
        other = np.where(generator.random(size) < agreed, one, generator.choice(["keep", "drop", "unsure"], size))
        expected = cohen_kappa_score(one, other)
        found = kappa(zip(one.tolist(), other.tolist(), strict=True))
        assert found is None if np.isnan(expected) else found == pytest.approx(expected)
    assert kappa([]) is None
    assert kappa([("keep", "keep")] * 3) is None


def test_agreement_is_over_common_documents() -> None:
    labels = [label(n, "drop" if n % 2 else "keep", "a") for n in range(10)] + [
        label(n, "drop" if n % 3 else "keep", "b") for n in range(4, 14)
    ]
    (found,) = agreement([*labels, label(99, "drop", "c")])
    assert (found.one, found.other, found.documents) == ("a", "b", 6)
    expected = cohen_kappa_score(["drop" if n % 2 else "keep" for n in range(4, 10)], ["drop" if n % 3 else "keep" for n in range(4, 10)])
    assert found.kappa == pytest.approx(expected)


@pytest.mark.parametrize(("drop", "keep", "half"), [(0, 0, 0.05), (9, 1, 0.05), (18, 2, 0.1), (50, 50, 0.05), (30, 0, 0.05), (0, 3, 0.2)])
def test_labels_still_needed(drop: int, keep: int, half: float) -> None:
    """With as many more at the same share the interval is narrow enough, and with one less it is not."""
    more, n = needed(drop, keep, half), drop + keep
    share = drop / n if n else 0.5

    def width(total: int) -> float:
        low, high = wilson(share * total, total)  # type: ignore[arg-type]
        return (high - low) / 2

    assert width(n + more) <= half + 1e-9
    assert more == 0 or width(n + more - 1) > half - 1e-9


def test_precision_counts_documents_by_majority() -> None:
    said: list[tuple[int, Said, str]] = [
        (1, "drop", "a"), (1, "drop", "b"), (1, "keep", "c"), (2, "keep", "a"), (2, "drop", "b"), (3, "unsure", "a"), (4, "keep", "a"), (5, "drop", "a"),
        (5, "unsure", "b"),
    ]  # fmt: skip
    labels = [label(*one) for one in said] + [label(6, "keep", "a", rule="script.min_share"), label(7, "keep", "a", rule=None)]
    labels.append(
        label(8).model_copy(update={"verdict": "kept"})
    )  # the other side of a borderline sample: no document that the rule rejects
    length, script = precisions(labels)
    assert (length.rule, length.drop, length.keep, length.unsure) == ("length.min_words", 2, 1, 2)
    assert length.precision == pytest.approx(2 / 3)
    assert (length.low, length.high) == wilson(2, 3)
    assert (script.precision, script.needed) == (0.0, needed(0, 1))


def test_a_threshold_is_suggested_where_people_begin_to_keep(demo: Catalog) -> None:
    """People who drop what has fewer than 80 words: the suggested threshold parts the documents just there."""
    rows = find(demo, Query(order="borderline", rule="length.min_words", limit=400)).rows
    labels = [
        Label(
            id=row.id,
            source=row.source,
            verdict=row.verdict,
            rule="length.min_words",
            label="drop" if row.measures["words"] < 80 else "keep",
            annotator="a",
        )
        for row in rows
    ]
    found = suggest(demo, labels, "length.min_words", 0.999)
    assert found.threshold is not None
    words = sorted({row.measures["words"] for row in rows})
    assert max(w for w in words if w < 80) < found.threshold <= min(w for w in words if w >= 80)
    assert found.precision == 1.0
    assert found.labels == len({row.id for row in rows if row.measures["words"] < 80})
    few = suggest(demo, labels[:10], "length.min_words", 0.9)
    assert (few.threshold, few.labels) == (None, 10)
    assert "20 are needed" in few.why
    kept = suggest(demo, [one.model_copy(update={"label": "keep"}) for one in labels], "length.min_words", 0.5)
    assert kept.threshold is None
    assert "wrong more often" in kept.why
    with pytest.raises(DollmaError, match="compares no measure"):
        suggest(demo, labels, "mediawiki.redirect", 0.9)
