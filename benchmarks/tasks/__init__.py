"""Tasks: what is asked of a model, where the labelled sets are from, and how their rows are read."""
