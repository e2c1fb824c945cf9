"""Small models of others' kinds with their tokenizers, made fresh: what folders of XLM-R, mBERT, Llama 2 and Llama 3 look like, a thousand times smaller.

Their vocabularies are learnt from words of two languages that are made up of stems and endings, so that a text in one of them leaves the other's pieces unused.
"""

from __future__ import annotations

import json
import re
import struct
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from string import ascii_letters
from typing import Any

import numpy as np
import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForMaskedLM,
    LlamaConfig,
    LlamaForCausalLM,
    ModernBertConfig,
    ModernBertForMaskedLM,
    PreTrainedModel,
    XLMRobertaConfig,
    XLMRobertaForMaskedLM,
)

from modeling.tokenizer.kinds import BYTE_ALPHABET, BYTES
from modeling.tokenizer.likely import likely_pieces
from modeling.tokenizer.pieces import byte_symbols, learn, prefixed_alphabet, prefixed_symbols
from modeling.tokenizer.sample import WEIGHT_UNIT

STEMS = ("kitab", "şəhər", "dağ", "çörək", "günəş", "ağac", "Bakı", "İsmayıl", "müəllim", "uşaq", "köhnə", "yağış", "ixtiyar", "qız", "əl")
ENDINGS = ("", "lar", "lər", "ın", "in", "dan", "dən", "a", "ə", "larımız", "lərimiz", "da", "də", "çı", "lıq")
OTHER_STEMS = ("house", "river", "window", "stone", "paper", "mountain", "bridge", "winter", "garden", "silver", "Thames", "John")
OTHER_ENDINGS = ("", "s", "ed", "ing", "ly", "ness", "'s", "less", "ful", "er")
SIGNS = (".", ",", "!", "?", ":", "-", "2024", "7")
HAN = "山川日月"


def prose(seed: int, words: int, other: bool = False) -> str:
    """Words drawn with a fixed seed, some signs between them."""
    draw = np.random.default_rng(seed)
    stems, endings = (OTHER_STEMS, OTHER_ENDINGS) if other else (STEMS, ENDINGS)
    drawn = [stems[draw.integers(len(stems))] + endings[draw.integers(len(endings))] for _ in range(words)]
    return " ".join(word + (SIGNS[draw.integers(len(SIGNS))] if draw.random() < 0.2 else "") for word in drawn)


TEXTS = [prose(seed, 40) for seed in range(12)]
"""In the language that models are adapted to."""
OTHERS = [prose(seed, 40, other=True) for seed in range(12)]
RARE = f"{HAN[:2]} ©x ən–ən"
"""Signs that some of the tokenizers don't know."""


def counted(before: str, texts: list[str]) -> Counter[str]:
    """Words of texts for a trainer."""
    found = Counter(word for text in texts for word in re.findall(r"\w+|[^\w\s]", text))
    return Counter({(before if word.isalnum() else "") + word: count * WEIGHT_UNIT for word, count in found.items()})


def letters() -> set[str]:
    """All characters of both languages, the Latin alphabet, and some of a large script."""
    return {c for text in [*TEXTS, *OTHERS, *STEMS, *OTHER_STEMS, *ENDINGS, *SIGNS, HAN, ascii_letters] for c in text} - {" "}


def _save(folder: Path, tokenizer: Tokenizer, config: dict[str, Any], model: PreTrainedModel) -> Path:
    model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    decoder = {
        str(number): {
            "content": token.content,
            "lstrip": token.lstrip,
            "rstrip": token.rstrip,
            "normalized": token.normalized,
            "single_word": token.single_word,
            "special": token.special,
        }
        for number, token in tokenizer.get_added_tokens_decoder().items()
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config | {"added_tokens_decoder": decoder}), encoding="utf-8")
    return folder


def _shape(rows: int) -> dict[str, Any]:
    return {
        "vocab_size": rows,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "initializer_range": 0.3,
    }


def _drawn(model: PreTrainedModel) -> PreTrainedModel:
    """With a bias, where the head has one, that is not 0."""
    bias = getattr(model.get_output_embeddings(), "bias", None)
    if bias is not None:
        torch.nn.init.normal_(bias)
    return model


def _special(names: list[str]) -> list[AddedToken]:
    return [AddedToken(name, special=True, normalized=False, lstrip=name == "<mask>") for name in names]


NOTHING = struct.pack("<257I", 1024, *[0] * 256) + bytes(1)
"""A table of SentencePiece's normaliser that changes nothing."""


def xlmr(folder: Path, texts: list[str] | None = None, wanted: int = 500) -> Path:
    """Unigram, `▁`; `<s> <pad> </s> <unk>` first and `<mask>` last; positions counted from the padding id; templates, padding and truncation that state ids."""
    words = counted("▁", texts or [*TEXTS, *OTHERS])
    scored = likely_pieces(words, sorted(letters() | {"▁"}), wanted)
    vocabulary = [*((name, 0.0) for name in ("<s>", "<pad>", "</s>", "<unk>")), *scored, ("<mask>", 0.0)]
    made = Tokenizer(models.Unigram(vocabulary, unk_id=3, byte_fallback=False))
    made.normalizer = normalizers.Sequence([normalizers.Precompiled(NOTHING), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace("▁", "always")])
    made.decoder = decoders.Metaspace("▁", "always")
    made.add_special_tokens(_special(["<s>", "<pad>", "</s>", "<unk>", "<mask>"]))
    made.post_processor = processors.TemplateProcessing("<s> $A </s>", "<s> $A </s> </s> $B </s>", [("<s>", 0), ("</s>", 2)])
    made.enable_truncation(70)
    made.enable_padding(pad_id=1, pad_token="<pad>")  # noqa: S106
    torch.manual_seed(1)
    config = XLMRobertaConfig(**_shape(len(vocabulary)), max_position_embeddings=82, pad_token_id=1, bos_token_id=0, eos_token_id=2)
    about = {"model_max_length": 80, "tokenizer_class": "XLMRobertaTokenizer", "mask_token": "<mask>"}
    return _save(folder, made, about, _drawn(XLMRobertaForMaskedLM(config)))


