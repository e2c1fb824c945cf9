"""A board from stored predictions: planted ties and collapses are told as such, every number can be traced, and hostile names do no harm."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.contamination import path_of
from benchmarks.leaderboard.board import board
from benchmarks.leaderboard.changes import rescore
from benchmarks.leaderboard.page import as_json, export, table_page
from benchmarks.leaderboard.plots import figure
from benchmarks.leaderboard.render import CONSTANT, as_csv, latex, markdown, notes
from benchmarks.scoring.metrics import score
from benchmarks.tasks.catalogue import TASKS, named
from curation.errors import DollmaError

HOSTILE = "<script>alert(1)</script>|&_%=x"
TOPICS = named("sib200-az").labels
SHA = "ab" * 32


def topics(draw: np.random.Generator, items: int = 120) -> list[str]:
    return [TOPICS[one] for one in draw.integers(0, 7, items)]


def said(labels: list[str], share: float, seed: int) -> list[str]:
    """Right in so many cases."""
    draw = np.random.default_rng(seed)
    return [one if draw.random() < share else TOPICS[(TOPICS.index(one) + 1) % 7] for one in labels]


def plainly(name: str) -> str:
    return re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")


def degrees(labels: list[float], noise: float, seed: int) -> list[float]:
    draw = np.random.default_rng(seed)
    return [one + noise * draw.normal() for one in labels]


def add(
    out: Path, task: str, model: str, answers: list[tuple[list[Any], list[Any]]], way: str = "fine-tuned", mark: str = "0", **more: Any
) -> Path:
    """A cell and the predictions of its runs."""
    runs = []
    for seed, (labels, predicted) in enumerate(answers, 1):
        run = f"{task}-{plainly(model)}-{way.replace(' ', '-')}-{mark}-seed{seed}"
        rows = [{"id": str(n), "label": one, "predicted": other} for n, (one, other) in enumerate(zip(labels, predicted, strict=True))]
        (out / "runs" / run).mkdir(parents=True, exist_ok=True)
        (out / "runs" / run / "test.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
        runs.append(run)
    cell = {
        "task": task,
        "model": model,
        "identity": "f" * 16 if way != "classical" else model,
        "way": way,
        "protocol": {"batch": 8},
        "data": {"test": SHA},
        "rows": {
            "train": {
                "used": 500,
                "cut": 2,
                "tokens": 9,
                "left out": [["train.jsonl", 3, "7", "no <b>label</b>"]],
                "notes": {"re-indexed": 4},
            }
        },
        "grid": [{"rate": 3e-4, "validation": 0.71, "run": runs[0]}],
        "rate": 3e-4,
        "runs": runs,
        "left": [],
        "collapsed": None,
        "corpus": None,
        "contamination": None,
    } | more
    path = out / "cells" / task / f"{plainly(model)}-{way.replace(' ', '-')}-{mark}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(cell), "utf-8")
    return path


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tasks: a strong model, its tie under a hostile name, one that fell on one task, fresh weights, and a classical row that has one task alone."""
    folder = tmp_path_factory.mktemp("board")
    labels = topics(np.random.default_rng(1))
    values = np.random.default_rng(2).uniform(0, 5, 100).round(2).tolist()
    for model, way, share, noise in (("güclü", "fine-tuned", 0.9, 1), (HOSTILE, "fine-tuned", 0.9, 1), ("güclü", "fresh weights", 0.4, 8)):
        add(folder, "sib200-az", model, [(labels, said(labels, share, hash_of(model, way, seed))) for seed in range(5)], way)
        add(folder, "stsb-tr", model, [(values, degrees(values, noise, hash_of(model, way, seed))) for seed in range(5)], way)
    left = [{"rate": 1e-2, "runs": ["x"], "why": "training loss nan"}]
    add(folder, "sib200-az", "çökən", [(labels, ["travel"] * 120)] * 5, collapsed="accuracy 0.1 is <within> noise", left=left)
    add(folder, "stsb-tr", "çökən", [(values, degrees(values, 1, seed)) for seed in range(5)])
    add(folder, "sib200-az", "majority", [(labels, ["travel"] * 120)], "classical", rate=None, grid=[])
    return folder


def hash_of(*parts: Any) -> int:
    return sum(ord(letter) * place for place, letter in enumerate("".join(map(str, parts)), 1)) % 2**31


