"""Rows become items or are told; files are the ones that were pinned."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.tasks import data, rows
from benchmarks.tasks.catalogue import TASKS, named
from benchmarks.tasks.data import hashes, locate, pinned
from benchmarks.tasks.items import Span
from benchmarks.tasks.reading import Split, read, resolved
from benchmarks.tasks.task import HubData, Task
from curation.errors import DollmaError
from tests.benchmarks import bench_data
from tests.pipelines.hub_standin import Hub, Repository, running

TOKEN = "ş" * 10_000


def reading(folder: Path, task: str, split: str, found: list[Any]) -> Split:
    of = named(task)
    path = folder / of.folder / of.files[split]
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{row if isinstance(row, str) else json.dumps(row, ensure_ascii=False)}\n" for row in found).encode("utf-8", "replace")
    path.write_bytes(gzip.compress(lines) if path.suffix == ".gz" else lines)
    return read(of, folder / of.folder, split)


def good(task: str, split: str = "test") -> list[dict[str, Any]]:
    return bench_data.rows(task, split, 6)


def changed(task: str, **fields: Any) -> dict[str, Any]:
    return good(task)[5] | {"id": "x9", "index_id": 9000, "sid": "x9", "sent_id": "x9", "idx": 9000} | fields


ANY = [
    ("{", "not JSON"),
    ("[]", "a list, not an object"),
    ("null", "a NoneType, not an object"),
    ("[" * 100_000, "not JSON"),
    ('{"index_id": 1}', "not"),
]
BAD: dict[str, list[tuple[Any, str]]] = {
    "sib200-az": [
        (changed("sib200-az", text=" "), "text is ' ', not a text"),
        (changed("sib200-az", text=["a"]), "text is a list"),
        (changed("sib200-az", text=f"bu {TOKEN}"), "text holds a word of 10,000 characters"),
        (json.dumps(changed("sib200-az", text="bu \ud800")), "half a surrogate pair"),
        (changed("sib200-az", category=None), "category is None"),
        (changed("sib200-az", category="weather"), "category is 'weather', not one of 'science/technology'"),
        (changed("sib200-az", category=["sports"]), "category is a list"),
    ],
    "sentiment-az": [
        (changed("sentiment-az", label=2), "label is 2, not one of 0, 1"),
        (changed("sentiment-az", label=True), "label is True"),
        (changed("sentiment-az", label=0.0), "label is 0.0"),
    ],
    "books-nsp": [(changed("books-nsp", second=""), "second is ''"), (changed("books-nsp", label="next"), "label is 'next'")],
    "stsb-tr": [
        (changed("stsb-tr", score="5"), "score is '5', not a number"),
        (changed("stsb-tr", score=5.5), "score is 5.5, not within 0 and 5"),
        ('{"sid": "x", "sentence1": "a", "sentence2": "b", "score": NaN}', "score is nan"),
    ],
    "paraphrase-tr": [(changed("stsb-tr", score=-1), "score is -1, not within 0 and 5")],
    "ner-tr": [
        ({"tokens": ["Bakı"], "ner_tags": ["B-GPE", "O"]}, "ner_tags is 2 labels for 1 words"),
        ({"tokens": [], "ner_tags": []}, "not a list of words"),
        ({"tokens": ["Bakı", " "], "ner_tags": ["O", "O"]}, "word 2 of tokens is ' '"),
        ({"tokens": ["Bakı"], "ner_tags": ["B-TOWN"]}, "label 1 of ner_tags is 'B-TOWN'"),
        ({"tokens": [TOKEN], "ner_tags": ["O"]}, "a word of 10,000 characters"),
    ],
    "massive-slots-az": [
        (changed("massive-slots-az", annot_utt="bu [time : gün"), "brackets that are not"),
        (changed("massive-slots-az", annot_utt="bu time : gün] sabah"), "closes nothing"),
        (changed("massive-slots-az", annot_utt="[time gün]"), "brackets that are not"),
        (changed("massive-slots-az", annot_utt="[hour : gün]"), "annot_utt is 'B-hour'"),
    ],
    "xquad-tr": [
        (changed("xquad-tr", context=""), "context is ''"),
        (changed("xquad-tr", answers={"text": ["Samir"], "answer_start": [0]}), "does not stand in the context"),
        (changed("xquad-tr", answers={"text": ["Aytən"], "answer_start": []}), "equally long"),
        (changed("xquad-tr", answers={"text": ["Aytən"], "answer_start": ["0"]}), "no answer and its place"),
        (changed("xquad-tr", answers=None), "not a list of texts"),
    ],
    "tumlu-az": [
        (changed("tumlu-az", choices=["bir", "iki", "üç"]), "choices is a list, not 4 answers"),
        (changed("tumlu-az", choices=["bir", "iki", "üç", ""]), "answer 4 is ''"),
        (changed("tumlu-az", answer="E"), "answer is 'E'"),
        (changed("tumlu-az", choices=["bir", "bir", "üç", "iki"], answer="B"), "'bir' stands among the others too"),
    ],
    "mirage-qa": [(changed("mirage-qa", answers=[]), "not a list of answers"), (changed("mirage-qa", question=None), "question is None")],
}


@pytest.mark.parametrize("task", BAD)
def test_bad_rows_are_told_by_line_and_id_and_the_rest_goes_on(tmp_path: Path, task: str) -> None:
    bad, whole = [*ANY, *BAD[task]], good("stsb-tr" if task == "paraphrase-tr" else task)
    found = reading(tmp_path, task, "test", [*(row for row, _ in bad), *whole])
    assert len(found.items) == len(whole)
    assert [fault.line for fault in found.faults] == list(range(1, len(bad) + 1))
    for fault, (row, why) in zip(found.faults, bad, strict=True):
        assert why in fault.why
        assert fault.file == named(task).files["test"]
        own = named(task).read.id
        stated = row.get(own) if own and " " not in own and isinstance(row, dict) else None
        assert fault.id == str(stated) or (stated is None and fault.id)


def test_a_set_without_a_usable_row_and_damaged_files_are_errors(tmp_path: Path) -> None:
    with pytest.raises(DollmaError, match=r"no row that can be used for sib200-az; the first: line 1: not JSON"):
        reading(tmp_path, "sib200-az", "test", ["{"])
    with pytest.raises(DollmaError, match="line 1: more than"):
        reading(tmp_path, "sib200-az", "test", ["x" * (1 << 20)])
    path = tmp_path / "sib200/azj_Latn.test.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DollmaError, match="can't be read"):
        read(named("sib200-az"), tmp_path / "sib200", "test")
    with pytest.raises(DollmaError, match=r"azj_Latn\.dev\.jsonl\.gz: no such file: --data"):
        read(named("sib200-az"), tmp_path / "sib200", "validation")
    with pytest.raises(DollmaError, match="xquad-tr has no split 'train'"):
        read(named("xquad-tr"), tmp_path, "train")


def test_order_depends_on_content_alone(tmp_path: Path) -> None:
    given_ = bench_data.rows("sib200-az", "test")
    first = reading(tmp_path, "sib200-az", "test", given_).items
    random.Random(1).shuffle(given_)
    assert reading(tmp_path, "sib200-az", "test", given_).items == first
    assert [int(item.id) for item in first] != sorted(int(item.id) for item in first)


def span(context: str, *answers: tuple[int, str]) -> dict[str, Any]:
    starts, texts = [start for start, _ in answers], [text for _, text in answers]
    return {"id": "q", "title": "", "context": context, "question": "kim?", "answers": {"text": texts, "answer_start": starts}}


@pytest.mark.parametrize(
    ("start", "text", "found", "moved"),
    [
        (5, "Aytən", 5, False),
        (4, " Aytən", 5, False),
        (5, "Aytən ", 5, False),
        (6, "Aytən", 5, True),
        (-1, "Aytən", 5, True),
        (999, "Aytən", 33, True),
        (3, "ev", 24, True),
        (0, "Ayt", 5, True),
    ],
)
def test_answers_are_looked_up_where_they_are_not(tmp_path: Path, start: int, text: str, found: int, moved: bool) -> None:
    """The nearest place at which they are whole words; 'Ayt', which is none, the nearest place."""
    context = "evdə Aytən yeni evindən ev alıb. Aytən gəldi"
    split = reading(tmp_path, "xquad-tr", "test", [span(context, (start, text))])
    (item,) = split.items
    assert isinstance(item, Span)
    assert [(answer.start, answer.text) for answer in item.answers] == [(found, text.strip())]
    assert split.counts() == ({"answer looked up again": 1} if moved else {})


@given(st.text(st.sampled_from("ab ə"), min_size=1, max_size=12), st.integers(-3, 15), st.integers(0, 11), st.integers(1, 4))
def test_whatever_is_stated_the_answer_stands_where_the_item_says(
    tmp_path_factory: pytest.TempPathFactory, context: str, start: int, first: int, length: int
) -> None:
    text = context[first : first + length]
    if not text.strip() or not context.strip():
        return
    (item,) = reading(tmp_path_factory.getbasetemp() / "spans", "xquad-tr", "test", [span(context, (start, text))]).items
    assert isinstance(item, Span)
    (answer,) = item.answers
    assert context[answer.start : answer.start + len(answer.text)] == answer.text == text.strip()


def test_unanswerable_questions_are_dropped_and_counted_or_kept(tmp_path: Path) -> None:
    none = span("Aytən gəldi.")
    found = reading(tmp_path, "xquad-tr", "test", [none | {"id": "n"}, span("Aytən gəldi.", (0, "Aytən"))])
    assert ([item.id for item in found.items], found.counts()) == (["q"], {"no answer: left out": 1})
    flat = [
        {"context": "Aytən gəldi.", "question": "kim?", "answer_text": "Aytən", "answer_start": 0},
        {"context": "Aytən gəldi.", "question": "nə vaxt?", "answer_text": "no_answer", "answer_start": -1},
    ]
    for name, kept in (("ldquad", 1), ("ldquad-unanswerable", 2)):
        task = named(name)._replace(files={"test": "test.parquet"}, shares={})
        pq.write_table(pa.Table.from_pylist(flat), tmp_path / "test.parquet")
        found = read(task, tmp_path, "test")
        assert len(found.items) == kept
        assert found.counts() == ({"no answer: left out": 1} if kept == 1 else {})
    assert sorted(len(item.answers) for item in found.items if isinstance(item, Span)) == [0, 1]


def test_several_answers_are_kept_as_far_as_they_stand(tmp_path: Path) -> None:
    found = reading(tmp_path, "xquad-tr", "test", [span("Aytən gəldi.", (0, "Aytən"), (0, "Aytən"), (3, "Samir"))])
    (item,) = found.items
    assert isinstance(item, Span)
    assert [answer.text for answer in item.answers] == ["Aytən"]
    assert found.counts() == {"one of several answers does not stand in the context": 1}


def test_ids_are_ones_own(tmp_path: Path) -> None:
    one, other = good("sib200-az")[:2]
    given_ = [one, one | {"text": "başqa"}, one, other, one | {"text": "üçüncü"}, other | {"index_id": f"{one['index_id']}:2"}]
    found = reading(tmp_path, "sib200-az", "test", given_)
    assert len({item.id for item in found.items}) == len(found.items) == 5
    assert [(fault.line, fault.why) for fault in found.faults] == [(3, "the same item, with the same id, once more")]
    assert found.counts() == {"id stands on another item too: its line is added": 3}
    odd = reading(tmp_path, "sib200-az", "test", [one | {"index_id": "a\nb"}, other | {"index_id": ""}])
    assert sorted(item.id for item in odd.items) == ["1", "2"]


def test_splits_cut_from_one_file_share_no_context(tmp_path: Path) -> None:
    bench_data.write(tmp_path, "enelpi-qa-tr")
    parts = [read(named("enelpi-qa-tr"), tmp_path / "enelpi_qa_tr", split).items for split in ("train", "validation")]
    contexts = [{item.context for item in items if isinstance(item, Span)} for items in parts]
    assert not contexts[0] & contexts[1]
    assert sum(map(len, parts)) == len(bench_data.rows("enelpi-qa-tr", "train"))
    assert len(parts[0]) > 3 * len(parts[1]) > 0


def test_choices_are_laid_in_an_order_that_the_id_draws(tmp_path: Path) -> None:
    given_ = [changed("tumlu-az", id=f"q{n}", choices=["bir", "iki", "üç", "dörd"], answer="D") for n in range(400)]
    items = reading(tmp_path, "tumlu-az", "test", given_).items
    assert all(item.choices[item.label] == "dörd" for item in items)  # type: ignore[union-attr]
    shares = [sum(item.label == place for item in items) / 400 for place in range(4)]  # type: ignore[union-attr]
    assert max(shares) < 0.32
    assert reading(tmp_path, "tumlu-az", "test", given_[::-1]).items == items


def test_labels_that_nobody_knows_are_those_of_train(tmp_path: Path) -> None:
    def write(split: str, labels: list[Any]) -> None:
        pq.write_table(
            pa.table({"text": [f"mətn {n} {split}" for n in range(len(labels))], "label": labels}), tmp_path / f"{split}.parquet"
        )

    for split in ("train", "validation"):
        write(split, ["tibb", "hüquq", "fizika", "tibb"])
    write("test", ["tibb", "kimya"])
    task = resolved(named("aze-sci"), tmp_path)
    assert task.labels == ("fizika", "hüquq", "tibb")
    found = read(named("aze-sci"), tmp_path, "test")
    assert [item.label for item in found.items] == [2]  # type: ignore[union-attr]
    assert "label is 'kimya'" in found.faults[0].why
    for split in ("train", "test"):
        write(split, [3, 11, 3])
    assert resolved(named("aze-sci"), tmp_path).labels == ("11", "3")
    assert {item.label for item in read(named("aze-sci"), tmp_path, "test").items} == {0, 1}  # type: ignore[union-attr]


def test_numbers_stand_for_wikianns_tags(tmp_path: Path) -> None:
    pq.write_table(pa.table({"tokens": [["Bakı", "gözəldir"]], "ner_tags": [[5, 0]]}), tmp_path / "test.parquet")
    (item,) = read(named("wikiann-az"), tmp_path, "test").items
    assert [named("wikiann-az").labels[label] for label in item.labels] == ["B-LOC", "O"]  # type: ignore[union-attr]


def test_marked_slots_are_words_with_tags(tmp_path: Path) -> None:
    (item,) = reading(tmp_path, "massive-slots-az", "test", [{"id": 1, "annot_utt": "məni [time : səhər saat beşdə] oyandır"}]).items
    labels = [named("massive-slots-az").labels[label] for label in item.labels]  # type: ignore[union-attr]
    assert list(zip(item.words, labels, strict=True)) == [  # type: ignore[union-attr]
        ("məni", "O"),
        ("səhər", "B-time"),
        ("saat", "I-time"),
        ("beşdə", "I-time"),
        ("oyandır", "O"),
    ]


def test_codes_are_asked_in_words(tmp_path: Path) -> None:
    items = reading(tmp_path, "xcopa-tr", "test", good("xcopa-tr")).items
    assert {item.question.split("Bunun")[1] for item in items} <= {" nedeni neydi?", " sonucu ne oldu?"}  # type: ignore[union-attr]


def test_parquet_that_is_damaged_or_too_large_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "test.parquet"
    pq.write_table(pa.table({"text": ["a"] * 30, "label": ["b"] * 30}), path)
    monkeypatch.setattr(rows, "MAX_ROWS", 20)
    with pytest.raises(DollmaError, match=r"30 rows, .* bytes: not such a set"):
        list(rows.rows(path))
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(DollmaError, match="no Parquet file that can be read"):
        list(rows.rows(path))


def test_files_are_found_in_their_own_folder_or_in_the_one_that_is_given(tmp_path: Path) -> None:
    bench_data.write(tmp_path, "sib200-az")
    task = named("sib200-az")
    assert locate(task, tmp_path, None) == locate(task, tmp_path / "sib200", None) == tmp_path / "sib200"
    assert set(hashes(task, tmp_path / "sib200")) == {"train", "validation", "test"}
    assert pinned(task, hashes(task, tmp_path / "sib200")) == "other files than the pinned ones: train, validation, test"
    assert pinned(task, task.hashes or {}) == "as pinned"
    assert pinned(named("aze-sci"), {"test": "0"}) == "not pinned: never seen by us"
    with pytest.raises(DollmaError, match=r"pos-tr is read from dev\.jsonl\.gz.*neither .* holds any"):
        locate(named("pos-tr"), tmp_path, None)
    with pytest.raises(DollmaError, match="or allow --download"):
        locate(named("belebele-az"), None, None)
    with pytest.raises(DollmaError, match="no repository of it is known to us"):
        locate(named("aze-sci"), None, tmp_path)
    with pytest.raises(DollmaError, match="no revision of LocalDoc/LDQuAd was checked by us"):
        locate(named("ldquad"), None, tmp_path)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with running(monkeypatch, str(tmp_path / "home")) as server:
        yield server


def stored(hub: Hub, tmp_path: Path) -> Task:
    """A task whose file stands in a repository of the stand-in."""
    bench_data.write(tmp_path / "there", "tumlu-az")
    repository = hub.repositories["someone/tumlu"] = Repository()
    files = {split: f"az/{name}" for split, name in named("tumlu-az").files.items()}
    content = {files[split]: (tmp_path / "there/tumlu_az" / name).read_bytes() for split, name in named("tumlu-az").files.items()}
    revision = repository.commit(content, "data")
    task = named("tumlu-az")._replace(hub=HubData("someone/tumlu", revision, files), hashes=None)
    return task._replace(hashes=hashes(task, tmp_path / "there/tumlu_az"))


def test_a_download_is_the_pinned_revision_checked_and_made_once(hub: Hub, tmp_path: Path) -> None:
    task = stored(hub, tmp_path)
    hub.repositories["someone/tumlu"].commit({"az/dev.jsonl.gz": b"newer"}, "a later state")
    folder = locate(task, None, tmp_path / "cache")
    assert pinned(task, hashes(task, folder)) == "as pinned"
    assert len(read(task, folder, "test").items) == bench_data.SIZES["test"]
    asked = len(hub.requests)
    assert locate(task, tmp_path / "elsewhere", tmp_path / "cache") == folder
    assert len(hub.requests) == asked
    (folder / "dev.jsonl.gz").write_bytes(b"changed")
    with pytest.raises(DollmaError, match=r"dev\.jsonl\.gz is not what was downloaded: remove"):
        locate(task, None, tmp_path / "cache")


def test_a_download_that_is_not_what_was_pinned_leaves_nothing(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = stored(hub, tmp_path)
    cache = tmp_path / "cache"
    with pytest.raises(DollmaError, match="pinned is 0000: nothing was kept"):
        locate(task._replace(hashes={"validation": "0000", "test": "0000"}), None, cache)
    monkeypatch.setattr(data, "MAX_BYTES", 10)
    with pytest.raises(DollmaError, match="more than 10 bytes"):
        locate(task, None, cache)
    assert task.hub is not None
    with pytest.raises(DollmaError, match="the Hub refused or failed"):
        locate(task._replace(hub=task.hub._replace(revision="0" * 40)), None, cache)
    assert not list(cache.glob("*"))


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("task", "sizes", "left_out", "notes"),
    [
        ("sib200-az", (701, 99, 204), 0, {}),
        ("sib200-tr", (701, 99, 204), 0, {}),
        ("massive-intents-az", (11514, 2033, 2974), 0, {}),
        ("massive-slots-az", (11514, 2033, 2974), 0, {}),
        ("massive-slots-tr", (11514, 2033, 2974), 0, {}),
        ("sentiment-az", (19600, 4200, 4200), 0, {}),
        ("tumlu-az", (35, 698), 2, {}),
        ("mirage-qa", (7373,), 0, {}),
        ("ner-tr", (17967, 1000, 1000), 0, {}),
        ("ner-tr-wikiann", (17967, 1000, 1000), 0, {}),
        ("pos-tr", (3435, 1100, 1100), 0, {}),
        ("stsb-tr", (5749, 1500, 1379), 0, {}),
        ("paraphrase-tr", (5749, 1500, 1379), 0, {}),
        ("xquad-tr", (1190,), 0, {}),
        ("xcopa-tr", (73, 27, 500), 0, {}),
        ("enelpi-qa-tr", (5222, 628, 355), 70, {"answer looked up again": 123, "id stands on another item too: its line is added": 207}),
    ],
)
def test_real_sets_are_read_whole_and_their_known_faults_are_found(
    shared: Path, task: str, sizes: tuple[int, ...], left_out: int, notes: dict[str, int]
) -> None:
    """5,732 of 5,870 and 350 of 405 answers stand where enelpi's files say: 118 and 5 others stand elsewhere, 20 and 50 do not stand at all."""
    of = TASKS[task]
    splits = [read(of, shared / "benchmarks" / of.folder, split) for split in of.files]
    assert tuple(len(split.items) for split in splits) == sizes
    assert sum(len(split.faults) for split in splits) == left_out
    counted: dict[str, int] = {}
    for split in splits:
        for what, count in split.counts().items():
            counted[what] = counted.get(what, 0) + count
    assert counted == notes
