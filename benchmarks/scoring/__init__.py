"""Scores of stored predictions, how far to trust them, and which models they tell apart."""