@pytest.fixture(scope="module")
def found(out: Path) -> dict[str, Any]:
    return board(out)


def row(found: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in found["rows"] if one["name"] == name)


def test_scores_come_from_predictions_alone(found: dict[str, Any], out: Path) -> None:
    for one in found["rows"]:
        for task, of in one["cells"].items():
            for seed in of["seeds"]:
                rows = [json.loads(line) for line in (out / "runs" / seed["run"] / "test.jsonl").read_text("utf-8").splitlines()]
                labels, predicted = ([each[key] for each in rows] for key in ("label", "predicted"))
                for metric in (named(task).metric, *named(task).also):
                    assert seed[metric] == pytest.approx(score(metric, labels, predicted, named(task).labels), abs=1e-12)
            assert of["mean"] == pytest.approx(np.mean([seed[named(task).metric] for seed in of["seeds"]]))
            assert of["low"] <= of["mean"] <= of["high"]
    cells = row(found, "güclü")["cells"]
    assert cells["sib200-az"]["corrected"] == pytest.approx(
        (cells["sib200-az"]["mean"] - found["tasks"]["sib200-az"]["chance"]) / (1 - found["tasks"]["sib200-az"]["chance"])
    )
    assert cells["stsb-tr"]["corrected"] == cells["stsb-tr"]["mean"], "no answer that is the same for all correlates with anything"


def test_ties_share_a_rank_and_what_collapsed_has_none(found: dict[str, Any]) -> None:
    ranks = {one["name"]: {task: of["rank"] for task, of in one["cells"].items()} for one in found["rows"]}
    assert ranks == {
        "güclü": {"sib200-az": 1, "stsb-tr": 1},
        HOSTILE: {"sib200-az": 1, "stsb-tr": 1},
        "çökən": {"sib200-az": None, "stsb-tr": 1},
        "güclü, fresh weights": {"sib200-az": 3, "stsb-tr": 4},
        "majority": {"sib200-az": 4},
    }
    tie = next(one for one in found["pairs"]["sib200-az"] if {one["one"], one["other"]} == {"güclü", HOSTILE})
    assert not tie["told apart"]
    assert tie["corrected"] >= tie["p"] > 0.05


def test_models_of_different_ranks_that_are_not_told_apart_are_told(tmp_path: Path) -> None:
    """Four wrong answers of 120 are within noise, eight are not: the best model gives the worst a lower rank than the middle one, a tie of both."""
    labels = topics(np.random.default_rng(1))
    for name, wrong in (("best", 0), ("middle", 4), ("worst", 8)):
        add(tmp_path, "sib200-az", name, [(labels, said(labels[:wrong], 0.0, 1) + labels[wrong:])])
    found = board(tmp_path)
    assert {one["name"]: one["cells"]["sib200-az"]["rank"] for one in found["rows"]} == {"best": 1, "middle": 1, "worst": 2}
    assert "sib200-az: middle and worst have different ranks, and yet are not told apart." in notes(found)
    assert sum("not told apart" in note for note in notes(found)) == 1


def test_averages_say_where_a_run_collapsed(found: dict[str, Any]) -> None:
    averages = found["averages"]
    assert averages["tasks"] == ["sib200-az", "stsb-tr"], "that the classical row has one task takes none from the others"
    assert {name: of["rank"] for name, of in averages["plain"].items()} == {
        "güclü": 1,
        HOSTILE: 1,
        "güclü, fresh weights": 3,
        "çökən": None,
    }
    strong = row(found, "güclü")["cells"]
    assert averages["plain"]["güclü"]["mean"] == pytest.approx(np.mean([of["mean"] for of in strong.values()]))
    assert averages["corrected"]["güclü"]["mean"] == pytest.approx(np.mean([of["corrected"] for of in strong.values()]))
    assert found["without collapsed"] is None, "one task is left, and a mean of one is none"
    told = markdown(found)
    assert re.search(r"^\| çökən \| \d+\.\d ± \d+\.\d † \|", told, re.MULTILINE)
    assert "çökən on sib200-az collapsed: accuracy 0.1 is \\<within\\> noise" in told
    assert "the learning rate 0.01 was left for a lower one: training loss nan" in told


