"""`dollma bench corpus`: the spoilt version is told from the clean one, a twin is not, and nothing is done twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console

from benchmarks.finetuning.protocol import Protocol
from curation.errors import DollmaError
from modeling.config import load_config
from modeling.stopping import Stopped
from pipelines import ablating
from pipelines.ablating import CONFIG, FACTS, TABLE, Asked, ablate
from tests.benchmarks import bench_data
from tests.benchmarks.ablation_versions import documents, write
from tests.pipelines.workspace import dollma

TINY = """
name: tiny
length: 64
model: {family: llama, size: {hidden: 32, heads: 2, layers: 1, ffn: 32}}
optimiser: {learning_rate: 0.01}
batch: {rows: 8}
horizon: {steps: 60}
evaluation: {every: 0, rows: 1}
run: {device: cpu, checkpoint_every: 60, log_every: 60, keep: 1, workers: 0}
"""
VOCABULARY = 256
ENCODER = TINY.replace("llama", "bert").replace("60", "10")


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Sums are those of one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Bench:
    """A workspace with three versions that hold out the same 12 documents, and a count of the models that were trained in it."""

    def __init__(self, folder: Path) -> None:
        self.workspace, self.config = folder / "ws", folder / "tiny.yaml"
        self.config.write_text(TINY, encoding="utf-8")
        held, noise = documents(1, 12), documents(2, 8, spoilt=True)
        self.clean = write(self.workspace, "clean", {"train": documents(3, 40), "validation": held})
        self.twin = write(self.workspace, "twin", {"train": documents(3, 40)[::-1], "validation": held})
        spoilt = documents(3, 40)[:12] + documents(5, 60, spoilt=True)
        self.spoilt = write(self.workspace, "spoilt", {"train": spoilt, "validation": [*held, *noise]})
        self.trained = 0

    def compare(self, one: Path, other: Path, out: Path, seeds: int = 3, kill_at: int | None = None, **more: Any) -> dict[str, Any]:
        """What OUT/ablation.json says; the models that are trained meanwhile are counted, and one of them may be the last."""

        def train(*arguments: Any) -> Path:
            if self.trained == kill_at:
                raise Stopped(15, 0)
            before = set(self.workspace.glob("models/*/final"))
            made = train_model(*arguments)
            self.trained += made not in before
            return made

        train_model, self.trained = ablating.train_model, 0
        asked = Asked((one, other), seeds, self.config, vocabulary=VOCABULARY, **more)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ablating, "train_model", train)
            table = ablate(asked, self.workspace, out, Console(quiet=True), 1)
        assert table == out / TABLE
        return json.loads((out / FACTS).read_text("utf-8"))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("ablation"))


def test_the_clean_version_is_better_and_nothing_is_done_twice(bench: Bench, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(Stopped):
        bench.compare(bench.clean, bench.spoilt, out, kill_at=3)
    assert bench.trained == 3
    facts = bench.compare(bench.clean, bench.spoilt, out)
    assert bench.trained == 3, "what a killed run had made is found"
    assert facts["verdict"] == {"by": ["both"], "better": "A"}
    neutral, own = ({row["holder"]: row for row in facts["rows"] if row["name"] == "all"}[holder] for holder in ("both", "B"))
    assert (neutral["items"], own["items"]) == (12, 8)
    assert neutral["difference"] + neutral["half"] < 0
    assert neutral["a"] < neutral["unigram"][0], "it learnt more than frequencies"
    sides = facts["versions"]
    assert (sides["A"]["documents"], sides["B"]["documents"]) == (40, 72)
    assert sides["A"]["epochs"] > sides["B"]["epochs"] > 1
    assert sides["A"]["read"] == pytest.approx(sides["A"]["epochs"], rel=0.01), "no document stands there twice"
    text = (out / TABLE).read_text("utf-8")
    assert "**A is better**: A − B is −" in text
    assert "**The budget makes A repeat**" in text

    written = {path: path.read_bytes() for path in (out / FACTS, out / TABLE)}
    told = dollma(
        *("bench", "corpus", bench.clean.name, "spoilt", "--workspace", bench.workspace, "--out", out, "--config", bench.config),
        *("--vocab", VOCABULARY, "--workers", 1),
    )
    assert told.stdout == text
    assert {path: path.read_bytes() for path in written} == written


def test_a_twin_is_a_tie(bench: Bench, tmp_path: Path) -> None:
    facts = bench.compare(bench.clean, bench.twin, tmp_path / "out", seeds=2)
    assert facts["verdict"] == {"by": ["both"], "better": None}
    assert [row["better"] for row in facts["rows"]] == [None]
    assert facts["rows"][0]["a"] != facts["rows"][0]["b"], "texts were read in another order"
    assert "**A tie**" in (tmp_path / "out" / TABLE).read_text("utf-8")


def test_models_are_fine_tuned_on_tasks_too(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ablating, "TasksAsked", partial(ablating.TasksAsked, protocol=Protocol(least_steps=4, epochs=1)))
    bench.config.write_text(ENCODER, encoding="utf-8")
    data = bench_data.write(tmp_path / "data", "sib200-az")
    facts = bench.compare(bench.clean, bench.spoilt, tmp_path / "out", seeds=1, tasks=("sib200-az",), data=data)
    (task,) = [row for row in facts["rows"] if row["holder"] == "task"]
    assert task["name"].startswith("sib200-az (accuracy")
    assert task["items"] == 30
    assert "| task | items |" in (tmp_path / "out" / TABLE).read_text("utf-8")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"horizon": "horizon: {hours: 1}"}, "equal hours are not equal text"),
        ({"model": "model: {start: somewhere}"}, "a model that exists has read another corpus"),
    ],
)
def test_settings_that_cant_compare_are_refused(change: dict[str, str], message: str, bench: Bench, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    lines = [next((line for key, line in change.items() if was.startswith(key)), was) for was in TINY.splitlines()]
    config.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(DollmaError, match=message):
        ablate(Asked((bench.clean, bench.twin), config=config), bench.workspace, tmp_path / "out", Console(quiet=True))
    assert not (tmp_path / "out").exists()


def test_a_version_is_not_compared_with_itself(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(DollmaError, match="are the same version"):
        bench.compare(bench.clean, bench.clean, tmp_path / "out")


def test_the_committed_configuration_holds() -> None:
    config = load_config(CONFIG, ("tokens=made before it",))
    assert config.horizon.tokens
    assert not config.causal, "tasks are for encoders"
