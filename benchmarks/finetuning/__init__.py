"""Encoders fine-tuned on tasks of every kind: rates, seeds, and a prediction for each item of the test split."""