def test_averages_without_the_tasks_in_which_a_run_collapsed(tmp_path: Path) -> None:
    """The paper's Table 4 has another winner without the column where XLM-R-large fell."""
    labels = topics(np.random.default_rng(1))
    for task in ("sib200-az", "sib200-tr", "sentiment-az"):
        key = labels if task != "sentiment-az" else ["negative" if one in TOPICS[:3] else "positive" for one in labels]
        for model, share in (("böyük", 0.9), ("kiçik", 0.8)):
            fell = task == "sentiment-az" and model == "böyük"
            answers = (
                ["negative"] * 120
                if fell
                else [
                    one if lucky < share else key[0]
                    for one, lucky in zip(key, np.random.default_rng(int(100 * share)).random(120), strict=True)
                ]
            )
            add(tmp_path, task, model, [(key, answers)] * 3, collapsed="constant" if fell else None)
    found = board(tmp_path)
    with_it, without = (found[key]["plain"] for key in ("averages", "without collapsed"))
    assert with_it["böyük"]["mean"] < with_it["kiçik"]["mean"]
    assert without["böyük"]["mean"] > without["kiçik"]["mean"]
    assert "Without the tasks in which a run collapsed, averages over sib200-az and sib200-tr: böyük" in markdown(found)


def test_markdown_has_a_column_for_each_head_and_nothing_of_a_name_is_markup(found: dict[str, Any]) -> None:
    lines = [line for line in markdown(found).splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {6}
    assert f"| {CONSTANT} |" in lines[-1]
    assert "<script>" not in markdown(found)


def test_csv_has_each_figure_in_full(found: dict[str, Any]) -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(found))))
    strong = next(one for one in rows if (one["model"], one["task"], one["metric"]) == ("güclü", "sib200-az", "accuracy"))
    assert float(strong["mean"]) == pytest.approx(row(found, "güclü")["cells"]["sib200-az"]["mean"], abs=1e-6)
    assert strong["predictions"].split()[0] == "runs/sib200-az-g-cl-fine-tuned-0-seed1/test.jsonl"
    assert {one["metric"] for one in rows if one["task"] == "sib200-az"} == {"accuracy", "macro_f1"}
    assert {one["task"] for one in rows} == {"sib200-az", "stsb-tr", "average", "average above chance"}
    assert not any(None in one or None in one.values() for one in rows), "as many fields as heads"


def test_latex_holds_no_character_that_tex_would_take_for_a_command(found: dict[str, Any]) -> None:
    made = latex(found)
    assert r"\textless" not in made
    assert r"\_\%=x" in made
    assert made.count(r"\begin{") == made.count(r"\end{") == 2
    body = made.split(r"\toprule")[1].split(r"\bottomrule")[0]
    assert {len(re.findall(r"(?<!\\)&", line)) for line in body.splitlines() if line.endswith(r"\\")} == {4}


def test_pages_link_each_number_to_its_predictions(found: dict[str, Any], out: Path, tmp_path: Path) -> None:
    first = export(found, out, tmp_path / "pages")
    pages = {path: path.read_text("utf-8") for path in first.parent.rglob("*.html")}
    assert len(pages) == 3
    for path, page in pages.items():
        assert "<script" not in page
        for address in re.findall(r'href="([^"]*)"', page):
            file, _, anchor = address.partition("#")
            target = (path.parent / unquote(file)).resolve()
            assert target.is_file(), address
            assert not anchor or f'id="{anchor}"' in pages[target], address
    card = pages[first.parent / "tasks" / "sib200-az.html"]
    for name in ("güclü", "çökən", "majority"):
        for seed in row(found, name)["cells"]["sib200-az"]["seeds"]:
            assert f'href="../predictions/{seed["run"]}.jsonl"' in card
            copied = first.parent / "predictions" / f"{seed['run']}.jsonl"
            assert copied.read_bytes() == (out / "runs" / seed["run"] / "test.jsonl").read_bytes()
    assert "train.jsonl: 3: 7: no &lt;b&gt;label&lt;/b&gt;" in card
    assert "4 re-indexed" in card
    assert json.loads((first.parent / "board.json").read_text("utf-8")) == json.loads(as_json(found))
    assert len(re.findall(r"<a href=\"tasks/sib200-az\.html#row-\d\">", pages[first])) == 5
    assert "<script" not in table_page(found)
    assert "href" not in table_page(found)


