"""Scores are a model's and a text's, not the batch's: the same for any batch size and number of ranks, and equal to sums done by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForMaskedLM, LlamaConfig, LlamaForCausalLM, PreTrainedModel

from modeling.cross_entropy import IGNORED
from modeling.evaluation import RATE, Questions, Scores, add_up, evaluate, evaluate_unigram, questions, total, unigram
from modeling.tokenizer import Vocabulary
from modeling.tokens import Part, Rows, Tokens, open_tokens, pack, write_store

SIZE, LENGTH = 128, 32
UNK = 1
SOURCES = ("books", "laws", "news")
SHAPE = {"vocab_size": SIZE, "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    """Ids 5 to 119 are ordinary, from 60 on they continue a word; the last 8 are reserved."""
    ordinary = np.arange(5, 120)
    lengths = np.zeros(SIZE, np.int32)
    lengths[ordinary] = ordinary % 7 + 1
    continues = np.arange(SIZE) >= 60
    return Vocabulary(SIZE, 0, UNK, 2, 3, 4, frozenset(range(5)), ordinary, continues & (lengths > 0), lengths)


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Tokens:
    """Documents of three sources, of 1 to 70 ids, some of them [UNK]; small ids are frequent."""
    draw = np.random.default_rng(0)

    def part(documents: int) -> Part:
        lengths = draw.integers(1, 70, documents)
        ids = np.minimum(5 + draw.geometric(0.05, lengths.sum()), 119)
        ids[draw.random(len(ids)) < 0.02] = UNK
        copies = draw.integers(1, 4, documents)
        return Part(ids.astype(np.uint16), lengths, draw.choice(3, documents, p=(0.1, 0.2, 0.7)), copies, lengths * 5)

    folder = tmp_path_factory.mktemp("tokens") / "store-0123"
    write_store(folder, {"train": [part(40), part(20)], "validation": [part(60)]}, SOURCES)
    return open_tokens(folder)


@pytest.fixture(scope="module")
def rows(tokens: Tokens) -> Rows:
    return pack(tokens, "validation", LENGTH)


def bert() -> PreTrainedModel:
    torch.manual_seed(1)
    return BertForMaskedLM(BertConfig(**SHAPE, max_position_embeddings=LENGTH, pad_token_id=0, initializer_range=0.5))


def llama() -> PreTrainedModel:
    torch.manual_seed(1)
    return LlamaForCausalLM(LlamaConfig(**SHAPE, max_position_embeddings=LENGTH, pad_token_id=0, bos_token_id=2, eos_token_id=3))


def guess(asked: Questions) -> tuple[np.ndarray, np.ndarray]:
    """Some numbers that depend on the place alone."""
    return np.sin(asked.labels * 1.7 + asked.places) + 1.3, (asked.labels + asked.places) % 3 == 0


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("limit", [None, 7])
def test_sums_are_the_same_to_the_bit_for_any_batch_size(rows: Rows, vocabulary: Vocabulary, causal: bool, limit: int | None) -> None:
    found = [
        add_up(guess, questions(rows, vocabulary, causal=causal, size=size, limit=limit), vocabulary, 3)
        for size in (1, 3, 16, len(rows) + 5)
    ]
    assert found[0].all()
    assert all(np.array_equal(found[0], other) for other in found[1:])


def test_ranks_share_the_rows(rows: Rows, vocabulary: Vocabulary) -> None:
    whole = add_up(guess, questions(rows, vocabulary, causal=False, size=4), vocabulary, 3)
    parts = [add_up(guess, questions(rows, vocabulary, causal=False, size=4, rank=rank, ranks=3), vocabulary, 3) for rank in range(3)]
    assert np.allclose(sum(parts), whole, rtol=1e-12)
    assert all(part[:, 3].sum() < whole[:, 3].sum() for part in parts)


@pytest.mark.parametrize("make", [bert, llama])
def test_a_models_scores_do_not_depend_on_the_batch_size(rows: Rows, vocabulary: Vocabulary, make) -> None:
    model = make().train()
    found = [evaluate(model, rows, vocabulary, SOURCES, size=size) for size in (2, 9)]
    assert model.training
    assert list(found[0]) == list(SOURCES)
    for name in SOURCES:
        first, second = (scores[name] for scores in found)
        assert (first.tokens, first.bytes, first.right) == (second.tokens, second.bytes, second.right)
        assert first.nll == pytest.approx(second.nll, rel=1e-6)
    assert evaluate(model, rows, vocabulary, SOURCES, size=9) == found[1], "again, the same to the bit"


def test_an_encoder_is_asked_for_fifteen_percent_in_whole_words(rows: Rows, vocabulary: Vocabulary) -> None:
    for asked in questions(rows, vocabulary, causal=False, size=4):
        clean = asked.ids.copy()
        row, place = np.nonzero(asked.labels != IGNORED)
        masked = asked.places[row, place]
        clean[row, masked] = asked.labels[row, place]
        chosen = np.zeros(clean.shape, bool)
        chosen[row, masked] = True
        ordinary = np.isin(clean, vocabulary.ordinary)
        assert not chosen[~ordinary].any(), "neither special tokens nor [UNK] nor padding"
        assert (np.abs(chosen.sum(1) - RATE * ordinary.sum(1)) <= 3).all()
        goes_on = vocabulary.continues[clean[:, 1:]] & (asked.pieces[:, 1:] == asked.pieces[:, :-1]) & ordinary[:, :-1]
        assert (chosen[:, 1:] == chosen[:, :-1])[goes_on].all(), "all of a word or nothing"


def test_a_decoder_that_knows_nothing_scores_as_computed_by_hand(tokens: Tokens, vocabulary: Vocabulary) -> None:
    model = llama()
    with torch.no_grad():
        model.lm_head.weight.zero_()
    opened = pack(tokens, "validation", LENGTH, closed=False)
    scores = evaluate(model, opened, vocabulary, SOURCES, size=4)
    held = tokens.split("validation")
    source = np.repeat(held.source, held.lengths())
    copies = np.repeat(held.copies, held.lengths())
    for number, name in enumerate(SOURCES):
        mine = (source == number) & (held.ids != UNK)
        assert scores[name].tokens == copies[mine].sum()
        assert scores[name].bytes == (copies[mine] * vocabulary.byte_lengths[held.ids[mine]]).sum()
        assert scores[name].loss == pytest.approx(np.log(SIZE), rel=1e-6)
        assert scores[name].bits_per_byte == pytest.approx(np.log2(SIZE) * scores[name].tokens / scores[name].bytes, rel=1e-6)
    assert total(scores).tokens == sum(score.tokens for score in scores.values())


def test_the_unigram_baseline_is_the_training_text_counted(tokens: Tokens, rows: Rows, vocabulary: Vocabulary) -> None:
    train = tokens.split("train")
    counts = np.ones(SIZE)
    for document in range(len(train)):
        for token in train.document(document):
            counts[token] += train.copies[document]
    counts[~np.isin(np.arange(SIZE), vocabulary.ordinary)] = 0
    found = unigram(train, vocabulary)
    assert np.exp(found) == pytest.approx(counts / counts.sum())
    asked = [labels for one in questions(rows, vocabulary, causal=False, size=8) for labels in one.labels[one.labels != IGNORED]]
    scores = total(evaluate_unigram(found, rows, vocabulary, SOURCES, causal=False))
    assert scores.tokens == len(asked)
    assert scores.loss == pytest.approx(-found[asked].mean())
    assert scores.accuracy == pytest.approx(np.mean(np.array(asked) == counts.argmax()))
    model = evaluate(bert(), rows, vocabulary, SOURCES, size=8)
    assert total(model).tokens == scores.tokens, "model and baseline are asked for the same"
    assert total(model).loss > scores.loss, "an untrained model knows less than frequencies"


def test_a_limit_takes_rows_of_each_source(rows: Rows, vocabulary: Vocabulary) -> None:
    whole = add_up(guess, questions(rows, vocabulary, causal=True, size=4), vocabulary, 3)
    few = add_up(guess, questions(rows, vocabulary, causal=True, size=4, limit=3), vocabulary, 3)
    asked = {number: set() for number in range(3)}
    for number, one in enumerate(questions(rows, vocabulary, causal=True, size=1, limit=3)):
        for source in np.unique(one.sources[one.labels != IGNORED]):
            asked[int(source)].add(number)
    assert [len(of) for of in asked.values()] == [3, 3, 3]
    assert (few[:, 3] < whole[:, 3]).all()
    everything = add_up(guess, questions(rows, vocabulary, causal=True, size=4, limit=10**6), vocabulary, 3)
    assert np.array_equal(everything, whole)


def test_scores_of_nothing_are_zero_and_no_error() -> None:
    nothing = Scores(0.0, 0, 0, 0)
    assert total({}) == nothing
    assert nothing.figures() == {"loss": 0.0, "accuracy": 0.0, "bits_per_byte": 0.0, "tokens": 0, "bytes": 0}


def test_a_source_that_validation_lacks_has_no_scores(tmp_path: Path, vocabulary: Vocabulary) -> None:
    part = Part(np.arange(5, 45, dtype=np.uint16), np.array([40]), np.array([1]), np.array([1]), np.array([200]))
    write_store(tmp_path / "store-1", {"validation": [part]}, SOURCES)
    scores = evaluate(bert(), pack(open_tokens(tmp_path / "store-1"), "validation", LENGTH), vocabulary, SOURCES, size=2)
    assert list(scores) == ["laws"]
