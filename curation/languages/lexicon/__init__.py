"""How the lexicons are made: which texts, which words of them, and the models with their cards."""
