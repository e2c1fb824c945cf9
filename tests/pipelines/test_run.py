"""`dollma run`: every step once, named as its own command names it, taken up after a kill; mistakes are told before anything is made."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import yaml

from modeling.config import load_config
from modeling.logs import read_log, without_times
from modeling.settings import load_settings
from modeling.shapes import SHAPES
from pipelines.running import Pipeline, assignments
from tests.pipelines.workspace import digest, dollma, prose_recipe, start

ALLMA = Path(__file__).parents[2] / "pipelines" / "allma.yaml"
DEMO_CONFIG = ALLMA.parents[1] / "modeling" / "configs" / "demo.yaml"
STEPS = 300
TINY = {
    "length": 32,
    "model": {"size": {"hidden": 32, "heads": 2, "layers": 1, "ffn": 32}},
    "batch": {"rows": 2},
    "horizon": {"steps": STEPS},
    "evaluation": {"every": 100, "rows": 4},
    "run": {"device": "cpu", "checkpoint_every": 50, "log_every": 50, "keep": 1},
}


def allma(recipe: Path, workspace: Path, *more: str) -> list[str]:
    """The paper's pipeline on another recipe, with two models that learn next to nothing."""
    models = {
        "one": {"config": str(DEMO_CONFIG), "set": TINY | {"name": "one"}},
        "two": {"config": str(DEMO_CONFIG), "set": TINY | {"name": "two", "horizon": {"steps": 2}}},
    }
    sets = [
        f"corpus.recipe={recipe}",
        "corpus.set={mixture: {validation: 0.1}}",
        "tokenizer.vocab=1000",
        f"models={json.dumps(models)}",
        *more,
    ]
    return ["run", str(ALLMA), "--workspace", str(workspace), "--workers", "1", *(word for one in sets for word in ("--set", one))]


def folders(told: str) -> dict[str, Path]:
    """By step, the folder that it left, as the command told."""
    return {line.split(": ")[0]: Path(line.split(": ")[-1]) for line in told.splitlines()}


def states(told: str) -> list[str]:
    return [": ".join(line.split(": ")[:-1]) for line in told.splitlines()]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Sums are those of one thread, in this process and in those that it starts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        yield
        torch.set_num_threads(before)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prose_recipe(tmp_path_factory.mktemp("recipe"))


