"""The model that a run starts from: a folder of someone's model, in float32, with the run's own dropout."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from torch import nn
from transformers import PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

from curation.errors import DollmaError
from curation.files import whole_file
from modeling.adaptation.foreign import CONFIG, fingerprint_of, open_model
from modeling.card import ScoreFact, StartFact
from modeling.config import Pretraining
from modeling.evaluation import Scores
from modeling.export import check_reading
from modeling.quiet import quiet
from modeling.ranks import Ranks

START = "start.json"


def kind_of(folder: Path) -> str:
    """What kind of model a folder holds: its `model_type`. Raises DollmaError where there is no configuration, or none that names one."""
    path = folder / CONFIG
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["model_type"])
    except FileNotFoundError as error:
        raise DollmaError(f"{path}: no such file: give the folder of a model that transformers loads") from error
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DollmaError(
            f"{path}: names no kind of model ({type(error).__name__}: {error}): take the folder from an undamaged copy"
        ) from error


def causal(folder: Path) -> bool:
    """Does the model of a folder predict next tokens? Kinds that transformers has no masked model of are decoders. Raises DollmaError as `kind_of`."""
    return kind_of(folder) not in MODEL_FOR_MASKED_LM_MAPPING_NAMES


def started(folder: Path, dropout: float, attention: str) -> PreTrainedModel:
    """The model of a folder, ready for training on the CPU. Its configuration keeps the dropout that it states, for those who fine-tune it later.

    Raises DollmaError as `modeling.adaptation.foreign.open_model`, and as `modeling.export.check_reading`: before the training, not after.
    """
    model = open_model(folder).model.float()
    with quiet():
        check_reading(folder, folder, special=False)
    model.set_attn_implementation(attention)
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = dropout
        if isinstance(getattr(module, "attention_dropout", None), float):
            module.attention_dropout = dropout
    return model.train()


def before(run: Path, config: Pretraining, measure: Callable[[], Mapping[str, Scores]], ranks: Ranks) -> StartFact:
    """What a run started from, with its scores, which are measured before the first step and kept in `RUN/start.json`. All ranks measure, the first one writes.

    Raises DollmaError where that file is damaged.
    """
    path, folder = run / START, Path(str(config.model.start)).resolve()
    if not path.exists():
        scores = {name: ScoreFact(**score.figures()) for name, score in measure().items()}
        fact = StartFact(name=model_name(folder), fingerprint=fingerprint_of(folder), validation=scores)
        if ranks.first:
            with whole_file(path) as temporary:
                temporary.write_text(fact.model_dump_json(indent=1) + "\n", encoding="utf-8")
        return fact
    try:
        return StartFact.model_validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DollmaError(f"{path}: damaged ({error}): remove the folder {run}, and the run begins anew") from error


def model_name(folder: Path) -> str:
    """What people call a model's folder: a run's name where it is the `final` of one."""
    return folder.parent.name if folder.name == "final" else folder.name
