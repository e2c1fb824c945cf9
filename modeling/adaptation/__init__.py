"""Models that exist, adapted to a language: opened with care, their vocabulary trimmed or extended, trained on, tuned."""
