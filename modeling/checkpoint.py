"""Checkpoints: folders that are whole or absent, of tensors as safetensors and numbers as JSON, so that loading one runs nobody's code.

`checkpoints/00001000/` holds a model that `from_pretrained` opens (`model.safetensors`, `config.json`; with adapters, what is trained and nothing else), the optimiser's
state, and `state.json`: how far the run is, whose it is, and the checksum of each file. The state of the data is one integer, the number of samples seen. Nothing else is
remembered, for nothing else matters: order, masks and dropout are functions of the seed and that number.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from transformers import PreTrainedModel

from curation.errors import DollmaError
from curation.files import alone, checksum, remove_folder, remove_temporary, whole_file, whole_folder
from modeling import optimiser as optimisers
from modeling.settings import flat

FOLDER = "checkpoints"
STATE, WEIGHTS, OPTIMISER, CONFIG = "state.json", "model.safetensors", "optimiser.safetensors", "config.json"
RUN = "run.json"


@dataclass(frozen=True)
class State:
    """How far a run is: optimizer steps made, samples (rows) taken, tokens of text seen, seconds trained."""

    step: int = 0
    sample: int = 0
    tokens: int = 0
    seconds: float = 0.0
    losses: tuple[float, ...] = ()
    """Of the steps since the last line of the log, whose next line is a mean over them."""


def save(run: Path, model: PreTrainedModel, optimiser: torch.optim.AdamW, state: State, keep: int) -> Path:
    """Write a checkpoint, and remove all but the newest `keep`."""
    path = run / FOLDER / f"{state.step:08}"
    with whole_folder(path) as folder:
        weights = {name: tensor.detach().contiguous() for name, tensor in optimisers.trained(model).items()}
        save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
        save_file(optimisers.state(optimiser, model), folder / OPTIMISER)
        model.config.to_json_file(folder / CONFIG)
        files = {name: checksum(folder / name) for name in (WEIGHTS, OPTIMISER, CONFIG)}
        (folder / STATE).write_text(
            json.dumps({"state": asdict(state), "run": run.name, "files": files}, indent=1) + "\n", encoding="utf-8"
        )
    for old in checkpoints(run)[:-keep]:
        remove_folder(old)
    return path


def checkpoints(run: Path) -> list[Path]:
    """A run's checkpoints, oldest first."""
    return sorted(path for path in (run / FOLDER).glob("[0-9]*") if path.is_dir())


def load(path: Path, model: PreTrainedModel, optimiser: torch.optim.AdamW) -> State:
    """Put a checkpoint into a model and its optimiser. Raises DollmaError that names the file which is missing, damaged, or another run's."""
    stated = _stated(path)
    for name, digest in stated["files"].items():
        try:
            found = checksum(path / name)
        except OSError as error:
            raise _damaged(path, name, str(error)) from error
        if found != digest:
            raise _damaged(path, name, f"SHA-256 is {found}, {STATE} says {digest}")
    weights, remembered = (_tensors(path, name) for name in (WEIGHTS, OPTIMISER))
    parameters = optimisers.trained(model)
    if {name: tensor.shape for name, tensor in weights.items()} != {name: tensor.shape for name, tensor in parameters.items()}:
        raise _damaged(path, WEIGHTS, "its tensors are not this model's")
    with torch.no_grad():
        for name, tensor in weights.items():
            parameters[name].copy_(tensor)
    optimisers.restore(optimiser, model, remembered)
    return State(**{**stated["state"], "losses": tuple(stated["state"]["losses"])})


def _stated(path: Path) -> dict[str, Any]:
    try:
        stated = json.loads((path / STATE).read_text(encoding="utf-8"))
        State(**stated["state"])
        names, run = set(stated["files"]), stated["run"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(path, STATE, str(error)) from error
    if names != {WEIGHTS, OPTIMISER, CONFIG} or run != path.parent.parent.name:
        raise _damaged(path, STATE, f"it is of the run {run!r} and lists {sorted(names)}")
    return dict(stated)


def _tensors(path: Path, name: str) -> dict[str, torch.Tensor]:
    try:
        return load_file(path / name)
    except (OSError, SafetensorError) as error:
        raise _damaged(path, name, str(error)) from error


def _damaged(path: Path, name: str, why: str) -> DollmaError:
    return DollmaError(
        f"{path / name}: damaged ({why}): remove the folder {path}, and the run goes on from the checkpoint before, or from its start"
    )


def resume(run: Path, model: PreTrainedModel, optimiser: torch.optim.AdamW) -> State:
    """The newest checkpoint put into a model and its optimiser, or nothing where there is none."""
    newest = checkpoints(run)[-1:]
    return load(newest[0], model, optimiser) if newest else State()


@contextmanager
def claimed(run: Path, settings: Mapping[str, Any], tokens: str) -> Iterator[None]:
    """Within, a folder is this run's alone; what a killed one left half-written is cleared away.

    Raises DollmaError when another process is at it, and, naming the first setting that differs, when it is another run's.
    """
    with alone(run, "another process trains this run; wait for it, or stop it"):
        remove_temporary(run)
        _check_settings(run, {"settings": dict(settings), "tokens": tokens})
        yield


def _check_settings(run: Path, ours: dict[str, Any]) -> None:
    path = run / RUN
    if not path.exists():
        with whole_file(path) as temporary:
            temporary.write_text(json.dumps(ours, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        return
    try:
        theirs = flat(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise DollmaError(f"{path}: can't be read ({error}): remove the folder {run}, or name the run otherwise") from error
    mine = flat(json.loads(json.dumps(ours)))
    for key in sorted(mine.keys() | theirs.keys()):
        if mine.get(key) != theirs.get(key):
            raise DollmaError(
                f"{run}: another run's folder: {key.removeprefix('settings.')} is {theirs.get(key)!r} there and {mine.get(key)!r} here; "
                "name this run otherwise (`name`), or remove the folder"
            )
