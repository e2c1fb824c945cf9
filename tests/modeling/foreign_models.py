"""Models of others, tiny: folders with a model that was never trained and the tokenizer of `tests.modeling.tiny`, or one with XLM-R's special tokens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import AddedToken, Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from transformers import (
    BertConfig,
    BertForMaskedLM,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
    XLMRobertaConfig,
    XLMRobertaForMaskedLM,
)

from modeling.tokenizer import tokenizer_fingerprint
from modeling.tokens import Specials, write_store
from tests.modeling.tiny import SIZE, SOURCES, STORE, TOKENIZER, VERSION, part

XLMR = {"[CLS]": "<s>", "[PAD]": "<pad>", "[SEP]": "</s>", "[UNK]": "<unk>", "[MASK]": "<mask>"}
"""XLM-R's names, in the order of its ids."""
XLMR_STORE = "tiny-0123-xlmr-cdef"
_WIDTHS: dict[str, Any] = {"vocab_size": SIZE, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}


GROUPED: dict[str, Any] = {"mistral": (MistralForCausalLM, MistralConfig), "qwen3": (Qwen3ForCausalLM, Qwen3Config)}
"""Decoders whose queries share keys and values."""


def made(kind: str, seed: int = 5, **changes: Any) -> PreTrainedModel:
    """A model of a kind that transformers has: two layers of 32, 256 rows, with dropout in its configuration where the kind has it."""
    torch.manual_seed(seed)
    if kind == "llama":
        names = {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3}
        return LlamaForCausalLM(
            LlamaConfig(**_WIDTHS | {"max_position_embeddings": 128, "tie_word_embeddings": False} | names | changes)
        ).eval()
    if kind == "xlm-roberta":
        names = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "type_vocab_size": 1}
        return XLMRobertaForMaskedLM(XLMRobertaConfig(**_WIDTHS | {"max_position_embeddings": 130} | names | changes)).eval()
    if kind in GROUPED:
        model, config = GROUPED[kind]
        names = {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3, "num_key_value_heads": 1}
        return model(config(**_WIDTHS | {"max_position_embeddings": 128} | names | changes)).eval()
    return BertForMaskedLM(BertConfig(**_WIDTHS | {"max_position_embeddings": 128, "pad_token_id": 0} | changes)).eval()


def saved(place: Path, kind: str, name: str = "", **changes: Any) -> Path:
    """Its folder, WORKSPACE/others/NAME, with the tokenizer whose store is in the workspace; XLM-R gets a store of its own, `XLMR_STORE`."""
    folder = place / "others" / (name or kind)
    made(kind, **changes).save_pretrained(folder)
    for file in (place / "tokenizers" / TOKENIZER).iterdir():
        text = file.read_text(encoding="utf-8")
        (folder / file.name).write_text(_renamed(text) if kind == "xlm-roberta" else text, encoding="utf-8")
    if kind == "xlm-roberta" and not (place / "tokens" / XLMR_STORE).exists():
        draw = np.random.default_rng(1)
        with_which = {"name": folder.name, "fingerprint": tokenizer_fingerprint(folder), "size": SIZE}
        facts: dict[str, Any] = {"version": {"name": VERSION, "fingerprint": "0123abcd"}, "tokenizer": with_which}
        splits = {"train": [part(draw, 60)], "validation": [part(draw, 12)]}
        write_store(place / "tokens" / XLMR_STORE, splits, SOURCES, Specials(pad=1, cls=0, sep=2), **facts)
    return folder


def store_of(kind: str) -> str:
    """The store that goes with the tokenizer of such a folder."""
    return XLMR_STORE if kind == "xlm-roberta" else STORE


def _renamed(text: str) -> str:
    """A tokenizer's file with XLM-R's special tokens, ids 0 to 4 in its order."""
    stated = json.loads(text)
    if "model" not in stated:
        for old, new in XLMR.items():
            text = text.replace(json.dumps(old), json.dumps(new))
        return text
    numbers = {new: number for number, new in enumerate(XLMR.values())}
    stated["model"]["vocab"] = numbers | {piece: number for piece, number in stated["model"]["vocab"].items() if piece not in XLMR}
    stated["model"]["unk_token"] = XLMR["[UNK]"]
    stated["added_tokens"] = [
        one | {"content": XLMR[one["content"]], "id": numbers[XLMR[one["content"]]]} for one in stated["added_tokens"]
    ]
    stated["added_tokens"].sort(key=lambda one: one["id"])
    processor = json.dumps(stated["post_processor"])
    for old, new in XLMR.items():
        processor = processor.replace(json.dumps(old), json.dumps(new))
    stated["post_processor"] = json.loads(processor)
    for token in stated["post_processor"]["special_tokens"].values():
        token["ids"] = [numbers[token["id"]]]
    return json.dumps(stated, ensure_ascii=False)


CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def chatty(folder: Path, template: str | None = CHATML) -> Path:
    """A small Llama that reads bytes, with the marks of ChatML and perhaps a chat template."""
    alphabet = sorted(ByteLevel.alphabet())
    specials = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
    reader = Tokenizer(BPE({letter: number for number, letter in enumerate(alphabet)}, []))
    reader.pre_tokenizer, reader.decoder = ByteLevel(add_prefix_space=False), ByteLevelDecoder()
    reader.add_special_tokens([AddedToken(name, special=True) for name in specials])
    names: dict[str, Any] = {"eos_token": specials[0], "pad_token": specials[0], "chat_template": template}
    PreTrainedTokenizerFast(tokenizer_object=reader, **names).save_pretrained(folder)
    ends = len(alphabet)
    made("llama", vocab_size=320, pad_token_id=ends, bos_token_id=ends, eos_token_id=ends, max_position_embeddings=256).save_pretrained(
        folder
    )
    return folder
