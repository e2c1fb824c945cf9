"""Encoders fine-tuned on classification of texts: what pre-training was worth, with an interval."""