def test_an_export_replaces_an_export_and_nothing_else(found: dict[str, Any], out: Path, tmp_path: Path) -> None:
    first = export(found, out, tmp_path / "pages")
    before = first.read_bytes()
    assert export(found, out, tmp_path / "pages").read_bytes() == before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("salam", "utf-8")
    with pytest.raises(DollmaError, match="has other things in it"):
        export(found, out, tmp_path / "mine")
    assert (tmp_path / "mine" / "letter.txt").exists()


def test_the_plot_has_a_point_for_each_number(found: dict[str, Any]) -> None:
    drawn = figure(found)
    assert drawn.count("<g><title>") == sum(len(one["cells"]) for one in found["rows"]) == 9
    assert drawn.count("collapsed</title>") == 1
    assert "<script" not in drawn
    assert "&lt;script&gt;" in drawn
    ticks = [int(value) for value in re.findall(r'font-size="10" fill-opacity=".7">(-?\d+)<', drawn)]
    assert max(ticks) == 100


def test_the_same_predictions_give_the_same_bytes(found: dict[str, Any], out: Path) -> None:
    assert as_json(board(out)) == as_json(found)
    json.loads(as_json(found), parse_constant=pytest.fail)


def copied(out: Path, to: Path) -> Path:
    for path in out.rglob("*.json*"):
        new = to / path.relative_to(out)
        new.parent.mkdir(parents=True, exist_ok=True)
        new.write_bytes(path.read_bytes())
    return to


def test_rescoring_says_what_changed(out: Path, tmp_path: Path) -> None:
    folder = copied(out, tmp_path / "out")
    assert rescore(folder) == []
    assert rescore(folder) == [], "nothing changed"
    path = folder / "runs" / "sib200-az-majority-classical-0-seed1" / "test.jsonl"
    path.write_text(path.read_text("utf-8").replace('"predicted": "travel"', '"predicted": "sports"'), "utf-8")
    (folder / "cells" / "stsb-tr" / "g-cl-fresh-weights-0.json").unlink()
    told = rescore(folder)
    assert len(told) == 2
    assert re.match(r"güclü, fresh weights, stsb-tr: gone, was \d+\.\d \(", told[0])
    assert re.match(r"majority, sib200-az: \d+\.\d \(.*, rank 4, was \d+\.\d \(", told[1])
    (folder / "board.json").write_text('{"rows": 3}', "utf-8")
    with pytest.raises(DollmaError, match=r"board\.json: damaged"):
        rescore(folder)


def test_contaminated_items_are_told_and_left_out(tmp_path: Path) -> None:
    labels = topics(np.random.default_rng(1))
    predicted = said(labels, 0.6, 3)
    corpus = {"version": "demo-1", "fingerprint": "c" * 16}
    add(tmp_path, "sib200-az", "oxumuş", [(labels, predicted)], corpus=corpus)
    add(tmp_path, "sib200-az", "oxumamış", [(labels, predicted)])
    assert board(tmp_path)["rows"][0]["cells"]["sib200-az"]["contamination"] is None, "nobody looked"
    path = path_of(tmp_path / "contamination", named("sib200-az"), SHA, corpus["fingerprint"])
    path.parent.mkdir()
    known = [one == other for one, other in zip(labels, predicted, strict=True)]
    head = {"task": "sib200-az", "items": 120, "found": sum(known), "too short": 0, "in train": 0, "share": sum(known) / 120}
    lines = [head, *({"id": str(n), "share": float(one), "in train": False} for n, one in enumerate(known))]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    found = board(tmp_path)
    seen = row(found, "oxumuş")["cells"]["sib200-az"]["contamination"]
    assert seen["share"] == pytest.approx(np.mean(known))
    assert (seen["without"]["mean"], seen["items without"]) == (0, 120 - sum(known)), "all that it had right stood in its corpus"
    assert row(found, "oxumamış")["cells"]["sib200-az"]["contamination"] is None
    assert re.search(r"^\| oxumuş \| sib200-az \| demo-1 \| \d\d\.\d %", markdown(found), re.MULTILINE)


