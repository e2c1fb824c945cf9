"""A decoder's folder, opened with care, and what lm-eval asks of it.

lm-eval's own model class is used but for the tokens it makes. It has a tokenizer put its special tokens around a context and around context and continuation, and takes
what is longer for the continuation: where a tokenizer ends a text with a mark, as those of `dollma tokenizer` do with [SEP], the first token of each answer is then left
out and [SEP] scored in its stead. Here a text's tokens are made by `tokenizer.json` alone, and before them stands what the tokenizer puts there.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any, NamedTuple

import torch
from lm_eval.models.huggingface import HFLM
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerFast
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, MODEL_FOR_MASKED_LM_MAPPING_NAMES

from curation.errors import DollmaError
from modeling.adaptation.foreign import weight_files
from modeling.quiet import quiet
from modeling.tokenizer import load_tokenizer, vocabulary

CONFIG, CARD = "config.json", "card.json"
LONGEST = 2_048
"""Tokens of a context at most, whatever a model could read: of the tasks here none has more, but for examples shown."""
ROWS, NUMBERS = 32, 1 << 28
"""Of a batch: rows, and numbers of its logits [rows, tokens, vocabulary], a gigabyte."""

logging.getLogger("lm_eval").setLevel(
    logging.ERROR
)  # it warns of each model that it did not open itself, and of each context that is cut, which we count


class Decoder(NamedTuple):
    """An open model in float32, and its tokenizer. `begin` are the ids that the tokenizer puts before a text; `first` is the one that a text's first token is predicted
    from; `places` is the longest text in tokens."""

    model: PreTrainedModel
    tokenizer: Tokenizer
    begin: tuple[int, ...]
    first: int
    unknown: int
    places: int


def opened(folder: Path) -> Decoder:
    """Open a decoder's folder: on the GPU where there is one. Raises DollmaError as `check` and `weight_files`, and where the folder can't be loaded."""
    check(folder)
    with quiet():
        try:
            model, found = AutoModelForCausalLM.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False, use_safetensors=True, dtype=torch.float32, output_loading_info=True
            )
        except Exception as error:  # its checks, torch's and safetensors' raise some twenty kinds
            told = (str(error).strip().splitlines() or [""])[0][:200]
            raise DollmaError(f"{folder}: transformers can't load the model ({type(error).__name__}: {told})") from error
    if lacking := sorted(found["missing_keys"]):
        raise DollmaError(f"{folder}: the weights lack {len(lacking)} parts of a {type(model).__name__}, {lacking[0]} the first")
    tokenizer, words = load_tokenizer(folder), vocabulary(folder)
    rows = model.get_input_embeddings().weight.shape[0]
    if words.size > rows:
        raise DollmaError(f"{folder}: the tokenizer has ids up to {words.size - 1:,}, but the model has {rows:,} rows: not of one another")
    begin = _begin(tokenizer)
    unknown = words.unk if words.unk not in (words.sep, words.pad) else -1
    model = model.eval().to("cuda" if torch.cuda.is_available() else "cpu")
    return Decoder(model, tokenizer, begin, begin[-1] if begin else words.cls, unknown, _places(folder, model))


def check(folder: Path) -> None:
    """Raises DollmaError where a folder holds no decoder, or none whose weights are safetensors."""
    weight_files(folder)
    path = folder / CONFIG
    try:
        kind = json.loads(path.read_text(encoding="utf-8"))["model_type"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DollmaError(f"{path}: not a model's configuration ({type(error).__name__}): take it from an undamaged copy") from error
    if kind not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES or kind in MODEL_FOR_MASKED_LM_MAPPING_NAMES:
        raise DollmaError(f"{path}: {kind!r} is no decoder that transformers has; encoders are fine-tuned: `dollma bench run`")


def _begin(tokenizer: Tokenizer) -> tuple[int, ...]:
    """What stands before the first token of a text."""
    whole, plain = (tokenizer.encode("a", add_special_tokens=special).ids for special in (True, False))
    place = next((start for start in range(len(whole)) if whole[start : start + len(plain)] == plain), 0)
    return tuple(whole[:place])


def _places(folder: Path, model: PreTrainedModel) -> int:
    """As many as the rows had that a model of ours was trained on, which its card tells; else as its configuration says."""
    places = getattr(model.config.get_text_config(), "max_position_embeddings", None) or LONGEST
    try:
        trained = json.loads((folder / CARD).read_text(encoding="utf-8"))["training"]["settings"]["length"]
        return min(places, trained, LONGEST)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return min(places, LONGEST)  # no card of ours, or of a training without rows of one length


class Scorer(HFLM):
    """A decoder as lm-eval asks it. `cut` are the (context, continuation) that were longer than the model reads, of which the beginning was left out; `tokens` counts
    what was read."""

    def __init__(self, decoder: Decoder, places: int | None = None) -> None:
        self.decoder, self.cut, self.tokens = decoder, set[tuple[str, str]](), 0
        ends = decoder.tokenizer.id_to_token(decoder.first)
        super().__init__(
            pretrained=decoder.model,
            backend="causal",
            tokenizer=PreTrainedTokenizerFast(tokenizer_object=decoder.tokenizer, pad_token=ends, eos_token=ends),
            max_length=min(decoder.places, places or decoder.places),
            batch_size=ROWS,
            prefix_token_id=decoder.first,
        )

    def tok_encode(self, string: str, add_special_tokens: bool | None = None, left_truncate_len: int | None = None, **_: Any) -> list[int]:
        """The tokens of a text, and nothing around them."""
        ids: list[int] = self.decoder.tokenizer.encode(string, add_special_tokens=False).ids
        return ids[-left_truncate_len:] if left_truncate_len else ids

    def _encode_pair(self, context: str, continuation: str) -> tuple[list[int], list[int]]:
        """Ids of both. A continuation is never empty, for that would be sure, nor longer than the model reads."""
        before, asked = super()._encode_pair(context, continuation)
        before, asked = [*self.decoder.begin, *before] or [self.decoder.first], asked or [self.decoder.first]
        if len(before) + len(asked) > self.max_length + 1:
            self.cut.add((context, continuation))
        return before, asked[-self.max_length :]

    def loglikelihood(self, requests: list[Any], disable_tqdm: bool = True) -> list[tuple[float, bool]]:
        found: list[tuple[float, bool]] = super().loglikelihood(requests, disable_tqdm=True)
        return found

    def loglikelihood_rolling(self, requests: list[Any], disable_tqdm: bool = True) -> list[float]:
        found: list[float] = super().loglikelihood_rolling(requests, disable_tqdm=True)
        return found

    def _loglikelihood_tokens(self, requests: Any, **_: Any) -> list[tuple[float, bool]]:
        """Batches as large as memory lets them be, by the longest row: the same ones on each machine, so that sums are the same."""
        lengths = [min(len(before) + len(asked) - 1, self.max_length) for _, before, asked in requests]
        self.tokens += sum(lengths)
        self.batch_size_per_gpu = max(1, min(ROWS, NUMBERS // (max(lengths) * self.decoder.model.config.vocab_size)))
        try:
            found: list[tuple[float, bool]] = super()._loglikelihood_tokens(requests, disable_tqdm=True)
        finally:
            self.batch_size_per_gpu = ROWS
        return found

    def get_model_info(self) -> dict[str, Any]:
        """Nothing: lm-eval's would ask the Hub for the model's name."""
        return {}
