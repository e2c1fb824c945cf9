"""Vectors from what stands beside what: counts against a naive count, information against its formula, and what a model from scratch begins with."""

from __future__ import annotations

from math import log
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from modeling import cooccurrence
from modeling.cooccurrence import CONTEXTS, SMOOTHING, WINDOW, Document, Pairs, begin, count, drawn, vectors
from modeling.model import build, configured
from modeling.shapes import Shape
from modeling.tokens import Part, Split, open_tokens, write_store
from tests.modeling.stores import VOCABULARY, store

SIZE = 12
DOCUMENTS = st.lists(st.tuples(st.lists(st.integers(0, SIZE - 1), max_size=20), st.integers(1, 4)), max_size=6)


def documents(drawn_: list[tuple[list[int], int]]) -> list[Document]:
    return [Document(np.array(ids, np.uint16), copies) for ids, copies in drawn_]


def naive(asked: list[Document]) -> dict[tuple[int, int], float]:
    found: dict[tuple[int, int], float] = {}
    for ids, copies in asked:
        for i, token in enumerate(ids.tolist()):
            for j, other in enumerate(ids.tolist()):
                if i != j and abs(i - j) <= WINDOW:
                    found[token, other] = found.get((token, other), 0) + copies
    return found


def two_topics(folder: Path) -> Split:
    """Documents of ids 20 to 34 alone, and of 35 to 49 alone."""
    draw = np.random.default_rng(0)
    ids = np.concatenate([20 + 15 * (number % 2) + draw.integers(0, 15, 50) for number in range(200)]).astype(np.uint16)
    lengths, none = np.full(200, 50), np.zeros(200, np.int64)
    write_store(folder, {"train": [Part(ids, lengths, none, none + 1, lengths)]}, ("books",))
    return open_tokens(folder).split("train")


def as_dict(pairs: Pairs) -> dict[tuple[int, int], float]:
    return {
        (int(key) // CONTEXTS, int(pairs.contexts[int(key) % CONTEXTS])): float(number)
        for key, number in zip(pairs.keys, pairs.counts, strict=True)
    }


@given(DOCUMENTS)
def test_pairs_are_those_of_a_naive_count(asked: list[tuple[list[int], int]]) -> None:
    assert as_dict(count(documents(asked), SIZE)) == naive(documents(asked))


@given(DOCUMENTS)
def test_blocks_change_no_count(asked: list[tuple[list[int], int]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cooccurrence, "BLOCK", 7)
        small = count(documents(asked), SIZE)
    whole = count(documents(asked), SIZE)
    assert all(np.array_equal(one, other) for one, other in zip(small, whole, strict=True))


@settings(deadline=None)
@given(DOCUMENTS)
def test_cosines_are_those_of_the_information(asked: list[tuple[list[int], int]]) -> None:
    """With as many dimensions as there are, the vectors' products are those of the square root of the information's Gram matrix: compared with numpy's own."""
    pairs = count(documents(asked), SIZE)
    counted = naive(documents(asked))
    total = {token: sum(n for (one, _), n in counted.items() if one == token) for token in range(SIZE)}
    smooth = {token: n**SMOOTHING for token, n in total.items() if n}
    matrix = np.zeros((SIZE, SIZE))
    for (token, other), n in counted.items():
        matrix[token, other] = max(0.0, log(n * sum(smooth.values()) / (total[token] * smooth[other])))
    values, basis = np.linalg.eigh(matrix @ matrix.T)
    root = (basis * np.maximum(values, 0) ** 0.25) @ basis.T
    seen = np.array([total[token] > 0 for token in range(SIZE)])
    if not matrix.any():
        return
    root[seen] -= root[seen].mean(0)
    lengths = np.linalg.norm(root, axis=1, keepdims=True)
    expected = root / np.maximum(lengths, 1e-9)
    found = vectors(pairs, SIZE, seed=1).double().numpy()
    assert not found[~seen].any()
    clear = seen & (lengths[:, 0] > 1e-3)
    assert np.allclose((found @ found.T)[np.ix_(clear, clear)], (expected @ expected.T)[np.ix_(clear, clear)], atol=2e-2)


def test_a_model_begins_with_what_was_counted(tmp_path: Path) -> None:
    """Rows of tokens that the text has are alike where their neighbours are; others, and all other weights, stay as they were drawn; the bias is the frequencies."""
    split = two_topics(tmp_path / "store")
    config = configured("modernbert", Shape(hidden=32, heads=2, layers=1, ffn=32), VOCABULARY, 32)
    fresh, begun = build(config, 1), build(config, 1)
    begin(begun, split, 1)
    rows = begun.get_input_embeddings().weight.detach()
    inside, across = (float(torch.cosine_similarity(rows[20], rows[other], dim=0)) for other in (21, 41))
    assert inside > across + 0.3
    assert torch.equal(rows[60], fresh.get_input_embeddings().weight[60])
    assert torch.allclose(rows[20:50, :30].norm(dim=1), torch.tensor(0.02 * 30**0.5), rtol=1e-4), "as many columns as there are contexts"
    likely = torch.softmax(begun.decoder.bias.detach(), 0)
    assert torch.allclose(likely[20:50], torch.full((30,), float(likely[20])), rtol=0.2)
    assert likely[60] < likely[20] / 100
    changed = {name for (name, a), (_, b) in zip(fresh.named_parameters(), begun.named_parameters(), strict=True) if not torch.equal(a, b)}
    assert changed == {"model.embeddings.tok_embeddings.weight", "decoder.bias"}
    again = build(config, 1)
    begin(again, split, 1)
    assert torch.equal(rows, again.get_input_embeddings().weight)


def test_as_many_documents_are_drawn_as_hold_the_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    split = store(tmp_path, [10] * 50, [3] * 50).split("train")
    assert sum(len(document.ids) for document in drawn(split, 1)) == 500
    monkeypatch.setattr(cooccurrence, "MOST", 95)
    found = [[document.ids.tolist() for document in drawn(split, seed)] for seed in (1, 1, 2)]
    assert [len(one) for one in found] == [10, 10, 10]
    assert found[0] == found[1] != found[2]
    assert {document.copies for document in drawn(split, 1)} == {3}