def test_variants_and_models_of_one_name(tmp_path: Path) -> None:
    labels = topics(np.random.default_rng(1), 40)
    answers = [(labels, said(labels, 0.7, 1))]
    add(tmp_path, "sib200-az", "m", answers)
    add(tmp_path, "sib200-az", "m", answers, mark="1", rows={"train": {"used": 100}})
    add(tmp_path, "sib200-az", "m", answers, mark="2", identity="e" * 16)
    assert [one["name"] for one in board(tmp_path)["rows"]] == ["m eeeeeeee", "m ffffffff", "m ffffffff (100 items)"]
    add(tmp_path, "sib200-az", "m", answers, mark="3")
    names = [one["name"] for one in board(tmp_path)["rows"]]
    assert len(set(names)) == len(names) == 4


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda cell: cell | {"runs": []}, "not names of runs"),
        (lambda cell: cell | {"runs": ["../../etc"]}, "not names of runs"),
        (lambda cell: cell | {"task": ".."}, "not names of runs"),
        (lambda cell: cell | {"rate": "fast"}, "no cell .rate: "),
        (lambda _: {"task": "sib200-az"}, "no cell .model: Field required"),
        (lambda cell: cell | {"runs": ["elsewhere"]}, r"elsewhere/test\.jsonl: no such file"),
        (lambda cell: cell | {"task": "sib200-a"}, "did you mean 'sib200-az'"),
        (lambda cell: cell | {"task": "ner-tr"}, "not of the kind that entity_f1 counts"),
        (lambda _: [], "no cell"),
    ],
)
def test_damaged_cells(tmp_path: Path, spoil: Callable[[Any], Any], why: str) -> None:
    labels = topics(np.random.default_rng(1), 20)
    path = add(tmp_path, "sib200-az", "m", [(labels, labels)])
    path.write_text(json.dumps(spoil(json.loads(path.read_text("utf-8")))), "utf-8")
    with pytest.raises(DollmaError, match=why):
        board(tmp_path)


def test_models_that_answered_other_items_are_not_compared(tmp_path: Path) -> None:
    labels = topics(np.random.default_rng(1), 20)
    add(tmp_path, "sib200-az", "a", [(labels, labels)])
    add(tmp_path, "sib200-az", "b", [(labels[:19], labels[:19])])
    with pytest.raises(DollmaError, match="compared on the same items"):
        board(tmp_path)
    add(tmp_path, "sib200-az", "b", [(labels[::-1], labels)])
    with pytest.raises(DollmaError, match="compared on the same items"):
        board(tmp_path)


def test_a_board_of_one_model_on_one_task(tmp_path: Path) -> None:
    labels = topics(np.random.default_rng(1), 20)
    add(tmp_path, "sib200-az", "tək", [(labels, labels)], collapsed="constant")
    found = board(tmp_path)
    assert found["averages"] is None
    assert "tək on sib200-az collapsed" in markdown(found)
    assert "<g><title>" in figure(found)
    with pytest.raises(DollmaError, match="no cells: `dollma bench run"):
        board(tmp_path / "empty")


def test_every_task_can_be_scored() -> None:
    from benchmarks.scoring.metrics import METRICS

    assert {metric for task in TASKS.values() for metric in (task.metric, *task.also)} <= set(METRICS)


def test_the_commands(out: Path, tmp_path: Path) -> None:
    import typer

    from pipelines.commands import bench_board

    app = typer.Typer()
    for name in ("rescore", "table", "plot", "export"):
        app.command(name)(getattr(bench_board, name))
    folder, run = copied(out, tmp_path / "out"), CliRunner().invoke
    for layout, start in (("markdown", "| |"), ("html", "<!doctype html>"), ("csv", "model,way"), ("latex", "\\begin{table}")):
        done = run(app, ["table", str(folder), "--format", layout])
        assert done.exit_code == 0, done.output
        assert done.output.startswith(start)
    assert run(app, ["plot", str(folder)]).output.strip() == str(folder / "board.svg")
    assert (folder / "board.svg").read_text("utf-8").startswith("<svg")
    assert run(app, ["export", str(folder), "--to", str(tmp_path / "site")]).output.strip() == str(tmp_path / "site" / "index.html")
    assert run(app, ["rescore", str(folder)]).output.strip().endswith("written")
    assert run(app, ["rescore", str(folder)]).output.strip().endswith("nothing changed")
    assert run(app, ["table", str(folder), "--format", "pdf"]).exit_code == 2