def _word_pieces(wanted: int) -> tuple[Tokenizer, list[str]]:
    pieces = learn(counted("", [*TEXTS, *OTHERS]), prefixed_symbols, prefixed_alphabet(letters()), wanted).vocabulary
    vocabulary = ["[PAD]", *(f"[unused{n}]" for n in range(1, 40)), "[UNK]", "[CLS]", "[SEP]", "[MASK]", *pieces]
    made = Tokenizer(models.WordPiece({piece: n for n, piece in enumerate(vocabulary)}, unk_token="[UNK]"))  # noqa: S106
    made.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    made.pre_tokenizer, made.decoder = pre_tokenizers.BertPreTokenizer(), decoders.WordPiece("##")
    made.add_special_tokens(_special(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]))
    cls, sep = ("[CLS]", vocabulary.index("[CLS]")), ("[SEP]", vocabulary.index("[SEP]"))
    made.post_processor = processors.BertProcessing(sep, cls)
    return made, vocabulary


def mbert(folder: Path, wanted: int = 500) -> Path:
    """WordPiece; `[unused…]` between the special tokens; the older post-processor."""
    made, vocabulary = _word_pieces(wanted)
    torch.manual_seed(2)
    config = BertConfig(**_shape(len(vocabulary)), max_position_embeddings=80, pad_token_id=0)
    about = {"model_max_length": 80, "tokenizer_class": "BertTokenizer", "do_lower_case": False, "strip_accents": False}
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    return _save(folder, made, about, _drawn(BertForMaskedLM(config)))


def modern(folder: Path, wanted: int = 500) -> Path:
    """The same tokenizer in a ModernBERT, whose configuration names more ids."""
    made, vocabulary = _word_pieces(wanted)
    ids = {f"{name}_token_id": vocabulary.index(f"[{name.upper()}]") for name in ("pad", "cls", "sep")}
    torch.manual_seed(3)
    config = ModernBertConfig(
        **_shape(len(vocabulary)), max_position_embeddings=80, bos_token_id=None, eos_token_id=ids["sep_token_id"], **ids
    )
    names = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
    about = {"model_max_length": 80, "tokenizer_class": "PreTrainedTokenizerFast"} | names
    return _save(folder, made, about, _drawn(ModernBertForMaskedLM(config)))


SPLIT = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
RESERVED = [f"<|reserved_special_token_{n}|>" for n in range(6)]


def llama3(folder: Path, wanted: int = 700) -> Path:
    """Byte-level BPE that takes whole words first; special tokens behind the vocabulary, not in it; output rows of their own, and more rows than ids."""
    pieces = learn(counted(" ", [*TEXTS, *OTHERS]), byte_symbols, BYTE_ALPHABET, wanted)
    made = Tokenizer(models.BPE({piece: n for n, piece in enumerate(pieces.vocabulary)}, pieces.merges, ignore_merges=True))
    split = pre_tokenizers.Split(Regex(SPLIT), "isolated")
    made.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens(_special(["<|begin_of_text|>", "<|end_of_text|>", *RESERVED, "<|eot_id|>"]))
    begin, end, turn = (made.token_to_id(name) for name in ("<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"))
    template = processors.TemplateProcessing(
        "<|begin_of_text|> $A", "<|begin_of_text|> $A <|begin_of_text|>:1 $B:1", [("<|begin_of_text|>", begin)]
    )
    made.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=True), template])
    torch.manual_seed(4)
    ids: dict[str, Any] = {"bos_token_id": begin, "eos_token_id": [end, turn], "pad_token_id": None}
    config = LlamaConfig(**_shape(made.get_vocab_size() + 30), max_position_embeddings=80, tie_word_embeddings=False, **ids)
    model = LlamaForCausalLM(config)
    model.generation_config.eos_token_id = [end, turn]
    about = {
        "model_max_length": 80,
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<|begin_of_text|>",
        "eos_token": "<|end_of_text|>",
    }
    return _save(folder, made, about | {"chat_template": "{% for m in messages %}{{ m['content'] }}<|eot_id|>{% endfor %}"}, model)


def llama2(folder: Path, wanted: int = 400) -> Path:
    """BPE with `▁` and bytes for unknown characters, over whole texts: the normaliser writes the spaces, and nothing is cut beforehand."""
    singles = sorted(letters() - set(HAN) | {"▁"})
    pieces = learn(counted("▁", [*TEXTS, *OTHERS]), list, singles, wanted)
    names = ["<unk>", "<s>", "</s>", *BYTES, *pieces.vocabulary]
    made = Tokenizer(
        models.BPE({piece: n for n, piece in enumerate(names)}, pieces.merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)  # noqa: S106
    )
    made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    made.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    made.add_special_tokens(_special(["<unk>", "<s>", "</s>"]))
    made.post_processor = processors.TemplateProcessing("<s> $A", "<s> $A <s>:1 $B:1", [("<s>", 1)])
    torch.manual_seed(5)
    config = LlamaConfig(**_shape(len(names)), max_position_embeddings=400, bos_token_id=1, eos_token_id=2, tie_word_embeddings=True)
    about = {"model_max_length": 400, "tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    return _save(folder, made, about, LlamaForCausalLM(config))


KINDS: dict[str, Callable[[Path], Path]] = {"xlmr": xlmr, "mbert": mbert, "modern": modern, "llama3": llama3, "llama2": llama2}
