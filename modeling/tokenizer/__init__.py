"""Tokenizers: trained on a version's mixture, saved as transformers loads them, and measured."""

from modeling.tokenizer.saved import Vocabulary, load_tokenizer, tokenizer_fingerprint, vocabulary

__all__ = ["Vocabulary", "load_tokenizer", "tokenizer_fingerprint", "vocabulary"]
