"""Decoders, as they are: tasks put to them through lm-eval, untaught or after a few examples, and bits per byte of held-out text."""
