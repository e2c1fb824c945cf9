"""Models of others: a folder that transformers loads, opened with care, named by what is in it, and written again with another vocabulary.

Nothing of a folder is run: weights are safetensors (a pickle may hold any program), code beside them is not loaded, and nothing is fetched from anywhere.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer, PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

from curation.errors import DollmaError, nearest
from curation.files import checksum, whole_folder
from curation.fingerprint import fingerprint
from modeling.adaptation.stated import Content, read, renumbered
from modeling.model import HEADS
from modeling.quiet import quiet
from modeling.tokenizer.saved import CONFIG as TOKENIZER_CONFIG
from modeling.tokenizer.saved import TOKENIZER, load_tokenizer

CONFIG = "config.json"
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack")
BESIDE = ("generation_config.json", TOKENIZER, TOKENIZER_CONFIG, "special_tokens_map.json", "chat_template.jinja")
"""What else decides how a model reads and writes."""
MAX_BYTES = 64 << 20
"""The largest JSON file read beside `tokenizer.json`; the index of a model of hundreds of shards has 100 kB."""
COPIED = ("special_tokens_map.json", "chat_template.jinja")
"""What holds no ids and goes on as it is. Vocabularies in other forms (vocab.txt, merges.txt, SentencePiece's) would contradict the new one, and stay behind."""


class Foreign(NamedTuple):
    """An open model, in the precision that it is stored in, on the CPU. `causal`: it predicts next tokens, not masked ones."""

    folder: Path
    model: PreTrainedModel
    causal: bool


def open_model(folder: Path) -> Foreign:
    """Open a model's folder.

    Raises DollmaError, which names folder and file, for what is missing or damaged, weights that are a pickle only or lack a part of the model (its head, say), adapters,
    a kind of model that no packed forward pass is known for, and a tokenizer with more ids than the model has rows.
    """
    kind = _config(folder)["model_type"]
    weight_files(folder)
    causal = kind not in MODEL_FOR_MASKED_LM_MAPPING_NAMES
    loader = AutoModelForCausalLM if causal else AutoModelForMaskedLM
    with quiet():
        try:
            model, found = loader.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False, use_safetensors=True, dtype="auto", output_loading_info=True
            )
        except Exception as error:  # its checks, torch's and safetensors' raise some twenty kinds
            raise DollmaError(f"{folder}: transformers can't load the model ({type(error).__name__}: {_first_line(error)})") from error
    if lacking := sorted(found["missing_keys"]):
        told = f"{len(lacking)} parts of a {type(model).__name__}, {lacking[0]} the first"
        raise DollmaError(
            f"{folder}: the weights lack {told}: take the checkpoint that was pre-trained, not one fine-tuned for another task"
        )
    tokenizer, rows = load_tokenizer(folder), model.get_input_embeddings().weight.shape[0]
    highest = max(tokenizer.get_vocab(with_added_tokens=True).values(), default=-1)
    if highest >= rows:
        raise DollmaError(f"{folder / TOKENIZER}: ids up to {highest:,}, but the model has {rows:,} rows: they don't belong together")
    return Foreign(folder, model.eval(), causal)


def fingerprint_of(folder: Path) -> str:
    """A hash of the files that make a model what it is: configuration, weights, tokenizer; the same wherever the folder stands. Raises DollmaError as `weight_files`."""
    files = [folder / CONFIG, *weight_files(folder), *(folder / name for name in BESIDE if (folder / name).is_file())]
    return fingerprint({path.name: checksum(path) for path in files})


def weight_files(folder: Path) -> list[Path]:
    """The files with a model's weights, and their index. Raises DollmaError where they or `config.json` are missing, and where there is a pickle or an adapter only."""
    for needed, remedy in ((CONFIG, "give the folder of a model that transformers loads"), (TOKENIZER, "a model goes with its tokenizer")):
        if not (folder / needed).is_file():
            raise DollmaError(f"{folder / needed}: no such file: {remedy}")
    if (folder / INDEX).is_file() and not (folder / WEIGHTS).is_file():
        shards = _shards(folder / INDEX)
        if absent := [name for name in shards if not (folder / name).is_file()]:
            raise DollmaError(f"{folder / absent[0]}: no such file, but {INDEX} names it: the folder is not complete")
        return [folder / INDEX, *(folder / name for name in shards)]
    if (folder / "adapter_config.json").is_file():
        raise DollmaError(f"{folder}: an adapter, not a model: merge it into its model first")
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    if pickles := sorted(path.name for pattern in PICKLES for path in folder.glob(pattern)):
        raise DollmaError(
            f"{folder}: no {WEIGHTS}, but {pickles[0]}, which could run anything: convert it to safetensors where you trust it"
        )
    raise DollmaError(f"{folder / WEIGHTS}: no such file, nor {INDEX}: give the folder of a model that transformers loads")


def _shards(index: Path) -> list[str]:
    stated = _json(index)
    names = set(stated["weight_map"].values()) if isinstance(stated.get("weight_map"), dict) else set()
    if not names or any(not isinstance(name, str) or Path(name).name != name or not name.endswith(".safetensors") for name in names):
        raise DollmaError(f"{index}: its weight_map names no safetensors files of its own folder: take it from an undamaged copy")
    return sorted(names)


