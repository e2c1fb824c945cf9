"""What is exported loads to the same model and the same tokenizer; the card says what it was made of, and runs nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import yaml
from tokenizers import Tokenizer
from transformers import (
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoTokenizer,
    BertConfig,
    BertForMaskedLM,
    BertForPreTraining,
    LlamaConfig,
    LlamaForCausalLM,
    ModernBertConfig,
    ModernBertForMaskedLM,
    PreTrainedModel,
)

from curation.errors import DollmaError
from modeling.card import Card, CorpusFact, SampleFact, ScoreFact, SourceFact, TokenizerFact, TrainingFact, corpus_fact, model_card, plain
from modeling.corpus import Version
from modeling.export import TRIAL, export, read_card
from modeling.samples import samples

SIZE = 3008
"""Ids of the tokenizer that all tests of modeling share."""
SHAPE = {"vocab_size": SIZE, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
IDS = {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3}
FACTS = Card(
    name="tiny-test",
    shape="tiny",
    objective="masked",
    parameters={"encoder and pooler, without head": 45_900_000},
    corpus=CorpusFact(
        title="Sınaq",
        version="sinaq-0123abcd",
        fingerprint="0123abcd" * 2,
        language="azj_Latn",
        licence="Apache-2.0",
        sources={"news": SourceFact(title="Xəbərlər", words=1000, upsample=2.5, final_words=2500)},
    ),
    tokenizer=TokenizerFact(name="wordpiece-3008-abc", fingerprint="abcd", size=SIZE),
    training=TrainingFact(steps=10, tokens=12_345, epochs=0.5, hours=0.25, device="CPU", settings={"shape": "tiny"}),
    validation={"news": ScoreFact(loss=3.5, accuracy=0.25, bits_per_byte=1.5, tokens=100, bytes=337)},
    unigram={"news": ScoreFact(loss=7.5, accuracy=0.05, bits_per_byte=3.25, tokens=100, bytes=333)},
    software={"torch": "2"},
)


def bert() -> PreTrainedModel:
    return BertForMaskedLM(BertConfig(**SHAPE, max_position_embeddings=128, pad_token_id=0))


def modern() -> PreTrainedModel:
    more = {"max_position_embeddings": 128, "local_attention": 8, "cls_token_id": 2, "sep_token_id": 3}
    return ModernBertForMaskedLM(ModernBertConfig(**SHAPE, **IDS, **more))


def llama() -> PreTrainedModel:
    return LlamaForCausalLM(LlamaConfig(**SHAPE, **IDS, max_position_embeddings=128, tie_word_embeddings=True))


def ordered() -> PreTrainedModel:
    return BertForPreTraining(BertConfig(**SHAPE, max_position_embeddings=128, pad_token_id=0))


@pytest.mark.parametrize("head", [lambda model: model.cls.predictions.bias, lambda model: model.cls.seq_relationship.bias])
def test_both_heads_of_a_model_are_compared(tmp_path: Path, tokenizer_folder: Path, head, capfd: pytest.CaptureFixture[str]) -> None:
    model = ordered()
    export(model, tokenizer_folder, FACTS, tmp_path / "sound")
    assert "UNEXPECTED" not in "".join(capfd.readouterr()), "transformers' list of the other head's weights"
    with torch.no_grad():
        head(model)[1] = float("nan")
    with pytest.raises(DollmaError, match="other logits"):
        export(model, tokenizer_folder, FACTS, tmp_path / "damaged")


@pytest.mark.parametrize(("make", "loader"), [(bert, AutoModelForMaskedLM), (modern, AutoModelForMaskedLM), (llama, AutoModelForCausalLM)])
def test_an_export_loads_to_the_same_model(tmp_path: Path, tokenizer_folder: Path, make, loader) -> None:
    torch.manual_seed(0)
    model = make().train()
    card = FACTS.model_copy(update={"objective": "causal" if make is llama else "masked"})
    folder = export(model, tokenizer_folder, card, tmp_path / "model")
    assert model.training
    loaded, reader = loader.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    ids = torch.tensor([reader(TRIAL)["input_ids"]])
    assert ids[0].tolist() == Tokenizer.from_file(str(tokenizer_folder / "tokenizer.json")).encode(TRIAL).ids
    with torch.inference_mode():
        assert torch.equal(loaded.eval()(input_ids=ids).logits, model.eval()(input_ids=ids).logits)
    assert len(reader) == loaded.config.vocab_size == SIZE
    assert reader.mask_token_id == 4
    assert read_card(folder) == card
    assert not list(folder.glob("*.bin")), "weights are safetensors, no pickle"


def test_an_export_with_another_tokenizer_is_refused_and_leaves_nothing(tmp_path: Path, tokenizer_folder: Path) -> None:
    model = BertForMaskedLM(BertConfig(**SHAPE | {"vocab_size": 3072}))
    with pytest.raises(DollmaError, match=r"3,008 ids, but the model has 3,072 rows"):
        export(model, tokenizer_folder, FACTS, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_weights_that_went_wrong_are_refused(tmp_path: Path, tokenizer_folder: Path) -> None:
    model = bert()
    with torch.no_grad():
        model.cls.predictions.bias[7] = float("nan")
    with pytest.raises(DollmaError, match="other logits"):
        export(model, tokenizer_folder, FACTS, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_the_card_is_as_the_hub_wants_it() -> None:
    header, text = parts(model_card(FACTS))
    assert header["language"] == ["azj"]
    assert header["license"] == "apache-2.0"
    assert (header["library_name"], header["pipeline_tag"]) == ("transformers", "fill-mask")
    assert header["datasets"] == ["sinaq-0123abcd"]
    assert "| encoder and pooler, without head | 45,900,000 |" in text
    assert "| Xəbərlər | 1,000 | ×2.5 | 2,500 |" in text
    assert "| Xəbərlər | 100 | 3.500 | 25.0% | 1.500 | 7.500 | 3.250 |" in text
    assert "| Total |" not in text.split("## Validation")[1], "of one source"
    assert "12,345 tokens of text seen (0.50 epochs), 10 steps, 0.25 hours" in text
    assert "AutoModelForMaskedLM" in text


def test_sources_are_added_up_by_prediction_and_byte() -> None:
    news, laws = (
        ScoreFact(loss=loss, accuracy=loss / 10, bits_per_byte=0.0, tokens=tokens, bytes=60) for loss, tokens in ((2.0, 30), (4.0, 10))
    )
    _, text = parts(
        model_card(FACTS.model_copy(update={"validation": {"news": news, "laws": laws}, "unigram": {"news": laws, "laws": laws}}))
    )
    bits = 100 / 0.6931471805599453 / 120
    assert f"| Total | 40 | 2.500 | 25.0% | {bits:.3f} | 4.000 | {80 / 0.6931471805599453 / 120:.3f} |" in text


def test_what_a_manifest_says_is_shown_and_never_run() -> None:
    hostile = "a <script>alert(1)</script> | [x](javascript:y) ![p](http://z/p.png) `k` \n# H\n---\nlicense: mit"
    corpus = FACTS.corpus.model_copy(
        update={"title": hostile, "licence": hostile, "sources": {"s": SourceFact(title=hostile, words=1, upsample=1, final_words=1)}}
    )
    training = FACTS.training.model_copy(update={"settings": {"name": "```\n<img src=x>"}})
    header, text = parts(model_card(FACTS.model_copy(update={"corpus": corpus, "training": training})))
    assert header["license"] == "other"
    assert header["license_name"] == " ".join(hostile.split())
    body, fenced = text.split("````yaml")
    assert "<script" not in text
    assert "[x](" not in body
    assert "![p]" not in body
    assert "http://" not in body
    assert "\n# H" not in body
    assert "\n---" not in body
    assert len([line for line in body.splitlines() if line.startswith("| a ")]) == 1
    assert "<img" in fenced.split("````")[0], "settings stand in a fence longer than any of their own"


def test_the_corpus_is_told_from_a_versions_manifest(version: Version) -> None:
    corpus = corpus_fact(version.manifest)
    assert (corpus.version, corpus.fingerprint) == (version.name, version.fingerprint)
    text = model_card(FACTS.model_copy(update={"corpus": corpus}))
    assert f"fingerprint {version.fingerprint}" in text
    for name, source in version.sources.items():
        assert f"| {plain(source.title)} | {source.words:,} | ×{source.factor:g} | {source.final_words:,} |" in text, name


def test_plain_text_stays_readable() -> None:
    assert plain("Bakı, 2024-cü il (Əsas)") == "Bakı, 2024-cü il (Əsas)"


def test_samples_are_repeatable_and_end(tokenizer_folder: Path) -> None:
    torch.manual_seed(0)
    model = llama().train()
    reader = Tokenizer.from_file(str(tokenizer_folder / "tokenizer.json"))
    prompts = ("", "Bakı")
    first, again = (samples(model, reader, prompts, begin=2, end=3, tokens=30, seed=5) for _ in range(2))
    assert first == again
    assert model.training
    assert first[1:] != samples(model, reader, prompts, begin=2, end=3, tokens=30, seed=9)[1:]
    with torch.no_grad():
        model.lm_head.weight.zero_()
    assert samples(model, reader, ("",), begin=2, end=0, tokens=30, seed=5)[0].greedy == "", "all logits are equal: the first is the end"
    card = FACTS.model_copy(update={"objective": "causal", "samples": (SampleFact(prompt="", greedy="<b>", sampled="x"),)})
    assert "| (start of a document) | &lt;b&gt; | x |" in model_card(card)


def test_a_missing_card_is_named(tmp_path: Path) -> None:
    (tmp_path / "card.json").write_text(json.dumps({"name": "x"}))
    with pytest.raises(DollmaError, match="not the card of an exported model"):
        read_card(tmp_path)


def parts(card: str) -> tuple[dict[str, object], str]:
    _, header, text = card.split("---\n", 2)
    return yaml.safe_load(header), text