@pytest.fixture(scope="module")
def made(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A workspace with all of it, and what was told."""
    workspace = tmp_path_factory.mktemp("made")
    return workspace, dollma(*allma(recipe, workspace)).stdout


def test_each_step_is_made_and_told(made: tuple[Path, str]) -> None:
    workspace, told = made
    assert states(told) == [f"{step}: made" for step in ("corpus", "tokenizer", "tokens", "model one", "model two")]
    found = folders(told)
    assert [folder.relative_to(workspace).parts[0] for folder in found.values()] == ["versions", "tokenizers", "tokens", "models", "models"]
    assert all(folder.is_dir() for folder in found.values())
    assert json.loads((found["corpus"] / "manifest.json").read_text(encoding="utf-8"))["recipe"]["mixture"]["validation"] == 0.1
    stated = json.loads((found["tokens"] / "manifest.json").read_text(encoding="utf-8"))
    assert (stated["version"]["name"], stated["tokenizer"]["name"]) == (found["corpus"].name, found["tokenizer"].name)
    for name, steps in (("one", STEPS), ("two", 2)):
        card = json.loads((found[f"model {name}"] / "card.json").read_text(encoding="utf-8"))
        assert (card["training"]["steps"], card["corpus"]["version"]) == (steps, found["corpus"].name)


def test_what_is_made_is_not_made_again(made: tuple[Path, str], recipe: Path) -> None:
    workspace, told = made
    before = digest(workspace)
    again = dollma(*allma(recipe, workspace)).stdout
    assert again == told.replace(": made: ", ": made before: ")
    assert digest(workspace) == before


def test_each_step_is_that_of_its_own_command(made: tuple[Path, str]) -> None:
    workspace, told = made
    found = folders(told)
    command = json.loads((found["tokenizer"] / "card.json").read_text(encoding="utf-8"))["command"]
    assert "was trained before" in dollma(*shlex.split(command)[1:], "-w", workspace).stdout
    assert f"made before: {found['tokens']}" in dollma("tokens", found["corpus"].name, found["tokenizer"].name, "-w", workspace).stdout
    sets = assignments(TINY | {"name": "two", "horizon": {"steps": 2}, "tokens": found["tokens"].name})
    alone = dollma("pretrain", DEMO_CONFIG, "-w", workspace, *(word for one in sets for word in ("--set", one)))
    assert alone.stdout == f"two: {found['model two']}\n"


def test_only_what_depends_on_a_change_is_made(made: tuple[Path, str], recipe: Path) -> None:
    workspace, told = made
    other = dollma(*allma(recipe, workspace, "tokenizer.type=bpe", "models={}")).stdout
    assert states(other) == ["corpus: made before", "tokenizer: made", "tokens: made"]
    name = folders(told)["corpus"].name
    kept = dollma(*allma(recipe, workspace, f"corpus={{version: {name}}}", "models.two.set.horizon.steps=3")).stdout
    assert states(kept) == [f"{step}: made before" for step in ("corpus", "tokenizer", "tokens", "model one")] + ["model two: made"]


def test_killed_and_run_again(made: tuple[Path, str], recipe: Path, tmp_path: Path) -> None:
    """Killed when there is a version and no more, asked to end while a model learns: in the end all is as if nothing had happened."""
    ends = (
        ("versions/[!.]*/manifest.json", signal.SIGKILL, -signal.SIGKILL, ""),
        ("models/one-*/checkpoints/[0-9]*", signal.SIGTERM, 128 + signal.SIGTERM, "stopped after step"),
    )
    for event, number, code, message in ends:
        process = start(*allma(recipe, tmp_path))
        while process.poll() is None and not any(tmp_path.glob(event)):
            time.sleep(0.05)
        if number == signal.SIGKILL:
            os.killpg(process.pid, number)  # its workers too: they would go on for a moment
        else:
            process.send_signal(number)
        told = process.communicate()[0].decode()
        assert process.returncode == code, told
        assert message in told
    assert not list(tmp_path.glob("models/*/final"))
    again = states(dollma(*allma(recipe, tmp_path)).stdout)
    assert again == [*(f"{step}: made before" for step in ("corpus", "tokenizer", "tokens")), "model one: made", "model two: made"]
    for place in ("versions", "tokenizers", "tokens"):
        assert digest(tmp_path / place).items() <= digest(made[0] / place).items()
    for path in sorted(tmp_path.glob("models/*/final/model.safetensors")):
        undisturbed = made[0] / path.relative_to(tmp_path)
        assert path.read_bytes() == undisturbed.read_bytes()
        logs = [[without_times(line) for line in read_log(file.parents[1] / "log.jsonl")] for file in (path, undisturbed)]
        assert logs[0] == logs[1]


MODEL = {"config": str(DEMO_CONFIG)}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"corpus": {}}, r"line 1: corpus: give either a recipe or a version"),
        ({"corpus": {"recipe": "r.yaml", "version": "v"}}, r"corpus: give either a recipe or a version"),
        ({"corpus": {"version": "v", "set": {"name": "x"}}}, r"corpus: nothing can be set in a version that is there"),
        ({"corpus": {"version": "v"}, "tokeniser": {}}, r"line 3: tokeniser: unknown key: did you mean 'tokenizer'\?"),
        ({"corpus": {"version": "v"}, "tokenizer": {"type": "wordpeace"}}, r"tokenizer: --type wordpeace: did you mean 'wordpiece'\?"),
        ({"corpus": {"version": "v"}, "tokenizer": {"vocab": 70000}}, r"tokenizer: --vocab 70000: .* has 69 to 65,536 ids"),
        ({"corpus": {"version": "v"}, "tokenizer": {"sample_bytes": "1 many"}}, r"tokenizer\.sample_bytes: '1 many' is no size"),
        ({"corpus": {"version": "v"}, "models": {"one": MODEL | {"sets": {}}}}, r"models\.one\.sets: unknown key: did you mean 'set'\?"),
        ({"corpus": {"version": "v"}, "models": {"one.two": MODEL}}, r"models\.one\.two.*: String should match pattern"),
        ({"corpus": {"version": "v"}, "models": {"one": {"config": "none.yaml"}}}, r"models\.one: .*none\.yaml: no such configuration"),
        (
            {"corpus": {"version": "v"}, "models": {"one": MODEL | {"set": {"horizn.steps": 1}}}},
            r"models\.one: .*demo\.yaml: horizn: unknown key: did you mean 'horizon'\?",
        ),
        (
            {"corpus": {"version": "v"}, "models": {"one": MODEL | {"set": {"horizon": {"hours": 1}}}}},
            r"models\.one: .*: give one of steps, tokens and hours",
        ),
        (
            {"corpus": {"version": "v"}, "models": {"one": MODEL | {"set": {"tokens": "other"}}}},
            r"models\.one: .*are what the steps before make: tokens=other can't be set",
        ),
        (
            {"corpus": {"version": "v"}, "models": {"one": MODEL | {"set": {"horizon": {"steps": 1}, "horizon.steps": 2}}}},
            r"models\.one\.set: horizon\.steps is set twice",
        ),
        ({"corpus": {"version": "v"}, "models": {"one": MODEL}}, r"no version 'v'"),
        ({"corpus": {"recipe": "none.yaml"}, "models": {"one": MODEL}}, r"none\.yaml: no such recipe"),
    ],
)
def test_a_mistake_is_told_before_anything_is_made(tmp_path: Path, content: dict[str, object], message: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    told = " ".join(dollma("run", path, "-w", tmp_path / "ws", code=1).stderr.split())
    assert re.search(message, told), told
    assert not (tmp_path / "ws").exists()


def test_the_papers_pipeline_is_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pipeline = load_settings(ALLMA, Pipeline)
    assert (pipeline.tokenizer.type, pipeline.tokenizer.vocab) == ("wordpiece", 64000)
    configs = [load_config(ALLMA.parent / model.config, (*assignments(model.set), "tokens=any")) for model in pipeline.models.values()]
    assert [config.model.shape for config in configs] == [SHAPES["bert"][size] for size in ("small", "base", "large")]
    monkeypatch.delenv("DOLLMA_DATA", raising=False)
    assert "needs the environment variable DOLLMA_DATA" in dollma("run", ALLMA, "-w", tmp_path / "ws", code=1).stderr


def test_the_demo_that_its_comment_has(tmp_path: Path) -> None:
    text = ALLMA.read_text(encoding="utf-8").replace("\\\n#", "")
    (line,) = (line.removeprefix("#") for line in text.splitlines() if "demo/recipe.yaml" in line)
    words = shlex.split(line.replace("demo-workspace", str(tmp_path / "ws")).replace("pipelines/allma.yaml", str(ALLMA)))
    told = dollma(*words[1:], "--set", "models.demo.set.horizon.steps=2").stdout
    assert folders(told)["corpus"].name.startswith("dollma-demo-")
    assert (folders(told)["model demo"] / "model.safetensors").is_file()


def test_torchrun_is_told_what_to_do(made: tuple[Path, str], recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert "torchrun --nproc-per-node" in dollma(*allma(recipe, made[0]), code=1).stderr


def test_without_torch_it_names_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert "pip install 'dollma[train]'" in dollma("run", ALLMA, "-w", tmp_path / "ws", code=1).stderr
    assert not (tmp_path / "ws").exists()


def test_values_keep_their_kind_on_the_way() -> None:
    values = {"a": {"b": 1e-05, "c": None, "d": {}}, "e.f": "a: [b", "g": ["x", {"y": True}], "h": "1e3"}
    lines = assignments(values)
    assert [line.partition("=")[0] for line in lines] == ["a.b", "a.c", "a.d", "e.f", "g", "h"]
    assert [yaml.safe_load(line.partition("=")[2]) for line in lines] == [1e-05, None, {}, "a: [b", ["x", {"y": True}], "1e3"]
    assert not any("\n" in line for line in lines)
