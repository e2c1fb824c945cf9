"""Two corpus versions, the same tiny model trained on each at one token budget: which is better, on what, and how sure that is."""
