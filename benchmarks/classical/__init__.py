"""What can be had without an encoder: rows that a model has to beat before it has learnt anything of a language."""
