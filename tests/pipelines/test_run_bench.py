"""The last step of `dollma run`: from raw files to a leaderboard, once; and mistakes told before anything is made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from modeling.settings import load_settings
from pipelines.running import Pipeline
from tests.pipelines.workspace import digest, dollma, prose_recipe

DEMO = Path(__file__).parents[2] / "pipelines" / "demo-bench.yaml"
TINY = {
    "length": 64,
    "model": {"size": {"hidden": 32, "heads": 2, "layers": 1, "ffn": 32}},
    "batch": {"rows": 2},
    "horizon": {"steps": 2},
    "evaluation": {"every": 2, "rows": 4},
    "run": {"device": "cpu", "checkpoint_every": 2, "log_every": 2, "keep": 1},
}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Sums are those of one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def loop(recipe: Path, workspace: Path, *more: str) -> list[str]:
    """The demo's pipeline on another recipe, with a model that learns nothing and one task."""
    models = {"demo": {"config": str(DEMO.parents[1] / "modeling/configs/demo.yaml"), "set": TINY}}
    sets = [
        f"corpus.recipe={recipe}",
        "tokenizer.vocab=1000",
        f"models={json.dumps(models)}",
        "bench={tasks: [own-sources], seeds: 1, fresh: false, limit: 40}",
        *more,
    ]
    return ["run", str(DEMO), "--workspace", str(workspace), "--workers", "1", *(word for one in sets for word in ("--set", one))]


def test_from_raw_files_to_a_table_once(tmp_path: Path) -> None:
    recipe = prose_recipe(tmp_path)
    told = dollma(*loop(recipe, tmp_path / "ws")).stdout
    steps = [line.rsplit(": ", 2)[:2] for line in told.splitlines()[:5]]
    assert steps == [[step, "made"] for step in ("corpus", "tokenizer", "tokens", "model demo", "bench")]
    out = Path(told.splitlines()[4].rsplit(": ", 1)[1])
    table = (out / "table.md").read_text("utf-8")
    assert told.endswith(table)
    row, held = [line for line in table.splitlines() if line.startswith("| demo-")]
    assert "±" in row
    assert "own-sources" in held, "what of the test items the version holds"
    assert "own-sources" in table
    assert (out / "board/tasks/own-sources.html").is_file()
    cells = [json.loads(path.read_text("utf-8")) for path in out.glob("cells/own-sources/*.json")]
    (cell,) = [cell for cell in cells if cell["way"] == "fine-tuned"]
    assert (len(cell["runs"]), cell["rows"]["train"]["used"]) == (1, 40)
    assert (out / "contamination" / cell["contamination"]).is_file()

    before = digest(tmp_path / "ws" / "bench")
    again = dollma(*loop(recipe, tmp_path / "ws")).stdout
    assert again == told.replace(": made: ", ": made before: ")
    assert digest(tmp_path / "ws" / "bench") == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("bench.tasks=[]", "bench.tasks: name one at least"),
        ("bench.tasks=[own-source]", "did you mean 'own-sources'"),
        ("bench.tasks=[books-nsp]", "books-nsp is made of books: name the sources"),
        ("bench.tasks=[sib200-az]", "sib200-az is read from"),
        ("models={}", "bench asks the models, and there are none"),
        ("bench.seeds=0", "greater than 0"),
    ],
)
def test_mistakes_are_told_before_anything_is_made(change: str, message: str, tmp_path: Path) -> None:
    told = dollma(*loop(prose_recipe(tmp_path), tmp_path / "ws", change), code=1).stderr
    assert message in " ".join(told.split())
    assert not (tmp_path / "ws").exists()


def test_the_demos_own_file_holds() -> None:
    bench = load_settings(DEMO, Pipeline).bench
    assert bench is not None
    assert bench.tasks == ("own-sources", "own-marks", "books-nsp")
