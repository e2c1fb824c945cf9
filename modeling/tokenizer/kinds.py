"""The four kinds of tokenizer, and how each is built from pieces so that AutoTokenizer loads it.

| kind | writes | unknown characters | what decoding loses |
|---|---|---|---|
| wordpiece | `##` where a word goes on; the longest piece first | `[UNK]`, for the character alone | white space between signs and words |
| bpe | `##` where a word goes on; merges in order | their bytes | the same |
| byte-bpe | `Ġ` for the space before a word; bytes as letters | there are none | nothing |
| unigram | `▁` for the space before a word; the likeliest pieces | their bytes | kinds of white space |
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from modeling.tokenizer.letters import LETTER_OF
from modeling.tokenizer.pieces import PREFIX, Pieces
from modeling.tokenizer.saved import SPECIAL
from modeling.tokenizer.words import EVERY, Letters, spaced_pattern, word_pattern

KINDS = ("wordpiece", "bpe", "byte-bpe", "unigram")
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
SPACE = "▁"
UNK = SPECIAL[1]
MOST_CHARACTERS = 400
"""In a word that WordPiece looks at: more than the longest that a pattern lets through, so that none is unknown for its length."""


def specials(kind: str) -> list[str]:
    """What stands before the pieces: the five special tokens; and, where characters fall back to bytes, these."""
    return [*SPECIAL, *(BYTES if kind in ("bpe", "unigram") else [])]


def build(kind: str, pieces: Pieces, size: int, letters: Letters, normaliser: normalizers.Normalizer) -> Tokenizer:
    """A tokenizer of exactly `size` ids: special tokens, pieces, and reserved ones to fill."""
    names = [*specials(kind), *pieces.vocabulary]
    names += [f"[unused{number}]" for number in range(size - len(names))]
    tokenizer = Tokenizer(_MODELS[kind]({name: number for number, name in enumerate(names)}, pieces.merges))
    return _finished(tokenizer, kind, letters, normaliser)


def build_unigram(pieces: list[tuple[str, float]], size: int, letters: Letters, normaliser: normalizers.Normalizer) -> Tokenizer:
    """A Unigram tokenizer of exactly `size` ids from pieces and their log probabilities; what is not learnt is less likely than all that is."""
    least = min((score for _, score in pieces), default=0.0) - 10.0
    vocabulary = [*((name, least) for name in specials("unigram")), *pieces]
    vocabulary += [(f"[unused{number}]", least) for number in range(size - len(vocabulary))]
    return _finished(Tokenizer(models.Unigram(vocabulary, unk_id=SPECIAL.index(UNK), byte_fallback=True)), "unigram", letters, normaliser)


def cutter(kind: str, letters: Letters) -> pre_tokenizers.PreTokenizer:
    """What cuts normalised text into words."""
    if kind == "byte-bpe":
        split = pre_tokenizers.Split(Regex(spaced_pattern(EVERY, " ")), "removed", invert=True)
        return pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    pattern = spaced_pattern(letters, SPACE) if kind == "unigram" else word_pattern(letters)
    return pre_tokenizers.Split(Regex(pattern), "removed", invert=True)


def spaced(kind: str, normaliser: normalizers.Normalizer) -> normalizers.Normalizer:
    """The normaliser of a kind that writes spaces: the first word of a text gets one too, so that it is no other piece than further on."""
    if kind == "byte-bpe":
        return normalizers.Sequence([normaliser, normalizers.Prepend(" ")])
    if kind == "unigram":
        return normalizers.Sequence([normaliser, normalizers.Prepend(" "), normalizers.Replace(Regex(r"\s+"), SPACE)])
    return normaliser


def _finished(tokenizer: Tokenizer, kind: str, letters: Letters, normaliser: normalizers.Normalizer) -> Tokenizer:
    tokenizer.normalizer = spaced(kind, normaliser)
    tokenizer.pre_tokenizer = cutter(kind, letters)
    tokenizer.decoder = _decoder(kind)
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in SPECIAL])
    cls, sep = SPECIAL.index("[CLS]"), SPECIAL.index("[SEP]")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0", pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1", special_tokens=[("[CLS]", cls), ("[SEP]", sep)]
    )
    return tokenizer


def _decoder(kind: str) -> decoders.Decoder:
    if kind == "byte-bpe":
        return decoders.Sequence([decoders.ByteLevel(), decoders.Strip(" ", 1, 0)])
    if kind == "unigram":
        parts = [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
        return decoders.Sequence(parts)
    joined = decoders.WordPiece(PREFIX, cleanup=False)
    return decoders.Sequence([decoders.ByteFallback(), joined]) if kind == "bpe" else joined


_MODELS: dict[str, Callable[[dict[str, int], list[tuple[str, str]]], Any]] = {
    "wordpiece": lambda vocabulary, _: models.WordPiece(
        vocabulary, unk_token=UNK, max_input_chars_per_word=MOST_CHARACTERS, continuing_subword_prefix=PREFIX
    ),
    "bpe": lambda vocabulary, merges: models.BPE(vocabulary, merges, unk_token=UNK, continuing_subword_prefix=PREFIX, byte_fallback=True),
    "byte-bpe": models.BPE,
}
BYTE_ALPHABET = [LETTER_OF[byte] for byte in range(256)]
"""The pieces that byte-level tokenizers begin with, in the order of bytes."""