def _config(folder: Path) -> Content:
    config = _json(folder / CONFIG)
    kind = config.get("model_type")
    if not isinstance(kind, str) or kind not in HEADS:
        raise DollmaError(f"{folder / CONFIG}: model_type {kind!r}: no packed forward pass is known for it: {nearest(str(kind), HEADS)}")
    return config


def _json(path: Path) -> Content:
    """A small JSON object. Raises DollmaError where it is missing, too large, or none."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DollmaError(f"{path}: {path.stat().st_size:,} bytes; no such file has more than {MAX_BYTES:,}")
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DollmaError(
            f"{path}: not readable ({type(error).__name__}: {error}): give the folder of a model that transformers loads"
        ) from error
    if not isinstance(content, dict):
        raise DollmaError(f"{path}: a {type(content).__name__}, not a mapping: take it from an undamaged copy")
    return content


def named_ids(model: PreTrainedModel) -> set[int]:
    """Ids that the configurations of a model name: of padding, beginnings, ends."""
    return {
        number
        for part in _configurations(model)
        for value in _ids(part).values()
        for number in (value if isinstance(value, list) else [value])
    }


def rename_ids(model: PreTrainedModel, numbers: Mapping[int, int]) -> None:
    """Give the ids that the configurations of a model name their new numbers; what named no token names none afterwards."""
    for part in _configurations(model):
        for name, value in _ids(part).items():
            new = [numbers[one] for one in value if one in numbers] if isinstance(value, list) else numbers.get(value)
            setattr(part, name, new)


def _configurations(model: PreTrainedModel) -> list[Any]:
    return [part for part in (model.config, getattr(model, "generation_config", None)) if part is not None]


def _ids(configuration: Any) -> dict[str, Any]:
    stated = configuration.to_dict().items()
    return {
        name: value
        for name, value in stated
        if name.endswith("_token_id") and (isinstance(value, list) or (isinstance(value, int) and value >= 0))
    }


def write_model(opened: Foreign, content: Content, numbers: Mapping[int, int], target: Path) -> None:
    """Write a model whose rows have been changed, with a tokenizer's new `content`; `numbers` are the new ids of old ones. The folder appears whole or not at all.

    AutoTokenizer takes `tokenizer.json` as it stands: for many kinds of model transformers 5 builds a tokenizer of its own from the vocabulary, with its own normaliser.
    Raises DollmaError where the tokenizer that was written is not the one meant.
    """
    config = _tokenizer_config(opened.folder, content, numbers)
    rename_ids(opened.model, numbers)
    with whole_folder(target) as temporary, quiet():
        opened.model.save_pretrained(temporary)
        for name, written in ((TOKENIZER, renumbered(content, numbers)), (TOKENIZER_CONFIG, config)):
            (temporary / name).write_text(json.dumps(written, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        for name in COPIED:
            if (opened.folder / name).is_file():
                shutil.copyfile(opened.folder / name, temporary / name)
        _check(opened.folder, temporary, numbers)


def _tokenizer_config(folder: Path, content: Content, numbers: Mapping[int, int]) -> Content:
    """The configuration of the folder's tokenizer for `tokenizer.json` as it stands, with what its class added by itself: names of special tokens, inputs, sides."""
    stated = _json(folder / TOKENIZER_CONFIG) if (folder / TOKENIZER_CONFIG).is_file() else {}
    try:
        with quiet():
            known = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # as above
        raise DollmaError(f"{folder}: transformers can't load the tokenizer ({type(error).__name__}: {_first_line(error)})") from error
    config = {name: value for name, value in stated.items() if name not in ("auto_map", "tokenizer_file", "vocab_file", "name_or_path")}
    for name, value in stated.items():
        if name.endswith("_token_id") and isinstance(value, int):
            config[name] = numbers.get(value)
    config["added_tokens_decoder"] = _decoder(stated.get("added_tokens_decoder"), numbers)
    there = {token["content"] for token in content["added_tokens"]}
    tokens = {name: value for name, value in known.special_tokens_map.items() if isinstance(value, str) and value in there}
    sides = {"padding_side": known.padding_side, "truncation_side": known.truncation_side, "model_max_length": known.model_max_length}
    return config | tokens | sides | {"model_input_names": known.model_input_names, "tokenizer_class": "PreTrainedTokenizerFast"}


def _decoder(stated: Any, numbers: Mapping[int, int]) -> Content:
    old = {int(number): token for number, token in stated.items() if str(number).isdecimal()} if isinstance(stated, dict) else {}
    return {str(numbers[number]): token for number, token in sorted(old.items()) if number in numbers}


def _check(before: Path, after: Path, numbers: Mapping[int, int]) -> None:
    """Every token that stays must have the id meant: `tokenizers` numbers added tokens by itself."""
    old, new = read(before).tokens, read(after).tokens
    for number, goal in numbers.items():
        if new.get(goal) != old[number]:
            raise DollmaError(f"{before / TOKENIZER}: token {old[number]!r} got another id than {goal}: report this; nothing was written")


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [""])[0][:200]
